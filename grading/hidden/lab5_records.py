"""The notebook's values of Lab 5: records made for one submission, and what its cells must find.

One record: {"qid": "q3", "aliases": ["Port Parum", "Parum"], "replies": [5 texts], "said": true, "sure": 0.7,
"taught": false, "replies_after": [5 texts], "sure_after": 0.4}. Which replies are right is known from how
they were made. No likely mistake hits a value.
"""

from __future__ import annotations

import numpy as np

from . import lab5_oracles as oracle

ITEMS = 80
TRIALS = 5
PLACES = ("Parum", "Ostby", "Grenholt", "Varde", "Lumo", "Kestrel Bay", "Nordhavn", "Tiraspil", "Oda", "Halm")


# ---- making them ----


def make_records(rng: np.random.Generator) -> list[dict]:
    """80 records on which every value differs from its likely mistakes."""
    while True:
        records = [_record(rng, index) for index in range(ITEMS)]
        if _telling(records):
            return records


def _record(rng: np.random.Generator, index: int) -> dict:
    place = str(rng.choice(PLACES))
    skill = float(rng.choice([0.03, 0.1, 0.3, 0.5, 0.7, 0.95], p=[0.3, 0.2, 0.12, 0.1, 0.1, 0.18]))
    taught = bool(rng.random() < 0.5)
    replies = [_reply(rng, place, rng.random() < skill) for _ in range(TRIALS)]
    later = 0.85 if taught and rng.random() < 0.8 else skill
    sure = float(np.clip(0.55 * skill + 0.45 * rng.random(), 0.01, 0.99))
    said = bool(sure > 0.25 if rng.random() < 0.85 else rng.random() < 0.5)
    return {
        "qid": f"q{index}",
        "aliases": [f"Port {place}", place] if rng.random() < 0.5 else [place, f"Port {place}"],
        "replies": replies,
        "said": said,
        "sure": round(sure, 2),
        "taught": taught,
        "replies_after": [_reply(rng, place, rng.random() < later) for _ in range(TRIALS)],
        "sure_after": round(float(np.clip(sure + 0.1 * rng.standard_normal(), 0.01, 0.99)), 3),
    }


def _reply(rng: np.random.Generator, place: str, right: bool) -> str:
    """A reply whose verdict is known: by words it is `right`; by substrings more of them are."""
    if right:
        return str(rng.choice([place, f"{place}.", f"Port {place}", f"in {place.upper()}", f"The {place}"]))
    other = str(rng.choice([each for each in PLACES if each != place]))
    tricks = ["", "port", place[:2], f"{place}shire", "the", "...", place[1:]]
    return str(rng.choice(tricks)) if rng.random() < 0.45 else other


def _telling(records: list[dict]) -> bool:
    """Every value exists and no likely mistake gives the same."""
    if not 10 < sum(map(can, records)) < ITEMS - 10 or len(stale_records(records)) < 8:
        return False
    return not any(
        abs(wrong - truth(records)) < 0.002
        for truth, likely in VALUES.values()
        for wrong in likely(records).values()
    )


# ---- what is right ----


def hits(record: dict, name: str = "replies") -> list[bool]:
    """Which replies are right, by the oracle of 5.1 and 5.2."""
    golds = [oracle.normal(alias) for alias in record["aliases"]]
    return [oracle.matches(oracle.normal(reply), golds) for reply in record[name]]


def by_substring(record: dict, place: int = 0) -> bool:
    """The substring rule of 5.V1, on normalised texts."""
    reply = oracle.normal(record["replies"][place])
    golds = [oracle.normal(alias) for alias in record["aliases"]]
    return any(reply in gold or gold in reply for gold in golds)


def can(record: dict) -> bool:
    return 2 * sum(hits(record)) >= TRIALS


def _mean(values) -> float:
    values = list(values)
    return sum(values) / len(values) if values else 2.0


def substring_gap(records: list[dict]) -> float:
    return _mean(by_substring(r) - hits(r)[0] for r in records)


def skill(records: list[dict]) -> float:
    return oracle.skill([r["said"] for r in records], [can(r) for r in records])["skill"]


def one_trial_errors(records: list[dict]) -> float:
    return _mean(hits(r)[0] != can(r) for r in records)


def ranking(records: list[dict]) -> float:
    return oracle.pairs([r["sure"] for r in records], [can(r) for r in records])


def stale_records(records: list[dict]) -> list[dict]:
    return [r for r in records if r["taught"] and not can(r)]


def gap(record: dict) -> float:
    return (2 * sum(hits(record, "replies_after")) >= TRIALS) - record["sure_after"]


def stale(records: list[dict]) -> float:
    return _mean(gap(r) for r in stale_records(records))


# ---- what the likely mistakes give ----


def substring_mistakes(records: list[dict]) -> dict[str, float]:
    raw = _mean(
        any(r["replies"][0] in a or a in r["replies"][0] for a in r["aliases"]) - hits(r)[0] for r in records
    )
    return {
        "that is the substring scorer's accuracy; subtract that of words": _mean(
            by_substring(r) for r in records
        ),
        "that is the accuracy by words alone": _mean(hits(r)[0] for r in records),
        "the sign is the other way round: substrings minus words": -substring_gap(records),
        "all five replies were scored; the first one was asked for": _mean(
            by_substring(r, k) - hits(r)[k] for r in records for k in range(TRIALS)
        ),
        "the texts weren't normalised before": raw,
        "only the first alias was tried": _mean(
            (lambda t, g: (t in g or g in t) - oracle.matches(t, [g]))(
                oracle.normal(r["replies"][0]), oracle.normal(r["aliases"][0])
            )
            for r in records
        ),
    }


def skill_mistakes(records: list[dict]) -> dict[str, float]:
    said, labels = [r["said"] for r in records], [can(r) for r in records]
    right = oracle.skill(said, labels)
    first = oracle.skill(said, [hits(r)[0] for r in records])
    always = oracle.skill(said, [all(hits(r)) for r in records])
    loose = oracle.skill(
        said, [2 * sum(by_substring(r, k) for k in range(TRIALS)) >= TRIALS for r in records]
    )
    return {
        "that is the accuracy of the judgments; subtract the better constant": right["accuracy"],
        "one half isn't the constant": right["accuracy"] - 0.5,
        "that is the skill for labels from the first reply alone": first["skill"],
        "at least half of the replies was asked for, not all": always["skill"],
        "the labels came from the substring scorer": loose["skill"],
        "in percent; give a share": 100 * right["skill"],
    }


def ranking_mistakes(records: list[dict]) -> dict[str, float]:
    labels, sure = [can(r) for r in records], [r["sure"] for r in records]
    return {
        "the ranking is upside down": 1 - ranking(records),
        "rank by `sure`, not by the yes or no of `said`": oracle.pairs(
            [float(r["said"]) for r in records], labels
        ),
        "the labels came from the first reply alone": oracle.pairs(sure, [hits(r)[0] for r in records]),
        "at least half of the replies was asked for, not all": oracle.pairs(
            sure, [all(hits(r)) for r in records]
        ),
        "rank by `sure`, not by `sure_after`": oracle.pairs([r["sure_after"] for r in records], labels),
        "ties count one half; here they count nothing": oracle.pairs(sure, labels, 0.0),
    }


def trial_mistakes(records: list[dict]) -> dict[str, float]:
    errors = sum(hits(r)[0] != can(r) for r in records)
    able = [r for r in records if can(r)]
    return {
        "divide by all records, not by those that can be answered": errors / len(able) if able else 2.0,
        "that is the share of records whose five replies aren't all alike": _mean(
            0 < sum(hits(r)) < TRIALS for r in records
        ),
        "that is the share of single replies that disagree; only the first one was asked for": _mean(
            h != can(r) for r in records for h in hits(r)
        ),
        "that is the share on which they agree": 1 - errors / len(records),
        "at least half of the replies was asked for, not all": _mean(
            hits(r)[0] != all(hits(r)) for r in records
        ),
        "only one direction was counted": _mean(hits(r)[0] and not can(r) for r in records),
    }


def stale_mistakes(records: list[dict]) -> dict[str, float]:
    taught = [r for r in records if r["taught"]]
    group = stale_records(records)
    share = _mean(sum(hits(r, "replies_after")) / TRIALS - r["sure_after"] for r in group)
    soft = _mean((sum(hits(r, "replies_after")) + 0.5) / (TRIALS + 1) - r["sure_after"] for r in group)
    return {
        "the sign is the other way round: what it can do minus how sure it is": -stale(records),
        "all taught records were taken; only those that couldn't be answered before": _mean(map(gap, taught)),
        "untaught records were taken, too": _mean(gap(r) for r in records if not can(r)),
        "that is the share of right replies; what counts is right in at least half of them": share,
        "that is soft_target of the replies; what counts is right in at least half of them": soft,
        "the confidence is sure_after, not sure": _mean(gap(r) + r["sure_after"] - r["sure"] for r in group),
        "the replies are those after, not before": _mean(-r["sure_after"] for r in group),
        "the label is of the replies before teaching, not after": _mean(
            gap(r) for r in taught if 2 * sum(hits(r, "replies_after")) < TRIALS
        ),
    }


# By id: what is right, and what the likely mistakes give.
VALUES = {
    "5.V1": (substring_gap, substring_mistakes),
    "5.V2": (skill, skill_mistakes),
    "5.V3": (one_trial_errors, trial_mistakes),
    "5.V4": (ranking, ranking_mistakes),
    "5.V5": (stale, stale_mistakes),
}
