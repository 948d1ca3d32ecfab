# MUTANT 3.3 method.py — the mean of each is given, not one entry a pair | caught by: test_rewards_margin_and_accuracy_of_every_pair | visible: fails
def implicit_rewards(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)
    chosen = (beta * (policy_chosen - ref_chosen)).detach()
    rejected = (beta * (policy_rejected - ref_rejected)).detach()
    margin = chosen - rejected
    return {
        "chosen": chosen,
        "rejected": rejected,
        "margin": margin.mean(),
        "accuracy": (margin > 0).to(margin.dtype),
    }
