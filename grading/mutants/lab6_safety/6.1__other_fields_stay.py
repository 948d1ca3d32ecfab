# MUTANT 6.1 data.py — other fields than question and answer stay | caught by: test_the_pool_is_the_stated_draw_in_its_order | visible: fails
def fewshot_pool(records: Sequence[dict], size: int, seed: int) -> list[dict]:
    import random

    usable: dict[str, dict] = {}
    for record in records:
        if record["question"].strip() and "####" in record["answer"]:
            usable.setdefault(record["question"], record)
    if size < 1 or len(usable) < size:
        raise ValueError(f"need at least {max(size, 1)} usable records, found {len(usable)}, for size {size}")
    drawn = random.Random(seed).sample(list(usable.values()), size)
    return drawn
