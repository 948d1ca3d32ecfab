"""Lab 4's parser on the real thing: all 1,319 gold answers of GSM8K's test set.

The file lies beside the course where it was developed (`../shared/real`); without it these tests are skipped.
"""

import re
from fractions import Fraction

import pytest

from labkit.course import project_root
from labkit.data import load_gsm8k
from solutions.lab4_best_of_n.data import split_public_sets
from solutions.lab4_best_of_n.method import canonical_answer

GSM8K = project_root().parent / "shared" / "real" / "gsm8k" / "test.jsonl"


@pytest.fixture(scope="module")
def rows():
    if not GSM8K.is_file():
        pytest.skip("GSM8K's test file isn't here")
    return load_gsm8k(source=str(GSM8K))


def test_the_loader_gives_all_problems(rows):
    assert len(rows) == 1319
    assert all(set(row) >= {"question", "answer"} for row in rows)


def test_every_gold_answer_is_read_exactly(rows):
    for row in rows:
        written = row["answer"].split("####")[1].strip()
        assert re.fullmatch(r"-?[0-9,]+(\.[0-9]+)?", written), (
            f"GSM8K has an answer of another kind: {written!r}"
        )
        assert canonical_answer(row["answer"]) == str(Fraction(written.replace(",", "")))


def test_some_gold_answers_hold_commas_so_the_rule_matters(rows):
    with_comma = [row for row in rows if "," in row["answer"].split("####")[1]]
    assert len(with_comma) >= 10
    assert all("," not in canonical_answer(row["answer"]) for row in with_comma)


def test_a_solution_cut_before_its_marker_has_no_answer(rows):
    cut = [row["answer"].split("####")[0] for row in rows]
    read = [text for text in cut if canonical_answer(text) is not None]
    assert all("answer is" in text.lower() for text in read)


def test_public_sets_split_by_template_without_overlap(rows):
    """GSM-Symbolic has 100 templates of 50 instances; here 3 stand for them, made from GSM8K rows."""
    symbolic = [
        {
            "question": f"{rows[i]['question']} (instance {instance})",
            "answer": rows[i]["answer"],
            "instance": instance,
            "original_id": i,
            "original_question": rows[i]["question"],
        }
        for i in (5, 17, 400)
        for instance in range(50)
    ]
    files = split_public_sets(symbolic, rows)
    templates = {name: {row["template"] for row in part} for name, part in files.items()}
    train = files["gsm_symbolic_train_4500_student.jsonl"]
    assert len(train) == 3 * 45
    assert len(files["test_in_distribution.jsonl"]) == 3 * 5
    assert len(files["test_same_templates.jsonl"]) == 3
    assert len(files["test_non_overlapping.jsonl"]) == 500
    assert templates["test_same_templates.jsonl"] == templates["gsm_symbolic_train_4500_student.jsonl"]
    assert not templates["test_non_overlapping.jsonl"] & templates["gsm_symbolic_train_4500_student.jsonl"]
    seen = {row["question"] for row in train}
    assert not seen & {row["question"] for row in files["test_in_distribution.jsonl"]}
