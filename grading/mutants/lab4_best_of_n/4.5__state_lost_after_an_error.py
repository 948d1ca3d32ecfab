# MUTANT 4.5 method.py — everything is put back, but not when the model raises | caught by: test_everything_is_left_as_it_was | visible: passes
def generate_samples_batched(
    model, tokenizer, questions, *, n, max_new_tokens, temperature, top_p=1.0, batch_size, seed
):
    import torch

    ends = model.generation_config.eos_token_id
    ends = [] if ends is None else [ends] if isinstance(ends, int) else list(ends)
    drawing = {"do_sample": True, "temperature": temperature, "top_p": top_p, "top_k": 0}
    drawing = drawing if temperature > 0 else {"do_sample": False}
    padding_side, training = tokenizer.padding_side, model.training
    model.eval()
    tokenizer.padding_side = "left"
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
                eos_token_id=sorted({*ends, tokenizer.eos_token_id}),
                **drawing,
            )
            texts += tokenizer.batch_decode(ids[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    tokenizer.padding_side = padding_side
    model.train(training)
    return [texts[i * n : (i + 1) * n] for i in range(len(questions))]
