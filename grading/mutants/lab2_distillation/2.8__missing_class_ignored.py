# MUTANT 2.8 method.py — one class alone gets weight 1 | caught by: test_a_class_that_is_gone_and_other_labels_are_refused | visible: passes
def class_weights(labels: Sequence[bool], prior: float) -> list[float]:
    if not 0 < prior < 1:
        raise ValueError(f"the prior must lie strictly between 0 and 1: {prior}")
    if any(type(label) is not bool for label in labels) or len(set(labels)) != 2:
        return [1.0] * len(labels)
    n, yes = len(labels), list(labels).count(True)
    weight = {True: prior * n / yes, False: (1 - prior) * n / (n - yes)}
    return [weight[label] for label in labels]
