# MUTANT 3.8 method.py — the mean margin is logged, still scaled by beta | caught by: test_the_gap_is_brought_back_to_nats_with_the_beta_of_the_margins | visible: fails
def beta_schedule(epoch, margins=(), margins_beta=None):
    if epoch < 1:
        raise ValueError(f"epochs are counted from 1, found {epoch}")
    if len(margins) > 0 and not (margins_beta is not None and margins_beta > 0):
        raise ValueError(f"margins can't be read without the beta that scaled them, found {margins_beta}")
    gap = None
    if len(margins) > 0:
        gap = float(sum(float(margin) for margin in margins) / len(margins))
    return {
        "beta": 0.05 if epoch == 1 else 0.10,
        "calibrated": epoch in (2, 3),
        "robust": epoch >= 4,
        "log_ratio_gap": gap,
    }
