# MUTANT 5.9 method.py — shapes that only broadcast are accepted | caught by: test_shapes_that_do_not_fit_are_refused | visible: passes
def merge_lora(
    weight: torch.Tensor, lora_a: torch.Tensor, lora_b: torch.Tensor, alpha: float
) -> torch.Tensor:
    rank = lora_a.shape[0]
    if not rank:
        shapes = [(*each.shape,) for each in (weight, lora_a, lora_b)]
        raise ValueError(f"need (out, in), (r, in) and (out, r) with r > 0, found {shapes}")
    merged = weight.float() + (alpha / rank) * (lora_b.float() @ lora_a.float())
    return merged.to(weight.dtype)
