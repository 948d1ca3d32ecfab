# MUTANT 3.2 method.py — the result was detached and has no gradient | caught by: test_the_gradient_pushes_wrong_pairs_most | visible: passes
def dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)
    gap = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return -torch.nn.functional.logsigmoid(beta * gap).mean().detach()
