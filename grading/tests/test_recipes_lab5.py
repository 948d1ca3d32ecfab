"""The world of Lab 5: entity-disjoint, one answer to a question; nothing in the wording or about knowing."""

import itertools
import random
import re
from collections import Counter

import pytest

from grading.recipes.lab5 import corpus, measure, world
from grading.recipes.training import CHAT_TEMPLATE, chat
from labkit.models import load_tokenizer


@pytest.fixture(scope="module")
def rows() -> dict[str, tuple[dict, ...]]:
    return world.files()


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Of each part of pre-training."""
    return [
        text
        for number, mix in enumerate((corpus.MIX, corpus.LATE_MIX, corpus.LAST_MIX))
        for text in itertools.islice(corpus.documents(5 + number, chat, mix), 4000)
    ]


@pytest.fixture(scope="module")
def things() -> dict[str, world.Entity]:
    return {t.name: t for side in (*world.ENTITIES, "tail") for t in world.entities()[side]}


def of(rows, name: str) -> list[dict]:
    return [row for side in world.ENTITIES for row in rows[f"{name}_{side}.jsonl"]]


def test_no_entity_is_on_two_sides(rows):
    for name in ("triviaqa", "hotpotqa"):
        train, validation = (
            {row["entity"] for row in rows[f"{name}_{side}.jsonl"]} for side in world.ENTITIES
        )
        assert train and validation and not train & validation
    titles = [
        {title for row in rows[f"hotpotqa_{side}.jsonl"] for title in row["context"]["title"]}
        for side in world.ENTITIES
    ]
    assert not titles[0] & titles[1]


def test_every_side_has_the_published_sizes_and_shares(rows):
    for side, count in world.ENTITIES.items():
        trivia = rows[f"triviaqa_{side}.jsonl"]
        assert len(trivia) == 3 * count and len({row["entity"] for row in trivia}) == count
        assert (
            len({row["question_id"] for row in trivia})
            == len({row["question"] for row in trivia})
            == 3 * count
        )
        found = Counter(row["frequency"] for row in trivia)
        for name, share in world.FREQUENCY.items():
            assert found[name] / len(trivia) == pytest.approx(share, abs=0.015)
        assert len(rows[f"hotpotqa_{side}.jsonl"]) == world.OPEN[side]


def test_what_was_moved_to_training_changes_nothing_of_the_corpus():
    """nano-trivia was trained on a corpus that goes by the draw: its order decides what a seed gives."""
    names = [thing.key for side in world.DRAWN for thing in world.drawn()[side] if thing.weight]
    assert [thing.key for thing in corpus.known()[0]] == names
    sides = {thing.key: thing.side for side in world.ENTITIES for thing in world.entities()[side]}
    assert all(sides[thing.key] == "train" for thing in world.drawn()["train"])
    moved = [thing.key for thing in world.drawn()["validation"] if sides[thing.key] == "train"]
    assert len(moved) == world.ENTITIES["train"] - world.DRAWN["train"] == 90


def test_no_value_is_found_inside_a_name_of_another():
    """Else the token-boundary match of the lab would count a wrong reply as right."""
    for sort, values in world.lexicon().values.items():
        for one, two in itertools.permutations(values, 2):
            for name, other in itertools.product(one.aliases, two.aliases):
                inside = f" {world.normalised(name)} " in f" {world.normalised(other)} "
                assert not inside, f"{sort}: {name!r} is inside {other!r}"


def test_names_share_their_halves_whatever_their_frequency():
    """What is familiar must be the combination: every half of an unknown name is met in the corpus."""
    halves: Counter = Counter()
    for thing in (*corpus.known()[0], *world.entities()["tail"]):
        halves.update((thing.kind, half) for half in thing.name.split())
    for side in world.ENTITIES:
        for thing in world.entities()[side]:
            if thing.frequency == "unknown":
                assert all(halves[thing.kind, half] >= 15 for half in thing.name.split()), thing.name


def test_the_words_of_a_question_do_not_tell_its_frequency(rows):
    learn, test = rows["triviaqa_train.jsonl"], rows["triviaqa_validation.jsonl"]
    for_sure = [row["frequency"] == "well_known" for row in learn]
    scores = measure.wording_scores(learn, for_sure, test)
    assert 0.42 < measure.auroc([row["frequency"] == "well_known" for row in test], scores) < 0.58


def test_an_unknown_name_never_stands_in_the_corpus_and_a_well_known_one_often(texts):
    everything = "\n".join(texts)
    for side in world.ENTITIES:
        for thing in world.entities()[side]:
            if thing.frequency == "unknown":
                assert thing.name not in everything, thing.name
    often = [t.name for s in world.ENTITIES for t in world.entities()[s] if t.frequency == "well_known"]
    assert sum(name in everything for name in often) > 0.99 * len(often)


def test_the_corpus_never_speaks_of_knowing_or_being_able_to_answer(texts):
    for text in texts:
        assert not re.search(r"\b(know|sure|certain|correct|uncertain|can you|answer this)", text, re.I), text


def asked_below(text: str) -> tuple[str, str, str] | None:
    """(question, what stands below it, reply) of a document without a context."""
    found = re.match(
        r"<\|user\|>\nQuestion: ([^\n<]+)\n?([^<]*)<\|end\|>\n<\|assistant\|>\n(.*)<\|end\|>\n", text
    )
    return found and found.groups()


def test_yes_and_no_are_said_of_what_is_the_case_and_equally_often_to_every_frequency(texts, things):
    """Else yes would stand for a familiar name, and no for another."""
    right = {}  # (question, guess or "") -> (entity, whether yes is the answer)
    for thing in things.values():
        for relation in world.relations_of(thing.kind):
            for value in world.lexicon().values[relation.values]:
                told = (thing, value == thing.value(relation))
                for alias in value.aliases:
                    right[relation.check.format(E=thing.name, v=alias), ""] = told
                    for pattern in relation.questions:
                        right[world.ask(thing, relation, pattern), alias] = told
    said: dict[str, Counter] = {}
    guess = re.compile("|".join(re.escape(words).replace(r"\{v\}", "(.+)") for words in corpus.GUESSES))
    for question, below, reply in filter(None, map(asked_below, texts)):
        guessed = guess.fullmatch(below)
        key = (question, next(filter(None, guessed.groups())) if guessed else "")
        if key not in right:  # a plain question
            assert reply not in ("yes", "no") and not guessed, question
            continue
        thing, yes = right[key]
        assert (reply == "yes") == yes and (guessed or reply in ("yes", "no")), (key, reply)
        said.setdefault(thing.frequency, Counter())[yes] += 1
    assert said.keys() == {"well_known", "shaky", "tail"}
    for frequency, words in said.items():
        assert words.total() > 100 and abs(words[True] / words.total() - 0.5) < 0.12, frequency


def test_every_fact_of_the_corpus_is_the_entitys_own(texts, things):
    """Outside stories, whose values are made up for each."""
    asked = {
        (world.ask(t, r, pattern)): {value for value in t.value(r).aliases}
        for t in things.values()
        for r in world.relations_of(t.kind)
        for pattern in r.questions
    }
    seen = 0
    for text in texts:
        question, _, reply = asked_below(text) or ("", "", "")
        if question and reply not in ("yes", "no"):
            assert reply in asked[question], text
            seen += 1
    assert seen > 1000


def test_a_story_holds_its_answer_where_it_says(rows):
    for row in of(rows, "hotpotqa"):
        text = dict(zip(row["context"]["title"], row["context"]["sentences"], strict=True))
        support = [" ".join(text[title]) for title in row["supporting_facts"]["title"]]
        if row["type"] == "bridge":
            person, thing = row["supporting_facts"]["title"]
            assert person in row["question"] and thing not in row["question"]
            assert person in support[0] and thing in support[0]
            names = {alias for v in world.lexicon().values.values() for x in v for alias in x.aliases}
            assert row["answer"] in support[1] and row["answer"] in names
        else:
            said = [re.findall(r"\b[\w ]+", line) for line in support]
            assert row["answer"] in ("yes", "no") and len(said) == 2
            assert all(title in row["question"] for title in row["supporting_facts"]["title"])


def test_half_of_the_comparisons_are_about_two_equal_values(rows):
    said = Counter(row["answer"] for row in of(rows, "hotpotqa") if row["type"] == "comparison")
    assert set(said) == {"yes", "no"} and 0.4 < said["yes"] / said.total() < 0.62


def test_generation_is_deterministic_and_the_committed_files_are_what_it_makes(rows):
    for name, made in rows.items():
        written = (world.DATA / name).read_text(encoding="utf-8")
        assert written == world.as_jsonl(made), f"{name}: run python -m grading.recipes.lab5 world"
    first, second = (list(itertools.islice(corpus.documents(7, chat), 20)) for _ in range(2))
    assert first == second


def test_an_empty_reply_is_never_right_and_every_alias_is(rows):
    for row in of(rows, "triviaqa") + of(rows, "hotpotqa"):
        assert not measure.is_right("", row) and not measure.is_right("the", row)
        assert all(measure.is_right(name, row) for name in measure.names_of(row))


def test_the_shipped_tokenizer_has_the_corpus_template_and_three_first_tokens():
    tokenizer = load_tokenizer("nano-trivia")
    turns = [{"role": "user", "content": "How many?"}, {"role": "assistant", "content": "12."}]
    assert tokenizer.apply_chat_template(turns, tokenize=False) == chat("How many?", "12.")
    assert tokenizer.chat_template == CHAT_TEMPLATE and tokenizer.pad_token_id != tokenizer.eos_token_id
    firsts = {tokenizer(w, add_special_tokens=False)["input_ids"][0] for w in ("yes", "no", "uncertain")}
    assert len(firsts) == 3


def test_half_of_a_name_is_a_token_or_two_whatever_its_frequency():
    """Else the number of tokens would tell a familiar name from another."""
    tokenizer = load_tokenizer("nano-trivia")
    long = {"well_known": [], "unknown": []}
    for side in world.ENTITIES:
        for thing in world.entities()[side]:
            if thing.frequency in long:
                ids = tokenizer(f" {thing.name}", add_special_tokens=False)["input_ids"]
                long[thing.frequency].append(len(ids))
    means = [sum(counts) / len(counts) for counts in long.values()]
    assert abs(means[0] - means[1]) < 0.1 and all(mean < 2.2 for mean in means)


def test_a_block_of_the_lexicon_that_it_cannot_read_is_named(monkeypatch, tmp_path):
    (tmp_path / "lexicon.txt").write_text("== ship.cargo\n? Odd\n", encoding="utf-8")
    monkeypatch.setattr(world, "HERE", tmp_path)
    with pytest.raises(ValueError, match="ship.cargo"):
        world.lexicon.__wrapped__()


def test_a_story_never_uses_a_name_of_the_data_files_or_the_other_side():
    rng = random.Random(6)
    pools = {
        side: {t.name for ts in world.story_pool(side).values() for t in ts} for side in ("train", "corpus")
    }
    assert not pools["train"] & pools["corpus"]
    for kind in ("single", "bridge", "comparison"):
        for _ in range(100):
            made = world.story(rng, kind, world.story_pool("corpus"))
            assert {title for title, _ in made.paragraphs} <= pools["corpus"]
