# MUTANT 3.15 evaluate.py — no mass is accepted and gives NaN | caught by: test_no_draft_and_no_mass_are_refused | visible: passes
def lift(attribution, draft_mask):
    if attribution.dim() != 2 or attribution.shape[0] != len(draft_mask):
        raise ValueError(f"need (seq, dim) and (seq,), found {tuple(attribution.shape)}, {len(draft_mask)}")
    mass = attribution.detach().sum(dim=1).abs()
    chosen = torch.tensor([bool(flag) for flag in draft_mask])
    if not chosen.any():
        raise ValueError("the draft has no token, or the attribution no mass: there is no share to speak of")
    return float(mass[chosen].sum() / mass.sum() / (chosen.sum() / len(chosen)))
