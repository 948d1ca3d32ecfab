"""Lab 2, the published Phase B as it was: kept so that its result can be reproduced, and nothing else.

    published_score("To determine whether the")        # False: the default is No
    published_prompt(record, "draft")                  # the question and the model's own draft, no reasoning
    published_messages(record)                         # the gold answer stands in the prompt, in bold
    published_labels(ids, end)                         # every token is learned, but the one that ends it

Each of these is a cause that a configuration switches on (config.py) and a repair switches off. Phase A's
evaluator is public; Phase B's is not, so that it was the same is inference, and the notebook says so. Source:
the published guide (GUIDE.md) and its notebook. Left out: the repairs, which are the TODOs.
"""

from __future__ import annotations

from collections.abc import Sequence

from .data import IGNORE, word_of

# Seven names, of which a model with fused layers (Phi-3.5: qkv_proj, gate_up_proj) has two.
PUBLISHED_TARGETS = ("q_proj", "v_proj", "k_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
PUBLISHED_NEW_TOKENS = 5  # what the evaluator let the model write
PUBLISHED_EPOCHS, PUBLISHED_BATCH, PUBLISHED_ACCUMULATION = 3, 2, 16  # 137 rows: 5 steps an epoch, 15 in all
PUBLISHED_WARMUP = 5  # of the 15 steps


def published_score(text: str) -> bool:
    """Yes if the word occurs in the first few tokens, else No: whatever can't be read is No."""
    return "yes" in text.lower()


def published_prompt(record: dict, context: str) -> list[dict[str, str]]:
    """What the tuned model was shown at test time: "question", or "draft", with its own draft beside it."""
    content = f"Question: {record['question'].strip()}"
    if context == "draft":
        content += f"\nStudent draft: {record['student_draft'].strip()}\nReasoning:"
    return [{"role": "user", "content": content}]


def published_messages(record: dict) -> list[dict[str, str]]:
    """One training example: question, draft and the teacher's whole text go in, one word is the target."""
    content = (
        f"Question: {record['question'].strip()}\nStudent draft: {record['student_draft'].strip()}\n"
        f"Teacher reasoning: {record['teacher_reasoning'].strip()}\nAnswer:"
    )
    return [{"role": "user", "content": content}, {"role": "assistant", "content": word_of(record["answer"])}]


def published_labels(ids: Sequence[int], end: int) -> list[int]:
    """Labels are a copy of the ids; where pad is the end token, hiding the padding hides the end too."""
    return [IGNORE if token == end else token for token in ids]
