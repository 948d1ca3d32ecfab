# MUTANT 3.6 method.py — the median is subtracted, not the mean | caught by: test_the_batch_mean_is_subtracted_from_every_gap | visible: passes
def centred_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)
    gap = policy_chosen - ref_chosen - policy_rejected + ref_rejected
    centred = gap - gap.quantile(0.5)
    return torch.nn.functional.softplus(-beta * centred).mean()
