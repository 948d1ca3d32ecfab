"""Lab 1's readers and kappas on real text and real labels: nothing is found where nothing is.

The files lie beside the course where it was developed (`../shared/real`); without them the tests are skipped.
"""

import json
import re

import pytest
from sklearn.metrics import cohen_kappa_score

from labkit.course import project_root
from labkit.data import read_jsonl
from solutions.lab1_ensemble.evaluate import (
    cohen_kappa,
    error_correlation,
    fleiss_kappa,
    gwet_ac1,
    risk_coverage,
)
from solutions.lab1_ensemble.method import (
    check_format,
    extract_gadget_type,
    normalize_gadget_type,
    parse_verdict,
)

REAL = project_root().parent / "shared" / "real"


def rows(name: str) -> list[dict]:
    path = REAL / name
    if not path.is_file():
        pytest.skip(f"{name} isn't here")
    return read_jsonl(path) if path.suffix == ".jsonl" else json.loads(path.read_text(encoding="utf-8"))


def test_real_prose_has_no_label_no_form_and_no_verdict():
    texts = [row[name] for row in rows("gsm8k/test.jsonl") for name in ("question", "answer")]
    assert len(texts) == 2 * 1319
    assert [text for text in texts if extract_gadget_type(text) is not None] == []
    assert [text for text in texts if check_format(text)] == []
    assert [text for text in texts if parse_verdict(text) is not None] == []


def test_the_normaliser_eats_nothing_of_real_names():
    answers = [row["answer"] for row in rows("hotpotqa/dev_simplified_400.json")]
    assert len(answers) == 400
    eaten = 0
    for answer in answers:
        kept = normalize_gadget_type(answer)
        assert kept == "".join(re.findall(r"[^\W_]+", answer.lower())), answer
        eaten += len(kept) != len(re.sub(r"[\W_]", "", answer.lower().replace("and", "")))
    assert eaten > 10  # so many of them hold "and", mostly inside a name


def test_a_constant_answer_has_half_the_accuracy_and_no_kappa():
    gold = ["yes" if row["answer"] else "no" for row in rows("strategyqa/strategyqa_test.jsonl")]
    assert (len(gold), gold.count("no")) == (687, 354)
    constant = ["no"] * len(gold)
    assert cohen_kappa(constant, gold) == pytest.approx(0.0)
    pairs = list(zip(constant, gold, strict=True))
    assert fleiss_kappa(pairs) < -0.3 < gwet_ac1(pairs) < 0.3
    coverage, risk = risk_coverage([0.0] * len(gold), [label == "no" for label in gold])
    assert (coverage, risk) == ([1.0], [pytest.approx(333 / 687)])


def test_kappa_and_phi_on_real_labels_are_those_of_scikit_learn():
    table = rows("strategyqa/strategyqa_test.jsonl")
    gold = [bool(row["answer"]) for row in table]
    guess = [" could " in row["question"].lower() or row["question"].startswith("Are") for row in table]
    assert cohen_kappa(guess, gold) == pytest.approx(cohen_kappa_score(guess, gold))
    first, second = (
        [not label for label in gold],
        [label != word for label, word in zip(gold, guess, strict=True)],
    )
    assert abs(error_correlation(first, second)) <= 1
