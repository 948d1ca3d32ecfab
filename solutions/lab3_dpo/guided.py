"""Lab 3, the self-guided loop: new drafts from the model in training, new pairs from them, and on.

    drafts = new_drafts(start, tasks, config, seed=1)                  # what it asks and answers now
    pairs = pairs_from(tasks, drafts, seed=1)                          # 3.10, with the teacher's texts
    pairs += better_questions(tasks, drafts, others)                   # of two drafts, the better questions
    rounds, questions = guided_loop(start, tasks, held_out, before, config)   # of each round, of each draft

A teaching task is a training question with the teacher's `final` text and `teacher_answer`. Pairs of answers
alone say nothing about questions, so a round samples two drafts a question and prefers the one whose
questions the rule-based judge prefers in both orders. The judge that rewards also scores, so the win rate
tells what can be learned from it, on test questions about other things. Round 0 is the model before the loop.
Each round has the main arm's loss (of `schedule` the first epoch's); its reference is the model as it was
when the round began: the frozen copy is brought up to date first. A new adapter has no copy yet, and gets
one. Source: the published guide (GUIDE.md), phase C.
Left out: the teacher itself (its texts are in the tasks).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .answers import verdict, with_entity, write
from .config import Config
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


def better_questions(tasks: Sequence[dict], first: Sequence[str], second: Sequence[str]) -> list[dict]:
    """Pairs of two drafts of a question, where the judge prefers one of them in both orders."""
    pairs = []
    for task, one, other in zip(tasks, first, second, strict=True):
        said = (verdict(one, other, task), verdict(other, one, task))
        if said not in (("first", "second"), ("second", "first")):
            continue
        chosen, rejected = (one, other) if said[0] == "first" else (other, one)
        pair = {"qid": task["qid"], "prompt": prompt_text(task["question"]) + ASK}
        pair |= {"chosen": chosen, "rejected": rejected, "source": "better_questions"}
        pairs.append({**pair, "kind": "natural", "flipped": False, "split": "train"})
    return pairs


def guided_loop(
    start: Start, tasks: Sequence[dict], held_out: Sequence[dict], before: Sequence[str], config: Config
) -> tuple[list[dict], list[dict]]:
    """Per round pairs, the log's ends, and how its drafts' questions fare against `before`; and per round and
    held-out question the judge's two verdicts.

    before: drafts of `held_out`, written before any preference training at the same temperature.
    """
    verdicts = compared(start, held_out, before, config, 0)
    rounds = [{"round": 0, "pairs": 0, "questions": summary(verdicts)}]
    for number in range(1, config.guided_rounds + 1):
        freeze_copy(start.model)
        current = Start(start.model, start.tokenizer, "ref")
        seed = 100 * config.seed + 2 * number
        drafts, others = (new_drafts(current, tasks, config, seed + i) for i in (0, 1))
        pairs = pairs_from(tasks, drafts, seed)
        asked = better_questions(tasks, drafts, others)
        arm = replace(config.arms[config.main_arm], flips=0.0, epochs=config.guided_epochs)
        log = []
        if pairs or asked:
            log = train(current, [*pairs, *asked], arm, config, f"guided round {number}")
        new = compared(current, held_out, before, config, number)
        verdicts += new
        rounds.append(
            {
                "round": number,
                "pairs": len(pairs),
                "wrong_drafts": sum(pair["source"] == "wrong_draft" for pair in pairs),
                "question_pairs": len(asked),
                "first_loss": log[0]["loss"] if log else None,
                "last_loss": log[-1]["loss"] if log else None,
                "questions": summary(new),
            }
        )
    return rounds, verdicts


def compared(
    start: Start, held_out: Sequence[dict], before: Sequence[str], config: Config, number: int
) -> list[dict]:
    """The judge's verdicts on the model's drafts of the held-out questions against those before: new first,
    and old first."""
    new = new_drafts(start, held_out, config, 100 * config.seed + number)
    rows = [
        {"round": number, "qid": task["qid"], "ab": verdict(a, b, task), "ba": verdict(b, a, task)}
        for a, b, task in zip(new, before, held_out, strict=True)
    ]
    return with_entity(rows, held_out)


def summary(verdicts: Sequence[dict]) -> dict:
    """Wins, losses and the win rate of the new drafts."""
    return win_rate([row["ab"] for row in verdicts], [row["ba"] for row in verdicts])
