# MUTANT 5.9 method.py — changes the base's weight in place | caught by: test_the_base_stays_and_types_are_kept | visible: fails
def merge_lora(
    weight: torch.Tensor, lora_a: torch.Tensor, lora_b: torch.Tensor, alpha: float
) -> torch.Tensor:
    rank = lora_a.shape[0]
    if not rank or lora_b.shape != (weight.shape[0], rank) or lora_a.shape != (rank, weight.shape[1]):
        shapes = [(*each.shape,) for each in (weight, lora_a, lora_b)]
        raise ValueError(f"need (out, in), (r, in) and (out, r) with r > 0, found {shapes}")
    weight += ((alpha / rank) * (lora_b.float() @ lora_a.float())).to(weight.dtype)
    return weight
