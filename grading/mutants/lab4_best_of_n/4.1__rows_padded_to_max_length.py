# MUTANT 4.1 data.py — every row is padded here, with the collator's work | caught by: test_rows_have_three_equally_long_lists_and_no_padding | visible: fails
def encode_function(examples, tokenizer, max_length):
    encoded = {"input_ids": [], "labels": [], "attention_mask": []}
    for question, answer in zip(examples["question"], examples["answer"]):
        prompt = tokenizer(build_gsm_prompt(question, tokenizer), add_special_tokens=False)["input_ids"]
        target = tokenizer(answer, add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
        ids = (prompt + target)[:max_length]
        missing = max_length - len(ids)
        encoded["input_ids"].append(ids + [tokenizer.pad_token_id] * missing)
        encoded["labels"].append(([-100] * len(prompt) + target)[:max_length] + [-100] * missing)
        encoded["attention_mask"].append([1] * len(ids) + [0] * missing)
    return encoded
