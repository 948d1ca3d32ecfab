# MUTANT 6.1 data.py — a record without #### can be an exemplar | caught by: test_only_usable_records_take_part_and_each_question_once | visible: fails
def fewshot_pool(records: Sequence[dict], size: int, seed: int) -> list[dict]:
    import random

    usable: dict[str, dict] = {}
    for record in records:
        if record["question"].strip():
            usable.setdefault(record["question"], record)
    if size < 1 or len(usable) < size:
        raise ValueError(f"need at least {max(size, 1)} usable records, found {len(usable)}, for size {size}")
    drawn = random.Random(seed).sample(list(usable.values()), size)
    return [{"question": record["question"], "answer": record["answer"]} for record in drawn]
