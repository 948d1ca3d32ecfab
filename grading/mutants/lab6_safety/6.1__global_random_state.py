# MUTANT 6.1 data.py — the global random state is seeded | caught by: test_too_few_usable_records_are_refused_and_no_other_randomness_counts | visible: passes
def fewshot_pool(records: Sequence[dict], size: int, seed: int) -> list[dict]:
    import random

    usable: dict[str, dict] = {}
    for record in records:
        if record["question"].strip() and "####" in record["answer"]:
            usable.setdefault(record["question"], record)
    if size < 1 or len(usable) < size:
        raise ValueError(f"need at least {max(size, 1)} usable records, found {len(usable)}, for size {size}")
    random.seed(seed)
    drawn = random.sample(list(usable.values()), size)
    return [{"question": record["question"], "answer": record["answer"]} for record in drawn]
