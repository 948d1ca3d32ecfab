"""Lab 6 on the real thing: its parser and its leakage rules on all 1,319 problems of GSM8K's test set.

The file lies beside the course where it was developed (`../shared/real`); without it these tests are skipped.
"""

import re
from collections import Counter

import pytest

from labkit.course import project_root
from labkit.data import load_gsm8k
from solutions.lab6_safety import assets, run
from solutions.lab6_safety.config import Config
from solutions.lab6_safety.data import fewshot_pool, find_leaks
from solutions.lab6_safety.evaluate import parse_final_answer

GSM8K = project_root().parent / "shared" / "real" / "gsm8k" / "test.jsonl"


@pytest.fixture(scope="module")
def rows():
    if not GSM8K.is_file():
        pytest.skip("GSM8K's test file isn't here")
    return load_gsm8k(source=str(GSM8K))


def test_every_gold_answer_is_read_exactly(rows):
    assert len(rows) == 1319
    for row in rows:
        written = row["answer"].split("####")[1].strip()
        assert re.fullmatch(r"-?[0-9,]+", written), f"GSM8K has an answer of another kind: {written!r}"
        assert parse_final_answer(row["answer"]) == str(int(written.replace(",", "")))


def test_commas_matter_and_a_solution_cut_before_its_mark_has_no_answer(rows):
    assert sum("," in row["answer"].split("####")[1] for row in rows) >= 10
    assert all(parse_final_answer(row["answer"].split("####")[0]) is None for row in rows)


def test_the_exemplars_are_the_only_leaks_of_themselves(rows):
    pool = [row["question"] for row in fewshot_pool(rows, 8, 42)]
    questions = [row["question"] for row in rows]
    found = find_leaks(questions, pool)
    assert Counter(found.values())["exact"] == 8
    for index, rule in found.items():  # a looser rule finds a problem that tells the same story
        assert questions[index] in pool or rule in ("normalised", "masked", "13-gram")


def test_other_numbers_and_another_case_are_found_in_every_problem(rows):
    some = [row["question"] for row in rows[:200]]
    numbers = [re.sub(r"[0-9]+(?:[.,][0-9]+)*", "77", text) for text in some]
    changed = [i for i, text in enumerate(numbers) if text != some[i]]
    found = find_leaks(numbers, some)
    assert all(found[i] in ("normalised", "masked") for i in changed)
    assert set(find_leaks([text.upper() for text in some], some).values()) == {"normalised"}
    assert set(find_leaks([f"Once more. {text} Right?" for text in some], some).values()) == {"13-gram"}


def test_training_and_validation_of_a_public_set_are_apart_and_clean(rows, tmp_path):
    (tmp_path / "train.jsonl").write_text("", "utf-8")
    lines = GSM8K.read_text("utf-8").splitlines(keepends=True)
    (tmp_path / "train.jsonl").write_text("".join(lines[:600]), "utf-8")
    (tmp_path / "test.jsonl").write_text("".join(lines[500:]), "utf-8")  # 100 problems are in both
    config = Config(problems=str(tmp_path), validation_items=50)
    parts = {split: assets.problems(config, split) for split in ("train", "validation", "test")}
    assert [len(parts[split]) for split in parts] == [550, 50, 819]
    pool = fewshot_pool(parts["train"], 8, 42)
    held_out = {split: parts[split] for split in ("validation", "test")}
    kept, found = run.without_leaks(parts["train"], {"exemplars": pool}, held_out, ("exact",))
    assert found["test"]["exact"] == 50 and found["exemplars"]["exact"] == 8
    questions = {row["question"] for row in kept}
    assert not questions & {row["question"] for row in [*pool, *parts["test"]]}
