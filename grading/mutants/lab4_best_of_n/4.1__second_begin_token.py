# MUTANT 4.1 data.py — the tokenizer adds a begin token although the template wrote the special tokens | caught by: test_no_second_begin_token_gets_in | visible: passes
def encode_function(examples, tokenizer, max_length):
    encoded = {"input_ids": [], "labels": [], "attention_mask": []}
    for question, answer in zip(examples["question"], examples["answer"]):
        prompt = tokenizer(build_gsm_prompt(question, tokenizer))["input_ids"]
        target = tokenizer(answer)["input_ids"] + [tokenizer.eos_token_id]
        ids = (prompt + target)[:max_length]
        encoded["input_ids"].append(ids)
        encoded["labels"].append(([-100] * len(prompt) + target)[:max_length])
        encoded["attention_mask"].append([1] * len(ids))
    return encoded
