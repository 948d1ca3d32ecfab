# MUTANT 2.6 method.py — the share of all questions | caught by: test_the_kept_share_follows_from_prior_and_recalls | visible: fails
def kept_prior(prior: float, recall_yes: float, recall_no: float) -> float:
    if not all(0 <= share <= 1 for share in (prior, recall_yes, recall_no)):
        raise ValueError(f"need three shares in [0, 1]: {prior}, {recall_yes}, {recall_no}")
    yes, no = prior * recall_yes, (1 - prior) * recall_no
    return yes if yes + no > 0 else float("nan")
