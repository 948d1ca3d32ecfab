"""What likely mistakes of Lab 2's numbers give, by the words that name them.

Each is the oracle's result (lab2_oracles.py) with one rule changed. Left out: mistakes in reading texts
(lab2_blame.py) and in chat rows (lab2_cases.py).
"""

from __future__ import annotations

import math
from statistics import NormalDist

from . import lab2_oracles as oracle
from .lab2_oracles import Answers

Z95 = NormalDist().inv_cdf(0.975)

# ---- the filter ----


def quality_mistakes(records: list[dict]) -> dict[str, dict]:
    right = oracle.quality(records)
    read = [r for r in records if r["teacher_answer"] is not None]
    only = oracle.quality(read)
    kept = [r for r in read if r["teacher_answer"] == r["answer"]]
    said_yes = [r for r in read if r["teacher_answer"]]
    said_no = [r for r in read if not r["teacher_answer"]]
    yes_kept = sum(r["answer"] for r in kept)
    recalls = ("recall_yes", "recall_no")
    return {
        "an unread answer was counted as wrong; it is counted apart": {
            **right,
            "wrong": right["wrong"] + right["unparsed"],
        },
        "an unread answer was read as no": oracle.quality(
            [{**r, "teacher_answer": bool(r["teacher_answer"])} for r in records]
        ),
        "recalls count all records of a gold class, also the unread ones": {
            **right,
            **{name: only[name] for name in recalls},
        },
        "that is the teacher's precision: divide by the gold class, not by what the teacher said": {
            **right,
            "recall_yes": oracle.share(yes_kept, len(said_yes)),
            "recall_no": oracle.share(len(kept) - yes_kept, len(said_no)),
        },
        "the share of yes among all counts the unread ones too": {**right, "prior_yes": only["prior_yes"]},
        "that is the share of yes in what the teacher said; prior_yes is of the gold answers": {
            **right,
            "prior_yes": oracle.share(len(said_yes), len(records)),
        },
        "kept_prior_yes is the share of yes among the kept, not among all": {
            **right,
            "kept_prior_yes": oracle.share(yes_kept, len(records)),
        },
        "a share of nothing is NaN, not 0": {
            name: 0.0 if oracle.is_nan(value) else value for name, value in right.items()
        },
        "the recalls of yes and no were swapped": {
            **right,
            "recall_yes": right["recall_no"],
            "recall_no": right["recall_yes"],
        },
    }


def prior_mistakes(prior: float, yes: float, no: float) -> dict[str, float]:
    return {
        "that is the share of all questions, not of the kept ones: divide by what is kept": prior * yes,
        "the two recalls were swapped": oracle.prior_kept(prior, no, yes),
        "that is the kept share of no": 1 - oracle.prior_kept(prior, yes, no),
        "the prior was left out": yes / (yes + no) if yes + no else math.nan,
        "1 - prior belongs to no": prior * yes / (prior * yes + prior * no)
        if prior * (yes + no)
        else math.nan,
        "the prior is multiplied by the recall, not divided": (
            oracle.prior_kept(prior, 1 / yes / 1e6, 1 / no / 1e6) if yes and no else math.nan
        ),
        "nothing kept is NaN, not 0": 0.0,
    }


def shift_mistakes(before: float, after: float) -> dict[str, float]:
    right = oracle.log_odds(after) - oracle.log_odds(before)
    return {
        "in bits; nats use the natural logarithm": right / math.log(2),
        "base 10; nats use the natural logarithm": right / math.log(10),
        "the sign is the other way round: after minus before": -right,
        "that is the size of the shift; a share that fell gives a negative one": abs(right),
        "that is the difference of the shares": after - before,
        "that is the difference of log-shares; log-odds divide by 1 - p": math.log(after / before),
        "that is the ratio of the odds; take its logarithm": math.exp(right),
        "log(1 - p) is subtracted, for both shares": math.log(after / before)
        + math.log((1 - after) / (1 - before)),
        "that is the shift in log-odds of no": oracle.log_odds(1 - after) - oracle.log_odds(1 - before),
    }


def weight_mistakes(labels: list[bool], prior: float) -> dict[str, list[float]]:
    right = oracle.weights(labels, prior)
    n, yes = len(labels), labels.count(True)
    balanced = [n / (2 * (yes if label else n - yes)) for label in labels]
    return {
        "that is p'(y) / p(y); it is the other way round": [1 / w for w in right],
        "the classes were balanced; the weights restore `prior`": balanced,
        "prior and 1 - prior were swapped": oracle.weights(labels, 1 - prior),
        "the labels' own shares were forgotten": [prior if label else 1 - prior for label in labels],
        "the weights' mean must be 1; their sum is": [w / n for w in right],
        "the largest weight was set to 1; the mean is 1": [w / max(right) for w in right],
        "the smallest weight was set to 1; the mean is 1": [w / min(right) for w in right],
        "counts were used where shares belong": [w / n for w in right],
    }


def consensus_mistakes(said: Answers) -> dict[str, bool | None]:
    votes = [said.count(True), said.count(False)]
    plural = None if votes[0] == votes[1] else votes[0] > votes[1]
    return {
        "an unread attempt counts among all: more than half of *all* attempts": plural,
        "a tie has no consensus; it went to no": votes[0] * 2 > len(said),
        "a tie has no consensus; it went to yes": votes[0] * 2 >= len(said) if said else None,
        "exactly half isn't more than half": (
            next((a for a, v in ((True, votes[0]), (False, votes[1])) if v and 2 * v >= len(said)), None)
        ),
        "the first answer was taken": next((a for a in said if a is not None), None),
        "the last answer was taken": next((a for a in reversed(said) if a is not None), None),
        "all attempts had to agree; more than half is enough": (
            said[0] if said and len(set(said)) == 1 else None
        ),
        "no readable attempt has no consensus; it became no": oracle.agreed(said) or False,
    }


# ---- evaluation ----


def coverage_mistakes(shapes: dict, targets: list[str], r: int) -> dict[str, dict]:
    right = oracle.coverage(shapes, targets, r)

    def counted(hit, size) -> dict:
        kinds: dict[str, dict] = {}
        for name, shape in shapes.items():
            kind = kinds.setdefault(name.rpartition(".")[2], {"modules": 0, "reached": 0, "trainable": 0})
            kind["modules"] += 1
            if any(hit(name, target) for target in targets):
                kind["reached"] += 1
                kind["trainable"] += size(shape)
        return {
            "kinds": kinds,
            "trainable": sum(kind["trainable"] for kind in kinds.values()),
            "missed": sorted(name for name, kind in kinds.items() if kind["reached"] != kind["modules"]),
            "unmatched": [t for t in targets if not any(hit(name, t) for name in shapes)],
        }

    def suffix(name: str, target: str) -> bool:
        return f".{name}".endswith(f".{target}")

    def lora(shape: tuple[int, int]) -> int:
        return r * (shape[0] + shape[1])

    per_kind = {
        name: {**kind, "trainable": kind["trainable"] // max(kind["reached"], 1)}
        for name, kind in right["kinds"].items()
    }
    found = {name: kind for name, kind in right["kinds"].items() if kind["reached"]}
    return {
        "a target reaches its layers also where another target does": {
            **right,
            "unmatched": [t for t in targets if not any(_first(name, targets) == t for name in shapes)],
        },
        "a target matches at a dot, not inside a name: 'o_proj' isn't 'my_o_proj'": counted(
            lambda name, target: name.endswith(target), lora
        ),
        "'q_proj' was found inside 'qkv_proj' or another name; a target is a whole suffix": counted(
            lambda name, target: target in name, lora
        ),
        "a target with dots in it, or a whole name, matches too": counted(
            lambda name, target: name.rpartition(".")[2] == target, lora
        ),
        "r x in and out x r are trained, not the whole matrix": counted(suffix, lambda s: s[0] * s[1]),
        "there are two matrices: r in + r out": counted(suffix, lambda s: r * s[1]),
        "r (in + out), not 2 r in": counted(suffix, lambda s: 2 * r * s[1]),
        "the rank was forgotten": counted(suffix, lambda s: s[0] + s[1]),
        "a layer that two targets reach is trained once": _counted_twice(shapes, targets, r, right),
        "every layer of a kind counts, not one of each": {
            **right,
            "kinds": per_kind,
            "trainable": sum(kind["trainable"] for kind in per_kind.values()),
        },
        "kinds that aren't reached belong into the table, with 0": {**right, "kinds": found},
        "a kind is missed if at least one of its layers is": {
            **right,
            "missed": sorted(name for name, kind in right["kinds"].items() if not kind["reached"]),
        },
        "`missed` is sorted": {**right, "missed": [n for n in right["kinds"] if n in right["missed"]]},
        "`unmatched` keeps the order of the targets": {**right, "unmatched": sorted(right["unmatched"])},
    }


def _first(name: str, targets: list[str]) -> str | None:
    return next((target for target in targets if f".{name}".endswith(f".{target}")), None)


def _counted_twice(shapes: dict, targets: list[str], r: int, right: dict) -> dict:
    kinds = {name: {**kind, "reached": 0, "trainable": 0} for name, kind in right["kinds"].items()}
    for target in targets:
        for name, kind in oracle.coverage(shapes, [target], r)["kinds"].items():
            kinds[name]["reached"] += kind["reached"]
            kinds[name]["trainable"] += kind["trainable"]
    missed = sorted(name for name, kind in kinds.items() if kind["reached"] < kind["modules"])
    return {
        **right,
        "kinds": kinds,
        "missed": missed,
        "trainable": sum(k["trainable"] for k in kinds.values()),
    }


def score_mistakes(predictions: Answers, gold: list[bool]) -> dict[str, dict]:
    right = oracle.scores(predictions, gold)
    n = len(gold)
    read = [(p, g) for p, g in zip(predictions, gold, strict=True) if p is not None]
    only = oracle.scores([p for p, _ in read], [g for _, g in read]) if read else right
    as_no = oracle.scores([bool(p) for p in predictions], gold)
    other = oracle.scores([p is None or p for p in predictions], gold)
    same = [p == g for p, g in zip(predictions, gold, strict=True)]
    recalls = {name: only[name] for name in ("recall_yes", "recall_no")}
    return {
        "an unread answer was counted as No; there is no default": as_no,
        "an unread answer was counted as right where gold isn't": other,
        "accuracy is over all items; an unread one is wrong": {
            **right,
            "accuracy": only["accuracy"],
        },
        "recalls are over all items of a gold class; an unread one is wrong": {
            **right,
            **recalls,
            "balanced_accuracy": sum(recalls.values()) / 2,
        },
        "yes_rate and no_rate are over n, not over the parsed ones": {
            **right,
            "yes_rate": only["yes_rate"],
            "no_rate": only["no_rate"],
        },
        "no_rate counts answers that are no; an unread one isn't": {
            **right,
            "no_rate": 1 - right["yes_rate"],
        },
        "mcc is over the parsed items": {**right, "mcc": as_no["mcc"]},
        "balanced accuracy is NaN if one of the recalls is": {
            **right,
            "balanced_accuracy": next(
                (right[name] for name in recalls if not oracle.is_nan(right[name])), math.nan
            )
            if oracle.is_nan(right["balanced_accuracy"])
            else right["balanced_accuracy"],
        },
        "that is the precision; a recall is over the items of a gold class": _precisions(
            predictions, gold, right
        ),
        "balanced accuracy is the mean of the recalls, not the accuracy": {
            **right,
            "balanced_accuracy": right["accuracy"],
        },
        "majority is about the gold answers, not the predictions": {
            **right,
            "majority": max(predictions.count(True), predictions.count(False)) / n,
        },
        "majority is that of the more frequent answer, not of yes": {
            **right,
            "majority": gold.count(True) / n,
        },
        "majority is that of the more frequent answer, not of no": {
            **right,
            "majority": gold.count(False) / n,
        },
        "mcc is NaN where the root is 0": {
            **right,
            "mcc": 0.0 if oracle.is_nan(right["mcc"]) else right["mcc"],
        },
        "0 / 0 is NaN, not 0": {
            name: 0.0 if oracle.is_nan(value) else value for name, value in right.items()
        },
        "parsed counts the answers that were read": {**right, "parsed": sum(same)},
        "parse_rate is the share that was read, not the share that is right": {
            **right,
            "parse_rate": right["accuracy"],
        },
    }


def _precisions(predictions: Answers, gold: list[bool], right: dict) -> dict:
    found = []
    for side in (True, False):
        own = [g is side for p, g in zip(predictions, gold, strict=True) if p is side]
        found.append(oracle.share(sum(own), len(own)))
    return {**right, "recall_yes": found[0], "recall_no": found[1], "balanced_accuracy": sum(found) / 2}


def coin_mistakes(b: int, c: int) -> dict[str, float]:
    n, low = b + c, min(b, c)
    if n == 0:
        return {"they never differ: the p-value is 1": 0.0}
    tail = sum(math.comb(n, k) for k in range(low + 1)) / 2**n if n < 1000 else math.nan
    below = sum(math.comb(n, k) for k in range(low)) / 2**n if n < 1000 else math.nan
    chi, corrected = (b - c) ** 2 / n, max(0.0, abs(b - c) - 1) ** 2 / n
    return {
        "one-sided; both sides count": tail,
        "the tail includes the smaller count itself": 2 * below,
        "a probability is at most 1": 2 * tail,
        "that is the chi-squared approximation, not the exact test": math.erfc(math.sqrt(chi / 2)),
        "that is the corrected chi-squared approximation, not the exact test": math.erfc(
            math.sqrt(corrected / 2)
        ),
        "the tail is that of the smaller count, not of b": (
            min(1.0, 2 * sum(math.comb(n, k) for k in range(b + 1)) / 2**n) if n < 1000 else math.nan
        ),
        "this very outcome counts on both sides, not once or by half": 2 * tail
        - (math.comb(n, b) / 2**n if n < 1000 else math.nan),
        "that is twice the upper tail": min(1.0, 2 * (1 - below)) if n < 1000 else math.nan,
        "that is the probability of this one outcome": math.comb(n, b) / 2**n if n < 1000 else math.nan,
    }


def _wilson(k: int, n: int, z: float) -> list[float]:
    p, stretch = k / n, 1 + z * z / n
    middle, half = (
        (p + z * z / (2 * n)) / stretch,
        z / stretch * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)),
    )
    return [middle - half, middle + half]


def wilson_mistakes(k: int, n: int) -> dict[str, list[float]]:
    low, high = oracle.wilson(k, n)
    p = k / n
    half = Z95 * math.sqrt(p * (1 - p) / n)
    centre = (p + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    narrow = _wilson(k, n, 1.644854)
    return {
        "that is the normal interval p ± z √(p(1-p)/n), not Wilson's": [p - half, p + half],
        "that is the normal interval, cut at 0 and 1": [max(0.0, p - half), min(1.0, p + half)],
        "the centre isn't p: it is pulled towards one half": [p - (high - low) / 2, p + (high - low) / 2],
        "the half width isn't the normal one": [centre - half, centre + half],
        "that is a 90 % interval": narrow,
        "z is given with six places, not as 1.96": _wilson(k, n, 1.96),
        "p (1 - p) / n has the true share and the true n below the root": [
            centre - (step := Z95 * math.sqrt(centre * (1 - centre) / (n + Z95**2))),
            centre + step,
        ],
        "the half width is divided by 1 + z²/n too": [
            centre + sign * (high - low) / 2 * (1 + Z95**2 / n) for sign in (-1, 1)
        ],
        "the bounds are shares, not percent": [100 * low, 100 * high],
        "the low end comes first": [high, low],
    }
