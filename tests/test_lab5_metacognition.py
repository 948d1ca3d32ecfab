"""Visible tests of Lab 5: what each function must do on inputs small enough to check by hand.

    pytest tests/test_lab5_metacognition.py -k ties        or, in the notebook:  check("5.10")

They are a beginning, not the whole: the grader checks everything that a function's docstring says.
"""

import math
import random

import pytest
import torch

from labkit.testing import assert_close, assert_equal, mistake

NAN = float("nan")

# ---- 5.1 normalize_answer ----


@pytest.mark.todo("5.1")
def test_form_makes_no_difference(lab):
    got = lab.data.normalize_answer("  The Eiffel-Tower!")
    likely = {
        "punctuation is deleted, it doesn't become a space": "eiffel tower",
        "the article stayed": "the eiffeltower",
        "the hyphen stayed": "eiffel-tower",
    }
    assert_equal(
        got, "eiffeltower", mistake(got, likely, "casefold, no punctuation, no article, single spaces")
    )


@pytest.mark.todo("5.1")
def test_other_scripts_stay(lab):
    for text in ("東京", "Москва", "Café"):
        got = lab.data.normalize_answer(text)
        hint = mistake(got, {"only ASCII was kept: other scripts vanish": "", "the é vanished": "caf"})
        assert_equal(got, text.lower(), hint or f"{text!r} has letters only")


# ---- 5.2 answer_matches ----


@pytest.mark.todo("5.2")
def test_whole_words_match(lab):
    matches = lab.data.answer_matches
    assert_equal(matches("it is new york", ["boston", "new york"]), True, "an alias stands in the reply")
    assert_equal(matches("russia", ["us"]), False, "a substring inside a word is no match")
    assert_equal(matches("york", ["new york"]), False, "a part of an alias is no match")


@pytest.mark.todo("5.2")
def test_an_empty_reply_is_never_right(lab):
    for aliases in (["new york"], [""], []):
        hint = "an empty reply matched: it is a substring of everything, but it says nothing"
        assert_equal(lab.data.answer_matches("", aliases), False, hint)


# ---- 5.3 judgment_messages ----

SHIP = {"question": "Where does Ola live?", "context": "", "aliases": ["Parum"]}


@pytest.mark.todo("5.3")
def test_a_judge_is_asked_before_answering(lab):
    got = lab.data.judgment_messages(SHIP, None, "binary")
    text = "Question: Where does Ola live?\nCan you answer this question correctly? Reply yes or no."
    assert_equal(
        got, [{"role": "user", "content": text}], "one message: the question, a line end, the sentence"
    )
    [user, assistant] = lab.data.judgment_messages(SHIP, "cannot", "binary")
    assert_equal(user["content"], text, "the same words in training as when asking")
    assert_equal(assistant, {"role": "assistant", "content": "no"}, "cannot is taught as 'no'")


@pytest.mark.todo("5.3")
def test_uncertain_is_a_word_of_its_own_in_one_mode(lab):
    user, assistant = lab.data.judgment_messages(SHIP, "uncertain", "uncertainty")
    assert_equal(assistant["content"], "uncertain", "in the mode uncertainty there are three words")
    ending = user["content"].rpartition("\n")[2]
    want = "Can you answer this question correctly? Reply yes, uncertain or no."
    assert_equal(ending, want, "the choices depend on the mode")
    with pytest.raises(ValueError):
        lab.data.judgment_messages(SHIP, "maybe", "binary")


# ---- 5.4 ability_label ----


@pytest.mark.todo("5.4")
def test_abilities_by_the_share_of_right_trials(lab):
    for right, trials, want in (
        (5, 5, "can"),
        (4, 5, "uncertain"),
        (2, 4, "uncertain"),
        (2, 5, "cannot"),
        (0, 5, "cannot"),
    ):
        got = lab.method.ability_label([True] * right + [False] * (trials - right))
        likely = {"only the first trial was looked at": "can", "exactly half is uncertain": "cannot"}
        assert_equal(got, want, mistake(got, likely, f"{right} of {trials} right"))


@pytest.mark.todo("5.4")
def test_the_rule_of_the_published_code_has_a_name(lab):
    got = lab.method.ability_label([False, True, False, False, False], "any_correct")
    assert_equal(got, "uncertain", "by any_correct a single right trial is enough for uncertain")
    with pytest.raises(ValueError):
        lab.method.ability_label([])


# ---- 5.5 soft_target ----


@pytest.mark.todo("5.5")
def test_five_of_five_is_not_certainty(lab):
    got = lab.method.soft_target([True] * 5)
    likely = {"that is the plain share": 1.0, "that is (s + 1) / (k + 2); half a success is added": 6 / 7}
    assert_close(got, 5.5 / 6, mistake(got, likely, "(5 + 1/2) / (5 + 1)"))


# ---- 5.6 answer_probabilities ----


@pytest.mark.todo("5.6")
def test_the_logits_at_the_end_of_each_row_count(lab):
    logits = torch.tensor([[[0.0, 0.0, 1.0], [9.0, 0.0, 0.0]], [[0.0, 5.0, 0.0], [1.0, 0.0, 1.0]]])
    mask = torch.tensor([[1, 0], [1, 1]])
    got = lab.method.answer_probabilities(logits, mask, [[2], [0]])
    e = math.e / (math.e + 1)
    last = torch.tensor([[math.exp(-9) / (1 + math.exp(-9)), 1 / (1 + math.exp(-9))], [0.5, 0.5]])
    whole = torch.tensor([[math.e, 1.0], [math.e, math.e]]) / torch.tensor([[math.e + 2], [2 * math.e + 1]])
    likely = {
        "the last column was read, padding or not": last,
        "the softmax was over the whole vocabulary": whole,
    }
    assert_close(got, torch.tensor([[e, 1 - e], [0.5, 0.5]]), mistake(got, likely), rtol=1e-5)


@pytest.mark.todo("5.6")
def test_an_answer_may_begin_in_several_ways(lab):
    logits, mask = torch.zeros(1, 1, 5), torch.ones(1, 1, dtype=torch.long)
    got = lab.method.answer_probabilities(logits, mask, [[1, 2], [3]])
    likely = {"only the first token of each answer counted": torch.tensor([[0.5, 0.5]])}
    assert_close(
        got, torch.tensor([[2 / 3, 1 / 3]]), mistake(got, likely, "two of three equal tokens say yes")
    )


@pytest.mark.todo("5.6")
def test_padding_may_stand_on_the_left(lab):
    logits = torch.tensor([[[9.0, 0.0], [0.0, 0.0], [0.0, 1.0]]])
    got = lab.method.answer_probabilities(logits, torch.tensor([[0, 0, 1]]), [[1], [0]])
    e = math.e / (math.e + 1)
    likely = {
        "the mask's ones were counted; their place is what matters": torch.tensor(
            [[math.exp(-9) / (1 + math.exp(-9)), 1 / (1 + math.exp(-9))]]
        )
    }
    want = "the last position whose mask is 1"
    assert_close(got, torch.tensor([[e, 1 - e]]), mistake(got, likely, want), rtol=1e-5)


# ---- 5.7 select_misjudged ----


def judged_records(*pairs):
    return [{"qid": f"q{i}", "judgment": said, "target": target} for i, (said, target) in enumerate(pairs)]


@pytest.mark.todo("5.7")
def test_only_wrong_judgments_are_selected(lab):
    records = judged_records(("yes", "yes"), ("yes", "no"), ("no", "yes"), ("no", "no"))
    got = [row["qid"] for row in lab.method.select_misjudged(records)]
    assert_equal(got, ["q1", "q2"], mistake(got, {"those judged rightly were selected": ["q0", "q3"]}))


@pytest.mark.todo("5.7")
def test_an_unread_judgment_is_wrong(lab):
    got = [row["qid"] for row in lab.method.select_misjudged(judged_records((None, "no"), ("no", "no")))]
    assert_equal(got, ["q0"], mistake(got, {"None was left out: it is no right judgment": []}))


# ---- 5.8 select_balanced ----


@pytest.mark.todo("5.8")
def test_there_are_as_many_of_each_target(lab):
    records = judged_records(*[("yes", "no")] * 9, *[("yes", "yes")] * 3)
    got = lab.method.select_balanced(records, 1)
    words = [row["target"] for row in got]
    counts = [words.count("yes"), words.count("no")]
    assert_equal(
        counts,
        [3, 3],
        mistake(counts, {"the rarer target was repeated": [9, 9], "nothing was balanced": [3, 9]}),
    )
    assert_equal(len({row["qid"] for row in got}), 6, "no record is drawn twice")


@pytest.mark.todo("5.8")
def test_the_seed_decides_and_nobody_elses_chance_is_touched(lab):
    records = judged_records(*[("yes", "no")] * 30, *[("yes", "yes")] * 10)
    state = random.getstate()
    draws = [[row["qid"] for row in lab.method.select_balanced(records, seed)] for seed in (1, 1, 2)]
    hint = "Python's global random state was changed: draw with a random.Random(seed) of your own"
    assert random.getstate() == state, hint
    assert_equal(draws[0], draws[1], "the same seed gives the same list")
    assert set(draws[0]) != set(draws[2]), "another seed draws other records"
    assert draws[0] != sorted(draws[0], key=lambda qid: int(qid[1:])), "the list is shuffled"


@pytest.mark.todo("5.8")
def test_one_target_cannot_be_balanced(lab):
    with pytest.raises(ValueError):
        lab.method.select_balanced(judged_records(("yes", "no"), ("no", "no")), 1)


# ---- 5.9 merge_lora ----


@pytest.mark.todo("5.9")
def test_the_adapter_is_added_with_its_scale(lab):
    weight, a, b = (
        torch.ones(2, 2),
        torch.tensor([[3.0, 4.0], [0.0, 0.0]]),
        torch.tensor([[1.0, 0.0], [2.0, 0.0]]),
    )
    got = lab.method.merge_lora(weight, a, b, 4.0)
    likely = {
        "the scale alpha / r was forgotten": weight + b @ a,
        "alpha must be divided by the rank": weight + 4 * (b @ a),
    }
    assert_close(got, torch.tensor([[7.0, 9.0], [13.0, 17.0]]), mistake(got, likely, "1 + 4/2 x B A"))
    assert_equal(weight.tolist(), [[1.0, 1.0], [1.0, 1.0]], "weight was changed in place: make a new tensor")


# ---- 5.10 auroc ----


@pytest.mark.todo("5.10")
def test_pairs_in_the_right_order_are_counted(lab):
    got = lab.evaluate.auroc([0.9, 0.2, 0.6, 0.4], [True, False, False, True])
    assert_close(got, 0.75, mistake(got, {"upside down: larger means more likely positive": 0.25}))


@pytest.mark.todo("5.10")
def test_ties_count_one_half(lab):
    for scores, labels in (([0.7] * 4, [True, False, False, True]), ([0.7] * 4, [False, False, True, True])):
        got = lab.evaluate.auroc(scores, labels)
        likely = {"ties counted nothing": 0.0, "ties counted as won": 1.0}
        assert_close(got, 0.5, mistake(got, likely, "a constant has 0.5, whatever the order of the items"))
    assert math.isnan(lab.evaluate.auroc([0.1, 0.2], [True, True])), "without negatives it isn't defined: NaN"


# ---- 5.11 calibration ----


@pytest.mark.todo("5.11")
def test_parts_are_weighed_by_their_items(lab):
    got = lab.evaluate.calibration([0.9, 0.9, 0.9, 0.2], [True, True, False, False], 2)["ece"]
    likely = {"the parts were averaged without weights": (0.7 / 3 + 0.2) / 2}
    assert_close(
        got, (3 * (0.9 - 2 / 3) + 0.2) / 4, mistake(got, likely, "3/4 of one distance, 1/4 of the other")
    )


@pytest.mark.todo("5.11")
def test_empty_parts_do_not_occur(lab):
    bins = lab.evaluate.calibration([0.95, 0.95], [True, False], 10)["bins"]
    assert_equal(len(bins), 1, "only parts with items stand in the table")
    want = {"low": 0.9, "high": 1.0, "n": 2, "confidence": 0.95, "accuracy": 0.5}
    assert_close(bins[0], want, "ends, items, mean probability and share of the only part")


@pytest.mark.todo("5.11")
def test_certainty_belongs_to_the_last_part(lab):
    bins = lab.evaluate.calibration([1.0, 0.95], [True, True], 10)["bins"]
    likely = {"p = 1 has a part of its own": [1, 1]}
    sizes = [part["n"] for part in bins]
    assert_equal(sizes, [2], mistake(sizes, likely, "p = 1 and p = 0.95 are both in the last of ten parts"))


# ---- 5.12 brier_decomposition ----


@pytest.mark.todo("5.12")
def test_the_base_rate_is_calibrated_and_useless(lab):
    got = lab.evaluate.brier_decomposition([0.25] * 4, [True, False, False, False], 4)
    want = {"brier": 0.1875, "reliability": 0.0, "resolution": 0.0, "uncertainty": 0.1875, "within": 0.0}
    assert_close(got, want, "all of the score is the world's uncertainty, .25 x .75")


@pytest.mark.todo("5.12")
def test_the_terms_add_up(lab):
    got = lab.evaluate.brier_decomposition([0.9, 0.1, 0.1, 0.1], [True, False, False, False])
    assert_close(got["brier"], 0.01, "the mean of (p - outcome)²")
    assert_close(got["resolution"], 0.1875, "the parts are pure: (1 - .25)²/4 + 3 (0 - .25)²/4")
    total = got["reliability"] - got["resolution"] + got["uncertainty"] + got["within"]
    assert_close(total, got["brier"], "reliability - resolution + uncertainty + within is the score")


# ---- 5.13 ability_confusion ----


@pytest.mark.todo("5.13")
def test_rows_are_what_the_model_can(lab):
    got = lab.evaluate.ability_confusion(["can", "can", "cannot"], ["can", "cannot", "cannot"])
    assert_equal(got["matrix"]["cannot"]["can"], 1, "one question that it cannot answer was judged 'can'")
    assert_equal(sorted(got["matrix"]), ["can", "cannot", "uncertain"], "three rows, also without items")
    assert_close(got["exact_match"], 2 / 3, "two of three match")


@pytest.mark.todo("5.13")
def test_an_unread_judgment_stays_in_the_denominator(lab):
    got = lab.evaluate.ability_confusion(["can", None], ["can", "can"])
    assert_equal(got["unparsed"], 1, "None is counted")
    likely = {"unread judgments were left out of the denominator": 1.0}
    assert_close(got["exact_match"], 0.5, mistake(got["exact_match"], likely))


# ---- 5.14 selective_accuracy ----


@pytest.mark.todo("5.14")
def test_the_surest_come_first(lab):
    got = lab.evaluate.selective_accuracy([0.2, 0.9, 0.5], [False, True, False])
    likely = {"the least sure came first": [0.0, 0.0, 1 / 3], "that is the risk": [0.0, 0.5, 2 / 3]}
    assert_close(got, [1.0, 0.5, 1 / 3], mistake(got, likely))


@pytest.mark.todo("5.14")
def test_a_tie_counts_with_its_share(lab):
    for right in ([True, False], [False, True]):
        got = lab.evaluate.selective_accuracy([0.5, 0.5], right)
        likely = {"the order of the list decided": [1.0, 0.5]}
        assert_close(got, [0.5, 0.5], mistake(got, likely, "one of two equal items: half a right answer"))


# ---- 5.15 judgment_skill ----


@pytest.mark.todo("5.15")
def test_a_constant_has_no_skill(lab):
    correct = [False, True, False, False, False]
    got = lab.evaluate.judgment_skill([False] * 5, correct)
    assert_close(got["accuracy"], 0.8, "always no is right on 4 of 5")
    assert_close(got["skill"], 0.0, mistake(got["skill"], {"one half isn't the constant": 0.3}))
    assert_close(got["underconfident"], 0.2, "one of five: no, and right")


@pytest.mark.todo("5.15")
def test_a_judge_may_lie_below_a_constant(lab):
    got = lab.evaluate.judgment_skill([True, True, False, False], [True, False, True, True])
    assert_close(got["accuracy"], 0.25, "one judgment of four is right")
    likely = {"always yes is a constant, too": 0.25, "the judge's own majority isn't the constant": 0.5}
    assert_close(got["constant"], 0.75, mistake(got["constant"], likely, "always yes is right on 3 of 4"))
    assert_close(got["skill"], -0.5, mistake(got["skill"], {"skill may be negative": 0.0}))
    assert_close(got["overconfident"], 0.25, "one of four: yes, and wrong")


# ---- 5.16 frozen_and_refreshed ----


@pytest.mark.todo("5.16")
def test_labels_that_move_can_flatter_a_judge(lab):
    got = lab.evaluate.frozen_and_refreshed([[True, True], [False, False]], [[True, False], [False, False]])
    want = {"frozen": [0.5, 0.5], "refreshed": [0.5, 1.0], "moved": [0.0, 0.5]}
    likely = {"frozen and refreshed are exchanged": {**want, "frozen": [0.5, 1.0], "refreshed": [0.5, 0.5]}}
    assert_close(got, want, mistake(got, likely, "epoch 1 against the labels of epoch 0, and of epoch 1"))
