# MUTANT 5.8 method.py — shuffles the list that it is given | caught by: test_the_seed_alone_decides_and_one_target_is_refused | visible: fails
def select_balanced(records: Sequence[Mapping], seed: int) -> list[Mapping]:
    import random

    random.Random(seed).shuffle(records)
    groups: dict[str, list[Mapping]] = {}
    for record in records:
        groups.setdefault(record["target"], []).append(record)
    if len(groups) < 2:
        raise ValueError(f"need records of two targets at least, found {[*groups]}")
    rng, rarest = random.Random(seed), min(map(len, groups.values()))
    chosen = [record for target in sorted(groups) for record in rng.sample(groups[target], rarest)]
    rng.shuffle(chosen)
    return chosen
