"""What the small functions of Lab 4 must give, computed by other means than a solution would use.

Enumeration of all subsets or orderings, exact fractions, decimals with huge exponents, numerical integration:
slow and obvious. Also what typical mistakes would give, so that a test can name them. Inputs are made from
the `rng` of one test and one submission.
Left out: everything with a model in it (lab4_llama.py) and the notebook's values (lab4_records.py).
"""

from __future__ import annotations

import itertools
import math
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np

Answers = list[str | None]


# ---- inputs ----


def answer_names(rng: np.random.Generator, count: int) -> list[str]:
    """`count` different canonical answers in random order: whole numbers, some negative, some fractions."""
    numbers = [int(i) for i in rng.choice(np.arange(2, 5000), size=count, replace=False)]
    kinds = [int(kind) for kind in rng.integers(0, 5, size=count)]
    return [
        f"-{i}" if kind == 0 else f"{2 * i + 1}/2" if kind == 1 else str(i)
        for i, kind in zip(numbers, kinds, strict=True)
    ]


def random_answers(rng: np.random.Generator, size: int, different: int, none_share: float = 0.2) -> Answers:
    """`size` answers drawn from `different` names, about `none_share` of them None."""
    names = answer_names(rng, different)
    return [None if rng.random() < none_share else names[int(rng.integers(different))] for _ in range(size)]


def tied_answers(rng: np.random.Generator, tied: int, each: int, others: int = 0) -> Answers:
    """`tied` answers `each` times in random order, and `others` further answers once (needs each > 1)."""
    names = answer_names(rng, tied + others)
    answers = [name for name in names[:tied] for _ in range(each)] + names[tied:]
    return [answers[int(i)] for i in rng.permutation(len(answers))]


def rewards_of(rng: np.random.Generator, size: int, spread: float = 2.0) -> list[float]:
    """`size` rewards, all different and well apart, positive and negative."""
    ranks = rng.permutation(size)
    return [round(float(rank - size / 2) * spread / 3 + float(rng.uniform(0, 0.2)), 4) for rank in ranks]


def rewards_off_by_rounding(rng: np.random.Generator) -> list[float]:
    """Five rewards whose weights, added one by one, come out larger from the back than from the front."""
    while True:
        rewards = [float(reward) for reward in rng.normal(size=5)]
        highest = max(rewards)
        sums = []
        for order in (rewards, rewards[::-1]):
            total = 0.0
            for reward in order:
                total += math.exp(reward - highest)
            sums.append(total)
        if sums[0] < sums[1]:
            return rewards


# ---- votes ----


def tally(answers: Answers) -> dict[str, int]:
    """Votes for each answer, in the order of first occurrence; None has none."""
    votes = [answer for answer in answers if answer is not None]
    return {answer: votes.count(answer) for answer in sorted(set(votes), key=votes.index)}


def earliest_winner(answers: Answers) -> str | None:
    """The most frequent answer; of equals the one whose first vote has the smallest index."""
    best: tuple[int, int, str] | None = None
    for answer, votes in tally(answers).items():
        rank = (-votes, answers.index(answer), answer)
        best = rank if best is None or rank < best else best
    return best[2] if best else None


def share_over_orderings(answers: Answers, gold: str) -> Fraction:
    """How often gold wins when ties go to the earliest, over all orderings of the answers (at most 7)."""
    orderings = list(itertools.permutations(answers))
    return Fraction(sum(earliest_winner(list(order)) == gold for order in orderings), len(orderings))


def weighted_totals(answers: Answers, rewards: list[float], temperature: float) -> dict[str, Decimal]:
    """Sum of exp(reward / temperature) for each answer, unshifted: Decimal holds even exp(100000)."""
    with localcontext() as context:
        context.prec, context.Emax, context.Emin = 60, 10**9, -(10**9)
        totals: dict[str, Decimal] = {}
        for answer, reward in zip(answers, rewards, strict=True):
            if answer is not None:
                weight = (Decimal(reward) / Decimal(temperature)).exp()
                totals[answer] = totals.get(answer, Decimal(0)) + weight
        return totals


def weighted_winner(answers: Answers, rewards: list[float], temperature: float = 1.0) -> str | None:
    totals = weighted_totals(answers, rewards, temperature)
    return max(totals, key=totals.__getitem__) if totals else None


def clear_margin(answers: Answers, rewards: list[float], temperature: float = 1.0) -> bool:
    """The best total is at least 1 % above the second: no rounding can change the winner."""
    totals = sorted(weighted_totals(answers, rewards, temperature).values(), reverse=True)
    return len(totals) < 2 or totals[0] > totals[1] * Decimal("1.01")


# ---- best of n ----


def top_index(rewards: list[float]) -> int:
    """The first index at which no other reward is higher."""
    return next(i for i, reward in enumerate(rewards) if all(other <= reward for other in rewards))


def share_of_subsets(right: list[bool], rewards: list[float], n: int) -> Fraction:
    """Best-of-n over every n-subset of the samples: the share of subsets whose best sample is right."""
    subsets = list(itertools.combinations(range(len(right)), n))
    return Fraction(sum(right[s[top_index([rewards[i] for i in s])]] for s in subsets), len(subsets))


def mean_curve(correct: list[list[bool]], rewards: list[list[float]], ns: list[int]) -> list[float]:
    items = list(zip(correct, rewards, strict=True))
    return [float(sum(share_of_subsets(c, r, n) for c, r in items) / len(items)) for n in ns]


def first_n_curve(correct: list[list[bool]], rewards: list[list[float]], ns: list[int]) -> list[float]:
    """The mistake: only the first n samples are looked at."""
    items = list(zip(correct, rewards, strict=True))
    return [sum(c[top_index(r[:n])] for c, r in items) / len(items) for n in ns]


def share_with_replacement(right: list[bool], rewards: list[float], n: int) -> float:
    """The mistake: n independent draws; the sample at place j is best with ((N-j)^n - (N-j-1)^n) / N^n."""
    size = len(rewards)
    order = sorted(range(size), key=lambda i: -rewards[i])
    return sum(((size - j) ** n - (size - j - 1) ** n) / size**n for j, i in enumerate(order) if right[i])


def kl_by_integration(n: int, steps: int = 200_000) -> float:
    """KL of the maximum of n uniforms from one: integral of p log p, p(u) = n u^(n-1), midpoint rule."""
    # u = v^(1/n) is the maximum's quantile function, so the integral is the mean of log p over v in (0, 1)
    v = (np.arange(steps) + 0.5) / steps
    return float(np.mean(math.log(n) + (n - 1) / n * np.log(v)))


# ---- pass@k ----


def pass_by_counting(n: int, c: int, k: int) -> float:
    """Share of the k-subsets of n samples (the first c right) that hold a right one; n at most 12."""
    subsets = list(itertools.combinations(range(n), k))
    return sum(min(subset) < c for subset in subsets) / len(subsets)


def pass_exactly(n: int, c: int, k: int) -> float:
    """The same from exact binomials, rounded once at the end."""
    return float(1 - Fraction(math.comb(n - c, k), math.comb(n, k)))
