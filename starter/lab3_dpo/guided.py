"""Lab 3, the self-guided loop: new drafts from the model in training, new pairs from them, and on.

    drafts = new_drafts(start, tasks, config, seed=1)                  # what it asks and answers now
    pairs = pairs_from(tasks, drafts, seed=1)                          # 3.10, with the teacher's texts
    rounds = guided_loop(start, tasks, config)                         # two rounds; a summary of each

A teaching task is a training question with the teacher's `final` text and `teacher_answer`. Each round's
reference is the model as it was when the round began: the frozen copy is brought up to date first. A new
adapter has no copy yet, and gets one. Source: the published guide (GUIDE.md), phase C.
Left out: the teacher itself (its texts are in the tasks).
"""

from __future__ import annotations

from collections.abc import Sequence

from .answers import verdict, write
from .config import Arm, Config
from .data import build_pairs, prompt_text, read_answer
from .evaluate import win_rate
from .training import Start, freeze_copy, train

TEACHING = {"qid": str, "question": str, "answer": bool, "draft": str, "final": str, "teacher_answer": bool}
ASK = "\nDraft an answer and ask."  # as in phase B's drafts


def new_drafts(start: Start, tasks: Sequence[dict], config: Config, seed: int) -> list[str]:
    """A sampled draft for each task's question."""
    prompts = [prompt_text(task["question"]) + ASK for task in tasks]
    return write(start.model, start.tokenizer, prompts, config, config.draft_temperature, seed)


def pairs_from(tasks: Sequence[dict], drafts: Sequence[str], seed: int) -> list[dict]:
    """Pairs of the tasks with these drafts in place of theirs; an empty draft gives none."""
    records = [
        {**task, "draft": draft, "draft_answer": read_answer(first_answer(draft))}
        for task, draft in zip(tasks, drafts, strict=True)
        if draft.strip()
    ]
    pairs = build_pairs(records, seed)
    return [{**pair, "kind": "natural", "flipped": False, "split": "train"} for pair in pairs]


def first_answer(draft: str) -> str:
    """The draft's first line that begins with `Answer:`, "" without one: what follows it are questions."""
    lines = (line for line in draft.splitlines() if line.strip().lower().startswith("answer:"))
    return next(lines, "")


def guided_loop(start: Start, tasks: Sequence[dict], config: Config) -> list[dict]:
    """Per round: pairs, the log's ends, and how the new drafts' questions fare against the round before."""
    before = [task["draft"] for task in tasks]
    rounds = []
    for number in range(1, config.guided_rounds + 1):
        freeze_copy(start.model)
        current = Start(start.model, start.tokenizer, "ref")
        drafts = new_drafts(current, tasks, config, config.seed + number)
        pairs = pairs_from(tasks, drafts, config.seed + number)
        log = []
        if pairs:
            arm = Arm("dpo", epochs=config.guided_epochs)
            log = train(current, pairs, arm, config, f"guided round {number}")
        rounds.append(
            {
                "round": number,
                "pairs": len(pairs),
                "wrong_drafts": sum(pair["source"] == "wrong_draft" for pair in pairs),
                "first_loss": log[0]["loss"] if log else None,
                "last_loss": log[-1]["loss"] if log else None,
                "questions": compare_questions(tasks, drafts, before),
            }
        )
        before = drafts
    return rounds


def compare_questions(tasks: Sequence[dict], new: Sequence[str], old: Sequence[str]) -> dict:
    """The rule-based judge's verdicts on new against old drafts, asked in both orders."""
    ab = [verdict(a, b, task) for a, b, task in zip(new, old, tasks, strict=True)]
    ba = [verdict(b, a, task) for a, b, task in zip(new, old, tasks, strict=True)]
    return win_rate(ab, ba)
