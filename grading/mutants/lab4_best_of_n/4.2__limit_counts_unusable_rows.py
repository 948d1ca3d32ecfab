# MUTANT 4.2 data.py — the limit is taken before the rows without a label are dropped | caught by: test_the_limit_counts_usable_rows_after_the_shuffle | visible: passes
def load_and_prepare_train_dataset(path, tokenizer, encode, max_length, limit=None, seed=0):
    from labkit.data import read_jsonl

    raw = Dataset.from_list([{k: r[k] for k in ("question", "answer")} for r in read_jsonl(path)])
    encoded = raw.map(
        lambda batch: encode(batch, tokenizer, max_length), batched=True, remove_columns=raw.column_names
    )
    shuffled = encoded.shuffle(seed=seed)
    if limit is not None:
        shuffled = shuffled.select(range(min(limit, len(shuffled))))
    return shuffled.filter(lambda row: any(label != -100 for label in row["labels"]))
