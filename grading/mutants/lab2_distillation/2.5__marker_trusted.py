# MUTANT 2.5 data.py — a marker that closes early loses the end | caught by: test_the_end_is_learned_also_behind_a_marker_that_closes_early | visible: fails
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
        labels.append(token if mask[i] == 1 else IGNORE)
    ids = ids[:max_length]
    return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels[:max_length]}
