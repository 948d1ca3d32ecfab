# MUTANT 4.6 method.py — everything is put back, but not when the model raises | caught by: test_scoring_leaves_tokenizer_and_model_as_they_were | visible: passes
def score_samples_batched(reward_model, tokenizer, questions, samples, *, batch_size):
    import torch

    before = tokenizer.padding_side, reward_model.config.pad_token_id, reward_model.training
    tokenizer.padding_side, reward_model.config.pad_token_id = "right", tokenizer.pad_token_id
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
    tokenizer.padding_side, reward_model.config.pad_token_id = before[:2]
    reward_model.train(before[2])
    rest = iter(scores)
    return [[next(rest) for _ in group] for group in samples]
