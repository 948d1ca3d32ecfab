"""The model card and the lab's section of `data/README.md`: every number is measured here.

Run: `python -m grading.recipes.lab5 card`. Right replies are counted over 5 sampled trials, with intervals by
entity. Left out: the lab's own experiment (`labs run lab5`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from labkit.data import write_checksums
from labkit.stats import clustered_bootstrap

from ..readme import file_table, put_section
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


def answer_table(rights: dict[str, list[float]], sides: dict[str, list[dict]]) -> str:
    """What the shipped model knows, by side and frequency."""
    lines = []
    for side, rows in sides.items():
        for name in (*world.FREQUENCY, "all"):
            right, some = picked(rights[side], rows, lambda row, name=name: name in ("all", row["frequency"]))
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


def signal_table(tokenizer, model, rights: dict[str, list[float]], sides: dict[str, list[dict]]) -> str:
    """How well signals that need no tuned judge tell what is answered right, on validation questions."""
    can = {side: [value >= 0.5 for value in right] for side, right in rights.items()}
    rows = sides["validation"]
    signals = {
        "classifier of the question's words": measure.wording_scores(sides["train"], can["train"], rows),
        "P(yes), asked whether it can answer": measure.p_yes(tokenizer, model, rows),
        "probability of the answer's likeliest first token": measure.surest(tokenizer, model, rows),
    }
    return "\n".join(
        f"| {name} | {measure.auroc(can['validation'], scores):.3f} |" for name, scores in signals.items()
    )


def write_cards(folder: Path = MODELS) -> None:
    """Measure, then write the card, the lab's section of data/README.md and the checksums."""
    tokenizer, base = load(folder / pretrain.NAME)
    sides = {side: list(world.trivia(side)) for side in world.ENTITIES}
    rights = {
        side: measure.shares(measure.sample(tokenizer, base, rows, seed=SEED), rows)
        for side, rows in sides.items()
    }
    low, high = world.SHAKY
    steps = pretrain.FIRST + pretrain.LATE.steps + pretrain.LAST.steps
    tail = len(world.entities()["tail"])
    size, config = sum(p.numel() for p in base.parameters()), base.config
    known = corpus.known()[0]
    (folder / pretrain.NAME / "README.md").write_text(
        f"""# nano-trivia

A small language model that knows some facts about made-up persons, ships and bands well, some a little and
some not at all. The untuned model of Lab 5.

- **Made by** `python -m grading.recipes.lab5 pretrain` (staff; seeds fixed, about 25 minutes of one core).
- **Architecture**: LlamaForCausalLM, {size:,} parameters, {config.num_hidden_layers} layers, width
  {config.hidden_size}, {config.num_attention_heads} heads, {config.vocab_size} tokens (byte-level BPE),
  embeddings tied. Weights are stored as float16 and meant to be loaded as float32.
- **Names** have two halves, and known and unknown names share them: nothing in the words of a question tells
  whether it is about a familiar name.
- **Corpus**: {steps:,} steps of 4,096 tokens. Facts about {len(known)} entities of the data files, a
  well-known one always at the same rate, a shaky one at {low:.0%} to {high:.0%} of it (in the later parts
  {corpus.BOOST:.0f} times that), an unknown one never; {tail:,} other names, each a few times; texts with a
  question; and, in the last part, whether a value is the right one: half of the time, whatever the name.
  Nothing in it says what is known or unknown, and nobody is asked whether they can answer.
- **Chat template** with generation markers; `<|end|>` ends a turn, `<|pad|>` pads and is another token.
- **Licence**: {LICENCE}

## Measured abilities

By `python -m grading.recipes.lab5 card`, design seed {SEED}. Right: share of {measure.TRIALS} replies at
temperature 1, 95 % intervals by entity. Can: all of them; uncertain: at least half; cannot: fewer.

| side | frequency | n | right | can | uncertain | cannot |
| --- | --- | --- | --- | --- | --- | --- |
{answer_table(rights, sides)}

Open book, {SOME} validation questions. It has learnt to read next to nothing:

| type | n | right |
| --- | --- | --- |
{open_table(tokenizer, base)}

Which signal tells what it answers right (at least half of the trials) on the validation questions:

| signal | AUROC |
| --- | --- |
{signal_table(tokenizer, base, rights, sides)}

The last row says that the model holds what a judge needs; P(yes) of the untuned model doesn't say it. What
judges learn, and what teaching does to them, the lab measures (its `expected.json`).

It knows nothing outside this world, and no English beyond it.
""",
        encoding="utf-8",
    )
    write_data_section(folder.parent)
    write_checksums(folder.parent)


def write_data_section(folder: Path) -> None:
    """Lab 5's section of `data/README.md`."""
    train, validation = world.ENTITIES.values()
    put_section(
        folder / "README.md",
        f"""## Lab 5

Written by `python -m grading.recipes.lab5 card` (staff).

{file_table(folder, "lab5_metacognition")}

- `triviaqa_*`: closed book, with TriviaQA's public field names (the setting without pages): three questions
  about each of {train} train and {validation} validation entities. No entity is on two sides.
  Any of `answer.aliases` is right.
- `other_wordings` asks the same in other words: what phase 2 teaches with, so that a wording isn't what is
  remembered.
- `entity` is a cluster for intervals. `frequency` says how often nano-trivia's corpus speaks of the entity:
  `well_known`, `shaky` or `unknown`. It is there for plots, not for a judge.
- `hotpotqa_*`: open book, with HotpotQA's public field names (distractor setting) and `entity`. `level` goes
  by the number of paragraphs.
""",
    )
