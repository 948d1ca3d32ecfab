"""Lab 4 data: from a word problem to the numbers that a language model is trained on.

One record of every JSONL file of this lab (`template` names the frame the problem was made from):

    {"question": "Mia has 3 bags of 4 pens. How many?", "answer": "3 * 4 = 12\\n#### 12", "template": "t07"}

`encode_function` (4.1) turns records into token ids and labels, `load_and_prepare_train_dataset` (4.2)
does so for a file. Source: GSM8K's answer format, Cobbe et al. 2021 (arXiv 2110.14168); GSM-Symbolic,
Mirzadeh et al. 2024 (arXiv 2410.05229).
Left out: packing several short examples into one row; every example is its own row here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from datasets import Dataset

TRAIN_FILE = "gsm_symbolic_train_4500_student.jsonl"
IGNORE = -100  # torch's cross entropy skips targets with this value


def build_gsm_prompt(question: str, tokenizer) -> str:
    """The text that the model continues: one user turn, then the opening of the assistant's turn.

    The same function makes the prompt for training and for sampling; a model trained on another
    prompt than it is tested on looks worse than it is.

    Args:
        question: the problem, plain text.
        tokenizer: a tokenizer with a chat template.
    Returns:
        Text, not tokens. The template has already written the special tokens (also the beginning-of-text
        token, where the model has one), so tokenise it with `add_special_tokens=False`.
    Raises:
        ValueError: the tokenizer has no chat template (from transformers).
    Source: transformers, "Chat templates".
    """
    turns = [{"role": "user", "content": question}]
    return tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)


def split_public_sets(symbolic: Sequence[dict], gsm8k: Sequence[dict]) -> dict[str, list[dict]]:
    """The lab's files from the public sets: GSM-Symbolic (100 templates, 50 instances each) and GSM8K's test.

    Instances 0 to 44 of every template are for training (4,500), the others for the test in distribution;
    `same_templates` holds the GSM8K problems that the templates were made from, `non_overlapping` 500
    other ones. The published files of 100 begin the larger ones, one instance of each template.

    Args:
        symbolic: GSM-Symbolic rows with `question`, `answer`, `instance`, `original_id`, `original_question`.
        gsm8k: GSM8K test rows with `question` and `answer`.
    Returns:
        {file name: rows `{"question", "answer", "template"}`}; a template is GSM8K's question.
    Raises:
        KeyError: a row of another shape.
    Source: Mirzadeh et al. 2024, section 3.
    """

    def shaped(row: dict, template: str) -> dict:
        return {"question": row["question"], "answer": row["answer"], "template": template.strip()}

    ordered = sorted(symbolic, key=lambda row: (row["instance"], row["original_id"]))
    templates = {row["original_question"].strip() for row in ordered}
    train = [shaped(row, row["original_question"]) for row in ordered if row["instance"] < 45]
    tests = [shaped(row, row["original_question"]) for row in ordered if row["instance"] >= 45]
    same = [shaped(row, row["question"]) for row in gsm8k if row["question"].strip() in templates]
    other = [shaped(row, row["question"]) for row in gsm8k if row["question"].strip() not in templates]
    return {
        TRAIN_FILE: train,
        "test_in_distribution.jsonl": tests,
        "test_same_templates.jsonl": same,
        "test_non_overlapping.jsonl": other[:500],
        "gsm_symbolic_test_100_student.jsonl": tests[:100],
        "gsm8k_test_100_same_templates.jsonl": same[:100],
        "gsm8k_test_100_non_overlapping.jsonl": other[:100],
    }


def encode_function(examples: dict[str, list[str]], tokenizer, max_length: int) -> dict[str, list[list[int]]]:
    """Token ids and labels for a batch of problems; only the answer is learned.

    One row is: the ids of `build_gsm_prompt(question, tokenizer)`, then the ids of the answer as it
    stands, then the tokenizer's end token `eos_token_id`. Prompt and answer are tokenised apart, both with
    `add_special_tokens=False`: at test time the model also meets the prompt's ids alone. The label of every
    prompt position is -100 (no loss); the label of every other position, the end token included, is its own
    id (the model shifts the labels by itself). A row longer than `max_length` loses its right end; the end
    token is not put back, since the answer was not finished.

    Args:
        examples: a batch in columns, `{"question": B texts, "answer": B texts}`; other columns are ignored.
        tokenizer: with a chat template and an end token.
        max_length: tokens, at least 1.
    Returns:
        `{"input_ids", "labels", "attention_mask"}`, each B lists of ints. The three lists of a row have the
        same length (at most `max_length`), rows are not padded, and the mask is all ones.
    Raises:
        ValueError: `max_length` < 1, or as many questions as answers are not there.
    Source: supervised fine-tuning with the prompt masked, Ouyang et al. 2022 (arXiv 2203.02155).
    """
    if max_length < 1:
        raise ValueError(f"max_length must be at least 1 token, found {max_length}")
    if len(examples["question"]) != len(examples["answer"]):
        raise ValueError(f"{len(examples['question'])} questions but {len(examples['answer'])} answers")
    # TODO 4.1: prompt ids + answer ids + end token; labels -100 over the prompt; cut at max_length.
    # ---- your code for 4.1 starts here ----
    raise NotImplementedError("TODO 4.1 encode_function: see notebooks/lab4_best_of_n.ipynb, section 1")
    # ---- ends here ----


def load_and_prepare_train_dataset(
    path: str | Path,
    tokenizer,
    encode: Callable[..., dict[str, list[list[int]]]],
    max_length: int,
    limit: int | None = None,
    seed: int = 0,
) -> Dataset:
    """A JSONL file of problems as a training set of token ids, in a random but repeatable order.

    Steps, in this order: read the file; `encode(examples, tokenizer, max_length)` on batches of records (in
    columns, as `datasets` gives them); keep only the columns `input_ids`, `labels`, `attention_mask`; drop
    the rows whose labels are all -100 (the prompt alone filled `max_length`: nothing to learn, and the mean
    loss over no token is not a number); shuffle with `seed`; keep the first `limit`.
    So `limit` counts usable rows, and a limited set is the beginning of the full set with the same seed.

    Args:
        path: JSONL with `question` and `answer` in every line.
        tokenizer: handed on to `encode`.
        encode: a function like `encode_function`; it is an argument so that this function works with any.
        max_length: tokens, handed on to `encode`.
        limit: rows to keep; None or more than there are: all.
        seed: of the shuffle, `datasets.Dataset.shuffle(seed=...)`.
    Returns:
        `datasets.Dataset` with exactly three columns, each row three lists of ints of the same length.
    Raises:
        LabError: the file is missing, or a line lacks a field (from `labkit.data.read_jsonl`).
        ValueError: `limit` is negative.
    Source: `datasets.Dataset.map(batched=True)`, `.filter`, `.shuffle`, `.select`.
    """
    if limit is not None and limit < 0:
        raise ValueError(f"limit must be None or at least 0, found {limit}")
    # TODO 4.2: read, encode in batches, three columns, drop rows without a label, shuffle, limit.
    # ---- your code for 4.2 starts here ----
    raise NotImplementedError(
        "TODO 4.2 load_and_prepare_train_dataset: see notebooks/lab4_best_of_n.ipynb, section 2"
    )
    # ---- ends here ----
