"""The oracles of Lab 1's hidden tests are right, and its values' statistics are those of labkit.

What is asked of the hidden tests of every lab stands in test_hidden.py.
"""

from __future__ import annotations

import numpy as np
import pytest

from grading.hidden import lab1_oracles as oracle
from grading.hidden import lab1_records as truth
from labkit import stats

# ---- the oracles are right ----


def test_the_kappas_are_those_of_the_libraries():
    from sklearn.metrics import cohen_kappa_score, matthews_corrcoef
    from statsmodels.stats.inter_rater import aggregate_raters
    from statsmodels.stats.inter_rater import fleiss_kappa as library_fleiss

    rng = np.random.default_rng(3)
    for classes in (2, 3, 5):
        a, b = oracle.two_raters(rng, 60, classes, 0.6)
        assert oracle.cohen(a, b) == pytest.approx(cohen_kappa_score(a, b))
        rows = oracle.many_raters(rng, 30, 4, classes, 0.6)
        names = list(oracle.shares_of(rows))
        counts, _ = aggregate_raters(np.array([[names.index(x) for x in row] for row in rows]))
        assert oracle.fleiss(rows) == pytest.approx(library_fleiss(counts))
        wrong = [[x == names[0] for x in row] for row in zip(*rows, strict=True)][:2]
        assert oracle.phi(*wrong) == pytest.approx(matthews_corrcoef(*wrong))


def test_the_oracles_give_the_published_numbers():
    assert oracle.cohen(["p"] * 25 + ["q"] * 25, ["p"] * 20 + ["q"] * 5 + ["p"] * 10 + ["q"] * 15) == 0.4
    assert oracle.independent(0.5, 0.5, 2) == 0.5
    # 125 items, nearly all of one class, 7 differ: P .944; by chance .9453 (Cohen) or 2 · .972 · .028 (AC1)
    rows = [["+", "+"]] * 118 + [["+", "-"]] * 5 + [["-", "+"]] * 2
    assert oracle.cohen(*map(list, zip(*rows, strict=True))) == pytest.approx(-0.0234, abs=1e-4)
    assert oracle.ac1(rows) == pytest.approx(0.9408, abs=1e-4)


def test_the_real_numbers_of_judges_come_out_of_the_same_formulas():
    """A public judge file has raw agreement .756 and kappa .081: that needs one class that rules."""
    agree, kappa = 0.756, 0.081
    expected = (agree - kappa) / (1 - kappa)
    assert expected == pytest.approx(0.7345, abs=1e-4)
    one = (1 + (2 * expected - 1) ** 0.5) / 2  # both raters with the same share of the common class
    assert one > 0.84


def test_risk_is_the_error_rate_at_full_coverage_and_rises_strictly():
    rng = np.random.default_rng(4)
    for _ in range(10):
        confidence = [float(x) for x in rng.integers(0, 5, size=30)]
        correct = [bool(x) for x in rng.random(30) < 0.6]
        coverage, risk = oracle.risk(confidence, correct)
        assert coverage == sorted(set(coverage)) and coverage[-1] == 1.0
        assert risk[-1] == pytest.approx(1 - np.mean(correct))
        assert len(coverage) == len(set(confidence))


# ---- the notebook's values ----


def test_the_values_statistics_are_those_of_labkit():
    for k, n in ((0, 60), (31, 60), (60, 60), (6, 10), (1, 10)):
        assert truth.wilson(k, n) == pytest.approx(stats.wilson(k, n), abs=1e-9)
    assert truth.wilson(6, 10) == pytest.approx([0.31, 0.83], abs=5e-3)
    assert truth.wilson(1, 10) == pytest.approx([0.02, 0.40], abs=5e-3)
