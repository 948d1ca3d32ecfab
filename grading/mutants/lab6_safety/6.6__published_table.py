# MUTANT 6.6 method.py — a table of the published values, whatever the offset | caught by: test_another_offset_gives_another_table | visible: passes
def nf4_table(offset: float = 0.9677083) -> list[float]:
    if not 0.5 < offset < 1:
        raise ValueError(f"offset must lie between 0.5 and 1, found {offset}")
    from statistics import NormalDist

    def half(count: int) -> list[float]:
        step = (offset - 0.5) / count
        return [NormalDist().inv_cdf(offset - i * step) for i in range(count)]

    offset = 0.9677083
    values = [*half(8), 0.0, *(-value for value in half(7))]
    return sorted(value / max(values) for value in values)
