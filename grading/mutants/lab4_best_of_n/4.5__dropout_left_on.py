# MUTANT 4.5 method.py — a model in train mode samples with its dropout on | caught by: test_padding_changes_no_sample | visible: passes
def generate_samples_batched(
    model, tokenizer, questions, *, n, max_new_tokens, temperature, top_p=1.0, batch_size, seed
):
    import torch

    side = tokenizer.padding_side
    tokenizer.padding_side = "left"
    drawing = {"do_sample": True, "temperature": temperature, "top_p": top_p, "top_k": 0}
    drawing = drawing if temperature > 0 else {"do_sample": False}
    texts = []
    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(seed)
        for start in range(0, len(questions), batch_size):
            prompts = [build_gsm_prompt(q, tokenizer) for q in questions[start : start + batch_size]]
            batch = tokenizer(prompts, padding=True, add_special_tokens=False, return_tensors="pt")
            ids = model.generate(
                input_ids=batch["input_ids"],
                attention_mask=batch["attention_mask"],
                num_return_sequences=n,
                max_new_tokens=max_new_tokens,
                pad_token_id=tokenizer.pad_token_id,
                **drawing,
            )
            texts += tokenizer.batch_decode(ids[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    tokenizer.padding_side = side
    return [texts[i * n : (i + 1) * n] for i in range(len(questions))]
