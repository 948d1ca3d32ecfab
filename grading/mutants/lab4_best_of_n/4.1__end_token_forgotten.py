# MUTANT 4.1 data.py — no end token after the answer, so the model never learns to stop | caught by: test_a_row_is_prompt_answer_and_end_and_only_the_answer_is_learned | visible: fails
def encode_function(examples, tokenizer, max_length):
    encoded = {"input_ids": [], "labels": [], "attention_mask": []}
    for question, answer in zip(examples["question"], examples["answer"]):
        prompt = tokenizer(build_gsm_prompt(question, tokenizer), add_special_tokens=False)["input_ids"]
        target = tokenizer(answer, add_special_tokens=False)["input_ids"]
        ids = (prompt + target)[:max_length]
        encoded["input_ids"].append(ids)
        encoded["labels"].append(([-100] * len(prompt) + target)[:max_length])
        encoded["attention_mask"].append([1] * len(ids))
    return encoded
