# MUTANT 5.8 method.py — a record may be drawn twice, with replacement | caught by: test_every_target_has_as_many_records_as_the_rarest | visible: fails
def select_balanced(records: Sequence[Mapping], seed: int) -> list[Mapping]:
    import random

    groups: dict[str, list[Mapping]] = {}
    for record in records:
        groups.setdefault(record["target"], []).append(record)
    if len(groups) < 2:
        raise ValueError(f"need records of two targets at least, found {[*groups]}")
    rng, rarest = random.Random(seed), min(map(len, groups.values()))
    chosen = [record for target in sorted(groups) for record in rng.choices(groups[target], k=rarest)]
    rng.shuffle(chosen)
    return chosen
