# MUTANT 4.2 data.py — max_length does not reach the encoder | caught by: test_every_row_is_encoded_and_only_three_columns_stay | visible: passes
def load_and_prepare_train_dataset(path, tokenizer, encode, max_length, limit=None, seed=0):
    from labkit.data import read_jsonl

    raw = Dataset.from_list([{k: r[k] for k in ("question", "answer")} for r in read_jsonl(path)])
    encoded = raw.map(
        lambda batch: encode(batch, tokenizer, 512), batched=True, remove_columns=raw.column_names
    )
    usable = encoded.filter(lambda row: any(label != -100 for label in row["labels"]))
    shuffled = usable.shuffle(seed=seed)
    return shuffled if limit is None else shuffled.select(range(min(limit, len(shuffled))))
