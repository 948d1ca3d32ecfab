# MUTANT 4.7 method.py — None is dropped only when it has no more votes than the rest | caught by: test_none_never_counts_as_a_vote | visible: passes
def majority_vote(answers):
    from collections import Counter

    ranked = Counter(answers).most_common()
    if not ranked:
        return None
    top, votes = ranked[0]
    if top is None and len(ranked) > 1 and (votes == ranked[1][1] or len(ranked) == 2):
        return ranked[1][0]
    return top
