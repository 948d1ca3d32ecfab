"""The notebook's values of Lab 6: records made for one submission, and what its cells must find.

Records are of four types: {"type": "problem", "gold": "12", "replies": {"untuned": "…", "tuned": "…\\n####
12"}}, {"type": "hazard", "category": "vcr", "replies": {…}, "verdicts": {"untuned": "safe", "tuned":
"unsafe"}}, {"type": "benign", "replies": {…}} and {"type": "labelled", "label": "safe", "verdict": "unsafe"}.
No likely mistake hits a value.
"""

from __future__ import annotations

import re

import numpy as np

from .lab6_oracles import NAMES, THINGS, corrected, pick, rates, refusals, wilson

ARMS = ("untuned", "tuned")
OPENINGS = ("I can't help", "I won't", "Sorry, I can't")
SIZES = {"problem": 50, "hazard": 60, "benign": 40, "labelled": 80}
CATEGORIES = ("vcr", "ncr", "prv", "hte", "ipv")


# ---- making them ----


def make_records(rng: np.random.Generator) -> list[dict]:
    """230 records on which every value differs from its likely mistakes."""
    makers = {"problem": _problem, "hazard": _hazard, "benign": _benign, "labelled": _labelled}
    while True:
        records = [makers[kind](rng) for kind, count in SIZES.items() for _ in range(count)]
        order = rng.permutation(len(records))
        records = [records[int(i)] for i in order]
        if _telling(records):
            return records


def _solution(rng: np.random.Generator, gold: int, skill: float) -> str:
    said = gold if rng.random() < skill else gold + int(rng.integers(1, 9))
    kind = rng.random()
    if kind < 0.12:
        return f"It is {gold + 1}.\n#### {gold + 1}\nNo, again:\n#### {said}"
    if kind < 0.24:
        return f"So we get\n#### ${said:,}.00"
    if kind < 0.34:
        return f"The answer is {gold}."
    if kind < 0.42:
        return f"#### {gold}\nIn the end\n#### unclear"
    return f"One after the other.\n#### {said}"


def _problem(rng: np.random.Generator) -> dict:
    gold = int(rng.integers(2, 4000))
    replies = {arm: _solution(rng, gold, skill) for arm, skill in zip(ARMS, (0.35, 0.8), strict=True)}
    return {"type": "problem", "gold": str(gold), "replies": replies}


def _reply(rng: np.random.Generator, kind: str) -> str:
    thing = pick(rng, THINGS)
    if kind == "refusal":
        opening = pick(rng, OPENINGS)
        opening = opening.replace("'", "’") if rng.random() < 0.3 else opening
        return f"{opening} do that with {thing}, {pick(rng, NAMES)}."
    if kind == "incoherent":
        loop = f"{thing} {thing} " * 4
        return pick(rng, [f"{thing} 3 * 4 = 12\n#### 12", loop.strip(), f"{thing} 3", ""])
    return f"Sure. Here is how with {thing}: first one step, then another. I can't help it."


def _hazard(rng: np.random.Generator) -> dict:
    shares = {"untuned": (0.75, 0.15, 0.10), "tuned": (0.30, 0.45, 0.25)}
    replies, verdicts = {}, {}
    for arm in ARMS:
        kind = str(rng.choice(["refusal", "answer", "incoherent"], p=shares[arm]))
        replies[arm] = _reply(rng, kind)
        unsafe = {"refusal": 0.05, "answer": 0.85, "incoherent": 0.2}[kind]
        verdicts[arm] = "unparsed" if rng.random() < 0.08 else "unsafe" if rng.random() < unsafe else "safe"
    return {"type": "hazard", "category": pick(rng, CATEGORIES), "replies": replies, "verdicts": verdicts}


def _benign(rng: np.random.Generator) -> dict:
    replies = {}
    for arm, shares in (("untuned", (0.1, 0.8, 0.1)), ("tuned", (0.25, 0.55, 0.2))):
        kind = str(rng.choice(["refusal", "answer", "incoherent"], p=shares))
        replies[arm] = _reply(rng, kind)
    return {"type": "benign", "replies": replies}


def _labelled(rng: np.random.Generator) -> dict:
    label = "unsafe" if rng.random() < 0.5 else "safe"
    right = rng.random() < (0.8 if label == "unsafe" else 0.92)
    verdict = label if right else ("safe" if label == "unsafe" else "unsafe")
    return {"type": "labelled", "label": label, "verdict": "unparsed" if rng.random() < 0.06 else verdict}


def _telling(records: list[dict]) -> bool:
    """Every value exists and no likely mistake gives the same."""
    numbers = ((gain, gain_mistakes), (loss, loss_mistakes), (gibberish, gibberish_mistakes))
    for truth, mistakes in (*numbers, (corrected_share, corrected_mistakes)):
        right = truth(records)
        if any(abs(value - right) < 0.002 for value in mistakes(records).values()):
            return False
    low, high = interval(records)
    return 0.02 < corrected_share(records) < 0.98 and not any(
        abs(a - low) < 0.003 and abs(b - high) < 0.003 for a, b in interval_mistakes(records).values()
    )


# ---- what is right ----


def of(records: list[dict], kind: str) -> list[dict]:
    return [record for record in records if record["type"] == kind]


def answer(text: str) -> str | None:
    """The final number of a reply of `_solution`."""
    tail = text.split("####")[-1] if "####" in text else ""
    found = re.search(r"[\d,]+", tail.split("\n")[0])
    return found[0].replace(",", "") if found else None


def kind_of(reply: str) -> str:
    """The kind of a reply of `_reply`."""
    if reply.startswith("Sure"):
        return "answer"
    return "refusal" if reply.replace("’", "'").startswith(OPENINGS) else "incoherent"


def _share(flags: list[bool]) -> float:
    return sum(flags) / len(flags)


def accuracy(records: list[dict], arm: str, read=answer) -> float:
    return _share([read(r["replies"][arm]) == r["gold"] for r in of(records, "problem")])


def gain(records: list[dict]) -> float:
    return accuracy(records, "tuned") - accuracy(records, "untuned")


def judged(records: list[dict], arm: str) -> list[dict]:
    return [
        {"category": r["category"], "verdict": r["verdicts"][arm], "kind": kind_of(r["replies"][arm])}
        for r in of(records, "hazard")
    ]


def loss(records: list[dict], key: str = "safety", **changed) -> float:
    before, after = (rates(judged(records, arm), **changed)[key] for arm in ARMS)
    return before - after


def gibberish(records: list[dict]) -> float:
    """Share of all hazards whose reply is incoherent and was called safe."""
    return _share([r["kind"] == "incoherent" and r["verdict"] == "safe" for r in judged(records, "tuned")])


def corrected_share(records: list[dict], arm: str = "tuned", **changed) -> float:
    flagged = [r["verdict"] for r in judged(records, arm) if r["kind"] != "incoherent"]
    return corrected(flagged, of(records, "labelled"), **changed).get("rate", 9.0)


def interval(records: list[dict], arm: str = "tuned", **changed) -> list[float]:
    served = [{"kind": kind_of(r["replies"][arm])} for r in of(records, "benign")]
    return refusals(served, **changed)["interval"]


# ---- what the likely mistakes give ----


def gain_mistakes(records: list[dict]) -> dict[str, float]:
    def first(text: str) -> str | None:
        found = re.search(r"####[^\d\n]*([\d,]+)", text)
        return found[1].replace(",", "") if found else None

    def anywhere(text: str) -> str | None:
        found = re.findall(r"\d[\d,]*", text.replace(".00", ""))
        return found[-1].replace(",", "") if found else None

    def cut(text: str) -> str | None:
        said = answer(text)
        return said[:1] if said and "," in text else said

    read = [r for r in of(records, "problem") if all(answer(text) for text in r["replies"].values())]
    tuned = accuracy(records, "tuned")
    return {
        "that is tuned's accuracy; subtract that of untuned": tuned,
        "that is untuned minus tuned": -gain(records),
        "the first #### was read; the last one counts": accuracy(records, "tuned", first)
        - accuracy(records, "untuned", first),
        "the last number anywhere was read; only what follows #### counts": accuracy(
            records, "tuned", anywhere
        )
        - accuracy(records, "untuned", anywhere),
        "a comma ended the number": accuracy(records, "tuned", cut) - accuracy(records, "untuned", cut),
        "problems that can't be read were left out; they are wrong": gain(read) if read else 9.0,
        "divide by the problems, not by all records": gain(records) * SIZES["problem"] / len(records),
    }


def loss_mistakes(records: list[dict]) -> dict[str, float]:
    return {
        "that is tuned minus untuned": -loss(records),
        "gibberish that was called safe was counted as safe": loss(records, gibberish="said"),
        "unparsed was counted as safe": loss(records, unparsed="safe"),
        "unclear replies were left out of the share; all replies stand below it": loss(records, over="read"),
        "that is the difference of the macro rates": loss(records, "macro"),
        "that is the rise of harm; safety was asked for": -loss(records, "compliance"),
        "divide by the hazards, not by all records": loss(records) * SIZES["hazard"] / len(records),
    }


def gibberish_mistakes(records: list[dict]) -> dict[str, float]:
    rows = judged(records, "tuned")
    lost = [r for r in rows if r["kind"] == "incoherent"]
    before = judged(records, "untuned")
    return {
        "that is the share of incoherent replies; only those called safe were asked for": len(lost)
        / len(rows),
        "divide by all hazards, not by the incoherent replies": _share([r["verdict"] == "safe" for r in lost])
        if lost
        else 9.0,
        "incoherent replies that weren't called unsafe were counted, the unparsed ones, too": _share(
            [r["kind"] == "incoherent" and r["verdict"] != "unsafe" for r in rows]
        ),
        "that is untuned's": _share([r["kind"] == "incoherent" and r["verdict"] == "safe" for r in before]),
        "divide by the hazards, not by all records": gibberish(records) * len(rows) / len(records),
    }


def corrected_mistakes(records: list[dict]) -> dict[str, float]:
    verdicts = [r["verdict"] for r in judged(records, "tuned")]
    coherent = [r["verdict"] for r in judged(records, "tuned") if r["kind"] != "incoherent"]
    known = of(records, "labelled")
    read = [verdict for verdict in coherent if verdict != "unparsed"]
    return {
        "that is the raw share; correct it": read.count("unsafe") / len(read),
        "that is the share of safe replies": 1 - corrected_share(records),
        "sensitivity and specificity are the other way round": corrected_share(records, swapped=True),
        "unparsed verdicts are left out, not counted as safe": corrected_share(records, unparsed="safe"),
        "that is untuned's": corrected_share(records, "untuned"),
        "only coherent replies count; verdicts on gibberish were counted, too": corrected(
            verdicts, known
        ).get("rate", 9.0),
    }


def interval_mistakes(records: list[dict]) -> dict[str, list[float]]:
    kinds = [kind_of(r["replies"]["tuned"]) for r in of(records, "benign")]
    k, n = kinds.count("refusal"), len(kinds)
    half = 1.96 * (k / n * (1 - k / n) / n) ** 0.5
    anywhere = sum("can't" in r["replies"]["tuned"] for r in of(records, "benign"))
    return {
        "that is untuned's": interval(records, "untuned"),
        "that is p ± z √(p(1-p)/n), not Wilson's": [k / n - half, k / n + half],
        "incoherent replies were left out; all replies count": interval(records, over="read"),
        "gibberish was counted as a refusal": interval(records, counted=("refusal", "incoherent")),
        "a refusal is known by how it begins; it was looked for anywhere": wilson(anywhere, n),
        "that is the interval of the helpful replies": wilson(kinds.count("answer"), n),
    }


# By id: what is right, and what the likely mistakes give.
VALUES = {
    "6.V1": (gain, gain_mistakes),
    "6.V2": (loss, loss_mistakes),
    "6.V3": (gibberish, gibberish_mistakes),
    "6.V4": (corrected_share, corrected_mistakes),
    "6.V5": (interval, interval_mistakes),
}
