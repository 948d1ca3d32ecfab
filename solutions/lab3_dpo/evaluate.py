"""Lab 3 evaluation: does the model prefer the right text, does it look at its draft? Each with a control.

    reward_accuracy([0.4, -0.1], [30, 28], [30, 31])       # 3.13  accuracy beside what length alone gives
    integrated_gradients(f, x, baseline, steps=64)         # 3.14  where an output comes from
    lift(attribution, draft_mask)                          # 3.15  1.0 is what uniform attribution scores
    win_rate(["first", "tie"], ["second", "first"])        # 3.16  a judge asked in both orders

Sources stand at each function. Left out: intervals and paired tests (`labkit.stats`, report.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch


def reward_accuracy(
    margins: Sequence[float], chosen_lengths: Sequence[int], rejected_lengths: Sequence[int]
) -> dict[str, float]:
    """How often the chosen text has the higher reward, beside how often its length alone would tell.

    - accuracy: the share of pairs with a margin above 0. A margin of 0 is not right.
    - length_control: the better of two rules that never read a text, "the longer one is chosen" and "the
      shorter one is chosen". Equal lengths are worth one half to both, so it is at least 1/2.
    - above_control: accuracy minus length_control.

    Args:
        margins: (pairs,), reward of the chosen minus reward of the rejected text; an infinite one counts by
            its sign.
        chosen_lengths, rejected_lengths: (pairs,), for example in tokens.
    Returns:
        `{"n", "accuracy", "length_control", "above_control"}`; shares between 0 and 1.
    Raises:
        ValueError: no pairs, lists of different length, or a margin that is NaN.
    Source: reward accuracy as TRL logs it; the control: Singhal et al. 2023 (arXiv 2310.03716).
    """
    if not len(margins) == len(chosen_lengths) == len(rejected_lengths) or len(margins) == 0:
        sizes = [len(margins), len(chosen_lengths), len(rejected_lengths)]
        raise ValueError(f"need three lists of the same length, at least one pair, found {sizes}")
    # TODO 3.13: refuse NaN; the share of margins above 0, and the better of the two length rules.
    # BEGIN SOLUTION 3.13
    import math

    if any(math.isnan(margin) for margin in margins):
        raise ValueError("a margin is NaN: no reward was higher")
    n = len(margins)
    accuracy = sum(margin > 0 for margin in margins) / n
    gaps = [a - b for a, b in zip(chosen_lengths, rejected_lengths, strict=True)]
    longer = sum(1.0 if gap > 0 else 0.5 if gap == 0 else 0.0 for gap in gaps) / n
    control = max(longer, 1 - longer)
    return {
        "n": n,
        "accuracy": accuracy,
        "length_control": control,
        "above_control": accuracy - control,
    }
    # END SOLUTION 3.13


def integrated_gradients(
    f: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, baseline: torch.Tensor, steps: int
) -> torch.Tensor:
    """How much each entry of `x` contributed to f(x) - f(baseline).

    (x - baseline) times the mean of f's gradient along the straight line from baseline to x. The mean is
    taken at `steps` midpoints, (k + 1/2) / steps for k = 0 … steps - 1. Completeness: the attributions add up
    to f(x) - f(baseline); what is missing goes to 0 as steps grow, and is 0 at once where f is linear or
    quadratic. The gradient at x alone has no such property: where f is saturated it is nearly 0.

    Args:
        f: tensor of x's shape -> scalar tensor, differentiable; called once a step.
        x: any shape, for example (seq, dim) of input embeddings. Neither it nor `baseline` is changed, and
            neither has to want a gradient, or wants one afterwards that didn't before.
        baseline: the shape of x; the input that says nothing, for example the mean embedding.
        steps: at least 1.
    Returns:
        A tensor of x's shape and type, without a gradient, in the unit of f.
    Raises:
        ValueError: shapes differ, or steps < 1.
    Source: Sundararajan et al. 2017 (arXiv 1703.01365), Eq. 1 and section 5.
    """
    if x.shape != baseline.shape or steps < 1:
        raise ValueError(f"need one shape and steps >= 1, found {x.shape}, {baseline.shape} and {steps}")
    # TODO 3.14: the mean gradient at the midpoints of the line, times the way from baseline to x.
    # BEGIN SOLUTION 3.14
    way = (x - baseline).detach()
    total = torch.zeros_like(way)
    with torch.enable_grad():
        for k in range(steps):
            point = (baseline.detach() + (k + 0.5) / steps * way).requires_grad_(True)
            total = total + torch.autograd.grad(f(point), point)[0]
    return way * total / steps
    # END SOLUTION 3.14


def lift(attribution: torch.Tensor, draft_mask: Sequence[bool]) -> float:
    """The draft's share of the attribution, over its share of the tokens.

    A token's mass is the absolute value of the sum of its entries (first the sum over dimensions, then the
    absolute value: signs within a token cancel, signs of different tokens don't). Uniform attribution has a
    lift of exactly 1, however long the draft is and however small the attributions are; a mass share alone
    says nothing, since a draft that is 73 % of the tokens gets 73 % of it for free.

    Args:
        attribution: (seq, dim), signed, one row a token, for example from 3.14.
        draft_mask: (seq,), True at the draft's tokens.
    Returns:
        (mass of the draft / mass of all) / (tokens of the draft / tokens of all), at least 0.
    Raises:
        ValueError: shapes don't fit; no token of the draft; or no mass at all.
    Source: attribution by embedding: Sundararajan et al. 2017, section 6; the ratio is ours.
    """
    if attribution.dim() != 2 or attribution.shape[0] != len(draft_mask):
        raise ValueError(f"need (seq, dim) and (seq,), found {tuple(attribution.shape)}, {len(draft_mask)}")
    # TODO 3.15: mass a token, the draft's share of it, divided by its share of the tokens.
    # BEGIN SOLUTION 3.15
    mass = attribution.detach().sum(dim=1).abs()
    chosen = torch.tensor([bool(flag) for flag in draft_mask])
    if not chosen.any() or not mass.sum() > 0:
        raise ValueError("the draft has no token, or the attribution no mass: there is no share to speak of")
    return float(mass[chosen].sum() / mass.sum() / (chosen.sum() / len(chosen)))
    # END SOLUTION 3.15


def win_rate(ab: Sequence[str | None], ba: Sequence[str | None]) -> dict[str, float]:
    """How often A beats B for a judge that was asked twice, with A first and with B first.

    An item is a *win* (for A) only if both orders prefer A: "first" in `ab` and "second" in `ba`. It is a
    *loss* if both prefer B. It is *unparsed* if a verdict is None in one order or in both. All others are
    ties: the judge says "tie" or contradicts itself.

    - win_rate: (wins + (ties + unparsed) / 2) / n, over all items
    - consistent: of the items read in both orders, the share in which the judge said the same twice (for A,
      for B, or "tie" both times); NaN if there are none.

    Args:
        ab: a verdict an item, "first", "second", "tie" or None, with A shown first.
        ba: the same items, with B shown first.
    Returns:
        `{"n", "wins", "losses", "ties", "unparsed", "win_rate", "consistent"}`.
    Raises:
        ValueError: no items, lists of different length, or another verdict.
    Source: Zheng et al. 2023 (arXiv 2306.05685), section 3.4: position bias.
    """
    if len(ab) != len(ba) or len(ab) == 0 or {*ab, *ba} - {"first", "second", "tie", None}:
        raise ValueError(f"need verdicts first, second, tie or None, as many in ba: {len(ab)}, {len(ba)}")
    # TODO 3.16: count wins, losses, unparsed and ties over both orders; then the two shares.
    # BEGIN SOLUTION 3.16
    wins = losses = unparsed = same = 0
    swapped = {"first": "second", "second": "first", "tie": "tie"}
    for one, other in zip(ab, ba, strict=True):
        if one is None or other is None:
            unparsed += 1
            continue
        agreed = swapped[other] == one
        same += agreed
        wins += agreed and one == "first"
        losses += agreed and one == "second"
    n = len(ab)
    ties = n - wins - losses - unparsed
    return {
        "n": n,
        "wins": wins,
        "losses": losses,
        "ties": ties,
        "unparsed": unparsed,
        "win_rate": (wins + (ties + unparsed) / 2) / n,
        "consistent": same / (n - unparsed) if n > unparsed else float("nan"),
    }
    # END SOLUTION 3.16
