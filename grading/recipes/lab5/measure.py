"""Answers over sampled trials, and signals of what can be answered: what nano-trivia's card measures.

    trials = sample(tokenizer, model, rows, seed=102)             # 5 replies a question
    right = shares(trials, rows)                                  # of each question, 0 … 1
    auroc([share >= 0.5 for share in right], p_yes(tokenizer, model, rows))

Run: part of `python -m grading.recipes.lab5 card`. Left out: tuned judges (`labs run lab5`
makes them).
"""

from __future__ import annotations

import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from transformers import set_seed

from ..training import chat
from ..tuning import reply
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
