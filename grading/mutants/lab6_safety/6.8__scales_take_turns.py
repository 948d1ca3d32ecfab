# MUTANT 6.8 method.py — the scales take turns: repeat instead of repeat_interleave | caught by: test_values_are_multiplied_by_the_scale_of_their_block | visible: fails
def dequantize_nf4(codes, absmax, table: Sequence[float], shape: Sequence[int], block: int = 64):
    import math

    n = math.prod(shape)
    if codes.numel() != n or absmax.numel() != -(-n // block):
        raise ValueError(
            f"{codes.numel()} codes and {absmax.numel()} scales don't fit the shape {tuple(shape)}"
        )
    import torch

    values = torch.tensor(list(table), dtype=torch.float32)[codes.long()]
    scales = absmax.float().repeat(block)[:n]
    return (values * scales).view(*shape)
