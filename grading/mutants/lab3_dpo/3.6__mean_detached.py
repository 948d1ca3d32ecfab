# MUTANT 3.6 method.py — the mean is detached | caught by: test_at_the_start_its_gradient_is_exactly_0_and_always_adds_up_to_0 | visible: passes
def centred_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)
    gap = policy_chosen - ref_chosen - policy_rejected + ref_rejected
    centred = gap - gap.mean().detach()
    return torch.nn.functional.softplus(-beta * centred).mean()
