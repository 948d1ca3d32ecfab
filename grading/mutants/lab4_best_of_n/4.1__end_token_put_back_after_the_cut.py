# MUTANT 4.1 data.py — a truncated answer still gets its end token, so the model learns to stop halfway | caught by: test_a_long_row_loses_its_right_end | visible: passes
def encode_function(examples, tokenizer, max_length):
    encoded = {"input_ids": [], "labels": [], "attention_mask": []}
    for question, answer in zip(examples["question"], examples["answer"]):
        prompt = tokenizer(build_gsm_prompt(question, tokenizer), add_special_tokens=False)["input_ids"]
        target = tokenizer(answer, add_special_tokens=False)["input_ids"]
        ids = (prompt + target)[: max_length - 1] + [tokenizer.eos_token_id]
        labels = ([-100] * len(prompt) + target)[: max_length - 1] + [tokenizer.eos_token_id]
        encoded["input_ids"].append(ids)
        encoded["labels"].append(labels)
        encoded["attention_mask"].append([1] * len(ids))
    return encoded
