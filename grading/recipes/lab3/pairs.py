"""Lab 3's data: drafts of the Phase B checkpoint, a rule-based teacher's texts, and pairs made of both.

    write_pairs()                # data/lab3_dpo/tasks.jsonl, data/lab3_dpo/pairs.jsonl

Run: `python -m grading.recipes.lab3 pairs`. Drafts are *sampled* (greedy ones ask for the right facts nearly
always), twice a question: the first sample's draft stands in the tasks and the natural pairs, the second's in
the matched ones, so that no pair is there twice. The teacher is Lab 2's, with its error profile and its
repair 3: what it got wrong is asked again with a hint. Otherwise three of four chosen texts would say No, and
a preference for No would pass for one for reasoning. Left out: planted flips (`run` plants them).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from labkit.data import write_jsonl
from labkit.models import load_causal_lm, load_tokenizer
from labkit.teachers import RuleTeacher
from solutions.lab2_distillation import run as lab2
from solutions.lab2_distillation.data import training_text
from solutions.lab2_distillation.generate import replies
from solutions.lab2_distillation.teaching import draft_messages
from solutions.lab3_dpo.answers import TASKS
from solutions.lab3_dpo.data import PAIRS, build_pairs, match_pairs, read_answer
from solutions.lab3_dpo.guided import first_answer

from ..lab2 import world
from .checkpoints import COT, SEED

DATA = world.DATA.parent / "lab3_dpo"
TEMPERATURE = 1.0  # plain sampling: about a quarter of the drafts ask for something else than they need
NEW_TOKENS = 48  # the longest draft is shorter
PAIRED = {"train": 600, "test": 400}  # questions that become pairs; all of them become tasks
MAX_GAP = 2  # tokens between chosen and rejected, of matched pairs


def questions(limits: dict[str, int] | None = None) -> dict[str, list[dict]]:
    """Training and test questions of Lab 2, all or the first few."""
    rows = world.build_rows()
    return {
        split: [row for row in rows if row["split"] == split][: (limits or {}).get(split)] for split in PAIRED
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
    kept, back = lab2.sorted_out(lab2.taught(RuleTeacher(rows, seed=SEED), asked, attempts=1))
    found = {record["qid"]: (record, record in back) for record in (*kept, *back)}
    made = []
    for row in rows:
        record, hinted = found[row["qid"]]
        text = training_text(record, "rationale")[-1]["content"]
        made.append({**row, "final": text, "teacher_answer": read_answer(text), "hinted": hinted})
    return made


def form(text: str) -> str:
    """The form of a text: how its lines begin."""
    return " ".join(line.split(" ")[0] for line in text.splitlines())


def pairs_of(first: Sequence[dict], second: Sequence[dict], split: str, tokenizer) -> list[dict]:
    """Natural pairs of the first sample's drafts, matched ones of the second's."""

    def length(text: str) -> int:
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    made = []
    for number, (kind, rows) in enumerate((("natural", first), ("matched", second))):
        records = [{**row, "draft_answer": read_answer(first_answer(row["draft"]))} for row in rows]
        pairs = build_pairs(records, SEED + number)
        if kind == "matched":
            pairs = match_pairs(pairs, length, form, MAX_GAP, SEED)
        made += [{**pair, "kind": kind, "flipped": False, "split": split} for pair in pairs]
    return made


def write_pairs(folder: Path = DATA, limits: dict[str, int] | None = None, checkpoint: str = COT) -> None:
    """`tasks.jsonl` and `pairs.jsonl` in `folder`."""
    model, tokenizer = load_causal_lm(checkpoint, quantize="nf4"), load_tokenizer(checkpoint)
    tasks, pairs = [], []
    for number, (split, rows) in enumerate(questions(limits).items()):
        first, second = (
            finals(drafted(rows, model, tokenizer, 1000 * SEED + 10 * number + i)) for i in (0, 1)
        )
        names = ("qid", "question", "answer", "draft", "entities", "decomposition", "split")
        if split == "train":
            names += ("final", "teacher_answer", "hinted")
        tasks += [{name: row[name] for name in names} for row in first]
        size = PAIRED[split]
        pairs += pairs_of(first[:size], second[:size], split, tokenizer)
    write_jsonl(folder / TASKS, tasks)
    write_jsonl(folder / PAIRS, pairs)
