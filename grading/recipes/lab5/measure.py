"""Answers over sampled trials, judgments, and judges tuned on them: what nano-trivia's card measures.

    trials = sample(tokenizer, model, rows, seed=102)             # 5 replies a question
    right = shares(trials, rows)                                  # of each question, 0 … 1
    judge = tune(model, tokenizer, balanced(rows, right, seed), seed=102)
    auroc([share >= 0.5 for share in right], p_yes(tokenizer, judge, rows))

Run: part of `python -m grading.recipes.lab5 card`. Left out: the lab's own system (`labs run lab5`).
"""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass

import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from transformers import set_seed

from ..training import chat
from ..tuning import reply, tune
from .world import context_text, normalised

TRIALS = 5
ASKED = "Can you answer this question correctly? Reply yes or no."


def prompt_of(row: dict) -> str:
    """What the model is asked: the question, below its context where it has one."""
    if "context" not in row:
        return f"Question: {row['question']}"
    text = context_text(zip(row["context"]["title"], row["context"]["sentences"], strict=True))
    return f"Context:\n{text}\nQuestion: {row['question']}"


def names_of(row: dict) -> list[str]:
    """Every right answer, the usual one first."""
    answer = row["answer"]
    return [answer["value"], *answer["aliases"]] if isinstance(answer, dict) else [answer]


def is_right(text: str, row: dict) -> bool:
    """Whether the reply is one of the answer's names, after normalisation."""
    said = normalised(text)
    return bool(said) and said in {normalised(name) for name in names_of(row)}


def sample(tokenizer, model, rows: list[dict], *, seed: int, trials: int = TRIALS) -> list[list[str]]:
    """`trials` replies to each question at temperature 1."""
    set_seed(seed)
    prompts = [prompt_of(row) for row in rows for _ in range(trials)]
    texts = reply(model, tokenizer, prompts, temperature=1.0, most=16)
    return [texts[start : start + trials] for start in range(0, len(texts), trials)]


def shares(trials: list[list[str]], rows: list[dict]) -> list[float]:
    """Share of right replies of each question."""
    return [
        sum(is_right(text, row) for text in texts) / len(texts)
        for texts, row in zip(trials, rows, strict=True)
    ]


def judgment_prompt(row: dict) -> str:
    return f"{prompt_of(row)}\n{ASKED}"


def judgments(rows: list[dict], right: list[float]) -> list[tuple[str, str]]:
    """Prompts and replies of a judge: yes where at least half of the trials were right."""
    return [
        (judgment_prompt(row), "yes" if share >= 0.5 else "no")
        for row, share in zip(rows, right, strict=True)
    ]


def balanced(rows: list[dict], right: list[float], seed: int) -> list[tuple[str, str]]:
    """As many of each judgment as the rarer one has, drawn at random."""
    pairs = judgments(rows, right)
    rng = random.Random(seed)
    sides = [[pair for pair in pairs if pair[1] == word] for word in ("yes", "no")]
    count = min(map(len, sides))
    return [pair for side in sides for pair in rng.sample(side, count)]


@torch.no_grad()
def first_logits(tokenizer, model, prompts: list[str], batch: int = 200) -> torch.Tensor:
    """Logits of the first token of the reply, (prompts, vocab)."""
    heads, found = [chat(prompt, "@").partition("@")[0] for prompt in prompts], []
    for start in range(0, len(heads), batch):
        inputs = tokenizer(
            heads[start : start + batch],
            return_tensors="pt",
            padding=True,
            padding_side="left",
            add_special_tokens=False,
        )
        places = (inputs["attention_mask"].cumsum(-1) - 1).clamp(min=0)
        logits = model(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            position_ids=places,
            logits_to_keep=1,
        ).logits
        found.append(logits[:, -1].float())
    return torch.cat(found)


def p_yes(tokenizer, model, rows: list[dict]) -> list[float]:
    """Probability of "yes" against "no" as the first token of the judgment."""
    words = [tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in ("yes", "no")]
    logits = first_logits(tokenizer, model, [judgment_prompt(row) for row in rows])
    return logits[:, words].softmax(-1)[:, 0].tolist()


def surest(tokenizer, model, rows: list[dict]) -> list[float]:
    """Probability of the likeliest first token of the answer: what the model's own output says."""
    return first_logits(tokenizer, model, [prompt_of(row) for row in rows]).softmax(-1).amax(-1).tolist()


def auroc(can: list[bool], scores: list[float]) -> float:
    """Area under the ROC curve; .5 where only one class is there."""
    return float(roc_auc_score(can, scores)) if len(set(can)) == 2 else 0.5


def wording_scores(learn: list[dict], can: list[bool], rows: list[dict]) -> list[float]:
    """A classifier of the question's words (TF-IDF and logistic regression): the control of a judge."""
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = LogisticRegression(max_iter=1000, class_weight="balanced")
    model.fit(words.fit_transform(row["question"] for row in learn), can)
    return model.predict_proba(words.transform(row["question"] for row in rows))[:, 1].tolist()


# ---- the lab's three phases in small ----

JUDGE = {"epochs": 6, "lr": 1e-3}  # of LoRA r 16, alpha 32 on all linear layers
TEACH = {"epochs": 12, "lr": 2e-3}


def taught_entities(rows: list[dict], seed: int) -> set[str]:
    """Half of the entities, drawn at random: all their questions are taught."""
    names = sorted({row["entity"] for row in rows})
    return set(random.Random(seed).sample(names, len(names) // 2))


def with_adapter(model, state: dict):
    """A copy of the model with a LoRA adapter of the recipes' shape and these weights."""
    from peft import LoraConfig, get_peft_model, set_peft_model_state_dict

    shape = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    tuned = get_peft_model(copy.deepcopy(model), shape)
    set_peft_model_state_dict(tuned, state)
    return tuned.eval()


@dataclass
class Phase:
    """A model's answers and a judge's verdicts: share of right trials and P(yes) of each question."""

    right: dict[str, list[float]]
    p_yes: dict[str, list[float]]

    def can(self, side: str) -> list[bool]:
        return [share >= 0.5 for share in self.right[side]]


def three_phases(tokenizer, base, sides: dict[str, list[dict]], *, seed: int) -> dict[str, Phase]:
    """Judge, teach, judge again, as the lab does, on `sides` ("train" and "validation").

    Returns phases by name: "shipped" (untuned), "v1" (first judge), "v1 refreshed" (the same judge, with the
    answers that it gives itself), "stale" (v1's adapter on the taught model) and "v2" (a judge of that).
    """
    from peft import get_peft_model_state_dict

    def answers(model, more: int) -> dict[str, list[float]]:
        return {
            side: shares(sample(tokenizer, model, rows, seed=seed + more), rows)
            for side, rows in sides.items()
        }

    def says(model) -> dict[str, list[float]]:
        return {side: p_yes(tokenizer, model, rows) for side, rows in sides.items()}

    train, before = sides["train"], answers(base, 0)
    found = {"shipped": Phase(before, says(base))}
    first = tune(copy.deepcopy(base), tokenizer, balanced(train, before["train"], seed), seed=seed, **JUDGE)
    found["v1"] = Phase(before, says(first))
    found["v1 refreshed"] = Phase(answers(first, 1), found["v1"].p_yes)
    taught = taught_entities(train, seed)
    facts = [(prompt_of(row), row["answer"]["value"]) for row in train if row["entity"] in taught]
    merged = tune(copy.deepcopy(base), tokenizer, facts, seed=seed, **TEACH).merge_and_unload()
    after = answers(merged, 2)
    found["stale"] = Phase(after, says(with_adapter(merged, get_peft_model_state_dict(first))))
    second = tune(copy.deepcopy(merged), tokenizer, balanced(train, after["train"], seed), seed=seed, **JUDGE)
    found["v2"] = Phase(after, says(second))
    return found
