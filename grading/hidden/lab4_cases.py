"""Inputs for the functions with a tokenizer or a model, and the words for what went wrong with them.

What is right comes from lab4_llama.py: unpadded sequences, one at a time, in 64 bits.
"""

from __future__ import annotations

import numpy as np

from labkit.testing import mistake

from . import lab4_llama as llama

IGNORE = -100


def problem(rng: np.random.Generator, sentences: int = 1) -> str:
    """A word problem of a few sentences; the more, the longer the prompt."""
    names, things = ["Ava", "Ben", "Mia", "Noor"], ["apples", "pens", "books", "shelves"]
    parts = []
    for _ in range(sentences):
        who, what = names[int(rng.integers(4))], things[int(rng.integers(4))]
        parts.append(f"{who} has {rng.integers(2, 900)} {what} and buys {rng.integers(2, 90)} more.")
    return " ".join([*parts, "How many are left?"])


def solution(rng: np.random.Generator) -> str:
    a, b = int(rng.integers(2, 500)), int(rng.integers(2, 500))
    return f"{a} + {b} = {a + b}, so {a + b} are left.\n#### {a + b}"


def tokenizer_end() -> int:
    return llama.tokenizer().eos_token_id


def encoded_rows(questions: list[str], answers: list[str], most: int) -> dict[str, list[list[int]]]:
    rows: dict[str, list[list[int]]] = {"input_ids": [], "labels": [], "attention_mask": []}
    for question, answer in zip(questions, answers, strict=True):
        prompt = llama.token_ids(llama.chat(question))
        target = [*llama.token_ids(answer), llama.tokenizer().eos_token_id]
        rows["input_ids"].append((prompt + target)[:most])
        rows["labels"].append(([IGNORE] * len(prompt) + target)[:most])
        rows["attention_mask"].append([1] * len(rows["input_ids"][-1]))
    return rows


def encode_mistake(got: object, questions: list[str], answers: list[str], most: int) -> str:
    """Words for what is wrong with encoded rows, by what a likely mistake would give."""
    right = encoded_rows(questions, answers, most)
    end = llama.tokenizer().eos_token_id
    if not isinstance(got, dict) or not {"input_ids", "labels"} <= got.keys():
        return "the result is a dict of three columns: input_ids, labels and attention_mask"
    prompts = [len(llama.token_ids(llama.chat(question))) for question in questions]
    ids, labels = right["input_ids"], right["labels"]
    wrong_labels = {
        "the prompt is learned too: its labels must be -100": ids,
        "the end token is not learned: its label must be its own id, not -100": [
            row[:-1] + [IGNORE] if row[-1] == end else row for row in labels
        ],
        "the labels are shifted by one; the model shifts them by itself": [
            row[1:] + [IGNORE] for row in labels
        ],
        "the mask ends one position too early: the prompt's last token has a label": [
            [IGNORE] * (n - 1) + row[n - 1 :]
            for n, row in zip(prompts, ids, strict=True)  # fmt: skip
        ],
        "the mask ends one position too late: the answer's first token has no label": [
            [IGNORE] * (n + 1) + row[n + 1 :]
            for n, row in zip(prompts, ids, strict=True)  # fmt: skip
        ],
        "the mask covers the answer instead of the prompt": [
            row[:n] + [IGNORE] * (len(row) - n) for n, row in zip(prompts, ids, strict=True)
        ],
    }
    wrong_ids = {
        "the end token is missing after the answer, so the model never learns to stop": [
            row[:-1] if row[-1] == end else row for row in ids
        ],
        "the question went in without its chat template": [
            llama.token_ids(q) + row[n:] for q, n, row in zip(questions, prompts, ids, strict=True)
        ],
        "the whole conversation came from the template, with what that writes after the end token": [
            (llama.token_ids(llama.chat(q, a)))[:most] for q, a in zip(questions, answers, strict=True)
        ],
        "the answer went in twice or the rows are in another order": ids[::-1],
    }
    wrong_ids = {words: rows for words, rows in wrong_ids.items() if rows != ids}
    found = mistake(got["input_ids"], wrong_ids)
    if not found and got["input_ids"] == ids:
        found = mistake(got["labels"], wrong_labels, "the ids are right, the labels are not")
    if not found and got["labels"] == labels and got["input_ids"] == ids:
        found = "the attention mask is 1 for every position: nothing here is padding"
    return found or "ids are: the prompt's, the answer's, the end token; each tokenised apart"


def training_records(rng: np.random.Generator, count: int, empty: int = 0) -> list[dict[str, str]]:
    """`count` records, each of other word lengths than the rest; `empty` of them have no answer at all."""
    blank = {int(i) for i in rng.choice(count, size=empty, replace=False)}
    records = []
    for i in range(count):
        words = ["a" * (1 + i % 9), "b" * (1 + i // 9), *("c" * int(n) for n in rng.integers(1, 9, size=4))]
        answer = "" if i in blank else "d" * int(rng.integers(1, 9))
        records.append({"question": " ".join(words), "answer": answer, "template": f"t{i % 5}"})
    return records


def word_rows(records: list[dict[str, str]], most: int) -> list[tuple[int, ...]]:
    """The ids that the staff's stand-in encoder gives the records that have a label."""
    kept = [record for record in records if record["answer"]]
    return [tuple(5 + len(word) for word in f"{r['question']} {r['answer']}".split())[:most] for r in kept]


def trainer_rows(rng: np.random.Generator, lengths: list[tuple[int, int]]) -> list[dict[str, list[int]]]:
    """Rows of (prompt, answer) tokens with the prompt masked; the last token is the end token."""
    rows = []
    for prompt, answer in lengths:
        ids = [int(i) for i in rng.integers(5, len(llama.tokenizer()), size=prompt + answer - 1)]
        ids.append(tokenizer_end())
        labels = [IGNORE] * prompt + ids[prompt:]
        rows.append({"input_ids": ids, "labels": labels, "attention_mask": [1] * len(ids)})
    return rows


def collated(lab, trainer, indices: list[int]) -> dict[str, list[list[int]]]:
    """The batch that the trainer's collator makes of these rows, as lists. Raises AssertionError: none."""
    try:
        batch = lab.make("trainer_batch", trainer, indices)
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise AssertionError(
            "the trainer's collator can't put rows of different lengths into one batch: labels need padding"
            " too (DataCollatorForSeq2Seq)"
        ) from error
    rows = {name: np.asarray(value) for name, value in batch.items()}
    hint = "a batch holds whole numbers: a tensor (rows, positions) for each of ids, mask and labels"
    assert all(array.ndim == 2 and array.dtype.kind in "biu" for array in rows.values()), hint
    assert all(len(array) == len(indices) and array.size < 100_000 for array in rows.values()), hint
    return {name: array.tolist() for name, array in rows.items()}


def greedy_case(rng: np.random.Generator, most: int, stops: set[int]):
    """(weights, questions of different lengths, new ids of each) where no rounding can change a token.

    Some samples end before `most` tokens and some don't.
    """
    while True:
        weights = llama.random_llama(rng, end_sharpness=2.5)
        questions, found = [], []
        for sentences in (1, 4, 2, 1, 3, 2, 5, 1):
            question = problem(rng, sentences)
            ids, gap = llama.greedy(weights, llama.token_ids(llama.chat(question)), most, stops)
            if gap > 0.01 and len(found) < 5:
                questions.append(question)
                found.append(ids)
        early = sum(1 < len(ids) < most for ids in found)
        if len(found) == 5 and 0 < early < 5 and len({len(llama.token_ids(q)) for q in questions}) > 2:
            return weights, questions, found


def generation_mistake(
    got: list[list[str]], questions: list[str], right: list[str], ran_on: list[str]
) -> str:
    """Words for samples that differ from the greedy ones of unpadded prompts."""
    texts = [group[0] for group in got if group]
    if any("How many are left?" in text for text in texts):
        return "the prompt is still in the text: cut off as many tokens as the padded prompt has"
    if any("<pad>" in text or "<|" in text for text in texts):
        return "special tokens are still in the text: decode with skip_special_tokens=True"
    if texts == ran_on:
        return "sampling went on after the end token; nothing behind it belongs to a sample"
    if texts != right and sorted(texts) == sorted(right):
        return "the samples are in another order than the questions"
    lengths = [len(llama.token_ids(llama.chat(question))) for question in questions]
    longest = lengths.index(max(lengths))
    if len(texts) == len(right) and texts[longest] == right[longest]:
        return (
            "the longest prompt of a batch goes on as it should, shorter ones don't: pad on the left and hand"
            " over the attention mask"
        )
    pairs = list(zip(texts, right, strict=False))
    if len(texts) == len(right) and all(a and (b.endswith(a) or b.startswith(a)) for a, b in pairs):
        return "the cut between prompt and completion is off, or max_new_tokens is not what was asked for"
    return (
        "a sample goes on from `build_gsm_prompt` as the model alone would, in eval mode, whatever is padded"
    )


def reward_of(weights: llama.Weights, text: str) -> float:
    return float(llama.logits(weights, llama.token_ids(text))[-1, 0])


def reward_case(rng: np.random.Generator, counts: tuple[int, ...]):
    """(weights, questions, samples) with clearly different rewards and lengths; one sample is long."""
    weights = llama.random_llama(rng, reward=True)
    questions = [problem(rng, 1 + i % 3) for i in range(len(counts))]
    samples = [[" ".join(solution(rng) for _ in range(1 + j % 3)) for j in range(count)] for count in counts]
    return weights, questions, samples


def score_mistake(got: object, weights: llama.Weights, questions: list[str], samples: list[list[str]]) -> str:
    """Words for wrong rewards, by what scoring another text would give."""
    pairs = [(q, s) for q, group in zip(questions, samples, strict=True) for s in group]
    end = "<|end|>"
    texts = {
        "only the sample was scored; the reward is of question and sample": [s for _, s in pairs],
        "question and sample were put together without the chat template": [q + "\n" + s for q, s in pairs],
        "question and sample were put together without the chat template ": [q + s for q, s in pairs],
        "question and sample were put together without the chat template  ": [f"{q} {s}" for q, s in pairs],
        "a generation prompt stands behind the finished conversation": [
            llama.chat(q, s) + "<|assistant|>\n" for q, s in pairs
        ],
        "the sample was put into the user's turn": [llama.chat(q + "\n" + s) for q, s in pairs],
        "the sample stands behind the prompt, but its turn is not closed: use the template for both turns": [
            llama.chat(q) + s for q, s in pairs
        ],
        "the end token was added by hand: use the template for both turns": [
            llama.chat(q) + s + end for q, s in pairs
        ],
    }
    is_nested = isinstance(got, list) and all(isinstance(group, list) for group in got)
    flat = [value for group in got for value in group] if is_nested else []
    if not is_nested or [len(group) for group in got] != [len(group) for group in samples]:
        return "one list of rewards for each question, as long as its list of samples"
    if len(flat) != len(pairs) or not all(isinstance(value, float) for value in flat):
        return "one float a sample, in the shape of `samples`"
    right = [reward_of(weights, llama.chat(q, s)) for q, s in pairs]
    if all(abs(1 / (1 + np.exp(-b)) - a) < 1e-3 for a, b in zip(flat, right, strict=True)):
        return "the reward is the logit itself, without a sigmoid"
    if all(abs(a + b) < 1e-3 for a, b in zip(flat, right, strict=True)):
        return "the sign of the rewards is turned round"
    for words, others in texts.items():
        rewards = [reward_of(weights, text) for text in others]
        if rewards != right and all(abs(a - b) < 1e-3 for a, b in zip(flat, rewards, strict=True)):
            return words.strip()
    off = [abs(a - b) > 1e-3 for a, b in zip(flat, right, strict=True)]
    lengths = [len(llama.token_ids(llama.chat(q, s))) for q, s in pairs]
    if any(off) and min(n for n, bad in zip(lengths, off, strict=True) if bad) > 250:
        return "long conversations were truncated; they must be scored whole"
    if sorted(round(a, 3) for a in flat) == sorted(round(b, 3) for b in right):
        return "the rewards are right, but not in the order of the samples"
    return (
        "a reward must not depend on what shares its batch: hand over the mask, and set the model's pad token"
    )
