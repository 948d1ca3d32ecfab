# MUTANT 3.3 method.py — beta is missing from the rewards | caught by: test_rewards_margin_and_accuracy_of_every_pair | visible: fails
def implicit_rewards(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)
    chosen = (1.0 * (policy_chosen - ref_chosen)).detach()
    rejected = (1.0 * (policy_rejected - ref_rejected)).detach()
    margin = chosen - rejected
    return {
        "chosen": chosen,
        "rejected": rejected,
        "margin": margin,
        "accuracy": (margin > 0).to(margin.dtype),
    }
