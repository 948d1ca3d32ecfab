"""Lab 1 judge: a language model that says in words whether two labels mean the same. Any pair, both orders.

    answers = ask(judge, [("BOOL tag", "Read/Write gadget"), ...])       # the judge's own words
    judged = judge_pairs(judge, [("BOOL tag", "Read/Write gadget")])
    {"a": "BOOL tag", "b": "Read/Write gadget", "ab": "…VERDICT: PARTIAL_AGREEMENT", "ba": "…",
     "ab_verdict": "PARTIAL_AGREEMENT", "ba_verdict": "PARTIAL_AGREEMENT",
     "verdict": "PARTIAL_AGREEMENT", "consistent": True, "semantic_agreement": True}

One interface for the course's judge, SmolLM2 and Phi-2: a prompt goes in, text comes out, and only
`parse_verdict` (1.8) reads it; no logits, no default. A label that nobody could read isn't handed to the
judge: such a pair has no verdict. Source: Zheng et al. 2023 (arXiv 2306.05685). Left out: scoring it
(report.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from labkit.models import load_causal_lm, load_tokenizer

from .config import Config
from .method import combine_verdicts, parse_verdict
from .predict import generate
from .training import with_padding

# What the relations of label_relations.jsonl are called by a judge.
VERDICT_OF = {
    "same": "FULL_AGREEMENT",
    "related": "PARTIAL_AGREEMENT",
    "different": "DISAGREEMENT",
    "invalid": "INVALID",
}
UNREAD = "UNREAD"  # how a missing verdict is counted: a class of its own that is never right

LABELS = "Label A: {a}\nLabel B: {b}\nJudgment:"
QUESTION = """Two models named the kind of gadget in the same piece of technical documentation.
Label A: {a}
Label B: {b}
How do the labels relate?
FULL_AGREEMENT: they name the same thing in other words.
PARTIAL_AGREEMENT: related, but one is more specific than the other.
DISAGREEMENT: they name different things.
INVALID: one of them is garbled and names nothing.
Give your reason in one sentence. Then write a last line: VERDICT: and one of the four words."""


@dataclass(frozen=True)
class Judge:
    """A loaded judge and how it is asked."""

    model: Any
    tokenizer: Any
    config: Config


def load_judge(config: Config, device) -> Judge:
    """The judge of a configuration. Raises LabError: the model isn't here, with the command that gets it."""
    options = {"shrink": config.shrink}
    model = load_causal_lm(config.judge, device=device, seed=config.seed, **options)
    return Judge(model, with_padding(load_tokenizer(config.judge, **options)), config)


def judge_prompt(judge: Judge, a: str, b: str) -> str:
    """The prompt for one order of a pair, in the way this judge wants to be asked."""
    style = judge.config.judge_prompt
    if style == "labels":
        return LABELS.format(a=a, b=b)
    question = QUESTION.format(a=a, b=b)
    if style == "instruct":  # Phi-2's documented form
        return f"Instruct: {question}\nOutput:"
    turns = [{"role": "user", "content": question}]
    return judge.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)


def ask(judge: Judge, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """The judge's reply to each ordered pair, in its own words; equal pairs are asked once."""
    different = list(dict.fromkeys(pairs))
    prompts = [judge_prompt(judge, a, b) for a, b in different]
    replies = generate(
        judge.model,
        judge.tokenizer,
        prompts,
        kind="causal",
        max_new_tokens=judge.config.judge_max_new_tokens,
        batch_size=judge.config.judge_batch_size,
    )
    by_pair = dict(zip(different, (text for text, _ in replies), strict=True))
    return [by_pair[pair] for pair in pairs]


def judge_pairs(judge: Judge, pairs: Sequence[tuple[str | None, str | None]]) -> list[dict]:
    """Both orders of every pair, read and combined; see the module's example.

    A pair with a label that is None has no replies, and its verdict is None.
    """
    readable = [(a, b) for a, b in pairs if a is not None and b is not None]
    orders = [*readable, *((b, a) for a, b in readable)]
    reply = dict(zip(orders, ask(judge, orders), strict=True)) if orders else {}
    judged = []
    for a, b in pairs:
        ab, ba = reply.get((a, b)), reply.get((b, a))
        verdicts = [None if text is None else parse_verdict(text) for text in (ab, ba)]
        read = {"ab_verdict": verdicts[0], "ba_verdict": verdicts[1]}
        judged.append({"a": a, "b": b, "ab": ab, "ba": ba, **read, **combine_verdicts(*verdicts)})
    return judged


def judgment(judged: Sequence[dict]) -> dict:
    """What the report says of one example: of all its pairs of models, the pair that agrees least.

    `{"verdict", "explanation", "semantic_agreement"}`; agreement needs every pair.
    """
    rank = [None, "INVALID", "DISAGREEMENT", "PARTIAL_AGREEMENT", "FULL_AGREEMENT"]
    least = min(judged, key=lambda pair: (pair["semantic_agreement"], rank.index(pair["verdict"])))
    if least["ab"] is None:
        said = "not asked: a model wrote no label"
    else:
        said = "\n".join(least["ab"].strip().splitlines()[:-1]) or least["ab"].strip()
    agreed = all(pair["semantic_agreement"] for pair in judged)
    return {"verdict": least["verdict"], "explanation": said, "semantic_agreement": agreed}
