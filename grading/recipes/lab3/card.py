"""The cards of both checkpoints and Lab 3's section of `data/README.md`: every number is measured here.

Run: `python -m grading.recipes.lab3 card`. Answers are greedy, their intervals by entity. Left out: the lab's
own experiment (`labs run lab3`).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from labkit.data import read_jsonl, write_checksums
from labkit.models import load_causal_lm, load_tokenizer
from labkit.stats import clustered_bootstrap
from solutions.lab2_distillation.generate import replies
from solutions.lab3_dpo.answers import answered, usefulness
from solutions.lab3_dpo.data import prompt_text, read_answer, shuffle_drafts

from ..readme import file_table, put_section, share
from ..training import MODELS
from . import checkpoints, drafts, pairs, records

SOURCES = ("wrong_draft", "flipped_answer")
LICENCE = "MIT, like the course: text, world and weights are our own."
MADE = (
    "- **Made by** `python -m grading.recipes.lab3 checkpoints` (staff; seeds fixed, a minute on one core)."
)


def answers(name: str, tasks: list[dict]) -> str:
    """Rows of a table: right answers without a draft, with the recorded one, and with another's."""
    model, tokenizer = load_causal_lm(name, quantize="nf4"), load_tokenizer(name)
    own = [task["draft"] for task in tasks]
    lines = []
    for title, given in (
        ("question alone, as in Lab 2", [None] * len(tasks)),
        ("with its recorded draft", own),
        ("with another question's draft", shuffle_drafts(own, drafts.SEED)),
    ):
        prompts = [
            [{"role": "user", "content": prompt_text(task["question"], draft)}]
            for task, draft in zip(tasks, given, strict=True)
        ]
        texts = [text for text, _ in replies(model, tokenizer, prompts, max_new_tokens=80, batch_size=100)]
        rows = answered(tasks, texts)
        found = clustered_bootstrap(
            [float(row["correct"]) for row in rows], [task["entities"][0] for task in tasks]
        )
        unread = sum(row["answer"] is None for row in rows) / len(rows)
        lines.append(f"| {title} | {found.value:.1%} ({found.low:.1%} – {found.high:.1%}) | {unread:.1%} |")
    return "\n".join(lines)


def draft_line(tasks: list[dict]) -> str:
    """What the recorded drafts are like."""
    right = [read_answer(task["draft"].splitlines()[0]) is task["answer"] for task in tasks]
    asks = [usefulness(task["draft"], task) == 2 for task in tasks]  # both facts, and nothing else
    said, asked = share(sum(right), len(tasks)), share(sum(asks), len(tasks))
    return f"of {len(tasks):,} test drafts {said} guess right and {asked} ask for exactly the two facts"


def card(name: str, title: str, how: str, tasks: list[dict], drafted: str = "") -> str:
    size = (MODELS / name / "adapter_model.safetensors").stat().st_size
    return f"""# {name}

{title}: a LoRA adapter (r 16, alpha 32) of nano-facts, {size // 1000} kB. A starting point of Lab 3.

{MADE}
{how}
- **Base**: nano-facts, with its tokenizer and chat template; its layers were in NF4 while the adapter
  learned, and should be when it is used. Weights are float16.
- **Licence**: {LICENCE}

## Measured abilities

Greedy answers to the {len(tasks):,} test questions, about things of which no training question speaks; 95 %
intervals by entity. Measured by `python -m grading.recipes.lab3 card`.

| prompt | right | not readable |
| --- | --- | --- |
{answers(name, tasks)}
{drafted}"""


def write_cards(folder: Path = MODELS) -> None:
    """Measure, then write both cards, the lab's section of data/README.md and the checksums."""
    tasks = [task for task in read_jsonl(pairs.DATA / pairs.TASKS) if task["split"] == "test"]
    short, asked = checkpoints.CHANGED[checkpoints.COT], checkpoints.settings().train_samples
    phase_a = f"- **Training**: Lab 2's Phase A, answers alone; {asked} questions put to its teacher."
    cut = f"{short['train_samples']} questions, epochs: {short['enough_epochs']}"
    epochs, then = (
        checkpoints.DRAFTED_EPOCHS,
        f"the chosen texts of {checkpoints.DRAFTED} of Lab 3's training questions",
    )
    phase_b = f"""- **Training**: Lab 2's repaired Phase B, cut short so that there is something left to
  learn: {cut}. Then {then}
  behind prompts with a draft, epochs: {epochs}: Phase B never saw a draft in a prompt, and
  one leads it astray. Likelihood of the preferred texts before DPO: Rafailov et al. 2023 (arXiv 2305.18290),
  section 4."""
    drafted = f"\nSampled at temperature {drafts.TEMPERATURE:.0f}, {draft_line(tasks)}.\n"
    made = {
        checkpoints.ANSWER: card(checkpoints.ANSWER, "Lab 2's Phase A", phase_a, tasks),
        checkpoints.COT: card(checkpoints.COT, "Lab 2's repaired Phase B", phase_b, tasks, drafted),
    }
    for name, text in made.items():
        (folder / name / "README.md").write_text(text, encoding="utf-8")
    write_data_section(folder.parent)
    write_checksums(folder.parent)


def write_data_section(folder: Path) -> None:
    """Lab 3's section of `data/README.md`."""
    rows = read_jsonl(folder / "lab3_dpo" / pairs.PAIRS)
    kinds = Counter((row["split"], row["kind"], row["source"]) for row in rows)
    natural, matched = (
        {
            split: [kinds[split, kind, source] for source in SOURCES if kinds[split, kind, source]]
            for split in drafts.SPLITS
        }
        for kind in ("natural", "matched")
    )
    said = {
        split: f"{' + '.join(map(str, natural[split]))} natural, {matched[split][0]} matched"
        for split in natural
    }
    yes = {
        kind: sum(row["chosen"].endswith("Yes") for row in rows if row["kind"] == kind)
        / sum(row["kind"] == kind for row in rows)
        for kind in ("natural", "matched")
    }
    put_section(
        folder / "README.md",
        f"""## Lab 3

Written by `python -m grading.recipes.lab3 pairs` and `card` (staff).

{file_table(folder, "lab3_dpo")}

- `tasks`: Lab 2's training and test questions, each with a draft that nano-facts-cot sampled at
  temperature {drafts.TEMPERATURE:.0f} (design seed {drafts.SEED}). Training rows have the rule-based
  teacher's `final` text;
  `hinted` says that the teacher was wrong at first and got a hint, which was removed (Lab 2's third repair).
- `pairs`: the rejected text is the draft where it is wrong (`wrong_draft`), else the final text with its
  answer flipped (`flipped_answer`). `natural` pairs have both; `matched` ones, made with a second draft, have
  one form, at most {pairs.MAX_GAP} tokens of difference, and neither side is longer more often.
- Training: {said["train"]}; test: {said["test"]}. The chosen text says Yes in
  {yes["natural"]:.0%} and {yes["matched"]:.0%}. No entity is on both sides. `flipped` is false everywhere: a
  run plants its own.
- `records_small`: pairs in mid-training, for the notebook's case file: log-probabilities in nats under the
  model in training, under the frozen copy (`ref_…`) and under the base (`base_…`); measured by
  `python -m grading.recipes.lab3 records` after {records.STEPS} steps; {records.FLIPS:.0%} of the pairs
  are swapped.
""",
    )
