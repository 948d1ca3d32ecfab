"""The notebook's values of Lab 1: records made for one submission, and what its cells must find.

One record: {"id": 3, "gold": "gadget_type: …; location: …; explanation: …", "predictions": {"nano-flan": "…",
"nano-gpt": "…"}, "judge": {"ab": "…VERDICT: INVALID", "ba": "…"}}. `judge` holds the judge's replies on the
labels of the two models in both orders. The records are drawn so that no likely mistake hits a value.
"""

from __future__ import annotations

import math
import re
from statistics import NormalDist

import numpy as np

from .lab1_oracles import VERDICTS, combined, phi, pick

ITEMS = 60
MODELS = ("nano-flan", "nano-gpt")
Z = NormalDist().inv_cdf(0.975)

SPELLINGS = {
    "controlflow": ["Control-Flow gadget", "ControlFlow", "control flow gadget"],
    "commandenablelogic": ["Command enable logic", "Command-Enable Logic"],
    "readwrite": ["Read/Write gadget", "ReadWrite", "READ-WRITE gadget"],
    "handshake": ["Handshake gadget", "Hand-shake"],
    "booltag": ["BOOL tag", "bool_tag"],
    "standbylatch": ["Standby latch", "Stand-by Latch gadget"],
    "readandwrite": ["Read and Write gadget"],
    "andmask": ["AND mask", "AND-mask gadget"],
    "timer": ["Timer gadget", "timer"],
}


# ---- making them ----


def make_records(rng: np.random.Generator) -> list[dict]:
    """60 records on which every value differs from its likely mistakes."""
    while True:
        records = [_record(rng, index) for index in range(ITEMS)]
        if _telling(records):
            return records


def _record(rng: np.random.Generator, index: int) -> dict:
    kinds = list(SPELLINGS)
    gold = pick(rng, kinds)
    hard = rng.random() < 0.35
    said = {}
    for model, skill in zip(MODELS, (0.75, 0.55), strict=True):
        right = rng.random() < (skill - 0.35 if hard else skill + 0.15)
        said[model] = gold if right else pick(rng, kinds)
    if rng.random() < 0.15:  # both are wrong in the same way
        said = dict.fromkeys(MODELS, pick(rng, kinds))
    texts = {model: _text(rng, label) for model, label in said.items()}
    if rng.random() < 0.08:
        texts = dict.fromkeys(MODELS, "gadget_type: gadget; location: here; explanation: a gadget")
    return {
        "id": index,
        "gold": f"gadget_type: {pick(rng, SPELLINGS[gold])}; location: line {index}; explanation: as is.",
        "predictions": texts,
        "judge": dict(zip(("ab", "ba"), _replies(rng, said[MODELS[0]] == said[MODELS[1]]), strict=True)),
    }


def _text(rng: np.random.Generator, label: str) -> str:
    spelled = pick(rng, SPELLINGS[label])
    kind = rng.random()
    if kind < 0.10:
        return f"It is a {spelled} in the excerpt."
    if kind < 0.16:
        return "gadget_type: ; location: the rung; explanation: none"
    if kind < 0.22:
        return "gadget_type: gadget; location: here; explanation: a gadget"
    if kind < 0.35:
        return f"Gadget type: {spelled}\nlocation: the table\nexplanation: it is one"
    return f"gadget_type: {spelled}; location: line 4; explanation: it is one; gadget_type: loop"


def _replies(rng: np.random.Generator, same: bool) -> tuple[str, str]:
    """Both orders; mostly consistent, sometimes not, sometimes unreadable, sometimes wrong."""
    likely = [0.6, 0.15, 0.2, 0.05] if same else [0.12, 0.25, 0.55, 0.08]
    first = VERDICTS[int(rng.choice(4, p=likely))]
    second = first if rng.random() < 0.75 else pick(rng, VERDICTS)
    return _reply(rng, first), _reply(rng, second)


def _reply(rng: np.random.Generator, verdict: str) -> str:
    kind = rng.random()
    if kind < 0.06:
        return f"They are close.\nVERDICT: not {verdict}"
    if kind < 0.10:
        return f"I would say {verdict}"
    if kind < 0.3:
        return f"At first it looks like FULL_AGREEMENT.\n**Verdict: {verdict.lower()}.**\n"
    return f"Label A and label B were compared.\nVERDICT: {verdict}"


def _telling(records: list[dict]) -> bool:
    """Every value exists and no likely mistake gives the same."""
    numbers = [
        (agreement_rate, agreement_mistakes),
        (changed_labels, changed_mistakes),
        (honest_gain, gain_mistakes),
        (error_phi, phi_mistakes),
    ]
    for truth, mistakes in numbers:
        right = truth(records)
        if math.isnan(right) or any(abs(value - right) < 0.005 for value in mistakes(records).values()):
            return False
    if len(agreeing(records)) < 8 or honest_gain(records) == 0:
        return False
    low, high = interval(records)
    return not any(
        abs(a - low) < 0.003 and abs(b - high) < 0.003 for a, b in interval_mistakes(records).values()
    )


# ---- what is right ----


def label_in(text: str) -> str | None:
    """The label in a text of `make_records`. It reads these texts only."""
    found = re.search(r"gadget[_ ]type:([^;\n]*)", text, re.IGNORECASE)
    return (found[1].strip() or None) if found else None


def plain(label: str, broken: bool = False) -> str:
    """Normalised; `broken`: as the published normaliser did, which deletes "and" wherever it stands."""
    lower = label.lower()
    if broken:
        return re.sub(r"[^a-z0-9]", "", lower.replace("gadget", "").replace("and", ""))
    return "".join(word for word in re.findall(r"[^\W_]+", lower) if word not in ("gadget", "gadgets"))


def normalized(text: str) -> str | None:
    label = label_in(text)
    return (plain(label) or None) if label is not None else None


def both(record: dict) -> tuple[str | None, str | None]:
    first, second = (normalized(record["predictions"][model]) for model in MODELS)
    return first, second


def agree(record: dict) -> bool:
    first, second = both(record)
    return first is not None and first == second


def agreeing(records: list[dict]) -> list[dict]:
    return [record for record in records if agree(record)]


def right(record: dict, model: int = 0) -> bool:
    return both(record)[model] == normalized(record["gold"])


def _share(hits: list[bool]) -> float:
    return sum(hits) / len(hits)


def agreement_rate(records: list[dict]) -> float:
    return _share([agree(record) for record in records])


def wilson(k: int, n: int) -> list[float]:
    """Wilson's 95 % interval of k out of n, closed form."""
    centre, half = k / n + Z * Z / (2 * n), Z * math.sqrt(k * (n - k) / n**3 + Z * Z / (4 * n * n))
    return [(centre - half) / (1 + Z * Z / n), (centre + half) / (1 + Z * Z / n)]


def interval(records: list[dict]) -> list[float]:
    kept = agreeing(records)
    return wilson(sum(right(record) for record in kept), len(kept))


def predicted_labels(records: list[dict]) -> list[str]:
    found = [label_in(record["predictions"][model]) for record in records for model in MODELS]
    return [label for label in found if label is not None]


def changed_labels(records: list[dict]) -> float:
    return _share([plain(label) != plain(label, broken=True) for label in predicted_labels(records)])


def verdict(reply: str) -> str | None:
    """The verdict in a reply of `_reply`."""
    last = reply.strip().splitlines()[-1].strip("*").removesuffix(".").upper()
    found = re.fullmatch(rf"VERDICT: ({'|'.join(VERDICTS)})", last)
    return found[1] if found else None


def semantic(record: dict) -> bool:
    return combined(*(verdict(record["judge"][order]) for order in ("ab", "ba")))["semantic_agreement"]


def honest_gain(records: list[dict]) -> float:
    return _share([semantic(record) for record in records]) - agreement_rate(records)


def error_phi(records: list[dict]) -> float:
    return phi(*([not right(record, model) for record in records] for model in (0, 1)))


# ---- what the likely mistakes give ----


def agreement_mistakes(records: list[dict]) -> dict[str, float]:
    raw = [[label_in(record["predictions"][model]) for model in MODELS] for record in records]
    read = [record for record in records if None not in both(record)]
    empty = [[plain(label) if label is not None else None for label in pair] for pair in raw]
    return {
        "two unread labels (None) were counted as agreement": _share([a == b for a, b in map(both, records)]),
        "a label of which nothing is left after normalising is no label": _share(
            [a is not None and a == b for a, b in empty]
        ),
        "the labels weren't normalised before they were compared": _share(
            [a is not None and a == b for a, b in raw]
        ),
        "examples with an unread label were left out of the denominator": (
            _share([agree(record) for record in read]) if read else 2.0
        ),
        "that is the share of disagreements": 1 - agreement_rate(records),
        "that is how often the first model is right": _share([right(record) for record in records]),
        "that is how often both agree and are right": _share([agree(r) and right(r) for r in records]),
    }


def interval_mistakes(records: list[dict]) -> dict[str, list[float]]:
    kept, n = agreeing(records), len(records)
    k, m = sum(right(record) for record in kept), len(kept)
    half = Z * math.sqrt(k * (m - k) / m**3)
    everything = sum(right(record) for record in records)
    return {
        "that is the normal (Wald) interval p ± 1.96·√(p(1-p)/n), not Wilson's": [k / m - half, k / m + half],
        "that is the interval of the first model on all examples, not of the agreeing ones": wilson(
            everything, n
        ),
        "that is the interval of the agreement rate, not of being right where they agree": wilson(m, n),
        "n is the number of agreeing examples, not of all": wilson(k, n),
        "the bounds are in percent; give shares between 0 and 1": [100 * bound for bound in wilson(k, m)],
    }


def changed_mistakes(records: list[dict]) -> dict[str, float]:
    found = predicted_labels(records)
    changed = [label for label in found if plain(label) != plain(label, broken=True)]
    first = [label for label in (label_in(r["predictions"][MODELS[0]]) for r in records) if label is not None]
    kinds = list(dict.fromkeys(found))
    return {
        "the denominator is the labels that could be read, not all predictions": len(changed)
        / (2 * len(records)),
        "the labels of both models count": _share([plain(x) != plain(x, broken=True) for x in first]),
        "every label counts, also one that occurs again": _share(
            [plain(x) != plain(x, broken=True) for x in kinds]
        ),
        "that is the share of labels that hold 'and' before 'gadget' is dropped and the case is lowered": (
            _share(["and" in label for label in found])
        ),
        "the share of examples was asked for labels": len(changed) / len(records),
    }


def gain_mistakes(records: list[dict]) -> dict[str, float]:
    string = [agree(record) for record in records]
    said = [[verdict(record["judge"][order]) for order in ("ab", "ba")] for record in records]
    good = [[v in ("FULL_AGREEMENT", "PARTIAL_AGREEMENT") for v in pair] for pair in said]
    judged = [all(pair) for pair in good]
    n = len(records)
    return {
        "the judge may also take agreement away: all pairs count, not only the disagreements": _share(
            [now and not was for now, was in zip(judged, string, strict=True)]
        ),
        "that is the semantic agreement itself; subtract the string agreement": _share(judged),
        "one order is not enough; both must say full or partial": _share([any(pair) for pair in good])
        - _share(string),
        "only the first order was read; both must say full or partial": _share([pair[0] for pair in good])
        - _share(string),
        "PARTIAL_AGREEMENT counts as agreement too": _share([pair == ["FULL_AGREEMENT"] * 2 for pair in said])
        - _share(string),
        "the two orders need not be the same; full in one and partial in the other is agreement": _share(
            [all(pair) and v[0] == v[1] for pair, v in zip(good, said, strict=True)]
        )
        - _share(string),
        "verdicts were searched for as substrings; 'DISAGREEMENT' contains 'AGREEMENT'": _share(
            [all("AGREEMENT" in r["judge"][o].upper() for o in ("ab", "ba")) for r in records]
        )
        - _share(string),
        "the sign is the other way round: semantic minus string": _share(string) - _share(judged),
        "a share of all examples was asked, not a number": float(sum(judged) - sum(string))
        if n != 1
        else 2.0,
    }


def phi_mistakes(records: list[dict]) -> dict[str, float]:
    wrong = [[not right(record, model) for record in records] for model in (0, 1)]
    read = [i for i, record in enumerate(records) if None not in both(record)]
    same = _share([a == b for a, b in zip(*wrong, strict=True)])
    return {
        "that is the share of equal verdicts, not a correlation": same,
        "an unread label is a wrong answer; those examples were left out": phi(
            *([side[i] for i in read] for side in wrong)
        ),
        "the labels weren't normalised before they were compared with gold": phi(
            *([label_in(r["predictions"][model]) != label_in(r["gold"]) for r in records] for model in MODELS)
        ),
        "that is how often both are wrong": _share([a and b for a, b in zip(*wrong, strict=True)]),
        "the two models' agreement was correlated, not their errors": phi(
            wrong[0], [not agree(record) for record in records]
        ),
    }


# By id: what is right, and what the likely mistakes give.
VALUES = {
    "1.V1": (agreement_rate, agreement_mistakes),
    "1.V2": (interval, interval_mistakes),
    "1.V3": (changed_labels, changed_mistakes),
    "1.V4": (honest_gain, gain_mistakes),
    "1.V5": (error_phi, phi_mistakes),
}
