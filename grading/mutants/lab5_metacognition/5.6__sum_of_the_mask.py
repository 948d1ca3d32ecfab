# MUTANT 5.6 method.py — takes the mask's sum as the end, so left padding is read wrongly | caught by: test_the_last_real_token_of_each_row_is_read | visible: fails
def answer_probabilities(
    logits: torch.Tensor, attention_mask: torch.Tensor, answer_ids: Sequence[Sequence[int]]
) -> torch.Tensor:
    import torch

    flat = [token for ids in answer_ids for token in ids]
    if logits.shape[:2] != attention_mask.shape or not attention_mask.any(dim=1).all():
        raise ValueError(f"need a real token in every row: {(*logits.shape,)}, {(*attention_mask.shape,)}")
    if not all(len(ids) for ids in answer_ids) or len(set(flat)) < len(flat):
        raise ValueError(f"each answer needs first tokens of its own: {answer_ids}")
    positions = torch.arange(attention_mask.shape[1], device=attention_mask.device)
    last = attention_mask.long().sum(dim=1) - 1
    ends = logits[torch.arange(len(last), device=logits.device), last].float()  # (batch, vocab)
    scores = [ends[:, list(ids)].logsumexp(dim=1) for ids in answer_ids]  # answers x (batch,)
    return torch.stack(scores, dim=1).softmax(dim=1)
