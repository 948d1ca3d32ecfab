# MUTANT 6.3 data.py — a template without generation markers is accepted | caught by: test_rows_that_do_not_fit_are_none_and_what_cannot_be_learned_is_refused | visible: fails
def assistant_labels(
    messages: Sequence[dict[str, str]], tokenizer, max_length: int, only_last: bool = True
) -> dict[str, list[int]] | None:
    if max_length < 1 or not messages or messages[-1]["role"] != "assistant":
        raise ValueError("need max_length >= 1 and messages that end with the assistant's turn")
    made = tokenizer.apply_chat_template(
        list(messages), tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )
    ids, mask = list(made["input_ids"]), list(made["assistant_masks"])
    stretches: list[list[int]] = []
    for i, token in enumerate(ids):
        behind = i > 0 and mask[i - 1] == 1
        if mask[i] == 1 and not behind:
            stretches.append([i])
        elif mask[i] == 1 or (behind and token == tokenizer.eos_token_id):
            stretches[-1].append(i)
    labels = [IGNORE] * len(ids)
    for i in (stretches or [[]])[-1] if only_last else sum(stretches, []):
        labels[i] = ids[i]
    return {"input_ids": ids, "labels": labels} if len(ids) <= max_length else None
