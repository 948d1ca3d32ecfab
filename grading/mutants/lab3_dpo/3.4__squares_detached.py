# MUTANT 3.4 method.py — the squares are detached: no gradient flows through them | caught by: test_it_pulls_each_log_ratio_to_its_own_target | visible: passes
def cal_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)
    up, down = policy_chosen - ref_chosen, policy_rejected - ref_rejected  # c and r, nats
    target = 1 / (2 * beta)
    compared = -torch.nn.functional.logsigmoid(up - down)
    return (compared + ((up - target) ** 2 + (down + target) ** 2).detach()).mean()
