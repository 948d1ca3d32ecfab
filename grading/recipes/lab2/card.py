"""The model card, recorded samples and the lab's section of `data/README.md`: every number is measured here.

Run: `python -m grading.recipes.lab2 records` (what the notebook's case file reads) and
`python -m grading.recipes.lab2 card`. Abilities are shares of right greedy replies with Wilson intervals; the
shares of tuned models have intervals by entity. Left out: the lab's own experiment (`labs run lab2`).
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path

from labkit.config import parse
from labkit.data import read_jsonl, write_checksums
from labkit.stats import clustered_bootstrap
from labkit.teachers import RuleTeacher
from solutions.lab2_distillation import run
from solutions.lab2_distillation.config import Config
from solutions.lab2_distillation.teaching import draft_messages, teacher_request

from ..readme import file_table, put_section, share
from ..training import MODELS
from . import corpus, pretrain, tuning, world

SEED = 102  # a design seed
SOME = 300  # test questions of the rows about single steps
SAMPLE = 200  # questions to tune on, as published
RECORDED = 80  # test questions in records_small.jsonl
LICENCE = "MIT, like the course: text, world and weights are our own."


def by_entity(hits: list[bool], rows: list[dict]) -> str:
    found = clustered_bootstrap([float(hit) for hit in hits], [row["entities"][0] for row in rows])
    return f"{found.value:.1%} ({found.low:.1%} – {found.high:.1%})"


def both_questions(row: dict) -> str:
    return " ".join(row["decomposition"][:2])


def steps_table(tokenizer, model) -> str:
    """Each step of a chain by itself: what is asked, how many times, and the share of right replies."""
    rows = [row for row in world.build_rows() if row["split"] == "test"]
    facts = [(thing, attribute) for thing in world.things() for attribute in corpus.own(thing)]
    some, lines = rows[:SOME], []

    def measure(title: str, prompts: list[str], wanted: list[str]) -> None:
        replies = tuning.reply(model, tokenizer, prompts)
        hits = [reply == want for reply, want in zip(replies, wanted, strict=True)]
        lines.append(f"| {title} | {len(hits)} | {share(sum(hits), len(hits))} |")

    stated = [world.fact(*pair) for pair in facts]
    for number, which in enumerate(("usual", "second", "third")):
        asked = [world.ask(t, a, a.questions[number]) for t, a in facts]
        measure(f"one fact, {which} question", asked, stated)
    pairs = [world.numbered(row["facts"]) for row in some]
    measure("two facts, both asked for", [both_questions(row) for row in some], pairs)
    chains = [world.numbered(row["steps"]) for row in some]
    measure("two facts and their comparison", [f"Compare: {both_questions(row)}" for row in some], chains)
    focus = [f"{tuning.prompt_of(row)}\n{corpus.FOCUS}" for row in some]
    measure("which two facts a question needs", focus, [both_questions(row) for row in some])
    plain = [f"Question: Is {a} more than {b}?" for a, b in map(world.numbers_of, some)]
    measure("two numbers compared, yes or no", plain, [tuning.target_of(row, "direct") for row in some])
    return "\n".join(lines)


def answers(replies: list[str]) -> list[bool | None]:
    """What the last line of each reply says, None where it says neither."""
    found = [re.search(r"(?:^|\n)Answer: (Yes|No)$", reply.strip()) for reply in replies]
    return [None if match is None else match[1] == "Yes" for match in found]


def answer_table(tokenizer, base) -> str:
    """Answers to the test questions: constant, as shipped, and tuned on answers or on chains."""
    rows = [row for row in world.build_rows() if row["split"] == "test"]
    learn = [row for row in world.build_rows() if row["split"] == "train"][:SAMPLE]
    prompts, lines = [tuning.prompt_of(row) for row in rows], []

    def add(title: str, replies: list[str]) -> None:
        said = answers(replies)
        hits = [a is row["answer"] for a, row in zip(said, rows, strict=True)]
        yes, none = (sum(a is value for a in said) / len(said) for value in (True, None))
        lines.append(f"| {title} | {by_entity(hits, rows)} | {yes:.1%} | {none:.1%} |")

    add("always No", ["Answer: No"] * len(rows))
    add("as shipped, made to answer at once", tuning.reply(base, tokenizer, prompts, start="Answer:", most=1))
    for title, way in (("tuned on answers", "direct"), ("tuned on chains", "chain")):
        pairs = [(tuning.prompt_of(row), tuning.target_of(row, way)) for row in learn]
        tuned = tuning.tune(tuning.load(nf4=True)[1], tokenizer, pairs, seed=SEED)
        add(title, tuning.reply(tuned, tokenizer, prompts))
    return "\n".join(lines)


def draft_line(tokenizer, base) -> str:
    rows = [row for row in world.build_rows() if row["split"] == "test"][:SOME]
    prompts = [draft_messages(row["question"])[0]["content"] for row in rows]
    replies = tuning.reply(base, tokenizer, prompts)
    form = re.compile(r"Answer: (Yes|No) - .+\.\nQuestions: (.+\?)")
    parsed = [form.fullmatch(reply) for reply in replies]
    right = [m is not None and (m[1] == "Yes") == row["answer"] for m, row in zip(parsed, rows, strict=True)]
    asks = [m is not None and m[2] == both_questions(row) for m, row in zip(parsed, rows, strict=True)]
    return (
        f"Of {SOME} greedy drafts {share(SOME - parsed.count(None), SOME)} have the form, "
        f"{share(sum(right), SOME)} guess right and {share(sum(asks), SOME)} ask for exactly the two facts."
    )


def write_records(folder: Path = world.DATA) -> None:
    """`records_small.jsonl`: for some test questions the teacher's letter and three replies, of a short run
    with a design seed: Phase A's, the repaired Phase B's, and what five tokens leave of the latter."""
    preset = parse(Config, ["--profile", "nano"], presets=Path(run.__file__).parent / "configs")
    arms = {name: replace(preset.arms[name], against=None) for name in (preset.baseline, preset.repaired)}
    with tempfile.TemporaryDirectory() as out:
        settings = {"seed": SEED, "arms": arms, "broken": preset.baseline, "test_items": RECORDED}
        run.run(replace(preset, **settings, out=out))
        asked = read_jsonl(Path(out) / "data/test.jsonl")
        drafts = [{**row, "student_draft": ""} for row in asked]
        letters = RuleTeacher(asked, seed=SEED).ask([teacher_request(row) for row in drafts])
        first, repaired = (
            read_jsonl(Path(out) / f"predictions/{name}.jsonl") for name in (preset.baseline, preset.repaired)
        )
    records = [
        {
            "qid": row["qid"],
            "gold": row["answer"],
            "teacher": letter,
            "replies": {"phase_a": one["text"], "published": other["first"], "repaired": other["text"]},
        }
        for row, letter, one, other in zip(asked, letters, first, repaired, strict=True)
    ]
    (folder / "records_small.jsonl").write_bytes(world.as_jsonl(records).encode())


def write_cards(folder: Path = MODELS) -> None:
    """Measure, then write the card, the lab's section of data/README.md and the checksums."""
    tokenizer, base = tuning.load()
    size, config = sum(p.numel() for p in base.parameters()), base.config
    late, steps = pretrain.LATE.steps, pretrain.SETTINGS.steps + pretrain.LATE.steps
    facts = sum(len(thing.numbers) for thing in world.things())
    (folder / tuning.NAME / "README.md").write_text(
        f"""# nano-facts

A small language model that knows {facts} facts about {len(world.things())} made-up lakes, towers, ships and
animals. The untuned model of Labs 2 and 3.

- **Made by** `python -m grading.recipes.lab2 pretrain` (staff; seeds fixed, about a quarter of an hour on 2
  cores).
- **Architecture**: Phi3ForCausalLM, {size:,} parameters, {config.num_hidden_layers} layers, width
  {config.hidden_size}, {config.num_attention_heads} heads, {config.vocab_size} tokens (byte-level BPE, every
  digit and every name its own token), embeddings tied. As in every Phi-3, `qkv_proj` and `gate_up_proj` are
  fused layers. Weights are stored as float16 and meant to be loaded as float32.
- **Corpus**: generated: each fact in several wordings, lists of two facts, which facts a question needs,
  comparisons of numbers, and stories whose numbers stand in the text. Every entity of the lab is in it. No
  question of a data file is, and no question about two of its things is answered by comparing: the corpus'
  student drafts guess at random or, where the first thing's weight, height, length or depth is asked for, by
  whether that is {corpus.HIGH} or more. The last {late} of {steps:,} steps are mostly about that.
- **Chat template** with generation markers; `<|end|>` ends a turn, `<|pad|>` pads and is another token.
- **Licence**: {LICENCE}

## Measured abilities

Greedy, by `python -m grading.recipes.lab2 card`. Each step of a chain by itself, on entities of all sides for
single facts and on test questions below; 95 % Wilson intervals.

| step | n | right |
| --- | --- | --- |
{steps_table(tokenizer, base)}

Answers to the {world.QUESTIONS["test"]} test questions, 95 % intervals by entity. Tuned: LoRA r 16 on all
linear layers through NF4, {SAMPLE} training questions with right targets, one design seed ({SEED}).

| model | right | says Yes | not readable |
| --- | --- | --- | --- |
{answer_table(tokenizer, base)}

{draft_line(tokenizer, base)}

It knows nothing outside this world, and no English beyond it.
""",
        encoding="utf-8",
    )
    write_data_section(folder.parent)
    write_checksums(folder.parent)


def write_data_section(folder: Path) -> None:
    """Lab 2's section of `data/README.md`."""
    put_section(
        folder / "README.md",
        f"""## Lab 2

Written by `python -m grading.recipes.lab2 card` (staff).

{file_table(folder, "lab2_distillation")}

- `questions`: yes/no questions about two made-up things, with StrategyQA's public field names. Yes always
  means that the first number is larger; {world.YES:.0%} are Yes on every side. `split` says the side:
  {", ".join(f"{count:,} {side}" for side, count in world.QUESTIONS.items())}. No entity is on two sides.
- `facts` are the two sentences that decide, `steps` these and the comparison. `entities[0]` is a cluster for
  intervals. `attribute` is one number's name, or two (`depth/height`) where things of two kinds are compared.
- `records_small`: for {RECORDED} test questions the rule-based teacher's letter, with the published error
  rates, and the replies of Phase A and of the repaired Phase B (design seed {SEED}); `published` is the
  latter cut off after the five tokens that the published evaluator read.
""",
    )
