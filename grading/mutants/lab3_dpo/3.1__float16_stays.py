# MUTANT 3.1 method.py — the log-softmax of float16 logits is taken in float16 | caught by: test_low_precision_logits_are_read_in_float32 | visible: passes
def completion_logps(logits, input_ids, completion_mask):
    if logits.dim() != 3 or logits.shape[:2] != input_ids.shape or input_ids.shape != completion_mask.shape:
        shapes = [tuple(tensor.shape) for tensor in (logits, input_ids, completion_mask)]
        raise ValueError(f"expected (batch, seq, vocab), (batch, seq), (batch, seq), found {shapes}")
    counts = completion_mask[:, 1:].bool()  # (batch, seq - 1): of the token at t + 1
    targets = input_ids[:, 1:].masked_fill(~counts, 0).long()
    scores = logits[:, :-1]
    logps = torch.log_softmax(scores.float() if scores.dtype == torch.bfloat16 else scores, dim=-1)
    chosen = logps.gather(-1, targets.unsqueeze(-1)).squeeze(-1)  # (batch, seq - 1)
    return torch.where(counts, chosen, torch.zeros_like(chosen)).sum(dim=-1)
