# MUTANT 3.4 method.py — the squares have weight 1/2 | caught by: test_a_comparison_without_beta_and_two_squares | visible: fails
def cal_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)
    up, down = policy_chosen - ref_chosen, policy_rejected - ref_rejected  # c and r, nats
    target = 1 / (2 * beta)
    compared = -torch.nn.functional.logsigmoid(up - down)
    return (compared + 0.5 * (up - target) ** 2 + 0.5 * (down + target) ** 2).mean()
