# MUTANT 3.15 evaluate.py — signed masses of different tokens cancel | caught by: test_lift_is_the_mass_share_over_the_token_share | visible: fails
def lift(attribution, draft_mask):
    if attribution.dim() != 2 or attribution.shape[0] != len(draft_mask):
        raise ValueError("shapes")
    mass = attribution.detach().sum(dim=1)
    chosen = torch.tensor([bool(flag) for flag in draft_mask])
    if not chosen.any() or not mass.abs().sum() > 0:
        raise ValueError("no share")
    return float(mass[chosen].sum() / mass.sum() / (chosen.sum() / len(chosen)))
