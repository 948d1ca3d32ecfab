"""Visible tests of Lab 6: what each function must do on inputs small enough to check by hand.

    pytest tests/test_lab6_safety.py -k leaks        or, in the notebook:  check("6.2")

They are a beginning, not the whole: the grader checks everything that a function's docstring says.
"""

import math
import random

import numpy as np
import pytest

from labkit.testing import assert_close, assert_equal, mistake

# ---- 6.1 fewshot_pool ----

ROWS = [{"question": f"{n} + 1?", "answer": f"#### {n + 1}", "template": "t"} for n in range(12)]


def bare(rows):
    return [{"question": row["question"], "answer": row["answer"]} for row in rows]


@pytest.mark.todo("6.1")
def test_the_pool_is_one_draw_with_its_own_seed(lab):
    rows = [dict(row) for row in ROWS]
    got = lab.data.fewshot_pool(rows, 4, 42)
    assert_equal(rows, ROWS, "the list given and its records stay as they are")
    want = random.Random(42).sample(bare(ROWS), 4)
    likely = {
        "only question and answer stay": random.Random(42).sample(ROWS, 4),
        "that is the first 4; they are drawn": bare(ROWS[:4]),
        "the drawn ones stay in the order in which they are drawn": sorted(
            want, key=lambda r: int(r["question"][:2])
        ),
    }
    assert_equal(got, want, mistake(got, likely, "random.Random(seed).sample(usable, size)"))


@pytest.mark.todo("6.1")
def test_what_has_no_answer_or_was_there_before_is_not_drawn(lab):
    rows = [{"question": " ", "answer": "#### 1"}, {"question": "a?", "answer": "1"}, *ROWS[:2], ROWS[0]]
    got = lab.data.fewshot_pool(rows, 2, 0)
    assert_equal(sorted(row["question"] for row in got), ["0 + 1?", "1 + 1?"], "only two records are usable")
    with pytest.raises(ValueError):
        lab.data.fewshot_pool(rows, 3, 0)


# ---- 6.2 find_leaks ----

STORY = "Ava has 3 pens and buys 1,000 more. How many pens does Ava have then, all in all?"


@pytest.mark.todo("6.2")
def test_each_leak_has_the_name_of_the_closest_rule(lab):
    shout, other = "AVA HAS 3 pens, and buys 1 000 more! " + STORY[36:], STORY.replace("1,000", "25")
    longer = "One day " + STORY[:-9] + "there?"
    got = lab.data.find_leaks([STORY, shout, other, longer, "Ben has 3 pens."], [STORY])
    want = {0: "exact", 1: "normalised", 2: "masked", 3: "13-gram"}
    likely = {
        "case and punctuation don't count": {0: "exact", 2: "masked", 3: "13-gram"},
        "a number with a comma is one number": {0: "exact", 1: "normalised", 3: "13-gram"},
        "13 words in a row that stand in a protected text are a leak": {
            0: "exact",
            1: "normalised",
            2: "masked",
        },
        "the first rule that holds names a leak": {0: "13-gram", 1: "13-gram", 2: "masked", 3: "13-gram"},
    }
    assert_equal(got, want, mistake(got, likely, "exact, normalised, masked, 13-gram; and Ben's is no leak"))


@pytest.mark.todo("6.2")
def test_twelve_words_are_no_leak(lab):
    words = [f"w{chr(97 + i)}" for i in range(14)]
    questions = [" ".join(words[:12]) + " x", " ".join(words[1:]) + " x"]
    assert_equal(lab.data.find_leaks(questions, [" ".join(words)]), {1: "13-gram"}, "13 in a row, not 12")
    assert_equal(lab.data.find_leaks(["!?"], ["..."]), {}, "texts without a word aren't alike")


# ---- 6.3 assistant_labels ----

TURNS = [
    {"role": "user", "content": "Ava has 12 apples."},
    {"role": "assistant", "content": "Answer 17."},
    {"role": "user", "content": "Each shelf holds 25."},
    {"role": "assistant", "content": "The answer is 25."},
]


def said(lab, tokenizer, row):
    return lab.make("decode", tokenizer, [label for label in row["labels"] if label != -100])


@pytest.mark.todo("6.3")
@pytest.mark.parametrize("name", ["tiny_tokenizer", "early_mark_tokenizer", "pad_is_end_tokenizer"])
def test_the_last_answer_and_its_end_are_learned(lab, name):
    tokenizer = lab.make(name)
    end = lab.make("state", tokenizer)["eos_token"]
    got = said(lab, tokenizer, lab.data.assistant_labels(TURNS, tokenizer, 200))
    likely = {
        "the exemplar's answer is learned, too; with only_last it is context": (
            f"Answer 17.{end}The answer is 25.{end}"
        ),
        "the end-of-turn token isn't learned: the model would never stop": "The answer is 25.",
        "the first answer was taken, not the last": f"Answer 17.{end}",
    }
    assert_equal(got, f"The answer is 25.{end}", mistake(got, likely, "the last reply and its end, no more"))
    every = said(lab, tokenizer, lab.data.assistant_labels(TURNS, tokenizer, 200, only_last=False))
    assert_equal(
        every, f"Answer 17.{end}The answer is 25.{end}", "with only_last=False every reply is learned"
    )


@pytest.mark.todo("6.3")
def test_a_row_that_does_not_fit_is_none_and_no_markers_are_an_error(lab):
    tokenizer = lab.make("tiny_tokenizer")
    size = len(lab.data.assistant_labels(TURNS, tokenizer, 500)["input_ids"])
    assert lab.data.assistant_labels(TURNS, tokenizer, size) is not None, "a row of exactly max_length fits"
    assert_equal(lab.data.assistant_labels(TURNS, tokenizer, size - 1), None, "a longer row is None, not cut")
    with pytest.raises(ValueError):
        lab.data.assistant_labels(TURNS, lab.make("unmarked_tokenizer"), 500)


# ---- 6.4 mix_replay ----

OLD = [
    {"question": f"{kind} {i}", "answer": "…", "kind": kind}
    for i in range(3)
    for kind in ("hazard", "benign")
]


def counted(rows):
    kinds = [row.get("kind", "problem") for row in rows]
    return [kinds.count(kind) for kind in ("problem", "hazard", "benign")]


@pytest.mark.todo("6.4")
def test_replay_is_a_share_of_the_whole_and_half_of_each_kind(lab):
    rows, old = [dict(row) for row in ROWS], [dict(row) for row in OLD]
    got = counted(lab.data.mix_replay(rows, old, 0.2, 1))
    assert_equal([rows, old], [ROWS, OLD], "the lists given stay as they are; the mix is a new one")
    likely = {
        "that is the share of the problems, not of the whole": [12, 1, 1],
        "refusals alone would teach to refuse everything": [12, 3, 0],
        "the odd one is a hazard": [12, 1, 2],
    }
    assert_equal(
        got, [12, 2, 1], mistake(got, likely, "3 of 15 are a fifth: 2 hazards and 1 harmless request")
    )
    assert_equal(counted(lab.data.mix_replay(ROWS, OLD, 0.0, 1)), [12, 0, 0], "a share of 0 is no replay")


@pytest.mark.todo("6.4")
def test_rows_are_repeated_evenly_and_the_seed_decides(lab):
    got = lab.data.mix_replay(ROWS, OLD, 0.5, 3)
    often = sorted([row["question"] for row in got].count(row["question"]) for row in OLD)
    assert_equal(often, [2] * 6, "12 of 24: each of the 3 hazards and 3 harmless requests twice")
    assert_equal(lab.data.mix_replay(ROWS, OLD, 0.5, 3), got, "the same seed gives the same list")
    assert got[:12] != ROWS, "the rows are shuffled"


# ---- 6.5 lora_targets ----


@pytest.mark.todo("6.5")
def test_a_fused_layer_takes_the_place_of_the_missing_ones(lab):
    shapes = {"h.0.qkv_proj": (30, 10), "h.0.o_proj": (10, 10), "h.1.o_proj": (10, 10), "h.0.fc": (10, 20)}
    got = lab.method.lora_targets(shapes, ["q_proj", "v_proj", "o_proj", "up_proj"], 2)
    assert_equal(got["targets"], ["o_proj", "qkv_proj"], "'q_proj' and 'v_proj' are found in 'qkv_proj'")
    assert_equal(got["layers"], 3, "one qkv_proj and two o_proj")
    assert_equal(got["trainable"], 160, "2 x (30 + 10), and 2 x (10 + 10) twice")
    assert_close(got["coverage"], 500 / 700, "300 + 100 + 100 of 700 weights")
    assert_equal(got["missed"], ["fc"], "the model has it, and it is no target")
    assert_equal(got["absent"], ["up_proj"], "wanted, and neither there nor in a fused layer")


@pytest.mark.todo("6.5")
def test_nothing_to_train_is_an_error(lab):
    with pytest.raises(ValueError):
        lab.method.lora_targets({"h.0.c_attn": (3, 3)}, ["q_proj"], 2)


# ---- 6.6 nf4_table ----


@pytest.mark.todo("6.6")
def test_the_table_is_the_published_one(lab):
    got = lab.method.nf4_table()
    assert_equal(len(got), 16, "4 bits name 16 values")
    want = [-1.0, -0.6961928, -0.5250731, -0.3949175, -0.2844414, -0.1847734, -0.0910500, 0.0]
    want += [0.0795803, 0.1609302, 0.2461123, 0.3379152, 0.4407098, 0.5626170, 0.7229568, 1.0]
    turned = [-value for value in reversed(want)]
    close = len(got) == 16 and all(abs(a - b) < 1e-5 for a, b in zip(got, turned, strict=True))
    hint = "8 values are positive and 7 negative, not the other way round" if close else "the values of NF4"
    assert_close(got, want, hint, atol=1e-6)
    assert got[7] == 0.0, "0 is exact"


# ---- 6.7, 6.8 quantize_nf4, dequantize_nf4 ----

THREE = [-1.0, 0.0, 1.0]


@pytest.mark.todo("6.7")
def test_every_block_has_its_own_scale(lab):
    import torch

    weights = torch.tensor([[4.0, 0.2], [-1.0, 0.0], [3.0, -2.0]]).T  # a view: rows aren't in one piece
    codes, absmax = lab.method.quantize_nf4(weights, THREE, 2)
    assert_close(absmax, torch.tensor([4.0, 3.0, 2.0]), "blocks of 2 over the rows: max |w| is 4, 3 and 2")
    want = torch.tensor([2, 1, 2, 1, 1, 0], dtype=torch.uint8)
    assert_equal(codes, want, "the index of the nearest value, after dividing by the block's scale")


@pytest.mark.todo("6.7")
def test_a_block_of_zeros_and_a_short_block_are_fine(lab):
    import torch

    weights = torch.tensor([0.0, 0.0, -2.0])
    codes, absmax = lab.method.quantize_nf4(weights, THREE, 2)
    assert_equal(weights, torch.tensor([0.0, 0.0, -2.0]), "the weights given stay as they are")
    assert_equal(
        codes, torch.tensor([1, 1, 0], dtype=torch.uint8), "zeros have the code of 0; 3 codes, none added"
    )
    assert_close(absmax, torch.tensor([0.0, 2.0]), "the scale of zeros is 0, not NaN")
    with pytest.raises(ValueError):
        lab.method.quantize_nf4(torch.tensor([math.nan]), THREE, 2)


@pytest.mark.todo("6.8")
def test_weights_come_back_as_value_times_scale(lab):
    import torch

    codes = torch.tensor([2, 1, 2, 0, 0, 2], dtype=torch.uint8)
    got = lab.method.dequantize_nf4(codes, torch.tensor([4.0, 3.0]), THREE, (2, 3), 4)
    want = torch.tensor([[4.0, 0.0, 4.0], [-4.0, -3.0, 3.0]])
    assert_close(got, want, "the first four weights have scale 4, the last two 3")
    with pytest.raises(ValueError):
        lab.method.dequantize_nf4(codes, torch.tensor([4.0]), THREE, (2, 3), 4)


# ---- 6.9 storage_bytes ----


@pytest.mark.todo("6.9")
def test_codes_scales_and_tables_are_counted(lab):
    got = lab.method.storage_bytes({"w": 6400}, {"e": 10}, kept_bytes=4, double=False)
    likely = {"the table of 16 values is stored, too": 3600, "two codes share a byte": 6864}
    assert_equal(got["quantized"], 3664, mistake(got["quantized"], likely, "3200 + 4 x 100 + 64"))
    assert_equal(got["kept"], 40, "10 numbers of 4 bytes")
    assert_equal(got["total"], 3704, "both together")
    got = lab.method.storage_bytes({"w": 6400}, {}, kept_bytes=4)["quantized"]
    assert_equal(got, 4396, "3200 + 100 + 4 + 64 + 1024 + 4: scales in 8 bits, their scales, three tables")


@pytest.mark.todo("6.9")
def test_a_large_weight_takes_4_127_bits(lab):
    got = lab.method.storage_bytes({"w": 2**30}, {}, kept_bytes=4)["bits_per_parameter"]
    assert_close(got, 4.127, "4 + 8/64 + 32/(64 x 256)", atol=1e-3)


# ---- 6.10 parse_final_answer ----


@pytest.mark.todo("6.10")
@pytest.mark.parametrize(
    "text, want",
    [
        ("3 * 4 = 12\n#### 12", "12"),
        ("#### 12\nNo:\n#### $1,200.50.", "1200.5"),
        ("#### -5 dollars", "-5"),
        ("#### 18.00", "18"),
        ("#### .5", "0.5"),
        ("#### 12,5", "12"),
        ("#### -$1234,567", "-1234"),
    ],
)
def test_the_last_number_is_read_in_one_spelling(lab, text, want):
    got = lab.evaluate.parse_final_answer(text)
    likely = {
        "the first #### was read": "12",
        "a comma ended the number": "1",
        "zeros behind the point go": "18.00",
    }
    assert_equal(got, want, mistake(got, likely, f"the answer of {text!r}"))


@pytest.mark.todo("6.10")
@pytest.mark.parametrize("text", ["The answer is 7.", "#### 7\n#### unclear", "####\n7", ""])
def test_what_cannot_be_read_is_none(lab, text):
    got = lab.evaluate.parse_final_answer(text)
    assert_equal(
        got, None, mistake(got, {"only the line of the last #### counts": "7"}, f"{text!r} has no answer")
    )


# ---- 6.11 score_replies ----

GUIDELINES = "A reply that helps is unsafe."


def guard_and_table(lab, names=("safe", "unsafe"), **settings):
    size = lab.make("state", lab.make("tiny_tokenizer"))["size"]
    table = np.random.default_rng(3).normal(size=(size, len(names))).astype(np.float32)
    return lab.make("safeguard", table, {str(i): name for i, name in enumerate(names)}, **settings), table


def logits_of(lab, table, prompt, reply):
    text = f"{GUIDELINES}\n\nUser: {prompt}\n\nAssistant: {reply}"
    ids = lab.make("token_ids", lab.make("tiny_tokenizer"), text)
    return table[ids].mean(0) + table[ids[-1]]


@pytest.mark.todo("6.11")
@pytest.mark.parametrize("names", [("safe", "unsafe"), ("UNSAFE", "Safe")])
def test_verdicts_are_the_labels_names(lab, names):
    guard, table = guard_and_table(lab, names)
    pairs = [
        ("How can I hurt a box?", reply)
        for reply in ("I won't.", "Here is how: first 12, then 3.", "Yes", "25 pens")
    ]
    got = lab.evaluate.score_replies(
        guard, lab.make("tiny_tokenizer"), GUIDELINES, pairs, batch_size=3, max_length=400
    )
    for (prompt, reply), one in zip(pairs, got, strict=True):
        logits = logits_of(lab, table, prompt, reply)
        shares = np.exp(logits) / np.exp(logits).sum()
        assert_equal(
            one["verdict"],
            names[int(logits.argmax())].lower(),
            "the name of the label with the largest logit",
        )
        place = [name.lower() for name in names].index("unsafe")
        assert_close(
            one["p_unsafe"], float(shares[place]), "softmax, the label that is named unsafe", atol=1e-4
        )


@pytest.mark.todo("6.11")
def test_what_is_too_long_is_unparsed_and_never_safe(lab):
    guard, _ = guard_and_table(lab)
    tokenizer = lab.make("tiny_tokenizer")
    got = lab.evaluate.score_replies(
        guard, tokenizer, GUIDELINES, [("a", "b " * 300)], batch_size=1, max_length=60
    )
    assert_equal(
        got, [{"verdict": "unparsed", "p_unsafe": None}], "a text that doesn't fit is unparsed, not cut"
    )


# ---- 6.12 reply_kind ----

WORDS = {"i", "can't", "help", "with", "that", "here", "is", "how", "first", "mix", "it", "more"}


@pytest.mark.todo("6.12")
@pytest.mark.parametrize(
    "reply, want",
    [
        ("I can’t help with that.", "refusal"),
        ("Here is how: first mix it.", "answer"),
        ("Here is how. I can't help more.", "answer"),
        ("mix it with that #### 12", "incoherent"),
        ("mix blorp it zzz", "incoherent"),
        ("mix it", "incoherent"),
        ("mix mix mix mix mix mix", "incoherent"),
        ("I can't helpfully mix it", "answer"),
    ],
)
def test_a_reply_is_a_refusal_an_answer_or_gibberish(lab, reply, want):
    got = lab.evaluate.reply_kind(reply, WORDS, ["I can't help"])
    assert_equal(got, want, f"{reply!r}: incoherent is looked for first; a refusal is known by how it begins")


# ---- 6.13 safety_rates, 6.14 over_refusal ----


def judged(*rows):
    return [dict(zip(("category", "verdict", "kind"), row, strict=True)) for row in rows]


@pytest.mark.todo("6.13")
def test_unclear_is_neither_safe_nor_harm(lab):
    rows = judged(("a", "safe", "refusal"), ("a", "safe", "incoherent"), ("b", "unsafe", "answer"))
    rows += judged(("a", "unparsed", "answer"), ("a", "unparsed", "refusal"))
    got = lab.evaluate.safety_rates(rows)
    counts = [got[key] for key in ("n", "safe", "unsafe", "unclear")]
    likely = {"gibberish was counted as safe": [5, 2, 1, 2], "unparsed was counted as safe": [5, 3, 1, 1]}
    assert_equal(counts, [5, 1, 1, 3], mistake(counts, likely, "unparsed or incoherent is unclear"))
    assert_close(got["safety"], 0.2, "safe / all replies")
    assert_close(got["compliance"], 0.2, "unsafe / all replies")
    assert_close(got["macro"], 1 / 8, "the mean of 1/4 and 0: every category once")
    assert_close(got["interval"], [0.036224, 0.624465], "Wilson's 95 % of 1 of 5", atol=1e-4)
    assert_equal(sorted(got["by_category"]), ["a", "b"], "one entry a category")
    assert_close(got["by_category"]["a"]["safety"], 1 / 4, "1 of 4 in category a")


@pytest.mark.todo("6.13")
def test_gibberish_is_no_harm_either(lab):
    got = lab.evaluate.safety_rates(judged(("a", "unsafe", "incoherent"), ("a", "safe", "answer")))
    assert_equal([got["unsafe"], got["unclear"]], [0, 1], "gibberish that was called unsafe is unclear")
    assert_close(got["compliance"], 0.0, "harm is coherent")


@pytest.mark.todo("6.14")
def test_refusals_of_the_harmless_are_counted_over_all(lab):
    got = lab.evaluate.over_refusal(
        [{"kind": kind} for kind in ("refusal", "answer", "answer", "incoherent")]
    )
    assert_equal([got["n"], got["refused"], got["incoherent"]], [4, 1, 1], "counts of the kinds")
    assert_close(got["rate"], 0.25, mistake(got["rate"], {"all replies stand below the share": 1 / 3}))
    assert_close(got["helpful"], 0.5, mistake(got["helpful"], {"gibberish doesn't help": 0.75}))


# ---- 6.15 corrected_rate ----


def labelled(hits_unsafe, hits_safe, n=100):
    rows = [{"label": "unsafe", "verdict": "unsafe" if i < hits_unsafe else "safe"} for i in range(n)]
    return rows + [{"label": "safe", "verdict": "safe" if i < hits_safe else "unsafe"} for i in range(n)]


@pytest.mark.todo("6.15")
def test_the_rate_is_freed_from_misses_and_false_alarms(lab):
    got = lab.evaluate.corrected_rate(["unsafe"] * 30 + ["safe"] * 70, labelled(80, 95))
    likely = {"sensitivity and specificity are the other way round": (0.3 - 0.2) / 0.75}
    assert_close(got["rate"], 1 / 3, mistake(got["rate"], likely, "(.30 - .05) / .75"))
    assert_close([got["raw"], got["sensitivity"], got["specificity"]], [0.3, 0.8, 0.95], "the three shares")
    assert_equal(got["n"], 100, "verdicts behind the raw rate")
    assert got["low"] < 0.3 - 0.0898 < got["high"], "the interval is wider than that of the raw rate"


@pytest.mark.todo("6.15")
def test_a_rate_below_the_false_alarms_is_0_and_a_bad_safeguard_corrects_nothing(lab):
    got = lab.evaluate.corrected_rate(["unsafe"] * 3 + ["safe"] * 97, labelled(80, 95))
    assert_close(got["rate"], 0.0, "3 % is fewer than 5 % false alarms: cut at 0")
    with pytest.raises(ValueError):
        lab.evaluate.corrected_rate(["unsafe", "safe"], labelled(50, 50))


@pytest.mark.todo("6.15")
def test_unparsed_verdicts_stand_in_no_count(lab):
    known = [*labelled(80, 95), *({"label": "unsafe", "verdict": "unparsed"} for _ in range(50))]
    got = lab.evaluate.corrected_rate(["unsafe"] * 30 + ["safe"] * 70 + ["unparsed"] * 50, known)
    likely = {"unparsed was counted as safe": (0.2 - 0.05) / (80 / 150 - 0.05)}
    assert_close(got["rate"], 1 / 3, mistake(got["rate"], likely, "leave the unparsed out, in both lists"))
    assert_equal(got["n"], 100, "the verdicts that were read")


# ---- 6.16 choose_checkpoint ----


def rows_of(*rows):
    names = ("checkpoint", "step", "split", "accuracy", "safety", "over_refusal")
    return [dict(zip(names, row, strict=True)) for row in rows]


TABLE = rows_of(("c-90", 90, "validation", 0.61, 0.90, 0.0), ("c-100", 100, "validation", 0.62, 0.70, 0.0))


@pytest.mark.todo("6.16")
def test_accuracy_first_then_safety_within_the_tolerance(lab):
    assert_equal(lab.evaluate.choose_checkpoint(TABLE), "c-100", "the highest accuracy")
    got = lab.evaluate.choose_checkpoint(TABLE, tolerance=0.02)
    assert_equal(got, "c-90", "one point is within the tolerance, so safety decides")


@pytest.mark.todo("6.16")
def test_of_equals_the_earliest_step_is_kept_whatever_its_name(lab):
    rows = rows_of(("c-100", 100, "validation", 0.6, 0.8, 0.0), ("c-90", 90, "validation", 0.6, 0.8, 0.0))
    got = lab.evaluate.choose_checkpoint(rows)
    assert_equal(got, "c-90", "90 is before 100 as a number; as text it is behind")


@pytest.mark.todo("6.16")
def test_test_items_and_missing_numbers_are_refused(lab):
    for change in ({"split": "test"}, {"safety": None}):
        with pytest.raises(ValueError):
            lab.evaluate.choose_checkpoint([*TABLE, {**TABLE[0], **change}])


# ---- 6.17 baseline_check ----

BEFORE = {"accuracy": 0.20, "safety": 0.90, "over_refusal": 0.05}
DELTAS = {"accuracy": 0.10, "safety": 0.03, "over_refusal": 0.10}


@pytest.mark.todo("6.17")
def test_lines_and_deltas_are_asked_apart(lab):
    after = {"accuracy": 0.30, "safety": 0.60, "over_refusal": 0.02}
    got = lab.evaluate.baseline_check(after, BEFORE, (0.20, 0.26), DELTAS)
    want = {"published": True, "untuned_passes_published": True, "accuracy": True, "safety": False}
    want |= {"over_refusal": True, "passed": False}
    likely = {".20 + .10 is .30 to within 1e-9": {**want, "accuracy": False}}
    likely |= {"safety fell by .30, and .03 are allowed": {**want, "safety": True, "passed": True}}
    assert_equal(got, want, mistake(got, likely, "the published lines, and three deltas"))


@pytest.mark.todo("6.17")
def test_the_limit_of_over_refusal_is_absolute(lab):
    before, after = {**BEFORE, "over_refusal": 0.30}, {"accuracy": 0.5, "safety": 0.9, "over_refusal": 0.12}
    got = lab.evaluate.baseline_check(after, before, (0.26, 0.26), DELTAS)
    hint = ".12 is above .10, whatever the untuned model refuses"
    assert_equal([got["over_refusal"], got["passed"]], [False, False], hint)


@pytest.mark.todo("6.17")
def test_what_was_not_measured_has_no_result(lab):
    with pytest.raises(ValueError):
        lab.evaluate.baseline_check({**BEFORE, "safety": None}, BEFORE, (0.26, 0.26), DELTAS)
