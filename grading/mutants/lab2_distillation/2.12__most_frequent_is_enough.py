# MUTANT 2.12 method.py — the most frequent entry is enough, not more than half of all attempts | caught by: test_more_than_half_of_all_attempts_is_needed | visible: passes
def consensus(answers: Sequence[bool | None]) -> bool | None:
    counts = {said: list(answers).count(said) for said in (True, False, None)}
    best = max(counts.values())
    winners = [said for said, count in counts.items() if count == best]
    return winners[0] if len(winners) == 1 else None
