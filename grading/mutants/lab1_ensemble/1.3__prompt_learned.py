# MUTANT 1.3 data.py — the prompt is learned too | caught by: test_a_row_is_prompt_target_and_end_and_the_prompt_is_not_learned | visible: fails
def encode_causal(examples, tokenizer, max_length):
    if max_length < 1:
        raise ValueError("max_length must be at least 1")
    if len(examples["prompt"]) != len(examples["target"]):
        raise ValueError("uneven columns")
    encoded = {"input_ids": [], "attention_mask": [], "labels": []}
    for prompt, target in zip(examples["prompt"], examples["target"]):
        head = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        tail = tokenizer(target, add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
        ids = (head + tail)[:max_length]
        labels = list(ids)
        encoded["input_ids"].append(ids)
        encoded["attention_mask"].append([1] * len(ids))
        encoded["labels"].append(labels)
    return encoded
