# MUTANT 2.9 method.py — the rest is the first few, not drawn | caught by: test_the_seed_alone_decides_and_copies_are_mixed_in | visible: passes
def upsample(records: Sequence[dict], seed: int) -> list[dict]:
    import random

    if any(type(record["answer"]) is not bool for record in records):
        raise ValueError("every record needs an answer that is True or False")
    classes = [[r for r in records if r["answer"]], [r for r in records if not r["answer"]]]
    small, large = sorted(classes, key=len)
    if not small:
        raise ValueError("a class has no record: nothing there to repeat")
    rng = random.Random(seed)
    rounds, rest = divmod(len(large), len(small))
    made = large + small * rounds + small[:rest]
    rng.shuffle(made)
    return made
