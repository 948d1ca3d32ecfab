# MUTANT 2.8 method.py — the weights' sum is 1 | caught by: test_the_weighted_share_of_yes_is_the_prior_again | visible: fails
def class_weights(labels: Sequence[bool], prior: float) -> list[float]:
    if not 0 < prior < 1:
        raise ValueError(f"the prior must lie strictly between 0 and 1: {prior}")
    if any(type(label) is not bool for label in labels) or len(set(labels)) != 2:
        raise ValueError("need labels that are True or False, and both among them")
    n, yes = len(labels), list(labels).count(True)
    weight = {True: prior * n / yes, False: (1 - prior) * n / (n - yes)}
    return [weight[label] / n for label in labels]
