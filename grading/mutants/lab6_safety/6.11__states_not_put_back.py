# MUTANT 6.11 evaluate.py — the model stays in eval mode and padding_side isn't put back | caught by: test_batches_and_states_change_nothing | visible: passes
def score_replies(
    model, tokenizer, guidelines: str, pairs: Sequence[Sequence[str]], *, batch_size: int, max_length: int
) -> list[dict]:
    safeguard_text(guidelines, "", "")
    names = {str(name).lower(): index for index, name in model.config.id2label.items()}
    if batch_size < 1 or max_length < 1 or not {"safe", "unsafe"} <= names.keys():
        raise ValueError(f"need positive sizes, and the labels safe and unsafe among {sorted(names)}")
    import torch

    texts = [safeguard_text(guidelines, prompt, reply) for prompt, reply in pairs]
    found: list[dict] = [{"verdict": "unparsed", "p_unsafe": None} for _ in texts]
    fits = [i for i, text in enumerate(texts) if len(tokenizer(text)["input_ids"]) <= max_length]
    labels = {index: name for name, index in names.items()}
    side, training = tokenizer.padding_side, model.training
    try:
        tokenizer.padding_side = "right"
        model.eval()
        with torch.inference_mode():
            for start in range(0, len(fits), batch_size):
                places = fits[start : start + batch_size]
                batch = tokenizer([texts[i] for i in places], padding=True, return_tensors="pt")
                inputs = {name: batch[name].to(model.device) for name in ("input_ids", "attention_mask")}
                logits = model(**inputs).logits.float()  # (batch, labels)
                for place, row in zip(places, logits, strict=True):
                    said = labels.get(int(row.argmax()))
                    if bool(torch.isfinite(row).all()) and said in ("safe", "unsafe"):
                        p_unsafe = float(row.softmax(-1)[names["unsafe"]])
                        found[place] = {"verdict": said, "p_unsafe": p_unsafe}
    finally:
        pass
    return found
