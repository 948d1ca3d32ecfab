# MUTANT 3.2 method.py — a sum over the pairs, not a mean | caught by: test_it_is_the_mean_of_minus_log_sigmoid | visible: fails
def dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)
    gap = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return -torch.nn.functional.logsigmoid(beta * gap).sum()
