"""Honest numbers: intervals with their n, paired comparisons, and the n that a claim needs.

Example:
    low, high = wilson(62, 100)                                   # 0.62 correct: 0.522 to 0.709
    paired_bootstrap(tuned, untuned, clusters=templates)            # difference and its interval

Computed by statsmodels and scipy; only the bookkeeping is ours. Left out: tests for unpaired groups.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A mean (or a difference of means) with the interval around it and the number of items and clusters."""

    value: float
    low: float
    high: float
    n: int
    clusters: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}] (n = {self.n})"


@dataclass(frozen=True)
class McNemar:
    """Two arms on the same items: how often only the first or only the second was right, and the exact p."""

    only_first: int
    only_second: int
    n: int
    p_value: float

    @property
    def discordance(self) -> float:
        """Share of the items on which the arms differ."""
        return (self.only_first + self.only_second) / self.n


def wilson(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share. Raises ValueError: n < 1 or successes outside 0…n. Wilson 1927."""
    from statsmodels.stats.proportion import proportion_confint

    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"expected 0 ≤ successes ≤ n and n ≥ 1, found {successes} of {n}")
    low, high = proportion_confint(successes, n, alpha=1 - level, method="wilson")
    return float(low), float(high)


def clustered_bootstrap(
    values: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    *,
    level: float = 0.95,
    resamples: int = 5000,
    seed: int = 0,
) -> Estimate:
    """The mean of `values` with a percentile interval from resampling whole clusters.

    Args:
        values: (items,), for example 1.0 for a right answer and 0.0 for a wrong one.
        clusters: (items,), what items share (their template); None when every item stands alone.
    Raises:
        ValueError: no value, a value that is not finite, or clusters of another length.
    Source: Field and Welsh 2007, "Bootstrapping clustered data".
    """
    from scipy.stats import bootstrap

    data = np.asarray(values, dtype=float)
    if data.ndim != 1 or len(data) == 0 or not np.isfinite(data).all():
        raise ValueError("expected a list of finite numbers, at least one")
    labels = list(range(len(data))) if clusters is None else list(clusters)
    if len(labels) != len(data):
        raise ValueError(f"expected a cluster for each of {len(data)} values, found {len(labels)}")
    places = {label: place for place, label in enumerate(dict.fromkeys(labels))}
    index = np.array([places[label] for label in labels])
    sums = np.bincount(index, weights=data)
    counts = np.bincount(index).astype(float)
    mean = float(data.mean())
    if len(places) < 2 or np.ptp(data) == 0:  # nothing to resample
        low, high = (mean, mean) if np.ptp(data) == 0 and len(places) > 1 else (-math.inf, math.inf)
        return Estimate(mean, low, high, len(data), len(places))
    found = bootstrap(
        (sums, counts),
        lambda total, count, axis=-1: total.sum(axis=axis) / count.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=resamples,
        batch=256,
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    low, high = found.confidence_interval
    return Estimate(mean, float(low), float(high), len(data), len(places))


def clustered_statistic(
    statistic: Callable[[list[int]], float],
    clusters: Sequence[Hashable],
    *,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Estimate:
    """Any statistic of items (a kappa, say) with a percentile interval from resampling whole clusters.

    Args:
        statistic: (indices of items, with repetitions) -> number; NaN where it isn't defined.
        clusters: (items,), what items share.
    Returns:
        The statistic of all items; the interval is over the resamples in which it is defined, and infinite
        where that is fewer than half of them or there is only one cluster.
    Raises:
        ValueError: no items.
    Source: Field and Welsh 2007, "Bootstrapping clustered data".
    """
    members: dict[Hashable, list[int]] = {}
    for index, label in enumerate(clusters):
        members.setdefault(label, []).append(index)
    if not members:
        raise ValueError("expected at least one item")
    groups = list(members.values())
    value = float(statistic(list(range(len(clusters)))))
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(resamples if len(groups) > 1 else 0):
        drawn = rng.integers(len(groups), size=len(groups))
        found.append(float(statistic([index for group in drawn for index in groups[group]])))
    defined = [number for number in found if not math.isnan(number)]
    low, high = -math.inf, math.inf
    if 2 * len(defined) >= resamples:
        low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(low), float(high), len(clusters), len(groups))


def paired_bootstrap(
    first: Sequence[float],
    second: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    *,
    level: float = 0.95,
    resamples: int = 5000,
    seed: int = 0,
) -> Estimate:
    """The mean of first − second on the same items, with the interval of `clustered_bootstrap`.

    Raises ValueError: lists of different length, and as there.
    """
    if len(first) != len(second):
        raise ValueError(f"expected two values an item, found {len(first)} and {len(second)}")
    differences = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)
    return clustered_bootstrap(differences, clusters, level=level, resamples=resamples, seed=seed)


def mcnemar_exact(first: Sequence[bool], second: Sequence[bool]) -> McNemar:
    """Exact two-sided McNemar test of two arms on the same items. Raises ValueError: not such lists."""
    from statsmodels.stats.contingency_tables import mcnemar

    one, two = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    if one.shape != two.shape or one.ndim != 1 or len(one) == 0:
        raise ValueError(f"expected two lists of the same items, found {one.shape} and {two.shape}")
    only_first, only_second = int((one & ~two).sum()), int((two & ~one).sum())
    table = [[int((one & two).sum()), only_first], [only_second, int((~one & ~two).sum())]]
    p_value = float(mcnemar(table, exact=True).pvalue) if only_first + only_second else 1.0
    return McNemar(only_first, only_second, len(one), min(p_value, 1.0))


def n_for_mcnemar(difference: float, discordance: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Items needed to see `difference` between two arms that disagree on a share `discordance` of the items.

    Example: a difference of 0.03 at a discordance of 0.10 needs 870 items.
    Raises ValueError: unless 0 < |difference| ≤ discordance ≤ 1.
    Source: Connor 1987, "Sample size for testing differences in proportions for the paired-sample design".
    """
    from scipy.stats import norm

    gap = abs(difference)
    if not 0 < gap <= discordance <= 1:
        raise ValueError(f"expected 0 < |difference| ≤ discordance ≤ 1, found {difference} and {discordance}")
    reach = norm.ppf(1 - alpha / 2) * math.sqrt(discordance) + norm.ppf(power) * math.sqrt(
        discordance - gap**2
    )
    return math.ceil((reach / gap) ** 2)


def prediction_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Where one more run should fall: mean ± t · s · √(1 + 1/n), from `values` of at least two runs.

    Raises ValueError: fewer than two values.
    """
    from scipy.stats import t

    data = np.asarray(values, dtype=float)
    if data.ndim != 1 or len(data) < 2:
        raise ValueError(f"expected at least two runs, found {data.size}")
    reach = t.ppf(0.5 + level / 2, len(data) - 1) * data.std(ddof=1) * math.sqrt(1 + 1 / len(data))
    return float(data.mean() - reach), float(data.mean() + reach)
