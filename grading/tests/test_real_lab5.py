"""Lab 5's loaders and matcher on the real thing: a sample of HotpotQA and TriviaQA's own example.

The files lie beside the course where it was developed (`../shared/real`); without them the tests are skipped.
"""

import json

import pytest

from labkit.course import project_root
from labkit.data import load_triviaqa
from solutions.lab5_metacognition.data import answer_matches, normalize_answer, record_of
from solutions.lab5_metacognition.published import substring_score

REAL = project_root().parent / "shared" / "real"
SILENT = ("", "   ", "?!", "…", "a", "the")


def right(reply: str, aliases: list[str]) -> bool:
    return answer_matches(normalize_answer(reply), [normalize_answer(alias) for alias in aliases])


@pytest.fixture(scope="module")
def golds():
    path = REAL / "hotpotqa" / "dev_simplified_400.json"
    if not path.is_file():
        pytest.skip("HotpotQA's file isn't here")
    return [row["answer"] for row in json.loads(path.read_text("utf-8"))]


@pytest.fixture(scope="module")
def trivia():
    path = REAL / "triviaqa" / "triviaqa_sample.json"
    if not path.is_file():
        pytest.skip("TriviaQA's file isn't here")
    return load_triviaqa("train", str(path))


def test_silence_is_never_right_and_gold_always_is(golds):
    assert len(golds) == 400
    for gold in golds:
        assert normalize_answer(gold), gold
        assert right(gold, [gold]), gold
        assert right(f"The answer is {gold}.", [gold]) or gold.lower() in ("yes", "no"), gold
        assert not any(right(reply, [gold]) for reply in SILENT), gold


def test_the_published_scorer_gives_silence_every_point(golds):
    assert all(substring_score("", [gold]) for gold in golds)
    assert all(substring_score("東京", [gold]) for gold in golds)  # its normalisation leaves nothing of it
    assert sum(substring_score("a", [gold]) for gold in golds) > 200
    assert not any(right("東京", [gold]) for gold in golds)


def test_common_evasions_score_what_yes_and_no_allow(golds):
    for reply in ("I don't know", "I have no idea", "There is no doubt about that", "Nobody knows"):
        assert sum(right(reply, [gold]) for gold in golds) == 0, reply
    no = sum(gold.lower() == "no" for gold in golds)
    assert sum(right("no", [gold]) for gold in golds) == no > 0


def test_non_latin_text_is_compared_and_not_deleted():
    for text in ("東京", "Санкт-Петербург", "القاهرة", "दिल्ली", "한국"):
        assert normalize_answer(text) and right(f"{text}!", [text])
        assert not right(text, ["Tokyo"]) and not right("Tokyo", [text])


def test_every_alias_of_the_trivia_sample_matches_itself_and_silence_does_not(trivia):
    [row] = trivia
    record = record_of(row)
    assert record["context"] == "" and record["aliases"][0] == "Sunset Boulevard"
    assert len(record["aliases"]) == len(set(record["aliases"])) >= 5
    assert all(right(alias, record["aliases"]) for alias in record["aliases"])
    assert right("It was Sunset Blvd., I think", record["aliases"])
    assert not right("sunset", record["aliases"])
    assert not any(right(reply, record["aliases"]) for reply in SILENT)
