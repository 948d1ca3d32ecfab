"""Lab 3 method: from the log-probability of a completion to the losses that align a model.

    logps = completion_logps(logits, input_ids, completion_mask)             # 3.1  (batch,) in nats
    loss = dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=0.1)          # 3.2
    implicit_rewards(policy_chosen, ..., beta=0.1)["margin"]                 # 3.3
    cal_dpo_loss(...), dr_dpo_loss(losses), centred_loss(...)                # 3.4 to 3.6
    drop_noisiest(scores, 0.15)              # 3.7  indices of the pairs that stay
    beta_schedule(2)                         # 3.8  {"beta": 0.1, "calibrated": True, "robust": False, ...}
    reference_logps(model, batch, "ref", completion_logps)                   # 3.9

Everywhere c = log π(y_w) - log π_ref(y_w), the same for the rejected y_l is r, and Δ = c - r, the log-ratio
gap, all in nats. Source: Rafailov et al. 2023 (arXiv 2305.18290); each function names its own.
Left out: IPO, KTO, SimPO and other relatives (TRL has most of them).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch


def completion_logps(
    logits: torch.Tensor, input_ids: torch.Tensor, completion_mask: torch.Tensor
) -> torch.Tensor:
    """The log-probability that a causal model gives to each row's completion: a sum over its tokens.

    The logits at position t speak about the token at t + 1. So the first token has no prediction, and the
    last logits have no token. Only tokens whose mask is 1 count, wherever they stand; the prompt and the
    padding have mask 0, and nothing that stands there may change the result, not even a log-probability of
    -inf (0 times -inf is NaN). A row without a completion token gives 0. It is a sum and not a mean: the
    probability of a text is the product of its tokens'. A token that is next to impossible, hundreds of
    nats below the likeliest, still has its finite log-probability. The given tensors aren't changed.

    Args:
        logits: (batch, seq, vocab), of any float type; the log-softmax is taken in float32 (or float64 for
            float64), since bfloat16 has three digits and float16 four.
        input_ids: (batch, seq), integers; at positions with mask 0 any integer may stand, also -100 or
            one beyond the vocabulary.
        completion_mask: (batch, seq), 1 (or True) at the completion's tokens, its end token included.
    Returns:
        (batch,), nats, at most 0; gradients flow to `logits`.
    Raises:
        ValueError: the shapes don't fit together.
    Source: Rafailov et al. 2023, section 4; TRL 1.16, `DPOTrainer`.
    """
    if logits.dim() != 3 or logits.shape[:2] != input_ids.shape or input_ids.shape != completion_mask.shape:
        shapes = [tuple(tensor.shape) for tensor in (logits, input_ids, completion_mask)]
        raise ValueError(f"expected (batch, seq, vocab), (batch, seq), (batch, seq), found {shapes}")
    # TODO 3.1: shift by one, gather the tokens' log-probabilities, mask, sum.
    # ---- your code for 3.1 starts here ----
    raise NotImplementedError("TODO 3.1 completion_logps: see notebooks/lab3_dpo.ipynb, section 1")
    # ---- ends here ----


def dpo_loss(
    policy_chosen: torch.Tensor,
    policy_rejected: torch.Tensor,
    ref_chosen: torch.Tensor,
    ref_rejected: torch.Tensor,
    beta: float,
) -> torch.Tensor:
    """The DPO loss of a batch: the mean of -log σ(β Δ) over its pairs.

    Δ = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected). Where policy and reference are the
    same model Δ is 0 and the loss is log 2 = .6931, whatever β: the first number of every sound run. Exact
    for gaps of thousands of nats: no overflow, no infinite loss.

    Args:
        policy_chosen, policy_rejected: (pairs,), log-probabilities of the completions under the model in
            training, nats.
        ref_chosen, ref_rejected: (pairs,), the same under the reference; constants, without a gradient.
        beta: the strength of the pull to the reference, per nat, above 0.
    Returns:
        A scalar tensor, nats; gradients flow to the policy's log-probabilities.
    Raises:
        ValueError: beta <= 0, no pairs, or tensors of different shape.
    Source: Rafailov et al. 2023, Eq. 7.
    """
    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)
    # TODO 3.2: combine the four log-probabilities into one loss a pair, then average.
    # ---- your code for 3.2 starts here ----
    raise NotImplementedError("TODO 3.2 dpo_loss: see notebooks/lab3_dpo.ipynb, section 2")
    # ---- ends here ----


def implicit_rewards(
    policy_chosen: torch.Tensor,
    policy_rejected: torch.Tensor,
    ref_chosen: torch.Tensor,
    ref_rejected: torch.Tensor,
    beta: float,
) -> dict[str, torch.Tensor]:
    """What the model would pay for each completion, if it were the reward model that it implicitly is.

    The reward of a completion is β times its log-ratio to the reference; the part that depends on the prompt
    alone is left out, since it cancels in every comparison. Nothing here is trained on: the results carry no
    gradient, and the given tensors aren't changed.

    Args:
        policy_chosen, policy_rejected, ref_chosen, ref_rejected: (pairs,), as in 3.2, nats.
        beta: per nat, above 0.
    Returns:
        Four tensors of shape (pairs,): `chosen` and `rejected`, the rewards; `margin`, their difference;
        `accuracy`, 1.0 where the margin is above 0 and else 0.0 (a tie is not right: an untrained model has
        nothing but ties).
    Raises:
        ValueError: as in 3.2.
    Source: Rafailov et al. 2023, Eq. 5; TRL 1.16 logs the means as `rewards/*`.
    """
    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)
    # TODO 3.3: two rewards, their margin, and whether it is above 0; detached.
    # ---- your code for 3.3 starts here ----
    raise NotImplementedError("TODO 3.3 implicit_rewards: see notebooks/lab3_dpo.ipynb, section 3")
    # ---- ends here ----


def cal_dpo_loss(
    policy_chosen: torch.Tensor,
    policy_rejected: torch.Tensor,
    ref_chosen: torch.Tensor,
    ref_rejected: torch.Tensor,
    beta: float,
) -> torch.Tensor:
    """Cal-DPO: DPO's comparison, and a target for each log-ratio by itself.

    The mean over the pairs of

        -log σ(Δ)  +  (c - 1/(2β))²  +  (r + 1/(2β))²

    DPO sees only the gap, so both log-ratios may fall as long as r falls faster. The two squares tie c to
    +1/(2β) and r to -1/(2β). As published, the comparison has *no β* in it, and the squares have weight 1.
    A target of 1/(2β) nats can't be reached where the reference gives the chosen text a log-probability
    above -1/(2β): nothing is likelier than certain. The loss keeps that target all the same; choose β so
    that there is headroom.

    Args:
        policy_chosen, policy_rejected, ref_chosen, ref_rejected: (pairs,), as in 3.2, nats.
        beta: per nat, above 0.
    Returns:
        A scalar tensor; gradients flow to the policy's log-probabilities.
    Raises:
        ValueError: as in 3.2.
    Source: Xiao et al. 2024 (arXiv 2412.14516), and the authors' code. TRL's loss type `sppo_hard` is
        the two squares.
    """
    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)
    # TODO 3.4: the comparison without beta, and the two squares; the mean over pairs.
    # ---- your code for 3.4 starts here ----
    raise NotImplementedError("TODO 3.4 cal_dpo_loss: see notebooks/lab3_dpo.ipynb, section 4")
    # ---- ends here ----


def dr_dpo_loss(losses: torch.Tensor, beta_prime: float = 1.0) -> torch.Tensor:
    """Dr. DPO: a batch's loss in which pairs that look mislabelled count less.

    -β' log( mean over the pairs of exp(-loss / β') ). Its gradient is that of a weighted mean, with weights
    softmax(-loss / β'): a pair with a high loss, perhaps a flipped one, weighs little. For large β' it
    becomes the plain mean. It is a statistic of the whole batch: over four batches of one pair each it would
    do nothing. Losses of thousands neither overflow nor vanish, and a β' of millions doesn't round the
    losses away, in float32 too: take the smallest loss out of the logarithm; log1p and expm1 are exact.

    Args:
        losses: (pairs,), one DPO loss a pair, nats.
        beta_prime: β', in the unit of the losses, above 0; may be infinite (then the mean).
    Returns:
        A scalar tensor, between the smallest and the mean of the losses; gradients flow to `losses`.
    Raises:
        ValueError: beta_prime <= 0, or `losses` isn't a row of at least one.
    Source: Wu et al. 2024 (arXiv 2407.07880), and the authors' code (default β' = 1).
    """
    if losses.dim() != 1 or losses.numel() == 0 or not beta_prime > 0:
        raise ValueError(f"need (pairs,) and beta_prime > 0, found {tuple(losses.shape)} and {beta_prime}")
    # TODO 3.5: minus beta_prime times the log of the mean of exp(-loss / beta_prime), exact in float32.
    # ---- your code for 3.5 starts here ----
    raise NotImplementedError("TODO 3.5 dr_dpo_loss: see notebooks/lab3_dpo.ipynb, section 5")
    # ---- ends here ----


def centred_loss(
    policy_chosen: torch.Tensor,
    policy_rejected: torch.Tensor,
    ref_chosen: torch.Tensor,
    ref_rejected: torch.Tensor,
    beta: float,
) -> torch.Tensor:
    """The folk "calibration": DPO with the batch's mean gap subtracted. A counter-example, to be understood.

    The mean of -log σ(β (Δ - μ)), where μ is the mean of Δ over the batch. μ is *not* detached: gradients
    flow through it. Adding a constant to every gap then changes nothing, so "prefer the chosen" can't be
    learned at all; the loss is never below log 2 and is log 2 exactly when all gaps are equal, for
    example before the first step.

    Args:
        policy_chosen, policy_rejected, ref_chosen, ref_rejected: (pairs,), as in 3.2, nats.
        beta: per nat, above 0.
    Returns:
        A scalar tensor, at least log 2; its gradient adds up to 0 over the pairs.
    Raises:
        ValueError: as in 3.2.
    Source: a step of the published guide (GUIDE.md), which calls it Cal-DPO; it isn't (3.4).
    """
    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)
    # TODO 3.6: subtract the batch mean of the gaps, gradient and all, then as in DPO.
    # ---- your code for 3.6 starts here ----
    raise NotImplementedError("TODO 3.6 centred_loss: see notebooks/lab3_dpo.ipynb, section 6")
    # ---- ends here ----


def drop_noisiest(scores: Sequence[float], share: float) -> list[int]:
    """Which pairs stay when the `share` that looks noisiest is dropped.

    Dropped are the ⌊share · n⌋ pairs with the highest scores; of equal scores the later one goes first.
    `share` is meant as the decimal that it is written as: 0.29 of 100 pairs are 29, though 0.29 * 100 is
    28.999999999999996 to the machine.

    Args:
        scores: one number a pair, higher means noisier; for example a pair's loss, or 1 minus the share of
            teachers that agree.
        share: at least 0 and below 1.
    Returns:
        Indices of the pairs that stay, ascending.
    Raises:
        ValueError: share outside [0, 1), or a score that is NaN (it can't be ordered), even where no pair
            would be dropped.
    Source: a step of the published guide (GUIDE.md), which calls it Dr-DPO; it isn't (3.5).
    """
    if not 0 <= share < 1:
        raise ValueError(f"share must be at least 0 and below 1, found {share}")
    # TODO 3.7: refuse NaN; drop the highest scores, the later of equal ones first.
    # ---- your code for 3.7 starts here ----
    raise NotImplementedError("TODO 3.7 drop_noisiest: see notebooks/lab3_dpo.ipynb, section 7")
    # ---- ends here ----


def beta_schedule(epoch: int, margins: Sequence[float] = (), margins_beta: float | None = None) -> dict:
    """What an epoch trains with, and the gap to log for it, in nats.

        epoch 1        β .05, plain DPO                        (warm-up)
        epochs 2, 3    β .10, calibrated: Cal-DPO
        epoch 4 on     β .10, robust: Dr. DPO, not calibrated

    A logged margin is β times the gap. When β steps from .05 to .10 the logged margin doubles although no
    weight has moved, so the log line holds the gap itself: the mean margin divided by the β that these
    margins were scaled with, which is not the β of the new epoch.

    Args:
        epoch: counted from 1.
        margins: reward margins as logged (3.3), scaled by `margins_beta`; may be empty.
        margins_beta: the β that they were scaled with, above 0; without margins it isn't looked at.
    Returns:
        `{"beta": float, "calibrated": bool, "robust": bool, "log_ratio_gap": float | None}`; the gap in
        nats, None without margins.
    Raises:
        ValueError: epoch < 1, or margins without a `margins_beta` above 0 (None, 0 and below).
    Source: the schedule of the published guide (GUIDE.md).
    """
    # TODO 3.8: the table above by epoch, and the mean margin brought back to nats.
    # ---- your code for 3.8 starts here ----
    raise NotImplementedError("TODO 3.8 beta_schedule: see notebooks/lab3_dpo.ipynb, section 8")
    # ---- ends here ----


def reference_logps(
    model,
    batch: dict[str, torch.Tensor],
    mode: str,
    logps: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    """Log-probabilities of a batch's completions under the reference, which is one of three models:

        "disabled"  the base, with all adapters switched off. Right only for an adapter that is new.
        "ref"       the adapter named "ref": the frozen copy that was made of an adapter before it was
                    trained on. For such a continued adapter, the base alone is another model.
        "self"      the model as it stands. For a merged or full model, before its first update.

    Computed without a gradient and in eval mode (dropout would make the reference another model at every
    call); padding, which may stand on either side, is masked by the batch's attention mask. Afterwards, also
    after an error, everything is as it was, whatever that was: each module's own train or eval mode, the
    active adapter, of whatever name, and which weights want a gradient. (PEFT's `set_adapter` makes the
    adapter that it activates trainable and the others not; its argument `inference_mode` says otherwise for
    the activated one.)

    Args:
        model: a `peft.PeftModel`, or any causal language model for "self".
        batch: `{"input_ids", "attention_mask", "completion_mask"}`, each (batch, seq).
        mode: "disabled", "ref" or "self".
        logps: (logits, input_ids, completion_mask) -> (batch,), for example 3.1; an argument, so that this
            function works with any.
    Returns:
        (batch,), what `logps` gives, without a gradient.
    Raises:
        ValueError: another mode; "ref" without an adapter of that name; "disabled" without adapters.
    Source: PEFT 0.21, `PeftModel.disable_adapter` and `.set_adapter`; TRL 1.16 copies a continued adapter
        to "ref".
    """
    # TODO 3.9: refuse what can't be; switch, compute in eval mode without a gradient, put everything back.
    # ---- your code for 3.9 starts here ----
    raise NotImplementedError("TODO 3.9 reference_logps: see notebooks/lab3_dpo.ipynb, section 9")
    # ---- ends here ----


def _check_pairs(*tensors: torch.Tensor, beta: float) -> None:
    """Raises ValueError: beta <= 0, no pairs, or tensors that aren't all (pairs,)."""
    shapes = {tuple(tensor.shape) for tensor in tensors}
    if len(shapes) != 1 or tensors[0].dim() != 1 or tensors[0].numel() == 0:
        raise ValueError(
            f"need four tensors of one shape (pairs,), at least one pair, found {sorted(shapes)}"
        )
    if not beta > 0:
        raise ValueError(f"beta must be above 0, found {beta}")
