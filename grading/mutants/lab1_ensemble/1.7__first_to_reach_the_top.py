# MUTANT 1.7 method.py — a tie goes to the label that reaches the top count first | caught by: test_ties_go_to_the_earliest_label_and_are_told | visible: passes
def ensemble_vote(labels):
    counts, label, top = {}, None, 0
    for one in labels:
        if one is not None:
            counts[one] = counts.get(one, 0) + 1
            if counts[one] > top:
                label, top = one, counts[one]
    tie = list(counts.values()).count(top) > 1
    share = top / len(labels) if labels else 0.0
    return {"label": label, "votes": top, "n": len(labels), "share": share, "tie": tie}
