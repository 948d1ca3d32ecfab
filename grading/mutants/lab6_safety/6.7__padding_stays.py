# MUTANT 6.7 method.py — the codes of the padding aren't cut off | caught by: test_zeros_stay_and_a_short_last_block_has_a_scale_of_its_own | visible: fails
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
    codes = (scaled[:, :, None] - values).abs().argmin(dim=2)  # (blocks, block, 16) -> (blocks, block)
    return codes.flatten().to(torch.uint8), absmax
