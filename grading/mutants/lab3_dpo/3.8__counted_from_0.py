# MUTANT 3.8 method.py — epochs are counted from 0 | caught by: test_every_epoch_has_its_loss, test_epoch_0_and_margins_without_their_beta_are_refused | visible: fails
def beta_schedule(epoch, margins=(), margins_beta=None):
    if epoch < 0:
        raise ValueError(f"epochs are counted from 1, found {epoch}")
    if len(margins) > 0 and not (margins_beta is not None and margins_beta > 0):
        raise ValueError(f"margins can't be read without the beta that scaled them, found {margins_beta}")
    gap = None
    if len(margins) > 0:
        gap = float(sum(float(margin) for margin in margins) / len(margins) / margins_beta)
    return {
        "beta": 0.05 if epoch == 0 else 0.10,
        "calibrated": epoch in (1, 2),
        "robust": epoch >= 3,
        "log_ratio_gap": gap,
    }
