# MUTANT 3.3 method.py — the rewards carry a gradient, not detached | caught by: test_rewards_carry_no_gradient_and_bad_input_is_refused | visible: passes
def implicit_rewards(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)
    chosen = (beta * (policy_chosen - ref_chosen))
    rejected = (beta * (policy_rejected - ref_rejected))
    margin = chosen - rejected
    return {
        "chosen": chosen,
        "rejected": rejected,
        "margin": margin,
        "accuracy": (margin > 0).to(margin.dtype),
    }
