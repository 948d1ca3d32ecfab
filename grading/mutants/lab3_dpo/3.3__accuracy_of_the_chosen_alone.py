# MUTANT 3.3 method.py — accuracy compares the chosen reward with 0, not with the rejected one | caught by: test_rewards_margin_and_accuracy_of_every_pair | visible: passes
def implicit_rewards(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)
    chosen = (beta * (policy_chosen - ref_chosen)).detach()
    rejected = (beta * (policy_rejected - ref_rejected)).detach()
    margin = chosen - rejected
    return {
        "chosen": chosen,
        "rejected": rejected,
        "margin": margin,
        "accuracy": (chosen > 0).to(margin.dtype),
    }
