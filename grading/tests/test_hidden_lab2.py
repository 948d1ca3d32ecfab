"""The oracles of Lab 2's hidden tests are right, and its records are read as the solutions read them.

What is asked of the hidden tests of every lab stands in test_hidden.py.
"""

from __future__ import annotations

import numpy as np
import pytest

from grading.hidden import lab2_oracles as oracle
from grading.hidden import lab2_records as truth
from labkit import stats

# ---- the oracles are right ----


def test_the_scores_are_those_of_the_libraries():
    from sklearn.metrics import balanced_accuracy_score, matthews_corrcoef, recall_score

    rng = np.random.default_rng(3)
    for size in (12, 80):
        gold, said = oracle.flags(rng, size, 0.4), oracle.flags(rng, size)
        found = oracle.scores(said, gold)
        assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(gold, said))
        assert found["mcc"] == pytest.approx(matthews_corrcoef(gold, said))
        assert found["recall_yes"] == pytest.approx(recall_score(gold, said))


def test_p_value_and_interval_are_those_of_the_libraries():
    from scipy.stats import binomtest

    for b, c in ((1, 9), (9, 1), (4, 4), (0, 6), (37, 21)):
        assert oracle.coin_p(b, c) == pytest.approx(binomtest(b, b + c, 0.5).pvalue)
    for k, n in ((354, 687), (6, 10), (0, 10), (10, 10)):
        assert oracle.wilson(k, n) == pytest.approx(stats.wilson(k, n), abs=1e-6)


def test_the_oracles_give_the_published_numbers():
    kept = oracle.prior_kept(91 / 200, 39 / 91, 98 / 109)
    assert kept == pytest.approx(39 / 137)
    assert oracle.log_odds(kept) - oracle.log_odds(91 / 200) == pytest.approx(-0.741, abs=5e-4)
    weights = oracle.weights([True] * 39 + [False] * 98, 91 / 200)
    assert (round(weights[0], 2), round(weights[-1], 2)) == (1.60, 0.76)
    assert oracle.log_odds(0.5) == pytest.approx(0.0, abs=1e-12)


# ---- the notebook's values ----


def test_the_readers_of_the_records_are_those_of_the_solutions():
    from solutions.lab2_distillation.data import parse_teacher
    from solutions.lab2_distillation.evaluate import parse_prediction

    for seed in range(5):
        for record in truth.make_records(np.random.default_rng(100 + seed)):
            assert truth.teacher_said(record) is parse_teacher(record["teacher"])
            for arm, text in record["replies"].items():
                assert truth.said(record, arm) is parse_prediction(text), text
