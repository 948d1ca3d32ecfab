# MUTANT 3.6 method.py — the batch's mean isn't subtracted: that is DPO | caught by: test_the_batch_mean_is_subtracted_from_every_gap, test_it_is_never_below_log_2_and_bad_input_is_refused | visible: fails
def centred_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)
    gap = policy_chosen - ref_chosen - policy_rejected + ref_rejected
    centred = gap
    return torch.nn.functional.softplus(-beta * centred).mean()
