"""Lab 1 data: one excerpt of documentation, two prompts, two ways to turn it into ids.

One record of `weird_machine_gadgets.jsonl` (`frame` names the document frame the excerpt was made from):

    {"instruction": "Identify ...", "input": "The ADD instruction adds ...", "frame": "f017",
     "output": "gadget_type: arithmetic; location: ADD; explanation: It adds two integers.", "split": "train"}

`build_prompts` (1.1) writes the task for both architectures, `encode_seq2seq` (1.2) and `encode_causal`
(1.3) make ids and labels of prompts and targets. Source: instruction tuning, Chung et al. 2022 (arXiv
2210.11416); text-to-text, Raffel et al. 2019 (arXiv 1910.10683).
Left out: the batches (a collator of transformers pads them) and what is learned from them (training.py).
"""

from __future__ import annotations

import random
from collections.abc import Sequence

DATA_FILE = "weird_machine_gadgets.jsonl"
RELATIONS_FILE = "label_relations.jsonl"
LABELS_FILE = "gadget_labels.jsonl"
RECORD = {"instruction": str, "input": str, "output": str}
IGNORE = -100  # torch's cross entropy skips targets with this value


def split_examples(
    rows: Sequence[dict], total: int | None, share: float, seed: int
) -> tuple[list[dict], list[dict]]:
    """The published split: subsample `total` rows, then hold out a share of them. (training, validation).

    At least one row is held out and one is left; None for `total` takes all rows. Raises ValueError: fewer
    than two rows.
    """
    order = list(range(len(rows)))
    random.Random(seed).shuffle(order)
    chosen = [rows[i] for i in order[:total]]
    if len(chosen) < 2:
        raise ValueError(f"a split needs two rows at least, found {len(chosen)}")
    held = min(max(round(share * len(chosen)), 1), len(chosen) - 1)
    return chosen[:-held], chosen[-held:]


def build_prompts(instruction: str, excerpt: str) -> dict[str, str]:
    """The same task as a prompt for each architecture.

    Instruction and excerpt are stripped of white space at both ends; inside they stay as they are. With I and
    E for the two, and `\\n` for a line end:

        seq2seq:  Task: I\\n\\nExcerpt:\\nE\\n\\nAnswer:
        causal:   ### Instruction:\\nI\\n\\n### Excerpt:\\nE\\n\\n### Response:\\n

    The encoder-decoder reads the whole prompt before it writes, and was tuned on tasks that are put like
    this. The decoder has to see where the prompt ends and the answer begins: its prompt ends with a line of
    its own, after the line end.

    Args:
        instruction: what to do, plain text.
        excerpt: the documentation to look at, plain text, any number of lines.
    Returns:
        `{"seq2seq": text, "causal": text}`, without special tokens and without an answer.
    Raises:
        ValueError: instruction or excerpt is empty, or holds only white space.
    Source: the published guide (GUIDE.md) for `seq2seq`; Taori et al. 2023, "Alpaca", for `causal`.
    """
    # TODO 1.1: strip both texts, refuse empty ones, fill in the two templates exactly.
    # BEGIN SOLUTION 1.1
    instruction, excerpt = instruction.strip(), excerpt.strip()
    if not instruction or not excerpt:
        raise ValueError("a prompt needs an instruction and an excerpt, and one of them is empty")
    return {
        "seq2seq": f"Task: {instruction}\n\nExcerpt:\n{excerpt}\n\nAnswer:",
        "causal": f"### Instruction:\n{instruction}\n\n### Excerpt:\n{excerpt}\n\n### Response:\n",
    }
    # END SOLUTION 1.1


def encode_seq2seq(
    examples: dict[str, list[str]], tokenizer, max_input_length: int, max_target_length: int
) -> dict[str, list[list[int]]]:
    """Ids and labels for an encoder-decoder: the prompt goes in on one side, the target on the other.

    `input_ids` are the prompt's ids as the tokenizer makes them, with the special tokens that it adds by
    itself (T5's own ends every input; nano-flan's adds nothing), cut to `max_input_length` by the tokenizer's
    own truncation, which keeps them. `labels` are the target's ids with `add_special_tokens=False`, then the
    tokenizer's end token `eos_token_id`: without it the decoder never learns to stop. A row of labels longer
    than `max_target_length` loses its right end; the end token is not put back, since the target was not
    finished. Nothing is masked (the prompt isn't in the labels), and nothing is padded: a pad token in the
    labels would be learned like any other.

    Args:
        examples: a batch in columns, `{"prompt": B texts, "target": B texts}`; other columns are ignored.
        tokenizer: with an end token.
        max_input_length: tokens of the prompt, special ones included, at least 1.
        max_target_length: tokens of the labels, the end token included, at least 1.
    Returns:
        `{"input_ids", "attention_mask", "labels"}`, each B lists of ints. The mask is all ones and as long
        as the row's `input_ids`; the labels have a length of their own.
    Raises:
        ValueError: a length below 1, or as many prompts as targets are not there.
    Source: Raffel et al. 2019, section 2.4; transformers, "T5", on training.
    """
    if min(max_input_length, max_target_length) < 1:
        raise ValueError(f"lengths must be at least 1: {max_input_length}, {max_target_length}")
    if len(examples["prompt"]) != len(examples["target"]):
        raise ValueError(f"{len(examples['prompt'])} prompts but {len(examples['target'])} targets")
    # TODO 1.2: prompt ids cut by the tokenizer; target ids + end token, cut on the right.
    # BEGIN SOLUTION 1.2
    encoded = {"input_ids": [], "attention_mask": [], "labels": []}
    for prompt, target in zip(examples["prompt"], examples["target"], strict=True):
        ids = tokenizer(prompt, truncation=True, max_length=max_input_length)["input_ids"]
        labels = tokenizer(target, add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
        encoded["input_ids"].append(ids)
        encoded["attention_mask"].append([1] * len(ids))
        encoded["labels"].append(labels[:max_target_length])
    return encoded
    # END SOLUTION 1.2


def encode_causal(examples: dict[str, list[str]], tokenizer, max_length: int) -> dict[str, list[list[int]]]:
    """Ids and labels for a decoder: prompt and target in one row, and only the target is learned.

    One row is: the prompt's ids, the target's ids, the tokenizer's end token `eos_token_id`. Prompt and
    target are tokenised apart, both with `add_special_tokens=False`: at test time the model meets the
    prompt's ids alone. The label of every prompt position is -100 (no loss); the label of every other
    position, the end token included, is its own id (the model shifts the labels by itself). GPT-2 pads with
    its end token: masking every label that equals the pad token would mask the end too, and the model would
    never stop. A row longer than `max_length` loses its right end; the end token is not put back.

    Args:
        examples: a batch in columns, `{"prompt": B texts, "target": B texts}`; other columns are ignored.
        tokenizer: with an end token.
        max_length: tokens of the whole row, at least 1.
    Returns:
        `{"input_ids", "attention_mask", "labels"}`, each B lists of ints. The three lists of a row have the
        same length (at most `max_length`), rows are not padded, and the mask is all ones.
    Raises:
        ValueError: `max_length` < 1, or as many prompts as targets are not there.
    Source: supervised fine-tuning with the prompt masked, Ouyang et al. 2022 (arXiv 2203.02155).
    """
    if max_length < 1:
        raise ValueError(f"max_length must be at least 1 token, found {max_length}")
    if len(examples["prompt"]) != len(examples["target"]):
        raise ValueError(f"{len(examples['prompt'])} prompts but {len(examples['target'])} targets")
    # TODO 1.3: prompt ids + target ids + end token; labels -100 over the prompt; cut at max_length.
    # BEGIN SOLUTION 1.3
    encoded = {"input_ids": [], "attention_mask": [], "labels": []}
    for prompt, target in zip(examples["prompt"], examples["target"], strict=True):
        before = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        learned = tokenizer(target, add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
        input_ids = (before + learned)[:max_length]
        encoded["input_ids"].append(input_ids)
        encoded["attention_mask"].append([1] * len(input_ids))
        encoded["labels"].append(([IGNORE] * len(before) + learned)[:max_length])
    return encoded
    # END SOLUTION 1.3
