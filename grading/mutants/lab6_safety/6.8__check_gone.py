# MUTANT 6.8 method.py — scales that don't fit are accepted | caught by: test_the_shape_comes_back_and_what_does_not_fit_is_refused | visible: passes
def dequantize_nf4(codes, absmax, table: Sequence[float], shape: Sequence[int], block: int = 64):
    import math

    n = math.prod(shape)
    if codes.numel() != n or absmax.numel() < -(-n // block):
        raise ValueError(
            f"{codes.numel()} codes and {absmax.numel()} scales don't fit the shape {tuple(shape)}"
        )
    import torch

    values = torch.tensor(list(table), dtype=torch.float32)[codes.long()]
    scales = absmax.float().repeat_interleave(block)[:n]
    return (values * scales).view(*shape)
