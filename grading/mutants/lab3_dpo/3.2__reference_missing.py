# MUTANT 3.2 method.py — the reference is missing | caught by: test_it_is_the_mean_of_minus_log_sigmoid, test_the_first_loss_is_log_2_and_bad_input_is_refused | visible: fails
def dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)
    gap = policy_chosen - policy_rejected
    return -torch.nn.functional.logsigmoid(beta * gap).mean()
