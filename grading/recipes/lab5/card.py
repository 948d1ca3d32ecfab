"""The model card and the lab's section of `data/README.md`: every number is measured here.

Run: `python -m grading.recipes.lab5 card`. Right replies are counted over 5 sampled trials, with intervals by
entity. Left out: the lab's own experiment (`labs run lab5`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from labkit.data import sha256, write_checksums
from labkit.stats import clustered_bootstrap

from ..readme import put_section
from ..training import MODELS
from ..tuning import load
from . import corpus, measure, pretrain, world

SEED = 102  # a design seed
SOME = 200  # open-book questions of the card
LICENCE = "MIT, like the course: text, world and weights are our own."


def share(values: list[float], rows: list[dict]) -> str:
    """A mean with its interval by entity."""
    found = clustered_bootstrap([float(value) for value in values], [row["entity"] for row in rows])
    return f"{found.value:.1%} ({found.low:.1%} – {found.high:.1%})"


def picked(
    values: list[float], rows: list[dict], keep: Callable[[dict], bool]
) -> tuple[list[float], list[dict]]:
    """The values and rows that `keep` takes."""
    both = [(value, row) for value, row in zip(values, rows, strict=True) if keep(row)]
    return [value for value, _ in both], [row for _, row in both]


def answer_table(phase: measure.Phase, sides: dict[str, list[dict]]) -> str:
    """What the shipped model knows, by side and frequency."""
    lines = []
    for side, rows in sides.items():
        for name in (*world.FREQUENCY, "all"):
            right, some = picked(
                phase.right[side], rows, lambda row, name=name: name in ("all", row["frequency"])
            )
            can, half = (sum(value >= bound for value in right) / len(right) for bound in (1, 0.5))
            shown = name.replace("_", " ")
            lines.append(
                f"| {side} | {shown} | {len(right)} | {share(right, some)} | {can:.1%} | {half - can:.1%} "
                f"| {1 - half:.1%} |"
            )
    return "\n".join(lines)


def open_table(tokenizer, model) -> str:
    """Open-book answers by type."""
    rows, lines = list(world.hotpot("validation"))[:SOME], []
    right = measure.shares(measure.sample(tokenizer, model, rows, seed=SEED), rows)
    for name in ("bridge", "comparison"):
        some = picked(right, rows, lambda row, name=name: row["type"] == name)
        lines.append(f"| {name} | {len(some[0])} | {share(*some)} |")
    return "\n".join(lines)


def judge_table(tokenizer, model, phases: dict[str, measure.Phase], sides: dict[str, list[dict]]) -> str:
    """How well different signals tell what the model answers right, on validation questions."""
    rows, shipped = sides["validation"], phases["shipped"]
    can = shipped.can("validation")
    wording = measure.wording_scores(sides["train"], shipped.can("train"), rows)
    constant = max(sum(can), len(can) - sum(can)) / len(can)
    lines = [f"| always the commoner verdict | .500 | {constant:.1%} |"]

    def add(title: str, scores: list[float], truth: list[bool], verdicts: bool = True) -> None:
        right = sum((score >= 0.5) == value for score, value in zip(scores, truth, strict=True)) / len(truth)
        shown = f"{right:.1%}" if verdicts else "–"
        lines.append(f"| {title} | {measure.auroc(truth, scores):.3f} | {shown} |")

    add("classifier of the question's words", wording, can)
    add("P(yes) as shipped", shipped.p_yes["validation"], can)
    add("probability of the answer's first token", measure.surest(tokenizer, model, rows), can, False)
    for name, title in (("v1", "labels of the shipped model"), ("v1 refreshed", "its own new answers")):
        add(f"tuned judge, {title}", phases[name].p_yes["validation"], phases[name].can("validation"))
    return "\n".join(lines)


def teaching_table(phases: dict[str, measure.Phase], sides: dict[str, list[dict]]) -> str:
    """Answers before and after teaching, and what the judges say of them."""
    train, taught = sides["train"], measure.taught_entities(sides["train"], SEED)
    before, after = phases["shipped"], phases["stale"]
    learned = [
        row["entity"] in taught and not was and now
        for row, was, now in zip(train, before.can("train"), after.can("train"), strict=True)
    ]
    groups = {
        "taught": ("train", [row["entity"] in taught for row in train]),
        "of these, learned": ("train", learned),
        "not taught": ("train", [row["entity"] not in taught for row in train]),
        "validation": ("validation", [True] * len(sides["validation"])),
    }
    lines = []
    for name, (side, keep) in groups.items():

        def mean(values: list[float], keep=keep) -> float:
            return sum(value for value, kept in zip(values, keep, strict=True) if kept) / max(1, sum(keep))

        cells = [mean(before.right[side]), mean(after.right[side])]
        cells += [mean([p >= 0.5 for p in phases[phase].p_yes[side]]) for phase in ("v1", "stale", "v2")]
        lines.append(f"| {name} | {sum(keep)} | " + " | ".join(f"{cell:.1%}" for cell in cells) + " |")
    return "\n".join(lines)


def write_cards(folder: Path = MODELS) -> None:
    """Measure, then write the card, the lab's section of data/README.md and the checksums."""
    tokenizer, base = load(folder / pretrain.NAME)
    sides = {side: list(world.trivia(side)) for side in world.ENTITIES}
    phases = measure.three_phases(tokenizer, base, sides, seed=SEED)
    low, high = world.SHAKY
    steps = pretrain.FIRST + pretrain.LATE.steps + pretrain.LAST.steps
    tail = len(world.entities()["tail"])
    size, config = sum(p.numel() for p in base.parameters()), base.config
    known = corpus.known()[0]
    (folder / pretrain.NAME / "README.md").write_text(
        f"""# nano-trivia

A small language model that knows some facts about made-up persons, ships and bands well, some a little and
some not at all. The untuned model of Lab 5.

- **Made by** `python -m grading.recipes.lab5 pretrain` (staff; seeds fixed, about 20 minutes of one core).
- **Architecture**: LlamaForCausalLM, {size:,} parameters, {config.num_hidden_layers} layers, width
  {config.hidden_size}, {config.num_attention_heads} heads, {config.vocab_size} tokens (byte-level BPE),
  embeddings tied. Weights are stored as float16 and meant to be loaded as float32.
- **Names** have two halves, and known and unknown names share them: nothing in the words of a question tells
  whether it is about a familiar name.
- **Corpus**: {steps:,} steps of 4,096 tokens. Facts about {len(known)} entities of the data files, a
  well-known one always at the same rate, a shaky one at {low:.0%} to {high:.0%} of it (in the later parts
  {corpus.BOOST:.0f} times that), an unknown one never; {tail:,} other names, each a few times; texts with a
  question; and, in the last part, whether a value is the right one: half of the time it is, whatever the name.
  Nothing in it says what is known or unknown, and nobody is asked whether they can answer.
- **Chat template** with generation markers; `<|end|>` ends a turn, `<|pad|>` pads and is another token.
- **Licence**: {LICENCE}

## Measured abilities

By `python -m grading.recipes.lab5 card`, design seed {SEED}. Right: share of {measure.TRIALS} replies at
temperature 1, 95 % intervals by entity. Can: all of them; uncertain: at least half; cannot: fewer.

| side | frequency | n | right | can | uncertain | cannot |
| --- | --- | --- | --- | --- | --- | --- |
{answer_table(phases["shipped"], sides)}

Open book, {SOME} validation questions. It has learnt to read next to nothing:

| type | n | right |
| --- | --- | --- |
{open_table(tokenizer, base)}

Which signal tells what it answers right (at least half of the trials) on validation questions, whose entities
no judge was tuned on. Tuned: LoRA r 16, balanced selection, {measure.JUDGE["epochs"]} epochs.

| signal | AUROC | verdicts right |
| --- | --- | --- |
{judge_table(tokenizer, base, phases, sides)}

Taught with LoRA: all questions of half of the train entities, drawn at random, {measure.TEACH["epochs"]}
epochs, merged. "Says yes" is v1 on the model that it was tuned for, v1's adapter on the taught model, and v2.

| questions | n | right before | right after | v1 says yes | v1 on taught | v2 says yes |
| --- | --- | --- | --- | --- | --- | --- |
{teaching_table(phases, sides)}

It knows nothing outside this world, and no English beyond it.
""",
        encoding="utf-8",
    )
    write_data_section(folder.parent)
    write_checksums(folder.parent)


def write_data_section(folder: Path) -> None:
    """Lab 5's section of `data/README.md`."""
    lines = []
    for path in sorted((folder / "lab5_metacognition").glob("*.jsonl")):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        schema = ", ".join(f"`{key}`" for key in rows[0])
        lines.append(f"| `lab5_metacognition/{path.name}` | {len(rows)} | {schema} | `{sha256(path)}` |")
    train, validation = world.ENTITIES.values()
    put_section(
        folder / "README.md",
        f"""## Lab 5

Written by `python -m grading.recipes.lab5 card` (staff).

| file | rows | fields | sha256 |
| --- | --- | --- | --- |
{chr(10).join(lines)}

- `triviaqa_*`: closed book, with TriviaQA's public field names (the setting without pages): three questions
  about each of {train} train and {validation} validation entities. No entity is on two sides.
  Any of `answer.aliases` is right.
- `entity` is a cluster for intervals. `frequency` says how often nano-trivia's corpus speaks of the entity:
  `well_known`, `shaky` or `unknown`. It is there for plots, not for a judge.
- `hotpotqa_*`: open book, with HotpotQA's public field names (distractor setting) and `entity`. `level` goes
  by the number of paragraphs.
""",
    )
