"""Model cards, recorded predictions and Lab 1's part of `data/README.md`: every number is measured here.

Run: `python -m grading.recipes.lab1 records` (predictions and judge's replies for tests and notebook) and
`python -m grading.recipes.lab1 card`. Shares come with Wilson intervals or bootstrap intervals clustered by
frame. Left out: the lab's own experiment, which `labs run lab1` does.
"""

from __future__ import annotations

import itertools
import json
from functools import cache
from pathlib import Path

import numpy as np

from labkit.data import write_checksums
from solutions.lab1_ensemble.method import check_format, extract_gadget_type, normalize_gadget_type

from ..readme import file_table, put_section, share
from . import corpus, judge, relations, tasks, tuning, world
from .lexicon import lexicon
from .pretrain import MODELS, RECIPES, START

LICENCE = "MIT, like the course: text, frames and weights are our own."
DESIGN_SEED = 102
RECORDED = 80  # validation rows in records_small.jsonl: one of each frame
CARDS = {
    "nano-flan": "encoder–decoder, instruction-tuned on many small tasks of the world. Plays FLAN-T5-small.",
    "nano-gpt": "decoder-only, trained on plain text of the world and on nothing else. Plays DistilGPT2.",
    "nano-flan-wide": "the third voter: as nano-flan, wider and from another seed. Plays FLAN-T5-base.",
}


def rows_of(split: str) -> list[dict]:
    with open(world.DATA / "weird_machine_gadgets.jsonl", encoding="utf-8") as lines:
        return [row for line in lines if (row := json.loads(line))["split"] == split]


@cache
def tuned(name: str):
    """Tokenizer and a model of `data/models` tuned on the training rows with the settings of `tuning.py`."""
    tokenizer, model = tuning.load(name)
    return tokenizer, tuning.tune(name, model, tokenizer, rows_of("train"), seed=DESIGN_SEED)


def clustered(rows: list[dict], hits: list[bool], seed: int = 0) -> str:
    """Share of hits with a 95 % bootstrap interval over frames."""
    frames: dict[str, list[bool]] = {}
    for row, hit in zip(rows, hits, strict=True):
        frames.setdefault(row["frame"], []).append(hit)
    groups, rng = list(frames.values()), np.random.default_rng(seed)
    drawn = [
        np.mean(np.concatenate([groups[i] for i in rng.integers(0, len(groups), len(groups))]))
        for _ in range(1000)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{np.mean(hits):.1%} ({low:.1%} – {high:.1%})"


# ---- records ----


def write_records(folder: Path = world.DATA) -> None:
    """`records_small.jsonl`: predictions of the three tuned models (design seed) and the judge's replies."""
    seen, rows = set(), []
    for row in rows_of("validation"):
        if row["frame"] not in seen and len(rows) < RECORDED:
            seen.add(row["frame"])
            rows.append(row)
    texts = {}
    for name in RECIPES:
        tokenizer, model = tuned(name)
        texts[name] = tuning.predictions(name, model, tokenizer, rows)
    tokenizer, model = tuning.load("nano-judge")
    labels = {
        name: [extract_gadget_type(text) or "" for text in texts[name]] for name in ("nano-flan", "nano-gpt")
    }
    pairs = list(zip(labels["nano-flan"], labels["nano-gpt"], strict=True))
    ab = tuning.reply(model, tokenizer, [judge.PROMPT.format(a=a, b=b) for a, b in pairs], causal=True)
    ba = tuning.reply(model, tokenizer, [judge.PROMPT.format(a=b, b=a) for a, b in pairs], causal=True)
    records = [
        {
            "id": f"{row['frame']}#{number}",
            "type": row["type"],
            "gold": row["output"],
            "predictions": {name: texts[name][number] for name in RECIPES},
            "judge": {"ab": ab[number], "ba": ba[number]},
        }
        for number, row in enumerate(rows)
    ]
    (folder / "records_small.jsonl").write_bytes(world.as_jsonl(records).encode())


# ---- cards ----


def as_shipped(name: str) -> str:
    """What the untuned model can do: its own tasks for T5, loss on fresh prose for GPT-2."""
    import torch

    tokenizer, model = tuning.load(name)
    if tuning.is_causal(name):
        text = list(itertools.islice(corpus.documents(9001), 200))
        with torch.no_grad():
            losses = [
                model(input_ids=ids, labels=ids).loss.item() * (ids.shape[1] - 1)
                for ids in (torch.tensor([tokenizer(t, add_special_tokens=False)["input_ids"]]) for t in text)
            ]
        letters = sum(len(t) for t in text)
        bits = sum(losses) / np.log(2) / letters
        return f"On 200 fresh documents of its corpus it needs {bits:.2f} bits a character."
    made = [pair for pair in itertools.islice(tasks.examples(9001), 700) if "<extra_id" not in pair[1]][:400]
    said = tuning.reply(model, tokenizer, [p for p, _ in made], causal=False)
    hits = sum(a == text for (_, a), text in zip(made, said, strict=True))
    return f"Of {len(made)} fresh instructions of its own tasks it answers {share(hits, len(made))} exactly."


def ability_table(name: str) -> str:
    """Markdown rows for the tuned model: dev frames and validation frames."""
    tokenizer, model = tuned(name)
    lines = ["| rows | format | label | type |", "| --- | --- | --- | --- |"]
    for title, rows in {
        "dev frames (chosen on)": world.draw("dev", 4, "card"),
        "validation frames": rows_of("validation"),
    }.items():
        texts = tuning.predictions(name, model, tokenizer, rows)
        labels = [extract_gadget_type(text) for text in texts]
        formats = [check_format(text) for text in texts]
        gold = [normalize_gadget_type(extract_gadget_type(row["output"])) for row in rows]
        right = [bool(a) and normalize_gadget_type(a) == b for a, b in zip(labels, gold, strict=True)]
        columns = [formats, right]
        places = [tuning.place_of(label) for label in labels]
        columns.append([bool(p) and p[0] == row["type"] for p, row in zip(places, rows, strict=True)])
        cells = " | ".join(clustered(rows, column) for column in columns)
        lines.append(f"| {title} (n = {len(rows)}, {len({r['frame'] for r in rows})} frames) | {cells} |")
    return "\n".join(lines)


def write_cards(folder: Path = MODELS) -> None:
    """Measure, then write the model cards and data/README.md's section."""
    for name, role in CARDS.items():
        write_model_card(name, role, folder)
    write_judge_card(folder)
    put_section(folder.parent / "README.md", data_section(folder.parent))
    write_checksums(folder.parent)


def write_model_card(name: str, role: str, folder: Path) -> None:
    settings, (_, model) = RECIPES[name], tuning.load(name)
    size = sum(p.numel() for p in model.parameters())
    kind, way = type(model).__name__, "causal" if tuning.is_causal(name) else "seq2seq"
    epochs, rate = tuning.EPOCHS[way], tuning.PEAK_LR[way]
    learnt = (
        "plain paragraphs and glossary entries about the ten gadget types, no instruction and no format"
        if tuning.is_causal(name)
        else "instructions (topic, place, named register or field, listed fields, yes or no, log lines) and "
        "masked spans, none of them in the task's format"
    )
    first = f"a decoder of {START.steps} steps on the same plain text"
    started = f"{first}, all weights" if tuning.is_causal(name) else f"the word embeddings of {first}"
    (folder / name / "README.md").write_text(
        f"""# {name}

A small language model of a small world of technical documents: {role}

- **Made by** `python -m grading.recipes.lab1 pretrain` (staff; seeds fixed).
- **Architecture**: {kind}, {size:,} parameters, width {settings.width}, {settings.layers} layers a stack,
  {settings.heads} heads, {model.config.vocab_size} tokens (byte-level BPE, every digit its own token; the
  lab's models share it). Weights are stored as float16 and meant to be loaded as float32.
- **Corpus**: generated; {learnt}. {settings.steps:,} steps. No frame of the data file is in it.
- **Started from** {started}.
- **Tokens**: `<|end|>` ends a text, `<|pad|>` pads and is another token.
- **Licence**: {LICENCE}

## Measured abilities

{as_shipped(name)}

Tuned on the 720 training rows ({epochs} epochs, batch {tuning.BATCH}, learning rate {rate:g}; design
seed {DESIGN_SEED}). The lab's run holds a tenth of these rows out; its numbers are in `expected.json`. Label:
equal after normalisation. Type: the label's type by `gadget_labels.jsonl`; chance is 10 %. Intervals:
bootstrap over frames. By `python -m grading.recipes.lab1 card`.

{ability_table(name)}

It knows nothing outside this world, and no English beyond it.
""",
        encoding="utf-8",
    )


def write_judge_card(folder: Path) -> None:
    tokenizer, model = tuning.load("nano-judge")
    with open(world.DATA / "label_relations.jsonl", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    unseen = [row for row in rows if row["split"] == "unseen"]
    seen = [row for row in rows if row["split"] == "seen"]
    table = [
        "| pairs | kappa | string match (control) | accuracy | swap consistency | unparsed |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for title, chosen in {"seen labels": seen[:600], "unseen labels": unseen}.items():
        found = judge.score(model, tokenizer, chosen)
        table.append(
            f"| {title} (n = {found['n']}) | {found['kappa']:.3f} | {found['kappa_string_match']:.3f} | "
            f"{found['accuracy']:.1%} | {found['swap_consistency']:.1%} | {found['unparsed']:.1%} |"
        )
    size = sum(p.numel() for p in model.parameters())
    labels = {side: len(relations.labels(side)) for side in ("seen", "unseen")}
    verdicts = ", ".join(relations.VERDICTS.values())
    (folder / "nano-judge" / "README.md").write_text(
        f"""# nano-judge

Says what two labels mean and whether they name the same gadget. The judge of Lab 1.

- **Made by** `python -m grading.recipes.lab1 judge` (staff; seeds fixed), from the weights that
  nano-gpt started from.
- **Architecture**: {type(model).__name__}, {size:,} parameters; tokenizer of nano-gpt.
- **Input**: `Label A: …`, `Label B: …`, `Judgment:`, a line each. **Output**: what each label means, a
  remark, and as last line `VERDICT: ` and one of {verdicts}.
- **Trained on** pairs of {labels["seen"]} seen labels in many spellings, garbled strings, and glossary
  prose. The {labels["unseen"]} unseen labels are in no pair of its training. The glossary, which nano-gpt
  read as well, defines every label, unseen ones included, each by itself ("Coil tag:
  memory access, is a tag of one bit."). So unseen pairs measure whether it compares what it has read.
- **Licence**: {LICENCE}

## Measured abilities

Kappa is Cohen's, against the gold relation; string match says FULL_AGREEMENT for labels equal after
normalisation, else DISAGREEMENT. By `python -m grading.recipes.lab1 card`, on `label_relations.jsonl`.

{chr(10).join(table)}

It judges labels of this world. A reply about anything else gets a verdict too, which means little.
""",
        encoding="utf-8",
    )


def data_section(folder: Path) -> str:
    """Lab 1's part of `data/README.md`."""
    frames = {
        side: f"{len(world.frames(side))} {side} frames, {per_frame} rows each"
        for side, per_frame in world.SIDES.items()
    }
    labels = {side: len(relations.labels(side)) for side in ("seen", "unseen")}
    return f"""## Lab 1

Written by `python -m grading.recipes.lab1 card` (staff).

{file_table(folder, "lab1_ensemble")}

- `weird_machine_gadgets`: {frames["train"]}, and {frames["validation"]}; `split` says
  which. No frame is on both sides, and no run of 13 words (numbers and names masked). `frame` is a cluster
  for intervals, `family` the sort of document, `type` one of {len(lexicon())} gadget types.
- `output` is `gadget_type: …; location: …; explanation: …`. The label is the type's usual name, a synonym, or
  a name of something more special.
- `gadget_labels`: every label with its `type` and `concept`; an empty concept is the type as a whole.
- `label_relations`: pairs of labels in several spellings. `same`: one concept. `related`: one type, or two
  that border on each other (control flow and dispatch, read/write and state). `invalid`: one is garbled.
  nano-judge learnt from pairs of {labels["seen"]} labels; none of the {labels["unseen"]} of the `unseen`
  pairs is among them. It has read a glossary's line about each.
- `records_small`: predictions of the three tuned models for one row of each validation frame, and the
  judge's replies on nano-flan's and nano-gpt's labels in both orders (design seed {DESIGN_SEED}).
"""
