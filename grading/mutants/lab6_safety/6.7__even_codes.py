# MUTANT 6.7 method.py — the codes are even steps, whatever the table | caught by: test_codes_are_nearest_and_scales_are_by_block | visible: passes
def quantize_nf4(weights, table: Sequence[float], block: int = 64):
    import torch

    if block < 1 or weights.numel() == 0 or not bool(torch.isfinite(weights).all()):
        raise ValueError("need block >= 1 and at least one weight, all of them finite")
    flat = weights.detach().float().flatten()
    n = len(flat)
    blocks = torch.nn.functional.pad(flat, (0, -n % block)).view(-1, block)
    absmax = blocks.abs().amax(dim=1)
    scaled = blocks / torch.where(absmax > 0, absmax, torch.ones_like(absmax))[:, None]
    values = torch.tensor(list(table), dtype=torch.float32)
    codes = ((scaled + 1) * (len(values) - 1) / 2).round().long()  # (blocks, block, 16) -> (blocks, block)
    return codes.flatten()[:n].to(torch.uint8), absmax
