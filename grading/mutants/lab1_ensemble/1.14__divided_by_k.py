# MUTANT 1.14 evaluate.py — a common wrong class has one chance in K, not in K - 1 | caught by: test_it_adds_up_all_outcomes_of_two_independent_models | visible: fails
def independent_agreement(p1, p2, n_classes):
    if not (0 <= p1 <= 1 and 0 <= p2 <= 1) or n_classes < 2:
        raise ValueError("no accuracy")
    right = p1 * p2
    wrong = (1 - p1) * (1 - p2) / n_classes
    return right / (right + wrong) if right + wrong > 0 else float("nan")
