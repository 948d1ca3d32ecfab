# MUTANT 2.5 data.py — long rows aren't cut | caught by: test_the_end_is_learned_where_pad_and_end_are_one_token_and_rows_are_cut | visible: passes
def assistant_mask(messages: list[dict[str, str]], tokenizer, max_length: int) -> dict[str, list[int]]:
    if max_length < 1:
        raise ValueError(f"max_length must be at least 1 token, found {max_length}")
    made = tokenizer.apply_chat_template(
        messages, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )
    ids, mask = list(made["input_ids"]), list(made["assistant_masks"])
    if 1 not in mask:
        raise ValueError("the chat template marks no token as the assistant's: it needs {% generation %}")
    labels = []
    for i, token in enumerate(ids):
        ends = i > 0 and mask[i - 1] == 1 and token == tokenizer.eos_token_id
        labels.append(token if mask[i] == 1 or ends else IGNORE)
    return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels}
