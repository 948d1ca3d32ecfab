"""The oracles of Lab 5's hidden tests are right, and its records are read as the solutions read them.

What is asked of the hidden tests of every lab stands in test_hidden.py.
"""

from __future__ import annotations

import numpy as np
import pytest

from grading.hidden import lab5_oracles as oracle
from grading.hidden import lab5_records as truth

# ---- the oracles are right ----


def test_auroc_brier_and_confusion_are_those_of_scikit_learn():
    from sklearn.metrics import brier_score_loss, confusion_matrix, roc_auc_score

    rng = np.random.default_rng(4)
    for size in (12, 90):
        labels = [*oracle.flags(rng, size, 0.4), True, False]
        scores = [float(x) / 9 for x in rng.integers(10, size=size + 2)]
        assert oracle.pairs(scores, labels) == pytest.approx(roc_auc_score(labels, scores))
        assert oracle.decomposed(scores, labels)["brier"] == pytest.approx(brier_score_loss(labels, scores))
        said, true = ([oracle.pick(rng, oracle.ABILITIES) for _ in range(size)] for _ in range(2))
        want = confusion_matrix(true, said, labels=list(oracle.ABILITIES)).tolist()
        found = oracle.confusion(said, true)["matrix"]
        assert [[found[a][b] for b in oracle.ABILITIES] for a in oracle.ABILITIES] == want


def test_parts_are_those_of_scikit_learns_calibration_curve():
    from sklearn.calibration import calibration_curve

    rng = np.random.default_rng(5)
    p = (rng.random(200) * 0.998 + 0.0007).tolist()
    y = [bool(rng.random() < x) for x in p]
    accuracy, confidence = calibration_curve(y, p, n_bins=8)
    rows = oracle.table(p, y, 8)["bins"]
    assert [row["confidence"] for row in rows] == pytest.approx(confidence.tolist())
    assert [row["accuracy"] for row in rows] == pytest.approx(accuracy.tolist())


def test_normalisation_agrees_with_squads_script_on_plain_text():
    import re
    import string

    def squad(text: str) -> str:  # the rules of the official evaluation script
        bare = "".join(c for c in text.lower() if c not in set(string.punctuation))
        return " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split())

    for text in ("The Eiffel Tower!", "an apple, a day", "U.S.A.", "$5 + 3%", "theatre", "Spider-Man"):
        assert oracle.normal(text) == squad(text)


def test_normalisation_agrees_with_the_readings_written_by_hand():
    for text, reading in oracle.READINGS.items():
        assert oracle.normal(text) == reading, text


def test_always_no_gets_what_the_case_file_says():
    assert oracle.skill([False] * 1000, [True] * 116 + [False] * 884)["constant"] == pytest.approx(0.884)


# ---- the notebook's values ----


def test_the_matcher_of_the_records_is_that_of_the_solutions():
    from solutions.lab5_metacognition.data import answer_matches, normalize_answer

    for seed in range(5):
        for record in truth.make_records(np.random.default_rng(100 + seed)):
            golds = [normalize_answer(alias) for alias in record["aliases"]]
            for name in ("replies", "replies_after"):
                found = [answer_matches(normalize_answer(reply), golds) for reply in record[name]]
                assert found == truth.hits(record, name)
