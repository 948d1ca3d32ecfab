"""Lab 1, the tests that give points.

Every test says in words what a finished function does. Inputs come from `lab.rng`, seeded anew for each
submission, and from hand-made edge cases; what is right comes from lab1_oracles.py and lab1_cases.py, never
from the solutions. A message names the mistake and holds no expected value.

PYTEST_DONT_REWRITE: pytest would add the compared values to the message of a bare assert.
"""

from __future__ import annotations

import functools

import pytest

from grading.hidden import lab1_blame as blame
from grading.hidden import lab1_cases as cases
from grading.hidden import lab1_oracles as oracle
from grading.hidden import lab1_records as truth
from grading.hidden.judging import Case, assert_refuses, check_all, judge, value_mistake
from grading.hidden.lab1_oracles import VERDICTS, pick
from grading.hidden.lab1_records import make_records as make_records  # the grader finds it here by name
from labkit.testing import assert_close, assert_equal, mistake

near = functools.partial(assert_close, rtol=1e-9, atol=1e-9)


# ---- 1.1 build_prompts -------------------------------------------------------------------------------------


def prompts_of(instruction: str, excerpt: str) -> dict[str, str]:
    return {
        "seq2seq": "\n\n".join([f"Task: {instruction}", f"Excerpt:\n{excerpt}", "Answer:"]),
        "causal": "\n".join(
            ["### Instruction:", instruction, "", "### Excerpt:", excerpt, "", "### Response:", ""]
        ),
    }


def prompt_mistake(got: object, instruction: str, excerpt: str) -> str:
    want = prompts_of(instruction.strip(), excerpt.strip())
    if not isinstance(got, dict) or got.keys() != want.keys():
        return "the result is a dict of two texts, 'seq2seq' and 'causal'"
    squeezed = " ".join(excerpt.split())
    likely = {
        "white space around the texts stayed; strip both": prompts_of(instruction, excerpt),
        "white space inside the excerpt was changed; only its ends are stripped": prompts_of(
            instruction.strip(), squeezed
        ),
        "the excerpt's ends weren't stripped": prompts_of(instruction.strip(), excerpt),
        "the instruction's ends weren't stripped": prompts_of(instruction, excerpt.strip()),
        "both prompts are the same; the decoder has its own form": dict.fromkeys(want, want["seq2seq"]),
        "the two prompts were swapped": {"seq2seq": want["causal"], "causal": want["seq2seq"]},
        "the causal prompt ends with a line end, so that the answer begins on its own line": {
            **want,
            "causal": want["causal"].rstrip("\n"),
        },
        "the seq2seq prompt ends with 'Answer:' and nothing behind it": {
            **want,
            "seq2seq": want["seq2seq"] + " ",
        },
    }
    return mistake(got, likely, "the two templates of the docstring, filled in exactly")


@pytest.mark.todo("1.1", points=2)
def test_both_templates_are_filled_in_exactly(lab):
    for size in (1, 3):
        instruction = pick(lab.rng, ["Identify the gadget.", "Name it; give its place."])
        excerpt = cases.excerpt(lab.rng, size) + "\n\n  indented {braces} and a \\ backslash"
        got = lab.data.build_prompts(instruction, excerpt)
        assert_equal(got, prompts_of(instruction, excerpt), prompt_mistake(got, instruction, excerpt))


@pytest.mark.todo("1.1", points=1)
def test_texts_are_stripped_and_empty_ones_refused(lab):
    instruction, excerpt = " \n Identify it.\t", f"\n\n {cases.excerpt(lab.rng)}\n   two  spaces\n"
    got = lab.data.build_prompts(instruction, excerpt)
    want = prompts_of(instruction.strip(), excerpt.strip())
    assert_equal(got, want, prompt_mistake(got, instruction, excerpt))
    for empty in ("", " \n\t"):
        hint = "an empty instruction or excerpt was accepted: strip it, then raise ValueError"
        assert_refuses(lambda e=empty: lab.data.build_prompts(e, "JMP"), hint)
        assert_refuses(lambda e=empty: lab.data.build_prompts("Identify it.", e), hint)


# ---- 1.2 encode_seq2seq ------------------------------------------------------------------------------------


def check_seq2seq(lab, batch: dict, longest: int, longest_target: int, ends: bool) -> None:
    tokenizer = lab.make("ending_tokenizer" if ends else "tiny_tokenizer")
    got = lab.data.encode_seq2seq(batch, tokenizer, longest, longest_target)
    want = cases.seq2seq_rows(batch, longest, longest_target, ends)
    assert_equal(got, want, cases.seq2seq_mistake(got, batch, longest, longest_target, ends))


@pytest.mark.todo("1.2", points=2)
def test_the_prompt_goes_in_and_the_target_with_its_end_is_learned(lab):
    check_seq2seq(lab, cases.examples(lab.rng, (2, 1, 4)), 400, 300, ends=True)


@pytest.mark.todo("1.2", points=1)
def test_the_tokenizer_cuts_the_prompt_and_targets_lose_their_right_end(lab):
    batch = cases.examples(lab.rng, (3, 1))
    shortest = min(len(cases.ids(prompt)) for prompt in batch["prompt"])
    targets = [len(cases.ids(answer)) for answer in batch["target"]]
    for longest, longest_target in (
        (shortest - 3, 300),
        (400, targets[0]),
        (shortest + 2, 5),
        (400, max(targets) + 1),
    ):
        check_seq2seq(lab, batch, longest, longest_target, ends=True)


@pytest.mark.todo("1.2", points=1)
def test_a_tokenizer_that_adds_nothing_by_itself_adds_nothing_to_the_input(lab):
    check_seq2seq(lab, cases.examples(lab.rng, (1, 2)), 400, 300, ends=False)


@pytest.mark.todo("1.2", points=1)
def test_nothing_is_padded_and_bad_lengths_are_refused(lab):
    batch = cases.examples(lab.rng, (1, 5))
    batch["target"] = ["gadget_type: x", cases.target(lab.rng)]
    check_seq2seq(lab, batch, 400, 300, ends=True)
    tokenizer = lab.make("ending_tokenizer")
    uneven = {**batch, "target": batch["target"][:1]}
    hint = "lengths below 1 and uneven columns must still be refused: leave the checks above your code"
    for given in ((batch, tokenizer, 0, 10), (batch, tokenizer, 10, 0), (uneven, tokenizer, 10, 10)):
        assert_refuses(lambda given=given: lab.data.encode_seq2seq(*given), hint)


# ---- 1.3 encode_causal -------------------------------------------------------------------------------------


def check_causal(lab, batch: dict, longest: int, name: str = "tiny_tokenizer") -> None:
    got = lab.data.encode_causal(batch, lab.make(name), longest)
    assert_equal(got, cases.causal_rows(batch, longest), cases.causal_mistake(got, batch, longest))


@pytest.mark.todo("1.3", points=2)
def test_a_row_is_prompt_target_and_end_and_the_prompt_is_not_learned(lab):
    batch = cases.examples(lab.rng, (2, 1, 4))
    # The border lies inside a word: tokenised together with the target, the prompt would have other ids.
    batch["prompt"] = [prompt + " Ava has app" for prompt in batch["prompt"]]
    batch["target"] = ["les and buys: " + answer for answer in batch["target"]]
    check_causal(lab, batch, 500)


@pytest.mark.todo("1.3", points=1)
def test_a_long_row_loses_its_right_end(lab):
    batch = cases.examples(lab.rng, (1, 2))
    prompts = [len(cases.ids(prompt)) for prompt in batch["prompt"]]
    for longest in (prompts[0] + 4, prompts[0], prompts[1] - 2, 1):
        check_causal(lab, batch, longest)


@pytest.mark.todo("1.3", points=1)
def test_the_end_is_learned_where_pad_and_end_are_one_token(lab):
    check_causal(lab, cases.examples(lab.rng, (1, 3)), 500, "pad_is_end_tokenizer")


@pytest.mark.todo("1.3", points=1)
def test_special_tokens_of_the_tokenizer_stay_out_and_bad_lengths_are_refused(lab):
    batch = cases.examples(lab.rng, (1, 2))
    got = lab.data.encode_causal(batch, lab.make("ending_tokenizer"), 500)
    doubled = [
        cases.ids(p) + [cases.end()] + cases.ids(t) + [cases.end()] * 2
        for p, t in zip(batch["prompt"], batch["target"], strict=True)
    ]
    inside = [
        cases.ids(p) + [cases.end()] + cases.ids(t) + [cases.end()]
        for p, t in zip(batch["prompt"], batch["target"], strict=True)
    ]
    words = "the tokenizer put special tokens of its own into the row: tokenise with add_special_tokens=False"
    own = any(got.get("input_ids") == rows for rows in (doubled, inside)) if isinstance(got, dict) else False
    hint = words if own else cases.causal_mistake(got, batch, 500)
    assert_equal(got, cases.causal_rows(batch, 500), hint)
    hint = "a length below 1 and uneven columns must still be refused: leave the checks above your code"
    tokenizer = lab.make("tiny_tokenizer")
    uneven = {**batch, "target": batch["target"][:1]}
    for given in ((batch, tokenizer, 0), (uneven, tokenizer, 10)):
        assert_refuses(lambda given=given: lab.data.encode_causal(*given), hint)


# ---- 1.4 extract_gadget_type -------------------------------------------------------------------------------


def check_labels(lab, texts: dict[str, str | None], rule: str) -> None:
    check_all(
        lab.method.extract_gadget_type,
        [(text,) for text in texts],
        texts.__getitem__,
        blame.label_mistakes,
        rule,
    )


def some_label(rng) -> str:
    first, second = pick(rng, oracle.WORDS, 2)
    return pick(rng, [f"{first}/{second} gadget", f"{first}-{second}", f"{first} {second.lower()}", first])


@pytest.mark.todo("1.4", points=2)
def test_a_label_ends_at_the_semicolon_or_at_its_line(lab):
    a, b, c, d = (some_label(lab.rng) for _ in range(4))
    check_labels(
        lab,
        {
            f"gadget_type: {a}; location: line 4; explanation: it is one": a,
            f"gadget_type: {b}\nlocation: line 4": b,
            f"gadget_type:{c};location:x": c,
            f"The answer is:\n\n  gadget_type:   {d}  ; location: x": d,
            f"gadget_type: {a}": a,
            f"gadget_type: {b}: the second one; location: x": f"{b}: the second one",
            f"gadget_type: {c}, {d}.\n": f"{c}, {d}.",
            f'gadget_type: "{a}"; location: x': f'"{a}"',
            f"gadget_type: {b} location: line 4; explanation: it is one": f"{b} location: line 4",
        },
        "the label stands behind the colon, up to ';' or the line end, without spaces around",
    )


@pytest.mark.todo("1.4", points=1)
def test_the_key_is_found_in_its_spellings_and_only_as_a_word(lab):
    a, b = some_label(lab.rng), some_label(lab.rng)
    check_labels(
        lab,
        {
            f"GADGET_TYPE: {a}; Location: x": a,
            f"Gadget type: {b}\nLocation: x": b,
            f"gadget-type : {a}; location: x": a,
            f"Gadget_Type   : {b};": b,
            f"subgadget_type: {a}; location: x": None,
            f"my_gadget_type: {a}; gadget_type: {b}; location: x": b,
            f"gadget_types: {a}; location: x": None,
            f"gadgettype: {a}; location: x": None,
            f"gadget/type: {a}; location: x": None,
            f"gadget__type: {a}; location: x": None,
            f"It is one (gadget_type: {b}; location: x)": b,
            f"the gadget_type is {a}": None,
        },
        "the key is gadget_type in any case, with '_', ' ' or '-', as a word of its own, then a colon",
    )


@pytest.mark.todo("1.4", points=1)
def test_the_first_key_decides_even_when_its_label_is_empty(lab):
    a, b = some_label(lab.rng), some_label(lab.rng)
    check_labels(
        lab,
        {
            f"gadget_type: {a}; location: x; gadget_type: {b}; location: y": a,
            f"gadget_type: ; location: x; gadget_type: {b}": None,
            f"gadget_type:\ngadget_type: {b}": None,
            f"gadget_type: {a}\ngadget_type: {b}\n": a,
            f"gadget_type:   \n{b}; location: x": None,
        },
        "the first key decides, and only what stands on its line counts",
    )


@pytest.mark.todo("1.4", points=1)
def test_a_text_without_a_label_gives_none(lab):
    a = some_label(lab.rng)
    check_labels(
        lab,
        {
            "": None,
            f"{a}; location: line 4; explanation: it is one": None,
            f"type: {a}": None,
            "gadget_type:": None,
            "gadget_type: ;": None,
            f"It is a {a}.\nlocation: gadget": None,
        },
        "no key, or nothing behind it: the result is None",
    )


# ---- 1.5 normalize_gadget_type -----------------------------------------------------------------------------


def check_normal(lab, texts: list[str], rule: str) -> None:
    check_all(
        lab.method.normalize_gadget_type,
        [(text,) for text in texts],
        blame.normal,
        blame.normal_mistakes,
        rule,
    )


@pytest.mark.todo("1.5", points=2)
def test_words_are_never_touched_inside(lab):
    first = pick(lab.rng, ["Command", "Handshake", "Standby", "Bandwidth", "Operand"])
    second = pick(lab.rng, oracle.WORDS)
    texts = ["Command enable logic", f"{first} {second} gadget", "AND mask", "Read and Write gadget"]
    texts += [f"{second}Gadget", f"Gadgetry {first.lower()}", "MegaGadgets", f"{first}-and-{second}"]
    check_normal(
        lab, texts, "only the whole words 'gadget' and 'gadgets' are dropped, and nothing inside a word"
    )


@pytest.mark.todo("1.5", points=2)
def test_the_word_gadget_is_dropped_wherever_it_stands(lab):
    a, b = pick(lab.rng, oracle.WORDS, 2)
    texts = [
        f"{a} gadget",
        f"Gadget: {a}",
        f"{a} GADGETS, {b}",
        f"{a}_gadget",
        f"gadget_{b}",
        f"{a}-Gadget/{b}",
    ]
    texts += ["gadget", "Gadgets!", f"gadget {a} gadget", f"{a}__gadgets__{b}"]
    check_normal(
        lab, texts, "'gadget' and 'gadgets' are dropped as words; whatever isn't a letter or digit separates"
    )


@pytest.mark.todo("1.5", points=2)
def test_only_letters_and_digits_stay_in_lower_case(lab):
    a, b = pick(lab.rng, oracle.WORDS, 2)
    number = int(lab.rng.integers(2, 99))
    texts = [f"{a}/{b}", f"{a}-{b.upper()}", f"{a}_{b}", f" {a}.{b}! ", f"{a}({number})", f"“{a}” – {b}"]
    texts += [
        f"{a}\t{b}\n",
        f"Größe {a}",
        f"{a} à {b}",
        "",
        " -- ",
        f"x{number}.{number}",
        "ReadWrite",
        "READ-WRITE",
    ]
    check_normal(lab, texts, "lower case; only letters and digits stay, joined")


# ---- 1.6 check_format --------------------------------------------------------------------------------------


def check_forms(lab, texts: dict[str, bool], rule: str) -> None:
    check_all(lab.method.check_format, [(t,) for t in texts], texts.__getitem__, blame.format_mistakes, rule)


def fields(rng) -> tuple[str, str, str]:
    return some_label(rng), f"line {int(rng.integers(1, 400))}", f"it moves {int(rng.integers(2, 99))} bytes"


@pytest.mark.todo("1.6", points=1)
def test_an_answer_in_the_form_is_recognised(lab):
    a, b, c = fields(lab.rng)
    texts = [
        f"gadget_type: {a}; location: {b}; explanation: {c}",
        f"  Gadget_Type : {a};\nLOCATION: {b};\n  explanation: {c}\n",
        f"gadget_type:{a};location:{b};explanation:{c}",
        f"gadget_type: {a}; location: {b}; explanation: {c}; it stays there; always.",
        f"gadget_type: {a}; location: {b}; explanation: {c}\nand more: see location 4",
        f"gadget_type: {a}; location: {b}; explanation: {c};",
        f"gadget_type: {a}; location: {b}; explanation: see the location: {b}",
        f"gadget_type: {a}; location: {b}\n(the upper one); explanation: {c}",
        f"gadget_type: {a}; location: {b}; explanation: {c}\nlocation: in the same place",
    ]
    check_forms(
        lab,
        dict.fromkeys(texts, True),
        "three fields in order, none empty; only ';' begins a part; the explanation may hold more of them",
    )


@pytest.mark.todo("1.6", points=2)
def test_a_missing_misplaced_or_empty_field_is_not_the_form(lab):
    a, b, c = fields(lab.rng)
    texts = [
        "",
        a,
        f"gadget_type: {a}; location: {b}",
        f"gadget_type: {a}; explanation: {c}",
        f"location: {b}; gadget_type: {a}; explanation: {c}",
        f"gadget_type: {a}; explanation: {c}; location: {b}",
        f"gadget_type: ; location: {b}; explanation: {c}",
        f"gadget_type: {a}; location: --; explanation: {c}",
        f"gadget_type: {a}; location: {b}; explanation:",
        f"gadget_type: {a}; location: {b}; explanation: ; {c}",
        f"gadget_type {a}; location {b}; explanation {c}",
        f"gadget type: {a}; location: {b}; explanation: {c}",
        f"gadget_type: {a}, location: {b}, explanation: {c}",
        f"gadget_type: {a}; and more; location: {b}; explanation: {c}",
        f"{c}; gadget_type: {a}; location: {b}; explanation: {c}",
        f"Sure: gadget_type: {a}; location: {b}; explanation: {c}",
    ]
    good = f"gadget_type: {a}; location: {b}; explanation: {c}"
    check_forms(
        lab, {good: True, **dict.fromkeys(texts, False)}, "each of the three fields in its place, none empty"
    )


@pytest.mark.todo("1.6", points=1)
def test_an_answer_that_starts_over_is_not_the_form(lab):
    a, b, c = fields(lab.rng)
    good = f"gadget_type: {a}; location: {b}; explanation: {c}"
    texts = [
        f"{good}; gadget_type: {a}",
        f"{good}; Location: {b}",
        f"{good}; {c}; explanation : {c}",
        f"{good}\n; gadget_type:",
        f"gadget_type: {a}; gadget_type: {a}; location: {b}; explanation: {c}",
    ]
    check_forms(
        lab,
        {good: True, f"{good}; locations: two": True, **dict.fromkeys(texts, False)},
        "no later part begins with one of the three keys: each key comes once",
    )


# ---- 1.7 ensemble_vote -------------------------------------------------------------------------------------


def check_votes(lab, ballots: list[oracle.Labels], rule: str) -> None:
    def same(got: object, want: dict, hint: str = "") -> None:
        assert isinstance(got, dict) and got.keys() == want.keys(), "a dict of label, votes, n, share and tie"
        for name in ("label", "votes", "n", "tie"):
            assert_equal(got[name], want[name], hint)
        assert_close(got["share"], want["share"], hint)

    check_all(lab.method.ensemble_vote, [(b,) for b in ballots], oracle.vote, blame.vote_mistakes, rule, same)


@pytest.mark.todo("1.7", points=2)
def test_the_winner_has_the_most_votes_and_its_share_of_all_models(lab):
    a, b, c = oracle.names(lab.rng, 3)
    ballots: list[oracle.Labels] = [[a, b, b], [a], [a, a, None], [c, b, a, c, None, c], [b] * 5]
    ballots += [oracle.labels(lab.rng, size, 3) for size in (5, 7, 9, 11)]
    check_votes(lab, ballots, "the winner, its votes, the number of all models, and votes / n")


@pytest.mark.todo("1.7", points=2)
def test_ties_go_to_the_earliest_label_and_are_told(lab):
    a, b, c = oracle.names(lab.rng, 3)
    ballots: list[oracle.Labels] = [
        [a, b],
        [b, a],
        [c, a, b],
        [a, b, b, a],
        [b, a, a, b, c],
        [None, c, a, None],
    ]
    ballots += [[a, b, b, c, c, a, None], [c, b, a, b, c]]
    for _ in range(4):
        x, y, z = oracle.names(lab.rng, 3)
        ballots.append(pick(lab.rng, [x, x, y, y, z], 5))
    check_votes(
        lab, ballots, "of labels with the same count the one that occurs earliest wins, and tie is True"
    )


@pytest.mark.todo("1.7", points=1)
def test_a_missing_label_is_no_vote(lab):
    a, b = oracle.names(lab.rng, 2)
    ballots: list[oracle.Labels] = [[], [None], [None, None, None], [None, None, a], [None, a, b, None, None]]
    ballots += [oracle.labels(lab.rng, 6, 2, none_share=0.6) for _ in range(4)]
    check_votes(
        lab, ballots, "None is no vote; with no votes label is None, votes 0, share 0.0 and tie False"
    )


# ---- 1.8 parse_verdict -------------------------------------------------------------------------------------


def check_verdicts(lab, replies: dict[str, str | None], rule: str) -> None:
    check_all(
        lab.method.parse_verdict, [(t,) for t in replies], replies.__getitem__, blame.verdict_mistakes, rule
    )


@pytest.mark.todo("1.8", points=2)
def test_every_verdict_is_read_in_every_dress(lab):
    replies: dict[str, str | None] = {}
    for verdict in VERDICTS:
        why = cases.excerpt(lab.rng)
        replies |= {
            f"VERDICT: {verdict}": verdict,
            f"{why}\nVERDICT: {verdict}\n": verdict,
            f"{why}\n\n**Verdict: {verdict.lower()}**\n\n  \n": verdict,
            f"`verdict:{verdict}`": verdict,
            f"{why}\n  VERDICT:   {verdict}.  ": verdict,
            f"{why}\r\n**VERDICT: {verdict}.**": verdict,
            f"{why}\n**VERDICT: {verdict}**.": verdict,
        }
    check_verdicts(lab, replies, "the last line that isn't blank is VERDICT: and one of the four words")


@pytest.mark.todo("1.8", points=2)
def test_no_verdict_hides_inside_other_words(lab):
    replies: dict[str, str | None] = {f"VERDICT: {v}": v for v in VERDICTS}
    for verdict in pick(lab.rng, VERDICTS, 3):
        other = next(v for v in VERDICTS if v != verdict)
        replies |= {
            f"VERDICT: not {verdict}": None,
            f"VERDICT: NOT_{verdict}": None,
            f"VERDICT: {verdict} or {other}": None,
            f"VERDICT: {verdict} (nearly)": None,
            f"VERDICT: {verdict}, I think": None,
            f"My VERDICT: {verdict}": None,
            f"VERDICT: {verdict}_OR_SO": None,
            f"Final verdict: {verdict}": None,
            f"> VERDICT: {verdict}": None,
            f'"VERDICT: {verdict}"': None,
            f"VERDICT: **{verdict}**": None,
            f"VERDICT : {verdict}": None,
            f"VERDICT: {verdict}..": None,
        }
    replies |= {
        "VERDICT: AGREEMENT": None,
        "VERDICT: FULL": None,
        "VERDICT: FULL AGREEMENT": None,
        "VERDICT: FULL_AGREEMENT | INVALID": None,
    }
    check_verdicts(lab, replies, "all of the last line must match: nothing else before, between or behind")


@pytest.mark.todo("1.8", points=2)
def test_only_the_last_line_counts(lab):
    one, two = pick(lab.rng, VERDICTS, 2)
    replies = {
        f"VERDICT: {one}\nNo, wait.\nVERDICT: {two}": two,
        f"VERDICT: {one}\nThat is what I think.": None,
        f"First I saw {one}.\nVERDICT: {two}": two,
        f"VERDICT: {one}\nVERDICT: not {two}": None,
        f"VERDICT:\n{one}": None,
        f"VERDICT: {one}\n\n{two}": None,
        f"VERDICT: {one}\n\n \t\n": one,
        f"Is it {one}, {two} or neither?\nVERDICT: {one}": one,
    }
    check_verdicts(lab, replies, "the last line that isn't blank decides, whatever stands above it")


@pytest.mark.todo("1.8", points=1)
def test_a_reply_without_a_verdict_is_none_and_never_a_default(lab):
    one = pick(lab.rng, VERDICTS)
    texts = [
        "",
        "\n \n",
        one,
        f"I choose {one}.",
        "VERDICT:",
        "VERDICT",
        "The labels agree.",
        f"Verdict {one}",
    ]
    texts += [f"VERDICT = {one}", f"VERDICT: {one[:-1]}", f"VERDICT: {one}?", cases.excerpt(lab.rng, 2)]
    check_verdicts(lab, {f"VERDICT: {one}": one, **dict.fromkeys(texts)}, "what can't be read is None")


# ---- 1.9 combine_verdicts ----------------------------------------------------------------------------------


def check_orders(lab, pairs: list[tuple[str | None, str | None]], rule: str) -> None:
    check_all(lab.method.combine_verdicts, pairs, oracle.combined, blame.combined_mistakes, rule)


@pytest.mark.todo("1.9", points=2)
def test_orders_that_say_the_same_are_consistent_and_others_are_not(lab):
    both = [(v, v) for v in VERDICTS]
    mixed = [(a, b) for a in VERDICTS for b in VERDICTS if a != b and {a, b} & {"DISAGREEMENT", "INVALID"}]
    order = [int(i) for i in lab.rng.permutation(len(both) + len(mixed))]
    check_orders(
        lab, [[*both, *mixed][i] for i in order], "the common verdict, or None where the orders contradict"
    )


@pytest.mark.todo("1.9", points=1)
def test_full_and_partial_support_partial_agreement(lab):
    pairs = [(a, b) for a in VERDICTS[:2] for b in VERDICTS[:2]] + [("PARTIAL_AGREEMENT", "DISAGREEMENT")]
    check_orders(
        lab, pairs, "full and partial, in any order, agree, aren't consistent, and give PARTIAL_AGREEMENT"
    )


@pytest.mark.todo("1.9", points=1)
def test_an_unread_order_leaves_no_verdict_and_other_words_are_refused(lab):
    pairs = [(None, None), *((v, None) for v in VERDICTS), *((None, v) for v in VERDICTS)]
    check_orders(lab, pairs, "None is no verdict: nothing is consistent with it, and nothing agrees with it")
    hint = "a text that is no verdict must still be refused: leave the check above your code"
    for wrong in ("AGREEMENT", "full_agreement", ""):
        assert_refuses(lambda w=wrong: lab.method.combine_verdicts(w, "INVALID"), hint)


# ---- 1.10 cohen_kappa --------------------------------------------------------------------------------------


def check_cohen(lab, pairs: list[tuple[list, list]], rule: str) -> None:
    judge(
        [
            Case(
                lambda pair=pair: lab.evaluate.cohen_kappa(*pair),
                oracle.cohen(*pair),
                lambda pair=pair: blame.cohen_mistakes(*pair),
                f"{len(pair[0])} items",
            )
            for pair in pairs
        ],
        rule,
        near,
    )


@pytest.mark.todo("1.10", points=2)
def test_it_is_the_agreement_beyond_chance(lab):
    table = (["p"] * 25 + ["q"] * 25, ["p"] * 20 + ["q"] * 5 + ["p"] * 10 + ["q"] * 15)
    pairs = [table, *(oracle.two_raters(lab.rng, n, k, 0.6) for n, k in ((40, 2), (55, 3), (80, 5)))]
    check_cohen(lab, pairs, "(p_o - p_e) / (1 - p_e), with p_e from each rater's own shares")


@pytest.mark.todo("1.10", points=1)
def test_labels_that_only_one_rater_uses_and_worse_than_chance_count(lab):
    a, b, c = oracle.names(lab.rng, 3)
    pairs = [([a, a, b, c], [a, b, b, b]), ([a, b, a, b, a], [b, a, b, a, b]), ([1, 2, 2, 0], [1, 2, 0, 0])]
    pairs += [([a] * 6, [a] * 5 + [b]), ([True, False, True], [True, True, True])]
    check_cohen(lab, pairs, "every label counts, also one that only one rater gave; kappa may be below 0")


@pytest.mark.todo("1.10", points=1)
def test_what_has_no_kappa_is_nan_or_refused(lab):
    a, b = oracle.names(lab.rng, 2)
    got = lab.evaluate.cohen_kappa([a] * 4, [a] * 4)
    hint = mistake(got, {"full agreement on one label isn't kappa 1": 1.0, "nor is it 0": 0.0})
    assert oracle.is_nan(got), (
        hint or "both gave one label to everything: chance agreement is 1, kappa is NaN"
    )
    check_cohen(lab, [([a, b], [a, b]), ([a] * 3, [b] * 3)], "with different labels it is defined")
    hint = "None among the labels was accepted: raise ValueError"
    assert_refuses(lambda: lab.evaluate.cohen_kappa([a, None, b], [a, b, b]), hint)
    assert_refuses(lambda: lab.evaluate.cohen_kappa([a, b], [None, b]), hint)
    hint = "no items, or uneven lists, must still be refused: leave the check above your code"
    assert_refuses(lambda: lab.evaluate.cohen_kappa([], []), hint)
    assert_refuses(lambda: lab.evaluate.cohen_kappa([a], [a, b]), hint)


# ---- 1.11 fleiss_kappa, 1.12 gwet_ac1 ----------------------------------------------------------------------


def check_many(function, right, likely, tables: list[tuple], rule: str) -> None:
    judge(
        [
            Case(
                lambda given=given: function(*given),
                right(*given),
                lambda given=given: likely(*given),
                f"{len(given[0])} items with {len(given[0][0])} ratings",
            )
            for given in tables
        ],
        rule,
        near,
    )


def refuse_bad_ratings(function) -> None:
    hint = "None among the labels was accepted: raise ValueError"
    assert_refuses(lambda: function([["x", "y"], ["x", None]]), hint)
    hint = "no items, one rating or uneven items must still be refused: leave the check above your code"
    for rows in ([], [["x"], ["y"]], [["x", "y"], ["x", "y", "x"]]):
        assert_refuses(lambda rows=rows: function(rows), hint)


@pytest.mark.todo("1.11", points=2)
def test_it_is_the_share_of_equal_pairs_beyond_chance(lab):
    sizes = ((12, 3, 3), (20, 4, 2), (9, 7, 4), (30, 3, 5))
    tables = [(oracle.many_raters(lab.rng, *size, skill=0.6),) for size in sizes]
    check_many(
        lab.evaluate.fleiss_kappa,
        oracle.fleiss,
        blame.fleiss_mistakes,
        tables,
        "P from the pairs of each item, P_e = sum of p_c²",
    )


@pytest.mark.todo("1.11", points=1)
def test_for_two_raters_it_does_not_matter_who_said_what(lab):
    tables = []
    for size in (25, 40):
        a, b = oracle.two_raters(lab.rng, size, 3, 0.6)
        rows = [[x, y] if lab.rng.random() < 0.5 else [y, x] for x, y in zip(a, b, strict=True)]
        tables.append((rows,))
    rule = "with two raters it is Scott's pi: the shares are those of all ratings together"
    check_many(
        lab.evaluate.fleiss_kappa,
        oracle.fleiss,
        blame.fleiss_mistakes,
        [*tables, ([["x", "y"], ["y", "x"]],)],
        rule,
    )


@pytest.mark.todo("1.11", points=1)
def test_one_label_has_no_fleiss_kappa_and_bad_tables_are_refused(lab):
    got = lab.evaluate.fleiss_kappa([["x"] * 3] * 4)
    assert oracle.is_nan(got), "every rating is the same label: P_e is 1, and kappa is NaN, neither 1 nor 0"
    check_many(
        lab.evaluate.fleiss_kappa,
        oracle.fleiss,
        blame.fleiss_mistakes,
        [([["x", "x"], ["y", "y"]],)],
        "1.0 for full agreement",
    )
    refuse_bad_ratings(lab.evaluate.fleiss_kappa)


@pytest.mark.todo("1.12", points=2)
def test_chance_is_how_uncertain_the_classes_are(lab):
    rare = [["no", "no"]] * 17 + [["no", "yes"], ["yes", "no"], ["yes", "yes"]]
    sizes = ((12, 3, 3), (20, 4, 2), (9, 5, 4))
    tables = [(rare,), *((oracle.many_raters(lab.rng, *size, skill=0.6),) for size in sizes)]
    check_many(
        lab.evaluate.gwet_ac1,
        oracle.ac1,
        blame.ac1_mistakes,
        tables,
        "P as in Fleiss, P_e = mean of p_c (1 - p_c) over K - 1",
    )


@pytest.mark.todo("1.12", points=1)
def test_classes_that_nobody_used_count_if_they_are_named(lab):
    tables = []
    for items, raters, classes in ((15, 3, 2), (18, 2, 3)):
        rows = oracle.many_raters(lab.rng, items, raters, classes, skill=0.6)
        rows.append([oracle.names(lab.rng, 2)[0]] * raters)  # so that two labels occur at least
        used = len(oracle.shares_of(rows))
        tables += [(rows, used), (rows, used + 3)]
    check_many(
        lab.evaluate.gwet_ac1, oracle.ac1, blame.ac1_mistakes, tables, "K is n_classes where it is given"
    )


@pytest.mark.todo("1.12", points=1)
def test_one_label_is_full_agreement_and_bad_tables_are_refused(lab):
    for classes in (None, 1, 4):
        got = lab.evaluate.gwet_ac1([["x"] * 3] * 4, classes)
        hint = "where only one label occurs everybody agrees: exactly 1.0, not NaN and not an error"
        assert_close(got, 1.0, hint)
    hint = "n_classes below the number of different labels that occur was accepted: raise ValueError"
    assert_refuses(lambda: lab.evaluate.gwet_ac1([["x", "y"], ["z", "z"]], 2), hint)
    assert_refuses(lambda: lab.evaluate.gwet_ac1([["x", "y"], ["x", "x"]], 0), hint)
    refuse_bad_ratings(lab.evaluate.gwet_ac1)


# ---- 1.13 error_correlation --------------------------------------------------------------------------------


@pytest.mark.todo("1.13", points=2)
def test_it_is_the_correlation_of_the_two_indicators(lab):
    pairs = []
    for size, together in ((40, 0.7), (60, 0.2), (50, 0.0)):
        a = [bool(lab.rng.random() < 0.35) for _ in range(size)]
        b = [x if lab.rng.random() < together else bool(lab.rng.random() < 0.5) for x in a]
        a[:2], b[:2] = [True, False], [False, True]  # so that both vary
        pairs.append((a, b))
    opposite = ([True, False, False, True, False], [False, True, True, False, False])
    judge(
        [
            Case(
                lambda pair=pair: lab.evaluate.error_correlation(*pair),
                oracle.phi(*pair),
                lambda pair=pair: blame.phi_mistakes(*pair),
                f"{len(pair[0])} items",
            )
            for pair in [*pairs, opposite]
        ],
        "phi: (n11 n00 - n10 n01) over the root of the product of the four margins",
        near,
    )


@pytest.mark.todo("1.13", points=1)
def test_errors_that_do_not_vary_have_no_correlation(lab):
    some = [bool(flag) for flag in lab.rng.permutation([True, True, False, False, True])]
    for constant in ([True] * 5, [False] * 5):
        for pair in ((some, constant), (constant, some), (constant, constant)):
            got = lab.evaluate.error_correlation(*pair)
            hint = mistake(got, {"a model that is wrong on all or none has no correlation: NaN, not 0": 0.0})
            assert oracle.is_nan(got), hint or "a margin is 0: the correlation isn't defined, give NaN"
    assert_close(lab.evaluate.error_correlation(some, some), 1.0, "the same errors: 1.0")
    hint = "no items, or uneven lists, must still be refused: leave the check above your code"
    assert_refuses(lambda: lab.evaluate.error_correlation([], []), hint)
    assert_refuses(lambda: lab.evaluate.error_correlation(some, some[1:]), hint)


# ---- 1.14 independent_agreement ----------------------------------------------------------------------------


def check_independent(lab, given: list[tuple[float, float, int]], rule: str) -> None:
    check_all(
        lab.evaluate.independent_agreement, given, oracle.independent, blame.independent_mistakes, rule, near
    )


@pytest.mark.todo("1.14", points=2)
def test_it_adds_up_all_outcomes_of_two_independent_models(lab):
    given = [(0.5, 0.5, 3), (0.7, 0.6, 9), (0.9, 0.2, 2)]
    given += [
        (float(lab.rng.uniform(0.1, 0.9)), float(lab.rng.uniform(0.1, 0.9)), int(k)) for k in (2, 4, 30)
    ]
    check_independent(lab, given, "right together, over right together or wrong on the same of K - 1 classes")


@pytest.mark.todo("1.14", points=1)
def test_edges_are_exact_and_what_is_no_accuracy_is_refused(lab):
    p = float(lab.rng.uniform(0.2, 0.8))
    check_independent(
        lab, [(1.0, p, 5), (0.0, p, 5), (1.0, 1.0, 2), (0.0, 0.0, 3)], "accuracies of 0 and 1 are fine"
    )
    for pair in ((1.0, 0.0), (0.0, 1.0)):
        got = lab.evaluate.independent_agreement(*pair, 4)
        assert oracle.is_nan(got), "one is always right, the other never: they can't agree, give NaN"
    hint = "an accuracy outside [0, 1], or fewer than 2 classes, was accepted: raise ValueError"
    for bad in ((1.01, p, 3), (p, -0.01, 3), (p, p, 1), (p, p, 0), (float("nan"), p, 3), (p, 55.0, 3)):
        assert_refuses(lambda bad=bad: lab.evaluate.independent_agreement(*bad), hint)


# ---- 1.15 risk_coverage ------------------------------------------------------------------------------------


def check_risk(lab, given: list[tuple[list[float], list[bool]]], rule: str) -> None:
    def same(got: object, want: tuple, hint: str = "") -> None:
        assert isinstance(got, (tuple, list)) and len(got) == 2, "two lists: coverage and risk"
        for part, right in zip(got, want, strict=True):
            near(list(part), right, hint)

    def likely(confidence: list[float], correct: list[bool]) -> dict:
        return blame.risk_mistakes(confidence, correct)

    judge(
        [
            Case(
                lambda g=g: tuple(list(part) for part in lab.evaluate.risk_coverage(*g)),
                oracle.risk(*g),
                lambda g=g: likely(*g),
                f"{len(g[0])} items",
            )
            for g in given
        ],
        rule,
        same,
    )


def answers(rng, size: int, levels: int | None = None) -> tuple[list[float], list[bool]]:
    """Confidences (from so few levels) and verdicts that they say something about."""
    if levels is None:
        confidence = [float(value) for value in rng.permutation(size) / size]
    else:
        confidence = [float(rng.integers(levels)) / levels for _ in range(size)]
    return confidence, [bool(rng.random() < 0.2 + 0.6 * value) for value in confidence]


@pytest.mark.todo("1.15", points=2)
def test_items_with_the_same_confidence_come_in_together(lab):
    given = [answers(lab.rng, size, levels) for size, levels in ((24, 3), (40, 6), (15, 2))]
    by_hand = ([0.5, 0.5, 0.5], [True, False, False])
    check_risk(lab, [*given, by_hand], "one point for each different confidence, the items with it together")


@pytest.mark.todo("1.15", points=2)
def test_the_most_confident_answers_come_first(lab):
    given = [answers(lab.rng, size) for size in (9, 20)]
    negative = ([-3.5, -0.2, -7.0, -1.0], [False, True, True, False])
    order = ([1.0, 3.0, 2.0], [False, True, True])
    close = ([0.5, 0.5 - 1e-9, 0.5 + 1e-9, 0.1], [True, False, False, True])  # near, and yet different
    check_risk(
        lab,
        [*given, negative, order, close],
        "from the highest confidence down, the share of wrong ones so far",
    )


@pytest.mark.todo("1.15", points=1)
def test_extremes_are_points_too_and_nan_is_refused(lab):
    confidence, correct = answers(lab.rng, 12, 4)
    check_risk(
        lab,
        [([float("-inf"), 0.0, float("inf")], [True, False, True]), ([0.3], [False])],
        "any numbers will do",
    )
    confidence[int(lab.rng.integers(12))] = float("nan")
    hint = "a confidence of NaN was accepted; the items can't be ordered: raise ValueError"
    assert_refuses(lambda: lab.evaluate.risk_coverage(confidence, correct), hint)
    hint = "no items, or uneven lists, must still be refused: leave the check above your code"
    assert_refuses(lambda: lab.evaluate.risk_coverage([], []), hint)
    assert_refuses(lambda: lab.evaluate.risk_coverage([0.1], [True, False]), hint)


# ---- 1.16 report_record ------------------------------------------------------------------------------------


def record_case(rng, values: oracle.Labels) -> tuple[int, str, dict, dict, dict]:
    models = pick(rng, ["flan-t5-small", "distilgpt2", "nano-gpt", "flan-t5-base"], len(values))
    texts = {name: f"gadget_type: {value}; location: x" for name, value in zip(models, values, strict=True)}
    labels = {name: value and f"{value.title()} gadget" for name, value in zip(models, values, strict=True)}
    return int(rng.integers(500)), cases.target(rng), texts, labels, dict(zip(models, values, strict=True))


def record_of(given: tuple, full: bool, judgment: dict | None = None) -> dict:
    number, gold, texts, labels, normal = given
    agreement = {"full_agreement": full, "gadget_types": labels, "normalized_types": normal}
    if judgment is not None:
        agreement["semantic_agreement"] = judgment["semantic_agreement"]
        agreement["llm_judgment"] = {"verdict": judgment["verdict"], "explanation": judgment["explanation"]}
    return {"example_id": number, "gold_output": gold, "predictions": texts, "agreement": agreement}


def record_mistake(got: object, want: dict, judgment: dict | None = None) -> str:
    if not isinstance(got, dict) or got.keys() != want.keys():
        return "an entry has exactly the published keys: example_id, gold_output, predictions, agreement"
    inner, agreement = got["agreement"], want["agreement"]
    if not isinstance(inner, dict) or inner.keys() != agreement.keys():
        said = (
            " semantic_agreement and llm_judgment belong to it only with a judgment"
            if judgment is None
            else ""
        )
        return f"agreement has exactly the published keys.{said}"
    if inner["full_agreement"] != agreement["full_agreement"] or type(inner["full_agreement"]) is not bool:
        return "full_agreement is True or False: every model has a label, and all of them are the same"
    if judgment is not None and inner["semantic_agreement"] != agreement["semantic_agreement"]:
        return "semantic_agreement is the judgment's own, taken over as it is; the verdict doesn't decide it"
    if judgment is not None and inner["llm_judgment"] != agreement["llm_judgment"]:
        return "llm_judgment has exactly the keys verdict and explanation"
    return "the values are taken over as they are: texts, labels as written, and normalised labels"


def check_record(lab, given: tuple, full: bool, judgment: dict | None = None) -> None:
    arguments = given if judgment is None else (*given, judgment)
    got, want = lab.evaluate.report_record(*arguments), record_of(given, full, judgment)
    assert_equal(got, want, record_mistake(got, want, judgment))


@pytest.mark.todo("1.16", points=1)
def test_an_entry_has_exactly_the_published_keys(lab):
    a, b = oracle.names(lab.rng, 2)
    check_record(lab, record_case(lab.rng, [a, a]), True)
    check_record(lab, record_case(lab.rng, [a, b, a]), False)
    given = record_case(lab.rng, [a, b])
    other = {**given[3], "another model": "x"}
    hint = "dicts that name different models must still be refused: leave the check above your code"
    assert_refuses(lambda: lab.evaluate.report_record(*given[:3], other, given[4]), hint)


@pytest.mark.todo("1.16", points=1)
def test_full_agreement_needs_a_label_of_every_model(lab):
    a, b, c = oracle.names(lab.rng, 3)
    table = [
        ([a, a, a], True),
        ([a, a, b], False),
        ([a, None], False),
        ([None, None], False),
        (["", ""], False),
    ]
    table += [([a, None, a], False), ([b, a, a], False), ([a, b, c], False), ([b, b], True), ([a, ""], False)]
    for values, full in table:
        given = record_case(lab.rng, values)
        got = lab.evaluate.report_record(*given)["agreement"]["full_agreement"]
        words = {
            "None == None is True: models that wrote nothing readable don't agree": len(set(values)) == 1,
            "a model without a label doesn't agree with the others": len(set(values) - {None, ""}) == 1,
            "only the first two labels were compared; all models count": values[0] == values[1],
            "two equal labels are not enough; all models must agree": len(set(values)) < len(values),
        }
        assert_equal(got, full, mistake(got, words, "every model has a label, and all are the same"))
    number, gold, texts, _, normal = record_case(lab.rng, [a, a])
    spelled = dict(zip(normal, (a.upper(), f"{a} gadget"), strict=True))
    got = lab.evaluate.report_record(number, gold, texts, spelled, normal)["agreement"]["full_agreement"]
    hint = "the labels as written were compared; agreement is between normalised labels"
    assert_equal(got, True, hint)


@pytest.mark.todo("1.16", points=1)
def test_a_judgment_stands_beside_the_strings_and_changes_nothing_else(lab):
    a, b = oracle.names(lab.rng, 2)
    judgment = {
        "verdict": "PARTIAL_AGREEMENT",
        "explanation": cases.excerpt(lab.rng),
        "semantic_agreement": True,
    }
    check_record(lab, record_case(lab.rng, [a, b]), False, judgment)
    none = {"verdict": None, "explanation": "", "semantic_agreement": False}
    check_record(lab, record_case(lab.rng, [a, a]), True, none)
    check_record(lab, record_case(lab.rng, [b, None, b]), False, none)
    half = {**judgment, "semantic_agreement": False}  # another pair of the three may disagree
    check_record(lab, record_case(lab.rng, [a, b, b]), False, half)


# ---- the notebook's values ---------------------------------------------------------------------------------


def number_value(notebook, value_id: str) -> float:
    got = notebook.value(value_id)
    assert type(got) in (int, float), f"{value_id} is one number"
    return float(got)


@pytest.mark.value("1.V1", points=3)
def test_value_agreement_rate(notebook):
    got, records = number_value(notebook, "1.V1"), notebook.records
    hint = value_mistake(
        got,
        truth.agreement_mistakes(records),
        "the share of all examples on which both normalised labels are equal",
    )
    assert_close(got, truth.agreement_rate(records), hint, rtol=0, atol=6e-4)


@pytest.mark.value("1.V2", points=3)
def test_value_interval(notebook):
    got, records = notebook.value("1.V2"), notebook.records
    assert type(got) in (list, tuple) and len(got) == 2, "1.V2 is a list of two floats: [low, high]"
    assert all(type(bound) in (int, float) for bound in got), "1.V2 is a list of two floats: [low, high]"
    likely = {**truth.interval_mistakes(records), "low comes before high": truth.interval(records)[::-1]}
    named = [
        w for w, value in likely.items() if all(abs(a - b) < 6e-4 for a, b in zip(got, value, strict=True))
    ]
    hint = named[0] if named else "Wilson's 95 % interval of the first model's accuracy where both agree"
    assert_close(list(got), truth.interval(records), hint, rtol=0, atol=6e-4)


@pytest.mark.value("1.V3", points=3)
def test_value_changed_labels(notebook):
    got, records = number_value(notebook, "1.V3"), notebook.records
    hint = value_mistake(
        got,
        truth.changed_mistakes(records),
        "the share of the readable labels that the published normaliser changes",
    )
    assert_close(got, truth.changed_labels(records), hint, rtol=0, atol=6e-4)


@pytest.mark.value("1.V4", points=3)
def test_value_honest_gain(notebook):
    got, records = number_value(notebook, "1.V4"), notebook.records
    hint = value_mistake(
        got,
        truth.gain_mistakes(records),
        "semantic agreement in both orders minus string agreement, over all pairs",
    )
    assert_close(got, truth.honest_gain(records), hint, rtol=0, atol=6e-4)


@pytest.mark.value("1.V5", points=3)
def test_value_phi(notebook):
    got, records = number_value(notebook, "1.V5"), notebook.records
    hint = value_mistake(got, truth.phi_mistakes(records), "the correlation of the two models' errors")
    assert_close(got, truth.error_phi(records), hint, rtol=0, atol=6e-4)
