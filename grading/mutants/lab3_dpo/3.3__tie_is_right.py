# MUTANT 3.3 method.py — a tie counts as right | caught by: test_a_tie_counts_as_wrong | visible: fails
def implicit_rewards(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)
    chosen = (beta * (policy_chosen - ref_chosen)).detach()
    rejected = (beta * (policy_rejected - ref_rejected)).detach()
    margin = chosen - rejected
    return {
        "chosen": chosen,
        "rejected": rejected,
        "margin": margin,
        "accuracy": (margin >= 0).to(margin.dtype),
    }
