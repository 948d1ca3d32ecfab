"""The notebook's values of Lab 2: records made for one submission, and what its cells must find.

One record: {"qid": "q3", "gold": true, "teacher": "…the answer is: **NO**", "replies": {"phase_a": "…",
"published": "To determine whether", "repaired": "1. …"}}. No likely mistake hits a value.
"""

from __future__ import annotations

import math
import re
from statistics import NormalDist

import numpy as np

from .lab2_oracles import coin_p, question, reason

ITEMS = 80
ARMS = ("phase_a", "published", "repaired")
Z = NormalDist().inv_cdf(0.975)


# ---- making them ----


def make_records(rng: np.random.Generator) -> list[dict]:
    """80 records on which every value differs from its likely mistakes."""
    while True:
        records = [_record(rng, index) for index in range(ITEMS)]
        if _telling(records):
            return records


def _record(rng: np.random.Generator, index: int) -> dict:
    gold = bool(rng.random() < 0.46)
    skill = {"phase_a": 0.60, "published": 0.75, "repaired": 0.76}
    said = {arm: gold if rng.random() < skill[arm] else not gold for arm in ARMS}
    replies = {
        "phase_a": f"Answer: {_word(said['phase_a'])}" if rng.random() < 0.85 else "The first one is.",
        "published": _published(rng, said["published"]),
        "repaired": _chain(rng, said["repaired"]),
    }
    return {"qid": f"q{index}", "gold": gold, "teacher": _letter(rng, gold), "replies": replies}


def _word(answer: bool) -> str:
    return "Yes" if answer else "No"


def _published(rng: np.random.Generator, answer: bool) -> str:
    """What is left of a reply after five tokens: mostly no answer, and a few that a search misreads."""
    kind = rng.random()
    if kind < 0.40:
        return f"To determine whether {question(rng)[3:20]}"
    if kind < 0.55:
        return f"{_word(answer)}, the ship that"
    if kind < 0.62:
        return "Yesterday's ship was"
    if kind < 0.72:  # a search for "yes" misreads what can be read, too
        return "No, yesterday's ship"
    return f"Answer: {_word(answer)}"


def _chain(rng: np.random.Generator, answer: bool) -> str:
    steps = f"1. {reason(rng).capitalize()}.\n2. {reason(rng).capitalize()}."
    if rng.random() < 0.12:
        return steps
    if rng.random() < 0.1:
        return f"Answer: {_word(not answer)}\n{steps}\nAnswer: {_word(answer)}"
    return f"{steps}\nAnswer: {_word(answer)}"


def _letter(rng: np.random.Generator, gold: bool) -> str:
    """A teacher that is better at no than at yes, says both on the way, and sometimes nothing in the end."""
    right = rng.random() < (0.5 if gold else 0.9)
    answer = gold if right else not gold
    steps = f"## Step-by-Step Reasoning\n1. At first the answer is: **{_word(not answer).upper()}**\n"
    steps = steps if rng.random() < 0.3 else f"## Step-by-Step Reasoning\n1. {reason(rng).capitalize()}.\n"
    end = "**[YES/NO]**" if rng.random() < 0.05 else f"**{_word(answer).upper()}**"
    return f"{steps}\n## Final Assessment\nBased on this analysis, the answer is: {end}"


def _telling(records: list[dict]) -> bool:
    """Every value exists and no likely mistake gives the same."""
    if len(kept(records)) < 20 or len({r["gold"] for r in kept(records)}) < 2:
        return False
    numbers = [
        (kept_yes, kept_mistakes),
        (shift, shift_mistakes),
        (free_points, free_mistakes),
        (p_value, p_mistakes),
    ]
    for truth, mistakes in numbers:
        right = truth(records)
        if any(abs(value - right) < 0.002 for value in mistakes(records).values()):
            return False
    low, high = interval(records)
    return 0.01 < p_value(records) < 0.9 and not any(
        abs(a - low) < 0.003 and abs(b - high) < 0.003 for a, b in interval_mistakes(records).values()
    )


# ---- what is right ----


def teacher_said(record: dict) -> bool | None:
    """The answer in a letter of `_letter`."""
    return {"YES": True, "NO": False}.get(record["teacher"].rsplit("**", 2)[1])


def said(record: dict, arm: str) -> bool | None:
    """The answer in a reply of `make_records`."""
    text = record["replies"][arm]
    words = re.findall(r"^Answer: (Yes|No)$", text, re.MULTILINE) or re.findall(r"^(Yes|No), ", text)
    return words[-1] == "Yes" if words else None


def kept(records: list[dict]) -> list[dict]:
    return [record for record in records if teacher_said(record) is record["gold"]]


def right(record: dict, arm: str) -> bool:
    return said(record, arm) is record["gold"]


def published(record: dict, arm: str = "published") -> bool:
    return ("yes" in record["replies"][arm].lower()) is record["gold"]


def _share(hits: list[bool]) -> float:
    return sum(hits) / len(hits)


def kept_yes(records: list[dict]) -> float:
    return _share([record["gold"] for record in kept(records)])


def logit(share: float) -> float:
    return math.log(share) - math.log1p(-share)


def shift(records: list[dict]) -> float:
    return logit(kept_yes(records)) - logit(_share([record["gold"] for record in records]))


def free_points(records: list[dict]) -> float:
    """Share of the records that are unread, and right by default."""
    return _share([said(r, "published") is None and published(r) for r in records])


def wilson(k: int, n: int) -> list[float]:
    """Wilson's 95 % interval of k out of n, closed form."""
    centre, half = k / n + Z * Z / (2 * n), Z * math.sqrt(k * (n - k) / n**3 + Z * Z / (4 * n * n))
    return [(centre - half) / (1 + Z * Z / n), (centre + half) / (1 + Z * Z / n)]


def interval(records: list[dict]) -> list[float]:
    return wilson(sum(right(r, "published") for r in records), len(records))


def discordant(records: list[dict]) -> tuple[int, int]:
    pairs = [(right(r, "repaired"), right(r, "phase_a")) for r in records]
    return pairs.count((True, False)), pairs.count((False, True))


def p_value(records: list[dict]) -> float:
    return coin_p(*discordant(records))


# ---- what the likely mistakes give ----


def kept_mistakes(records: list[dict]) -> dict[str, float]:
    keep = kept(records)
    first = [r for r in records if ("**YES**" in r["teacher"]) is r["gold"]]
    no = [r for r in records if (teacher_said(r) or False) is r["gold"]]
    answers = [teacher_said(r) for r in records]
    return {
        "that is the share of yes among all records, not among the kept": _share(
            [r["gold"] for r in records]
        ),
        "that is the share of no": 1 - kept_yes(records),
        "that is the share of records that are kept": len(keep) / len(records),
        "divide by the kept records, not by all": sum(r["gold"] for r in keep) / len(records),
        "'YES' was looked for anywhere in the letter": _share([r["gold"] for r in first]) if first else 2.0,
        "a letter that doesn't say isn't a no": _share([r["gold"] for r in no]) if no else 2.0,
        "that is the share of yes in what the teacher said": answers.count(True) / len(answers),
    }


def shift_mistakes(records: list[dict]) -> dict[str, float]:
    before, after = _share([r["gold"] for r in records]), kept_yes(records)
    return {
        "the sign is the other way round: from all records to the kept": logit(before) - logit(after),
        "in bits; nats use the natural logarithm": (logit(after) - logit(before)) / math.log(2),
        "that is the difference of the shares": after - before,
        "that is the log-odds of the kept; subtract that of all": logit(after),
    }


def free_mistakes(records: list[dict]) -> dict[str, float]:
    by_default = _share([published(r) for r in records])
    anchored = _share([right(r, "published") for r in records])
    unread = [r for r in records if said(r, "published") is None]
    return {
        "that is the difference of the two scores; only unread replies were asked for": by_default - anchored,
        "that is the share of unread replies": len(unread) / len(records),
        "divide by all records, not by the unread ones": _share([published(r) for r in unread]),
        "that is the published score": by_default,
        "that is the score of the anchored evaluator": anchored,
        "the unread replies whose gold is no were counted; some of them say 'yes' to a search": _share(
            [said(r, "published") is None and not r["gold"] for r in records]
        ),
        "that is Phase A's": _share([said(r, "phase_a") is None and published(r, "phase_a") for r in records])
        if any(said(r, "phase_a") is None for r in records)
        else 2.0,
    }


def interval_mistakes(records: list[dict]) -> dict[str, list[float]]:
    k, n = sum(right(r, "published") for r in records), len(records)
    read = sum(said(r, "published") is not None for r in records)
    half = Z * math.sqrt(k * (n - k) / n**3)
    return {
        "that is the normal interval p ± 1.96·√(p(1-p)/n), not Wilson's": [k / n - half, k / n + half],
        "n is the number of all records; an unread reply is wrong": wilson(k, read),
        "that is the interval of the published score": wilson(sum(published(r) for r in records), n),
        "that is the interval of the repaired arm": wilson(sum(right(r, "repaired") for r in records), n),
        "that is the interval of Phase A": wilson(sum(right(r, "phase_a") for r in records), n),
        "the bounds are in percent; give shares between 0 and 1": [100 * x for x in wilson(k, n)],
    }


def p_mistakes(records: list[dict]) -> dict[str, float]:
    b, c = discordant(records)
    n, low = b + c, min(b, c)
    both = sum(right(r, "repaired") for r in records), sum(right(r, "phase_a") for r in records)
    read = [r for r in records if None not in (said(r, "repaired"), said(r, "phase_a"))]
    pairs = [(said(r, "repaired"), said(r, "phase_a")) for r in records]
    differ = pairs.count((True, False)), pairs.count((False, True))
    return {
        "that is one-sided": sum(math.comb(n, k) for k in range(low + 1)) / 2**n,
        "b and c are the questions on which only one is right, not all that each gets right": coin_p(*both),
        "an unread reply is wrong; those records were left out": coin_p(*discordant(read)),
        "b and c count who is right, not who says yes": coin_p(*differ),
        "the published arm was compared; it is repaired against phase_a": coin_p(
            sum(right(r, "repaired") and not right(r, "published") for r in records),
            sum(right(r, "published") and not right(r, "repaired") for r in records),
        ),
    }


# By id: what is right, and what the likely mistakes give.
VALUES = {
    "2.V1": (kept_yes, kept_mistakes),
    "2.V2": (shift, shift_mistakes),
    "2.V3": (free_points, free_mistakes),
    "2.V4": (interval, interval_mistakes),
    "2.V5": (p_value, p_mistakes),
}
