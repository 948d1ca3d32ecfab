"""Lab 2's loader and readers on the real thing: all records of StrategyQA, as the published project split it.

The files lie beside the course where it was developed (`../shared/real`); without them the tests are skipped.
"""

import pytest

from labkit.course import project_root
from labkit.data import load_strategyqa
from solutions.lab2_distillation import published
from solutions.lab2_distillation.data import (
    parse_draft,
    parse_teacher,
    quality_report,
    training_text,
    word_of,
)
from solutions.lab2_distillation.evaluate import (
    exact_mcnemar,
    parse_prediction,
    prediction_report,
    wilson_interval,
)
from solutions.lab2_distillation.method import kept_prior, log_odds_shift
from solutions.lab2_distillation.teaching import reasoning_of

REAL = project_root().parent / "shared" / "real" / "strategyqa"
SIZES = {"train": 1038, "validation": 565, "test": 687}


@pytest.fixture(scope="module")
def splits():
    if not REAL.is_dir():
        pytest.skip("StrategyQA's files aren't here")
    return {split: load_strategyqa(split, str(REAL)) for split in SIZES}


def test_the_loader_gives_all_questions_with_their_facts_as_sentences(splits):
    assert {split: len(rows) for split, rows in splits.items()} == SIZES
    rows = [row for part in splits.values() for row in part]
    assert len({row["qid"] for row in rows}) == 2290
    for row in rows:
        assert type(row["answer"]) is bool and row["question"].strip()
        assert row["facts"] and all(isinstance(fact, str) and fact.strip() for fact in row["facts"])
    assert sum(len(row["facts"]) > 1 for row in rows) > 1000


def test_354_of_687_is_exactly_the_share_of_no(splits):
    gold = [row["answer"] for row in splits["test"]]
    assert (gold.count(False), gold.count(True)) == (354, 333)
    constant = prediction_report([False] * len(gold), gold)
    assert constant["accuracy"] == constant["majority"] == pytest.approx(0.515, abs=5e-4)
    assert constant["balanced_accuracy"] == 0.5 and constant["mcc"] != constant["mcc"]
    empty = ["" for _ in gold]
    by_default = [published.published_score(text) is answer for text, answer in zip(empty, gold, strict=True)]
    assert sum(by_default) == 354  # an evaluator that starts from No gives an empty reply the same score
    assert prediction_report([parse_prediction(text) for text in empty], gold)["accuracy"] == 0.0


def test_no_question_and_no_fact_is_read_as_an_answer(splits):
    read = []
    for row in (row for part in splits.values() for row in part):
        for text in (row["question"], *row["facts"]):
            assert parse_draft(text) == {"answer": None, "reasoning": "", "questions": []}, text
            assert parse_teacher(text) is None, text
            read += [text] if parse_prediction(text) is not None else []
    assert read == []


def test_what_is_written_is_read_again_for_every_record(splits):
    for row in (row for part in splits.values() for row in part):
        steps = "\n".join(f"{i}. {fact}" for i, fact in enumerate(row["facts"], start=1))
        letter = f"## Step-by-Step Reasoning\n{steps}\n\n## Final Assessment\nSo the answer is: "
        letter += f"**{word_of(row['answer']).upper()}**"
        assert parse_teacher(letter) is row["answer"]
        rationale = reasoning_of(letter)
        assert rationale.count("\n") + 1 >= len(row["facts"])
        user, assistant = training_text({**row, "rationale": rationale}, "rationale")
        assert user["content"] == f"Question: {row['question'].strip()}"
        assert parse_prediction(assistant["content"]) is row["answer"]
        draft = f"Answer: {word_of(row['answer'])} - {row['facts'][0]}\nQuestions: {row['question']}"
        assert parse_draft(draft)["answer"] is row["answer"]


def test_the_published_filter_and_its_shift_come_out():
    rows = [{"answer": True, "teacher_answer": i < 39} for i in range(91)]
    rows += [{"answer": False, "teacher_answer": i >= 98} for i in range(109)]
    found = quality_report(rows)
    assert (found["n"], found["kept"], found["wrong"], found["unparsed"]) == (200, 137, 63, 0)
    assert found["kept_prior_yes"] == pytest.approx(39 / 137)
    bayes = kept_prior(found["prior_yes"], found["recall_yes"], found["recall_no"])
    assert bayes == pytest.approx(found["kept_prior_yes"])
    assert log_odds_shift(found["prior_yes"], bayes) == pytest.approx(-0.741, abs=5e-4)


def test_the_published_interval_and_discordance():
    assert wilson_interval(354, 687) == pytest.approx((0.478, 0.553), abs=1e-3)
    assert wilson_interval(69, 100) == pytest.approx((0.594, 0.772), abs=1e-3)
    assert exact_mcnemar(408 - 300, 354 - 300) < 0.001
