# MUTANT 1.7 method.py — a tie goes to the label whose first vote came last | caught by: test_ties_go_to_the_earliest_label_and_are_told | visible: fails
def ensemble_vote(labels):
    votes = [label for label in labels if label is not None]
    counts = {label: votes.count(label) for label in votes}
    top = max(counts.values(), default=0)
    tied = [label for label in counts if counts[label] == top]
    n = len(labels)
    return {
        "label": tied[-1] if tied else None,
        "votes": top,
        "n": len(labels),
        "share": top / n if n else 0.0,
        "tie": len(tied) > 1,
    }
