"""Model cards, sample records and `data/README.md`: every number in them is measured by this command.

Run: `python -m grading.recipes.lab4 records` (samples and rewards for the notebook) and
`python -m grading.recipes.lab4 card` (cards and data/README.md). Abilities are greedy or sampled shares of
right answers with Wilson intervals; AUROC is over replies. Left out: the lab's own experiment, which `labs
run lab4` does.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

from transformers import AutoModelForSequenceClassification, AutoTokenizer

from labkit.data import write_checksums
from solutions.lab4_best_of_n.method import canonical_answer

from ..readme import file_table, put_section, share
from . import lessons, reward, sampling, world
from .pretrain import MODELS

SETS = {
    "in distribution": "test_in_distribution.jsonl",
    "same templates, larger numbers, new names": "test_same_templates.jsonl",
    "non-overlapping templates": "test_non_overlapping.jsonl",
}
ITEMS = 200  # of each test file; the intervals say what that is good for
LICENCE = "MIT, like the course: text, templates and weights are our own."


def problems(name: str, count: int | None = None) -> list[dict]:
    with open(world.DATA / name, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines][:count]


def tuned_model(seed: int = 102):
    """nano-math tuned on the training file; not the seed that the reward model grew from."""
    tokenizer, model = sampling.load()
    return tokenizer, sampling.tune(
        model, tokenizer, problems("gsm_symbolic_train_4500_student.jsonl"), seed=seed
    )


def load_reward():
    folder = MODELS / "nano-math-reward"
    return AutoTokenizer.from_pretrained(folder), AutoModelForSequenceClassification.from_pretrained(
        folder, dtype="float32"
    ).eval()


def records(model, tokenizer, scorer, rows: list[dict], *, n: int, seed: int) -> list[dict]:
    """`{question, gold, samples[{text, answer, reward}]}` for every problem, at temperature 1."""
    questions = [row["question"] for row in rows]
    replies = sampling.sample(model, tokenizer, questions, n=n, temperature=1.0, seed=seed)
    rewards = reward.score(scorer, tokenizer, questions, replies)
    return [
        {
            "question": row["question"],
            "gold": sampling.gold(row),
            "samples": [
                {"text": text, "answer": canonical_answer(text), "reward": round(value, 4)}
                for text, value in zip(texts, values, strict=True)
            ],
        }
        for row, texts, values in zip(rows, replies, rewards, strict=True)
    ]


def write_records(folder: Path = world.DATA) -> None:
    """`records_small.jsonl`: 60 questions with 8 samples, 7 tuned and 1 as shipped, recorded by a parser that
    knows only `####`."""
    rows = problems("test_in_distribution.jsonl", 60)
    scorer = load_reward()[1]
    tuned, shipped = (
        records(model, tokenizer, scorer, rows, n=8, seed=21)
        for tokenizer, model in (tuned_model(), sampling.load())
    )
    (folder / "records_small.jsonl").write_bytes(world.as_jsonl(mixed(tuned, shipped, seed=21)).encode())


def mixed(tuned: list[dict], shipped: list[dict], seed: int) -> list[dict]:
    """Records of both models in one, samples in random order; answers as the `####`-only parser saw them."""
    rng, made = random.Random(seed), []
    for one, other in zip(tuned, shipped, strict=True):
        samples = one["samples"][:7] + other["samples"][:1]
        rng.shuffle(samples)
        seen = [{**s, "answer": s["answer"] if "####" in s["text"] else None} for s in samples]
        made.append({**one, "samples": seen})
    return made


def greedy_table(models: dict) -> str:
    """Markdown rows: greedy accuracy of each model on each test file, with intervals."""
    lines = [f"| test (n = {ITEMS}) | " + " | ".join(models) + " |", "| --- |" + " --- |" * len(models)]
    for title, name in SETS.items():
        rows, cells = problems(name, ITEMS), []
        for tokenizer, model in models.values():
            questions = [row["question"] for row in rows]
            replies = sampling.sample(model, tokenizer, questions, n=1, temperature=0.0, seed=0)
            hits = sum(
                canonical_answer(r[0]) == sampling.gold(row) for r, row in zip(replies, rows, strict=True)
            )
            cells.append(share(hits, ITEMS))
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def format_line(tokenizer, model) -> str:
    questions = [row["question"] for row in problems("test_in_distribution.jsonl", ITEMS)]
    texts = [r[0] for r in sampling.sample(model, tokenizer, questions, n=1, temperature=1.0, seed=1)]
    hashed = sum("####" in text for text in texts)
    said = sum("answer is" in text for text in texts)
    return (
        f"At temperature 1, of {ITEMS} replies {share(hashed, ITEMS)} have `####`, {share(said, ITEMS)} say "
        '"answer is".'
    )


def write_cards(folder: Path = MODELS) -> None:
    """Measure, then write the two model cards and data/README.md."""
    tokenizer, base = sampling.load()
    _, tuned = tuned_model()
    size = sum(p.numel() for p in base.parameters())
    config = base.config
    table = greedy_table({"as shipped": (tokenizer, base), "tuned (seed 102)": (tokenizer, tuned)})
    (folder / "nano-math" / "README.md").write_text(
        f"""# nano-math

A small language model of a small world: arithmetic, chains of events and short word problems in English.
The untuned model of Lab 4.

- **Made by** `python -m grading.recipes.lab4 pretrain` (staff; seeds fixed, about a quarter of an hour on
  2 cores).
- **Architecture**: LlamaForCausalLM, {size:,} parameters, {config.num_hidden_layers} layers, width
  {config.hidden_size}, {config.num_attention_heads} heads, {config.vocab_size} tokens (byte-level BPE,
  every digit its own token), embeddings tied. Weights are stored as float16 and meant to be loaded as
  float32.
- **Corpus**: generated, about 12 million tokens: arithmetic facts, event stories, 30 simple templates, and
  a fifth of the lab's training templates with other numbers, mostly ending "The answer is N." No question
  of a data file and no non-overlapping template is in it.
- **Chat template** with generation markers; `<|end|>` ends a turn, `<|pad|>` pads and is another token.
- **Licence**: {LICENCE}

## Measured abilities

Greedy accuracy, 95 % Wilson interval, by `python -m grading.recipes.lab4 card`. The tuned column is one
design seed.

{table}

{format_line(tokenizer, base)}

It knows nothing outside this world, and no English beyond it.
""",
        encoding="utf-8",
    )
    _, scorer = load_reward()
    judged = len(world.templates("train")) - len(lessons.HELD_OUT)
    judge_size = sum(p.numel() for p in scorer.parameters())
    taken = {row["question"] for rows in world.build_files().values() for row in rows}
    lines = []
    for title, rows in {
        "training-side templates absent from its reward training": lessons.problems(
            200, "card", held_out=True, taken=taken
        ),
        "templates it was trained on, other draws": lessons.problems(
            200, "card", held_out=False, taken=taken
        ),
        "non-overlapping templates": problems("test_non_overlapping.jsonl", 200),
    }.items():
        questions = [row["question"] for row in rows]
        replies = sampling.sample(tuned, tokenizer, questions, n=8, temperature=1.0, seed=31)
        scores = reward.score(scorer, tokenizer, questions, replies)
        good = [
            [canonical_answer(t) == sampling.gold(row) for t in ts]
            for row, ts in zip(rows, replies, strict=True)
        ]
        likely = sampling.log_probabilities(tuned, tokenizer, questions, replies)
        lengths = [[len(text) for text in texts] for texts in replies]
        low, middle, high = reward.auroc_interval(rows, replies, scores)
        cells = [f"{middle:.3f} ({low:.3f} – {high:.3f})", f"{reward.auroc(rows, replies, likely):.3f}"]
        cells.append(f"{sum(map(sum, good)) / 1600:.1%}")
        for judged_by in (scores, likely, lengths):
            best = sum(g[max(range(8), key=s.__getitem__)] for g, s in zip(good, judged_by, strict=True))
            cells.append(share(best, 200))
        lines.append(f"| {title} | {' | '.join(cells)} |")
    (folder / "nano-math-reward" / "README.md").write_text(
        f"""# nano-math-reward

One number for a question and a reply: higher means more likely right. The reward model of Lab 4.

- **Made by** `python -m grading.recipes.lab4 reward` (staff; about an hour on 2 cores). The committed weights
  were made round by round, with other draws: a new run gives a like model, not the same bytes.
- **Architecture**: LlamaForSequenceClassification with one label, {judge_size:,} parameters,
  {scorer.config.num_hidden_layers} layers: the {config.num_hidden_layers} of nano-math tuned on the training
  file (design seed 100) and two fresh ones. Same tokenizer. float16 on disk, meant to be loaded as float32.
- **Input**: the chat template of [user question, assistant reply] as one text; the score is read at its last
  token.
- **Trained on** worked solutions with changed digits and planted slips, and replies of nano-math (tuned and
  as shipped) to fresh problems of {judged} training-side templates, labelled by their answer.
- **Averaged**: its weights are the mean of those after the first and after the last of four rounds
  (WiSE-FT, Wortsman et al. 2022, arXiv 2109.01903), which gives up a little at home for stories that it never
  judged. The last round's alone have, by the same command, AUROC 0.503 and best of 8 38.5% in the first row
  below, 0.952 and 72.0% in the second. The mean was chosen on design problems of the same templates as below
  (4 of the first row's 200 questions were among them).
- **Licence**: {LICENCE}

## Measured abilities

200 problems a row, 8 replies of a tuned model (seed 102) at temperature 1; AUROC over replies with a 95
% bootstrap interval clustered by problem; the others are accuracies with Wilson intervals. Two controls:
the tuned model's own log-probability of the reply, and its length. By `python -m grading.recipes.lab4 card`.

| problems | AUROC | of log-probability | one reply | best of 8 by this model | by log-probability | longest |
| --- | --- | --- | --- | --- | --- | --- |
{chr(10).join(lines)}

**What it can't do**, as the first row says: choose on stories that it never judged in training. There it
tells right replies from wrong ones better than chance, but worse than the tuned model's own log-probability
does, and its best of 8 is no better than one reply. It knows what right solutions of its stories look like;
it does not check arithmetic. The lab's test questions come from its stories, so the lab's numbers are those
of a judge at home. A reply in another style gets a number too, which means little.
""",
        encoding="utf-8",
    )
    write_data_readme(folder.parent)
    write_checksums(folder.parent)


def write_data_readme(folder: Path) -> None:
    """Head of `data/README.md`: every data file of this lab with items, schema and sha256."""
    put_section(
        folder / "README.md",
        f"""# Data

All files are our own, generated, and under the course's MIT licence. Models: see the `README.md` in each
folder of `models/`. This file is written by `python -m grading.recipes.lab4 card` (staff).

{file_table(folder, "lab4_best_of_n")}

- `answer` is a worked solution; its last line is `#### N`. `template` names the story it was drawn from
  (letters and underscores; a cluster for intervals).
- `gsm_symbolic_test_100_student` and `test_in_distribution`: the training file's stories, numbers and
  names, other problems.
- `gsm8k_test_100_same_templates` and `test_same_templates`: the same stories with new names, and with at
  least one number beyond the training ranges (up to one and a half times).
- `gsm8k_test_100_non_overlapping` and `test_non_overlapping`: stories that no training text has.
- `records_small`: `{{question, gold, samples: [{{text, answer, reward}}]}}`, 8 samples at temperature 1 for
  the first 60 questions of `test_in_distribution`: 7 of a tuned model and 1 of nano-math as shipped, in
  random order. `answer` is what a parser that knows only `####` recorded, null where it found none.
- No question occurs twice in the seven problem files.
""",
    )
