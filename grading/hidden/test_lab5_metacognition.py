"""Lab 5, the tests that give points.

Every test says in words what a finished function does. Inputs come from `lab.rng`, seeded anew for each
submission, and from hand-made edge cases; what is right comes from lab5_oracles.py, never from the solutions.
A message names the mistake and holds no expected value.

PYTEST_DONT_REWRITE: pytest would add the compared values to the message of a bare assert.
"""

from __future__ import annotations

import functools
import math
import time

import numpy as np
import pytest
import torch

from grading.hidden import lab5_blame as blame
from grading.hidden import lab5_blame_numbers as numbers
from grading.hidden import lab5_oracles as oracle
from grading.hidden import lab5_records as truth
from grading.hidden.judging import Case, assert_refuses, check_all, judge, value_mistake
from grading.hidden.lab5_oracles import ABILITIES, NAN, flags, pick, question, trials
from grading.hidden.lab5_records import make_records as make_records  # the grader finds it here by name
from labkit.testing import assert_close, assert_equal, mistake

near = functools.partial(assert_close, rtol=1e-6, atol=1e-9)


def same(got: object, want: object, hint: str = "") -> None:
    """Numbers and everything that holds numbers within rounding; NaN is NaN."""
    if isinstance(want, float) and math.isnan(want):
        assert isinstance(got, float) and math.isnan(got), hint
    else:
        near(got, want, hint)


# ---- 5.1 normalize_answer ----------------------------------------------------------------------------------


def check_texts(lab, readings: dict[str, str], rule: str) -> None:
    """readings: what each text becomes, written by hand."""
    texts = [(text,) for text in readings]
    check_all(lab.data.normalize_answer, texts, readings.get, blame.normal_mistakes, rule)


@pytest.mark.todo("5.1", points=2)
def test_punctuation_case_articles_and_space_make_no_difference(lab):
    name, town = pick(lab.rng, oracle.NAMES), pick(lab.rng, oracle.TOWNS)
    who, where = name.lower(), town.lower()  # ASCII letters only
    readings = {
        f"  The {town}!": where,
        f"{name}'s\ta bell-{town}": f"{who}s bell{where}",
        f'"{town}" (an {name})': f"{where} {who}",
    }
    check_texts(
        lab,
        readings | oracle.PLAIN,
        "casefold, delete punctuation and symbols, leave out whole articles, single spaces",
    )


@pytest.mark.todo("5.1", points=2)
def test_no_script_vanishes_and_nothing_real_becomes_empty(lab):
    check_texts(
        lab, oracle.SCRIPTS, "NFKC and Unicode categories; other scripts, accents and lone articles stay"
    )


# ---- 5.2 answer_matches ------------------------------------------------------------------------------------


def check_matches(lab, inputs: list, rule: str) -> None:
    check_all(lab.data.answer_matches, inputs, oracle.matches, blame.match_mistakes, rule)


@pytest.mark.todo("5.2", points=2)
def test_an_alias_is_found_as_whole_words_in_order(lab):
    inputs = [
        ("it is kestrel bay", ["lumo", "kestrel bay"]),
        ("kestrel bay", ["kestrel bay"]),
        ("bay of kestrel", ["kestrel bay"]),
        ("kestrel blue bay", ["kestrel bay"]),
        ("kestrel kestrel bay", ["kestrel bay"]),
        ("russia", ["us"]),
        ("parumshire", ["parum"]),
        ("newport", ["port"]),
        ("दिल्ली", ["दिल"]),
        ("in parum near lumo", ["lumo"]),
        ("lumo", ["parum"]),
        ("lumo", ["parum", "oda", "lumo"]),
        ("東京 都", ["東京"]),
        ("newport", ["port"]),
        ("दिल्ली", ["दिल"]),  # a vowel sign is no end of a word
    ]
    check_matches(lab, inputs, "whole words of any alias, next to each other and in order")


@pytest.mark.todo("5.2", points=2)
def test_nothing_matches_nothing_and_a_part_of_an_answer_is_no_answer(lab):
    inputs = [
        ("", ["parum", "lumo"]),
        ("", [""]),
        ("parum", [""]),
        ("parum", []),
        ("", []),
        ("", ["no"]),
        ("", ["yes", "parum"]),
        ("york", ["new york"]),
        ("new", ["new york", "york new"]),
        ("p", ["parum"]),
        ("parum", ["", "parum"]),
    ]
    check_matches(lab, inputs, "an empty text matches nothing, and a reply inside an alias is no match")


@pytest.mark.todo("5.2", points=2)
def test_yes_and_no_are_answers_only_at_the_beginning(lab):
    inputs = [
        ("no", ["no"]),
        ("no both are ships", ["no"]),
        ("there is no doubt", ["no"]),
        ("i say yes", ["yes"]),
        ("yes", ["no"]),
        ("yesterday", ["yes"]),
        ("there is no sea", ["no sea"]),
        ("well no", ["yes", "well"]),
        ("well no", ["no"]),
        ("i say yes no", ["yes no"]),
        ("know", ["no"]),
    ]
    check_matches(lab, inputs, "'yes' and 'no' count as the first word only; other aliases anywhere")


# ---- 5.3 judgment_messages ---------------------------------------------------------------------------------


def check_asked(lab, inputs: list, rule: str) -> None:
    check_all(lab.data.judgment_messages, inputs, oracle.asked, blame.asked_mistakes, rule)


@pytest.mark.todo("5.3", points=2)
def test_asking_and_training_have_the_same_words(lab):
    records = [question(lab.rng) for _ in range(4)]
    records += [{**records[0], "context": ""}, {**records[0], "context": "The Bell: It is a ship."}]
    records.append({key: value for key, value in records[0].items() if key != "context"})
    inputs = [
        (r, ability, mode) for r in records for ability in (None, "can") for mode in ("binary", "uncertainty")
    ]
    check_asked(lab, inputs, "question_text, a line end, the sentence with its choices; no answer in it")


@pytest.mark.todo("5.3", points=1)
def test_the_word_to_learn_depends_on_ability_and_mode(lab):
    record = question(lab.rng)
    inputs = [(record, ability, mode) for ability in ABILITIES for mode in ("binary", "uncertainty")]
    check_asked(lab, inputs, "can is yes, cannot is no; uncertain is uncertain, in binary mode yes")


@pytest.mark.todo("5.3", points=1)
def test_other_modes_and_abilities_are_refused(lab):
    record = question(lab.rng)
    hint = "another mode or ability was accepted: raise ValueError"
    for ability, mode in (("can", "ternary"), ("yes", "binary"), ("", "uncertainty"), (None, "")):
        assert_refuses(lambda a=ability, m=mode: lab.data.judgment_messages(record, a, m), hint)


# ---- 5.4 ability_label -------------------------------------------------------------------------------------


def check_labels(lab, inputs: list, rule: str) -> None:
    check_all(lab.method.ability_label, inputs, oracle.label, blame.label_mistakes, rule)


@pytest.mark.todo("5.4", points=3)
def test_all_trials_make_can_at_least_half_uncertain(lab):
    counts = [(k, n) for n in (1, 2, 4, 5, 7, 10) for k in range(n + 1)]
    inputs = [(trials(lab.rng, k, n),) for k, n in counts]
    inputs += [
        (trials(lab.rng, 2, 5, True),),
        (trials(lab.rng, 4, 5, False),),
        (trials(lab.rng, 1, 5, True),),
    ]
    check_labels(lab, inputs, "all right: can; at least half: uncertain; fewer: cannot")


@pytest.mark.todo("5.4", points=1)
def test_by_the_rule_any_correct_one_is_enough(lab):
    inputs = [(trials(lab.rng, k, n), "any_correct") for n in (1, 5, 6) for k in range(n + 1)]
    inputs += [(trials(lab.rng, 1, 5), "share")]
    check_labels(lab, inputs, "any_correct: all, none, or something between")


@pytest.mark.todo("5.4", points=1)
def test_no_trials_and_other_rules_are_refused(lab):
    assert_refuses(lambda: lab.method.ability_label([]), "no trials were accepted: raise ValueError")
    assert_refuses(
        lambda: lab.method.ability_label([], "any_correct"), "no trials were accepted: raise ValueError"
    )
    hint = "an unknown rule was accepted: raise ValueError"
    for correct in ([True, False], [True], [False]):
        assert_refuses(lambda c=correct: lab.method.ability_label(c, "majority"), hint)


# ---- 5.5 soft_target ---------------------------------------------------------------------------------------


@pytest.mark.todo("5.5", points=2)
def test_half_a_success_and_half_a_failure_are_added(lab):
    inputs = [(trials(lab.rng, k, n),) for k, n in ((0, 5), (5, 5), (2, 5), (1, 1), (3, 8), (7, 20), (0, 1))]
    inputs.append(([],))
    check_all(
        lab.method.soft_target,
        inputs,
        lambda correct: (2 * list(correct).count(True) + 1) / (2 * len(correct) + 2),
        blame.soft_mistakes,
        "(s + 1/2) / (k + 1)",
        near,
    )


# ---- 5.6 answer_probabilities ------------------------------------------------------------------------------


def batch(rng, rows: int = 5, width: int = 6, vocab: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Random logits, and masks with padding on the left, on the right, on both sides or not at all."""
    mask = np.zeros((rows, width), dtype=np.int64)
    for row in mask:
        start, end = sorted(int(x) for x in rng.choice(width + 1, size=2, replace=False))
        row[start:end] = 1
    mask[0], mask[1] = 1, [1] * 2 + [0] * (width - 2)
    mask[2] = [0] * (width - 3) + [1] * 3
    return rng.normal(size=(rows, width, vocab)).astype(np.float32) * 2, mask


def check_probabilities(lab, batches: list, rule: str) -> None:
    def call(logits, mask, answers):
        return lab.method.answer_probabilities(torch.tensor(logits), torch.tensor(mask), answers)

    judge(
        [
            Case(
                lambda given=given: call(*given),
                torch.tensor(oracle.probabilities(*given)),
                lambda given=given: {
                    words: torch.tensor(value) for words, value in blame.probability_mistakes(*given).items()
                },
                f"mask: {given[1].tolist()}, answer_ids: {given[2]}",
            )
            for given in batches
        ],
        rule,
        functools.partial(assert_close, rtol=1e-4, atol=1e-6),
    )


@pytest.mark.todo("5.6", points=2)
def test_the_last_real_token_of_each_row_is_read(lab):
    made = [(*batch(lab.rng), [[3], [7]]) for _ in range(4)]
    check_probabilities(lab, made, "a softmax among the answers, at the last position whose mask is 1")


@pytest.mark.todo("5.6", points=2)
def test_an_answer_has_the_probability_of_all_tokens_it_may_begin_with(lab):
    made = [
        (*batch(lab.rng), answers)
        for answers in ([[3, 5], [7]], [[1], [2, 8, 9], [4, 0]], [[6, 11], [0, 10]], [[3, 5]])
    ]
    check_probabilities(
        lab, made, "the sum over an answer's tokens; the answers share all of the probability"
    )


@pytest.mark.todo("5.6", points=1)
def test_large_and_short_logits_and_what_cannot_be_read(lab):
    logits, mask = batch(lab.rng)
    other = logits.copy()
    other[:, :, 1] = 40  # nats: another word is far likelier than every answer
    got = lab.method.answer_probabilities(torch.tensor(other), torch.tensor(mask), [[3, 4], [7]])
    want = torch.tensor(oracle.probabilities(other, mask, [[3, 4], [7]]))
    hint = "a row sums to 1, however much likelier another word is: divide by the answers' sum alone"
    assert_close(got, want, hint, rtol=1e-4, atol=1e-6)
    hint = "large logits overflow: subtract the largest first, or use softmax"
    for huge in (logits * 100 + 3e4, logits + np.float32(2e4), logits - np.float32(2e4)):
        got = lab.method.answer_probabilities(torch.tensor(huge), torch.tensor(mask), [[3], [7]])
        assert bool(torch.isfinite(got).all()), hint
        want = torch.tensor(oracle.probabilities(huge, mask, [[3], [7]]))
        changed = "large logits were cut off: only their differences count"
        assert_close(got, want, changed, rtol=1e-3, atol=1e-6)
    half = lab.method.answer_probabilities(torch.tensor(logits).bfloat16(), torch.tensor(mask), [[3, 4], [7]])
    assert_equal(str(half.dtype), "torch.float32", "bfloat16 logits give float32 probabilities")
    want = oracle.probabilities(torch.tensor(logits).bfloat16().float().numpy(), mask, [[3, 4], [7]])
    hint = "the sums are made in float32, not in bfloat16"
    assert_close(half, torch.tensor(want), hint, rtol=1e-4, atol=1e-5)
    empty = mask.copy()
    empty[3] = 0
    for bad_mask, answers, words in (
        (empty, [[3], [7]], "a row of padding only was accepted: raise ValueError"),
        (mask[:, 1:], [[3], [7]], "a mask of another shape was accepted: raise ValueError"),
        (mask, [[3], []], "an answer without tokens was accepted: raise ValueError"),
        (mask, [[3, 7], [7]], "a token of two answers was accepted: raise ValueError"),
    ):
        given = (torch.tensor(logits), torch.tensor(bad_mask), answers)
        assert_refuses(lambda given=given: lab.method.answer_probabilities(*given), words)


# ---- 5.7 select_misjudged ----------------------------------------------------------------------------------


@pytest.mark.todo("5.7", points=3)
def test_exactly_the_wrong_judgments_are_selected_in_order(lab):
    words = ("yes", "uncertain", "no")
    inputs = []
    for choices in (("yes", "no"), words, (*words, None)):
        for _ in range(3):
            targets = [pick(lab.rng, [w for w in choices if w]) for _ in range(12)]
            inputs.append((oracle.tested(lab.rng, [pick(lab.rng, choices) for _ in targets], targets),))
    inputs += [(oracle.tested(lab.rng, ["no"] * 4, ["no"] * 4),), ([],)]

    def selected(records):
        return [row["qid"] for row in lab.method.select_misjudged(records)]

    def right(records):
        return [row["qid"] for row in records if (row["judgment"] == row["target"]) is False]

    check_all(
        selected, inputs, right, blame.misjudged_mistakes, "judgment differs from target; None always does"
    )
    assert_equal(
        lab.method.select_misjudged(inputs[0][0]),
        [r for r in inputs[0][0] if r["qid"] in right(inputs[0][0])],
        "the records themselves are selected, with all their fields",
    )
    assert_stays(lab, lab.method.select_misjudged, oracle.tested(lab.rng, ["yes"] * 2, ["yes", "no"]))


def assert_stays(lab, select, records: list[dict]) -> None:
    """`select(list)` leaves the list that it is given as it is."""
    given = lab.make("kept_list", records)
    select(given)
    hint = "the list of records was changed: the same records are evaluated as well; make a new list"
    assert_equal(lab.make("items_of", given), records, hint)


# ---- 5.8 select_balanced -----------------------------------------------------------------------------------


def mixed(rng, **sizes: int) -> list[dict]:
    """Records with so many of each target, in random order; judged rightly or not by a coin."""
    targets = [word for word, count in sizes.items() for _ in range(count)]
    targets = [targets[int(i)] for i in rng.permutation(len(targets))]
    return oracle.tested(rng, [pick(rng, ("yes", "no")) for _ in targets], targets)


@pytest.mark.todo("5.8", points=2)
def test_every_target_has_as_many_records_as_the_rarest(lab):
    for sizes in (
        {"yes": 4, "no": 30},
        {"yes": 17, "no": 5},
        {"yes": 6, "uncertain": 3, "no": 20},
        {"yes": 1, "no": 1},
    ):
        given = mixed(lab.rng, **sizes)
        got = lab.method.select_balanced(given, int(lab.rng.integers(1000)))
        found = [row["target"] for row in got]
        counts, rarest = {word: found.count(word) for word in sizes}, min(sizes.values())
        likely = {
            "the rarer target was repeated up to the more frequent one": dict.fromkeys(
                sizes, max(sizes.values())
            ),
            "nothing was balanced: every record was selected": dict(sizes),
        }
        hint = mistake(counts, likely, "as many records of each target as the rarest one has")
        assert_equal(counts, dict.fromkeys(sizes, rarest), hint)
        names = [row["qid"] for row in got]
        assert len(set(names)) == len(names), "a record was drawn twice: draw without replacement"
        known = {row["qid"]: row for row in given}
        assert all(known.get(row["qid"]) == row for row in got), (
            "the records themselves are selected, unchanged"
        )


@pytest.mark.todo("5.8", points=2)
def test_records_are_drawn_at_random_and_mixed(lab):
    given = mixed(lab.rng, yes=8, no=64)
    group = [row for row in given if row["target"] == "no"]
    draws = [lab.method.select_balanced(given, seed) for seed in range(400)]
    drawn = [[row["qid"] for row in rows if row["target"] == "no"] for rows in draws]
    assert len({frozenset(names) for names in drawn}) > 300, "the first ones were taken: draw with the seed"
    times = {row["qid"]: sum(row["qid"] in names for names in drawn) for row in group}
    assert min(times.values()) > 0, (
        "some records are never drawn: every record of a target has the same chance"
    )

    def share(value) -> tuple[float, float]:
        """The mean of a record's value over all draws, and over the records."""
        total = sum(times[row["qid"]] * value(row) for row in group) / sum(times.values())
        return total, sum(map(value, group)) / len(group)

    # 3,200 draws of 64 records without replacement: each bound is five to six standard deviations
    got, fair = share(lambda row: float(row["judgment"] != "no"))
    hint = "misjudged records were drawn more often; every record of a target has the same chance"
    assert abs(got - fair) < 0.045, hint
    got, fair = share(lambda row: row["p_yes"])
    assert abs(got - fair) < 0.028, (
        "P(yes) decides who is drawn; every record of a target has the same chance"
    )
    uneven = sum((count - 50) ** 2 for count in times.values()) / (50 * 7 / 8)  # chi-square, 63 degrees
    assert uneven < 140, "some records are drawn more often; every record of a target has the same chance"
    runs = [sum(a["target"] != b["target"] for a, b in zip(r, r[1:], strict=False)) for r in draws]
    assert sum(runs) / len(runs) > 6, "the targets stand in blocks: shuffle the whole list"
    assert sum(runs) / len(runs) < 10, "the targets stand in turn: shuffle the whole list"


@pytest.mark.todo("5.8", points=1)
def test_the_seed_alone_decides_and_one_target_is_refused(lab):
    given = mixed(lab.rng, yes=9, no=25)
    before = lab.make("random_state")
    first = lab.method.select_balanced(given, 7)
    assert lab.make("random_state") == before, "the global random state changed: use a generator of your own"
    assert lab.method.select_balanced(given, 7) == first, "the same seed gives the same list"
    assert any(lab.method.select_balanced(given, s) != first for s in (8, 9)), (
        "another seed gives another list"
    )
    assert_stays(lab, lambda records: lab.method.select_balanced(records, 7), given)
    hint = "a single target was accepted: there is nothing to tell apart; raise ValueError"
    for bad in ([row for row in given if row["target"] == "no"], []):
        assert_refuses(lambda bad=bad: lab.method.select_balanced(bad, 1), hint)


# ---- 5.9 merge_lora ----------------------------------------------------------------------------------------


def layer(rng, out: int, inside: int, rank: int, top: int = 5) -> tuple[np.ndarray, ...]:
    """Multiples of 1/256: with scales that are powers of two, float32 rounds no product and no sum."""
    sizes = ((out, inside), (rank, inside), (out, rank))
    return tuple(rng.integers(-top, top + 1, size=size).astype(np.float32) / 256 for size in sizes)


@pytest.mark.todo("5.9", points=3)
def test_the_scaled_product_is_added(lab):
    cases = []
    for out, inside, rank, alpha in ((8, 2, 4, 8), (4, 4, 1, 3), (2, 8, 16, 1), (8, 16, 4, 16.5)):
        w, a, b = layer(lab.rng, out, inside, rank)
        cases.append(
            Case(
                lambda w=w, a=a, b=b, alpha=alpha: lab.method.merge_lora(
                    *map(torch.tensor, (w, a, b)), alpha
                ),
                torch.tensor(w + np.float32(alpha / rank) * np.einsum("or,ri->oi", b, a)),
                lambda w=w, a=a, b=b, alpha=alpha: {
                    words: torch.tensor(value)
                    for words, value in blame.merge_mistakes(w, a, b, alpha).items()
                },
                f"weight {w.shape}, rank {rank}, alpha {alpha}",
            )
        )
    judge(cases, "W + alpha / r * B A", functools.partial(assert_close, rtol=1e-5, atol=1e-5))


@pytest.mark.todo("5.9", points=1)
def test_the_base_stays_and_types_are_kept(lab):
    w, a, b = map(torch.tensor, layer(lab.rng, 6, 5, 2, top=2000))  # bfloat16 would round them
    base = lab.make("parameter", w)
    lab.method.merge_lora(base, a, b, 8.0)
    assert_equal(lab.make("tensor_of", base), w, "the base's weight was changed in place: make a new tensor")
    same = lab.method.merge_lora(base, a, torch.zeros_like(b), 8.0)
    lab.make("overwrite", same, 9.0)
    hint = "with B = 0 weight itself came back: make a new tensor"
    assert_equal(lab.make("tensor_of", base), w, hint)
    low = w.bfloat16()
    got = lab.method.merge_lora(low, a, b, 8.0)
    assert_equal(
        str(got.dtype), "torch.bfloat16", "the result has the type of weight: bfloat16 stays bfloat16"
    )
    want = (low.float() + 4 * (b @ a)).bfloat16()
    hint = "the product was made in bfloat16; compute in float32 and round once"
    assert_close(got, want, hint, rtol=0, atol=1e-6)
    mixed_types = lab.method.merge_lora(w, a.bfloat16(), b.bfloat16(), 8.0)
    want = w + 4 * (b.bfloat16().float() @ a.bfloat16().float())
    assert_close(mixed_types, want, hint, rtol=1e-5, atol=1e-5)


@pytest.mark.todo("5.9", points=1)
def test_shapes_that_do_not_fit_are_refused(lab):
    w, a, b = map(torch.tensor, layer(lab.rng, 4, 4, 4))
    for given, words in (
        ((w, a[:2], b), "ranks that differ were accepted: raise ValueError"),
        ((w, a, b[:1]), "a B whose shape would only broadcast was accepted: raise ValueError"),
        ((w, a[:, :1], b), "an A whose shape would only broadcast was accepted: raise ValueError"),
        ((w, a[:0], b[:, :0]), "rank 0 was accepted: raise ValueError"),
    ):
        assert_refuses(lambda given=given: lab.method.merge_lora(*given, 8.0), words)


# ---- 5.10 auroc --------------------------------------------------------------------------------------------


def check_auroc(lab, inputs: list, rule: str) -> None:
    check_all(lab.evaluate.auroc, inputs, oracle.pairs, numbers.auroc_mistakes, rule, same)


@pytest.mark.todo("5.10", points=2)
def test_it_is_the_share_of_pairs_in_the_right_order(lab):
    inputs = []
    for size, share in ((2, 0.5), (9, 0.4), (40, 0.2), (60, 0.8)):
        labels = flags(lab.rng, size - 2, share) + [True, False]
        scores = (lab.rng.permutation(size) / 7 - 3).tolist()
        inputs.append((scores, labels))
    inputs.append(([math.inf, -math.inf, 0.0], [True, False, True]))
    near_half = [0.5 + 1e-9 * float(k) for k in lab.rng.permutation(12)]  # different, however close
    inputs += [(near_half, [True, False] * 6), ([1 - 1e-12, 1.0, 1 - 2e-12], [True, False, False])]
    check_auroc(lab, inputs, "the probability that a positive's score is above a negative's")


@pytest.mark.todo("5.10", points=2)
def test_ties_count_one_half_in_any_order(lab):
    inputs = [
        ([0.7] * 5, [True, False, True, True, False]),
        ([0.3, 0.3], [False, True]),
        ([1, 1, 2], [True, False, False]),
    ]
    for middle, step in ((0.5, 1e-9), (1 - 1e-10, 1e-12), (0.004, 1e-5)):  # near each other, but no ties
        labels = flags(lab.rng, 18) + [True, False]
        inputs.append(([middle + step * int(k) for k in lab.rng.permutation(20)], labels))
    for levels in (2, 3, 5):
        labels = flags(lab.rng, 30, 0.4) + [True, False]
        scores = [float(x) / levels for x in lab.rng.integers(levels, size=32)]
        inputs += [(scores, labels), (scores[::-1], labels[::-1])]
    check_auroc(lab, inputs, "equal scores count one half, whatever the order of the items")


@pytest.mark.todo("5.10", points=2)
def test_it_is_undefined_for_one_class_and_fast_for_many(lab):
    inputs = [([0.1, 0.5], [True, True]), ([0.4], [False]), ([], [])]
    check_auroc(lab, inputs, "NaN without positives or without negatives")
    hint = "a NaN score was accepted: raise ValueError"
    for given in (([0.1, NAN], [True, False]), ([NAN], [True]), ([NAN, 0.1], [False, False])):
        assert_refuses(lambda given=given: lab.evaluate.auroc(*given), hint)
    hint = "lists of different length were accepted: raise ValueError"
    for given in (([0.1, 0.2, 0.3], [True, False]), ([0.1], [True, True])):
        assert_refuses(lambda given=given: lab.evaluate.auroc(*given), hint)
    size = 20_000
    labels = flags(lab.rng, size, 0.5)
    scores = [float(x) for x in lab.rng.integers(3000, size=size)]
    began = time.perf_counter()
    got = lab.evaluate.auroc(scores, labels)
    assert time.perf_counter() - began < 6, "20,000 scores took seconds: go by ranks, not through all pairs"
    assert abs(got - _by_levels(scores, labels)) < 1e-6, "20,000 scores with ties: mean ranks"


def _by_levels(scores: list[float], labels: list[bool]) -> float:
    """All pairs, level by level."""
    up, down = np.zeros(3000), np.zeros(3000)
    for score, label in zip(scores, labels, strict=True):
        (up if label else down)[int(score)] += 1
    below = np.concatenate([[0.0], np.cumsum(down)[:-1]])
    return float((up * (below + down / 2)).sum() / (up.sum() * down.sum()))


# ---- 5.11 calibration --------------------------------------------------------------------------------------


def judged(
    rng, size: int, low: float = 0.0, high: float = 1.0, places: int = 3
) -> tuple[list[float], list[bool]]:
    """Probabilities that lie away from the ends of parts, and outcomes that follow them loosely."""
    p = [round(float(x), places) + 0.00037 for x in rng.uniform(low, high - 0.002, size=size)]
    return p, [bool(rng.random() < 0.2 + 0.5 * x) for x in p]


def check_ece(lab, inputs: list, rule: str) -> None:
    def ece(*given):
        return lab.evaluate.calibration(*given)["ece"]

    check_all(ece, inputs, lambda *g: oracle.table(*g)["ece"], numbers.calibration_mistakes, rule, near)


@pytest.mark.todo("5.11", points=2)
def test_parts_are_weighed_by_their_items_and_empty_ones_add_nothing(lab):
    inputs = [judged(lab.rng, 30), (*judged(lab.rng, 25, 0.55, 0.9), 10), (*judged(lab.rng, 40), 4)]
    inputs += [([0.95, 0.95, 0.05], [True, False, False], 10), (*judged(lab.rng, 12, 0.6, 0.7), 5)]
    check_ece(lab, inputs, "the mean over items of |accuracy - confidence| of their part")


@pytest.mark.todo("5.11", points=2)
def test_the_table_holds_exactly_the_parts_with_items(lab):
    inputs = [
        (*judged(lab.rng, 14, 0.1, 0.5), 10),
        (*judged(lab.rng, 30), 3),
        ([1.0, 0.0, 0.5, 0.25], [True, False, True, True], 4),
        ([0.3, 0.6, 0.7], [True, False, True], 10),
    ]
    for given in inputs:
        got, want = lab.evaluate.calibration(*given)["bins"], oracle.table(*given)["bins"]
        assert isinstance(got, list), "bins is a list"
        full = "empty parts occur in the table: leave them out"
        assert len(got) <= len(want), full
        assert len(got) == len(want), "a part with items is missing; p = 1 belongs to the last part"
        for row, right in zip(got, want, strict=True):
            assert_equal(sorted(row), sorted(right), "each part has low, high, n, confidence and accuracy")
            middle = {"confidence": (right["low"] + right["high"]) / 2}
            hint = (
                "the middle of a part isn't its confidence"
                if abs(row["confidence"] - middle["confidence"]) < 1e-9
                else ""
            )
            near(
                row["confidence"],
                right["confidence"],
                hint or "confidence is the mean probability of the part",
            )
            near(row["accuracy"], right["accuracy"], "accuracy is the share of the part that happened")
            near(
                [row["low"], row["high"]],
                [right["low"], right["high"]],
                "low and high are the part's ends, from low to high",
            )
            assert_equal(row["n"], right["n"], "n is the number of items in the part")


@pytest.mark.todo("5.11", points=1)
def test_ends_of_parts_and_bad_probabilities(lab):
    check_ece(
        lab,
        [
            ([1.0, 1.0, 0.9], [False, True, True], 10),
            ([0.5, 0.5, 0.4], [True, False, True], 2),
            ([0.0, 1.0], [True, True], 1),
            ([0.3, 0.6, 0.7, 0.25, 0.52], [True, True, False, True, False], 10),
        ],
        "int(p * bins), and p = 1 in the last part",
    )
    for given, words in (
        (([], []), "no items were accepted: raise ValueError"),
        (([0.5], [True, False]), "lists of different length were accepted: raise ValueError"),
        (([1.2, 0.5], [True, False]), "a probability above 1 was accepted: raise ValueError"),
        (([NAN, 0.5], [True, False]), "a NaN was accepted as a probability: raise ValueError"),
        (([0.5], [True], 0), "0 parts were accepted: raise ValueError"),
    ):
        assert_refuses(lambda given=given: lab.evaluate.calibration(*given), words)


# ---- 5.12 brier_decomposition ------------------------------------------------------------------------------


def check_brier(lab, inputs: list, rule: str) -> None:
    check_all(lab.evaluate.brier_decomposition, inputs, oracle.decomposed, numbers.brier_mistakes, rule, near)


@pytest.mark.todo("5.12", points=2)
def test_with_one_probability_a_part_the_three_terms_explain_the_score(lab):
    levels = [0.05, 0.15, 0.35, 0.65, 0.85]
    inputs = []
    for _ in range(3):
        p = [pick(lab.rng, levels) for _ in range(40)]
        inputs.append((p, [bool(lab.rng.random() < x) for x in p], 10))
    inputs += [([0.25] * 4, [True, False, False, False], 4), ([0.9, 0.1], [True, True], 5)]
    check_brier(lab, inputs, "reliability - resolution + uncertainty, by parts")


@pytest.mark.todo("5.12", points=2)
def test_what_varies_within_a_part_is_left_over(lab):
    inputs = [
        judged(lab.rng, 30),
        (*judged(lab.rng, 50), 4),
        (*judged(lab.rng, 25, 0.2, 0.6), 5),
        (*judged(lab.rng, 9), 1),
        ([0.1, 0.9], [False, True], 1),
        (*judged(lab.rng, 12, 0.3, 0.6), 2),
    ]
    check_brier(lab, inputs, "brier from the items; the terms from the parts; within is the rest")


@pytest.mark.todo("5.12", points=1)
def test_the_ends_and_bad_probabilities_of_a_brier_score(lab):
    check_brier(
        lab,
        [
            ([1.0, 0.0, 1.0], [True, False, False], 10),
            ([0.5], [True], 10),
            ([1.0, 0.95], [False, True], 10),
            ([0.5, 0.4, 0.6], [True, False, True], 2),
            ([0.3, 0.6, 0.7, 0.25, 0.52], [True, True, False, True, False], 10),
        ],
        "int(p * bins), and p = 1 in the last part",
    )
    hint = "no items, a NaN or a value outside [0, 1] was accepted: raise ValueError"
    for given in (([], []), ([NAN], [True]), ([-0.1], [True]), ([0.5, 0.5], [True])):
        assert_refuses(lambda given=given: lab.evaluate.brier_decomposition(*given), hint)


# ---- 5.13 ability_confusion --------------------------------------------------------------------------------


def check_confusion(lab, inputs: list, rule: str) -> None:
    check_all(
        lab.evaluate.ability_confusion, inputs, oracle.confusion, numbers.confusion_mistakes, rule, near
    )


@pytest.mark.todo("5.13", points=2)
def test_nine_cells_by_actual_and_predicted_ability(lab):
    inputs = []
    for size in (1, 5, 40):
        inputs.append(
            ([pick(lab.rng, ABILITIES) for _ in range(size)], [pick(lab.rng, ABILITIES) for _ in range(size)])
        )
    inputs.append((["can"] * 6, ["can", "cannot", "cannot", "can", "uncertain", "cannot"]))
    check_confusion(lab, inputs, "{actual: {predicted: count}} with all nine cells")


@pytest.mark.todo("5.13", points=1)
def test_an_unread_judgment_is_counted_and_right_nowhere(lab):
    inputs = []
    for size in (6, 30):
        actual = [pick(lab.rng, ABILITIES) for _ in range(size)]
        said = [a if lab.rng.random() < 0.4 else pick(lab.rng, (*ABILITIES, None, None)) for a in actual]
        said[:2] = [None, actual[1]]
        inputs.append((said, actual))
    check_confusion(lab, inputs, "None stands in no cell, and n stays")


@pytest.mark.todo("5.13", points=1)
def test_other_words_than_abilities_are_refused(lab):
    for given, words in (
        ((["yes"], ["can"]), "a judgment that is no ability was accepted: raise ValueError"),
        ((["can"], ["yes"]), "an actual ability of another name was accepted: raise ValueError"),
        ((["can"], [None]), "an actual ability of None was accepted: raise ValueError"),
        ((["can", "can"], ["can"]), "lists of different length were accepted: raise ValueError"),
        (([], []), "no items were accepted: raise ValueError"),
    ):
        assert_refuses(lambda given=given: lab.evaluate.ability_confusion(*given), words)


# ---- 5.14 selective_accuracy -------------------------------------------------------------------------------


def check_selective(lab, inputs: list, rule: str) -> None:
    check_all(
        lab.evaluate.selective_accuracy, inputs, oracle.selective, numbers.selective_mistakes, rule, near
    )


@pytest.mark.todo("5.14", points=2)
def test_the_surest_are_answered_first(lab):
    inputs = []
    for size in (1, 6, 25):
        inputs.append((lab.rng.permutation(size).astype(float).tolist(), flags(lab.rng, size, 0.6)))
    inputs.append(([0.1, 0.9, 0.5], [False, True, False]))
    inputs += [([-3.0, -1.0, 2.0], [False, True, True]), ([0.0, math.inf, -1.0], [True, False, True])]
    inputs += [([-3.0, 2.0, -1.0], [True, True, False]), ([0.2, -math.inf, 1.0], [True, False, False])]
    check_selective(lab, inputs, "accuracy of the k surest, for k = 1 … n")


@pytest.mark.todo("5.14", points=2)
def test_a_tie_counts_with_its_share_whatever_the_order(lab):
    inputs = [([0.5] * 4, [True, False, False, True]), ([0.9, 0.5, 0.5, 0.5], [False, True, True, False])]
    inputs.append(([0.5, 0.5, 0.5, 0.1], [False, False, True, True]))
    inputs += [([0.501, 0.502], [False, True]), ([1 - 2e-9, 1 - 1e-9], [True, False])]  # no ties
    for levels in (2, 4):
        sure = [float(x) / levels for x in lab.rng.integers(levels, size=20)]
        right = flags(lab.rng, 20)
        inputs += [(sure, right), (sure[::-1], right[::-1])]
    check_selective(lab, inputs, "each place inside a tie brings the tie's share of right ones")


@pytest.mark.todo("5.14", points=1)
def test_confidences_that_cannot_be_ordered_are_refused(lab):
    for given, words in (
        (([0.5, NAN], [True, False]), "a NaN confidence was accepted: raise ValueError"),
        (([], []), "no items were accepted: raise ValueError"),
        (([0.5], [True, False]), "lists of different length were accepted: raise ValueError"),
    ):
        assert_refuses(lambda given=given: lab.evaluate.selective_accuracy(*given), words)


# ---- 5.15 judgment_skill -----------------------------------------------------------------------------------


@pytest.mark.todo("5.15", points=2)
def test_skill_is_measured_from_the_better_constant(lab):
    inputs = []
    for base, yes in ((0.2, 0.6), (0.8, 0.3), (0.5, 0.5), (0.15, 0.1), (0.9, 0.95)):
        correct = flags(lab.rng, 35, base) + [True, False]
        inputs.append(
            ([bool(lab.rng.random() < (0.3 + 0.4 * c if base == 0.5 else yes)) for c in correct], correct)
        )
    inputs += [
        ([True] * 5, [True, False, False, False, False]),
        ([False] * 5, [True, True, True, True, False]),
    ]
    inputs += [([True], [True]), ([True, False], [False, False])]
    inputs += [
        (flags(lab.rng, n), flags(lab.rng, n - 2, 0.4) + [True, False]) for n in (7, 37)
    ]  # no round shares
    check_all(
        lab.evaluate.judgment_skill,
        inputs,
        oracle.skill,
        numbers.skill_mistakes,
        "accuracy minus the better constant",
        near,
    )


@pytest.mark.todo("5.15", points=1)
def test_no_judgments_or_too_few_are_refused(lab):
    hint = "no items, or lists of different length, were accepted: raise ValueError"
    for given in (([], []), ([True], [True, False]), ([True, False], [True])):
        assert_refuses(lambda given=given: lab.evaluate.judgment_skill(*given), hint)


# ---- 5.16 frozen_and_refreshed -----------------------------------------------------------------------------


@pytest.mark.todo("5.16", points=2)
def test_each_epoch_is_held_against_both_kinds_of_labels(lab):
    inputs = []
    for epochs, size in ((1, 5), (2, 12), (4, 30), (6, 9)):
        inputs.append(
            (
                [flags(lab.rng, size) for _ in range(epochs)],
                [flags(lab.rng, size, 0.4) for _ in range(epochs)],
            )
        )
    inputs.append(([[True, True], [False, False]], [[True, False], [False, False]]))
    check_all(
        lab.evaluate.frozen_and_refreshed,
        inputs,
        oracle.history,
        numbers.history_mistakes,
        "labels of epoch 0, and of epoch e",
        near,
    )


@pytest.mark.todo("5.16", points=1)
def test_epochs_that_do_not_fit_are_refused(lab):
    hint = "epochs or items that don't fit were accepted: raise ValueError"
    row = [True, False]
    for given in (
        ([], []),
        ([row], [row, row]),
        ([row, [True]], [row, row]),
        ([[]], [[]]),
        ([row], [[True, False, True]]),
    ):
        assert_refuses(lambda given=given: lab.evaluate.frozen_and_refreshed(*given), hint)


# ---- the notebook's values ---------------------------------------------------------------------------------


def check_value(notebook, value_id: str, right, likely, rule: str) -> None:
    got = notebook.value(value_id)
    assert type(got) in (int, float), f"{value_id} is one number"
    hint = value_mistake(float(got), likely(notebook.records), rule)
    assert_close(float(got), right(notebook.records), hint, rtol=0, atol=6e-4)


@pytest.mark.value("5.V1", points=3)
def test_value_substring_gap(notebook):
    rule = "accuracy by substrings minus accuracy by words, of the first replies"
    check_value(notebook, "5.V1", truth.substring_gap, truth.substring_mistakes, rule)


@pytest.mark.value("5.V2", points=3)
def test_value_skill(notebook):
    rule = "the skill of `said` against right in at least half of the five replies"
    check_value(notebook, "5.V2", truth.skill, truth.skill_mistakes, rule)


@pytest.mark.value("5.V3", points=3)
def test_value_one_trial_errors(notebook):
    rule = "the share of records whose first reply disagrees with the majority of the five"
    check_value(notebook, "5.V3", truth.one_trial_errors, truth.trial_mistakes, rule)


@pytest.mark.value("5.V4", points=3)
def test_value_ranking(notebook):
    rule = "AUROC of `sure` for right in at least half of the five replies"
    check_value(notebook, "5.V4", truth.ranking, truth.ranking_mistakes, rule)


@pytest.mark.value("5.V5", points=3)
def test_value_stale(notebook):
    rule = (
        "mean of (answered after: 1 or 0) minus sure_after, over taught records that weren't answered before"
    )
    check_value(notebook, "5.V5", truth.stale, truth.stale_mistakes, rule)
