# MUTANT 1.14 evaluate.py — an accuracy of NaN is accepted | caught by: test_edges_are_exact_and_what_is_no_accuracy_is_refused | visible: passes
def independent_agreement(p1, p2, n_classes):
    if p1 < 0 or p1 > 1 or p2 < 0 or p2 > 1 or n_classes < 2:
        raise ValueError("no accuracy")
    right = p1 * p2
    wrong = (1 - p1) * (1 - p2) / (n_classes - 1)
    return right / (right + wrong) if right + wrong != 0 else float("nan")
