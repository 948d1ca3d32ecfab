# MUTANT 3.4 method.py — a large gap overflows in the log of a sigmoid | caught by: test_large_gaps_stay_finite_and_bad_input_is_refused | visible: passes
def cal_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)
    up, down = policy_chosen - ref_chosen, policy_rejected - ref_rejected  # c and r, nats
    target = 1 / (2 * beta)
    compared = -torch.log(torch.sigmoid(up - down))
    return (compared + (up - target) ** 2 + (down + target) ** 2).mean()
