# MUTANT 3.6 method.py — a large gap overflows in the log of a sigmoid | caught by: test_it_is_never_below_log_2_and_bad_input_is_refused | visible: passes
def centred_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)
    gap = policy_chosen - ref_chosen - policy_rejected + ref_rejected
    centred = gap - gap.mean()
    return -torch.log(torch.sigmoid(beta * centred)).mean()
