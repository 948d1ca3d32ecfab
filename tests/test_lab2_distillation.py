"""Visible tests of Lab 2: what each function must do on inputs small enough to check by hand.

    pytest tests/test_lab2_distillation.py -k prior        or, in the notebook:  check("2.6")

They are a beginning, not the whole: the grader checks everything that a function's docstring says.
"""

import math

import pytest

from labkit.testing import assert_close, assert_equal, mistake

# ---- 2.1 parse_draft ----


@pytest.mark.todo("2.1")
def test_a_draft_in_the_asked_form_is_read(lab):
    got = lab.data.parse_draft("Answer: Yes - whales are mammals\nQuestions: Do all breathe? Is it a fish?")
    want = {
        "answer": True,
        "reasoning": "whales are mammals",
        "questions": ["Do all breathe?", "Is it a fish?"],
    }
    likely = {
        "the reasoning is what stands behind the dash": {**want, "reasoning": "- whales are mammals"},
        "a question ends with its '?'": {**want, "questions": ["Do all breathe", "Is it a fish"]},
        "the questions are a list, one entry a '?'": {**want, "questions": ["Do all breathe? Is it a fish?"]},
    }
    assert_equal(got, want, mistake(got, likely))


@pytest.mark.todo("2.1")
def test_stars_are_no_part_of_a_draft(lab):
    got = lab.data.parse_draft("**Answer:** No - *some* fish fly\n**Questions:** Which *one*?")
    want = {"answer": False, "reasoning": "some fish fly", "questions": ["Which one?"]}
    likely = {
        "'**Answer:**' wasn't found; stars are removed before anything else": {
            "answer": None,
            "reasoning": "",
            "questions": [],
        },
        "stars stay in the reasoning and the questions; they are removed everywhere": {
            **want,
            "reasoning": "*some* fish fly",
            "questions": ["Which *one*?"],
        },
    }
    assert_equal(got, want, mistake(got, likely, "all stars go, then the draft is read"))


@pytest.mark.todo("2.1")
@pytest.mark.parametrize("text", ["Answer: Yes/No - whales", "Answer: Not sure", "Whales are mammals.", ""])
def test_a_draft_without_an_answer_has_none(lab, text):
    got = lab.data.parse_draft(text)["answer"]
    likely = {"what can't be read became No; there is no default": False}
    likely |= {"'Yes' was found in 'Yes/No'; the answer is one of them": True}
    assert_equal(got, None, mistake(got, likely, f"there is no answer in {text!r}"))


# ---- 2.2 parse_teacher ----


@pytest.mark.todo("2.2")
def test_the_teachers_assessment_is_read(lab):
    letter = "## Step-by-Step Reasoning\n1. No fish is.\n\n## Final Assessment\nSo the answer is: **{}**"
    for word, want in (("YES", True), ("NO", False), ("Yes", True)):
        got = lab.data.parse_teacher(letter.format(word))
        hint = mistake(got, {"'NO' was found elsewhere in the letter": False}, "YES is True and NO is False")
        assert_equal(got, want, hint)


@pytest.mark.todo("2.2")
def test_a_letter_that_does_not_say_gives_none(lab):
    for text in ("the answer is: **[YES/NO]**", "The answer is not YES", "1. Whales are mammals."):
        got = lab.data.parse_teacher(text)
        hints = {"what can't be read became no; there is no default": False}
        hints |= {"'YES' was found somewhere; all of the rest of the line must be the answer": True}
        assert_equal(got, None, mistake(got, hints, f"{text!r} doesn't say yes or no"))


@pytest.mark.todo("2.2")
def test_only_the_last_statement_and_only_its_line_count(lab):
    letter = (
        "The draft says the answer is: **NO**\nBut a whale breathes. So the answer is: **YES**\nNO fish does."
    )
    got = lab.data.parse_teacher(letter)
    likely = {
        "the first 'answer is' was taken; the last one counts": False,
        "more was read than the rest of that line": None,
    }
    assert_equal(got, True, mistake(got, likely, "the last 'answer is', to the end of its line"))
    got = lab.data.parse_teacher("the answer is:\n**YES**")
    assert_equal(got, None, mistake(got, {"the next line was read; only the rest of this one counts": True}))


# ---- 2.3 quality_report ----


def outputs(*pairs):
    return [{"answer": gold, "teacher_answer": said} for gold, said in pairs]


@pytest.mark.todo("2.3")
def test_the_report_counts_what_is_kept_and_lost(lab):
    got = lab.data.quality_report(outputs((True, True), (True, False), (True, None), (False, False)))
    names = ("n", "unparsed", "wrong", "kept")
    counts = {name: got[name] for name in names}
    want = dict(zip(names, (4, 1, 1, 2), strict=True))
    likely = {"an unread answer is counted apart, not as a wrong one": {**want, "wrong": 2}}
    assert_equal(counts, want, mistake(counts, likely, "2 kept, 1 wrong, 1 unread of 4"))


@pytest.mark.todo("2.3")
def test_recalls_are_by_gold_class_and_the_kept_share_is_another(lab):
    got = lab.data.quality_report(outputs((True, True), (True, False), (False, False), (False, False)))
    assert_close(got["recall_yes"], 0.5, "of two questions with gold yes one was kept")
    assert_close(got["recall_no"], 1.0, "both questions with gold no were kept")
    assert_close(got["prior_yes"], 0.5, "half of all gold answers are yes")
    assert_close(got["kept_prior_yes"], 1 / 3, "one of the three kept is yes")


@pytest.mark.todo("2.3")
def test_a_share_of_nothing_is_not_a_number(lab):
    got = lab.data.quality_report(outputs((True, False), (True, None)))
    assert_equal(got["kept"], 0, "nothing is kept")
    for name, words in (("recall_no", "no gold answer is no"), ("kept_prior_yes", "nothing is kept")):
        value = got[name]
        assert isinstance(value, float) and math.isnan(value), f"{name}: {words}, so 0 / 0: give NaN"


# ---- 2.4 training_text ----

EXAMPLE = {"question": " Is a whale a fish? ", "answer": False, "rationale": "1. A whale is a mammal."}


@pytest.mark.todo("2.4")
def test_the_reasoning_is_what_the_model_must_write(lab):
    user, assistant = lab.data.training_text(EXAMPLE, "rationale")
    assert_equal(user["role"], "user", "the first message is the user's")
    likely = {"the question must be stripped": "Question:  Is a whale a fish? "}
    asked = "Question: Is a whale a fish?"
    likely |= {
        "the rationale is the target; it doesn't belong in the prompt": f"{asked}\n{EXAMPLE['rationale']}"
    }
    assert_equal(user["content"], asked, mistake(user["content"], likely, "the question, and nothing else"))
    want = "1. A whale is a mammal.\nAnswer: No"
    likely = {"the answer comes last, after the reasoning": "Answer: No\n1. A whale is a mammal."}
    assert_equal(assistant["content"], want, mistake(assistant["content"], likely))


@pytest.mark.todo("2.4")
def test_the_answer_alone_can_be_the_target(lab):
    got = lab.data.training_text(EXAMPLE, "answer")
    want = [{"role": "user", "content": "Question: Is a whale a fish?"}]
    want += [{"role": "assistant", "content": "Answer: No"}]
    assert_equal(got, want, "the prompt is the same for both targets; the answer is 'Answer: Yes' or 'No'")


@pytest.mark.todo("2.4")
def test_what_cannot_be_taught_is_refused(lab):
    for record, target in (({**EXAMPLE, "rationale": ""}, "rationale"), (EXAMPLE, "both")):
        with pytest.raises(ValueError):
            lab.data.training_text(record, target)


@pytest.mark.todo("2.4")
def test_an_answer_that_was_never_read_is_refused(lab):
    with pytest.raises(ValueError):  # "Yes" if None else "No" would teach No
        lab.data.training_text({**EXAMPLE, "answer": None}, "answer")


# ---- 2.5 assistant_mask ----

TURNS = [{"role": "user", "content": "Ava has 12 apples."}, {"role": "assistant", "content": "Answer 17."}]


def check_learned(lab, name: str) -> None:
    """With this tokenizer the labels that aren't -100 are the reply and the end token, and no more."""
    tokenizer = lab.make(name)
    row = lab.data.assistant_mask(TURNS, tokenizer, 100)
    end = lab.make("state", tokenizer)["eos_token"]
    said = lab.make("decode", tokenizer, [label for label in row["labels"] if label != -100])
    likely = {
        "the end-of-turn token isn't learned: the model would never stop": "Answer 17.",
        "the question is learned too; its labels must be -100": lab.make(
            "decode", tokenizer, row["input_ids"]
        ),
        "the end of the user's turn is learned too; its label must be -100": f"{end}Answer 17.{end}",
    }
    assert_equal(said, f"Answer 17.{end}", mistake(said, likely, "the reply and its end token, no more"))


@pytest.mark.todo("2.5")
@pytest.mark.parametrize("name", ["tiny_tokenizer", "pad_is_end_tokenizer"])
def test_the_assistants_words_and_its_end_are_learned(lab, name):
    check_learned(lab, name)


@pytest.mark.todo("2.5")
def test_the_end_is_learned_also_where_the_marker_closes_before_it(lab):
    check_learned(lab, "early_mark_tokenizer")


@pytest.mark.todo("2.5")
def test_a_row_is_three_lists_of_one_length(lab):
    row = lab.data.assistant_mask(TURNS, lab.make("tiny_tokenizer"), 100)
    assert_equal(sorted(row), ["attention_mask", "input_ids", "labels"], "three lists, by these names")
    assert_equal(len(row["labels"]), len(row["input_ids"]), "one label for each token")
    assert_equal(row["attention_mask"], [1] * len(row["input_ids"]), "rows aren't padded here")


@pytest.mark.todo("2.5")
def test_a_template_without_markers_is_an_error(lab):
    with pytest.raises(ValueError):
        lab.data.assistant_mask(TURNS, lab.make("unmarked_tokenizer"), 100)


# ---- 2.6 kept_prior ----


@pytest.mark.todo("2.6")
def test_a_filter_keeps_what_the_teacher_gets_right(lab):
    got = lab.method.kept_prior(0.5, 0.4, 0.8)
    likely = {
        "that is the share of all questions, not of the kept ones": 0.2,
        "the recalls are the other way round": 2 / 3,
    }
    assert_close(got, 1 / 3, mistake(got, likely, "Bayes' rule: .5 x .4 against .5 x .8"))


@pytest.mark.todo("2.6")
def test_the_published_numbers_come_out(lab):
    got = lab.method.kept_prior(91 / 200, 39 / 91, 98 / 109)
    assert_close(got, 39 / 137, "91 of 200 are yes, 39 and 98 are kept: 39 of 137")


# ---- 2.7 log_odds_shift ----


@pytest.mark.todo("2.7")
def test_the_shift_is_in_nats(lab):
    got = lab.method.log_odds_shift(0.5, 0.2)
    likely = {
        "in bits; nats use the natural logarithm": -2.0,
        "the sign is the other way round: after minus before": math.log(4),
        "that is the difference of the shares": -0.3,
        "that is the difference of log-shares; log-odds have 1 - p below": math.log(0.4),
    }
    assert_close(got, -math.log(4), mistake(got, likely))
    assert_close(lab.method.log_odds_shift(91 / 200, 39 / 137), -0.7409, "the published shift", atol=1e-4)


# ---- 2.8 class_weights ----


@pytest.mark.todo("2.8")
def test_weights_restore_the_prior_and_have_mean_one(lab):
    labels = [True, False, False, False]
    got = lab.method.class_weights(labels, 0.5)
    likely = {
        "that is p'(y) / p(y); it is the other way round": [0.5, 1.5, 1.5, 1.5],
        "the labels' own shares were forgotten": [0.5, 0.5, 0.5, 0.5],
    }
    assert_close(got, [2.0, 2 / 3, 2 / 3, 2 / 3], mistake(got, likely, "p(y) / p'(y): .5/.25 and .5/.75"))
    assert_close(sum(got) / 4, 1.0, "the weights' mean is 1")


# ---- 2.9 upsample ----


@pytest.mark.todo("2.9")
def test_both_classes_end_up_equally_large(lab):
    records = [{"qid": f"q{i}", "answer": i < 2} for i in range(7)]
    got = lab.method.upsample(records, 3)
    yes = [record["qid"] for record in got if record["answer"]]
    no = sorted(record["qid"] for record in got if not record["answer"])
    assert_equal(len(yes), 5, "the two yes records become five, as many as no")
    assert_equal(no, [f"q{i}" for i in range(2, 7)], "every record of the larger class occurs once")
    assert_equal(lab.method.upsample(records, 3), got, "the same seed gives the same list")


@pytest.mark.todo("2.9")
def test_copies_are_dealt_out_evenly(lab):
    records = [{"qid": f"q{i}", "answer": i >= 3} for i in range(23)]
    for seed in (1, 2, 3, 4):
        names = [record["qid"] for record in lab.method.upsample(records, seed)]
        copies = sorted(names.count(f"q{i}") for i in range(3))
        hint = "3 records become 20: 6, 7 and 7 of each. Whole rounds first, then a draw for the rest"
        assert_equal(copies, [6, 7, 7], f"{hint} (seed {seed})")


# ---- 2.10 rationalise ----

LOST = {"qid": "q1", "question": "Is a bat a bird?", "answer": False, "teacher_answer": True}


@pytest.mark.todo("2.10")
def test_a_reply_that_ends_in_gold_is_learned_without_the_hint(lab):
    got = lab.method.rationalise(LOST, "1. The hint says No.\n2. A bat has fur.\n", False)
    want = {k: LOST[k] for k in ("qid", "question", "answer")}
    want |= {"rationale": "2. A bat has fur.", "rationalised": True}
    likely = {
        "the hint is still in the rationale": {
            **want,
            "rationale": "1. The hint says No.\n2. A bat has fur.",
        },
        "other fields of the record stay behind": {**want, "teacher_answer": True},
    }
    assert_equal(got, want, mistake(got, likely))


@pytest.mark.todo("2.10")
def test_a_reply_that_ends_elsewhere_or_nowhere_is_not_learned(lab):
    for said in (True, None):
        got = lab.method.rationalise(LOST, "1. A bat flies.", said)
        assert_equal(got, None, f"gold is False and the reply said {said}: nothing to learn")


# ---- 2.11 lora_coverage ----


@pytest.mark.todo("2.11")
def test_fused_layers_are_missed_and_the_report_says_so(lab):
    shapes = {"h.0.attn.qkv_proj": (30, 10), "h.0.attn.o_proj": (10, 10), "h.1.attn.o_proj": (10, 10)}
    got = lab.method.lora_coverage(shapes, ["q_proj", "v_proj", "o_proj"], 2)
    likely = {"'qkv_proj' ends with 'v_proj', but there is no dot before it: that layer isn't reached": []}
    otherwise = "neither 'q_proj' nor 'v_proj' is 'qkv_proj': that kind is missed"
    assert_equal(got["missed"], ["qkv_proj"], mistake(got["missed"], likely, otherwise))
    assert_equal(got["unmatched"], ["q_proj", "v_proj"], "the targets 'q_proj' and 'v_proj' reach nothing")
    likely = {"r (in + out) a layer, for both layers": 40, "r x in x out is the full matrix": 400}
    assert_equal(got["trainable"], 80, mistake(got["trainable"], likely, "2 x (10 + 10), twice"))
    assert_equal(
        got["kinds"],
        {
            "qkv_proj": {"modules": 1, "reached": 0, "trainable": 0},
            "o_proj": {"modules": 2, "reached": 2, "trainable": 80},
        },
        "one entry a kind of layer, also for those that aren't reached",
    )


# ---- 2.12 consensus ----


@pytest.mark.todo("2.12")
@pytest.mark.parametrize(
    "answers, want",
    [
        ([True, False, True], True),
        ([False, None, False], False),
        ([True, None, None], None),
        ([True, False], None),
        ([None, None], None),
    ],
)
def test_more_than_half_of_all_attempts_decides(lab, answers, want):
    got = lab.method.consensus(answers)
    likely = {}
    if want is None:
        likely = {"a tie or silence has no consensus; there is no default": False}
        likely |= {"more than half of *all* attempts: one that couldn't be read was an attempt too": True}
    assert_equal(got, want, mistake(got, likely, f"more than half of {answers}"))


# ---- 2.13 parse_prediction ----


@pytest.mark.todo("2.13")
@pytest.mark.parametrize(
    "text, want",
    [
        ("1. A whale is a mammal.\n2. No fish is.\nAnswer: Yes", True),
        ("Answer: No", False),
        ("Answer: Yes\n1. No, a whale has lungs.\nAnswer: No", False),
        ("No, the ship that", False),
        ("**Yes**", True),
    ],
)
def test_the_answer_line_or_the_first_word_is_read(lab, text, want):
    got = lab.evaluate.parse_prediction(text)
    likely = {"the last 'Answer:' line decides, or else the first word": not want}
    assert_equal(got, want, mistake(got, likely, f"the answer in {text!r}"))


@pytest.mark.todo("2.13")
def test_what_does_not_answer_is_none_and_never_no(lab):
    for text in ("To determine whether the", "There is no ship", "Answer: Yes/No", "No one knows"):
        got = lab.evaluate.parse_prediction(text)
        likely = {"what can't be read became No; there is no default": False}
        assert_equal(got, None, mistake(got, likely, f"{text!r} doesn't answer"))


# ---- 2.14 prediction_report ----


@pytest.mark.todo("2.14")
def test_unread_answers_are_wrong_and_counted(lab):
    got = lab.evaluate.prediction_report([True, False, None, False], [True, False, True, True])
    likely = {
        "unread answers count as wrong": 2 / 3,
        "an unread answer isn't a right one": 0.75,
    }
    assert_close(got["accuracy"], 0.5, mistake(got["accuracy"], likely, "2 of 4"))
    assert_close(got["accuracy_parsed"], 2 / 3, "2 of the 3 that were read")
    assert_close(got["parse_rate"], 0.75, "3 of 4 were read")
    assert_close(got["yes_rate"], 0.25, "1 of 4 answers is yes")
    assert_close(got["no_rate"], 0.5, "2 of 4 answers are no; the unread one isn't")
    assert_close(got["recall_yes"], 1 / 3, "1 of 3 questions with gold yes")
    assert_close(got["balanced_accuracy"], 2 / 3, "the mean of the recalls, 1/3 and 1")
    likely = {"an unread answer counts as no; MCC is over the parsed items": 1 / 3}
    assert_close(got["mcc"], 0.5, mistake(got["mcc"], likely, "(1 x 1 - 0 x 1) / sqrt(1 x 2 x 1 x 2)"))
    assert_close(got["majority"], 0.75, "always yes gets 3 of 4")


@pytest.mark.todo("2.14")
def test_a_constant_has_half_the_balanced_accuracy_and_no_correlation(lab):
    got = lab.evaluate.prediction_report([False] * 4, [True, False, False, False])
    assert_close(got["accuracy"], 0.75, "3 of 4")
    assert_close(got["balanced_accuracy"], 0.5, "the mean of the recalls, 0 and 1")
    assert math.isnan(got["mcc"]), "0 / 0: the correlation of a constant isn't defined, give NaN"


# ---- 2.15 exact_mcnemar ----


@pytest.mark.todo("2.15")
def test_the_p_value_is_that_of_a_fair_coin(lab):
    got = lab.evaluate.exact_mcnemar(5, 1)
    likely = {"one-sided; take both sides": 7 / 64, "the tail includes the smaller count": 2 / 64}
    assert_close(got, 14 / 64, mistake(got, likely, "2 x P(at most 1 of 6)"))
    assert_close(lab.evaluate.exact_mcnemar(3, 3), 1.0, "at most 1")
    assert_close(lab.evaluate.exact_mcnemar(0, 0), 1.0, "they never differ")


# ---- 2.16 wilson_interval ----


@pytest.mark.todo("2.16")
def test_the_interval_is_wilsons(lab):
    got = list(lab.evaluate.wilson_interval(6, 10))
    half = 1.959964 * math.sqrt(0.024)
    likely = {"that is p ± z √(p(1-p)/n), not Wilson's": [0.6 - half, 0.6 + half]}
    assert_close(got, [0.312674, 0.831820], mistake(got, likely), atol=1e-5)
    low, high = lab.evaluate.wilson_interval(0, 10)
    assert abs(low) < 1e-9 and 0.27 < high < 0.29, "0 of 10 is 0 to .28, not 0 to 0"
