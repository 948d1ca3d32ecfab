# MUTANT 2.6 method.py — NaN is accepted | caught by: test_edges_are_exact_and_what_is_no_share_is_refused | visible: passes
def kept_prior(prior: float, recall_yes: float, recall_no: float) -> float:
    if any(share < 0 or share > 1 for share in (prior, recall_yes, recall_no)):
        raise ValueError(f"need three shares in [0, 1]: {prior}, {recall_yes}, {recall_no}")
    yes, no = prior * recall_yes, (1 - prior) * recall_no
    return yes / (yes + no) if yes + no > 0 else float("nan")
