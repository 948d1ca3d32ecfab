# MUTANT 4.6 method.py — the model's pad token is not set, so short samples are scored at their padding | caught by: test_no_batch_changes_a_reward | visible: passes
def score_samples_batched(reward_model, tokenizer, questions, samples, *, batch_size):
    import torch

    side, training = tokenizer.padding_side, reward_model.training
    tokenizer.padding_side = "right"
    if reward_model.config.pad_token_id is None:
        reward_model.config.pad_token_id = tokenizer.eos_token_id
    reward_model.eval()
    texts = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": q}, {"role": "assistant", "content": s}], tokenize=False
        )
        for q, group in zip(questions, samples, strict=True)
        for s in group
    ]
    scores = []
    with torch.inference_mode():
        for start in range(0, len(texts), batch_size):
            part = texts[start : start + batch_size]
            batch = tokenizer(part, padding=True, add_special_tokens=False, return_tensors="pt")
            logits = reward_model(batch["input_ids"], attention_mask=batch["attention_mask"]).logits
            scores += logits[:, 0].tolist()
    tokenizer.padding_side = side
    reward_model.train(training)
    rest = iter(scores)
    return [[next(rest) for _ in group] for group in samples]
