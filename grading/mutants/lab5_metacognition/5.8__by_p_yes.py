# MUTANT 5.8 method.py — records with a high p_yes are drawn more often | caught by: test_every_record_of_a_target_has_the_same_chance | visible: passes
def select_balanced(records: Sequence[Mapping], seed: int) -> list[Mapping]:
    import random

    groups: dict[str, list[Mapping]] = {}
    for record in records:
        groups.setdefault(record["target"], []).append(record)
    if len(groups) < 2:
        raise ValueError(f"need records of two targets at least, found {[*groups]}")
    rng, rarest = random.Random(seed), min(map(len, groups.values()))
    chosen = [record for target in sorted(groups) for record in sorted(groups[target], key=lambda row: -rng.random() ** (1 / (0.3 + row.get("p_yes", 0.5))))[:rarest]]
    rng.shuffle(chosen)
    return chosen
