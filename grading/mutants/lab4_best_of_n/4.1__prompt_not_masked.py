# MUTANT 4.1 data.py — the prompt is learned too | caught by: test_a_row_is_prompt_answer_and_end_and_only_the_answer_is_learned | visible: fails
def encode_function(examples, tokenizer, max_length):
    encoded = {"input_ids": [], "labels": [], "attention_mask": []}
    for question, answer in zip(examples["question"], examples["answer"]):
        text = build_gsm_prompt(question, tokenizer) + answer + tokenizer.eos_token
        ids = tokenizer(text, add_special_tokens=False)["input_ids"][:max_length]
        encoded["input_ids"].append(ids)
        encoded["labels"].append(list(ids))
        encoded["attention_mask"].append([1] * len(ids))
    return encoded
