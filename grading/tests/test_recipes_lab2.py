"""The world of Lab 2's questions: true, entity-disjoint, balanced, and the corpus answers none of them."""

import itertools
import random
import re
from collections import Counter

import pytest

from grading.recipes.lab2 import corpus, tuning, world
from grading.recipes.training import CHAT_TEMPLATE, chat
from labkit.data import read_jsonl
from labkit.models import load_tokenizer
from solutions.lab2_distillation.teaching import STEPS


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return world.build_rows()


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return list(itertools.islice(corpus.documents(5, chat), 3000))


def test_no_entity_is_on_two_sides(rows):
    sides = {side: {e for r in rows if r["split"] == side for e in r["entities"]} for side in world.ENTITIES}
    for one, two in itertools.combinations(sides, 2):
        assert not sides[one] & sides[two]
    assert len(sides["test"]) == 84


def test_there_are_enough_test_questions_and_each_side_has_the_published_share_of_yes(rows):
    counts = Counter(r["split"] for r in rows)
    assert counts == world.QUESTIONS and counts["test"] >= 1000
    for side, count in counts.items():
        assert sum(r["answer"] for r in rows if r["split"] == side) / count == pytest.approx(0.46, abs=0.005)
    assert len({r["qid"] for r in rows}) == len({r["question"] for r in rows}) == len(rows)


def test_yes_always_means_that_the_first_number_is_larger(rows):
    for row in rows:
        first, second = world.numbers_of(row)
        assert row["answer"] == (first > second), row
        word = "more" if row["answer"] else "less"
        assert row["steps"] == [*row["facts"], f"{first} is {word} than {second}."]
        assert abs(first - second) >= world.GAP


def test_questions_and_facts_name_both_things_in_order(rows):
    for row in rows:
        bare = [re.sub(r"^(Lake|the ship|the) | Tower$", "", name) for name in row["entities"]]
        places = [row["question"].index(name) for name in bare]
        assert places == sorted(places), row
        assert all(name in text for name, text in zip(bare, row["facts"], strict=True))
        assert all(name in text for name, text in zip(bare, row["decomposition"], strict=False))


def test_a_thing_has_one_number_of_a_sort_wherever_it_is_mentioned(rows):
    known: dict[str, str] = {}
    for row in rows:
        for question, fact in zip(row["decomposition"], row["facts"], strict=False):
            assert known.setdefault(question, fact) == fact


def test_guessing_by_the_first_number_alone_is_right_three_times_in_four(rows):
    """What can be known without the second thing; a model above that must have compared."""
    test = [r for r in rows if r["split"] == "test"]
    right = sum((world.numbers_of(r)[0] >= corpus.HIGH) == r["answer"] for r in test) / len(test)
    assert 0.70 < right < 0.80


def test_the_corpus_holds_no_question_of_a_data_file(rows, texts):
    forbidden = {row["question"] for row in rows}
    for text in texts:
        for question in re.findall(r"Question: ([^\n<]*)", text):
            assert question not in forbidden


def test_the_corpus_answers_no_question_about_two_things_but_by_drafts_that_guess():
    rng, right = random.Random(3), []
    known = {world.ask(t, a): t.number(a) for t in world.things() for a in corpus.own(t)}
    for _ in range(1000):
        text = corpus.draft(rng, chat)
        first, second = re.search(r"Questions: (.*\?) (.*\?)<", text).groups()
        right.append(("Answer: Yes" in text) == (known[first] > known[second]))
    assert 0.45 < sum(right) / len(right) < 0.55
    pattern = re.compile(r"Question: ([^\n<]*)<\|end\|>\n<\|assistant\|>\nAnswer: ")
    shown = {t.name for t in world.things()}
    for kind in (corpus.single, corpus.focus, corpus.member, corpus.rough, corpus.numbers, corpus.letter):
        for _ in range(200):
            for question in pattern.findall(kind(rng, chat)):
                assert sum(name in question for name in shown) < 2, question


def test_a_hunch_is_about_the_first_thing_alone_and_blind_where_it_has_no_size(monkeypatch):
    rng, blind, drawn = random.Random(4), [], []
    real = corpus.two_things
    monkeypatch.setattr(corpus, "two_things", lambda rng: drawn.append(real(rng)) or drawn[-1])
    for kind in (corpus.hunch, corpus.glance):
        for _ in range(500):
            yes = "Answer: Yes" in kind(rng, chat)
            relation, first, _ = drawn[-1]
            if relation.first.adjective:
                assert yes == (first.number(relation.first) >= corpus.HIGH)
            else:
                blind.append(yes)
    assert 0.4 < sum(blind) / len(blind) < 0.6


def test_every_number_of_the_corpus_about_a_thing_is_its_number(texts):
    true = {world.fact(t, a, p) for t in world.things() for a in corpus.own(t) for p in (a.fact, *a.wordings)}
    names = [t.name for t in world.things()]
    for text in texts:
        for sentence in re.split(r"(?<=\.) |\n", re.sub(r"<\|\w+\|>", "\n", text)):
            sentence = re.sub(r"^\d\. ", "", sentence)
            if re.search(r"\d", sentence) and any(world.upper(n) in sentence or n in sentence for n in names):
                assert sentence in true, sentence


def test_generation_is_deterministic_and_the_committed_file_is_what_it_makes(rows):
    written = (world.DATA / "questions.jsonl").read_text(encoding="utf-8")
    assert written == world.as_jsonl(rows), "run python -m grading.recipes.lab2 world"
    first, second = (list(itertools.islice(corpus.documents(7, chat), 20)) for _ in range(2))
    assert first == second


def test_every_record_of_the_case_file_belongs_to_a_test_question(rows):
    gold = {row["qid"]: row["answer"] for row in rows if row["split"] == "test"}
    records = read_jsonl(world.DATA / "records_small.jsonl")
    assert len({record["qid"] for record in records}) == len(records) >= 60
    for record in records:
        assert record["gold"] is gold[record["qid"]] and list(record) == ["qid", "gold", "teacher", "replies"]
        assert list(record["replies"]) == ["phase_a", "published", "repaired"]
        assert STEPS in record["teacher"] and record["teacher"].endswith(("**YES**", "**NO**"))
    cut = [record["replies"]["repaired"].startswith(record["replies"]["published"]) for record in records]
    assert all(cut), "the published evaluator's five tokens are the beginning of a repaired reply"


def test_the_shipped_tokenizer_has_the_corpus_template_and_one_token_a_name():
    tokenizer = load_tokenizer("nano-facts")
    turns = [{"role": "user", "content": "How many?"}, {"role": "assistant", "content": "12."}]
    assert tokenizer.apply_chat_template(turns, tokenize=False) == chat("How many?", "12.")
    assert tokenizer.chat_template == CHAT_TEMPLATE and tokenizer.pad_token_id != tokenizer.eos_token_id
    for name in world.names():
        shown = name if f"the {name}" in {t.name for t in world.things()} else name.capitalize()
        assert len(tokenizer(f" {shown}", add_special_tokens=False)["input_ids"]) == 1, shown


def test_a_batch_learns_the_reply_and_its_end_token_only():
    tokenizer = load_tokenizer("nano-facts")
    batch = tuning.batch_of(tokenizer, [("Question: Why?", "Answer: No"), ("Question: How deep?", "45 m")])
    for row, reply in zip(batch["labels"], ("Answer: No", "45 m"), strict=True):
        learned = row[row != -100]
        assert tokenizer.decode(learned) == reply + "<|end|>"


def test_a_relation_with_an_unknown_line_is_named(monkeypatch, tmp_path):
    (tmp_path / "relations.txt").write_text("== lake.depth | deeper\n! odd\n", encoding="utf-8")
    monkeypatch.setattr(world, "HERE", tmp_path)
    with pytest.raises(ValueError, match="lake.depth"):
        world._blocks.__wrapped__()
