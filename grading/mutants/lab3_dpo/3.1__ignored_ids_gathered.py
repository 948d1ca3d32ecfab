# MUTANT 3.1 method.py — ids of -100 under mask 0 are gathered | caught by: test_nothing_with_mask_0_changes_the_result | visible: passes
def completion_logps(logits, input_ids, completion_mask):
    if logits.dim() != 3 or logits.shape[:2] != input_ids.shape or input_ids.shape != completion_mask.shape:
        shapes = [tuple(tensor.shape) for tensor in (logits, input_ids, completion_mask)]
        raise ValueError(f"expected (batch, seq, vocab), (batch, seq), (batch, seq), found {shapes}")
    counts = completion_mask[:, 1:].bool()  # (batch, seq - 1): of the token at t + 1
    targets = input_ids[:, 1:].long()
    scores = logits[:, :-1]
    logps = torch.log_softmax(scores.double() if scores.dtype == torch.float64 else scores.float(), dim=-1)
    chosen = logps.gather(-1, targets.unsqueeze(-1)).squeeze(-1)  # (batch, seq - 1)
    return torch.where(counts, chosen, torch.zeros_like(chosen)).sum(dim=-1)
