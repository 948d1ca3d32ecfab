# MUTANT 2.9 method.py — classes of equal size stay in their order | caught by: test_the_seed_alone_decides_and_copies_are_mixed_in | visible: passes
def upsample(records, seed):
    import random

    if any(type(r["answer"]) is not bool for r in records):
        raise ValueError("x")
    a = [r for r in records if r["answer"]]
    b = [r for r in records if not r["answer"]]
    if not a or not b:
        raise ValueError("x")
    if len(a) == len(b):
        return list(records)
    s, l = sorted([a, b], key=len)
    g = random.Random(seed)
    q, m = divmod(len(l), len(s))
    out = l + s * q + g.sample(s, m)
    g.shuffle(out)
    return out
