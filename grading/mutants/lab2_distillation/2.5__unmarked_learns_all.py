# MUTANT 2.5 data.py — without markers everything is learned | caught by: test_a_template_that_marks_nothing_is_an_error | visible: fails
def assistant_mask(messages: list[dict[str, str]], tokenizer, max_length: int) -> dict[str, list[int]]:
    if max_length < 1:
        raise ValueError(f"max_length must be at least 1 token, found {max_length}")
    made = tokenizer.apply_chat_template(
        messages, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )
    ids, mask = list(made["input_ids"]), list(made["assistant_masks"])
    if 1 not in mask:
        mask = [1] * len(ids)
    labels = []
    for i, token in enumerate(ids):
        ends = i > 0 and mask[i - 1] == 1 and token == tokenizer.eos_token_id
        labels.append(token if mask[i] == 1 or ends else IGNORE)
    ids = ids[:max_length]
    return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels[:max_length]}
