# MUTANT 4.2 data.py — the limit keeps the beginning of the file, which is then shuffled | caught by: test_the_limit_counts_usable_rows_after_the_shuffle | visible: fails
def load_and_prepare_train_dataset(path, tokenizer, encode, max_length, limit=None, seed=0):
    from labkit.data import read_jsonl

    records = read_jsonl(path)
    raw = Dataset.from_list([{k: r[k] for k in ("question", "answer")} for r in records])
    encoded = raw.map(
        lambda batch: encode(batch, tokenizer, max_length), batched=True, remove_columns=raw.column_names
    )
    usable = encoded.filter(lambda row: any(label != -100 for label in row["labels"]))
    if limit is not None:
        usable = usable.select(range(min(limit, len(usable))))
    return usable.shuffle(seed=seed)
