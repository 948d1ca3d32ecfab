"""What a record of Lab 3 is made of: a question, a sampled draft of the student, a rule-based teacher's text.

    rows = finals(drafted(questions()["train"], model, tokenizer, seed=103))

The teacher is Lab 2's, with its error profile and its repair 3: what it got wrong is asked again with a hint.
Otherwise three of four chosen texts would say No, and a preference for No would pass for one for reasoning.
Drafts are *sampled*: greedy ones ask for the right facts nearly always. Run: part of
`python -m grading.recipes.lab3 checkpoints` and `pairs`. Left out: pairs.
"""

from __future__ import annotations

from collections.abc import Sequence

from labkit.teachers import RuleTeacher
from solutions.lab2_distillation.data import training_text
from solutions.lab2_distillation.generate import replies
from solutions.lab2_distillation.teaching import draft_messages, sorted_out, taught
from solutions.lab3_dpo.data import read_answer

from ..lab2 import world

SEED = 103  # a design seed
SPLITS = ("train", "test")
TEMPERATURE = 1.0  # plain sampling: about a quarter of the drafts ask for something else than they need
NEW_TOKENS = 48  # the longest draft is shorter


def questions(limits: dict[str, int] | None = None) -> dict[str, list[dict]]:
    """Training and test questions of Lab 2, all or the first few."""
    rows = world.build_rows()
    return {
        split: [row for row in rows if row["split"] == split][: (limits or {}).get(split)] for split in SPLITS
    }


def drafted(rows: Sequence[dict], model, tokenizer, seed: int) -> list[dict]:
    """The rows, each with a sampled draft."""
    prompts = [draft_messages(row["question"]) for row in rows]
    options = {"max_new_tokens": NEW_TOKENS, "batch_size": 100, "temperature": TEMPERATURE, "seed": seed}
    texts = [text for text, _ in replies(model, tokenizer, prompts, **options)]
    return [{**row, "draft": text} for row, text in zip(rows, texts, strict=True)]


def finals(rows: Sequence[dict]) -> list[dict]:
    """The rows, each with the teacher's final text and answer; `hinted`: only once it was told the answer."""
    asked = [{**row, "student_draft": row["draft"]} for row in rows]
    kept, back = sorted_out(taught(RuleTeacher(rows, seed=SEED), asked, attempts=1))
    found = {record["qid"]: (record, record in back) for record in (*kept, *back)}
    made = []
    for row in rows:
        record, hinted = found[row["qid"]]
        text = training_text(record, "rationale")[-1]["content"]
        made.append({**row, "final": text, "teacher_answer": read_answer(text), "hinted": hinted})
    return made
