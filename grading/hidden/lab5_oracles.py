"""What the functions of Lab 5 must give, computed by other means than a solution would use.

AUROC goes through all pairs, parts of [0, 1] are found by looking for each part's items, ties are averaged by
listing all their orders' share; what a text becomes was written down by hand (`READINGS`). Each function
takes the rules that a mistake has otherwise, with the right ones as defaults (lab5_blame.py names them).
Inputs are made from the `rng` of one test and one submission. Left out: the notebook's values
(lab5_records.py).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence

import numpy as np

NAMES = ("Ola Renn", "Mara Voss", "Ilse Tarn", "Bo Quill", "Nils Aker", "Tove Lind", "Ada Sorel", "Finn Odal")
TOWNS = ("Parum", "Ostby", "Grenholt", "Varde", "Lumo", "Kestrel Bay", "Nordhavn", "Sint Aal")
ABILITIES = ("can", "uncertain", "cannot")
NAN = float("nan")
PLAIN = {
    "theatre and Anna": "theatre and anna",
    "U.S.A.": "usa",
    "$3,677 + 5%": "3677 5",
    "C++": "c",
    "~Ostby^": "ostby",
    "the_end": "theend",
    "“Parum” — ‘Varde’": "parum varde",
    "3×4": "34",
    "": "",
}
SCRIPTS = {
    "東京": "東京",
    "Санкт-Петербург": "санктпетербург",
    "القاهرة": "القاهرة",
    "दिल्ली": "दिल्ली",
    "Ｐａｒｕｍ １２": "parum 12",
    "Straße": "strasse",
    "ΟΔΟΣ": "οδοσ",
    "№ 5™": "no 5tm",
    "½ cup": "12 cup",
    "Café Ångström": "café ångström",
    "¿Qué?": "qué",
    "ﬁord": "fiord",
    "The The": "the the",
    "A": "a",
    "an a the": "an a the",
    "?!": "",
    "€ 5": "5",
    "…": "",
}
READINGS = {**PLAIN, **SCRIPTS}  # what 5.1 makes of a text, by hand


# ---- inputs ----


def pick(rng: np.random.Generator, items, count: int | None = None):
    """One of the items, or `count` different ones."""
    if count is None:
        return items[int(rng.integers(len(items)))]
    return [items[int(i)] for i in rng.choice(len(items), size=count, replace=False)]


def flags(rng: np.random.Generator, size: int, share: float = 0.5) -> list[bool]:
    return [bool(x) for x in rng.random(size) < share]


def trials(rng: np.random.Generator, right: int, size: int, first: bool | None = None) -> list[bool]:
    """`right` of `size` trials are right, in random order; `first` says what the first one is."""
    while True:
        made = [bool(x) for x in rng.permutation([True] * right + [False] * (size - right))]
        if first is None or made[0] is first:
            return made


def question(rng: np.random.Generator) -> dict:
    """A record of an open or a closed book."""
    name, town = pick(rng, NAMES), pick(rng, TOWNS)
    context = f"{name}: {name} lives in {town}.\nThe Bell: It is a ship." if rng.random() < 0.5 else ""
    asked = f"Where does {name} live?"
    return {"qid": "q1", "question": asked, "context": context, "aliases": [town], "entity": name}


def tested(rng: np.random.Generator, judgments: Sequence, targets: Sequence[str]) -> list[dict]:
    """Tested records with these judgments and targets."""
    rows = []
    for number, (judgment, target) in enumerate(zip(judgments, targets, strict=True)):
        row = {"qid": f"q{number}", "judgment": judgment, "target": target}
        p_yes, ability = round(float(rng.random()), 3), _ability(rng, target)
        rows.append({**row, "p_yes": p_yes, "ability": ability})
    return rows


def _ability(rng: np.random.Generator, target: str) -> str:
    """What a target may stand for: in binary mode, "yes" is for uncertain too."""
    return {"yes": pick(rng, ("can", "uncertain")), "uncertain": "uncertain", "no": "cannot"}[target]


# ---- right or wrong ----


def normal(text: str, **changed) -> str:
    """5.1, character by character. For mistakes and names: what is right of other texts is in READINGS."""
    rule = {"nfkc": True, "fold": str.casefold, "drop": "PS", "space": "", "articles": True, "rest": True}
    rule |= {"ascii": False, "symbol": None} | changed
    text = unicodedata.normalize("NFKC", text) if rule["nfkc"] else text
    made = []
    for c in rule["fold"](text):
        if rule["symbol"] is not None and unicodedata.category(c)[0] == "S":
            made.append(rule["symbol"])
            continue
        if rule["ascii"]:
            made.append(c if c.isascii() and (c.isalnum() or c.isspace()) else rule["space"])
        else:
            made.append(rule["space"] if unicodedata.category(c)[:1] in tuple(rule["drop"]) else c)
    words = "".join(made).split()
    if rule["articles"] == "inside":
        return " ".join(re.sub(r"the|an|a", "", " ".join(words)).split())
    kept = [word for word in words if word not in {"a", "an", "the"}] if rule["articles"] else words
    return " ".join(kept if kept or not rule["rest"] else words)


def matches(reply: str, aliases: Sequence[str], **changed) -> bool:
    """5.2, on texts with a space at both ends."""
    rule = {"part": False, "empty": False, "both": False, "order": True, "anywhere": False, "first": False}
    rule |= {"whole": False, "before": " ", "after": " ", "regex": False} | changed
    chosen = list(aliases)[:1] if rule["first"] else aliases
    padded = f" {reply} "
    for alias in chosen:
        if not alias or not reply:
            if rule["empty"] or (rule["part"] and alias in reply):
                return True
            continue
        if rule["whole"]:
            hit = reply == alias
        elif alias in ("yes", "no") and not rule["anywhere"]:
            hit = reply.startswith(alias) if rule["part"] else padded.startswith(f" {alias} ")
        elif rule["part"]:
            hit = alias in reply
        elif rule["regex"]:
            hit = re.search(rf"\b{re.escape(alias)}\b", reply) is not None
        elif not rule["order"]:
            hit = all(f" {word} " in padded for word in alias.split(" "))
        else:
            hit = f"{rule['before']}{alias}{rule['after']}" in padded
        if hit or (rule["both"] and f" {reply} " in f" {alias} "):
            return True
    return False


def asked(record: dict, ability: str | None, mode: str, **changed) -> list[dict]:
    """5.3, put together."""
    rule = {"middle": "yes", "context": True, "choice": None, "sentence": True, "word": str, "leak": False}
    rule |= {"question": "Question: "} | changed
    text = f"{rule['question']}{record['question']}"
    if rule["context"] and record.get("context"):
        text = f"Context:\n{record['context']}\n{text}"
    options = rule["choice"] or {"binary": "yes or no", "uncertainty": "yes, uncertain or no"}[mode]
    if rule["leak"]:
        text += f"\nAnswer: {record['aliases'][0]}"
    if rule["sentence"] or ability is not None:
        text += f"\nCan you answer this question correctly? Reply {options}."
    turns = [{"role": "user", "content": text}]
    if ability is not None:
        middle = rule["middle"] if mode == "binary" else "uncertain"
        word = {"can": "yes", "uncertain": middle, "cannot": "no"}[ability]
        turns.append({"role": "assistant", "content": rule["word"](word)})
    return turns


# ---- labels and logits ----


def label(correct: Sequence[bool], rule: str = "share", *, half: bool = True, default: bool = True) -> str:
    """5.4 by the number of wrong trials."""
    wrong = list(correct).count(False)
    right = len(correct) - wrong
    if wrong == 0:
        return "can"
    if rule == "any_correct" or not default:
        return "cannot" if right == 0 else "uncertain"
    return "uncertain" if right > wrong or (half and right == wrong) else "cannot"


def probabilities(logits: np.ndarray, mask: np.ndarray, answers, **changed) -> np.ndarray:
    """5.6 with plain exponentials in float64. place: which position of a row is read."""
    rule = {"place": "last real", "over": "answers", "combine": "sum"} | changed
    rows = []
    for scores, real in zip(np.asarray(logits, float), np.asarray(mask), strict=True):
        ones = [i for i, flag in enumerate(real) if flag]
        at = {"last real": ones[-1], "last": len(real) - 1, "count": len(ones) - 1, "first": ones[0]}[
            rule["place"]
        ]
        weight = np.exp(scores[at] - scores[at].max())
        each = {
            "sum": [weight[list(ids)].sum() for ids in answers],
            "first": [weight[ids[0]] for ids in answers],
            "max": [weight[list(ids)].max() for ids in answers],
            "mean": [math.exp(np.log(weight[list(ids)]).mean()) for ids in answers],
        }[rule["combine"]]
        total = weight.sum() if rule["over"] == "vocabulary" else sum(each)
        rows.append([value / total for value in each])
    return np.array(rows, dtype=np.float32)


# ---- ranks, parts, ties ----


def pairs(scores: Sequence[float], labels: Sequence[bool], tie: float = 0.5) -> float:
    """5.10 over all pairs of a positive and a negative."""
    high = [s for s, flag in zip(scores, labels, strict=True) if flag]
    low = [s for s, flag in zip(scores, labels, strict=True) if not flag]
    if not high or not low:
        return NAN
    won = sum((a > b) + tie * (a == b) for a in high for b in low)
    return won / (len(high) * len(low))


def ranks_as_sorted(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """5.10 with ties in the order in which the items are listed."""
    order = sorted(range(len(scores)), key=lambda i: scores[i])
    n1 = sum(labels)
    total = sum(rank for rank, i in enumerate(order, start=1) if labels[i])
    return (total - n1 * (n1 + 1) / 2) / (n1 * (len(labels) - n1)) if 0 < n1 < len(labels) else NAN


def parts(
    values: Sequence[float], outcomes: Sequence[bool], bins: int, cut: str = "floor"
) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """(part, its probabilities, its outcomes) of every part with items. cut: where an end belongs."""
    p, y = np.asarray(values, float), np.asarray(outcomes, float)
    number = {
        "floor": np.minimum(np.floor(p * bins), bins - 1),
        "one alone": np.floor(p * bins),
        "below": np.maximum(np.ceil(p * bins) - 1, 0),
        "linspace": np.minimum(np.digitize(p, np.linspace(0, 1, bins + 1)) - 1, bins - 1),
    }[cut]
    return [(k, p[number == k], y[number == k]) for k in range(bins + 1) if (number == k).any()]


def table(values: Sequence[float], outcomes: Sequence[bool], bins: int = 10, cut: str = "floor") -> dict:
    """5.11."""
    rows, ece = [], 0.0
    for k, p, y in parts(values, outcomes, bins, cut):
        ece += len(p) * abs(float(y.mean()) - float(p.mean())) / len(outcomes)
        ends = {"low": k / bins, "high": (k + 1) / bins, "n": len(p)}
        rows.append({**ends, "confidence": float(p.mean()), "accuracy": float(y.mean())})
    return {"ece": ece, "bins": rows}


def decomposed(values: Sequence[float], outcomes: Sequence[bool], bins: int = 10, cut: str = "floor") -> dict:
    """5.12."""
    n, base = len(outcomes), float(np.mean(outcomes))
    found = parts(values, outcomes, bins, cut)
    reliability = sum(len(p) * (p.mean() - y.mean()) ** 2 for _, p, y in found) / n
    resolution = sum(len(p) * (y.mean() - base) ** 2 for _, p, y in found) / n
    brier = float(np.mean((np.asarray(values, float) - np.asarray(outcomes, float)) ** 2))
    terms = {
        "reliability": float(reliability),
        "resolution": float(resolution),
        "uncertainty": base - base * base,
    }
    explained = terms["reliability"] - terms["resolution"] + terms["uncertainty"]
    return {"brier": brier, **terms, "within": brier - explained}


def confusion(predicted: Sequence[str | None], actual: Sequence[str]) -> dict:
    """5.13 by one pass."""
    n = len(actual)
    matrix = {a: dict.fromkeys(ABILITIES, 0) for a in ABILITIES}
    for said, true in zip(predicted, actual, strict=True):
        if said is not None:
            matrix[true][said] += 1
    return {
        "n": n,
        "unparsed": sum(said is None for said in predicted),
        "exact_match": sum(matrix[a][a] for a in ABILITIES) / n,
        "matrix": matrix,
        "predicted": {a: sum(row[a] for row in matrix.values()) / n for a in ABILITIES},
        "actual": {a: sum(true == a for true in actual) / n for a in ABILITIES},
    }


def selective(confidence: Sequence[float], correct: Sequence[bool]) -> list[float]:
    """5.14: an item stands before those that are less sure; of its tie a share is answered."""
    found = []
    for k in range(1, len(correct) + 1):
        right = 0.0
        for sure, flag in zip(confidence, correct, strict=True):
            above = sum(other > sure for other in confidence)
            tied = sum(other == sure for other in confidence)
            right += flag * min(max((k - above) / tied, 0.0), 1.0)
        found.append(right / k)
    return found


def listed(
    confidence: Sequence[float], correct: Sequence[bool], best_first: bool | None = None
) -> list[float]:
    """5.14 without care for ties: in the order of the list, or the right ones first."""
    key = {None: lambda i: -confidence[i], True: lambda i: (-confidence[i], not correct[i])}[best_first]
    order = sorted(range(len(correct)), key=key)
    return [sum(correct[i] for i in order[:k]) / k for k in range(1, len(order) + 1)]


def skill(said: Sequence[bool], correct: Sequence[bool]) -> dict:
    """5.15."""
    n, right = len(correct), list(correct).count(True)
    over = sum(a and not b for a, b in zip(said, correct, strict=True))
    under = sum(b and not a for a, b in zip(said, correct, strict=True))
    accuracy, constant = (n - over - under) / n, max(right, n - right) / n
    shares = {
        "accuracy": accuracy,
        "qa_accuracy": right / n,
        "constant": constant,
        "skill": accuracy - constant,
    }
    return {**shares, "overconfident": over / n, "underconfident": under / n}


def history(judgments, labels) -> dict:
    """5.16."""
    said, was = np.asarray(judgments, bool), np.asarray(labels, bool)
    return {
        "frozen": (said == was[0]).mean(axis=1).tolist(),
        "refreshed": (said == was).mean(axis=1).tolist(),
        "moved": (was != was[0]).mean(axis=1).tolist(),
    }
