"""Visible tests of Lab 1: what each function must do on inputs small enough to check by hand.

    pytest tests/test_lab1_ensemble.py -k kappa        or, in the notebook:  check("1.10")

They are a beginning, not the whole: the grader checks everything that a function's docstring says.
"""

import math

import pytest

from labkit.testing import assert_close, assert_equal, mistake

EXAMPLES = {
    "prompt": ["Task: name the gadget. Ava has 12 apples.\nAnswer:", "Task: Ben gives away 7 of 24 pens."],
    "target": ["gadget_type: adder; location: ADD", "gadget_type: jump"],
}


# ---- 1.1 build_prompts ----


@pytest.mark.todo("1.1")
def test_both_prompts_hold_the_task_and_end_where_the_answer_begins(lab):
    got = lab.data.build_prompts("Name the gadget.", "JMP label")
    assert_equal(sorted(got), ["causal", "seq2seq"], "one prompt for each architecture, by these names")
    want = "Task: Name the gadget.\n\nExcerpt:\nJMP label\n\nAnswer:"
    likely = {"the prompt ends with 'Answer:', without a space behind it": want + " "}
    assert_equal(got["seq2seq"], want, mistake(got["seq2seq"], likely))
    want = "### Instruction:\nName the gadget.\n\n### Excerpt:\nJMP label\n\n### Response:\n"
    likely = {"the line end behind '### Response:' is missing: the answer begins on its own line": want[:-1]}
    assert_equal(got["causal"], want, mistake(got["causal"], likely))


@pytest.mark.todo("1.1")
def test_white_space_around_the_texts_is_dropped(lab):
    got = lab.data.build_prompts("  Name it.\n", "\n\nJMP label\n  JNE label  \n")
    hint = "strip instruction and excerpt at both ends, and leave what is inside as it is"
    assert_equal(got["seq2seq"], "Task: Name it.\n\nExcerpt:\nJMP label\n  JNE label\n\nAnswer:", hint)


# ---- 1.2 encode_seq2seq ----


@pytest.mark.todo("1.2")
def test_labels_are_the_target_and_its_end_and_hold_no_prompt(lab):
    tokenizer = lab.make("ending_tokenizer")
    encoded = lab.data.encode_seq2seq(EXAMPLES, tokenizer, 100, 100)
    assert_equal(sorted(encoded), ["attention_mask", "input_ids", "labels"], "three columns, by these names")
    end = lab.make("state", tokenizer)["eos_token"]
    for number, target in enumerate(EXAMPLES["target"]):
        said = lab.make("decode", tokenizer, encoded["labels"][number])
        likely = {
            "the end token is missing from the labels: the decoder would never stop": target,
            "the end token is there twice": target + end + end,
        }
        assert_equal(said, target + end, mistake(said, likely, "the labels are the target and the end token"))


@pytest.mark.todo("1.2")
def test_inputs_keep_the_tokenizers_own_special_tokens_and_nothing_is_padded(lab):
    tokenizer = lab.make("ending_tokenizer")
    encoded = lab.data.encode_seq2seq(EXAMPLES, tokenizer, 100, 100)
    end = lab.make("state", tokenizer)["eos_token"]
    for ids, mask, prompt in zip(
        encoded["input_ids"], encoded["attention_mask"], EXAMPLES["prompt"], strict=True
    ):
        said = lab.make("decode", tokenizer, ids)
        likely = {"the tokenizer's own end token is missing from the input": prompt}
        assert_equal(
            said, prompt + end, mistake(said, likely, "the input is the prompt as the tokenizer ends it")
        )
        assert_equal(mask, [1] * len(ids), "the attention mask is 1 for each id: rows aren't padded here")


# ---- 1.3 encode_causal ----


@pytest.mark.todo("1.3")
def test_only_the_target_and_its_end_are_learned(lab):
    tokenizer = lab.make("tiny_tokenizer")
    encoded = lab.data.encode_causal(EXAMPLES, tokenizer, 200)
    end = lab.make("state", tokenizer)["eos_token"]
    for number, (prompt, target) in enumerate(zip(EXAMPLES["prompt"], EXAMPLES["target"], strict=True)):
        learned = [i for i in encoded["labels"][number] if i != -100]
        said = lab.make("decode", tokenizer, learned)
        likely = {
            "the end token isn't learned: the model would never stop": target,
            "the prompt is learned too: its labels must be -100": prompt + target + end,
        }
        assert_equal(
            said, target + end, mistake(said, likely, "the learned labels are the target and its end")
        )


@pytest.mark.todo("1.3")
def test_a_row_is_prompt_then_target_in_three_equally_long_lists(lab):
    tokenizer = lab.make("tiny_tokenizer")
    encoded = lab.data.encode_causal(EXAMPLES, tokenizer, 200)
    prompt = lab.make("token_ids", tokenizer, EXAMPLES["prompt"][0])
    ids, labels, mask = (encoded[name][0] for name in ("input_ids", "labels", "attention_mask"))
    assert_equal(ids[: len(prompt)], prompt, "input_ids must begin with the prompt's ids")
    assert_equal(len(labels), len(ids), "labels need one entry for each input id, the prompt's included")
    assert_equal(labels[: len(prompt)], [-100] * len(prompt), "every label over the prompt must be -100")
    assert_equal(mask, [1] * len(ids), "the attention mask is 1 for each id: rows aren't padded here")


# ---- 1.4 extract_gadget_type ----


@pytest.mark.todo("1.4")
@pytest.mark.parametrize(
    "text, want",
    [
        ("gadget_type: Control-Flow gadget; location: JMP; explanation: It jumps.", "Control-Flow gadget"),
        ("Sure!\nGadget type : BOOL tag\nlocation: rung 4", "BOOL tag"),
    ],
)
def test_the_label_stands_between_its_key_and_the_semicolon_or_line_end(lab, text, want):
    got = lab.method.extract_gadget_type(text)
    likely = {
        "strip the white space around the label": " " + want,
        "the key is found in any case, with '_', ' ' or '-' in it": None,
        "the label ends at the first ';' or at the end of its line": text.split(":", 1)[1].strip(),
    }
    assert_equal(got, want, mistake(got, likely, "the label as the model wrote it"))


@pytest.mark.todo("1.4")
def test_without_a_label_the_result_is_none(lab):
    for text in ("It is a jump.", "gadget_type: ; location: JMP", ""):
        got = lab.method.extract_gadget_type(text)
        hints = {"no label is None, not an empty text": "", "a text without the key has no label": text}
        assert_equal(got, None, mistake(got, hints, f"there is no label in {text!r}"))


# ---- 1.5 normalize_gadget_type ----


@pytest.mark.todo("1.5")
@pytest.mark.parametrize(
    "label, want",
    [("ReadWrite", "readwrite"), ("Control-Flow gadget", "controlflow"), ("Read/Write Gadget.", "readwrite")],
)
def test_spellings_of_one_label_become_one(lab, label, want):
    got = lab.method.normalize_gadget_type(label)
    likely = {
        "the word 'gadget' must be dropped": want + "gadget",
        "lower case first": "".join(c for c in label if c.isalnum()),
    }
    assert_equal(got, want, mistake(got, likely, "lower case, without 'gadget', letters and digits only"))


@pytest.mark.todo("1.5")
def test_words_are_never_eaten_from_the_inside(lab):
    got = lab.method.normalize_gadget_type("Command enable logic")
    likely = {"'and' was deleted inside 'Command'; no other word than 'gadget' is dropped": "commenablelogic"}
    assert_equal(got, "commandenablelogic", mistake(got, likely))


# ---- 1.6 check_format ----

GOOD = "gadget_type: jump; location: JMP; explanation: It jumps; always."


@pytest.mark.todo("1.6")
def test_three_fields_in_order_are_the_form(lab):
    assert_equal(lab.method.check_format(GOOD), True, "all three fields are there, in order")
    assert_equal(lab.method.check_format(GOOD.upper()), True, "the case of the keys doesn't matter")


@pytest.mark.todo("1.6")
@pytest.mark.parametrize(
    "text, why",
    [
        ("gadget_type: jump; explanation: It jumps.", "a field is missing"),
        ("location: JMP; gadget_type: jump; explanation: It jumps.", "the fields are in another order"),
        ("gadget_type: jump; location: ; explanation: It jumps.", "a field is empty"),
    ],
)
def test_a_missing_misplaced_or_empty_field_is_not(lab, text, why):
    assert_equal(lab.method.check_format(text), False, f"{why} in {text!r}")


# ---- 1.7 ensemble_vote ----


@pytest.mark.todo("1.7")
def test_the_most_frequent_label_wins_with_its_share_of_all_models(lab):
    got = lab.method.ensemble_vote(["jump", "load", None, "load"])
    want = {"label": "load", "votes": 2, "n": 4, "share": 0.5, "tie": False}
    likely = {
        "the share is of all models, also those without a label": {**want, "share": 2 / 3},
        "n counts all models, also those without a label": {**want, "n": 3, "share": 2 / 3},
    }
    assert_equal(got, want, mistake(got, likely))


@pytest.mark.todo("1.7")
def test_a_tie_goes_to_the_earliest_and_is_told(lab):
    got = lab.method.ensemble_vote(["jump", "load"])
    want = {"label": "jump", "votes": 1, "n": 2, "share": 0.5, "tie": True}
    likely = {
        "of tied labels the earliest wins": {**want, "label": "load"},
        "a tie is still decided, and told in `tie`": {**want, "label": None},
        "two labels with one vote each are a tie": {**want, "tie": False},
    }
    assert_equal(got, want, mistake(got, likely))


# ---- 1.8 parse_verdict ----


@pytest.mark.todo("1.8")
def test_the_last_line_is_the_verdict(lab):
    got = lab.method.parse_verdict("One is a jump, the other a load.\nVERDICT: DISAGREEMENT\n")
    likely = {"'DISAGREEMENT' contains 'AGREEMENT': match the whole word": "FULL_AGREEMENT"}
    assert_equal(got, "DISAGREEMENT", mistake(got, likely, "the last line names the verdict"))
    got = lab.method.parse_verdict("**Verdict: partial_agreement.**")
    assert_equal(got, "PARTIAL_AGREEMENT", "stars, a period and the case don't matter")


@pytest.mark.todo("1.8")
@pytest.mark.parametrize(
    "text",
    ["VERDICT: not FULL_AGREEMENT", "I see FULL_AGREEMENT here.", "VERDICT: FULL_AGREEMENT or INVALID", ""],
)
def test_what_is_no_verdict_is_none(lab, text):
    got = lab.method.parse_verdict(text)
    likely = {
        "a verdict inside other words isn't one: match the whole line": "FULL_AGREEMENT",
        "there is no default: what can't be read is None": "DISAGREEMENT",
    }
    assert_equal(got, None, mistake(got, likely, f"{text!r} is no verdict"))


# ---- 1.9 combine_verdicts ----


@pytest.mark.todo("1.9")
def test_equal_verdicts_are_consistent(lab):
    got = lab.method.combine_verdicts("INVALID", "INVALID")
    want = {"verdict": "INVALID", "consistent": True, "semantic_agreement": False}
    assert_equal(got, want, "the common verdict; INVALID is no agreement")


@pytest.mark.todo("1.9")
def test_agreement_needs_both_orders(lab):
    got = lab.method.combine_verdicts("FULL_AGREEMENT", "DISAGREEMENT")
    want = {"verdict": None, "consistent": False, "semantic_agreement": False}
    likely = {
        "one order is not enough for agreement": {**want, "semantic_agreement": True},
        "orders that contradict each other give no verdict": {**want, "verdict": "FULL_AGREEMENT"},
    }
    assert_equal(got, want, mistake(got, likely))


# ---- 1.10 cohen_kappa ----


@pytest.mark.todo("1.10")
def test_the_published_table_gives_two_fifths(lab):
    a = ["p"] * 25 + ["q"] * 25
    b = ["p"] * 20 + ["q"] * 5 + ["p"] * 10 + ["q"] * 15
    got = lab.evaluate.cohen_kappa(a, b)
    likely = {
        "this is the raw agreement: take off what chance gives": 0.7,
        "chance uses each rater's own shares of the labels, not the pooled ones": 0.393939,
    }
    assert_close(got, 0.4, mistake(got, likely, "agreement .7, by chance .5"))


@pytest.mark.todo("1.10")
def test_one_label_alone_has_no_kappa(lab):
    got = lab.evaluate.cohen_kappa(["p", "p"], ["p", "p"])
    assert math.isnan(got), "both gave one label to everything: chance agreement is 1, the result is NaN"
    with pytest.raises(ValueError):
        lab.evaluate.cohen_kappa(["p"], ["p", "q"])


# ---- 1.11 fleiss_kappa ----


@pytest.mark.todo("1.11")
def test_three_raters_by_hand(lab):
    # Item 1: one of three pairs is equal; item 2: all three. By chance (1/3)² + (2/3)² = 5/9.
    got = lab.evaluate.fleiss_kappa([["x", "x", "y"], ["y", "y", "y"]])
    likely = {"that is the share of equal pairs: take off what chance gives": 2 / 3}
    assert_close(got, (2 / 3 - 5 / 9) / (1 - 5 / 9), mistake(got, likely))


@pytest.mark.todo("1.11")
def test_full_agreement_on_two_labels_is_one(lab):
    assert_close(lab.evaluate.fleiss_kappa([["x", "x"], ["y", "y"]]), 1.0, "every pair is equal")
    with pytest.raises(ValueError):
        lab.evaluate.fleiss_kappa([["x", "x"], ["y"]])


# ---- 1.12 gwet_ac1 ----


@pytest.mark.todo("1.12")
def test_one_rare_disagreement_leaves_ac1_high(lab):
    ratings = [["ok", "ok"]] * 18 + [["ok", "no"], ["no", "ok"]]
    got = lab.evaluate.gwet_ac1(ratings)
    # 18 of 20 pairs are equal; "no" has 2 of 40 ratings: by chance 2 · .05 · .95 = .095.
    likely = {
        "that is Fleiss' kappa: AC1 has another chance agreement": (0.9 - 0.905) / (1 - 0.905),
        "that is the raw agreement": 0.9,
        "the sum is divided by K - 1, one less than the number of classes": (0.9 - 0.0475) / (1 - 0.0475),
    }
    assert_close(got, (0.9 - 0.095) / (1 - 0.095), mistake(got, likely))


@pytest.mark.todo("1.12")
def test_one_label_alone_is_full_agreement(lab):
    assert_close(lab.evaluate.gwet_ac1([["ok", "ok"], ["ok", "ok"]]), 1.0, "everybody agrees: exactly 1.0")


# ---- 1.13 error_correlation ----


@pytest.mark.todo("1.13")
def test_the_same_errors_correlate_fully_and_opposite_ones_negatively(lab):
    wrong = [True, False, False, True]
    assert_close(lab.evaluate.error_correlation(wrong, wrong), 1.0, "they fail on the same items")
    other = [not flag for flag in wrong]
    assert_close(
        lab.evaluate.error_correlation(wrong, other), -1.0, "one is right exactly where the other fails"
    )


@pytest.mark.todo("1.13")
def test_four_counts_by_hand(lab):
    a = [True] * 3 + [True] + [False] + [False] * 5
    b = [True] * 3 + [False] + [True] + [False] * 5
    got = lab.evaluate.error_correlation(a, b)
    likely = {"that is the share of equal verdicts, not a correlation": 0.8}
    assert_close(got, (3 * 5 - 1 * 1) / math.sqrt(4 * 6 * 4 * 6), mistake(got, likely))


# ---- 1.14 independent_agreement ----


@pytest.mark.todo("1.14")
def test_two_fair_models_of_three_classes(lab):
    # Both right: 1/4. Both wrong and on the same of two wrong classes: 1/4 · 1/2.
    got = lab.evaluate.independent_agreement(0.5, 0.5, 3)
    likely = {
        "that is the chance that both are right: divide by the chance that they agree": 0.25,
        "two wrong models agree only if they pick the same wrong class: one of K - 1": 0.5,
        "there are K - 1 wrong classes, not K": 0.75,
    }
    assert_close(got, 2 / 3, mistake(got, likely))


@pytest.mark.todo("1.14")
def test_what_is_no_accuracy_is_refused(lab):
    for p1, p2, classes in ((1.2, 0.5, 3), (0.5, -0.1, 3), (0.5, 0.5, 1)):
        with pytest.raises(ValueError):
            lab.evaluate.independent_agreement(p1, p2, classes)


# ---- 1.15 risk_coverage ----


@pytest.mark.todo("1.15")
def test_equally_confident_answers_come_in_together(lab):
    coverage, risk = lab.evaluate.risk_coverage([0.9, 0.4, 0.9, 0.1], [True, True, False, False])
    likely = {
        "items with the same confidence are one point, not several": [0.25, 0.5, 0.75, 1.0],
        "begin with the most confident answers, not with the least": [0.25, 0.5, 1.0],
    }
    assert_close(coverage, [0.5, 0.75, 1.0], mistake(coverage, likely))
    likely = {"risk is the share of wrong answers, not of right ones": [0.5, 2 / 3, 0.5]}
    assert_close(risk, [0.5, 1 / 3, 0.5], mistake(risk, likely, "the share of wrong ones among those kept"))


@pytest.mark.todo("1.15")
def test_the_last_risk_is_the_error_rate(lab):
    coverage, risk = lab.evaluate.risk_coverage([3.0, 1.0, 2.0, 0.0, -1.0], [True, False, True, False, True])
    assert_close([coverage[-1], risk[-1]], [1.0, 0.4], "with everything kept, the risk is the error rate")
    assert_close(coverage[0], 0.2, "begin with the most confident answer")


# ---- 1.16 report_record ----


def _record(lab, first, second, **more):
    texts, labels = {"a": "gadget_type: x", "b": "y"}, {"a": first, "b": second}
    return lab.evaluate.report_record(7, "gadget_type: x; …", texts, labels, labels, **more)


@pytest.mark.todo("1.16")
def test_a_record_has_the_published_keys(lab):
    got = _record(lab, "jump", "jump")
    labels = {"a": "jump", "b": "jump"}
    want = {"example_id": 7, "gold_output": "gadget_type: x; …"}
    want["predictions"] = {"a": "gadget_type: x", "b": "y"}
    want["agreement"] = {"full_agreement": True, "gadget_types": labels, "normalized_types": labels}
    assert_equal(got, want, "exactly the published keys, and nothing of a judge that wasn't asked")


@pytest.mark.todo("1.16")
def test_two_unread_labels_do_not_agree(lab):
    got = _record(lab, None, None)["agreement"]["full_agreement"]
    hint = mistake(got, {"None == None is True: two models that wrote nothing readable don't agree": True})
    assert_equal(got, False, hint)
