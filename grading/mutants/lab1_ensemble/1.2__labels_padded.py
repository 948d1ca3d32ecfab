# MUTANT 1.2 data.py — labels are padded with the pad token, which is learned | caught by: test_the_prompt_goes_in_and_the_target_with_its_end_is_learned, test_nothing_is_padded_and_bad_lengths_are_refused | visible: fails
def encode_seq2seq(examples, tokenizer, max_input_length, max_target_length):
    if min(max_input_length, max_target_length) < 1:
        raise ValueError("lengths must be at least 1")
    if len(examples["prompt"]) != len(examples["target"]):
        raise ValueError("uneven columns")
    encoded = {"input_ids": [], "attention_mask": [], "labels": []}
    for prompt, target in zip(examples["prompt"], examples["target"]):
        ids = tokenizer(prompt, truncation=True, max_length=max_input_length)["input_ids"]
        labels = tokenizer(target, add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
        labels = labels[:max_target_length]
        labels = labels + [tokenizer.pad_token_id] * (max_target_length - len(labels))
        encoded["input_ids"].append(ids)
        encoded["attention_mask"].append([1] * len(ids))
        encoded["labels"].append(labels)
    return encoded
