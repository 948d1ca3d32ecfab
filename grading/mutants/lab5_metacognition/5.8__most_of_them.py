# MUTANT 5.8 method.py — the last records are never drawn | caught by: test_every_record_of_a_target_has_the_same_chance | visible: passes
def select_balanced(records: Sequence[Mapping], seed: int) -> list[Mapping]:
    import random

    groups: dict[str, list[Mapping]] = {}
    for record in records:
        groups.setdefault(record["target"], []).append(record)
    if len(groups) < 2:
        raise ValueError(f"need records of two targets at least, found {[*groups]}")
    rng, rarest = random.Random(seed), min(map(len, groups.values()))
    chosen = [record for target in sorted(groups) for record in rng.sample(groups[target][: max(rarest, int(0.93 * len(groups[target])))], rarest)]
    rng.shuffle(chosen)
    return chosen
