# MUTANT 4.2 data.py — the shuffle always uses the same seed | caught by: test_the_order_is_shuffled_by_the_seed | visible: passes
def load_and_prepare_train_dataset(path, tokenizer, encode, max_length, limit=None, seed=0):
    from labkit.data import read_jsonl

    raw = Dataset.from_list([{k: r[k] for k in ("question", "answer")} for r in read_jsonl(path)])
    encoded = raw.map(
        lambda batch: encode(batch, tokenizer, max_length), batched=True, remove_columns=raw.column_names
    )
    usable = encoded.filter(lambda row: any(label != -100 for label in row["labels"]))
    shuffled = usable.shuffle(seed=42)
    return shuffled if limit is None else shuffled.select(range(min(limit, len(shuffled))))
