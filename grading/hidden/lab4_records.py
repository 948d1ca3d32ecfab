"""The notebook's values of Lab 4: records made for one submission, and what its cells must find.

One record: {"question": str, "gold": "42", "samples": [8 x {"text": str, "answer": "42", "reward": 1.3}]}.
`answer` is what a parser that knows only `####` recorded. 4.V1, 4.V2, 4.V4 and 4.V5 take it as it is, 4.V3
reads `text` again. The records are drawn so that no likely mistake hits a value by accident.
"""

from __future__ import annotations

import math
from fractions import Fraction
from statistics import NormalDist

import numpy as np

from .lab4_oracles import earliest_winner, tally, top_index

ITEMS, SAMPLES = 60, 8
Z = NormalDist().inv_cdf(0.975)
Z_POWER = NormalDist().inv_cdf(0.8)


# ---- making them ----


def make_records(rng: np.random.Generator) -> list[dict]:
    """60 records with ties, unread texts and reward ties, on which every value differs from its mistakes."""
    while True:
        records = [_record(rng, index) for index in range(ITEMS)]
        if _telling(records):
            return records


def _record(rng: np.random.Generator, index: int) -> dict:
    gold = Fraction(int(rng.integers(2, 6000)), int(rng.choice([1, 1, 1, 1, 2])))
    near = [gold + int(step) for step in rng.choice([-20, -10, -2, -1, 1, 2, 10, 20], size=3, replace=False)]
    skill = float(rng.choice([0.05, 0.3, 0.5, 0.8]))
    samples = []
    for _ in range(SAMPLES):
        value = gold if rng.random() < skill else near[int(rng.choice(3, p=[0.6, 0.25, 0.15]))]
        text, answer = _text(rng, value)
        reward = 1.1 * float(value == gold) + float(rng.normal()) + (0.5 if answer is not None else 0.0)
        samples.append({"text": text, "answer": answer, "reward": round(reward, 1)})
    if index % 20 == 7:  # nothing readable at all
        samples = [
            {"text": "I do not know.", "answer": None, "reward": round(float(rng.normal()), 1)}
        ] * SAMPLES
    return {"question": f"Problem {index}: how many are left?", "gold": str(gold), "samples": samples}


def _text(rng: np.random.Generator, value: Fraction) -> tuple[str, str | None]:
    """A solution's text that ends in `value`, and what a parser that knows only `####` recorded of it."""
    kind = rng.random()
    written = _spelled(rng, value)
    if kind < 0.06:
        return "First we add them up, and then", None
    if kind < 0.24:
        return f"Step by step: {written} are left.\nThe answer is {written}.", None
    if kind < 0.30:
        return f"A first try:\n#### {written}7\nNo, once more:\n#### {written}", str(value)
    return f"Step by step: {written} are left.\n#### {written}", str(value)


def _spelled(rng: np.random.Generator, value: Fraction) -> str:
    if value.denominator != 1:
        return str(rng.choice([str(value), f"{float(value):,.1f}", f"${float(value):,.2f}"]))
    number = value.numerator
    return str(rng.choice([str(number), f"{number:,}", f"${number:,}" if number >= 0 else str(number)]))


def _telling(records: list[dict]) -> bool:
    """Every value exists and no likely mistake gives the same."""
    b, c = discordant(records)
    if c - b < 4:
        return False
    tables = [tie_share, repaired_accuracy, oracle_gap]
    for truth, mistakes in zip(tables, [tie_mistakes, repair_mistakes, gap_mistakes], strict=True):
        if any(abs(value - truth(records)) < 0.005 for value in mistakes(records).values()):
            return False
    if n_needed(records) in needed_mistakes(records).values():
        return False
    low, high = interval(records)
    wrong = interval_mistakes(records).values()
    return not any(abs(a - low) < 0.003 and abs(b - high) < 0.003 for a, b in wrong)


# ---- what is right ----


def answers_of(record: dict, n: int = SAMPLES) -> list[str | None]:
    return [sample["answer"] for sample in record["samples"][:n]]


def _share(hits: list[bool]) -> float:
    return sum(hits) / len(hits)


def _tied(answers: list[str | None]) -> bool:
    counts = sorted(tally(answers).values(), reverse=True)
    return len(counts) > 1 and counts[0] == counts[1]


def _vote_right(record: dict, n: int = SAMPLES) -> bool:
    return earliest_winner(answers_of(record, n)) == record["gold"]


def _best(record: dict) -> str | None:
    return answers_of(record)[top_index([sample["reward"] for sample in record["samples"]])]


def _any_right(record: dict) -> bool:
    return record["gold"] in answers_of(record)


def _read(text: str) -> str | None:
    """The number that a text of `make_records` ends in. It reads these texts only."""
    line = text.splitlines()[-1]
    if line.startswith("####"):
        return str(Fraction(line[4:].replace("$", "").replace(",", "").strip()))
    if "answer is" in line:
        return str(Fraction(line.split("answer is")[1].strip().rstrip(".").replace("$", "").replace(",", "")))
    return None


def wilson(k: int, n: int) -> list[float]:
    """Wilson's 95 % interval of k out of n, closed form."""
    centre, half = k / n + Z * Z / (2 * n), Z * math.sqrt(k * (n - k) / n**3 + Z * Z / (4 * n * n))
    return [(centre - half) / (1 + Z * Z / n), (centre + half) / (1 + Z * Z / n)]


def tie_share(records: list[dict]) -> float:
    return _share([_tied(answers_of(record, 4)) for record in records])


def interval(records: list[dict]) -> list[float]:
    return wilson(sum(map(_vote_right, records)), len(records))


def repaired_accuracy(records: list[dict]) -> float:
    return _share([_read(record["samples"][0]["text"]) == record["gold"] for record in records])


def oracle_gap(records: list[dict]) -> float:
    best = _share([_best(record) == record["gold"] for record in records])
    return _share([_any_right(record) for record in records]) - best


def discordant(records: list[dict]) -> tuple[int, int]:
    """(vote right and best-of-8 wrong, vote wrong and best-of-8 right)."""
    pairs = [(_vote_right(record), _best(record) == record["gold"]) for record in records]
    return pairs.count((True, False)), pairs.count((False, True))


def mcnemar_items(discordance: float, difference: float) -> int:
    """Items for a two-sided McNemar test, alpha .05, power .8 (Connor 1987)."""
    root = Z * math.sqrt(discordance) + Z_POWER * math.sqrt(discordance - difference**2)
    return math.ceil(root**2 / difference**2)


def n_needed(records: list[dict]) -> int:
    b, c = discordant(records)
    return mcnemar_items((b + c) / len(records), abs(b - c) / len(records))


# ---- what the likely mistakes give ----


def tie_mistakes(records: list[dict]) -> dict[str, float]:
    def tied_with_none(answers: list) -> bool:
        return _tied([str(answer) for answer in answers])

    with_votes = [record for record in records if tally(answers_of(record, 4))]
    return {
        "None took part in the ties: it is not a vote": _share(
            [tied_with_none(answers_of(record, 4)) for record in records]
        ),
        "all eight samples were looked at; the vote here is over the first four": _share(
            [_tied(answers_of(record)) for record in records]
        ),
        "questions without any vote were left out of the denominator": _share(
            [_tied(answers_of(record, 4)) for record in with_votes]
        ),
        "that is the share of questions where the samples disagree, not where the vote is tied": _share(
            [len(tally(answers_of(record, 4))) > 1 for record in records]
        ),
    }


def interval_mistakes(records: list[dict]) -> dict[str, list[float]]:
    n = len(records)
    k = sum(map(_vote_right, records))
    half = Z * math.sqrt(k * (n - k) / n**3)
    first = sum(answers_of(record)[0] == record["gold"] for record in records)
    best = sum(_best(record) == record["gold"] for record in records)
    return {
        "that is the normal (Wald) interval p ± 1.96·√(p(1-p)/n), not Wilson's": [k / n - half, k / n + half],
        "that is the interval of the first sample's accuracy, not of the vote's": wilson(first, n),
        "that is the interval of best-of-8, not of the vote": wilson(best, n),
        "that is the interval of the vote over four samples; all eight vote": wilson(
            sum(_vote_right(record, 4) for record in records), n
        ),
        "n is the number of questions, not of samples": wilson(k * SAMPLES, n * SAMPLES),
        "the bounds are in percent; give shares between 0 and 1": [100 * bound for bound in wilson(k, n)],
    }


def repair_mistakes(records: list[dict]) -> dict[str, float]:
    firsts = [record["samples"][0] for record in records]
    golds = [record["gold"] for record in records]
    recorded = [sample["answer"] for sample in firsts]
    read = [_read(sample["text"]) for sample in firsts]
    return {
        "the recorded `answer` was used; read the answer again from `text`": _share(
            [answer == gold for answer, gold in zip(recorded, golds, strict=True)]
        ),
        "an unread answer (None) was counted as right": _share(
            [answer in (None, gold) for answer, gold in zip(read, golds, strict=True)]
        ),
        "unread answers were left out of the denominator; they count as wrong": _share(
            [answer == gold for answer, gold in zip(read, golds, strict=True) if answer is not None]
        ),
        "only the texts without `####` were judged": _share(
            [answer == gold for answer, old, gold in zip(read, recorded, golds, strict=True) if old is None]
            or [True]
        ),
    }


def gap_mistakes(records: list[dict]) -> dict[str, float]:
    any_right = _share(list(map(_any_right, records)))
    best = _share([_best(record) == record["gold"] for record in records])
    return {
        "that is pass@8 itself; subtract the accuracy of best-of-8": any_right,
        "that is the accuracy of best-of-8 itself": best,
        "the sign is the other way round: oracle minus best-of-8": best - any_right,
        "that is the gap of the vote, not of best-of-8": any_right - _share(list(map(_vote_right, records))),
        "best-of-8 skipped samples without a readable answer; a chosen None is wrong": any_right
        - _share([_best_readable(record) == record["gold"] for record in records]),
    }


def _best_readable(record: dict) -> str | None:
    readable = [sample for sample in record["samples"] if sample["answer"] is not None]
    return readable[top_index([s["reward"] for s in readable])]["answer"] if readable else None


def needed_mistakes(records: list[dict]) -> dict[str, int]:
    (b, c), n = discordant(records), len(records)
    difference = abs(b - c) / n
    p = sum(map(_vote_right, records)) / n
    q = p + (c - b) / n
    pooled = (p + q) / 2
    unpaired = Z * math.sqrt(2 * pooled * (1 - pooled)) + Z_POWER * math.sqrt(p * (1 - p) + q * (1 - q))
    return {
        "the items were rounded down; a part of an item is one more item": mcnemar_items(
            (b + c) / n, difference
        )
        - 1,
        "that is the size for two independent groups; both choosers answered the same questions": math.ceil(
            unpaired**2 / difference**2
        ),
        "the discordance is the share of questions where exactly one of the two is right": mcnemar_items(
            1.0, difference
        ),
        "the difference is |b - c| over the number of questions, not over the discordant ones": mcnemar_items(
            (b + c) / n, min(difference * n / (b + c), math.sqrt((b + c) / n) * 0.999)
        ),
    }


# By id: what is right, and what the likely mistakes give.
VALUES = {
    "4.V1": (tie_share, tie_mistakes),
    "4.V2": (interval, interval_mistakes),
    "4.V3": (repaired_accuracy, repair_mistakes),
    "4.V4": (oracle_gap, gap_mistakes),
    "4.V5": (n_needed, needed_mistakes),
}
