# MUTANT 4.2 data.py — rows whose labels are all -100 are kept | caught by: test_rows_without_a_label_are_dropped | visible: passes
def load_and_prepare_train_dataset(path, tokenizer, encode, max_length, limit=None, seed=0):
    from labkit.data import read_jsonl

    raw = Dataset.from_list([{k: r[k] for k in ("question", "answer")} for r in read_jsonl(path)])
    encoded = raw.map(
        lambda batch: encode(batch, tokenizer, max_length), batched=True, remove_columns=raw.column_names
    )
    shuffled = encoded.shuffle(seed=seed)
    return shuffled if limit is None else shuffled.select(range(min(limit, len(shuffled))))
