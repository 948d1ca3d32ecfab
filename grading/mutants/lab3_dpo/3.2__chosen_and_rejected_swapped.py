# MUTANT 3.2 method.py — chosen and rejected are swapped | caught by: test_it_is_the_mean_of_minus_log_sigmoid | visible: fails
def dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)
    gap = (policy_rejected - ref_rejected) - (policy_chosen - ref_chosen)
    return -torch.nn.functional.logsigmoid(beta * gap).mean()
