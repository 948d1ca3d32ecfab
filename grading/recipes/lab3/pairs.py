"""Lab 3's data: drafts of the Phase B checkpoint, a rule-based teacher's texts, and pairs made of both.

    write_pairs()                # data/lab3_dpo/tasks.jsonl, data/lab3_dpo/pairs.jsonl

Run: `python -m grading.recipes.lab3 pairs`. Drafts are sampled twice a question: the first stands in the
tasks and the natural pairs, the second, where it is another text, in the matched ones; so no pair is there
twice. Left out: how drafts and texts come about (drafts.py), and planted flips (`run` plants them).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from labkit.data import write_jsonl
from labkit.models import load_causal_lm, load_tokenizer
from solutions.lab3_dpo.answers import TASKS
from solutions.lab3_dpo.data import PAIRS, build_pairs, match_pairs, read_answer
from solutions.lab3_dpo.guided import first_answer

from ..lab2 import world
from .checkpoints import COT
from .drafts import SEED, drafted, finals, questions

DATA = world.DATA.parent / "lab3_dpo"
PAIRED = {"train": 600, "test": 600}  # questions that become pairs; all of them become tasks
MAX_GAP = 2  # tokens between chosen and rejected, of matched pairs


def form(text: str) -> str:
    """The form of a text: how its lines begin."""
    return " ".join(line.split(" ")[0] for line in text.splitlines())


def pairs_of(first: Sequence[dict], second: Sequence[dict], split: str, tokenizer) -> list[dict]:
    """Natural pairs of the first sample's drafts, matched ones of the second's."""

    def length(text: str) -> int:
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    other = [new for old, new in zip(first, second, strict=True) if new["draft"] != old["draft"]]
    made = []
    for number, (kind, rows) in enumerate((("natural", first), ("matched", other))):
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
