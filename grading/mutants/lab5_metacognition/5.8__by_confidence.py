# MUTANT 5.8 method.py — records with a high P(yes) are drawn more often | caught by: test_records_are_drawn_at_random_and_mixed | visible: passes
def select_balanced(records: Sequence[Mapping], seed: int) -> list[Mapping]:
    import random

    groups: dict[str, list[Mapping]] = {}
    for record in records:
        groups.setdefault(record["target"], []).append(record)
    if len(groups) < 2:
        raise ValueError(f"need records of two targets at least, found {[*groups]}")
    rng, rarest = random.Random(seed), min(map(len, groups.values()))
    def key(record: Mapping) -> float:
        return rng.random() ** (1 / (0.2 + record.get("p_yes", 0.5)))

    chosen = [record for target in sorted(groups) for record in sorted(groups[target], key=key)[-rarest:]]
    rng.shuffle(chosen)
    return chosen
