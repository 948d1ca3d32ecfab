"""The world that Lab 4's data come from: deterministic, true arithmetic, splits apart, files as generated."""

import hashlib
import random
import re

import pytest
import torch

from grading.recipes.lab4 import corpus, lessons, reward, world
from grading.recipes.lab4.pretrain import CHAT_TEMPLATE, chat
from labkit.data import sha256
from labkit.models import load_tokenizer


@pytest.fixture(scope="module")
def files() -> dict[str, list[dict]]:
    return world.build_files()


def value_of(text: str) -> int:
    """The value of `12 + 7`, computed by Python and not by the world's own code."""
    result = eval(text, {"__builtins__": {}})
    assert result == int(result), f"{text} is no whole number"
    return int(result)


def test_there_are_enough_templates_of_two_to_six_steps():
    train, other = world.templates("train"), world.templates("other")
    assert len(train) >= 100 and len(other) >= 30
    assert {t.steps for t in train} == {2, 3, 4, 5, 6}
    assert all(2 <= t.steps <= 6 for t in other)


def test_the_sides_share_no_template_and_no_story():
    keys = {side: {t.key for t in world.templates(side)} for side in ("train", "other", "pretrain")}
    texts = {side: {masked_template(t) for t in world.templates(side)} for side in keys}
    for one, two in (("train", "other"), ("pretrain", "other"), ("train", "pretrain")):
        assert not keys[one] & keys[two] and not texts[one] & texts[two]
    for side, all_texts in texts.items():
        assert len(all_texts) == len(world.templates(side)) == len(keys[side])


def masked_template(template: world.Template) -> str:
    return re.sub(r"\{\w+\}", "@", template.question)


def test_every_solution_computes_what_it_says(files):
    for name, rows in files.items():
        for row in rows:
            steps = lessons.STEP.findall(row["answer"])
            for left, operator, right, result in steps:
                assert value_of(f"{left} {operator} {right}") == int(result), (name, row)
            assert row["answer"].endswith(f"\n#### {steps[-1][3]}"), (name, row)
            assert 2 <= len(steps) <= 6


def test_every_number_of_a_solution_comes_from_the_problem_or_an_earlier_step(files):
    """Constants that a story names in words (legs, doubled, a week …) are the only others."""
    words = {2, 3, 4, 6, 7, 8, 1, 5, 10, 12, 15, 20, 100}
    for row in files["test_in_distribution.jsonl"] + files["test_non_overlapping.jsonl"]:
        known = {int(number) for number in re.findall(r"\d+", row["question"])} | words
        for left, _, right, result in lessons.STEP.findall(row["answer"]):
            assert {int(left), int(right)} <= known, row
            known.add(int(result))


def test_no_question_occurs_twice(files):
    questions = [row["question"] for rows in files.values() for row in rows]
    assert len(questions) == len(set(questions))


def test_non_overlapping_problems_stay_apart_when_numbers_and_names_are_masked(files):
    training = {world.masked(row["question"]) for row in files["gsm_symbolic_train_4500_student.jsonl"]}
    for name in ("gsm8k_test_100_non_overlapping.jsonl", "test_non_overlapping.jsonl"):
        assert not training & {world.masked(row["question"]) for row in files[name]}
    same = {world.masked(row["question"]) for row in files["test_same_templates.jsonl"]}
    assert same <= training, "same templates means the same wording with other numbers and names"


def test_generation_is_deterministic_and_the_committed_files_are_what_it_makes(files):
    again = world.build_files()
    for name, rows in files.items():
        assert rows == again[name]
        made = hashlib.sha256(world.as_jsonl(rows).encode()).hexdigest()
        assert made == sha256(world.DATA / name), f"{name}: run python -m grading.recipes.lab4 world"


def test_the_corpus_holds_no_test_question_and_no_non_overlapping_story(files):
    forbidden = {row["question"] for rows in files.values() for row in rows}
    other = {world.masked(row["question"]) for row in files["test_non_overlapping.jsonl"]}
    for text in corpus.documents(3000, 5, chat, forbidden):
        question = re.split(r"<\|user\|>\n|Question: ", text)[-1].split("<|end|>")[0].split("\nAnswer:")[0]
        assert question not in forbidden and world.masked(question) not in other


def test_the_shipped_chat_template_is_the_one_of_the_corpus():
    tokenizer = load_tokenizer("nano-math")
    turns = [{"role": "user", "content": "How many?"}, {"role": "assistant", "content": "It is 12.\n#### 12"}]
    assert tokenizer.apply_chat_template(turns, tokenize=False) == chat("How many?", "It is 12.\n#### 12")
    assert tokenizer.chat_template == CHAT_TEMPLATE
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    assert len(tokenizer("12 + 345", add_special_tokens=False)["input_ids"]) == 6, "digits are single tokens"


def test_a_slip_is_found_in_the_step_where_it_stands():
    rng = random.Random(4)
    for template in world.templates("train"):
        row = world.instance(template, rng)
        broken = lessons.slip(row["question"], row["answer"], rng)
        assert lessons.right_until(row["answer"], row["answer"]) == len(row["answer"])
        if broken.endswith(row["answer"].rpartition("\n")[2]):
            continue  # two wrongs that make a right: such a reply counts as right
        until = lessons.right_until(broken, row["answer"])
        right = [m.groups() for m in lessons.STEP.finditer(broken) if m.end() < until]
        wanted = [m.groups() for m in lessons.STEP.finditer(row["answer"])][: len(right)]
        assert [sorted(step) for step in right] == [sorted(step) for step in wanted], (template.key, broken)
        assert until < broken.rindex("####"), (template.key, broken)


def test_a_template_with_a_missing_line_is_named():
    with pytest.raises(ValueError, match="'half'"):
        world.parse_templates("== half | a=2-9\nOnly a question {a}?\n")


def test_weights_are_averaged_in_float32_and_only_of_one_architecture():
    half = {"w": torch.tensor([60_000.0, 1.0]).half()}  # two such halves add up to more than float16 holds
    mean = reward.average([half, {"w": torch.tensor([50_000.0, 2.0])}])
    assert mean["w"].dtype == torch.float32 and mean["w"].tolist() == [55_000.0, 1.5]
    for others in ([], [half, {"v": half["w"]}], [half, {"w": half["w"][:1]}]):
        with pytest.raises(ValueError, match="one architecture"):
            reward.average(others)
