# MUTANT 3.3 method.py — policy_chosen is changed in place | caught by: test_rewards_carry_no_gradient_and_bad_input_is_refused | visible: passes
def implicit_rewards(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)
    chosen = policy_chosen.detach().sub_(ref_chosen).mul_(beta)
    rejected = (beta * (policy_rejected - ref_rejected)).detach()
    margin = chosen - rejected
    return {
        "chosen": chosen,
        "rejected": rejected,
        "margin": margin,
        "accuracy": (margin > 0).to(margin.dtype),
    }
