# MUTANT 3.15 evaluate.py — absolute values before the sum over dimensions | caught by: test_lift_is_the_mass_share_over_the_token_share | visible: fails
def lift(attribution, draft_mask):
    if attribution.dim() != 2 or attribution.shape[0] != len(draft_mask):
        raise ValueError(f"need (seq, dim) and (seq,), found {tuple(attribution.shape)}, {len(draft_mask)}")
    mass = attribution.detach().abs().sum(dim=1)
    chosen = torch.tensor([bool(flag) for flag in draft_mask])
    if not chosen.any() or not mass.sum() > 0:
        raise ValueError("the draft has no token, or the attribution no mass: there is no share to speak of")
    return float(mass[chosen].sum() / mass.sum() / (chosen.sum() / len(chosen)))
