"""Recipe of nano-judge: a causal model that says what two labels mean and ends with a verdict.

    "Label A: BOOL tag\\nLabel B: Read/Write gadget\\nJudgment:"
    → " A: memory access, is a tag of one bit. B: memory access, of any sort. One is a kind of the other.\\n
       VERDICT: PARTIAL_AGREEMENT"

It starts from the weights that nano-gpt started from, so it knows words of the world from prose, and learns
from pairs of seen labels, each in one order; glossary lines in between keep what every label means. Run:
`python -m grading.recipes.lab1 judge`. Left out: pairs with unseen labels, which are its test, and replies of
the tuned models.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from sklearn.metrics import cohen_kappa_score

from solutions.lab1_ensemble.method import normalize_gadget_type

from . import corpus, relations, tuning
from .lexicon import lexicon
from .pretrain import END, MODELS, padded, save, started, train
from .relations import VERDICTS, Named

PROMPT = "Label A: {a}\nLabel B: {b}\nJudgment:"  # as the lab asks it
MOST_NEW = 56
VERDICT = re.compile(r"VERDICT: (\w+)\Z")


@dataclass(frozen=True)
class Judging:
    """How the judge is trained."""

    steps: int = 2400
    batch: int = 32
    peak_lr: float = 2e-3  # smaller than in pre-training, to keep what prose taught
    warmup: int = 50
    weight_decay: float = 0.05
    prose: float = 0.3  # share of glossary rows: what a label means, unseen ones too
    words: float = 0.25  # share of pairs with a description in place of one label
    seed: int = 44


def meaning(named: Named) -> str:
    """What the judge writes about one label."""
    if named.place is None:
        return "nothing"
    return lexicon()[named.place[0]].definition(named.place[1])


def remark(one: Named, two: Named, wanted: str) -> str:
    """Why the verdict is so, in half a line."""
    if wanted == "related" and one.place[0] != two.place[0]:
        return "The two are close."
    if wanted == "related":
        return (
            "One is a kind of the other." if "" in (one.place[1], two.place[1]) else "Two kinds of one sort."
        )
    said = {
        "same": "Both name the same.",
        "different": "The two differ.",
        "invalid": "A label names nothing.",
    }
    return said[wanted]


def lesson(wanted: str, one: Named, two: Named) -> tuple[str, str]:
    """(prompt, reply)."""
    reply = f" A: {meaning(one)}. B: {meaning(two)}. {remark(one, two, wanted)}\nVERDICT: {VERDICTS[wanted]}"
    return PROMPT.format(a=one.text, b=two.text), reply


HEADS = ("gadget", "primitive", "unit", "operation", "logic", "step", "test", "event", "stage", "circuit")
SMALL = re.compile(
    r"\b(a|an|the|is|of|to|or|and|in|by|on|its|it|was|once|that|which|with|what|from|for|one)\b"
)


def described(wanted: str, like: Named, rng: random.Random) -> Named | None:
    """A description in `wanted` relation to `like`, None where the draw gives none; never a label.

    Things of a type and a head name the type as a whole; words of a concept's clauses name the concept.
    """
    near = wanted != "different"
    kind = lexicon()[like.place[0]] if near else rng.choice(list(lexicon().values()))
    concept = like.place[1] if wanted == "same" else rng.choice(list(kind.seen))
    place = (kind.key, concept)
    if not near and (kind.key == like.place[0] or relations.kin(kind.key, like.place[0])):
        return None
    if near and (place == like.place) != (wanted == "same"):
        return None
    if concept:
        clause = rng.choice(kind.about[concept])
        words = SMALL.sub(
            " ", clause.partition(" ")[2] if rng.random() < 0.6 else corpus.base_form(clause)
        ).split()
        first = rng.randrange(len(words))
        text = " ".join(words[first : first + rng.randint(1, 2)])
        text = corpus.gerund(clause) if rng.random() < 0.2 or len(text) < 3 else text
        text = f"{text} {rng.choice(HEADS)}" if rng.random() < 0.4 else text
    else:
        text = f"{rng.choice(kind.things)} {rng.choice(HEADS[:3])}"
    text = corpus.upper(text)
    return (
        None if normalize_gadget_type(text) in unseen_names() else Named(relations.spelled(text, rng), place)
    )


@cache
def unseen_names() -> frozenset[str]:
    """Held-out labels after normalisation: no lesson may hold one, not by chance either."""
    return frozenset(normalize_gadget_type(label) for label, _, _ in relations.labels("unseen"))


def word_pair(rng: random.Random) -> tuple[str, Named, Named]:
    """A description beside a seen label: more words tied to their types than labels alone have."""
    label, *place = rng.choice(relations.labels("seen"))
    one = Named(relations.spelled(label, rng), tuple(place))
    wanted = rng.choice(("same", "related", "different"))
    two = next(made for _ in range(10_000) if (made := described(wanted, one, rng)))
    row = [one, two]
    rng.shuffle(row)
    return wanted, row[0], row[1]


def rows(settings: Judging) -> Iterator[tuple[str, str]]:
    """(prompt, reply) without end; prose has an empty prompt."""
    rng = random.Random(f"judge/{settings.seed}")
    drawn = relations.pairs("seen", f"judge/{settings.seed}")
    while True:
        if rng.random() < settings.prose:
            yield "", corpus.glossary(rng)
        elif rng.random() < settings.words:
            yield lesson(*word_pair(rng))
        else:
            yield lesson(*next(drawn))


def batches(settings: Judging, tokenizer) -> Iterator[dict[str, torch.Tensor]]:
    """Rows of about one length together; prompts are masked with −100."""
    stream = rows(settings)
    while True:
        chunk = sorted(
            itertools.islice(stream, 8 * settings.batch), key=lambda row: len(row[0]) + len(row[1])
        )
        for part in torch.randperm(8).tolist():
            chosen = chunk[part * settings.batch : (part + 1) * settings.batch]
            heads = [tokenizer(h, add_special_tokens=False)["input_ids"] for h, _ in chosen]
            tails = [tokenizer(t + END, add_special_tokens=False)["input_ids"] for _, t in chosen]
            ids = padded([h + t for h, t in zip(heads, tails, strict=True)], tokenizer.pad_token_id)
            labels = padded([[-100] * len(h) + t for h, t in zip(heads, tails, strict=True)], -100)
            yield {
                "input_ids": ids,
                "attention_mask": (ids != tokenizer.pad_token_id).long(),
                "labels": labels,
            }


def verdicts(model, tokenizer, pairs: list[tuple[str, str]]) -> list[str | None]:
    """The verdict of each pair's greedy reply, None where its last line is none."""
    prompts = [PROMPT.format(a=a, b=b) for a, b in pairs]
    texts = tuning.reply(model, tokenizer, prompts, causal=True, most=MOST_NEW, batch=256)
    found = [VERDICT.search(text) for text in texts]
    return [match[1] if match and match[1] in VERDICTS.values() else None for match in found]


def score(model, tokenizer, rows: list[dict]) -> dict[str, float]:
    """Kappa against the gold relation, of string match too; share of pairs whose verdict survives a swap."""
    gold = [VERDICTS[row["relation"]] for row in rows]
    ab = verdicts(model, tokenizer, [(row["a"], row["b"]) for row in rows])
    ba = verdicts(model, tokenizer, [(row["b"], row["a"]) for row in rows])
    same = [normalize_gadget_type(row["a"]) == normalize_gadget_type(row["b"]) for row in rows]
    match = ["FULL_AGREEMENT" if yes else "DISAGREEMENT" for yes in same]
    return {
        "n": len(rows),
        "accuracy": sum(a == b for a, b in zip(ab, gold, strict=True)) / len(rows),
        "kappa": cohen_kappa_score([v or "none" for v in ab], gold),
        "kappa_string_match": cohen_kappa_score(match, gold),
        "swap_consistency": sum(a == b and a is not None for a, b in zip(ab, ba, strict=True)) / len(rows),
        "unparsed": sum(v is None for v in ab) / len(rows),
    }


def train_judge(folder: Path = MODELS, settings: Judging | None = None) -> None:
    """The whole recipe; prints the scores on seen pairs and on unseen ones."""
    settings = settings or Judging()
    torch.manual_seed(settings.seed)
    tokenizer, model = tuning.load("nano-start", started().parent)
    train(model, batches(settings, tokenizer), settings)
    save(model, tokenizer, folder / "nano-judge")
    for side, seed in (("seen", "check"), ("unseen", "design")):
        drawn = itertools.islice(relations.pairs(side, seed), 400)
        made = [{"a": one.text, "b": two.text, "relation": wanted} for wanted, one, two in drawn]
        print(side, score(model, tokenizer, made), flush=True)
