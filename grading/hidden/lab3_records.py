"""The notebook's values of Lab 3: records made for one submission, and what its cells must find.

One record is a pair in the middle of training: log-probabilities of its two texts in nats under the
model in training (`policy_*`), under the frozen copy of the adapter that it started from (`ref_*`) and under
the base with adapters off (`base_*`); the prompt's tokens and how many of them are the draft's; and the
margin as logged in the last step with beta .05 and in the first with beta .10. Drawn so that no likely
mistake hits a value.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from . import lab3_oracles as oracle
from .lab3_oracles import LOG2, mean

ITEMS = 60
BETAS = (0.05, 0.10)  # before and after the step
Z = NormalDist().inv_cdf(0.975)
SIDES = ("chosen", "rejected")


# ---- making them ----


def make_records(rng: np.random.Generator) -> list[dict]:
    """60 records on which every value differs from its likely mistakes."""
    while True:
        drift = float(rng.uniform(-0.6, 0.6))  # what the gap did during the step; the log says it doubled
        records = [_record(rng, index, drift) for index in range(ITEMS)]
        if _telling(records):
            return records


def _record(rng: np.random.Generator, index: int, drift: float) -> dict:
    ref = {side: -float(rng.uniform(8, 30)) for side in SIDES}
    base = {side: ref[side] - float(rng.normal(4 if side == "chosen" else 1, 2.5)) for side in SIDES}
    moved = {"chosen": float(rng.normal(-0.4, 2.0)), "rejected": float(rng.normal(-2.2, 2.0))}
    if rng.random() < 0.06:
        moved["chosen"] = moved["rejected"]  # a tie
    gap = float(rng.normal(2.0, 2.5))
    question, draft = int(rng.integers(9, 16)), int(rng.integers(8, 60))
    record: dict = {"id": index}
    for name, part in (("policy", {s: ref[s] + moved[s] for s in SIDES}), ("ref", ref), ("base", base)):
        record |= {f"{name}_{side}": exact(part[side]) for side in SIDES}
    if moved["chosen"] == moved["rejected"]:  # rounding must not undo the tie
        record |= {f"policy_{side}": record[f"ref_{side}"] - 1.25 for side in SIDES}
    record |= {"prompt_tokens": question + draft, "draft_tokens": draft}
    record["margin_before"] = round(BETAS[0] * gap, 5)
    record["margin_after"] = round(BETAS[1] * (gap + drift + float(rng.normal(0, 0.3))), 5)
    return record


def exact(value: float) -> float:
    """Rounded to 1/256: differences of such numbers are exact, so a tie is one in float32, too."""
    return round(value * 256) / 256


def _telling(records: list[dict]) -> bool:
    numbers = [
        (above_floor, floor_mistakes, 0.004),
        (uniform_share, share_mistakes, 0.004),
        (gap_change, gap_mistakes, 0.02),
        (trap_loss, trap_mistakes, 0.004),
    ]
    for truth, mistakes, room in numbers:
        right = truth(records)
        if any(abs(value - right) < room for value in mistakes(records).values()):
            return False
    low, high = interval(records)
    return not any(
        abs(a - low) < 0.003 and abs(b - high) < 0.003 for a, b in interval_mistakes(records).values()
    )


# ---- what is right ----


def four(records: list[dict], policy: str = "policy", ref: str = "ref") -> oracle.Four:
    return [[record[f"{model}_{side}"] for record in records] for model in (policy, ref) for side in SIDES]


def above_floor(records: list[dict]) -> float:
    return oracle.centred(four(records), 0.1) - LOG2


def uniform_share(records: list[dict]) -> float:
    return mean([record["draft_tokens"] / record["prompt_tokens"] for record in records])


def gap_change(records: list[dict]) -> float:
    before, after = (mean([record[f"margin_{when}"] for record in records]) for when in ("before", "after"))
    return after / BETAS[1] - before / BETAS[0]


def trap_loss(records: list[dict]) -> float:
    return oracle.dpo(four(records, "ref", "base"), 0.1)


def margins(records: list[dict], ref: str = "ref") -> list[float]:
    return [round(gap, 9) for gap in oracle.gaps(four(records, ref=ref))]


def wilson(k: int, n: int) -> list[float]:
    """Wilson's 95 % interval of k out of n, closed form."""
    centre, half = k / n + Z * Z / (2 * n), Z * math.sqrt(k * (n - k) / n**3 + Z * Z / (4 * n * n))
    return [(centre - half) / (1 + Z * Z / n), (centre + half) / (1 + Z * Z / n)]


def interval(records: list[dict]) -> list[float]:
    return wilson(sum(margin > 0 for margin in margins(records)), len(records))


# ---- what the likely mistakes give ----


def floor_mistakes(records: list[dict]) -> dict[str, float]:
    given = four(records)
    return {
        "that is the loss itself; subtract its floor, log 2": oracle.centred(given, 0.1),
        "that is the DPO loss above log 2; the centred loss was asked for": oracle.dpo(given, 0.1) - LOG2,
        "each record by itself is always at the floor; all records are one batch": 0.0,
        "the reference is the frozen copy, not the base": oracle.centred(four(records, ref="base"), 0.1)
        - LOG2,
        "beta is .1": oracle.centred(given, 1.0) - LOG2,
        "the sign is the other way round: loss minus log 2": LOG2 - oracle.centred(given, 0.1),
    }


def share_mistakes(records: list[dict]) -> dict[str, float]:
    drafts, prompts = ([record[f"{name}_tokens"] for record in records] for name in ("draft", "prompt"))
    return {
        "the mean of the records' shares was asked for, not the share of all tokens": sum(drafts)
        / sum(prompts),
        "prompt_tokens holds the draft's tokens too; don't add them": mean(
            [d / (p + d) for d, p in zip(drafts, prompts, strict=True)]
        ),
        "that is the share of the question": 1 - uniform_share(records),
        "that is the lift of uniform attribution; its mass share was asked for": 1.0,
        "a share between 0 and 1, not percent": 100 * uniform_share(records),
    }


def gap_mistakes(records: list[dict]) -> dict[str, float]:
    before, after = (mean([record[f"margin_{when}"] for record in records]) for when in ("before", "after"))
    return {
        "that is the change of the logged margin; divide each by its own beta": after - before,
        "both margins were divided by the new beta; the first was scaled with .05": (after - before)
        / BETAS[1],
        "both margins were divided by the old beta; the second was scaled with .10": (after - before)
        / BETAS[0],
        "the sign is the other way round: after minus before": before / BETAS[0] - after / BETAS[1],
        "that is the gap after the step, not its change": after / BETAS[1],
        "divide by beta, don't multiply": after * BETAS[1] - before * BETAS[0],
    }


def trap_mistakes(records: list[dict]) -> dict[str, float]:
    return {
        "with the right reference the first loss is log 2; compute it with the wrong one, the base": LOG2,
        "at the first step the policy is the frozen copy (ref_*), not yet policy_*": oracle.dpo(
            four(records, "policy", "base"), 0.1
        ),
        "that is the loss in the middle of training, with the right reference": oracle.dpo(
            four(records), 0.1
        ),
        "policy and reference are swapped": oracle.dpo(four(records, "base", "ref"), 0.1),
        "beta is .1": oracle.dpo(four(records, "ref", "base"), 1.0),
        "the loss was asked for, not what it is above log 2": trap_loss(records) - LOG2,
    }


def interval_mistakes(records: list[dict]) -> dict[str, list[float]]:
    found, n = margins(records), len(records)
    k = sum(margin > 0 for margin in found)
    half = Z * math.sqrt(k * (n - k) / n**3)
    return {
        "that is the normal (Wald) interval p ± 1.96·√(p(1-p)/n), not Wilson's": [k / n - half, k / n + half],
        "a margin of 0 is not right": wilson(sum(margin >= 0 for margin in found), n),
        "the reference is the frozen copy, not the base": wilson(
            sum(margin > 0 for margin in margins(records, "base")), n
        ),
        "the reference is missing: a reward is a log-ratio": wilson(
            sum(record["policy_chosen"] > record["policy_rejected"] for record in records), n
        ),
        "the bounds are in percent; give shares between 0 and 1": [100 * bound for bound in wilson(k, n)],
    }


# By id: what is right, and what the likely mistakes give.
VALUES = {
    "3.V1": (above_floor, floor_mistakes),
    "3.V2": (uniform_share, share_mistakes),
    "3.V3": (gap_change, gap_mistakes),
    "3.V4": (trap_loss, trap_mistakes),
    "3.V5": (interval, interval_mistakes),
}
