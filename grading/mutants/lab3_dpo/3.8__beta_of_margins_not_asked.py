# MUTANT 3.8 method.py — margins without their beta are accepted | caught by: test_epoch_0_and_margins_without_their_beta_are_refused | visible: passes
def beta_schedule(epoch, margins=(), margins_beta=None):
    if epoch < 1:
        raise ValueError(f"epochs are counted from 1, found {epoch}")
    margins_beta = margins_beta or 1.0
    gap = None
    if len(margins) > 0:
        gap = float(sum(float(margin) for margin in margins) / len(margins) / margins_beta)
    return {
        "beta": 0.05 if epoch == 1 else 0.10,
        "calibrated": epoch in (2, 3),
        "robust": epoch >= 4,
        "log_ratio_gap": gap,
    }
