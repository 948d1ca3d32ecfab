# MUTANT 1.3 data.py — labels that equal the pad token are masked, and with them the end | caught by: test_the_end_is_learned_where_pad_and_end_are_one_token | visible: passes
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
        labels = ([-100] * len(head) + tail)[:max_length]
        labels = [-100 if label == tokenizer.pad_token_id else label for label in labels]
        encoded["input_ids"].append(ids)
        encoded["attention_mask"].append([1] * len(ids))
        encoded["labels"].append(labels)
    return encoded
