# MUTANT 5.8 method.py — the last records of a target are never drawn | caught by: test_records_are_drawn_at_random_and_mixed | visible: passes
def select_balanced(records: Sequence[Mapping], seed: int) -> list[Mapping]:
    import random

    groups: dict[str, list[Mapping]] = {}
    for record in records:
        groups.setdefault(record["target"], []).append(record)
    if len(groups) < 2:
        raise ValueError(f"need records of two targets at least, found {[*groups]}")
    rng, rarest = random.Random(seed), min(map(len, groups.values()))
    chosen = [record for target in sorted(groups) for record in rng.sample(groups[target][: max(rarest, 9 * len(groups[target]) // 10)], rarest)]
    rng.shuffle(chosen)
    return chosen
