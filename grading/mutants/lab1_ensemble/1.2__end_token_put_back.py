# MUTANT 1.2 data.py — the end token is put back after the cut | caught by: test_the_tokenizer_cuts_the_prompt_and_targets_lose_their_right_end | visible: passes
def encode_seq2seq(examples, tokenizer, max_input_length, max_target_length):
    if min(max_input_length, max_target_length) < 1:
        raise ValueError("lengths must be at least 1")
    if len(examples["prompt"]) != len(examples["target"]):
        raise ValueError("uneven columns")
    encoded = {"input_ids": [], "attention_mask": [], "labels": []}
    for prompt, target in zip(examples["prompt"], examples["target"]):
        ids = tokenizer(prompt, truncation=True, max_length=max_input_length)["input_ids"]
        labels = tokenizer(target, add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
        labels = labels if len(labels) <= max_target_length else labels[: max_target_length - 1] + labels[-1:]
        encoded["input_ids"].append(ids)
        encoded["attention_mask"].append([1] * len(ids))
        encoded["labels"].append(labels)
    return encoded
