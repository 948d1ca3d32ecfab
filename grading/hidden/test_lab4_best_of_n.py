"""Lab 4, the tests that give points.

Every test says in words what a finished function does. Inputs come from `lab.rng`, seeded anew for each
submission, and from hand-made edge cases; what is right comes from lab4_oracles.py and lab4_llama.py, never
from the solutions. A message names the mistake and holds no expected value.

PYTEST_DONT_REWRITE: pytest would add the compared values to the message of a bare assert.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from grading.hidden import lab4_blame as blame
from grading.hidden import lab4_llama as llama
from grading.hidden import lab4_oracles as oracle
from grading.hidden import lab4_records as truth
from grading.hidden.judging import Case, assert_refuses, judge, value_mistake
from grading.hidden.lab4_cases import (
    IGNORE,
    collated,
    encode_mistake,
    encoded_rows,
    generation_mistake,
    greedy_case,
    problem,
    reward_case,
    reward_of,
    score_mistake,
    solution,
    tokenizer_end,
    trainer_rows,
    training_records,
    word_rows,
)
from grading.hidden.lab4_records import make_records as make_records  # the grader finds it here by name
from labkit.testing import StudentError, assert_close, assert_equal, mistake

# ---- 4.1 encode_function -----------------------------------------------------------------------------------


@pytest.mark.todo("4.1", points=2)
def test_a_row_is_prompt_answer_and_end_and_only_the_answer_is_learned(lab):
    tokenizer = lab.make("tiny_tokenizer")
    questions = [problem(lab.rng, n) for n in (1, 3, 2)]
    answers = [solution(lab.rng) for _ in questions]
    got = lab.data.encode_function({"question": questions, "answer": answers}, tokenizer, 400)
    want = encoded_rows(questions, answers, 400)
    assert_equal(got, want, encode_mistake(got, questions, answers, 400))


@pytest.mark.todo("4.1", points=1)
def test_a_long_row_loses_its_right_end(lab):
    tokenizer = lab.make("tiny_tokenizer")
    questions, answers = [problem(lab.rng), problem(lab.rng, 2)], [solution(lab.rng), "####  7"]
    prompts = [len(llama.token_ids(llama.chat(question))) for question in questions]
    for most in (prompts[0] + 3, prompts[0], prompts[0] - 2, 1):
        got = lab.data.encode_function({"question": questions, "answer": answers}, tokenizer, most)
        full, want = encoded_rows(questions, answers, 10_000), encoded_rows(questions, answers, most)
        end = tokenizer_end()
        hints = {
            "the rows were not cut at max_length": full["input_ids"],
            "the left end was cut off; a long row loses its right end": [
                r[-most:] for r in full["input_ids"]
            ],
            "the end token was put back after the cut: an answer that was cut off has no end": [
                [*row[: most - 1], end] if len(row) > most else row for row in full["input_ids"]
            ],
            "max_length holds for the whole row, prompt and answer together": [
                row[:n] + row[n:][:most] for n, row in zip(prompts, full["input_ids"], strict=True)
            ],
        }
        hint = mistake(got.get("input_ids"), hints, encode_mistake(got, questions, answers, most))
        assert_equal(got, want, hint)


@pytest.mark.todo("4.1", points=1)
def test_no_second_begin_token_gets_in(lab):
    tokenizer = lab.make("begin_tokenizer")
    questions, answers = [problem(lab.rng)], [solution(lab.rng)]
    got = lab.data.encode_function({"question": questions, "answer": answers}, tokenizer, 400)
    begin = len(llama.tokenizer())  # the id that the begin token was given
    inside = sum(row.count(begin) for row in got["input_ids"])
    hint = "the tokenizer added a begin token of its own: tokenise with add_special_tokens=False"
    assert inside == 0, hint
    assert_equal(got, encoded_rows(questions, answers, 400), encode_mistake(got, questions, answers, 400))


@pytest.mark.todo("4.1", points=1)
def test_rows_have_three_equally_long_lists_and_no_padding(lab):
    tokenizer = lab.make("tiny_tokenizer")
    questions = [problem(lab.rng, n) for n in (1, 4)]
    batch = {"question": questions, "answer": ["#### 1", solution(lab.rng)], "template": ["t01", "t02"]}
    got = lab.data.encode_function(batch, tokenizer, 400)
    assert set(got) == {"input_ids", "labels", "attention_mask"}, (
        "exactly three columns come back; other columns of the batch are ignored"
    )
    want = encoded_rows(questions, batch["answer"], 400)
    for name in ("input_ids", "labels", "attention_mask"):
        lengths = [len(row) for row in got[name]]
        hint = f"{name}: the rows of a batch keep their own lengths; padding is the collator's work (4.3)"
        if max(lengths) != min(lengths):
            hint = f"{name}: {encode_mistake(got, questions, batch['answer'], 400)}"
        assert_equal(lengths, [len(row) for row in want[name]], hint)
    assert_equal(got["attention_mask"], want["attention_mask"], "the attention mask is 1 at every position")


# ---- 4.2 load_and_prepare_train_dataset --------------------------------------------------------------------


def prepared(lab, records: list[dict[str, str]], most: int = 50, **settings) -> list[dict]:
    path, encode = lab.make("jsonl_file", records), lab.make("encode:words")
    data = lab.data.load_and_prepare_train_dataset(path, lab.make("tiny_tokenizer"), encode, most, **settings)
    return lab.make("dataset_rows", data)


@pytest.mark.todo("4.2", points=1)
def test_every_row_is_encoded_and_only_three_columns_stay(lab):
    records = training_records(lab.rng, 30)
    for most in (50, 4):
        rows = prepared(lab, records, most)
        columns = set(rows[0]) if rows else set()
        hint = mistake(
            columns - {"input_ids", "labels", "attention_mask"},
            {
                "the text columns are still there: remove them when you map": {"question", "answer"},
                "the columns of the file are still there: remove them when you map": {
                    "question",
                    "answer",
                    "template",
                },
            },
            "exactly the columns input_ids, labels and attention_mask stay",
        )
        assert columns == {"input_ids", "labels", "attention_mask"}, hint
        got = sorted(tuple(row["input_ids"]) for row in rows)
        want = sorted(word_rows(records, most))
        hint = (
            "every record is encoded exactly once, by `encode`"
            if len(got) == len(want)
            else ("rows are missing or doubled")
        )
        if got == sorted(word_rows(records, 50)):
            hint = "max_length was not handed on to `encode`"
        assert_equal(got, want, hint)
        masks = {tuple(row["attention_mask"]) for row in rows}
        assert all(set(mask) == {1} for mask in masks), "the attention masks are those that `encode` gave"
        assert all(row["labels"] == row["input_ids"] for row in rows), (
            "the labels are those that `encode` gave"
        )


@pytest.mark.todo("4.2", points=1)
def test_rows_without_a_label_are_dropped(lab):
    records = training_records(lab.rng, 24, empty=7)
    rows = prepared(lab, records)
    empty = sum(set(row["labels"]) <= {IGNORE} for row in rows)
    assert empty == 0, (
        "a row whose labels are all -100 is still there: it teaches nothing and its loss is NaN"
    )
    got = sorted(tuple(row["input_ids"]) for row in rows)
    assert_equal(got, sorted(word_rows(records, 50)), "rows that do have a label were dropped too")


@pytest.mark.todo("4.2", points=1)
def test_the_order_is_shuffled_by_the_seed(lab):
    records = training_records(lab.rng, 40, empty=4)
    seed = int(lab.rng.integers(1, 10_000))
    first, again, other = (
        [tuple(row["input_ids"]) for row in prepared(lab, records, seed=s)] for s in (seed, seed, seed + 1)
    )
    assert first != word_rows(records, 50), "the rows are in the order of the file: shuffle them"
    assert first == again, "the same seed gave two different orders: hand `seed` on to shuffle"
    assert first != other, "two different seeds gave the same order: the seed is not used"
    assert_equal(sorted(first), sorted(word_rows(records, 50)), "shuffling must neither lose nor double rows")


@pytest.mark.todo("4.2", points=1)
def test_the_limit_counts_usable_rows_after_the_shuffle(lab):
    records = training_records(lab.rng, 40, empty=12)
    seed = int(lab.rng.integers(1, 10_000))
    full = [tuple(row["input_ids"]) for row in prepared(lab, records, seed=seed)]
    for limit in (9, 1, 500):
        got = [tuple(row["input_ids"]) for row in prepared(lab, records, limit=limit, seed=seed)]
        expected = full[:limit]
        if len(got) < len(expected):
            hint = "the limit came before the rows without a label were dropped: it counts usable rows"
        elif set(got) == set(word_rows(records, 50)[:limit]):
            hint = "the limit came before the shuffle: only the beginning of the file is ever used"
        else:
            hint = "a limited set is the beginning of the full set of the same seed"
        assert_equal(got, expected, hint)


# ---- 4.3 build_trainer -------------------------------------------------------------------------------------


def trainer_of(lab, weights: llama.Weights, rows: list[dict[str, list[int]]], **settings):
    tokenizer = lab.make("tiny_tokenizer")
    model = lab.make("llama", tokenizer, weights)
    arguments = lab.make("training_arguments", per_device_train_batch_size=len(rows), **settings)
    return lab.method.build_trainer(model, tokenizer, lab.make("dataset", rows), arguments)


@pytest.mark.todo("4.3", points=2)
def test_a_batch_pads_ids_mask_and_labels_each_in_its_own_way(lab):
    rows = trainer_rows(lab.rng, [(6, 5), (3, 4), (9, 7)])
    trainer = trainer_of(lab, llama.random_llama(lab.rng), rows)
    pad = llama.tokenizer().pad_token_id
    for indices in ([0, 1, 2], [1, 0]):
        batch = collated(lab, trainer, indices)
        chosen = [rows[i] for i in indices]
        width = max(len(row["input_ids"]) for row in chosen)

        def padded(name: str, filler: int, width: int = width, chosen: list = chosen) -> list[list[int]]:
            return [row[name] + [filler] * (width - len(row[name])) for row in chosen]

        found = len(batch["input_ids"][0])
        assert found == width, (
            "rows are padded to the longest of the batch, not to a fixed length or multiple"
            if found > width
            else "the rows were cut: a batch is as wide as its longest row"
        )
        likely = {
            "padding is learned: labels are padded with -100, not with the pad token": padded("labels", pad),
            "padding is learned: labels are padded with -100, not with 0": padded("labels", 0),
            "the collator made new labels from the ids, so the prompt is learned": [
                [token if token != pad else IGNORE for token in row] for row in padded("input_ids", pad)
            ],
        }
        want = padded("labels", IGNORE)
        hint = mistake(
            batch["labels"], likely, "labels are kept as they are and padded with -100 on the right"
        )
        assert_equal(batch["labels"], want, hint)
        assert_equal(batch["input_ids"], padded("input_ids", pad), "ids are padded with the pad token")
        assert_equal(batch["attention_mask"], padded("attention_mask", 0), "padding has attention mask 0")


@pytest.mark.todo("4.3", points=2)
def test_a_step_follows_the_gradient_of_the_answer_tokens_loss(lab):
    rows, rate = trainer_rows(lab.rng, [(8, 4), (5, 6), (3, 2)]), 0.05
    weights = llama.random_llama(lab.rng)
    trainer = trainer_of(
        lab, weights, rows, optim="sgd", learning_rate=rate, lr_scheduler_type="constant", max_grad_norm=0.0
    )
    losses = lab.make("trainer_step_losses", trainer, 1)
    everything = [{**row, "labels": row["input_ids"]} for row in rows]
    hint = mistake(
        round(losses[0], 3),
        {
            "that is the loss over prompt and answer; only the answer counts": round(
                llama.loss(weights, everything), 3
            )
        },
        "the loss is the mean over the labels that are not -100, padding left out",
    )
    assert_close(losses, [llama.loss(weights, rows)], hint, rtol=2e-3)
    # The step taken, over the learning rate, must be the oracle's gradient: along it the loss has this slope.
    moved = {name: np.asarray(value) for name, value in lab.make("trainer_weights", trainer).items()}
    same = moved.keys() == weights.keys() and all(
        moved[name].shape == weights[name].shape and moved[name].dtype.kind == "f" for name in weights
    )
    assert same, "the trainer must train the model that it was given"
    gradient = {name: (weights[name].astype(float) - moved[name]) / rate for name in weights}
    norm = float(np.sqrt(sum((g * g).sum() for g in gradient.values())))
    assert norm > 0, (
        "no weight moved: the trainer must train the model that it was given, with your arguments"
    )
    reach = 1e-3
    ahead, behind = (
        llama.loss({n: weights[n] + sign * reach * gradient[n] / norm for n in weights}, rows)
        for sign in (1, -1)
    )
    hint = "the weights moved, but not along the gradient of the loss with the given training arguments"
    assert_close((ahead - behind) / (2 * reach), norm, hint, rtol=0.03)


@pytest.mark.todo("4.3", points=1)
def test_the_trainer_takes_the_arguments_and_holds_the_tokenizer(lab):
    rows, rate = trainer_rows(lab.rng, [(4, 3), (2, 2)]), round(float(lab.rng.uniform(0.001, 0.01)), 6)
    trainer = trainer_of(
        lab, llama.random_llama(lab.rng), rows, learning_rate=rate, gradient_accumulation_steps=3
    )
    arguments = lab.make("state", trainer)["args"]
    for name, value in (
        ("learning_rate", rate),
        ("gradient_accumulation_steps", 3),
        ("per_device_train_batch_size", len(rows)),
    ):
        assert_equal(arguments[name], value, f"the training arguments are taken as they are ({name} is not)")
    held = lab.make("trainer_tokenizer", trainer)
    assert held is not None, "hand the tokenizer to the Trainer (processing_class), or checkpoints lack it"


# ---- 4.4 canonical_answer ----------------------------------------------------------------------------------


def check_texts(
    lab, texts: dict[str, str | None], likely: dict[str, dict[str, str | None]], rule: str
) -> None:
    """Every text has its canonical answer. likely: by the mistake's words, what it reads in which text."""
    judge(
        [
            Case(
                lambda text=text: lab.method.canonical_answer(text),
                right,
                lambda text=text: {words: table[text] for words, table in likely.items() if text in table},
                f"text: {text!r}",
            )
            for text, right in texts.items()
        ],
        rule,
    )


@pytest.mark.todo("4.4", points=1)
def test_the_last_hash_mark_decides(lab):
    a, b, c = (int(i) for i in lab.rng.choice(np.arange(11, 900), size=3, replace=False))
    texts = {
        f"{a} + {b} = {a + b}\n#### {a + b}": str(a + b),
        f"#### {a}\nNo, that was wrong.\n#### {b}": str(b),
        f"The answer is {a}.\n#### {b}": str(b),
        f"#### {b}\nThe answer is {a}.": str(b),
        f"#### {a} of {b} apples, {c} pens": str(a),
        f"####{c}": str(c),
        f"#### x = {a}\nCheck: {b}": str(a),
        f"#### {a}\n####": None,
        f"#### none\n{b} were left over": None,
    }
    numbers = {text: [part.strip(".,") for part in text.replace("#", " ").split()] for text in texts}
    digits = {text: [part for part in parts if part.isdigit()] for text, parts in numbers.items()}
    check_texts(
        lab,
        texts,
        {
            "the first #### was taken; the last one counts": {
                f"#### {a}\nNo, that was wrong.\n#### {b}": str(a)
            },
            "an empty last #### was skipped; the last one decides, even when nothing stands behind it": {
                f"#### {a}\n####": str(a)
            },
            "a number beyond the line of the #### was taken": {f"#### none\n{b} were left over": str(b)},
            "'answer is' was read although there is a ####": {
                f"The answer is {a}.\n#### {b}": str(a),
                f"#### {b}\nThe answer is {a}.": str(a),
            },
            "the last number of the text was taken; the first one behind the #### counts": {
                text: found[-1] for text, found in digits.items()
            },
        },
        "the first number on the line behind the last #### is the answer",
    )


@pytest.mark.todo("4.4", points=1)
def test_commas_dollars_units_and_periods_change_nothing(lab):
    number = int(lab.rng.integers(1_100, 99_000))
    large = int(lab.rng.integers(10**6, 10**9))
    spellings = [
        f"{number}",
        f"{number:,}",
        f"${number:,}",
        f"{number}.0",
        f"{number:,}.00 dollars",
        f"{number}.",
    ]
    spellings += [f"{number} apples.", f"**{number}**", f"{number}%", f"= {number:,}.", f"${number}"]
    texts = {f"#### {spelled}": str(number) for spelled in spellings}
    texts |= {f"#### {large:,}": str(large), f"#### ${large:,}.50": str(Fraction(2 * large + 1, 2))}
    texts["#### 12,5"] = "12"
    before_comma = {text: text.lstrip("#$ =*").split(",")[0] for text in texts if "," in text}
    check_texts(
        lab,
        texts,
        {
            "the number was cut at its thousands comma": before_comma,
            "a comma that doesn't separate groups of three digits ends the number": {"#### 12,5": "125"},
            "1000.0 and 1000 must give the same text": {
                f"#### {number}.0": f"{number}.0",
                f"#### {number:,}.00 dollars": f"{number}.00",
            },
            "the spelling was kept; every spelling of a number must give the same text": {
                f"#### {spelled}": spelled for spelled in spellings
            },
        },
        "thousands commas, $, units and a final period don't change an answer",
    )


@pytest.mark.todo("4.4", points=1)
def test_decimals_and_fractions_of_one_value_are_one_answer(lab):
    texts: dict[str, str | None] = {"#### 0.5": "1/2", "#### 1/2": "1/2", "#### 6/3": "2", "#### .25": "1/4"}
    texts |= {"#### 0.1": "1/10", "#### 2.50": "5/2", "#### -3/6": "-1/2", "#### 10 / 4 litres": "5/2"}
    floats = {text: str(float(Fraction(want))) for text, want in texts.items()}
    tops = {"#### 1/2": "1", "#### 6/3": "6", "#### -3/6": "-3", "#### 10 / 4 litres": "10"}
    unreduced = {"#### 6/3": "6/3", "#### -3/6": "-3/6"}
    wholes = {text: str(int(Fraction(want))) for text, want in texts.items()}
    for _ in range(8):
        top, bottom = int(lab.rng.integers(1, 400)), int(lab.rng.choice([2, 4, 5, 8, 20]))
        value = Fraction(top, bottom)
        for text in (f"#### {top}/{bottom}", f"The sum.\n#### {float(value)}"):
            texts[text] = str(value)
            floats[text], wholes[text] = str(float(value)), str(int(value))
        tops[f"#### {top}/{bottom}"], unreduced[f"#### {top}/{bottom}"] = str(top), f"{top}/{bottom}"
    binary = {text: str(Fraction(float(Fraction(want)))) for text, want in texts.items()}
    check_texts(
        lab,
        texts,
        {
            "a float went into Fraction: 0.1 is no binary number, read the digits as text": binary,
            "the value was spelled as a decimal number; the spelling is that of a Fraction": floats,
            "the fraction was read only up to its slash": tops,
            "the fraction was not reduced": unreduced,
            "the part behind the decimal point was dropped": wholes,
        },
        "the answer is the exact value, spelled as str(Fraction)",
    )


@pytest.mark.todo("4.4", points=1)
def test_answer_is_counts_where_there_is_no_hash_mark(lab):
    a, b = (int(i) for i in lab.rng.choice(np.arange(1_100, 9_000), size=2, replace=False))
    texts = {
        f"So the answer is {a}.": str(a),
        f"The answer is ${a:,}.\n{b} were bought.": str(a),
        f"The answer is {a}? No: the answer is {b}.": str(b),
        f"THE ANSWER IS: {b}": str(b),
        f"the answer is\n{b}": None,
        f"The answer is {a}. The answer is unclear.": None,
        f"The answer is -{a} degrees": f"-{a}",
    }
    check_texts(
        lab,
        texts,
        {
            "texts without #### were given up; look for 'answer is' in them": dict.fromkeys(texts, None),
            "the first 'answer is' was taken; the last one counts": {
                f"The answer is {a}? No: the answer is {b}.": str(a),
                f"The answer is {a}. The answer is unclear.": str(a),
            },
            "the last number of the text was taken; the first one behind 'answer is' counts": {
                f"The answer is ${a:,}.\n{b} were bought.": str(b),
            },
            "a number on another line than the last 'answer is' was taken": {f"the answer is\n{b}": str(b)},
            "the minus sign was dropped": {f"The answer is -{a} degrees": str(a)},
        },
        "without a ####, the first number behind the last 'answer is' (in any case) counts",
    )


@pytest.mark.todo("4.4", points=1)
def test_no_answer_is_none_and_nothing_else(lab):
    number = int(lab.rng.integers(11, 900))
    texts: dict[str, str | None] = {
        "": None,
        "I do not know.": None,
        f"{number} apples are left.": None,
        "####": None,
        "#### unknown": None,
        f"#### {number}/0": None,
        "The answer is 3/0.": None,
        f"### {number}": None,
        f"#### {number}": str(number),
    }
    check_texts(
        lab,
        texts,
        {
            "no answer is None, not an empty text": dict.fromkeys(texts, ""),
            "no answer is None, not the text 'None'": dict.fromkeys(texts, "None"),
            "no answer is None, not zero": dict.fromkeys(texts, "0"),
            "a number without any marker was taken for the answer": {
                f"{number} apples are left.": str(number),
                f"### {number}": str(number),
            },
            "a division by zero has no value: None": {
                f"#### {number}/0": str(number),
                "The answer is 3/0.": "3",
            },
        },
        "what can't be read is None",
    )


@pytest.mark.todo("4.4", points=1)
def test_signs_zeros_and_long_numbers_are_exact(lab):
    number = int(lab.rng.integers(11, 900))
    long = 10**20 + int(lab.rng.integers(1, 10**9)) * 10 + 1
    texts = {
        f"#### -{number}": f"-{number}",
        f"#### \N{MINUS SIGN}{number}": f"-{number}",
        f"#### -${number}": f"-{number}",
        f"#### $-{number}": f"-{number}",
        "#### -0": "0",
        "#### -0.0": "0",
        f"#### 00{number}": str(number),
        f"#### {long}": str(long),
        f"#### {long:,}.": str(long),
    }
    positive = {text: want.lstrip("-") for text, want in texts.items()}
    check_texts(
        lab,
        texts,
        {
            "the number went through a float and lost its last digits": {
                text: str(int(float(long))) for text, want in texts.items() if want == str(long)
            },
            "minus zero is zero": {"#### -0": "-0", "#### -0.0": "-0"},
            "leading zeros are no part of a value": {f"#### 00{number}": f"00{number}"},
            "the minus sign was lost": positive,
        },
        "signs belong to the number, and every digit counts",
    )


# ---- 4.5 generate_samples_batched --------------------------------------------------------------------------


def sample(lab, model, questions: list[str], tokenizer=None, **settings) -> list[list[str]]:
    defaults = {"n": 1, "max_new_tokens": 8, "temperature": 1.0, "batch_size": 4, "seed": 1}
    tokenizer = tokenizer if tokenizer is not None else lab.make("tiny_tokenizer")
    return lab.method.generate_samples_batched(model, tokenizer, questions, **{**defaults, **settings})


def passes_on_an_error(call: Callable[[], object]) -> None:
    """`call` meets an error of its model and doesn't hide it."""
    try:
        call()
    except StudentError:
        return
    raise AssertionError("an error of the model was swallowed; only the state is put back, then it goes on")


@pytest.mark.todo("4.5", points=2)
def test_padding_changes_no_sample(lab):
    most, stops = 10, {tokenizer_end()}
    weights, questions, found = greedy_case(lab.rng, most, stops)
    right = [llama.text_of(ids) for ids in found]
    prompts = [llama.token_ids(llama.chat(question)) for question in questions]
    ran_on = [llama.text_of(llama.greedy(weights, prompt, most, set())[0]) for prompt in prompts]
    tokenizer = lab.make("tiny_tokenizer")
    model = lab.make("llama", tokenizer, weights, training=True, attention_dropout=0.5)
    for batch_size, temperature in ((5, 0.0), (2, 0.0), (3, 1e-4)):
        got = sample(
            lab, model, questions, batch_size=batch_size, temperature=temperature, max_new_tokens=most, n=1
        )
        hint = generation_mistake(got, questions, right, ran_on)
        assert_equal(got, [[text] for text in right], hint)


@pytest.mark.todo("4.5", points=1)
def test_every_question_gets_its_own_n_samples_in_order(lab):
    weights, questions, found = greedy_case(lab.rng, 6, {tokenizer_end()})
    right = [llama.text_of(ids) for ids in found]
    tokenizer = lab.make("tiny_tokenizer")
    model = lab.make("llama", tokenizer, weights)
    for n, batch_size in ((3, 2), (2, 4)):  # so sharp a temperature leaves each question one possible sample
        got = sample(lab, model, questions, n=n, temperature=1e-4, max_new_tokens=6, batch_size=batch_size)
        shape = [len(group) for group in got]
        if len(got) != len(questions):
            hint = "one list of samples for each question: the last, smaller batch counts too"
        elif shape != [n] * len(questions):
            hint = f"each question gets exactly n samples, here {n}"
        elif sorted(sum(got, [])) == sorted(text for text in right for _ in range(n)):
            hint = "samples went to other questions: generate() puts the n samples of a prompt side by side"
        else:
            hint = generation_mistake(got, questions, right, [])
        assert_equal(got, [[text] * n for text in right], hint)
    assert_equal(sample(lab, model, []), [], "no questions give no samples: []")


@pytest.mark.todo("4.5", points=1)
def test_first_tokens_come_from_the_models_distribution(lab):
    tokenizer = lab.make("tiny_tokenizer")
    weights = llama.random_llama(lab.rng, sharpness=1.2)
    model = lab.make("llama", tokenizer, weights)
    question = problem(lab.rng)
    prompt = llama.token_ids(llama.chat(question))
    for temperature, top_p in ((1.0, 1.0), (0.5, 1.0), (1.3, 0.6)):
        [texts] = sample(
            lab, model, [question], n=600, max_new_tokens=1, temperature=temperature, top_p=top_p,
            seed=int(lab.rng.integers(10**6)),
        )  # fmt: skip
        counts = {text: texts.count(text) for text in texts}
        # a hair more than top_p, so that rounding can't decide whether the last token is in
        shares = llama.first_token_shares(weights, prompt, temperature, min(1.0, top_p + 1e-4))
        if llama.fit(counts, shares) > 1e-9:
            continue
        others = {
            "top_k cut the distribution (its default is 50): switch it off with top_k=0": {"top_k": 50},
            "the temperature has no effect": {"temperature": 1.0},
            "top_p has no effect": {"top_p": 1.0},
            "logits were multiplied by the temperature instead of divided": {"temperature": 1 / temperature},
        }
        named = [
            words
            for words, change in others.items()
            if llama.fit(
                counts,
                llama.first_token_shares(
                    weights, prompt, **{"temperature": temperature, "top_p": top_p, **change}
                ),
            )
            > 1e-9
        ]
        if len(counts) == 1:
            named = ["all samples are the same: nothing is sampled (do_sample=True)"]
        hint = (
            named[0]
            if named
            else "samples are not drawn from the model's distribution at this temperature and top_p"
        )
        raise AssertionError(hint)


@pytest.mark.todo("4.5", points=1)
def test_the_seed_decides_whatever_was_drawn_before(lab):
    tokenizer = lab.make("tiny_tokenizer")
    model = lab.make("llama", tokenizer, llama.random_llama(lab.rng))
    questions, seed = [problem(lab.rng, n) for n in (1, 3, 2)], int(lab.rng.integers(10**6))
    first = sample(lab, model, questions, n=4, seed=seed, batch_size=2)
    other = sample(lab, model, questions, n=4, seed=seed + 1, batch_size=2)
    again = sample(lab, model, questions, n=4, seed=seed, batch_size=2)
    assert first == again, "the same seed gave other samples: seed torch at the start of every call"
    assert first != other, "another seed gave the same samples: the seed is not used"
    flat = [text for group in first for text in group]
    assert len(set(flat)) > len(flat) // 2, "the samples repeat: seed once a call, not once a batch or sample"
    [left, right] = sample(lab, model, [questions[0]] * 2, n=4, seed=seed, batch_size=1)
    assert left != right, "two batches of one call drew the same samples: seed once a call, not once a batch"


@pytest.mark.todo("4.5", points=1)
def test_everything_is_left_as_it_was(lab):
    tokenizer = lab.make("tiny_tokenizer")
    weights, questions, found = greedy_case(lab.rng, 10, {tokenizer_end()})
    longest = max(found, key=len)
    stop = longest[len(longest) // 2]  # a second end token, known only to the model's generation config
    model = lab.make("llama", tokenizer, weights, training=True, stop_ids=[tokenizer_end(), stop])
    looked = lambda model=model: (  # noqa: E731
        lab.make("state", tokenizer)["padding_side"],
        lab.make("state", model)["training"],
        lab.make("generation_settings", model),
        lab.make("random_state")["torch"],
    )
    before = looked()
    assert before[:2] == ("right", True)
    sample(lab, model, questions, n=8, tokenizer=tokenizer)
    got = sample(lab, model, questions, temperature=0.0, max_new_tokens=10, tokenizer=tokenizer)
    names = (
        "tokenizer.padding_side",
        "the model's train mode",
        "model.generation_config",
        "torch's random state",
    )
    for name, was, now in zip(names, before, looked(), strict=True):
        assert was == now, f"{name} is not as it was before the call"
    broken = lab.make("failing", lab.make("llama", tokenizer, weights, training=True))
    before = looked(broken)
    passes_on_an_error(lambda: sample(lab, broken, questions, n=2, tokenizer=tokenizer))
    for name, was, now in zip(names, before, looked(broken), strict=True):
        assert was == now, f"{name} is not as it was before the call when the model raises: try … finally"
    cut = [ids[: ids.index(stop) + 1] if stop in ids else ids for ids in found]
    ran_on = [[llama.text_of(ids)] for ids in found]
    hint = "sampling stops at the tokenizer's end token and also at those of model.generation_config"
    if got != ran_on:
        hint = generation_mistake(got, questions, [llama.text_of(ids) for ids in cut], [])
    assert_equal(got, [[llama.text_of(ids)] for ids in cut], hint)


# ---- 4.6 score_samples_batched -----------------------------------------------------------------------------


def check_rewards(lab, model, tokenizer, weights, questions, samples, batch_size: int) -> list[list[float]]:
    """The rewards of one call, which are those of each conversation alone, unpadded."""
    got = lab.method.score_samples_batched(model, tokenizer, questions, samples, batch_size=batch_size)
    pairs = zip(questions, samples, strict=True)
    right = [[reward_of(weights, llama.chat(q, s)) for s in group] for q, group in pairs]
    try:
        assert_close(got, right, rtol=1e-4, atol=1e-4)
    except AssertionError:
        assert_close(got, right, score_mistake(got, weights, questions, samples), rtol=1e-4, atol=1e-4)
    return got


@pytest.mark.todo("4.6", points=2)
def test_a_reward_is_the_logit_of_the_two_turn_conversation(lab):
    weights, questions, samples = reward_case(lab.rng, (2, 3, 1))
    samples[1][1] = " ".join(solution(lab.rng) for _ in range(24))  # several hundred tokens
    tokenizer = lab.make("tiny_tokenizer")
    model = lab.make("llama", tokenizer, weights, training=True, attention_dropout=0.5)
    check_rewards(lab, model, tokenizer, weights, questions, samples, batch_size=1)


@pytest.mark.todo("4.6", points=1)
def test_no_batch_changes_a_reward(lab):
    weights, questions, samples = reward_case(lab.rng, (3, 2, 3))
    tokenizer = lab.make("tiny_tokenizer")
    backwards = [group[::-1] for group in samples[::-1]]
    for pad_token_id in (None, 7):  # a model that knows no pad token, and one that knows another
        model = lab.make("llama", tokenizer, weights, pad_token_id=pad_token_id)
        for batch_size in (3, 100):
            check_rewards(lab, model, tokenizer, weights, questions, samples, batch_size)
        check_rewards(lab, model, tokenizer, weights, questions[::-1], backwards, batch_size=3)


@pytest.mark.todo("4.6", points=1)
def test_rewards_come_in_the_shape_of_the_samples(lab):
    weights, questions, samples = reward_case(lab.rng, (1, 0, 4, 2))
    tokenizer = lab.make("tiny_tokenizer")
    model = lab.make("llama", tokenizer, weights)
    got = lab.method.score_samples_batched(model, tokenizer, questions, samples, batch_size=3)
    is_nested = isinstance(got, list) and all(isinstance(group, list) for group in got)
    hint = "a list of floats for each question, as long as its list of samples, also when that is empty"
    assert_equal([len(group) for group in got] if is_nested else None, [1, 0, 4, 2], hint)
    assert all(type(value) is float for group in got for value in group), "rewards are floats, not tensors"
    check_rewards(lab, model, tokenizer, weights, questions, samples, batch_size=2)


@pytest.mark.todo("4.6", points=1)
def test_scoring_leaves_tokenizer_and_model_as_they_were(lab):
    weights, questions, samples = reward_case(lab.rng, (2, 1))
    tokenizer = lab.make("tiny_tokenizer", padding_side="left")
    model = lab.make("llama", tokenizer, weights, training=True, attention_dropout=0.5, pad_token_id=7)
    check_rewards(lab, model, tokenizer, weights, questions, samples, batch_size=2)
    settings, held = lab.make("state", tokenizer), lab.make("state", model)
    assert settings["padding_side"] == "left", "tokenizer.padding_side is not as it was before the call"
    assert held["pad_token_id"] == 7, "reward_model.config.pad_token_id is not as it was before the call"
    assert held["training"] is True, "the reward model's train mode is not as it was before the call"
    broken = lab.make("failing", model)
    passes_on_an_error(
        lambda: lab.method.score_samples_batched(broken, tokenizer, questions, samples, batch_size=2)
    )
    hint = (
        "tokenizer or reward model are not as they were before the call when the model raises: try … finally"
    )
    assert (lab.make("state", tokenizer), lab.make("state", broken)) == (settings, held), hint


# ---- 4.7 majority_vote -------------------------------------------------------------------------------------


def check_votes(lab, cases: list[oracle.Answers], rule: str) -> None:
    judge(
        [
            Case(
                lambda answers=answers: lab.method.majority_vote(answers),
                oracle.earliest_winner(answers),
                lambda answers=answers: blame.vote_mistakes(answers),
                f"answers: {answers}",
            )
            for answers in cases
        ],
        rule,
    )


@pytest.mark.todo("4.7", points=1)
def test_the_answer_with_most_votes_wins(lab):
    cases = [["7", "7", "5"], ["5", "7", "7"], ["12"], ["3", "-3", "-3", "1/2"]]
    for size in (5, 8, 16, 33):
        names = oracle.answer_names(lab.rng, 4)
        answers = [names[i % 4] for i in range(size)] + [names[int(lab.rng.integers(4))]] * size
        cases.append([answers[int(i)] for i in lab.rng.permutation(len(answers))])
    check_votes(lab, cases, "the answer with the most votes wins")


@pytest.mark.todo("4.7", points=1)
def test_a_tie_goes_to_the_answer_seen_first(lab):
    cases = [["7", "5", "5", "7"], ["5", "7"], ["10", "9", "9", "10", "2"]]
    for tied, each, others in ((2, 2, 1), (2, 3, 2), (3, 2, 0), (4, 2, 3), (2, 4, 1), (5, 1, 0)) * 3:
        cases.append(oracle.tied_answers(lab.rng, tied, each, others))
    check_votes(
        lab, cases, "of the answers with the most votes the one that occurs earliest in the list wins"
    )


@pytest.mark.todo("4.7", points=1)
def test_none_never_counts_as_a_vote(lab):
    cases: list[oracle.Answers] = [[None] * 5 + ["3"], ["3", None, None], [None, "8", None, "2", "2", None]]
    for _ in range(8):
        answers = oracle.random_answers(lab.rng, 4, 3, none_share=0.0) + [None] * 6
        cases.append([answers[int(i)] for i in lab.rng.permutation(10)])
    check_votes(lab, cases, "None is left out before the votes are counted")


@pytest.mark.todo("4.7", points=1)
def test_where_nobody_votes_nobody_wins(lab):
    cases: list[oracle.Answers] = [[], [None], [None] * int(lab.rng.integers(2, 9))]
    check_votes(lab, cases, "without any vote the result is None")
    [name] = oracle.answer_names(lab.rng, 1)
    assert_equal(lab.method.majority_vote([None, name]), name, "a single vote is enough to win")


# ---- 4.8 expected_vote_accuracy ----------------------------------------------------------------------------


def expected_share(answers: oracle.Answers, gold: str) -> float:
    votes = oracle.tally(answers)
    top = [answer for answer, count in votes.items() if count == max(votes.values())]
    return top.count(gold) / len(top) if top else 0.0


def check_expectations(lab, cases: list[tuple[oracle.Answers, str]], rule: str) -> None:
    judge(
        [
            Case(
                lambda answers=answers, gold=gold: lab.evaluate.expected_vote_accuracy(answers, gold),
                expected_share(answers, gold),
                lambda answers=answers, gold=gold: blame.expectation_mistakes(answers, gold),
                f"answers: {answers}, gold: {gold!r}",
            )
            for answers, gold in cases
        ],
        rule,
        assert_close,
    )


@pytest.mark.todo("4.8", points=1)
def test_a_tie_is_worth_the_share_of_its_right_answers(lab):
    cases: list[tuple[oracle.Answers, str]] = [
        (["7", "5", "5", "7"], "7"),
        (["7", "5"], "5"),
        (["7", "5"], "9"),
        (["1", "1", "2", "2", "3", "3", "4"], "2"),
        (["1", "1", "2"], "2"),
        (["1", "1", "2"], "1"),
    ]
    for tied, each, others in ((2, 3, 2), (3, 2, 1), (5, 2, 3), (4, 1, 0)) * 2:
        answers = oracle.tied_answers(lab.rng, tied, each, others)
        cases.append((answers, str(answers[int(lab.rng.integers(len(answers)))])))
    check_expectations(lab, cases, "the share of the most frequent answers that is right")


@pytest.mark.todo("4.8", points=1)
def test_it_is_the_mean_over_all_orders_of_the_answers(lab):
    for _ in range(6):
        answers = oracle.random_answers(lab.rng, 6, 3, none_share=0.15)
        gold = next((answer for answer in answers if answer is not None), "1")
        want = float(oracle.share_over_orderings(answers, gold))
        for order in (answers, answers[::-1], [answers[int(i)] for i in lab.rng.permutation(6)]):
            got = lab.evaluate.expected_vote_accuracy(order, gold)
            hint = "the order of the answers plays no part: it is the mean of the vote over all orders"
            assert_close(got, want, f"{hint} (answers: {order}, gold: {gold!r})")


@pytest.mark.todo("4.8", points=1)
def test_none_is_no_vote_and_no_votes_are_worth_nothing(lab):
    cases: list[tuple[oracle.Answers, str]] = [([], "3"), ([None, None], "3"), ([None, None, None, "3"], "3")]
    for _ in range(6):
        answers = [*oracle.tied_answers(lab.rng, 2, 2, 1), *[None] * 4]
        answers = [answers[int(i)] for i in lab.rng.permutation(len(answers))]
        cases.append((answers, next(answer for answer in answers if answer is not None)))
    check_expectations(lab, cases, "None is not a vote; without any vote the result is 0.0")


@pytest.mark.todo("4.8", points=1)
def test_a_gold_of_none_is_refused(lab):
    [name] = oracle.answer_names(lab.rng, 1)
    assert_close(lab.evaluate.expected_vote_accuracy([name, None], name), 1.0, "one vote for gold wins alone")
    hint = "gold is None: None == None would make unread answers right; raise ValueError"
    for answers in ([None, None], [name], []):
        assert_refuses(lambda answers=answers: lab.evaluate.expected_vote_accuracy(answers, None), hint)


# ---- 4.9 best_of_n -----------------------------------------------------------------------------------------


def check_best(lab, cases: list[tuple[oracle.Answers, list[float]]], rule: str) -> None:
    judge(
        [
            Case(
                lambda answers=answers, rewards=rewards: lab.method.best_of_n(answers, rewards),
                answers[oracle.top_index(rewards)],
                lambda answers=answers, rewards=rewards: blame.best_mistakes(answers, rewards),
                f"answers: {answers}, rewards: {rewards}",
            )
            for answers, rewards in cases
        ],
        rule,
    )


@pytest.mark.todo("4.9", points=1)
def test_the_highest_reward_decides(lab):
    cases: list[tuple[oracle.Answers, list[float]]] = [
        (["7", "5", "7"], [-3.0, -1.0, -2.0]),
        (["7", "5", "5"], [0.9, 0.5, 0.6]),
        (["4"], [-8.5]),
    ]
    for size in (2, 5, 8, 16):
        rewards = oracle.rewards_of(lab.rng, size)
        cases.append((oracle.random_answers(lab.rng, size, 4, none_share=0.0), rewards))
        cases.append((oracle.answer_names(lab.rng, size), [reward - 50 for reward in rewards]))
    check_best(lab, cases, "the answer of the sample with the highest reward")


@pytest.mark.todo("4.9", points=1)
def test_of_equal_rewards_the_earliest_wins_and_none_may_win(lab):
    cases: list[tuple[oracle.Answers, list[float]]] = [
        (["7", "5", "9"], [1.0, 2.0, 2.0]),
        (["9", "5"], [2.0, 2.0]),
        ([None, "5"], [2.0, 1.0]),
        (["5", None], [1.0, 1.5]),
        (["5", "6"], [float("-inf"), float("-inf")]),
        (["5", "6"], [1e300, float("inf")]),
    ]
    for _ in range(8):
        names = oracle.answer_names(lab.rng, 6)
        rewards = [float(reward) for reward in lab.rng.integers(0, 3, size=6)]
        cases.append((names, rewards))
        cases.append(([None, *names], [5.0, *rewards]))
    check_best(lab, cases, "nothing is filtered, and of equal rewards the earliest sample wins")
    assert_equal(lab.method.best_of_n([], []), None, "no samples at all give None")


@pytest.mark.todo("4.9", points=1)
def test_a_reward_that_is_no_number_is_refused(lab):
    size = int(lab.rng.integers(3, 7))
    names, rewards = oracle.answer_names(lab.rng, size), oracle.rewards_of(lab.rng, size)
    check_best(lab, [(names, rewards)], "the answer of the sample with the highest reward")
    for place in range(size):
        broken = [float("nan") if i == place else reward for i, reward in enumerate(rewards)]
        hint = "a reward is NaN, wherever it stands: no comparison with it means anything; raise ValueError"
        assert_refuses(lambda broken=broken: lab.method.best_of_n(names, broken), hint)


# ---- 4.10 weighted_vote ------------------------------------------------------------------------------------


def check_weighted(lab, cases: list[tuple[oracle.Answers, list[float], float]], rule: str) -> None:
    judge(
        [
            Case(
                lambda case=case: lab.method.weighted_vote(*case),
                oracle.weighted_winner(*case),
                lambda case=case: blame.weighted_mistakes(*case),
                "answers: {}, rewards: {}, temperature: {}".format(*case),
            )
            for case in cases
        ],
        rule,
    )


@pytest.mark.todo("4.10", points=1)
def test_a_vote_weighs_the_exponential_of_its_reward(lab):
    cases: list[tuple[oracle.Answers, list[float], float]] = [
        (["7", "5", "5"], [2.0, 1.0, 1.0], 1.0),  # e^2 > 2e
        (["7", "5", "5", "5"], [1.0, 0.5, 0.5, -3.0], 1.0),  # e < 2·e^.5
        (["7", "5", "5"], [-2.0, -3.5, -3.5], 1.0),
        (["7", "5", "5"], [2.0, 1.0, 1.0], 4.0),
    ]
    while len(cases) < 24:
        answers = oracle.random_answers(lab.rng, 8, 3)
        case = (
            answers,
            oracle.rewards_of(lab.rng, 8, spread=1.5),
            float(lab.rng.choice([0.5, 1.0, 2.0, 5.0])),
        )
        if oracle.clear_margin(*case):
            cases.append(case)
    check_weighted(lab, cases, "the answer with the largest sum of exp(reward / temperature) wins")
    default = lab.method.weighted_vote(["7", "5", "5"], [2.0, 1.0, 1.0])
    assert_equal(default, "7", "the temperature is 1 when none is given")


@pytest.mark.todo("4.10", points=1)
def test_huge_and_tiny_rewards_neither_overflow_nor_vanish(lab):
    cases: list[tuple[oracle.Answers, list[float], float]] = []
    for base in (-1000.0, -100_000.0, 1000.0, 100_000.0):
        cases.append((["7", "5"], [base, base + 1.5], 1.0))
        while len(cases) % 5:
            answers = oracle.random_answers(lab.rng, 6, 3, none_share=0.1)
            case = (answers, [base + reward for reward in oracle.rewards_of(lab.rng, 6, spread=1.0)], 1.0)
            if oracle.clear_margin(*case):
                cases.append(case)
    rule = "subtract the highest reward before exp: no winner changes, and the sums stay finite and above 0"
    try:
        check_weighted(lab, cases, rule)
    except OverflowError:
        raise AssertionError("exp overflows: subtract the highest reward of the samples that vote") from None
    got = lab.method.weighted_vote([None, "7", "5"], [2000.0, 1.0, 2.0])
    hint = (
        "the highest reward belongs to a sample that doesn't vote; subtract the highest among those that do"
    )
    assert_equal(got, "5", hint)


@pytest.mark.todo("4.10", points=1)
def test_none_has_no_weight_and_equal_sums_go_to_the_earliest(lab):
    cases: list[tuple[oracle.Answers, list[float], float]] = [
        ([None, None, "7", "5"], [3.0, 3.0, 1.0, 1.5], 1.0),
        (["7", "5", "5", "7"], [0.0, 0.0, 0.0, 0.0], 1.0),
    ]
    for answers, rewards, temperature in cases:
        want = "5" if None in answers else "7"
        got = lab.method.weighted_vote(answers, rewards, temperature)
        hint = (
            "None is not a vote, whatever its reward"
            if None in answers
            else ("equal sums: the tied answer that occurs earliest wins")
        )
        assert_equal(got, want, hint)
    for _ in range(4):
        first, second = oracle.answer_names(lab.rng, 2)
        rewards = oracle.rewards_off_by_rounding(lab.rng)
        answers = [*[first] * len(rewards), *[second] * len(rewards)]
        got = lab.method.weighted_vote(answers, [*rewards, *rewards[::-1]])
        hint = (
            "equal weights in another order must tie (math.fsum), and the earliest of the tied answers wins"
        )
        assert_equal(got, first, hint)
    for answers in ([], [None, None]):
        got = lab.method.weighted_vote(answers, [1.0] * len(answers))
        assert_equal(got, None, "without any vote the result is None")


@pytest.mark.todo("4.10", points=1)
def test_between_best_of_n_and_the_majority(lab):
    for _ in range(6):
        names = oracle.answer_names(lab.rng, 3)
        answers = [names[0]] * 4 + [names[1]] * 2 + [names[2]]
        answers = [answers[int(i)] for i in lab.rng.permutation(7)]
        rewards = oracle.rewards_of(lab.rng, 7)
        cold = lab.method.weighted_vote(answers, rewards, 1e-3)
        hint = "at a temperature near 0 the highest reward decides: divide the reward by the temperature"
        assert_equal(cold, answers[oracle.top_index(rewards)], hint)
        warm = lab.method.weighted_vote(answers, rewards, 1e4)
        assert_equal(
            warm, names[0], "at a very high temperature every vote weighs the same: the majority wins"
        )
    for broken in (float("nan"), float("inf"), float("-inf")):
        hint = "a reward that is NaN or infinite has no weight: raise ValueError"
        assert_refuses(
            lambda broken=broken: lab.method.weighted_vote(["1", "2", "2"], [1.0, broken, 0.0]), hint
        )


# ---- 4.11 pass_at_k ----------------------------------------------------------------------------------------


def check_pass(lab, cases: list[tuple[int, int, int]], rule: str) -> None:
    try:
        judge(
            [
                Case(
                    lambda case=case: lab.evaluate.pass_at_k(*case),
                    oracle.pass_exactly(*case),
                    lambda case=case: blame.pass_mistakes(*case),
                    "n={}, c={}, k={}".format(*case),
                )
                for case in cases
            ],
            rule,
            functools.partial(assert_close, rtol=1e-9, atol=1e-12),
        )
    except (OverflowError, ZeroDivisionError):
        hint = (
            "the binomials don't fit into a float: write the quotient as a product, or divide whole numbers"
        )
        raise AssertionError(hint) from None


@pytest.mark.todo("4.11", points=1)
def test_it_counts_the_subsets_that_hold_a_right_sample(lab):
    sizes = (1, 4, 8, int(lab.rng.integers(5, 11)))
    cases = [(n, c, k) for n in sizes for c in range(n + 1) for k in range(1, n + 1)]
    judge(
        [
            Case(
                lambda case=case: lab.evaluate.pass_at_k(*case),
                oracle.pass_by_counting(*case),
                lambda case=case: blame.pass_mistakes(*case),
                "n={}, c={}, k={}".format(*case),
            )
            for case in cases
        ],
        "the share of all ways to draw k of the n samples without replacement that hold a right one",
        functools.partial(assert_close, atol=1e-12),
    )


@pytest.mark.todo("4.11", points=1)
def test_it_stays_exact_for_very_many_samples(lab):
    cases = [(1_000, 3, 200), (2_000, 1_000, 1_000), (5_000, 2, 2_500), (300_000, 1, 1), (200_000, 5, 64)]
    for _ in range(4):
        n = int(lab.rng.integers(1_500, 9_000))
        cases.append((n, int(lab.rng.integers(1, 6)), int(lab.rng.integers(2, n // 2))))
    check_pass(
        lab,
        cases,
        "exact to 1e-9 also for many samples: differences of log-gammas, for example, lose these digits",
    )


@pytest.mark.todo("4.11", points=1)
def test_nothing_right_is_zero_and_too_few_wrong_is_one(lab):
    for _ in range(8):
        n = int(lab.rng.integers(2, 400))
        k = int(lab.rng.integers(1, n + 1))
        none, sure = lab.evaluate.pass_at_k(n, 0, k), lab.evaluate.pass_at_k(n, n - k + 1, k)
        hint = f"with no right sample the chance is exactly 0.0, a plain number (n={n}, c=0, k={k})"
        assert_close(none, 0.0, hint, rtol=0, atol=0)
        hint = (
            f"with fewer than k wrong samples it is exactly 1.0, a plain number (n={n}, c={n - k + 1}, k={k})"
        )
        assert_close(sure, 1.0, hint, rtol=0, atol=0)
    n, c = 60, int(lab.rng.integers(1, 20))
    curve = [lab.evaluate.pass_at_k(n, c, k) for k in range(1, n + 1)]
    assert all(a <= b + 1e-12 for a, b in zip(curve, curve[1:], strict=False)), (
        "more samples can't lower the chance"
    )
    assert_close(curve[0], c / n, "at k = 1 it is the share of right samples")


@pytest.mark.todo("4.11", points=1)
def test_k_beyond_the_samples_is_refused(lab):
    n = int(lab.rng.integers(3, 30))
    check_pass(lab, [(n, 1, n), (n, 1, 1), (n, n, n)], "k = n is still fine")
    for k in (n + 1, 2 * n, 0, -1):
        hint = (
            "k > n: nothing says how more samples than were drawn would do; raise ValueError"
            if k > n
            else "k must be at least 1: raise ValueError"
        )
        for c in (0, 1, n):
            assert_refuses(lambda c=c, k=k: lab.evaluate.pass_at_k(n, c, k), hint)


# ---- 4.12 maj_at_k -----------------------------------------------------------------------------------------


@pytest.mark.todo("4.12", points=1)
def test_with_k_all_samples_there_is_one_subset(lab):
    share = lab.make("score:share_of_gold")
    for size in (1, 5, 16):
        answers = oracle.random_answers(lab.rng, size, 3)
        gold = next((answer for answer in answers if answer is not None), "1")
        for seed in (0, int(lab.rng.integers(1, 1000))):
            got = lab.evaluate.maj_at_k(answers, gold, size, share, resamples=7, seed=seed)
            read = [answer for answer in answers if answer is not None]
            likely = {
                "None was dropped before the subsets were drawn: an unread sample is a sample too": (
                    read.count(gold) / max(1, len(read))
                ),
                "scores were added up, not averaged": 7 * answers.count(gold) / size,
            }
            want = answers.count(gold) / size
            likely = {words: value for words, value in likely.items() if abs(value - want) > 1e-9}
            hint = mistake(got, likely, "k = n leaves one subset, all answers: draw without replacement")
            assert_close(got, want, hint)


def noise(share: float, draws: int) -> float:
    """How far a share of so many draws can be off: 6.5 standard errors, one test in ten billion."""
    return 6.5 * (share * (1 - share) / draws) ** 0.5


@pytest.mark.todo("4.12", points=1)
def test_with_any_gold_it_is_pass_at_k(lab):
    any_gold, draws = lab.make("score:any_gold"), 3000
    for n, c, k in ((16, 1, 8), (8, 2, 5), (8, 2, 2)):
        wrong = oracle.answer_names(lab.rng, n)
        gold, answers = wrong[0], [*[wrong[0]] * c, *[None] * 3, *wrong[1 : n - c - 2]]
        for order in (answers, answers[::-1]):
            got = lab.evaluate.maj_at_k(
                order, gold, k, any_gold, resamples=draws, seed=int(lab.rng.integers(10**6))
            )
            exact = oracle.pass_exactly(n, c, k)
            if abs(got - exact) <= noise(exact, draws):
                continue
            again, read = 1 - (1 - c / n) ** k, oracle.pass_exactly(n - 3, c, min(k, n - 3))
            if got in (0.0, 1.0):
                hint = "always the same k samples were looked at: draw a new random subset each time"
            elif abs(got - read) <= noise(read, draws):
                hint = "None was dropped before the subsets were drawn: an unread sample is a sample too"
            elif abs(got - again) <= noise(again, draws):
                hint = "samples were drawn with replacement: a subset holds no sample twice"
            else:
                hint = "every k of the n samples must be equally likely, those without an answer included"
            raise AssertionError(hint)


@pytest.mark.todo("4.12", points=1)
def test_the_seed_makes_it_repeatable(lab):
    share, gold = lab.make("score:share_of_gold"), "1"
    answers = [gold if i < 20 else str(i) for i in lab.rng.permutation(50)]
    seeds = [int(seed) for seed in lab.rng.choice(10_000, size=5, replace=False)]
    first = [lab.evaluate.maj_at_k(answers, gold, 17, share, resamples=23, seed=seed) for seed in seeds]
    again = [lab.evaluate.maj_at_k(answers, gold, 17, share, resamples=23, seed=seed) for seed in seeds]
    assert first == again, (
        "the same seed gave another result: use a generator of your own, made from the seed"
    )
    assert len(set(first)) > 1, "all seeds gave the same result: the seed is not used"
    plain = [lab.evaluate.maj_at_k(answers, gold, 17, share, resamples=23) for _ in range(2)]
    assert plain[0] == plain[1], "without a seed the seed is 0: the result repeats"
    value = lab.evaluate.maj_at_k(answers, gold, 3, lab.make("score:any_gold"), resamples=1, seed=seeds[0])
    assert value in (0.0, 1.0), (
        "resamples says how many subsets are drawn; with one, the mean is that one's score"
    )
    before = lab.make("random_state")
    lab.evaluate.maj_at_k(answers, gold, 17, share, resamples=23, seed=10_001)  # a seed not used before
    for name, state in lab.make("random_state").items():
        hint = (
            f"the global random state of {name} was changed: use a generator of your own, made from the seed"
        )
        assert state == before[name], hint


@pytest.mark.todo("4.12", points=1)
def test_a_subset_has_k_samples_in_their_order_none_twice(lab):
    size = int(lab.rng.integers(9, 20))
    answers = [str(i) for i in range(1, size + 1)]
    for k in (2, size // 2, size - 1):
        got = lab.evaluate.maj_at_k(answers, "1", k, lab.make("score:size"), resamples=9)
        likely = {
            "scores were added up, not averaged": 9.0 * k,
            "the whole list was scored, not a subset": float(size),
            "the subsets have one sample too few": k - 1.0,
            "the subsets have one sample too many": k + 1.0,
        }
        assert_close(got, float(k), mistake(got, likely, "every subset has exactly k answers"))
        got = lab.evaluate.maj_at_k(answers, "1", k, lab.make("score:in_order"), resamples=30)
        hint = (
            "the answers of a subset stay in their original order (for the tie rule), and none occurs twice"
        )
        assert_close(got, 1.0, hint)


@pytest.mark.todo("4.12", points=1)
def test_a_gold_of_none_and_k_beyond_the_samples_are_refused(lab):
    size = int(lab.rng.integers(3, 9))
    answers, share = oracle.answer_names(lab.rng, size), lab.make("score:share_of_gold")
    assert_close(lab.evaluate.maj_at_k(answers, answers[0], size, share), 1 / size, "k = n is still fine")
    hint = "k must be between 1 and the number of samples: raise ValueError"
    for k in (size + 1, 3 * size, 0, -1):
        assert_refuses(lambda k=k: lab.evaluate.maj_at_k(answers, answers[0], k, share, resamples=3), hint)
    hint = "gold is None: None == None would make unread answers right; raise ValueError"
    for k in (1, size):
        assert_refuses(lambda k=k: lab.evaluate.maj_at_k([None] * size, None, k, share, resamples=3), hint)


# ---- 4.13 best_of_n_kl_bound -------------------------------------------------------------------------------


def check_bounds(lab, rights: dict[int, float], atol: float) -> None:
    judge(
        [
            Case(
                lambda n=n: lab.evaluate.best_of_n_kl_bound(n),
                right,
                lambda n=n: blame.kl_mistakes(n),
                f"n={n}",
            )
            for n, right in rights.items()
        ],
        "the bound is log n - (n - 1)/n in nats",
        functools.partial(assert_close, rtol=0, atol=atol),
    )


@pytest.mark.todo("4.13", points=1)
def test_the_bound_is_the_divergence_of_a_maximum(lab):
    ns = [2, 4, 8, 16, 64, *(int(n) for n in lab.rng.integers(3, 60, size=3))]
    check_bounds(lab, {n: oracle.kl_by_integration(n) for n in ns}, 1e-4)


@pytest.mark.todo("4.13", points=1)
def test_each_further_sample_moves_it_a_little_more(lab):
    first = int(lab.rng.integers(2, 40))
    bound = sum(1 / m - 1 / (m + 1) for m in range(1, first)) * -1  # the bound without its logarithm
    rights = {}
    for n in range(first, first + 12):
        rights[n] = bound + float(np.log(n))
        bound -= 1 / (n * (n + 1))
    check_bounds(lab, {**rights, 10**6: 6 * float(np.log(10)) - 1 + 1e-6}, 1e-9)


@pytest.mark.todo("4.13", points=1)
def test_one_sample_moves_nothing_and_fewer_are_refused(lab):
    check_bounds(lab, {1: 0.0}, 1e-12)
    for n in (0, -1, -int(lab.rng.integers(2, 50))):
        hint = f"n = {n} was answered, not refused: best-of-n needs n >= 1, raise ValueError"
        assert_refuses(lambda n=n: lab.evaluate.best_of_n_kl_bound(n), hint)


# ---- 4.14 check_majority_failure ---------------------------------------------------------------------------


def check_vote_failures(lab, name: str, choose, cases: list[tuple[oracle.Answers, str]]) -> None:
    vote = lab.make(name)
    judge(
        [
            Case(
                lambda answers=answers, gold=gold: lab.evaluate.check_majority_failure(answers, gold, vote),
                gold in answers and choose(answers) != gold,
                lambda answers=answers, gold=gold: blame.vote_failure_mistakes(answers, gold, choose),
                f"answers: {answers}, gold: {gold!r}, vote: {name}",
            )
            for answers, gold in cases
        ],
        "True or False: a right answer is there, and the vote's choice is not gold",
    )


def last_parsed(answers: oracle.Answers) -> str | None:
    return [*[answer for answer in answers if answer is not None][-1:], None][0]


def smallest(answers: oracle.Answers) -> str | None:
    return min([answer for answer in answers if answer is not None], default=None)


def last_of_all(answers: oracle.Answers) -> str | None:
    return answers[-1]


def failure_cases(rng: np.random.Generator, count: int) -> list[tuple[oracle.Answers, str]]:
    """(answers, gold): gold among the answers, alone or often, or missing."""
    cases = []
    for i in range(count):
        answers = oracle.random_answers(rng, 6, 3, none_share=0.25)
        there = [answer for answer in answers if answer is not None] or ["1"]
        gold = "123456" if i % 3 == 0 else there[int(rng.integers(len(there)))]
        cases.append((answers, gold))
    return cases


@pytest.mark.todo("4.14", points=1)
def test_a_lost_right_answer_is_a_failure_of_the_vote(lab):
    cases: list[tuple[oracle.Answers, str]] = [
        (["3", "5", "5"], "3"),
        (["3", "5", "5"], "5"),
        (["5", "3", None], "3"),
        (["5", "3", None], "5"),
    ]
    check_vote_failures(lab, "vote:last_parsed", last_parsed, cases + failure_cases(lab.rng, 10))
    check_vote_failures(lab, "vote:smallest", smallest, cases + failure_cases(lab.rng, 10))


@pytest.mark.todo("4.14", points=1)
def test_without_a_right_sample_the_vote_has_not_failed(lab):
    cases: list[tuple[oracle.Answers, str]] = [
        ([], "3"),
        ([None, None], "3"),
        (["5", "5"], "3"),
        (["31"], "3"),
    ]
    cases += [(answers, "654321") for answers, _ in failure_cases(lab.rng, 6)]
    check_vote_failures(lab, "vote:last_parsed", last_parsed, cases)
    check_vote_failures(lab, "vote:smallest", smallest, [(["5", "3"], "5"), *cases])


@pytest.mark.todo("4.14", points=1)
def test_the_vote_sees_every_answer_and_gold_is_never_none(lab):
    cases = [(["3", None], "3"), ([None, "3"], "3"), (["3", "5", None], "5"), ([None, "5", "3"], "3")]
    check_vote_failures(lab, "vote:last_of_all", last_of_all, [*cases, *failure_cases(lab.rng, 8)])
    hint = "gold is None: None == None would make unread answers right; raise ValueError"
    vote = lab.make("vote:last_parsed")
    for answers in ([None, "5"], ["5"], [None]):
        assert_refuses(lambda a=answers: lab.evaluate.check_majority_failure(a, None, vote), hint)


# ---- 4.15 check_bon_failure --------------------------------------------------------------------------------


def check_bon_failures(lab, cases: list[tuple[oracle.Answers, list[float], str]]) -> None:
    judge(
        [
            Case(
                lambda case=case: lab.evaluate.check_bon_failure(*case),
                case[2] in case[0] and case[0][oracle.top_index(case[1])] != case[2],
                lambda case=case: blame.bon_failure_mistakes(*case),
                "answers: {}, rewards: {}, gold: {!r}".format(*case),
            )
            for case in cases
        ],
        "True or False: a right answer is there, and the sample with the highest reward has another",
    )


@pytest.mark.todo("4.15", points=1)
def test_a_right_answer_with_a_lower_reward_is_a_failure_of_best_of_n(lab):
    cases: list[tuple[oracle.Answers, list[float], str]] = [
        (["3", "5"], [1.0, 2.0], "3"),
        (["3", "5"], [1.0, 2.0], "5"),
        (["3", "5", "3"], [-1.0, -2.0, -3.0], "5"),
        (["5", "5", "3"], [0.0, -1.0, 2.0], "3"),
    ]
    cases += [
        (answers, oracle.rewards_of(lab.rng, len(answers)), gold)
        for answers, gold in failure_cases(lab.rng, 16)
        if gold in answers
    ]
    check_bon_failures(lab, cases)


@pytest.mark.todo("4.15", points=1)
def test_of_equal_rewards_the_earliest_is_the_choice_even_unread(lab):
    cases: list[tuple[oracle.Answers, list[float], str]] = [
        (["3", "5"], [2.0, 2.0], "3"),
        (["3", "5"], [2.0, 2.0], "5"),
        ([None, "3"], [2.0, 1.0], "3"),
        ([None, "3"], [2.0, 2.0], "3"),
        (["3", None], [2.0, 2.0], "3"),
    ]
    for answers, gold in failure_cases(lab.rng, 16):
        cases.append((answers, [float(reward) for reward in lab.rng.integers(0, 3, size=len(answers))], gold))
    check_bon_failures(lab, cases)


@pytest.mark.todo("4.15", points=1)
def test_without_a_right_sample_best_of_n_has_not_failed(lab):
    cases: list[tuple[oracle.Answers, list[float], str]] = [
        ([], [], "3"),
        ([None, None], [1.0, 2.0], "3"),
        (["5", "31"], [1.0, 2.0], "3"),
    ]
    cases += [(a, oracle.rewards_of(lab.rng, len(a)), "654321") for a, _ in failure_cases(lab.rng, 6)]
    check_bon_failures(lab, [*cases, (["3", "5"], [0.0, 1.0], "3")])
    hint = "gold is None: None == None would make unread answers right; raise ValueError"
    for answers in ([None, "5"], ["5", "6"], [None, None]):
        assert_refuses(lambda a=answers: lab.evaluate.check_bon_failure(a, [1.0, 2.0], None), hint)


# ---- 4.16 get_unique_preds_count ---------------------------------------------------------------------------


def check_counts(lab, cases: list[oracle.Answers], rule: str) -> None:
    judge(
        [
            Case(
                lambda answers=answers: lab.evaluate.get_unique_preds_count(answers),
                len(oracle.tally(answers)),
                lambda answers=answers: blame.count_mistakes(answers),
                f"answers: {answers}",
            )
            for answers in cases
        ],
        rule,
    )


@pytest.mark.todo("4.16", points=1)
def test_every_different_answer_counts_once(lab):
    cases: list[oracle.Answers] = [["7", "5", "7"], ["7"], ["1", "-1", "1/2", "2"], ["4", "4", "4"]]
    cases += [oracle.random_answers(lab.rng, size, 5, none_share=0.0) for size in (3, 8, 20)]
    check_counts(lab, cases, "a whole number: how many different answers there are")


@pytest.mark.todo("4.16", points=1)
def test_none_is_no_answer(lab):
    cases: list[oracle.Answers] = [[], [None], [None, None, "3"], ["3", None, "3", "4"], ["0", None]]
    cases += [[*oracle.random_answers(lab.rng, size, 4, none_share=0.4), None] for size in (3, 8, 20)]
    check_counts(lab, cases, "what could not be read is no answer; nothing read gives 0")


# ---- 4.17 overoptimisation_curve ---------------------------------------------------------------------------


def check_curve(lab, correct, rewards, ns: list[int], rule: str) -> None:
    case = Case(
        lambda: lab.evaluate.overoptimisation_curve(correct, rewards, ns),
        oracle.mean_curve(correct, rewards, ns),
        lambda: blame.curve_mistakes(correct, rewards, ns),
        f"ns: {ns}, samples of the items: {[len(row) for row in correct]}",
    )
    judge([case], rule, functools.partial(assert_close, rtol=1e-9, atol=1e-9))


def scored_items(rng: np.random.Generator, sizes: list[int], levels: int = 0):
    """(correct, rewards) of items with so many samples; with `levels`, rewards from so few values."""
    correct, rewards = [], []
    for size in sizes:
        right = [bool(rng.random() < 0.45) for _ in range(size)]
        right[int(rng.integers(size))] ^= True
        correct.append(right)
        rewards.append(
            [float(value) for value in rng.integers(0, levels, size=size)]
            if levels
            else oracle.rewards_of(rng, size)
        )
    return correct, rewards


@pytest.mark.todo("4.17", points=1)
def test_it_is_the_mean_over_every_subset(lab):
    correct, rewards = scored_items(lab.rng, [7, 8, 6, 9])
    check_curve(lab, correct, rewards, [4, 1, 6, 2, 2], "the mean of best-of-n over all subsets of n samples")
    correct, rewards = scored_items(lab.rng, [4])
    check_curve(lab, correct, rewards, [1, 2, 3, 4], "the mean of best-of-n over all subsets of n samples")


@pytest.mark.todo("4.17", points=1)
def test_of_equal_rewards_the_earlier_sample_wins(lab):
    for _ in range(3):
        correct, rewards = scored_items(lab.rng, [6, 8, 7], levels=3)
        rule = "of equal rewards in a subset the sample with the earlier index is chosen"
        check_curve(lab, correct, rewards, [2, 3, 5], rule)
    check_curve(lab, [[True, False]], [[1.0, 1.0]], [1, 2], "of equal rewards the earlier index wins")


@pytest.mark.todo("4.17", points=1)
def test_a_reward_that_knows_the_truth_gives_pass_at_k(lab):
    sizes = [64, 64, 64, 40]
    correct = [
        [bool(lab.rng.random() < share) for _ in range(size)]
        for size, share in zip(sizes, (0.02, 0.1, 0.4, 0.8), strict=True)
    ]
    truthful = [[float(right) for right in row] for row in correct]
    ns = [1, 2, 8, 32, 40]
    got = lab.evaluate.overoptimisation_curve(correct, truthful, ns)
    want = [sum(oracle.pass_exactly(len(row), sum(row), n) for row in correct) / len(correct) for n in ns]
    hint = "with rewards 1 for right and 0 for wrong the curve is pass@n, exactly, also for 64 samples"
    assert_close(got, want, hint, rtol=1e-8)
    hacked = [[*row[:-1], False] for row in correct]  # one wrong sample that the reward likes best
    got = lab.evaluate.overoptimisation_curve(hacked, [[*row[:-1], 9.0] for row in truthful], ns)
    want = [
        sum(
            (1 - n / len(row)) * oracle.pass_exactly(len(row) - 1, sum(row), n) if n < len(row) else 0.0
            for row in hacked
        )
        / len(hacked)
        for n in ns
    ]
    hint = "one wrong sample with the highest reward pulls the curve down: it is in n/N of the subsets"
    assert_close(got, want, hint, rtol=1e-8)


@pytest.mark.todo("4.17", points=1)
def test_sizes_that_no_item_has_and_nan_are_refused(lab):
    sizes = [int(size) for size in lab.rng.integers(4, 8, size=3)]
    correct, rewards = scored_items(lab.rng, sizes)
    check_curve(
        lab, correct, rewards, [min(sizes)], "n may be as large as the smallest item's number of samples"
    )
    for n in (min(sizes) + 1, 0, -1):
        hint = "an n below 1, or above the number of samples of any item: raise ValueError"
        assert_refuses(lambda n=n: lab.evaluate.overoptimisation_curve(correct, rewards, [1, n]), hint)
    rewards[1][2] = float("nan")
    hint = "a reward is NaN: the samples can't be ordered; raise ValueError"
    assert_refuses(lambda: lab.evaluate.overoptimisation_curve(correct, rewards, [1, 2]), hint)


# ---- the notebook's values ---------------------------------------------------------------------------------


def share_value(notebook, value_id: str) -> float:
    got = notebook.value(value_id)
    assert type(got) in (int, float), f"{value_id} is one number between 0 and 1"
    return float(got)


@pytest.mark.value("4.V1", points=3)
def test_value_tie_share(notebook):
    got, records = share_value(notebook, "4.V1"), notebook.records
    hint = value_mistake(
        got, truth.tie_mistakes(records), "the share of all questions whose vote over four is tied"
    )
    assert_close(got, truth.tie_share(records), hint, rtol=0, atol=6e-4)


@pytest.mark.value("4.V2", points=3)
def test_value_interval(notebook):
    got, records = notebook.value("4.V2"), notebook.records
    assert type(got) in (list, tuple) and len(got) == 2, "4.V2 is a list of two floats: [low, high]"
    assert all(type(bound) in (int, float) for bound in got), "4.V2 is a list of two floats: [low, high]"
    likely = {words: value for words, value in truth.interval_mistakes(records).items()}
    likely["low comes before high"] = truth.interval(records)[::-1]
    named = [
        w for w, value in likely.items() if all(abs(a - b) < 6e-4 for a, b in zip(got, value, strict=True))
    ]
    hint = (
        named[0]
        if named
        else "Wilson's 95 % interval of the accuracy of the majority vote over eight samples"
    )
    assert_close(list(got), truth.interval(records), hint, rtol=0, atol=6e-4)


@pytest.mark.value("4.V3", points=3)
def test_value_repaired_accuracy(notebook):
    got, records = share_value(notebook, "4.V3"), notebook.records
    hint = value_mistake(
        got, truth.repair_mistakes(records), "the accuracy of the first samples, read again from `text`"
    )
    assert_close(got, truth.repaired_accuracy(records), hint, rtol=0, atol=6e-4)


@pytest.mark.value("4.V4", points=3)
def test_value_oracle_gap(notebook):
    got, records = share_value(notebook, "4.V4"), notebook.records
    hint = value_mistake(got, truth.gap_mistakes(records), "pass@8 minus the accuracy of best-of-8")
    assert_close(got, truth.oracle_gap(records), hint, rtol=0, atol=6e-4)


@pytest.mark.value("4.V5", points=3)
def test_value_n_needed(notebook):
    got, records = notebook.value("4.V5"), notebook.records
    assert type(got) in (int, float) and got == int(got), "4.V5 is a whole number of items"
    hint = mistake(
        int(got), truth.needed_mistakes(records), "the items that McNemar's test needs for these two choosers"
    )
    assert_equal(int(got), truth.n_needed(records), hint)
