# MUTANT 2.9 method.py — copies are drawn with replacement | caught by: test_the_smaller_class_is_repeated_evenly | visible: fails
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
    made = large + small + rng.choices(small, k=len(large) - len(small))
    rng.shuffle(made)
    return made
