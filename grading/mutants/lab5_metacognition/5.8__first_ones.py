# MUTANT 5.8 method.py — takes the first ones of each target | caught by: test_records_are_drawn_at_random_and_mixed | visible: fails
def select_balanced(records: Sequence[Mapping], seed: int) -> list[Mapping]:
    import random

    groups: dict[str, list[Mapping]] = {}
    for record in records:
        groups.setdefault(record["target"], []).append(record)
    if len(groups) < 2:
        raise ValueError(f"need records of two targets at least, found {[*groups]}")
    rng, rarest = random.Random(seed), min(map(len, groups.values()))
    chosen = [record for target in sorted(groups) for record in groups[target][:rarest]]
    rng.shuffle(chosen)
    return chosen
