"""What Lab 3's functions must give, by closed forms on plain floats, and random inputs for them.

Nothing here uses torch's losses or the solutions. A pair is four log-probabilities: policy chosen, policy
rejected, reference chosen, reference rejected, in nats.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

LOG2 = math.log(2.0)
Four = list[list[float]]


def softplus(x: float) -> float:
    """log(1 + e^x) without overflow."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


# ---- random inputs ----


def pairs(rng: np.random.Generator, n: int, spread: float = 3.0) -> Four:
    """Log-probabilities of n pairs: completions of 10 to 40 nats, moved a few nats by training."""
    ref = [[-float(rng.uniform(10, 40)) for _ in range(n)] for _ in range(2)]
    policy = [
        [value + float(rng.normal(0.5 * sign, spread)) for value in side]
        for side, sign in zip(ref, (1, -1), strict=True)
    ]
    return [*policy, *ref]


def sure_pairs(rng: np.random.Generator, n: int) -> Four:
    """As `pairs`, but of texts that the reference is nearly sure of: no room for a rise of 5 nats."""
    low, high = (0.2, 4.0), (0.3, 1.5)
    return [[-float(rng.uniform(*bounds)) for _ in range(n)] for bounds in (low, low, high, high)]


def ratios(four: Four) -> list[tuple[float, float]]:
    """(c, r) of each pair."""
    return [(pc - rc, pr - rr) for pc, pr, rc, rr in zip(*four, strict=True)]


def gaps(four: Four) -> list[float]:
    return [c - r for c, r in ratios(four)]


def completion(rng: np.random.Generator, rows: int = 3, width: int = 9, words: int = 11) -> tuple:
    """(logits, ids, mask) as nested lists: a prompt, a completion and padding of random sizes in each row."""
    logits = rng.normal(0, 2, size=(rows, width, words))
    ids = rng.integers(0, words, size=(rows, width))
    mask = np.zeros((rows, width), dtype=np.int64)
    for row in mask:
        start = int(rng.integers(2, 4))
        row[start : start + int(rng.integers(2, width - start))] = 1
    return logits, ids, mask


# ---- 3.1 ----


def log_softmax(scores: np.ndarray) -> np.ndarray:
    top = scores.max(-1, keepdims=True)
    return scores - top - np.log(np.exp(scores - top).sum(-1, keepdims=True))


def logps(logits, ids, mask, shift: int = 1, average: bool = False, raw: bool = False) -> list[float]:
    """Sums over masked tokens of the log-probability that the logits `shift` places before give them."""
    scores = np.asarray(logits, dtype=float) if raw else log_softmax(np.asarray(logits, dtype=float))
    found = []
    for row in range(len(ids)):
        places = [t for t in range(len(ids[row])) if mask[row][t] and 0 <= t - shift < len(ids[row])]
        places = [t for t in places if t >= 1]  # the first token has no prediction
        values = [float(scores[row][t - shift][ids[row][t]]) for t in places]
        total = math.fsum(values)
        found.append(total / len(values) if average and values else total)
    return found


# ---- losses ----


def dpo(four: Four, beta: float) -> float:
    return mean([softplus(-beta * gap) for gap in gaps(four)])


def cal_dpo(four: Four, beta: float, *, beta_inside: float = 1.0, weight: float = 1.0) -> float:
    target = 1 / (2 * beta)
    return mean(
        [
            softplus(-beta_inside * (c - r)) + weight * ((c - target) ** 2 + (r + target) ** 2)
            for c, r in ratios(four)
        ]
    )


def dr_dpo(losses: Sequence[float], beta_prime: float) -> float:
    low = min(losses)  # the largest exponential
    inside = mean([math.exp(-(loss - low) / beta_prime) for loss in losses])
    return low - beta_prime * math.log(inside)


def dr_weights(losses: Sequence[float], beta_prime: float) -> list[float]:
    low = min(losses)
    weights = [math.exp(-(loss - low) / beta_prime) for loss in losses]
    return [weight / math.fsum(weights) for weight in weights]


def centred(four: Four, beta: float) -> float:
    found = gaps(four)
    middle = mean(found)
    return mean([softplus(-beta * (gap - middle)) for gap in found])


# ---- dropping, schedule ----


def kept(scores: Sequence[float], share: str) -> list[int]:
    """`share` as it is written, so that it is exact."""
    out = int(Fraction(share) * len(scores))
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], -i))
    return sorted(set(range(len(scores))) - set(order[:out]))


def schedule(epoch: int) -> dict:
    if epoch == 1:
        return {"beta": 0.05, "calibrated": False, "robust": False}
    return {"beta": 0.1, "calibrated": epoch < 4, "robust": epoch >= 4}


# ---- evaluation ----


def accuracy(margins: Sequence[float], chosen: Sequence[int], rejected: Sequence[int]) -> dict:
    n = len(margins)
    right = sum(margin > 0 for margin in margins) / n
    longer = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in zip(chosen, rejected, strict=True)) / n
    control = max(longer, 1 - longer)
    return {"n": n, "accuracy": right, "length_control": control, "above_control": right - control}


def polynomial_gradients(
    x: np.ndarray, baseline: np.ndarray, linear: np.ndarray, square: float, cube: float, at: Sequence[float]
) -> np.ndarray:
    """(x - baseline) times the mean gradient at these shares of the way."""
    way = x - baseline
    points = [baseline + share * way for share in at]
    return way * np.mean([linear + 2 * square * p + 3 * cube * p**2 for p in points], axis=0)


def midpoints(steps: int) -> list[float]:
    return [(k + 0.5) / steps for k in range(steps)]


def lift_of(attribution: np.ndarray, mask: Sequence[bool]) -> float:
    mass = np.abs(attribution.sum(axis=1))
    chosen = np.array(mask, dtype=bool)
    return float(mass[chosen].sum() / mass.sum() * len(chosen) / chosen.sum())


def wins(ab: Sequence[str | None], ba: Sequence[str | None]) -> dict:
    says = {"first": "B", "second": "A", "tie": "tie"}
    sides = [
        (
            None if a is None else {"first": "A", "second": "B", "tie": "tie"}[a],
            None if b is None else says[b],
        )
        for a, b in zip(ab, ba, strict=True)
    ]
    n, unread = len(sides), sum(None in side for side in sides)
    won, lost = sides.count(("A", "A")), sides.count(("B", "B"))
    same = sum(a == b and a is not None for a, b in sides)
    tied = n - unread - won - lost
    return {
        "n": n,
        "wins": won,
        "losses": lost,
        "ties": tied,
        "unparsed": unread,
        "win_rate": (won + 0.5 * (tied + unread)) / n,
        "consistent": same / (n - unread) if n > unread else float("nan"),
    }
