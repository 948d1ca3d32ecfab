"""Lab 2, the tests that give points.

Every test says in words what a finished function does. Inputs come from `lab.rng`, seeded anew for each
submission, and from hand-made edge cases; what is right comes from lab2_oracles.py and lab2_cases.py, never
from the solutions. A message names the mistake and holds no expected value.

PYTEST_DONT_REWRITE: pytest would add the compared values to the message of a bare assert.
"""

from __future__ import annotations

import functools
import math
import re

import pytest

from grading.hidden import lab2_blame as blame
from grading.hidden import lab2_blame_numbers as number_blame
from grading.hidden import lab2_cases as cases
from grading.hidden import lab2_oracles as oracle
from grading.hidden import lab2_records as truth
from grading.hidden.judging import assert_refuses, check_all, value_mistake
from grading.hidden.lab2_oracles import pick, question, reason
from grading.hidden.lab2_records import make_records as make_records  # the grader finds it here by name
from labkit.testing import assert_close, assert_equal, mistake

near = functools.partial(assert_close, rtol=1e-9, atol=1e-9)


def check_texts(function, texts: dict, likely, rule: str) -> None:
    """Every text is read as the table says."""
    check_all(function, [(text,) for text in texts], texts.__getitem__, likely, rule)


def same_numbers(got: object, want: object, hint: str = "") -> None:
    """Dicts of counts and shares: NaN is NaN, shares within 1e-9, counts exact."""
    oracle.near(got, want, hint)


def named(got: object, likely: dict, otherwise: str) -> str:
    """The first mistake whose numbers are these, NaN included."""
    for words, value in likely.items():
        try:
            oracle.near(got, value)
        except AssertionError:
            continue
        return words
    return otherwise


# ---- 2.1 parse_draft ---------------------------------------------------------------------------------------


def drafted(answer: bool | None, reasoning: str = "", questions: list[str] | None = None) -> dict:
    return {"answer": answer, "reasoning": reasoning, "questions": questions or []}


@pytest.mark.todo("2.1", points=1)
def test_a_draft_has_its_answer_reason_and_questions(lab):
    r, (q, p) = reason(lab.rng), (question(lab.rng), question(lab.rng))
    texts = {
        f"Answer: Yes - {r}\nQuestions: {q} {p}": drafted(True, r, [q, p]),
        f"  answer:   NO   –   {r}  \n\n QUESTIONS:{q}": drafted(False, r, [q]),
        f"**Answer:** Yes - *{r}*\n**Questions:** {q}": drafted(True, r, [q]),
        f"Sure.\nAnswer: no, {r}": drafted(False, r),
        "Answer: Yes.": drafted(True),
        f"Answer: No: {r}\nQuestions:": drafted(False, r),
        f"Answer: Yes — {r} - and more": drafted(True, f"{r} - and more"),
        f"Answer: Yes -{r}": drafted(True, r),
        f"Answer: NO ;{r}": drafted(False, r),
        f"Questions: {q}\nAnswer: Yes - {r}": drafted(True, r, [q]),
    }
    check_texts(
        lab.data.parse_draft, texts, blame.draft_mistakes, "answer, reasoning and questions of a draft"
    )


@pytest.mark.todo("2.1", points=2)
def test_a_draft_that_does_not_answer_has_none(lab):
    r, q = reason(lab.rng), question(lab.rng)
    texts = {
        f"Answer: Yes/No - {r}\nQuestions: {q}": drafted(None, "", [q]),
        f"Answer: Yes or no - {r}": drafted(None),
        "Answer: No idea": drafted(None),
        f"Answer: No-one knows - {r}": drafted(None),
        f"Answer: Not sure - {r}": drafted(None),
        f"Answer: {r}": drafted(None),
        f"Answer:\nYes - {r}": drafted(None),
        f"Yes - {r}\nQuestions: {q}": drafted(None, "", [q]),
        f"My Answer: Yes - {r}": drafted(None),
        "": drafted(None),
        f"Questions: {q}": drafted(None, "", [q]),
    }
    check_texts(lab.data.parse_draft, texts, blame.draft_mistakes, "no answer in the asked form is None")


@pytest.mark.todo("2.1", points=1)
def test_the_first_answer_line_decides(lab):
    r, s = reason(lab.rng), reason(lab.rng)
    texts = {
        f"Answer: Yes - {r}\nAnswer: No - {s}": drafted(True, r),
        f"Answer: Yes/No\nAnswer: Yes - {r}": drafted(None),
        f"Answer:\nAnswer: No - {s}": drafted(None),
        f"Answer: No - {r}\nQuestions: none\nAnswer: Yes": drafted(False, r),
    }
    check_texts(lab.data.parse_draft, texts, blame.draft_mistakes, "the first 'Answer:' line decides")


@pytest.mark.todo("2.1", points=1)
def test_questions_are_cut_behind_each_question_mark(lab):
    q, p, r = (question(lab.rng) for _ in range(3))
    first, _, rest = q.partition(" ")
    head = "Answer: No - as said\n"
    texts = {
        f"{head}Questions: {q}\n  {p}\n\n{r}\n": drafted(False, "as said", [q, p, r]),
        f"{head}Questions: {q}{p} and so on": drafted(False, "as said", [q, p]),
        f"{head}Questions: {q} {q}": drafted(False, "as said", [q, q]),
        f"Answer: No - {r} Questions: {q}": drafted(False, f"{r} Questions: {q}"),
        f"{head}Questions: ?? {q} ? - ?": drafted(False, "as said", [q]),
        f"{head}Questions: {first}\n  {rest}": drafted(False, "as said", [q]),
        f"{head}Questions: I have none.": drafted(False, "as said"),
    }
    check_texts(
        lab.data.parse_draft, texts, blame.draft_mistakes, "one entry for each '?', white space made one"
    )


# ---- 2.2 parse_teacher -------------------------------------------------------------------------------------


def letter(rng, end: str, start: str = "") -> str:
    steps = f"1. {reason(rng)}.\n2. There is no other way, yes.\n"
    return f"## Teaching Analysis\n{start}\n\n## Step-by-Step Reasoning\n{steps}\n## Final Assessment\n{end}"


def check_letters(lab, ends: dict[str, bool | None], rule: str, start: str = "") -> None:
    texts = {letter(lab.rng, end, start): want for end, want in ends.items()}
    check_texts(lab.data.parse_teacher, texts, blame.teacher_mistakes, rule)


@pytest.mark.todo("2.2", points=2)
def test_the_assessment_is_read_in_its_spellings(lab):
    ends = {
        "Based on this analysis, the answer is: **YES**": True,
        "Based on this analysis, the answer is: **NO**.": False,
        "The Answer Is: **[No]**\n": False,
        "So the answer is YES.\n\nAsk me more.": True,
        'the answer is "no"': False,
        "Based on this analysis, the answer is:   **Yes.**  \r\n": True,
        "the answer is: __NO__": False,
        "My answer is: **YES**": True,
        "the answer is 'Yes'": True,
    }
    check_letters(lab, ends, "YES or NO behind 'answer is', with signs around it")


@pytest.mark.todo("2.2", points=2)
def test_a_negation_or_both_answers_are_none(lab):
    ends = {
        "Based on this analysis, the answer is: **[YES/NO]**": None,
        "the answer is: **YES** or **NO**": None,
        "the answer is not YES": None,
        "the answer is: **not NO**": None,
        "the answer is: unclear, yes and no": None,
        "the answer is: **YES, as far as I know**": None,
        "the answer is: no one knows": None,
        "the answer is: **No. 1**": None,
        "the answer is: **YES?**": None,
        "the answer is:\n**YES**": None,
        "the answer is": None,
    }
    check_letters(lab, ends, "the rest of the line must be YES or NO and nothing else")
    texts = {"": None, f"## Step-by-Step Reasoning\n1. {reason(lab.rng)}. **YES**": None, "YES": None}
    check_texts(lab.data.parse_teacher, texts, blame.teacher_mistakes, "a letter that is cut off doesn't say")


@pytest.mark.todo("2.2", points=1)
def test_only_the_last_statement_counts(lab):
    ends = {
        "Based on this analysis, the answer is: **NO**": False,
        "Based on this analysis, the answer is: **YES**": True,
        "Based on this analysis, the answer is: **[YES/NO]**": None,
        "the answer is: **NO**\nOn second thought, the answer is: **YES**": True,
    }
    rule = "only the last 'answer is' counts"
    check_letters(lab, ends, rule, start="The draft says that the answer is: **YES**\nand its ANSWER IS NO")


# ---- 2.3 quality_report ------------------------------------------------------------------------------------


def check_quality(lab, batches: list[list[dict]], rule: str) -> None:
    for records in batches:
        got = lab.data.quality_report(records)
        hint = f"{named(got, number_blame.quality_mistakes(records), rule)} ({len(records)} records)"
        same_numbers(got, oracle.quality(records), hint)


@pytest.mark.todo("2.3", points=3)
def test_every_count_and_share_is_that_of_the_records(lab):
    check_quality(
        lab,
        [oracle.outputs(lab.rng, size) for size in (12, 40, 90)],
        "counts of unread, wrong and kept; recalls over the gold classes; shares of yes",
    )


@pytest.mark.todo("2.3", points=1)
def test_a_share_of_nothing_is_nan(lab):
    gold = bool(lab.rng.random() < 0.5)
    one = [{"answer": gold, "teacher_answer": gold}] * 3
    lost = [{"answer": gold, "teacher_answer": None}, {"answer": not gold, "teacher_answer": gold}]
    check_quality(lab, [one, lost], "a share of nothing is NaN")


@pytest.mark.todo("2.3", points=1)
def test_no_records_and_unread_gold_are_refused(lab):
    check_quality(lab, [oracle.outputs(lab.rng, 12)], "counts and shares of the records")
    hint = "no records, or a gold answer that is None, must still be refused: leave the check above your code"
    assert_refuses(lambda: lab.data.quality_report([]), hint)
    assert_refuses(lambda: lab.data.quality_report([{"answer": None, "teacher_answer": None}]), hint)


# ---- 2.4 training_text -------------------------------------------------------------------------------------


def example(rng, lines: int = 2) -> dict:
    steps = "\n".join(f"{i + 1}. {reason(rng)}." for i in range(lines))
    return {
        "qid": "q1",
        "question": question(rng),
        "answer": bool(rng.random() < 0.5),
        "rationale": steps,
        "student_draft": "Answer: No - a draft\nQuestions: why?",
        "teacher_reasoning": "## Final Assessment\nthe answer is: **YES**",
    }


def messages(record: dict, target: str) -> list[dict]:
    word = "Answer: Yes" if record["answer"] else "Answer: No"
    said = word if target == "answer" else "\n".join([record["rationale"].strip(), word])
    user = "Question: " + record["question"].strip()
    return [{"role": "user", "content": user}, {"role": "assistant", "content": said}]


def text_mistake(got: object, record: dict, target: str) -> str:
    want = messages(record, target)
    if not isinstance(got, list) or [type(m) for m in got] != [dict, dict]:
        return "the result is a list of two messages, the user's and the assistant's"
    user, said = want[0]["content"], want[1]["content"]
    word = said.splitlines()[-1]
    rationale = record["rationale"].strip()
    other = "Answer: No" if word == "Answer: Yes" else "Answer: Yes"

    def turns(asked: str, answered: str) -> list[dict]:
        return [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]

    likely = {
        "the rationale stands in the prompt; it is what the model must write": turns(
            f"{user}\n{rationale}", word
        ),
        "the rationale stands in the prompt too; it belongs to the target alone": turns(
            f"{user}\n{rationale}", said
        ),
        "the student's draft stands in the prompt; only the question does": turns(
            f"{user}\nStudent draft: {record['student_draft']}", said
        ),
        "the teacher's letter was taken; the target is the record's `rationale`": turns(
            user, f"{record['teacher_reasoning']}\n{word}"
        ),
        "one line end stands before the answer": turns(user, f"{rationale}\n\n{word}"),
        "nothing follows Yes or No": turns(user, f"{said}."),
        "the answer comes last, behind the reasoning": turns(user, f"{word}\n{rationale}"),
        "the answer is missing behind the reasoning": turns(user, rationale),
        "both targets have the same text; 'answer' is the answer alone": messages(
            record, "rationale" if target == "answer" else "answer"
        ),
        "the answer is spelled Yes or No": turns(user, said.replace(word, f"Answer: {record['answer']}")),
        "yes and no were swapped": turns(user, said.replace(word, other)),
        "the question wasn't stripped": turns(f"Question: {record['question']}", said),
        "the rationale wasn't stripped": turns(user, f"{record['rationale']}\n{word}"),
        "white space inside the rationale was changed; only its ends are stripped": turns(
            user, "\n".join([*(x.strip() for x in rationale.splitlines() if x.strip()), word])
        ),
        "the prompt begins with 'Question: '": turns(record["question"].strip(), said),
        "the roles are the user's and the assistant's, in this order": want[::-1],
    }
    return mistake(got, likely, "the question in the user's turn; the rest as the docstring says")


def check_text(lab, record: dict, target: str) -> None:
    got = lab.data.training_text(record, target)
    assert_equal(got, messages(record, target), text_mistake(got, record, target))


@pytest.mark.todo("2.4", points=2)
def test_the_rationale_is_the_target_and_never_in_the_prompt(lab):
    for lines in (1, 3, 4):
        check_text(lab, example(lab.rng, lines), "rationale")


@pytest.mark.todo("2.4", points=2)
def test_the_prompt_is_the_same_for_both_targets(lab):
    for gold in (True, False):
        record = {**example(lab.rng), "answer": gold}
        for target in ("answer", "rationale"):
            check_text(lab, record, target)
    bare = {name: record[name] for name in ("question", "answer")}
    got = lab.data.training_text(bare, "answer")
    assert_equal(got, messages(bare, "answer"), "a record without a rationale can be taught its answer")


@pytest.mark.todo("2.4", points=1)
def test_ends_are_stripped_and_the_inside_stays(lab):
    record = example(lab.rng)
    record |= {
        "question": f" \n{record['question']}\t",
        "rationale": f"\n  {record['rationale']}\n\n  last  \n",
    }
    for target in ("answer", "rationale"):
        check_text(lab, record, target)


@pytest.mark.todo("2.4", points=1)
def test_a_record_without_answer_or_chain_is_refused(lab):
    record = example(lab.rng)
    missing = {name: value for name, value in record.items() if name != "rationale"}
    bad = [
        (record, "both", "an unknown target was accepted"),
        ({**record, "question": " \n"}, "answer", "an empty question was accepted"),
        ({**record, "answer": None}, "answer", "an answer that was never read (None) was accepted"),
        ({**record, "answer": "No"}, "answer", "an answer that is a text, 'No', was accepted"),
        ({**record, "rationale": " "}, "rationale", "an empty rationale was accepted"),
        (missing, "rationale", "a missing rationale was accepted"),
    ]
    for given, target, words in bad:
        hint = f"{words}: raise ValueError"
        assert_refuses(lambda g=given, t=target: lab.data.training_text(g, t), hint)


# ---- 2.5 assistant_mask ------------------------------------------------------------------------------------


def check_row(lab, turns: list[dict], longest: int, name: str = "tiny_tokenizer") -> None:
    got, early = lab.data.assistant_mask(turns, lab.make(name), longest), name == "early_mark_tokenizer"
    want = cases.row_of(turns, longest, early=early)
    assert_equal(got, want, cases.row_mistake(got, turns, longest, early))


@pytest.mark.todo("2.5", points=2)
def test_only_the_assistants_words_and_ends_are_learned(lab):
    check_row(lab, cases.turns(lab.rng, 1), 400)
    check_row(lab, cases.turns(lab.rng, 1, system=True), 400)


@pytest.mark.todo("2.5", points=1)
def test_every_turn_of_the_assistant_is_learned(lab):
    check_row(lab, cases.turns(lab.rng, 3), 1000)


@pytest.mark.todo("2.5", points=2)
def test_the_end_is_learned_also_behind_a_marker_that_closes_early(lab):
    check_row(lab, cases.turns(lab.rng, 1), 400, "early_mark_tokenizer")
    check_row(lab, cases.turns(lab.rng, 2, system=True), 1000, "early_mark_tokenizer")


@pytest.mark.todo("2.5", points=1)
def test_the_end_is_learned_where_pad_and_end_are_one_token_and_rows_are_cut(lab):
    turns = cases.turns(lab.rng, 2)
    check_row(lab, turns, 1000, "pad_is_end_tokenizer")
    full = cases.row_of(turns, 1000)
    first = next(i for i, label in enumerate(full["labels"]) if label != cases.IGNORE)
    for longest in (len(full["labels"]) - 2, first + 3, first, 2, 1):
        check_row(lab, turns, longest)


@pytest.mark.todo("2.5", points=1)
def test_a_template_that_marks_nothing_is_an_error(lab):
    turns = cases.turns(lab.rng, 1)
    hint = "a template without markers gives no label at all, silently: raise ValueError"
    assert_refuses(lambda: lab.data.assistant_mask(turns, lab.make("unmarked_tokenizer"), 400), hint)
    hint = "without an assistant's turn nothing can be learned: raise ValueError"
    assert_refuses(lambda: lab.data.assistant_mask(turns[:1], lab.make("tiny_tokenizer"), 400), hint)
    hint = "a length below 1 must still be refused: leave the check above your code"
    assert_refuses(lambda: lab.data.assistant_mask(turns, lab.make("tiny_tokenizer"), 0), hint)


# ---- 2.6 kept_prior ----------------------------------------------------------------------------------------


def shares(rng, count: int) -> list[float]:
    return [float(rng.uniform(0.05, 0.95)) for _ in range(count)]


@pytest.mark.todo("2.6", points=2)
def test_the_kept_share_follows_from_prior_and_recalls(lab):
    given = [tuple(shares(lab.rng, 3)) for _ in range(5)] + [(0.455, 39 / 91, 98 / 109)]
    check_all(
        lab.method.kept_prior,
        given,
        oracle.prior_kept,
        number_blame.prior_mistakes,
        "Bayes' rule: p r_yes over p r_yes + (1 - p) r_no",
        near,
    )


@pytest.mark.todo("2.6", points=1)
def test_edges_are_exact_and_what_is_no_share_is_refused(lab):
    p, r = shares(lab.rng, 2)
    given = [(p, r, r), (p, r, 0.0), (p, 0.0, r), (0.0, r, r), (1.0, r, r), (p, 1.0, 1.0)]
    rule = "equal recalls change nothing; a class that isn't kept is gone"
    check_all(lab.method.kept_prior, given, oracle.prior_kept, number_blame.prior_mistakes, rule, near)
    for nothing in ((p, 0.0, 0.0), (1.0, 0.0, r), (0.0, r, 0.0)):
        got = lab.method.kept_prior(*nothing)
        assert oracle.is_nan(got), "nothing is kept: the share isn't defined, give NaN"
    hint = "a number outside [0, 1], or NaN, was accepted: raise ValueError"
    for bad in (1.2, -0.1, math.nan):
        for place in range(3):
            three = [p, r, r]
            three[place] = bad
            assert_refuses(lambda three=three: lab.method.kept_prior(*three), hint)


# ---- 2.7 log_odds_shift ------------------------------------------------------------------------------------


@pytest.mark.todo("2.7", points=2)
def test_the_shift_is_the_difference_of_log_odds(lab):
    given = [tuple(shares(lab.rng, 2)) for _ in range(6)] + [(91 / 200, 39 / 137), (0.3, 0.3), (1e-6, 0.5)]
    check_all(
        lab.method.log_odds_shift,
        given,
        lambda before, after: oracle.log_odds(after) - oracle.log_odds(before),
        number_blame.shift_mistakes,
        "log-odds after minus log-odds before, in nats",
        functools.partial(assert_close, rtol=1e-8, atol=1e-8),
    )


@pytest.mark.todo("2.7", points=1)
def test_shares_of_0_and_1_are_refused(lab):
    p = float(lab.rng.uniform(0.1, 0.9))
    hint = "log-odds of 0 and 1 don't exist: raise ValueError, also for NaN and what is no share"
    for bad in ((0.0, p), (p, 0.0), (1.0, p), (p, 1.0), (p, 1.3), (-0.2, p), (math.nan, p), (p, math.nan)):
        assert_refuses(lambda bad=bad: lab.method.log_odds_shift(*bad), hint)


# ---- 2.8 class_weights -------------------------------------------------------------------------------------


@pytest.mark.todo("2.8", points=3)
def test_the_weighted_share_of_yes_is_the_prior_again(lab):
    given = [(oracle.flags(lab.rng, size, 0.3), float(lab.rng.uniform(0.15, 0.85))) for size in (9, 40, 137)]
    given += [([True] * 39 + [False] * 98, 91 / 200)]
    check_all(
        lambda labels, prior: list(lab.method.class_weights(labels, prior)),
        given,
        oracle.weights,
        number_blame.weight_mistakes,
        "p(y) / p'(y) for each label, in their order",
        near,
    )


@pytest.mark.todo("2.8", points=1)
def test_a_class_that_is_gone_and_other_labels_are_refused(lab):
    labels = oracle.flags(lab.rng, 6)
    hint = "only one class: no weight makes examples that aren't there. Raise ValueError, also for no labels"
    for bad in ([True] * 4, [False], []):
        assert_refuses(lambda bad=bad: lab.method.class_weights(bad, 0.5), hint)
    hint = "a label that isn't True or False was accepted: raise ValueError"
    assert_refuses(lambda: lab.method.class_weights([*labels, None], 0.5), hint)
    hint = "a prior that isn't strictly between 0 and 1 was accepted: raise ValueError"
    for prior in (0.0, 1.0, -0.5, 1.5, math.nan):
        assert_refuses(lambda prior=prior: lab.method.class_weights(labels, prior), hint)


# ---- 2.9 upsample ------------------------------------------------------------------------------------------


def rows(rng, yes: int, no: int) -> list[dict]:
    made = [{"qid": f"q{i}", "answer": i < yes, "rationale": reason(rng)} for i in range(yes + no)]
    return [made[int(i)] for i in rng.permutation(len(made))]


def copies(got: list[dict], given: list[dict], answer: bool) -> list[int]:
    return [sum(g == r for g in got) for r in given if r["answer"] is answer]


def check_upsampled(got: object, given: list[dict]) -> None:
    assert type(got) is list and all(record in given for record in got), "a list of the records given"
    sizes = {answer: sum(r["answer"] is answer for r in given) for answer in (True, False)}
    small = min(sizes, key=sizes.get)
    large_copies, small_copies = copies(got, given, not small), copies(got, given, small)
    if max(large_copies) > 1:
        raise AssertionError("a record of the larger class occurs twice: only the smaller class is repeated")
    assert min(large_copies) == 1, "a record of the larger class is missing: nothing is thrown away"
    assert min(small_copies) >= 1, (
        "a record of the smaller class is missing: whole rounds first, then the rest"
    )
    assert sum(small_copies) == max(sizes.values()), "both classes must end up equally large"
    assert max(small_copies) - min(small_copies) <= 1, "copies are dealt out evenly: equal, or one more"


@pytest.mark.todo("2.9", points=2)
def test_the_smaller_class_is_repeated_evenly(lab):
    for yes, no in ((3, 7), (11, 4), (2, 9), (5, 5), (1, 6), (39, 98)):
        given = rows(lab.rng, yes, no)
        check_upsampled(lab.method.upsample(given, int(lab.rng.integers(1000))), given)


@pytest.mark.todo("2.9", points=1)
def test_the_seed_alone_decides_and_copies_are_mixed_in(lab):
    given, seed = rows(lab.rng, 6, 40), int(lab.rng.integers(1000))
    before = lab.make("random_state")
    first = lab.method.upsample(given, seed)
    assert lab.make("random_state") == before, "the global random state changed: use a generator of your own"
    assert lab.method.upsample(given, seed) == first, "the same seed gives the same list"
    others = [lab.method.upsample(given, seed + i) for i in range(1, 5)]
    assert any(other != first for other in others), "another seed gives another list: seed draw and shuffle"
    extra = [{r["qid"] for r in other if sum(o == r for o in other) > 6} for other in [first, *others]]
    assert len({frozenset(names) for names in extra}) > 1, (
        "which records get one more copy is drawn with the seed"
    )
    runs = 1 + sum(a["answer"] != b["answer"] for a, b in zip(first, first[1:], strict=False))
    assert runs > 12, "copies stand together: shuffle the whole list"
    order = [r["qid"] for r in first if not r["answer"]]
    assert order != [r["qid"] for r in given if not r["answer"]], "the larger class is shuffled too"
    even = rows(lab.rng, 20, 20)
    assert lab.method.upsample(even, seed) != even, "classes of equal size are shuffled too"


@pytest.mark.todo("2.9", points=1)
def test_a_missing_class_is_refused_and_the_list_given_stays(lab):
    given = rows(lab.rng, 2, 5)
    kept = [dict(record) for record in given]
    got = lab.method.upsample(given, 1)
    assert_equal(given, kept, "the list given, and its records, stay as they are")
    assert_equal(len(got), 10, "twice the size of the larger class")
    hint = "a class without any record was accepted: raise ValueError"
    for bad in ([r for r in given if r["answer"]], []):
        assert_refuses(lambda bad=bad: lab.method.upsample(bad, 1), hint)
    hint = "an answer that isn't True or False was accepted: raise ValueError"
    assert_refuses(lambda: lab.method.upsample([*given, {"qid": "x", "answer": None}], 1), hint)


# ---- 2.10 rationalise --------------------------------------------------------------------------------------


def lost(rng) -> dict:
    gold = bool(rng.random() < 0.5)
    return {**example(rng), "answer": gold, "teacher_answer": not gold, "hinted_prompt": "Hint: it is so."}


def learned(record: dict, rationale: str) -> dict:
    named_fields = {name: record[name] for name in ("qid", "question", "answer")}
    return {**named_fields, "rationale": rationale, "rationalised": True}


def rationale_mistake(got: object, record: dict, reply: str, want: dict) -> str:
    if got is None:
        return "a reply that ends in gold was thrown away: something is left of it"
    if not isinstance(got, dict):
        return "the result is a dict, or None"
    lines = [line.strip() for line in reply.splitlines()]
    words = [line for line in lines if line]

    def without(pattern: str, flags: int = re.IGNORECASE) -> str:
        return "\n".join(line for line in words if not re.search(pattern, line, flags))

    likely = {
        "the hint is still in the rationale: drop the lines that speak of it": learned(
            record, "\n".join(words)
        ),
        "the reply was taken as it is: the hint's lines go, and blank lines too": learned(record, reply),
        "'hint' inside another word isn't a hint: only the whole word counts": learned(
            record, "\n".join(x for x in words if "hint" not in x.lower())
        ),
        "blank lines stayed": learned(record, "\n".join(x for x in lines if "hint" not in x.lower())),
        "the word may be in any case": learned(record, without(r"\bhints?\b", 0)),
        "the plural 'hints' speaks of it too": learned(record, without(r"\bhint\b")),
        "a sign may stand beside the word: '(hint!)'": learned(record, without(r"(?<!\S)hints?(?!\S)")),
        "the other lines stay as they are, with their numbers": learned(
            record,
            "\n".join(
                re.sub(r"^\d+\.", f"{number}.", line)
                for number, line in enumerate(want["rationale"].splitlines(), start=1)
            ),
        ),
        "only the word 'hint' was dropped, not its line": learned(
            record, "\n".join(" ".join(w for w in x.split() if w.lower() != "hint") for x in words)
        ),
        "only the first line of the hint was dropped": learned(record, "\n".join(words[1:])),
        "the other fields of the record must stay behind": {**record, **want},
        "`rationalised` says where the record comes from": {k: want[k] for k in want if k != "rationalised"},
        "the answer is the record's, not the teacher's first one": {**want, "answer": not want["answer"]},
    }
    return mistake(got, likely, "qid, question, answer, the rationale without the hint's lines, rationalised")


def check_rationale(lab, record: dict, reply: str, left: str) -> None:
    got, want = lab.method.rationalise(record, reply, record["answer"]), learned(record, left)
    assert_equal(got, want, rationale_mistake(got, record, reply, want))


@pytest.mark.todo("2.10", points=2)
def test_the_hint_is_removed_and_nothing_else(lab):
    record, (a, b, c) = lost(lab.rng), (reason(lab.rng) for _ in range(3))
    check_rationale(lab, record, f"1. The hint says so.\n2. {a}.\n\n  3. {b}.  \n", f"2. {a}.\n3. {b}.")
    check_rationale(lab, record, f"{a}\nHINT: it is\n{b}\nas the Hints say, {c}\n{c}", f"{a}\n{b}\n{c}")
    check_rationale(
        lab, record, f"A whint, and a hinterland: {a}\n{b}", f"A whint, and a hinterland: {a}\n{b}"
    )
    check_rationale(lab, record, f"{a}\n(hint!) {b}", a)


@pytest.mark.todo("2.10", points=2)
def test_only_a_reply_that_ends_in_gold_is_learned(lab):
    for _ in range(3):
        record, reply = lost(lab.rng), reason(lab.rng)
        for said, words in ((not record["answer"], "another answer than gold"), (None, "no answer")):
            got = lab.method.rationalise(record, reply, said)
            hint = f"the reply has {words}, so nothing of it may be learned: None"
            assert_equal(got, None, hint)
        check_rationale(lab, record, reply, reply)
        only = lab.method.rationalise(record, "The hint says it.\n\nAs hinted by the hint.", record["answer"])
        assert_equal(only, None, "nothing is left of the reply without its hint: None")
        assert_equal(lab.method.rationalise(record, " \n", record["answer"]), None, "an empty reply is None")


@pytest.mark.todo("2.10", points=1)
def test_the_new_record_holds_five_fields_and_the_old_one_stays(lab):
    record = lost(lab.rng)
    before = dict(record)
    check_rationale(lab, record, f"The hint.\n{reason(lab.rng)}"[:9] + "\nso it is", "so it is")
    assert_equal(record, before, "the record given stays as it is")
    hint = "a gold answer that is None must still be refused: leave the check above your code"
    assert_refuses(lambda: lab.method.rationalise({**record, "answer": None}, "so", None), hint)


# ---- 2.11 lora_coverage ------------------------------------------------------------------------------------


def check_coverage(lab, given: list[tuple], rule: str) -> None:
    for shapes, targets, r in given:
        got = lab.method.lora_coverage(shapes, targets, r)
        likely = number_blame.coverage_mistakes(shapes, targets, r)
        hint = f"{named(got, likely, rule)} (targets: {', '.join(targets)}; {len(shapes)} layers)"
        same_numbers(got, oracle.coverage(shapes, targets, r), hint)


@pytest.mark.todo("2.11", points=2)
def test_fused_layers_are_missed_and_said_so(lab):
    fused = oracle.layers(lab.rng, ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"], 3)
    split = oracle.layers(lab.rng, ["q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "down_proj"], 2)
    published = ["q_proj", "v_proj", "k_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    check_coverage(
        lab,
        [(fused, published, 16), (fused, pick(lab.rng, list(oracle.KINDS), 4), 3), (split, published, 8)],
        "a target reaches the layers whose name ends with a dot and the target",
    )


@pytest.mark.todo("2.11", points=2)
def test_r_times_in_and_out_are_trained_in_every_layer_reached(lab):
    for count in (1, 4):
        shapes = oracle.layers(lab.rng, pick(lab.rng, list(oracle.KINDS), 5), count)
        targets = pick(lab.rng, list(oracle.KINDS), 4)
        check_coverage(lab, [(shapes, targets, int(lab.rng.integers(1, 33)))], "r (in + out) for each layer")
    phi = {
        f"model.layers.{i}.{name}": shape
        for i in range(32)
        for name, shape in (
            ("self_attn.qkv_proj", (9216, 3072)),
            ("self_attn.o_proj", (3072, 3072)),
            ("mlp.gate_up_proj", (16384, 3072)),
            ("mlp.down_proj", (3072, 8192)),
        )
    }
    check_coverage(lab, [(phi, ["o_proj", "down_proj"], 16)], "r (in + out) for each layer")


@pytest.mark.todo("2.11", points=1)
def test_names_match_at_dots_and_some_layers_of_a_kind_may_be_missed(lab):
    shapes = oracle.layers(lab.rng, ["o_proj", "fc1"], 3)
    shapes |= {"model.my_o_proj": (8, 6), "o_proj": (5, 4), "lm.proj": (7, 7)}
    some = "layers.1." + next(n for n in shapes if n.endswith("fc1")).split(".")[-2] + ".fc1"
    given = [
        (shapes, ["o_proj"], 2),
        (shapes, [some, "lm.proj"], 4),
        (shapes, ["zeta", "model.my_o_proj", "alpha"], 1),
        (shapes, ["proj"], 3),
        (shapes, [], 3),
        (shapes, ["o_proj", next(name for name in shapes if name.endswith(".o_proj"))], 5),
    ]
    check_coverage(lab, given, "a target is a whole suffix, or a whole name")
    hint = "no layers, or a rank below 1, must still be refused: leave the check above your code"
    assert_refuses(lambda: lab.method.lora_coverage({}, ["o_proj"], 2), hint)
    assert_refuses(lambda: lab.method.lora_coverage(shapes, ["o_proj"], 0), hint)


# ---- 2.12 consensus ----------------------------------------------------------------------------------------


def check_consensus(lab, lists: list[oracle.Answers], rule: str) -> None:
    check_all(
        lab.method.consensus, [(one,) for one in lists], oracle.agreed, number_blame.consensus_mistakes, rule
    )


@pytest.mark.todo("2.12", points=2)
def test_more_than_half_of_all_attempts_is_needed(lab):
    lists = [oracle.answers(lab.rng, size, 0.3) for size in (3, 4, 5, 7, 9, 12)]
    lists += [[True, None, None], [False, False, None, None], [True, True, None], [None, False, False]]
    lists += [[True, True, False, None], [None, False, True, False]]
    check_consensus(lab, lists, "more than half of all attempts, the unread ones included")


@pytest.mark.todo("2.12", points=1)
def test_ties_and_silence_have_no_consensus(lab):
    lists = [[True, False], [True, False, None], [None], [], [None, None, None], [True], [False]]
    lists += [[False, True, True, False]]
    check_consensus(lab, lists, "a tie, or silence, is None")


# ---- 2.13 parse_prediction ---------------------------------------------------------------------------------


def check_predictions(lab, texts: dict[str, bool | None], rule: str) -> None:
    check_texts(lab.evaluate.parse_prediction, texts, blame.prediction_mistakes, rule)


@pytest.mark.todo("2.13", points=2)
def test_the_last_answer_line_is_read_or_else_the_first_line(lab):
    a, b = reason(lab.rng), reason(lab.rng)
    texts = {
        f"1. {a}.\n2. {b}.\nAnswer: Yes": True,
        f"1. {a}.\nAnswer: No\n": False,
        f"  answer:  NO - {a}": False,
        f"**Answer:** Yes!\n{b}": True,
        f"Yes, {a}": True,
        f"\n\n No. {b}": False,
        f"No — {a}\nYes": False,
        "yes": True,
        f"Yes, {a}\nAnswer: No": False,
        f"Answer: Yes\n{b}\nAnswer: No;": False,
        f"Yes: {a}": True,
        f"Answer: No – {a}": False,
        f"Answer: Yes -{a}": True,
        f"Answer: No , {a}": False,
        f"***\nNo, {a}": False,
    }
    check_predictions(lab, texts, "the last 'Answer:' line, else the first line, is read from its beginning")


@pytest.mark.todo("2.13", points=2)
def test_what_does_not_answer_is_none(lab):
    a = reason(lab.rng)
    texts = {
        "": None,
        "To determine whether the": None,
        f"There is no doubt: {a}": None,
        "No one knows": None,
        "No-one knows": None,
        f"Yes or no? {a}": None,
        "Answer: Yes/No": None,
        "Answer: Not so": None,
        f"Answer: {a}": None,
        f"Yesterday, {a}": None,
        f"Yes? {a}": None,
        f"{a}\nYes": None,
        f"The Answer: Yes\n{a}": None,
        "Answer:": None,
    }
    check_predictions(lab, texts, "a text that doesn't answer is None; there is no default")


@pytest.mark.todo("2.13", points=1)
def test_an_unreadable_last_answer_is_not_replaced_by_an_earlier_one(lab):
    a = reason(lab.rng)
    texts = {
        f"Answer: Yes\n{a}\nAnswer: Yes/No": None,
        f"No, {a}\nAnswer: it depends": None,
        f"Answer: No\nAnswer: Yes - {a}": True,
        "Answer: No\nAnswer:": None,
    }
    check_predictions(lab, texts, "the last 'Answer:' line decides, also if it can't be read")


# ---- 2.14 prediction_report --------------------------------------------------------------------------------


def check_scores(lab, given: list[tuple], rule: str) -> None:
    for predictions, gold in given:
        got = lab.evaluate.prediction_report(predictions, gold)
        likely = number_blame.score_mistakes(predictions, gold)
        same_numbers(got, oracle.scores(predictions, gold), f"{named(got, likely, rule)} ({len(gold)} items)")


def guesses(rng, gold: list[bool], skill: float) -> oracle.Answers:
    return [
        None if rng.random() < 0.2 else g if rng.random() < skill else bool(rng.random() < 0.3) for g in gold
    ]


@pytest.mark.todo("2.14", points=2)
def test_every_number_of_the_report_is_that_of_the_items(lab):
    given = []
    for size, skill in ((15, 0.4), (60, 0.6), (200, 0.1)):
        gold = oracle.flags(lab.rng, size, 0.4)
        given.append((guesses(lab.rng, gold, skill), gold))
    check_scores(lab, given, "unread answers are wrong wherever all items count; see the docstring")


@pytest.mark.todo("2.14", points=2)
def test_an_unread_answer_is_neither_no_nor_right(lab):
    gold = [False] * 6 + [True] * 4
    silent: oracle.Answers = [None] * 10
    half: oracle.Answers = [None] * 5 + [False] + [True] * 2 + [None, False]
    check_scores(lab, [(half, gold), (silent, gold)], "None is counted, and is never right")


@pytest.mark.todo("2.14", points=1)
def test_a_constant_is_seen_through_and_bad_lists_are_refused(lab):
    gold = oracle.flags(lab.rng, 20, 0.3)
    given = [([answer] * 20, gold) for answer in (True, False)] + [([True], [True]), ([None], [False])]
    check_scores(lab, given, "a number with denominator 0 is NaN, never a convenient 0")
    hint = "no items, uneven lists, or an unread gold must still be refused: leave the check above your code"
    for bad in (([], []), ([True], gold), ([True], [None])):
        assert_refuses(lambda bad=bad: lab.evaluate.prediction_report(*bad), hint)


# ---- 2.15 exact_mcnemar ------------------------------------------------------------------------------------


def check_coins(lab, pairs: list[tuple[int, int]], rule: str) -> None:
    check_all(lab.evaluate.exact_mcnemar, pairs, oracle.coin_p, number_blame.coin_mistakes, rule, near)


@pytest.mark.todo("2.15", points=2)
def test_the_p_value_is_the_exact_two_sided_one(lab):
    pairs = [(int(lab.rng.integers(0, 15)), int(lab.rng.integers(3, 30))) for _ in range(5)]
    check_coins(lab, [*pairs, (1, 9), (9, 1), (0, 6), (12, 5)], "twice the lower tail of b + c fair coins")


@pytest.mark.todo("2.15", points=1)
def test_equal_counts_none_and_thousands_are_fine_and_negative_ones_refused(lab):
    k = int(lab.rng.integers(2, 20))
    check_coins(lab, [(k, k), (0, 0), (1, 1), (0, 1)], "a p-value is at most 1, and 1 if they never differ")
    got = lab.evaluate.exact_mcnemar(1500 + k, 1400)
    want = oracle.coin_p(1500 + k, 1400)
    assert_close(got, want, "thousands of questions: use whole numbers, which don't overflow", rtol=1e-6)
    hint = "a negative count was accepted: raise ValueError"
    for bad in ((-1, 3), (3, -1)):
        assert_refuses(lambda bad=bad: lab.evaluate.exact_mcnemar(*bad), hint)


# ---- 2.16 wilson_interval ----------------------------------------------------------------------------------


def check_wilson(lab, pairs: list[tuple[int, int]], rule: str) -> None:
    check_all(
        lambda k, n: list(lab.evaluate.wilson_interval(k, n)),
        pairs,
        oracle.wilson,
        number_blame.wilson_mistakes,
        rule,
        functools.partial(assert_close, rtol=1e-6, atol=1e-6),
    )


@pytest.mark.todo("2.16", points=1)
def test_the_ends_are_those_of_the_score_test(lab):
    pairs = [(354, 687), (6, 10), (1, 10)]
    for _ in range(3):
        n = int(lab.rng.integers(5, 900))
        pairs.append((int(lab.rng.integers(1, n)), n))
    check_wilson(lab, pairs, "Wilson's interval: centre and half width as in the docstring")


@pytest.mark.todo("2.16", points=1)
def test_it_stays_inside_0_and_1_and_bad_counts_are_refused(lab):
    n = int(lab.rng.integers(3, 60))
    check_wilson(lab, [(0, n), (n, n), (0, 1), (1, 1)], "0 of n and n of n have an interval too")
    hint = "n below 1, or successes outside 0 to n, must still be refused: leave the check above your code"
    for bad in ((0, 0), (-1, n), (n + 1, n)):
        assert_refuses(lambda bad=bad: lab.evaluate.wilson_interval(*bad), hint)


# ---- the notebook's values ---------------------------------------------------------------------------------


def number_value(notebook, value_id: str) -> float:
    got = notebook.value(value_id)
    assert type(got) in (int, float), f"{value_id} is one number"
    return float(got)


@pytest.mark.value("2.V1", points=3)
def test_value_kept_yes(notebook):
    got, records = number_value(notebook, "2.V1"), notebook.records
    hint = value_mistake(
        got, truth.kept_mistakes(records), "the share of yes among the records whose teacher says gold"
    )
    assert_close(got, truth.kept_yes(records), hint, rtol=0, atol=6e-4)


@pytest.mark.value("2.V2", points=3)
def test_value_shift(notebook):
    got, records = number_value(notebook, "2.V2"), notebook.records
    hint = value_mistake(
        got, truth.shift_mistakes(records), "log-odds of yes among the kept minus among all, in nats"
    )
    assert_close(got, truth.shift(records), hint, rtol=0, atol=6e-4)


@pytest.mark.value("2.V3", points=3)
def test_value_free_points(notebook):
    got, records = number_value(notebook, "2.V3"), notebook.records
    hint = value_mistake(
        got,
        truth.free_mistakes(records),
        "the share of all records that can't be read and that the published scorer calls right",
    )
    assert_close(got, truth.free_points(records), hint, rtol=0, atol=6e-4)


@pytest.mark.value("2.V4", points=3)
def test_value_interval(notebook):
    got, records = notebook.value("2.V4"), notebook.records
    assert type(got) in (list, tuple) and len(got) == 2, "2.V4 is a list of two floats: [low, high]"
    assert all(type(bound) in (int, float) for bound in got), "2.V4 is a list of two floats: [low, high]"
    likely = {**truth.interval_mistakes(records), "low comes before high": truth.interval(records)[::-1]}
    found = [
        w for w, value in likely.items() if all(abs(a - b) < 6e-4 for a, b in zip(got, value, strict=True))
    ]
    hint = found[0] if found else "Wilson's 95 % interval of the `published` replies' accuracy, honestly read"
    assert_close(list(got), truth.interval(records), hint, rtol=0, atol=6e-4)


@pytest.mark.value("2.V5", points=3)
def test_value_p_value(notebook):
    got, records = number_value(notebook, "2.V5"), notebook.records
    hint = value_mistake(
        got, truth.p_mistakes(records), "the exact two-sided p of repaired against phase_a, all records"
    )
    assert_close(got, truth.p_value(records), hint, rtol=0, atol=6e-4)
