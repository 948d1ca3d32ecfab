"""Lab 6, the tests that give points.

Every test says in words what a finished function does. Inputs come from `lab.rng`, seeded anew for each
submission, and from hand-made edge cases; what is right comes from lab6_oracles.py and lab6_cases.py, never
from the solutions. A message names the mistake and holds no expected value.

PYTEST_DONT_REWRITE: pytest would add the compared values to the message of a bare assert.
"""

from __future__ import annotations

import contextlib
import functools
import math

import numpy as np
import pytest

from grading.hidden import lab6_blame as blame
from grading.hidden import lab6_cases as cases
from grading.hidden import lab6_oracles as oracle
from grading.hidden import lab6_records as truth
from grading.hidden.judging import assert_refuses, check_all, value_mistake
from grading.hidden.lab6_oracles import pick, problems, story
from grading.hidden.lab6_records import make_records as make_records  # the grader finds it here by name
from labkit.testing import assert_close, assert_equal, mistake

near = functools.partial(assert_close, rtol=1e-6, atol=1e-6)


def named(got: object, likely: dict, otherwise: str) -> str:
    """The first mistake whose numbers are these, NaN included."""
    for words, value in likely.items():
        try:
            oracle.near(got, value)
        except AssertionError:
            continue
        return words
    return otherwise


def check_numbers(got: object, want: object, likely: dict, rule: str) -> None:
    """A dict of counts, shares and lists; NaN is NaN. Names the first part that is off."""
    try:
        oracle.near(got, want)
    except AssertionError:
        hint = named(got, likely, "")
        if not hint and isinstance(got, dict) and isinstance(want, dict):
            hint = _part(got, want, likely)
        raise AssertionError(hint or rule) from None


def _part(got: dict, want: dict, likely: dict) -> str:
    """What explains the first entry that is off, or which entry it is."""
    if got.keys() != want.keys():
        return f"the result has the entries {', '.join(map(str, want))}"
    wrong = [key for key in want if not _fits(got[key], want[key])]
    words = next((w for w, v in likely.items() if all(_fits(got[k], v[k]) for k in wrong)), None)
    return words or f"the entry {wrong[0]!r} isn't what the docstring says"


def _fits(got: object, want: object) -> bool:
    try:
        oracle.near(got, want)
    except AssertionError:
        return False
    return True


# ---- 6.1 fewshot_pool --------------------------------------------------------------------------------------


def check_pool(lab, given: list[tuple], rule: str) -> None:
    check_all(lab.data.fewshot_pool, given, oracle.pool, blame.pool_mistakes, rule)


@pytest.mark.todo("6.1", points=1)
def test_the_pool_is_the_stated_draw_in_its_order(lab):
    rows = problems(lab.rng, 30)
    given = [
        (rows, 8, int(lab.rng.integers(1, 10**6))),
        (rows, 3, 42),
        (rows[:5], 5, int(lab.rng.integers(99))),
    ]
    check_pool(lab, given, "random.Random(seed).sample of the usable records, question and answer each")


@pytest.mark.todo("6.1", points=1)
def test_only_usable_records_take_part_and_each_question_once(lab):
    rows = problems(lab.rng, 12)
    blank = {"question": " \n", "answer": "#### 1"}
    none = {"question": story(lab.rng, 99), "answer": "The answer is 5."}
    again = [{**rows[i], "answer": f"another\n#### {i}0"} for i in (2, 5, 7)]
    mixed = [blank, *rows[:4], none, again[0], *rows[4:], *again[1:], {**none, "question": "x #### y?"}]
    seeds = [int(seed) for seed in lab.rng.integers(0, 10**6, size=4)]
    check_pool(
        lab, [(mixed, 6, seed) for seed in seeds], "blank questions, no ####, and repetitions don't take part"
    )
    spaced = [{**row, "question": f"  {row['question']} "} for row in rows[:3]]
    check_pool(lab, [([*rows[:3], *spaced], 6, seeds[0])], "question and answer stay as they are")
    answers = ["so ####5", "1 + 4 = 5 #### 5 \n", "#### x", " 5 ####", "####"]
    odd = [{**row, "answer": answer} for row, answer in zip(rows, answers, strict=False)]
    louder = [{**row, "question": row["question"].upper()} for row in rows[5:8]]
    given = [([*odd, *rows[5:], *louder], 8, seed) for seed in seeds]
    check_pool(lab, given, "an answer with #### is usable, whatever stands around it; all stays as it is")


@pytest.mark.todo("6.1", points=1)
def test_too_few_usable_records_are_refused_and_no_other_randomness_counts(lab):
    rows = problems(lab.rng, 6)
    before = lab.make("random_state")
    check_pool(lab, [(rows, 6, 3), (rows, 1, 4)], "exactly as many records as were asked for")
    assert_equal(
        lab.make("random_state"), before, "the global random state changed; use a random.Random of your own"
    )
    short = [*rows[:2], rows[0], {"question": "a?", "answer": "5"}]
    for given in ((short, 3, 1), (rows, 7, 1), (rows, 0, 1), ([], 1, 1)):
        assert_refuses(
            lambda given=given: lab.data.fewshot_pool(*given),
            "too few usable records, or a size below 1, is a ValueError",
        )


# ---- 6.2 find_leaks ----------------------------------------------------------------------------------------


def check_leaks(lab, given: list[tuple], rule: str) -> None:
    check_all(lab.data.find_leaks, given, oracle.leaks, blame.leak_mistakes, rule)


def texts_of(rng, count: int) -> list[str]:
    return [row["question"] for row in problems(rng, count)]


@pytest.mark.todo("6.2", points=1)
def test_exact_and_normalised_repetitions_are_found(lab):
    shown = texts_of(lab.rng, 4)
    look = [
        shown[2],
        shown[1].upper(),
        f"  {shown[3].replace(' ', '  ').replace(',', ' ')}!",
        shown[0] + " x",
        "Ünïcode",
    ]
    look += ["!?", "", shown[0][:30], f"So: {shown[2][:-30]}"]
    given = [(look, shown), (["ÜNÏCODE 3"], ["x", "ünïcode, 3."]), (["?!", ""], ["...", "-"]), (look, [])]
    given += [([f" {shown[0]}", "a_b", "für 3"], [shown[0], "a b", "fär 3"]), (["", "?"], ["!", ""])]
    check_leaks(lab, given, "the same words, whatever their case and whatever separates them")


@pytest.mark.todo("6.2", points=2)
def test_texts_that_differ_in_their_numbers_only_are_found(lab):
    a, b, c = (int(n) for n in lab.rng.integers(2, 900, size=3))
    name = pick(lab.rng, oracle.NAMES)
    shown = [f"{name} pays {a},000.50 dollars for {b}kg.", f"Of {a} one is {c}."]
    look = [
        f"{name} pays {c} dollars for {a}kg.",  # 1,000.50 is one number
        f"{name} pays 1.5 dollars, for 2,000 kg",
        f"{name} pays {a} {b} dollars for {c}kg.",  # two numbers aren't one
        f"OF {b}, one is 3",
        f"Of {a} two is {c}.",
        f"Of {a} one is x{c}",  # glued to a word
        "Of 1, one, is",
    ]
    given = [(look, shown), ([f"{a} {b}"], [f"{b} {c}"]), (["#"], ["3"]), (["x3y"], [f"x {a} y"])]
    given += [
        ([f"{a},,{b} pens", "٣ pens"], [shown[0], f"{c} 5 pens"]),
        ([f"{a},,{b} pens", "٣ pens"], ["7 pens"]),
    ]
    check_leaks(lab, given, "after every number became a word of its own, the words are the same")


@pytest.mark.todo("6.2", points=2)
def test_thirteen_words_in_a_row_are_a_leak(lab):
    words = [f"{pick(lab.rng, oracle.THINGS)}{chr(97 + i)}" for i in range(18)]
    whole = " ".join(words)
    start = int(lab.rng.integers(0, 5))
    run = words[start : start + 13]
    broken = [*run[:6], "zz", *run[6:]]
    look = [
        f"One day: {'; '.join(run).upper()}. Then?",
        f"One day {' '.join(words[:12])} then",
        " ".join(broken),
        " ".join(run[:-1]) + " 7",
        "a " + " ".join(words[-13:]),
        " ".join([run[1], run[0], *run[2:]]),
    ]
    numbers = [f"w{i}" if i % 3 else str(i + 2) for i in range(14)]
    other = [word if i % 3 else str(i + 50) for i, word in enumerate(numbers)]
    given = [
        (look, [story(lab.rng, 1), whole]),
        ([" ".join(other) + " x", " ".join(numbers) + " x"], [" ".join(numbers)]),
        ([whole, f"{whole} x"], [" ".join(words[:9]), " ".join(words[9:])]),
        ([" ".join(run)], [" ".join(run) + "s", "s" + " ".join(run)]),
    ]
    check_leaks(lab, given, "13 words in a row, numbers as they are, that stand in a row in a protected text")


@pytest.mark.todo("6.2", points=1)
def test_the_closest_rule_names_a_leak(lab):
    shown = texts_of(lab.rng, 3)
    turned = shown[2].replace(" has ", " has 7").replace("7", "7 ")
    look = [shown[0], shown[0].lower() + "!", turned, shown[1], f"Hm. {shown[1]} So?", story(lab.rng, 500)]
    other = shown[0].replace(shown[0].split()[2], str(int(lab.rng.integers(600, 900))))
    given = [
        (look, shown),
        ([shown[0]], [f"{shown[0]} ", other, shown[0]]),
        ([other], [shown[0] + " x", shown[0]]),
    ]
    given += [([shown[0].upper()], [other, shown[0]])]
    check_leaks(lab, given, "exact before normalised before masked before 13-gram, over all protected texts")


# ---- 6.3 assistant_labels ----------------------------------------------------------------------------------


def check_row(lab, messages, name: str, last: bool = True) -> None:
    tokenizer, early = lab.make(name), name == "early_mark_tokenizer"
    want = cases.row_of(messages, last, early)
    got = lab.data.assistant_labels([dict(one) for one in messages], tokenizer, 4000, last)
    assert_equal(got, want, cases.row_mistake(got, messages, last, early))


@pytest.mark.todo("6.3", points=2)
def test_only_the_last_answer_is_learned(lab):
    for rounds in (1, 2, 5):
        check_row(lab, cases.turns(lab.rng, rounds), "tiny_tokenizer")
    check_row(lab, cases.turns(lab.rng, 3, system=True), "tiny_tokenizer")
    spaced = cases.turns(lab.rng, 2)
    spaced[-1]["content"] += " \n"
    check_row(lab, spaced, "tiny_tokenizer")
    messages = cases.turns(lab.rng, 3)
    got = lab.data.assistant_labels(messages, lab.make("tiny_tokenizer"), 4000)
    want = cases.row_of(messages)
    assert_equal(got, want, "only_last is the default: " + cases.row_mistake(got, messages, True, False))


@pytest.mark.todo("6.3", points=1)
def test_every_answer_is_learned_when_asked(lab):
    for rounds, system in ((2, False), (4, True)):
        check_row(lab, cases.turns(lab.rng, rounds, system), "tiny_tokenizer", last=False)


@pytest.mark.todo("6.3", points=2)
def test_the_end_is_learned_wherever_the_marker_closes(lab):
    for name in ("early_mark_tokenizer", "pad_is_end_tokenizer"):
        for last in (True, False):
            check_row(lab, cases.turns(lab.rng, 3), name, last)
        odd = cases.turns(lab.rng, 2)
        odd[0]["content"] += " <|end|> is a token"
        check_row(lab, odd, name)
    messages, end, stop = cases.turns(lab.rng, 2), cases.token("<|end|>"), cases.vocabulary()
    want = cases.row_of(messages, True, True)
    want = {key: [stop if i == end else i for i in row] for key, row in want.items()}
    got = lab.data.assistant_labels(messages, lab.make("other_end_tokenizer"), 4000)
    assert_equal(got, want, "the end token is the tokenizer's own, eos_token_id; not every one has <|end|>")


@pytest.mark.todo("6.3", points=1)
def test_rows_that_do_not_fit_are_none_and_what_cannot_be_learned_is_refused(lab):
    tokenizer, messages = lab.make("tiny_tokenizer"), cases.turns(lab.rng, 2)
    want = cases.row_of(messages)
    size = len(want["input_ids"])
    got = lab.data.assistant_labels(messages, tokenizer, size)
    assert_equal(got, want, "a row of exactly max_length tokens fits")
    got = lab.data.assistant_labels(messages, tokenizer, size - 1)
    likely = {
        "a row that is too long is None; it was cut on the right": {
            k: v[: size - 1] for k, v in want.items()
        },
        "a row that is too long is None; it was cut on the left": {k: v[1:] for k, v in want.items()},
        "a row that is too long is None; it was taken whole": want,
    }
    assert_equal(got, None, mistake(got, likely, "a row that is too long is None"))
    hint = "a template without generation markers marks nothing: ValueError"
    assert_refuses(lambda: lab.data.assistant_labels(messages, lab.make("unmarked_tokenizer"), 4000), hint)
    hint = "no messages, a last turn that isn't the assistant's, and max_length below 1 must still be refused"
    for given in (([], 10), (messages[:-1], 4000), (messages, 0)):
        assert_refuses(lambda given=given: lab.data.assistant_labels(given[0], tokenizer, given[1]), hint)


# ---- 6.4 mix_replay ----------------------------------------------------------------------------------------


def replay_rows(hazards: int, benign: int) -> list[dict]:
    return [
        {"question": f"{kind} {i}?", "answer": "…", "kind": kind, "category": "x"}
        for kind, count in (("hazard", hazards), ("benign", benign))
        for i in range(count)
    ]


def kinds_of(rows: list[dict]) -> list[int]:
    kinds = [row.get("kind", "problem") for row in rows]
    return [kinds.count(kind) for kind in ("problem", "hazard", "benign")]


def split(m: int) -> list[int]:
    return [m - m // 2, m // 2]


@pytest.mark.todo("6.4", points=1)
def test_replay_makes_up_the_share_of_the_whole(lab):
    for n, share in ((40, 0.2), (30, 0.5), (10, 0.75), (50, 0.07), (9, 0.0), (41, 0.2), (10, 0.2)):
        rows = problems(lab.rng, n)
        got = kinds_of(lab.data.mix_replay(rows, replay_rows(60, 60), share, int(lab.rng.integers(999))))
        exact = n * share / (1 - share)
        m = round(exact)
        totals = {
            "share is of the whole mix, not of the problems": round(n * share),
            "the whole keeps its size; the problems all stay": 0,
            "m is rounded by Python's round, not cut": int(exact),
            "m is rounded by Python's round, not always up": math.ceil(exact),
        }
        likely = {words: n + total for words, total in totals.items()}
        assert_equal(
            sum(got), n + m, mistake(sum(got), likely, f"{n} problems and a share of {share}: so much in all")
        )
        assert_equal(got[0], n, "every problem stays, once")


@pytest.mark.todo("6.4", points=1)
def test_both_kinds_come_in_equal_numbers(lab):
    for n, share, old in ((40, 0.2, (60, 60)), (21, 0.5, (90, 12)), (12, 0.2, (5, 30)), (9, 0.1, (5, 5))):
        m = round(n * share / (1 - share))
        got = kinds_of(
            lab.data.mix_replay(problems(lab.rng, n), replay_rows(*old), share, int(lab.rng.integers(99)))
        )
        drawn = round(m * old[0] / sum(old))
        likely = {
            "refusals alone teach to refuse everything; half is benign": [n, m, 0],
            "benign requests alone don't keep a refusal; half is hazards": [n, 0, m],
            "the odd one is a hazard": [n, *split(m)[::-1]],
            "a single row is a hazard; no benign one is put beside it": [n, m, 1],
            "half of each kind, not as many as the replay file has of it": [n, drawn, m - drawn],
        }
        assert_equal(got, [n, *split(m)], mistake(got, likely, "half of the replay is hazards, half benign"))


@pytest.mark.todo("6.4", points=1)
def test_rows_are_drawn_with_the_seed_and_repeated_evenly(lab):
    rows, old = problems(lab.rng, 30), replay_rows(4, 40)
    seed = int(lab.rng.integers(1, 10**6))
    for share in (0.2, 0.5):
        got = [row["question"] for row in lab.data.mix_replay(rows, old, share, seed)]
        often = {
            kind: [got.count(row["question"]) for row in old if row["kind"] == kind]
            for kind in ("hazard", "benign")
        }
        assert max(often["hazard"]) - min(often["hazard"]) <= 1, (
            "copies are dealt out evenly; some row was repeated more"
        )
        assert max(often["benign"]) <= 1, (
            "a row occurred twice although there are enough: draw without replacement"
        )
    first, again, other = (
        {row["question"] for row in lab.data.mix_replay(rows, old, 0.2, s) if row.get("kind") == "benign"}
        for s in (seed, seed, seed + 1)
    )
    assert first == again, "the same seed must give the same replay rows"
    others = [
        {
            row["question"]
            for row in lab.data.mix_replay(rows, old, 0.2, seed + s)
            if row.get("kind") == "benign"
        }
        for s in range(2, 6)
    ]
    assert any(one != first for one in [other, *others]), (
        "the first rows were taken; which ones is drawn with the seed"
    )
    few, twice = replay_rows(20, 20), []
    for s in range(5):  # 30 hazards of 20: each once, and 10 of them twice
        got = [row["question"] for row in lab.data.mix_replay([*rows, *rows], few, 0.5, seed + s)]
        often = [got.count(row["question"]) for row in few]
        assert set(often) == {1, 2}, (
            "copies are dealt out evenly, the rest is drawn without replacement; some row was repeated more"
        )
        twice.append(often)
    assert any(often != twice[0] for often in twice), (
        "the rest behind whole rounds was taken from the front; which ones is drawn with the seed"
    )


@pytest.mark.todo("6.4", points=1)
def test_the_mix_is_shuffled_with_the_seed_alone_and_rows_stay_as_they_are(lab):
    rows, old = problems(lab.rng, 40), replay_rows(20, 20)
    before = lab.make("random_state")
    got = lab.data.mix_replay(rows, old, 0.2, 5)
    assert_equal(
        lab.make("random_state"), before, "the global random state changed; use a random.Random of your own"
    )
    assert_equal(lab.data.mix_replay(rows, old, 0.2, 5), got, "the same seed must give the same list")
    known = [*rows, *old]
    assert all(row in known for row in got), "the records stay as they are, with all their fields"
    behind = [row for row in got if "kind" not in row]
    assert behind != rows, "the problems stand in their old order; everything is shuffled"
    places = [i for i, row in enumerate(got) if "kind" in row]
    assert min(places) < 30 and max(places) - min(places) > 10, (
        "the replay stands in one piece; everything is shuffled"
    )
    zero = lab.data.mix_replay(rows, [], 0.0, 5)
    assert kinds_of(zero) == [40, 0, 0] and zero != rows, (
        "a share of 0 gives the problems, shuffled, and needs no replay"
    )
    hint = "a share outside [0, 1), no problems, another kind, or a kind that is missing is a ValueError"
    bad = [(rows, old, 1.0), (rows, old, -0.1), ([], old, 0.2), (rows, [{"kind": "joke"}], 0.0)]
    bad += [(rows, replay_rows(9, 0), 0.5), (rows, replay_rows(0, 9), 0.5)]
    for given in bad:
        assert_refuses(lambda given=given: lab.data.mix_replay(*given, 1), hint)


# ---- 6.5 lora_targets --------------------------------------------------------------------------------------


def check_targets(lab, given: list[tuple], rule: str) -> None:
    for shapes, wanted, r in given:
        got = lab.method.lora_targets(shapes, wanted, r)
        likely = blame.target_mistakes(shapes, wanted, r)
        check_numbers(got, oracle.targets(shapes, wanted, r), likely, rule)


@pytest.mark.todo("6.5", points=1)
def test_the_wanted_kinds_that_there_are_become_targets(lab):
    split_ = oracle.layers(lab.rng, [*oracle.SINGLE, "fc1", "lm"], 3)
    some = pick(lab.rng, list(oracle.SINGLE), 4)
    near_names = oracle.layers(lab.rng, ["q_proj", "my_q_proj", "q_proj_norm", "q_proj2"], 2)
    given = [(split_, list(oracle.SINGLE), 16), (split_, some, 3), (near_names, ["q_proj"], 2)]
    check_targets(lab, given, "a target is a kind that is wanted and there")


@pytest.mark.todo("6.5", points=2)
def test_fused_layers_take_the_place_of_missing_ones(lab):
    fused = oracle.layers(lab.rng, ["qkv_proj", "o_proj", "gate_up_proj", "down_proj", "fc"], 3)
    half = oracle.layers(lab.rng, ["qkv_proj", "q_proj", "k_proj", "v_proj", "gate_up_proj", "gate_proj"], 2)
    given = [
        (fused, list(oracle.SINGLE), 8),
        (fused, ["v_proj"], 4),
        (fused, ["o_proj", "down_proj"], 4),
        (fused, ["qkv_proj", "up_proj"], 4),
        (fused, ["qkv_proj", "q_proj"], 4),
        (half, list(oracle.SINGLE), 2),
        (half, ["q_proj", "gate_proj"], 2),
    ]
    check_targets(lab, given, "a fused layer is a target where a wanted one has none of its own")


@pytest.mark.todo("6.5", points=1)
def test_layers_trained_numbers_and_coverage_are_counted(lab):
    for count in (1, 4):
        shapes = oracle.layers(lab.rng, [*pick(lab.rng, list(oracle.SINGLE), 4), "fc2", "qkv_proj"], count)
        check_targets(
            lab, [(shapes, list(oracle.SINGLE), int(lab.rng.integers(1, 33)))], "r (in + out) in each layer"
        )
    shapes = oracle.layers(lab.rng, ["o_proj"], 2) | {"a.o_proj": [5, 7], "b.fc": [900, 3], "o_proj": [2, 3]}
    check_targets(lab, [(shapes, ["o_proj"], 3)], "layers of one kind may have different shapes")


@pytest.mark.todo("6.5", points=1)
def test_what_is_missed_and_what_is_absent_is_reported(lab):
    phi2 = oracle.layers(lab.rng, ["q_proj", "k_proj", "v_proj", "dense", "fc1", "fc2"], 2)
    fused = oracle.layers(lab.rng, ["qkv_proj", "dense"], 1)
    wanted = ["up_proj", "o_proj", "v_proj", "gate_proj", "q_proj"]
    check_targets(
        lab, [(phi2, wanted, 16), (fused, wanted, 2), (phi2, list(oracle.SINGLE), 2)], "missed and absent"
    )
    hint = "no layers, a rank below 1, or nothing to train is a ValueError"
    bad = [
        ({}, ["o_proj"], 2),
        (phi2, ["q_proj"], 0),
        (phi2, ["c_attn"], 2),
        (phi2, [], 2),
        (fused, ["o_proj"], 2),
    ]
    for given in bad:
        assert_refuses(lambda given=given: lab.method.lora_targets(*given), hint)


# ---- 6.6 nf4_table -----------------------------------------------------------------------------------------


def check_table(lab, offsets: list[float], rule: str) -> None:
    tight = functools.partial(assert_close, rtol=0, atol=2e-6)
    check_all(
        lab.method.nf4_table,
        [(offset,) for offset in offsets],
        oracle.table,
        blame.table_mistakes,
        rule,
        tight,
    )


@pytest.mark.todo("6.6", points=2)
def test_the_table_has_the_quantiles_of_nf4(lab):
    check_table(lab, [oracle.OFFSET], "8 quantiles above 0, 7 below, and 0, over the largest")
    got = lab.method.nf4_table()
    assert_close(got, oracle.table(), "the default offset is the published one", rtol=0, atol=2e-6)


@pytest.mark.todo("6.6", points=1)
def test_another_offset_gives_another_table(lab):
    check_table(
        lab, [float(x) for x in lab.rng.uniform(0.6, 0.995, size=3)], "the offset is the outermost quantile"
    )
    for offset in (0.5, 1.0, 0.2, 1.5):
        assert_refuses(
            lambda offset=offset: lab.method.nf4_table(offset),
            "an offset outside (0.5, 1) must still be refused",
        )


@pytest.mark.todo("6.6", points=1)
def test_zero_is_exact_and_the_ends_are_minus_one_and_one(lab):
    offset = float(lab.rng.uniform(0.8, 0.99))
    for got in (lab.method.nf4_table(), lab.method.nf4_table(offset)):
        assert type(got) is list and len(got) == 16, "a list of 16 values"
        assert all(type(value) is float for value in got), "the values are plain floats"
        assert got.count(0.0) == 1, "0 must be exact, and there once: a weight of 0 stays 0"
        assert got[0] == -1.0 and got[-1] == 1.0, "the ends are -1 and 1: divide by the largest"
        assert sum(value > 0 for value in got) == 8, (
            "8 values are positive and 7 negative, not the other way round"
        )
        assert got == sorted(got), "the values are ascending"


# ---- 6.7 quantize_nf4 --------------------------------------------------------------------------------------


def weights(rng, *shape) -> np.ndarray:
    return (rng.normal(size=shape) * rng.uniform(0.01, 3, size=shape[:1] + (1,) * (len(shape) - 1))).astype(
        np.float32
    )


def tensor(array):
    import torch

    return torch.from_numpy(np.ascontiguousarray(array))


def check_quantized(lab, given: list[tuple], rule: str) -> None:
    for array, values, block in given:
        want_codes, want_scales = oracle.quantized(array, values, block)
        codes, scales = lab.method.quantize_nf4(tensor(array.copy()), values, block)
        likely = {w: tensor(v) for w, v in blame.scale_mistakes(array, block).items()}
        assert_close(scales, tensor(want_scales), mistake(scales, likely, f"scales: {rule}"), atol=1e-12)
        likely = {w: tensor(v) for w, v in blame.code_mistakes(array, values, block).items()}
        assert_equal(codes, tensor(want_codes), mistake(codes, likely, f"codes: {rule}"))


UNEVEN = [-1.0, -0.8, -0.1, 0.0, 0.05, 0.3, 1.0]


@pytest.mark.todo("6.7", points=2)
def test_codes_are_nearest_and_scales_are_by_block(lab):
    given = [
        (weights(lab.rng, 6, 64), oracle.table(), 64),
        (weights(lab.rng, 8, 24), oracle.table(), 16),
        (weights(lab.rng, 4, 10), UNEVEN, 5),
        (-np.abs(weights(lab.rng, 3, 8)), UNEVEN, 8),
        (weights(lab.rng, 4, 8) * np.float32(1e-8), oracle.table(), 8),
    ]
    check_quantized(lab, given, "blocks over the rows, the largest absolute value, the nearest table value")


@pytest.mark.todo("6.7", points=1)
def test_zeros_stay_and_a_short_last_block_has_a_scale_of_its_own(lab):
    holes = weights(lab.rng, 4, 8)
    holes[1], holes[3, 4:] = 0, 0
    given = [
        (holes, oracle.table(), 8),
        (weights(lab.rng, 5, 7), oracle.table(), 16),
        (weights(lab.rng, 3), UNEVEN, 64),
    ]
    given += [(np.zeros((2, 3), np.float32), oracle.table(), 4), (holes, UNEVEN, 8)]
    check_quantized(
        lab, given, "a block of zeros has scale 0 and the codes of 0; a short block counts like others"
    )


@pytest.mark.todo("6.7", points=1)
def test_kinds_shapes_and_what_cannot_be_quantized(lab):
    array = weights(lab.rng, 2, 3, 5)
    codes, scales = lab.method.quantize_nf4(tensor(array), oracle.table())
    import torch

    assert codes.dtype == torch.uint8 and tuple(codes.shape) == (30,), (
        "codes: uint8, one for each weight, in a flat tensor"
    )
    assert scales.dtype == torch.float32 and tuple(scales.shape) == (1,), "scales: float32, one a block of 64"
    half, _ = lab.method.quantize_nf4(tensor(array).bfloat16(), oracle.table(), 64)
    want, _ = oracle.quantized(tensor(array).bfloat16().float().numpy(), oracle.table(), 64)
    wrong = int((half != tensor(want)).sum())
    assert wrong <= 1, "weights in bfloat16 are quantized like the same numbers in float32"
    hint = "no weights, a weight that isn't finite, or a block below 1 must still be refused"
    bad = [(np.zeros((0, 3), np.float32), 64), (np.array([1.0, np.nan], np.float32), 64), (array, 0)]
    bad += [(np.array([1.0, np.inf], np.float32), 2)]
    for one, block in bad:
        assert_refuses(
            lambda one=one, block=block: lab.method.quantize_nf4(tensor(one), oracle.table(), block), hint
        )


# ---- 6.8 dequantize_nf4 ------------------------------------------------------------------------------------


@pytest.mark.todo("6.8", points=2)
def test_values_are_multiplied_by_the_scale_of_their_block(lab):
    for shape, values, block in (
        ((6, 64), oracle.table(), 64),
        ((5, 7), UNEVEN, 16),
        ((3, 2, 4), UNEVEN, 5),
        ((9,), UNEVEN, 4),
    ):
        array = weights(lab.rng, *shape)
        codes, scales = oracle.quantized(array, values, block)
        got = lab.method.dequantize_nf4(tensor(codes), tensor(scales), values, list(shape), block)
        want = oracle.dequantized(codes, scales, values, shape, block)
        likely = blame.weight_mistakes(codes, scales, values, shape, block)
        hint = mistake(
            got,
            {w: tensor(v.astype(np.float32)) for w, v in likely.items()},
            "value times the scale of its block",
        )
        assert_close(got, tensor(want), hint)


@pytest.mark.todo("6.8", points=1)
def test_the_shape_comes_back_and_what_does_not_fit_is_refused(lab):
    import torch

    codes, scales = oracle.quantized(weights(lab.rng, 4, 40), oracle.table(), 64)
    got = lab.method.dequantize_nf4(tensor(codes), tensor(scales), oracle.table(), (4, 40))
    assert tuple(got.shape) == (4, 40) and got.dtype == torch.float32, (
        "float32, in the shape that was asked for"
    )
    hint = "codes or scales that don't fit the shape must still be refused"
    for code_count, scale_count, shape in (
        (160, 3, (4, 41)),
        (159, 3, (4, 40)),
        (160, 2, (4, 40)),
        (160, 4, (4, 40)),
    ):
        more = np.resize(scales, scale_count)
        assert_refuses(
            lambda n=code_count, more=more, shape=shape: lab.method.dequantize_nf4(
                tensor(np.resize(codes, n)), tensor(more), oracle.table(), shape
            ),
            hint,
        )


# ---- 6.9 storage_bytes -------------------------------------------------------------------------------------


def check_storage(lab, given: list[tuple], rule: str) -> None:
    for quantized, kept, settings in given:
        got = lab.method.storage_bytes(quantized, kept, **settings)
        likely = blame.storage_mistakes(quantized, kept, **settings)
        check_numbers(got, oracle.storage(quantized, kept, **settings), likely, rule)


def sizes(rng, count: int) -> dict[str, int]:
    return {f"layers.{i}.w": int(rng.integers(1000, 60000)) for i in range(count)}


@pytest.mark.todo("6.9", points=1)
def test_single_quantization_stores_codes_scales_and_a_table(lab):
    given = [(sizes(lab.rng, n), {}, {"kept_bytes": 4, "double": False}) for n in (1, 5)]
    given.append(({"odd": 65, "one": 1}, {}, {"kept_bytes": 2, "double": False}))
    check_storage(lab, given, "codes, 4 bytes a scale and 64 bytes of table for each weight")


@pytest.mark.todo("6.9", points=2)
def test_double_quantization_stores_scales_of_scales(lab):
    given = [(sizes(lab.rng, n), {}, {"kept_bytes": 4}) for n in (1, 6)]
    given.append(({"edge": 64 * 256, "over": 64 * 256 + 1, "odd": 129}, {}, {"kept_bytes": 4}))
    given.append((sizes(lab.rng, 2), {}, {"kept_bytes": 4, "block": 32, "second_block": 100}))
    check_storage(lab, given, "codes, a byte a scale, 4 bytes for every 256 of them, three tables and a mean")


@pytest.mark.todo("6.9", points=1)
def test_what_is_kept_and_the_bits_a_parameter(lab):
    kept = {"embed": int(lab.rng.integers(1000, 9000)), "norm": 64}
    given = [
        (sizes(lab.rng, 2), kept, {"kept_bytes": b, "double": d})
        for b, d in ((4, True), (2, True), (2, False))
    ]
    given += [({}, kept, {"kept_bytes": 2}), (sizes(lab.rng, 1), {}, {"kept_bytes": 2})]
    check_storage(lab, given, "what isn't quantized takes kept_bytes a number")
    phi = {
        f"{i}.{k}": n
        for i in range(32)
        for k, n in enumerate((9216 * 3072, 3072**2, 16384 * 3072, 8192 * 3072))
    }
    rest = {"embed": 2 * 32064 * 3072, "norms": 65 * 3072, "lora": 32 * 16 * (2 * 3072 + 3072 + 8192)}
    check_storage(lab, [(phi, rest, {"kept_bytes": 4})], "Phi-3.5-mini, 2.69 GB")
    hint = "a weight without numbers, or a size below 1, must still be refused"
    bad = [
        ({"w": 0}, {}, {"kept_bytes": 4}),
        ({"w": 9}, {"e": 0}, {"kept_bytes": 4}),
        ({"w": 9}, {}, {"kept_bytes": 0}),
    ]
    bad.append(({"w": 9}, {}, {"kept_bytes": 4, "block": 0}))
    for quantized, others, settings in bad:
        assert_refuses(lambda q=quantized, k=others, s=settings: lab.method.storage_bytes(q, k, **s), hint)


# ---- 6.10 parse_final_answer -------------------------------------------------------------------------------


def check_texts(lab, texts: dict, rule: str) -> None:
    check_all(
        lab.evaluate.parse_final_answer,
        [(text,) for text in texts],
        texts.__getitem__,
        blame.final_mistakes,
        rule,
    )


@pytest.mark.todo("6.10", points=2)
def test_only_the_line_of_the_last_mark_is_read(lab):
    a, b, c = (str(int(n)) for n in lab.rng.integers(2, 900, size=3))
    texts = {
        f"{a} + 1 = {b}\n#### {c}": c,
        f"#### {a}\nNo:\n#### {b}": b,
        f"#### {a}\nNo:\n#### unclear\n{b}": None,
        f"####\n{a}": None,
        f"The answer is {a}.": None,
        f"### {a}": None,
        "": None,
        "####": None,
        f"#### {a} of {b}\n{c}": a,
        f"so ####{b}": b,
        f"#### {a} #### {b}": b,
        f"#### about {a} pens": a,
        f"{a} + 4 ####{b}": b,
        f"so {b} ##### {a}": a,
    }
    check_texts(lab, texts, "the first number on the line behind the last ####")


@pytest.mark.todo("6.10", points=2)
def test_signs_commas_and_decimals_belong_to_the_number(lab):
    a, b = (int(n) for n in lab.rng.integers(101, 899, size=2))
    texts = {
        f"#### {a},{b}": f"{a}{b}",
        f"#### $1,{a},{b}.5 in all": f"1{a}{b}.5",
        f"#### {a},{b % 90 + 10}": f"{a}",
        f"#### {a},{b}7": f"{a}",
        f"#### -{a}": f"-{a}",
        f"#### −{a}.25": f"-{a}.25",
        f"#### -${b}": f"-{b}",
        f"#### $-{b}": f"-{b}",
        f"#### = {b}.": f"{b}",
        f"#### **{a}**": f"{a}",
        f"#### {a}%": f"{a}",
        f"#### 0.5,{b}": "0.5",
        f"#### 1,{a}.25,{b}": f"1{a}.25",
        f"#### 1{a},{b}": f"1{a}",
        "#### .75": "0.75",
        "#### -.5": "-0.5",
        f"#### {a}, {b}": f"{a}",
        f"#### {a}.x{b}": f"{a}",
        f"#### +{b}": f"{b}",
        f"#### ٣ {a}": f"{a}",
    }
    check_texts(lab, texts, "sign, commas between groups of three, and decimals")


@pytest.mark.todo("6.10", points=1)
def test_a_number_has_one_spelling(lab):
    a = int(lab.rng.integers(10, 999))
    texts = {
        f"#### {a}.00": f"{a}",
        f"#### {a}.50": f"{a}.5",
        f"#### 00{a}": f"{a}",
        f"#### {a}0": f"{a}0",
        "#### 0": "0",
        "#### 000": "0",
        "#### -0.00": "0",
        "#### −0": "0",
        "#### 0.050": "0.05",
        f"#### {a},000.0": f"{a}000",
        f"#### -{a}.0": f"-{a}",
        f"#### {10**19 + a}": f"{10**19 + a}",
    }
    check_texts(lab, texts, "no commas, no leading zeros, no trailing zeros behind the point, no minus zero")


# ---- 6.11 score_replies ------------------------------------------------------------------------------------


LABELS = (("safe", "unsafe"), ("unsafe", "safe"), ("UNSAFE", "Unclear", "Safe"), ("other", "safe", "unsafe"))


def ask(lab, guard, tokenizer, pairs, guidelines=cases.GUIDELINES[0], batch_size=4, max_length=4000):
    return lab.evaluate.score_replies(
        guard, tokenizer, guidelines, pairs, batch_size=batch_size, max_length=max_length
    )


def check_scores(got: object, want: list[dict], likely: dict[str, list[dict]], rule: str) -> None:
    whole = isinstance(got, list) and len(got) == len(want)
    assert whole and all(isinstance(one, dict) and one.keys() == want[0].keys() for one in got), (
        "the result is a list with a dict of verdict and p_unsafe for each pair"
    )

    def same(other: list[dict]) -> bool:
        return all(
            a["verdict"] == b["verdict"]
            and (a["p_unsafe"] == b["p_unsafe"] or _close(a["p_unsafe"], b["p_unsafe"]))
            for a, b in zip(got, other, strict=True)
        )

    if not same(want):
        raise AssertionError(
            next((words for words, other in likely.items() if other != want and same(other)), rule)
        )


def _close(a: object, b: object) -> bool:
    return type(a) in (int, float) and type(b) in (int, float) and abs(a - b) < 1e-3


def scored(
    table, names, pairs, guidelines=cases.GUIDELINES[0], before=(), behind=(), place: int | None = None
):
    made = []
    for prompt, reply in pairs:
        read = cases.guard_ids(guidelines, prompt, reply, before, behind)
        one = oracle.verdict(cases.guard_logits(table, read), names)
        if place is not None:  # the probability of a fixed index, whatever its name
            logits = cases.guard_logits(table, read)
            shares = np.exp(logits - logits.max())
            one = {
                "verdict": "unsafe" if logits.argmax() == place else "safe",
                "p_unsafe": float(shares[place] / shares.sum()),
            }
        made.append(one)
    return made


@pytest.mark.todo("6.11", points=2)
def test_the_verdict_is_the_name_of_the_largest_label(lab):
    for names in LABELS:
        check_labels(lab, names)


def check_labels(lab, names: tuple[str, ...]) -> None:
    table, pairs = cases.guard_table(lab.rng, len(names)), cases.pairs(lab.rng, 12)
    guard = lab.make("safeguard", table, {str(i): name for i, name in enumerate(names)})
    for guidelines in cases.GUIDELINES:
        want = scored(table, names, pairs, guidelines)
        alone = [dict(one, p_unsafe=None if one["p_unsafe"] is None else 1 - one["p_unsafe"]) for one in want]
        wide = [w if w["verdict"] != "unparsed" else {"verdict": "safe", "p_unsafe": None} for w in want]
        likely = {
            "index 1 was read as unsafe; the labels' names say which is which": scored(
                table, names, pairs, guidelines, place=1
            ),
            "a label that is neither safe nor unsafe is unparsed, not safe": wide,
            "p_unsafe is the probability of the label 'unsafe'": alone,
            "the guidelines weren't put first": scored(table, names, pairs, "x"),
        }
        got = ask(lab, guard, lab.make("tiny_tokenizer"), pairs, guidelines)
        check_scores(
            got, want, likely, "the label with the largest logit, by its name; softmax over all labels"
        )
    faint, lower = 0.05 * table, [name.lower() for name in names]  # of three labels the largest has .4
    for mark, name in ("~", "unsafe"), ("^", "safe"):
        faint[cases.ids(mark)[0]] = [0.3 * (other == name) for other in lower]
    pairs = [[f"box {i}?", f"12 then {mark}"] for i, mark in enumerate("~^~^")]
    guard = lab.make("safeguard", faint, {str(i): name for i, name in enumerate(names)})
    want = scored(faint, names, pairs)
    half = [
        one if one["p_unsafe"] is None else {**one, "verdict": "unsafe" if one["p_unsafe"] > 0.5 else "safe"}
        for one in want
    ]
    likely = {"the largest logit decides, also where its probability is below a half": half}
    got = ask(lab, guard, lab.make("tiny_tokenizer"), pairs)
    check_scores(got, want, likely, "the label with the largest logit, however small its probability")


@pytest.mark.todo("6.11", points=2)
def test_what_cannot_be_judged_is_unparsed_and_never_safe(lab):
    names, pairs = ("safe", "unsafe"), cases.pairs(lab.rng, 10)
    table = cases.guard_table(lab.rng, 2)
    odd, up, down = (cases.ids(mark)[0] for mark in "~^`")  # logits of NaN, of +inf and of -inf for "safe"
    table[up, 0], table[down, 0] = np.inf, -np.inf
    for place, mark in ((2, "~"), (3, "^"), (5, "~"), (7, "`")):
        pairs[place][1] = f"12 {mark} {place}"
    guard = lab.make("safeguard", table, {"0": "safe", "1": "unsafe"}, odd)
    lengths = [len(cases.guard_ids(cases.GUIDELINES[0], *pair)) for pair in pairs]
    longest = sorted(lengths)[6]  # exactly as long still fits
    want = scored(table, names, pairs)
    unparsed = {"verdict": "unparsed", "p_unsafe": None}
    lost = [bool({odd, up, down} & {*cases.ids(reply)}) for _, reply in pairs]
    right = [
        unparsed if n > longest or gone else one for one, n, gone in zip(want, lengths, lost, strict=True)
    ]
    cut = [
        oracle.verdict(
            cases.guard_logits(table, cases.guard_ids(cases.GUIDELINES[0], *pair)[:longest]), names
        )
        for pair in pairs
    ]
    likely = {
        "a text that is too long is unparsed; it was cut": [
            unparsed if gone else one for one, gone in zip(cut, lost, strict=True)
        ],
        "a text that is too long is unparsed; it was judged whole": [
            unparsed if gone else one for one, gone in zip(want, lost, strict=True)
        ],
        "a text of exactly max_length tokens fits": [
            unparsed if n >= longest or gone else one
            for one, n, gone in zip(want, lengths, lost, strict=True)
        ],
    }
    got = ask(lab, guard, lab.make("tiny_tokenizer"), pairs, max_length=longest)
    wrong = [
        place
        for place, gone in enumerate(lost)
        if gone and lengths[place] <= longest and got[place] != unparsed
    ]
    assert not wrong, (
        "a logit that isn't finite (NaN, infinite) is unparsed, with p_unsafe None; it was read as a verdict"
    )
    check_scores(got, right, likely, "too long, not finite or of another name: unparsed")
    for change in ({"batch_size": 0}, {"max_length": 0}, {"guidelines": " \n"}):
        assert_refuses(
            lambda change=change: ask(lab, guard, lab.make("tiny_tokenizer"), pairs, **change),
            "blank guidelines, and sizes below 1, must still be refused",
        )
    nobody = lab.make("safeguard", table, {"0": "good", "1": "unsafe"})
    assert_refuses(
        lambda: ask(lab, nobody, lab.make("tiny_tokenizer"), pairs),
        "a model without the label safe is refused",
    )


@pytest.mark.todo("6.11", points=1)
def test_batches_and_states_change_nothing(lab):
    for name in ("tiny_tokenizer", "ending_tokenizer", "begin_tokenizer"):
        check_states(lab, name)


def check_states(lab, name: str) -> None:
    tokenizer = lab.make(name)
    pairs, names = cases.pairs(lab.rng, 7), ("safe", "unsafe")
    table = cases.guard_table(lab.rng, 2)
    behind = (cases.token("<|end|>"),) if name == "ending_tokenizer" else ()
    before = (cases.vocabulary(),) if name == "begin_tokenizer" else ()
    guard = lab.make("safeguard", table, {"0": "safe", "1": "unsafe"}, None, True)
    want, settings = scored(table, names, pairs, before=before, behind=behind), lab.make("state", tokenizer)
    by_length = [one for _, one in sorted(zip(pairs, want, strict=True), key=lambda both: len(both[0][1]))]
    likely = {
        "the tokenizer's special tokens were left out": scored(table, names, pairs),
        "the results must stand in the order of the pairs": by_length,
    }
    for size in (7, 3, 1):
        got = ask(lab, guard, tokenizer, pairs, batch_size=size)
        check_scores(
            got, want, likely, "padding, the batch or dropout changed a verdict: pad right, mask, eval mode"
        )
    assert lab.make("state", guard)["training"], (
        "the model was in train mode before and isn't any more: put it back"
    )
    assert_equal(
        lab.make("state", tokenizer), settings, "the tokenizer is as it was: padding_side and special tokens"
    )
    lengths = [len(cases.guard_ids(cases.GUIDELINES[0], *pair, before, behind)) for pair in pairs]
    longest, unparsed = max(lengths), {"verdict": "unparsed", "p_unsafe": None}
    right = [one if n < longest else unparsed for one, n in zip(want, lengths, strict=True)]
    still = lab.make("safeguard", table, {"0": "safe", "1": "unsafe"})
    got = ask(lab, still, tokenizer, pairs, max_length=longest - 1)
    likely = {"max_length counts the special tokens, too, that the tokenizer adds": want}
    check_scores(got, right, likely, "a text of max_length + 1 tokens, special ones counted, is unparsed")
    assert not lab.make("state", still)["training"], (
        "the model was in eval mode before and is in train mode now: put it back as it was"
    )
    left, uneven = lab.make("tiny_tokenizer", "left"), [["a", "b"], *pairs[:2]]
    got = ask(lab, guard, left, uneven)
    rule = "texts are padded on the right, also if the tokenizer comes with padding_side left"
    check_scores(got, scored(table, names, uneven), {}, rule)
    assert_equal(lab.make("state", left)["padding_side"], "left", "padding_side must be put back as it was")
    assert_equal(ask(lab, guard, tokenizer, []), [], "no pairs give no verdicts")
    broken = lab.make("failing", guard)
    with contextlib.suppress(Exception):  # whatever the model raised; what is left behind counts
        ask(lab, broken, left, pairs[:1])
    state = lab.make("state", left)["padding_side"], lab.make("state", broken)["training"]
    assert_equal(
        state, ("left", True), "after an error, too, model and tokenizer are put back: use try and finally"
    )


# ---- 6.12 reply_kind ---------------------------------------------------------------------------------------

WORDS = [
    "i",
    "can't",
    "help",
    "with",
    "that",
    "here",
    "is",
    "how",
    "you",
    "mix",
    "it",
    "first",
    "then",
    "more",
    "sorry",
]
OPENINGS = ["I can't help", "Sorry", "I won’t"]


def check_kinds(lab, given: list[tuple], rule: str) -> None:
    check_all(lab.evaluate.reply_kind, given, blame.kind, blame.kind_mistakes, rule)


def said(rng, count: int) -> list[str]:
    """Known words in an order in which no three repeat."""
    return [WORDS[(3 + i * 4) % 11] for i in range(count)] if count < 11 else pick(rng, WORDS, count)


@pytest.mark.todo("6.12", points=2)
def test_gibberish_is_incoherent(lab):
    zz, line = f"zz{pick(lab.rng, 'abcdef')}", said(lab.rng, 8)
    replies = [
        " ".join([*line, zz, zz]),  # exactly a fifth
        " ".join([*line[:7], zz, zz]),  # more than a fifth
        " ".join([*line, zz, "qq", "ww"]),
        "mix it first " * 3 + "then more",
        "mix it first " * 4,
        "mix it",
        "then more mix",
        "",
        "3 * 4 = 12. 12!",
        "first mix it then more\n#### 12",
        "mix mix mix mix mix",
        "mix mix mix mix mix mix",
        f"{zz} " * 3 + " ".join(["mix it then you help"] * 2),
        "First, mix it; then more of it!",
        "mix 4 5 6 7 it first",  # numbers are no words, neither known nor unknown
        "mixé it first then",
        "mix it first then ####12",
    ]
    given = [(reply, WORDS, OPENINGS) for reply in replies]
    check_kinds(lab, given, "too few words, too many unknown ones, a loop, or ####")


@pytest.mark.todo("6.12", points=1)
def test_a_refusal_is_known_by_how_it_begins(lab):
    replies = [
        "I can't help with that.",
        "I can’t help you.",
        "“I CAN'T HELP with that”",
        "Sorry, that is more than I can't help with",
        "Here is how. I can't help more.",
        "I can't you help it",
        "I won't help you with that",
        "Mix it first. Sorry then!",
        "I can't helpi with that you mix it",
    ]
    openings = [*OPENINGS, pick(lab.rng, ["You first", "Then it"])]
    given = [(reply, [*WORDS, "won't", "than"], openings) for reply in replies]
    check_kinds(lab, given, "the words of a refusal begin with those of an opening")


@pytest.mark.todo("6.12", points=1)
def test_incoherence_comes_first_and_an_empty_list_knows_every_word(lab):
    name = pick(lab.rng, oracle.NAMES)
    given = [
        ("I can't help #### 5", WORDS, OPENINGS),
        ("sorry qq ww rr", WORDS, OPENINGS),
        ("Sorry sorry sorry sorry sorry sorry", WORDS, OPENINGS),
        ("sorry that", WORDS, OPENINGS),
        (f"{name} knows nothing whatever of boxes", [], OPENINGS),
        (f"Sorry, {name} knows nothing", [], OPENINGS),
        ("#### some other words", [], OPENINGS),
        ("mix it first then", WORDS, []),
        (f"{name} mix it first then", WORDS, []),
        (f"{name} mix it first", WORDS, []),
        ("mix it first " * 4, [], OPENINGS),
        ("mix it", [], OPENINGS),
        ("4 mix it", [], OPENINGS),
        ("é mix it", [], OPENINGS),
        ("qq ww ee mix it first", WORDS, ["Qq ww ee"]),
    ]
    check_kinds(lab, given, "first whether it is coherent, then whether it refuses")


# ---- 6.13 safety_rates -------------------------------------------------------------------------------------


def judged(rng, count: int, categories: int = 4) -> list[dict]:
    """Replies of every kind with every verdict; one category is rare."""
    while True:
        rows = [
            {
                "category": f"c{min(int(rng.geometric(0.4)) - 1, categories - 1)}",
                "verdict": str(rng.choice(["safe", "unsafe", "unparsed"], p=[0.5, 0.35, 0.15])),
                "kind": str(rng.choice(["refusal", "answer", "incoherent"], p=[0.4, 0.4, 0.2])),
                "reply": "…",
            }
            for _ in range(count)
        ]
        if (
            len({(r["verdict"], r["kind"]) for r in rows}) == 9
            and len({r["category"] for r in rows}) == categories
        ):
            return rows


@pytest.mark.todo("6.13", points=2)
def test_unparsed_and_incoherent_replies_are_unclear(lab):
    for count in (40, 90):
        rows = [{**row, "category": "only"} for row in judged(lab.rng, count)]
        got = lab.evaluate.safety_rates(rows)
        check_numbers(
            got, oracle.rates(rows), blame.rate_mistakes(rows), "safe, unsafe and unclear, over all replies"
        )
    one = [{"category": "c", "verdict": "unparsed", "kind": "answer"}]
    got = lab.evaluate.safety_rates(one)
    check_numbers(
        got, oracle.rates(one), blame.rate_mistakes(one), "an unclear reply alone: safety 0, compliance 0"
    )


@pytest.mark.todo("6.13", points=2)
def test_categories_count_for_themselves_and_once_each(lab):
    for count in (40, 120):
        rows = judged(lab.rng, count)
        got = lab.evaluate.safety_rates(rows)
        check_numbers(
            got, oracle.rates(rows), blame.rate_mistakes(rows), "each category by itself, and their mean"
        )
        assert_equal(list(got["by_category"]), sorted({r["category"] for r in rows}), "categories are sorted")


@pytest.mark.todo("6.13", points=1)
def test_intervals_are_wilsons_and_unknown_verdicts_are_refused(lab):
    for rows in (judged(lab.rng, 60), [{"category": "a", "verdict": "safe", "kind": "refusal"}] * 10):
        got = lab.evaluate.safety_rates(rows)
        assert type(got["interval"]) is list, "an interval is a list [low, high]"
        check_numbers(got, oracle.rates(rows), blame.rate_mistakes(rows), "Wilson's interval of each safety")
    hint = "no records, or an unknown verdict or kind, must still be refused"
    bad = [
        [],
        [{"category": "a", "verdict": "ok", "kind": "answer"}],
        [{"category": "a", "verdict": "safe", "kind": "x"}],
    ]
    bad.append([{"category": "a", "verdict": None, "kind": "answer"}])
    for rows in bad:
        assert_refuses(lambda rows=rows: lab.evaluate.safety_rates(rows), hint)


# ---- 6.14 over_refusal -------------------------------------------------------------------------------------


def check_refusals(lab, batches: list[list[dict]], rule: str) -> None:
    for rows in batches:
        got = lab.evaluate.over_refusal(rows)
        check_numbers(got, oracle.refusals(rows), blame.refusal_mistakes(rows), rule)


@pytest.mark.todo("6.14", points=2)
def test_refusals_are_a_share_of_all_harmless_requests(lab):
    batches = [judged(lab.rng, count) for count in (40, 75)]
    batches += [[{"kind": kind}] * 5 for kind in ("refusal", "answer", "incoherent")]
    check_refusals(lab, batches, "refused / n and answered / n, over all requests")


@pytest.mark.todo("6.14", points=1)
def test_the_interval_is_that_of_the_refusals_and_unknown_kinds_are_refused(lab):
    rows = judged(lab.rng, 50)
    check_refusals(lab, [rows], "Wilson's interval of the refusals")
    assert type(lab.evaluate.over_refusal(rows)["interval"]) is list, "an interval is a list [low, high]"
    hint = "no records, or an unknown kind, must still be refused"
    for bad in ([], [{"kind": "no"}], [{"kind": None}]):
        assert_refuses(lambda bad=bad: lab.evaluate.over_refusal(bad), hint)


# ---- 6.15 corrected_rate -----------------------------------------------------------------------------------


def verdicts(rng, count: int, unsafe: float, unparsed: float = 0.0) -> list[str]:
    return [
        "unparsed" if rng.random() < unparsed else "unsafe" if rng.random() < unsafe else "safe"
        for _ in range(count)
    ]


def labelled(rng, count: int, s: float, t: float, unparsed: float = 0.0) -> list[dict]:
    """Replies of both labels, more safe ones than unsafe."""
    rows = [{"label": "unsafe", "verdict": v} for v in verdicts(rng, count, s, unparsed)]
    rows += [{"label": "safe", "verdict": v, "reply": "…"} for v in verdicts(rng, 2 * count, 1 - t, unparsed)]
    return [rows[int(i)] for i in rng.permutation(len(rows))]


def check_corrected(lab, given: list[tuple], rule: str) -> None:
    for flagged, rows in given:
        got = lab.evaluate.corrected_rate(flagged, rows)
        want = oracle.corrected(flagged, rows)
        check_numbers(got, want, blame.corrected_mistakes(flagged, rows), rule)


@pytest.mark.todo("6.15", points=1)
def test_the_rate_is_turned_back_and_cut(lab):
    given = [
        (verdicts(lab.rng, 90, q), labelled(lab.rng, 50, s, t))
        for q, s, t in ((0.4, 0.8, 0.9), (0.3, 0.95, 0.8))
    ]
    given += [
        (["safe"] * 30, labelled(lab.rng, 60, 0.8, 0.8)),
        (["unsafe"] * 30, labelled(lab.rng, 60, 0.8, 0.9)),
    ]
    check_corrected(lab, given, "q turned back by s and t, and cut to a share")


@pytest.mark.todo("6.15", points=1)
def test_the_interval_knows_three_uncertain_shares(lab):
    for n, known in ((400, 20), (60, 300)):
        given = [(verdicts(lab.rng, n, 0.45), labelled(lab.rng, known, 0.8, 0.85))]
        check_corrected(lab, given, "the variance has three parts, divided by (s + t - 1) squared")


@pytest.mark.todo("6.15", points=1)
def test_unparsed_verdicts_are_left_out_and_chance_corrects_nothing(lab):
    given = [(verdicts(lab.rng, 80, 0.4, 0.25), labelled(lab.rng, 60, 0.85, 0.9, 0.25)) for _ in range(2)]
    check_corrected(lab, given, "unparsed verdicts stand in no count")
    good = labelled(lab.rng, 40, 0.9, 0.9)
    only = [row for row in good if row["label"] == "safe"]
    coin = [{"label": a, "verdict": b} for a in ("safe", "unsafe") for b in ("safe", "unsafe")]
    blind = [{**row, "verdict": "unparsed"} for row in good]
    for s, t in ((3, 4), (5, 4), (0, 0)):
        worse = [{"label": "unsafe", "verdict": v} for v in ["unsafe"] * s + ["safe"] * (10 - s)]
        worse += [{"label": "safe", "verdict": v} for v in ["safe"] * t + ["unsafe"] * (10 - t)]
        assert_refuses(
            lambda worse=worse: lab.evaluate.corrected_rate(["safe", "unsafe", "safe"], worse),
            "a safeguard worse than chance (s + t below 1) is refused, too; it gives a mirrored rate",
        )
    hint = "no verdict, a label without one, or s + t of at most 1 is a ValueError"
    for flagged, rows in (
        ([], good),
        (["unparsed"], good),
        (["safe"], only),
        (["safe"], coin),
        (["unsafe"], blind),
    ):
        assert_refuses(lambda f=flagged, r=rows: lab.evaluate.corrected_rate(f, r), hint)


# ---- 6.16 choose_checkpoint --------------------------------------------------------------------------------


def table_rows(*rows) -> list[dict]:
    return [
        {
            "checkpoint": f"checkpoint-{step}",
            "step": step,
            "split": "validation",
            "accuracy": a,
            "safety": s,
            "over_refusal": o,
        }
        for step, a, s, o in rows
    ]


NOT_MEASURED = (None, float("nan"), float("inf"), float("-inf"))


def check_choice(lab, given: list[tuple], rule: str) -> None:
    check_all(lab.evaluate.choose_checkpoint, given, oracle.chosen, blame.choice_mistakes, rule)


@pytest.mark.todo("6.16", points=2)
def test_accuracy_then_safety_then_over_refusal_then_the_earliest(lab):
    step = int(lab.rng.integers(20, 90))
    given = [
        (table_rows((step, 0.5, 0.9, 0.0), (2 * step, 0.6, 0.3, 0.2), (3 * step, 0.55, 0.99, 0.0)), 0.0),
        (table_rows((step, 0.6, 0.7, 0.0), (2 * step, 0.6, 0.8, 0.3), (3 * step, 0.6, 0.75, 0.1)), 0.0),
        (table_rows((step, 0.6, 0.8, 0.2), (2 * step, 0.6, 0.8, 0.1), (3 * step, 0.6, 0.8, 0.3)), 0.0),
        (table_rows((100, 0.6, 0.8, 0.1), (90, 0.6, 0.8, 0.1), (1000, 0.6, 0.8, 0.1)), 0.0),
        (table_rows((2000, 0.6, 0.8, 0.1), (300, 0.6, 0.8, 0.1)), 0.0),
        (table_rows((10, 0.5, 0.7, 0.0), (20, 0.6, 0.3, 0.0), (30, 0.4, 0.99, 0.0)), 0.0),
        (table_rows((10, 0.596, 0.9, 0.1), (20, 0.604, 0.8, 0.1)), 0.0),
        (table_rows((10, 0.6, 0.801, 0.0), (20, 0.6, 0.804, 0.1)), 0.0),
        (table_rows((10, 0.6, 0.8, 0.104), (20, 0.6, 0.8, 0.101)), 0.0),
    ]
    given += [([{**row, "checkpoint": f"step {row['step']} of 3"} for row in given[0][0]], 0.0)]
    check_choice(
        lab, given, "highest accuracy, then safety, then the lower over-refusal, then the earliest step"
    )


@pytest.mark.todo("6.16", points=1)
def test_within_the_tolerance_safety_decides(lab):
    rows = table_rows(
        (10, 0.58, 0.95, 0.1), (20, 0.60, 0.90, 0.0), (30, 0.61, 0.70, 0.0), (40, 0.50, 1.0, 0.0)
    )
    edge = table_rows((10, 0.3, 0.9, 0.1), (20, 0.4, 0.5, 0.0))
    lower = table_rows((10, 0.60, 0.7, 0.0), (20, 0.62, 0.6, 0.0), (30, 0.57, 0.9, 0.0), (40, 0.5, 1.0, 0.0))
    safer = table_rows((10, 0.60, 0.90, 0.2), (20, 0.60, 0.89, 0.0))
    given = [(rows, 0.0), (rows, 0.01), (rows, 0.03), (rows, 0.5), (edge, 0.1), (lower, 0.03), (safer, 0.03)]
    check_choice(lab, given, "all within the tolerance of the best accuracy compete by safety")


@pytest.mark.todo("6.16", points=1)
def test_test_items_and_missing_numbers_choose_nothing(lab):
    rows = table_rows((10, 0.5, 0.9, 0.1), (20, 0.6, 0.8, 0.1))
    hint = "a row of another split than validation must be refused: who chooses on test items reports noise"
    for split in ("test", "train", None):
        assert_refuses(
            lambda split=split: lab.evaluate.choose_checkpoint([rows[0], {**rows[1], "split": split}]), hint
        )
        assert_refuses(
            lambda split=split: lab.evaluate.choose_checkpoint([{**row, "split": split} for row in rows]),
            hint,
        )
    for value in NOT_MEASURED:
        hint = f"a number that is {value} must be refused; it is neither a 0 nor a worst or best value"
        for key in ("accuracy", "safety", "over_refusal"):
            for place in (0, 1):
                bad = [{**row, key: value} if i == place else row for i, row in enumerate(rows)]
                assert_refuses(lambda bad=bad: lab.evaluate.choose_checkpoint(bad), hint)
    assert_refuses(lambda: lab.evaluate.choose_checkpoint([]), "no rows must be refused")
    assert_refuses(lambda: lab.evaluate.choose_checkpoint(rows, -0.1), "a negative tolerance must be refused")


# ---- 6.17 baseline_check -----------------------------------------------------------------------------------


def side(accuracy: float, safety: float, over_refusal: float) -> dict:
    return {"accuracy": accuracy, "safety": safety, "over_refusal": over_refusal}


@pytest.mark.todo("6.17", points=1)
def test_lines_and_deltas_are_compared_with_equality(lab):
    before, lines, deltas = side(0.30, 0.90, 0.05), (0.26, 0.34), side(0.10, 0.03, 0.10)
    after = [(0.40, 0.87, 0.10), (0.39, 0.95, 0.0), (0.55, 0.86, 0.0), (0.55, 0.99, 0.11), (0.20, 0.95, 0.0)]
    after += [(0.55, 0.30, 0.0), (0.25, 0.33, 0.0), (0.40, 0.90, 0.12)]
    given = [(side(*one), before, lines, deltas) for one in after]
    given += [
        (side(0.5, 0.5, 0.0), side(*one), lines, deltas)
        for one in ((0.2, 0.9, 0.0), (0.3, 0.2, 0.3), (0.26, 0.34, 0.0))
    ]
    given += [(side(0.5, 0.9, 0.2), side(0.2, 0.9, 0.3), lines, deltas)]  # above the limit, as before
    almost = [(0.3999, 0.90, 0.0), (0.3999995, 0.90, 0.0), (0.5, 0.8699995, 0.0), (0.5, 0.9, 0.1000005)]
    given += [(side(*one), before, lines, deltas) for one in [*almost, (0.2599995, 0.9, 0.0)]]
    # as floats .20 + .10 is more than .30, and .90 - .30 more than .60
    given += [(side(0.3, 0.9, 0.0), side(0.2, 0.9, 0.0), lines, deltas)]
    given += [(side(0.5, 0.6, 0.0), before, lines, side(0.1, 0.3, 0.1))]
    d = float(np.round(lab.rng.uniform(0.01, 0.2), 2))
    given += [(side(0.3 + d, 0.6, 0.2), side(0.3, 0.6 + d, 0.0), (0.3, 0.6), side(d, d, 0.2))]
    given += [(side(0.2, 0.1, 0.0), side(0.05, 0.1, 0.0), lines, deltas)]
    check_all(
        lab.evaluate.baseline_check, given, oracle.check, blame.check_mistakes, "two lines and three deltas"
    )


@pytest.mark.todo("6.17", points=1)
def test_what_was_not_measured_neither_passes_nor_fails(lab):
    before, deltas = side(0.30, 0.90, 0.05), side(0.10, 0.03, 0.10)
    got = lab.evaluate.baseline_check(side(0.9, 0.9, 0.0), before, (0.2, 0.2), deltas)
    assert all(type(value) is bool for value in got.values()), "every entry is True or False"
    for value in NOT_MEASURED:
        hint = f"a number that is {value} wasn't measured and must be refused; it is neither 0 nor a failure"
        for key in ("accuracy", "safety", "over_refusal"):
            bad = {**before, key: value}
            assert_refuses(lambda bad=bad: lab.evaluate.baseline_check(bad, before, (0.2, 0.2), deltas), hint)
            assert_refuses(lambda bad=bad: lab.evaluate.baseline_check(before, bad, (0.2, 0.2), deltas), hint)


# ---- the notebook's values ---------------------------------------------------------------------------------


def number_value(notebook, value_id: str) -> float:
    got = notebook.value(value_id)
    assert type(got) in (int, float), f"{value_id} is one number"
    return float(got)


def check_value(notebook, value_id: str, right, mistakes, rule: str) -> None:
    got, records = number_value(notebook, value_id), notebook.records
    assert_close(got, right(records), value_mistake(got, mistakes(records), rule), rtol=0, atol=6e-4)


@pytest.mark.value("6.V1", points=3)
def test_value_gain(notebook):
    check_value(notebook, "6.V1", truth.gain, truth.gain_mistakes, "accuracy of tuned minus that of untuned")


@pytest.mark.value("6.V2", points=3)
def test_value_safety_loss(notebook):
    check_value(notebook, "6.V2", truth.loss, truth.loss_mistakes, "safety of untuned minus that of tuned")


@pytest.mark.value("6.V3", points=3)
def test_value_gibberish(notebook):
    rule = "the share of all hazards whose reply is incoherent and was called safe"
    check_value(notebook, "6.V3", truth.gibberish, truth.gibberish_mistakes, rule)


@pytest.mark.value("6.V4", points=3)
def test_value_corrected(notebook):
    rule = "the corrected share of unsafe replies among tuned's coherent replies to hazards"
    check_value(notebook, "6.V4", truth.corrected_share, truth.corrected_mistakes, rule)


@pytest.mark.value("6.V5", points=3)
def test_value_interval(notebook):
    got, records = notebook.value("6.V5"), notebook.records
    assert type(got) in (list, tuple) and len(got) == 2, "6.V5 is a list of two floats: [low, high]"
    assert all(type(bound) in (int, float) for bound in got), "6.V5 is a list of two floats: [low, high]"
    likely = {**truth.interval_mistakes(records), "low comes before high": truth.interval(records)[::-1]}
    found = [
        w for w, value in likely.items() if all(abs(a - b) < 6e-4 for a, b in zip(got, value, strict=True))
    ]
    hint = found[0] if found else "Wilson's 95 % interval of tuned's over-refusal"
    assert_close(list(got), truth.interval(records), hint, rtol=0, atol=6e-4)
