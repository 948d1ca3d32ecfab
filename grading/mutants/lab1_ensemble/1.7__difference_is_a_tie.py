# MUTANT 1.7 method.py — tie is told whenever labels differ | caught by: test_the_winner_has_the_most_votes_and_its_share_of_all_models | visible: fails
def ensemble_vote(labels):
    votes = [label for label in labels if label is not None]
    counts = {label: votes.count(label) for label in votes}
    top = max(counts.values(), default=0)
    tied = [label for label in counts if counts[label] == top]
    n = len(labels)
    return {
        "label": tied[0] if tied else None,
        "votes": top,
        "n": len(labels),
        "share": top / n if n else 0.0,
        "tie": len(counts) > 1,
    }
