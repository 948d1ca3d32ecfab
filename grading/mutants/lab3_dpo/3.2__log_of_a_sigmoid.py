# MUTANT 3.2 method.py — the log of a sigmoid overflows for a large gap | caught by: test_gaps_of_thousands_of_nats_neither_overflow_nor_vanish | visible: passes
def dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)
    gap = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return -torch.log(torch.sigmoid(beta * gap)).mean()
