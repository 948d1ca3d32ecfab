# MUTANT 3.16 evaluate.py — one order is enough for a win | caught by: test_a_win_is_said_in_both_orders | visible: fails
def win_rate(ab, ba):
    if len(ab) != len(ba) or len(ab) == 0 or {*ab, *ba} - {"first", "second", "tie", None}:
        raise ValueError(f"need verdicts first, second, tie or None, as many in ba: {len(ab)}, {len(ba)}")
    wins = losses = unparsed = same = 0
    swapped = {"first": "second", "second": "first", "tie": "tie"}
    for one, other in zip(ab, ba, strict=True):
        if one is None or other is None:
            unparsed += 1
            continue
        agreed = swapped[other] == one
        same += agreed
        wins += one == "first" or other == "second"
        losses += agreed and one == "second"
    n = len(ab)
    ties = n - wins - losses - unparsed
    return {
        "n": n,
        "wins": wins,
        "losses": losses,
        "ties": ties,
        "unparsed": unparsed,
        "win_rate": (wins + (ties + unparsed) / 2) / n,
        "consistent": same / (n - unparsed) if n > unparsed else float("nan"),
    }
