"""Answers over sampled trials, and signals of what can be answered: what nano-trivia's card measures.

    trials = sample(tokenizer, model, rows, seed=102)             # 5 replies a question
    right = shares(trials, rows)                                  # of each question, 0 … 1
    auroc([share >= 0.5 for share in right], p_yes(tokenizer, model, rows))

Run: part of `python -m grading.recipes.lab5 card`. Left out: tuned judges (`labs run lab5`
makes them).
"""

from __future__ import annotations

import torch
from sklearn.metrics import roc_auc_score
from transformers import set_seed

from solutions.lab5_metacognition.controls import question_only
from solutions.lab5_metacognition.data import (
    answer_matches,
    judgment_messages,
    normalize_answer,
    question_text,
    record_of,
)

from ..training import chat
from ..tuning import reply

TRIALS = 5


def prompt_of(row: dict) -> str:
    """What the model is asked, as in the lab: the question, below its context where it has one."""
    return question_text(record_of(row))


def is_right(text: str, row: dict) -> bool:
    """Whether the reply holds one of the answer's names, by the lab's matcher (5.1, 5.2)."""
    return answer_matches(
        normalize_answer(text), [normalize_answer(name) for name in record_of(row)["aliases"]]
    )


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
    """The lab's question about a question (5.3)."""
    return judgment_messages(record_of(row), None, "binary")[0]["content"]


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
    """A classifier of the question's words: the lab's control of a judge."""
    return question_only([row["question"] for row in learn], can, [row["question"] for row in rows])
