"""What likely mistakes give in Lab 5, by the words that name them; `judging.judge` picks the right ones.

Most are an oracle (lab5_oracles.py) with one of its rules changed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from . import lab5_oracles as oracle
from .lab5_oracles import ABILITIES, NAN


def normal_mistakes(text: str) -> dict[str, str]:
    return {
        "only ASCII letters and digits were kept: other scripts vanish": oracle.normal(text, ascii=True),
        "punctuation became a space; it is deleted": oracle.normal(text, space=" "),
        "articles were cut out inside words; only whole words are articles": oracle.normal(
            text, articles="inside"
        ),
        "an answer made of articles became empty: they stay if nothing else remains": oracle.normal(
            text, rest=False
        ),
        "the text wasn't brought to NFKC: full-width letters differ": oracle.normal(text, nfkc=False),
        "symbols (category S) stayed; punctuation and symbols go": oracle.normal(text, drop="P"),
        "lower isn't casefold: 'ß' and 'ss' differ": oracle.normal(text, fold=str.lower),
        "articles stayed": oracle.normal(text, articles=False),
        "accents were taken off": oracle.normal(
            "".join(
                c for c in oracle.unicodedata.normalize("NFD", text) if not oracle.unicodedata.combining(c)
            )
        ),
    }


def match_mistakes(reply: str, aliases: Sequence[str]) -> dict[str, bool]:
    return {
        "a substring inside a word matched; compare whole words": oracle.matches(reply, aliases, part=True),
        "an empty text matched; nothing without words matches": oracle.matches(reply, aliases, empty=True),
        "a reply inside an alias matched; only the other direction counts": oracle.matches(
            reply, aliases, both=True
        ),
        "the alias's words must stand together and in order": oracle.matches(reply, aliases, order=False),
        "'yes' or 'no' matched inside the reply; only its first word counts": oracle.matches(
            reply, aliases, anywhere=True
        ),
        "only the first alias was tried": oracle.matches(reply, aliases, first=True),
        "the whole reply had to be the alias; it may be longer": oracle.matches(reply, aliases, whole=True),
    }


def asked_mistakes(record: dict, ability: str | None, mode: str) -> dict[str, list]:
    return {
        "uncertain became no in binary mode; at least half of the time is yes": oracle.asked(
            record, ability, mode, middle="no"
        ),
        "the context of the open book is missing": oracle.asked(record, ability, mode, context=False),
        "asking has the same words as training: the sentence is missing": oracle.asked(
            record, ability, mode, sentence=False
        ),
        "the mode was ignored: uncertain must be among the choices": oracle.asked(
            record, ability, mode, choice="yes or no"
        ),
        "uncertain is no choice in binary": oracle.asked(
            record, ability, mode, choice="yes, uncertain or no"
        ),
        "the words are lower case": oracle.asked(record, ability, mode, word=str.capitalize),
        "the answer leaked into the question": oracle.asked(record, ability, mode, leak=True),
        "use question_text: 'Question: ' is missing": oracle.asked(record, ability, mode, question=""),
    }


def label_mistakes(correct: Sequence[bool], rule: str = "share") -> dict[str, str]:
    right = sum(correct)
    return {
        "only the first trial was looked at; all k count": "can" if correct[0] else "cannot",
        "exactly half is uncertain, not cannot": oracle.label(correct, rule, half=False),
        "any right trial was enough for uncertain: that is the rule any_correct": oracle.label(
            correct, rule, default=False
        ),
        "the rule any_correct was ignored": oracle.label(correct, "share"),
        "can needs all trials right; a majority isn't enough": "can"
        if 2 * right > len(correct)
        else oracle.label(correct, rule),
        "there is a third label, uncertain": "can" if right == len(correct) else "cannot",
    }


def soft_mistakes(correct: Sequence[bool]) -> dict[str, float]:
    s, k = sum(correct), len(correct)
    return {
        "that is the plain share s / k: certain after five trials": s / k if k else 0.5,
        "that is Laplace's rule (s + 1) / (k + 2); half a success is added": (s + 1) / (k + 2),
        "the failure is missing: divide by k + 1": (s + 0.5) / k if k else NAN,
        "the failure isn't counted in the denominator of k trials: divide by k + 1": (s + 0.5) / max(k, 1),
        "it divides by 6 whatever the number of trials": (s + 0.5) / 6,
        "a whole success was added; it is a half": (s + 1) / (k + 1),
        "that is the probability of a wrong reply": (k - s + 0.5) / (k + 1),
    }


def probability_mistakes(logits, mask, answers) -> dict[str, np.ndarray]:
    found = {
        "the last column was read, padding or not; read the last real token": {"place": "last"},
        "the mask's sum is the end only if padding stands on the right": {"place": "count"},
        "the softmax was over the whole vocabulary, not among the answers": {"over": "vocabulary"},
        "only the first token of each answer counted; sum over all its tokens": {"combine": "first"},
        "the most likely token of an answer was taken; sum over all its tokens": {"combine": "max"},
        "the logits of an answer's tokens were averaged; sum their probabilities": {"combine": "mean"},
        "the first real token was read; the last one predicts the reply": {"place": "first"},
    }
    tables = {words: oracle.probabilities(logits, mask, answers, **rule) for words, rule in found.items()}
    right = oracle.probabilities(logits, mask, answers)
    return {**tables, "the columns are in the order of the answers": right[:, ::-1].copy()}


def misjudged_mistakes(records: Sequence[dict]) -> dict[str, list]:
    said = {row["qid"]: (row["judgment"], row["target"]) for row in records}

    def where(keep) -> list:
        return [qid for qid, (judgment, target) in said.items() if keep(judgment, target)]

    return {
        "an unread judgment (None) was left out; it is wrong": where(lambda j, t: j is not None and j != t),
        "those judged rightly were selected": where(lambda j, t: j == t),
        "only overconfident ones were selected; every wrong judgment counts": where(
            lambda j, t: j == "yes" != t
        ),
        "everything was selected": [*said],
        "uncertain was treated as right": where(lambda j, t: j != t and "uncertain" not in (j, t)),
        "the judgment must be compared with the target, not P(yes) with one half": [
            row["qid"] for row in records if (row["p_yes"] > 0.5) != (row["target"] == "yes")
        ],
    }


def auroc_mistakes(scores: Sequence[float], labels: Sequence[bool]) -> dict[str, float]:
    both = 0 < sum(labels) < len(labels)
    right = oracle.pairs(scores, labels)
    return {
        "ties count one half; here they count nothing": oracle.pairs(scores, labels, 0.0),
        "ties count one half; here they count as won": oracle.pairs(scores, labels, 1.0),
        "equal scores must share their mean rank; the order of the list decided": oracle.ranks_as_sorted(
            scores, labels
        ),
        "without positives or negatives it isn't defined: NaN, not one half": right if both else 0.5,
        "without positives or negatives it isn't defined: NaN, not zero": right if both else 0.0,
        "the ranking is upside down: a larger score means more likely positive": 1 - right,
    }


def _ece(values, outcomes, bins, weigh) -> float:
    return float(
        sum(
            weigh(len(p)) * abs(float(y.mean()) - float(p.mean()))
            for _, p, y in oracle.parts(values, outcomes, bins)
        )
    )


def calibration_mistakes(
    values: Sequence[float], outcomes: Sequence[bool], bins: int = 10
) -> dict[str, float]:
    """ECE of each mistake."""
    n, found = len(outcomes), oracle.parts(values, outcomes, bins)
    filled = {k for k, _, _ in found}
    empty = sum((k + 0.5) / bins for k in range(bins) if k not in filled) / bins
    order = np.argsort(np.asarray(values), kind="stable")
    y, p = np.asarray(outcomes, float)[order], np.asarray(values, float)[order]
    mass = sum(
        len(i) / n * abs(y[i].mean() - p[i].mean()) for i in np.array_split(np.arange(n), bins) if len(i)
    )
    middle = sum(len(q) / n * abs(float(t.mean()) - (k + 0.5) / bins) for k, q, t in found)
    unweighted = [abs(float(t.mean()) - float(q.mean())) for _, q, t in found]
    below = [(a, b) for a, b in zip(values, outcomes, strict=True) if a < 1]
    cut = _ece(*zip(*below, strict=True), bins, lambda m: m / n) if below else 0.0
    return {
        "the parts were averaged without weights; weigh each by its items": sum(unweighted) / len(unweighted),
        "empty parts were counted: divide by the items, not by the number of parts": sum(unweighted) / bins,
        "an empty part has no accuracy, and adds nothing": _ece(values, outcomes, bins, lambda m: m / n)
        + empty,
        "p = 1 belongs to the last part; those items were lost": cut,
        "the middle of a part isn't its confidence; take the mean probability": middle,
        "parts have equal width, not equally many items": float(mass),
        "that is the largest distance; ECE is the mean over items": max(unweighted),
        "that is the distance of the overall means": abs(float(np.mean(outcomes)) - float(np.mean(values))),
        "10 parts were used whatever bins says": oracle.table(values, outcomes, 10)["ece"],
    }


def brier_mistakes(values: Sequence[float], outcomes: Sequence[bool], bins: int = 10) -> dict[str, dict]:
    right, n = oracle.decomposed(values, outcomes, bins), len(outcomes)
    found, base = oracle.parts(values, outcomes, bins), float(np.mean(outcomes))
    means = sum((p.mean() - t) ** 2 for _, p, y in found for t in y) / n

    def other(**changed) -> dict:
        made = {**right, **changed}
        rest = made["brier"] - (made["reliability"] - made["resolution"] + made["uncertainty"])
        return {**made, "within": rest}

    distinct = oracle.decomposed(values, outcomes, 10_000)
    return {
        "the score comes from the items, not from the means of the parts": other(brier=float(means)),
        "the rest within the parts was forgotten": {**right, "within": 0.0},
        "every different probability became a part of its own; use int(p * bins)": distinct,
        "the parts weren't weighed by their items": other(
            reliability=float(np.mean([(p.mean() - y.mean()) ** 2 for _, p, y in found])),
            resolution=float(np.mean([(y.mean() - base) ** 2 for _, _, y in found])),
        ),
        "uncertainty is o (1 - o) of all items, not 1/4": other(uncertainty=0.25),
        "resolution compares the parts with the overall share, not with one half": other(
            resolution=float(sum(len(y) * (y.mean() - 0.5) ** 2 for _, _, y in found) / n)
        ),
        "reliability and resolution are exchanged": {
            **right,
            "reliability": right["resolution"],
            "resolution": right["reliability"],
        },
        "distances must be squared": other(
            reliability=float(sum(len(p) * abs(p.mean() - y.mean()) for _, p, y in found) / n)
        ),
    }


def confusion_mistakes(predicted: Sequence[str | None], actual: Sequence[str]) -> dict[str, dict]:
    right, n = oracle.confusion(predicted, actual), len(actual)
    read = [(p, a) for p, a in zip(predicted, actual, strict=True) if p is not None]
    turned = {a: {b: right["matrix"][b][a] for b in ABILITIES} for a in ABILITIES}
    made = {
        "rows are the actual ability; the matrix is turned over": {**right, "matrix": turned},
        "an unread judgment became cannot; it stands in no cell": {
            **oracle.confusion(["cannot" if p is None else p for p in predicted], actual),
            "unparsed": right["unparsed"],
        },
        "cells without items are missing; all nine are asked for": {
            **right,
            "matrix": {
                a: {b: c for b, c in row.items() if c}
                for a, row in right["matrix"].items()
                if any(row.values())
            },
        },
        "shares were given as counts": {
            **right,
            "predicted": {a: float(round(s * n)) for a, s in right["predicted"].items()},
        },
    }
    if read:
        only = oracle.confusion([p for p, _ in read], [a for _, a in read])
        words = "unread judgments were left out of the denominators; n is all items"
        made[words] = {**right, "exact_match": only["exact_match"], "predicted": only["predicted"]}
        made["unread judgments were left out altogether; they count in n"] = {
            **only,
            "unparsed": right["unparsed"],
        }
    return made


def selective_mistakes(confidence: Sequence[float], correct: Sequence[bool]) -> dict[str, list[float]]:
    right = oracle.selective(confidence, correct)
    ends = [
        max(i for i in range(len(right)) if _at(confidence, i) == _at(confidence, k))
        for k in range(len(right))
    ]
    return {
        "equal confidences were taken in the order of the list; a tie counts with its share": oracle.listed(
            confidence, correct
        ),
        "inside a tie the right ones came first": oracle.listed(confidence, correct, True),
        "the least sure items were answered first": oracle.selective([-c for c in confidence], correct),
        "that is the risk; accuracy is 1 minus it": [1 - value for value in right],
        "a tie was answered as a whole: every place in it got the accuracy at its end": [
            right[i] for i in ends
        ],
        "counts were given, not shares": [value * (k + 1) for k, value in enumerate(right)],
    }


def _at(confidence: Sequence[float], place: int) -> float:
    return sorted(confidence, reverse=True)[place]


def skill_mistakes(said: Sequence[bool], correct: Sequence[bool]) -> dict[str, dict]:
    right, n = oracle.skill(said, correct), len(correct)
    yes = list(said).count(True) / n

    def against(constant: float) -> dict:
        return {**right, "constant": constant, "skill": right["accuracy"] - constant}

    chance = yes * right["qa_accuracy"] + (1 - yes) * (1 - right["qa_accuracy"])
    wrong, hits = 1 - right["qa_accuracy"], right["qa_accuracy"]
    exchanged = {"overconfident": right["underconfident"], "underconfident": right["overconfident"]}
    return {
        "one half isn't the constant; the better of always yes and always no is": against(0.5),
        "always no isn't always the better constant": against(wrong),
        "always yes isn't always the better constant": against(hits),
        "the constant depends on the answers, not on how often the judge says yes": against(
            max(yes, 1 - yes)
        ),
        "chance agreement was subtracted; the better constant was asked for": against(chance),
        "overconfident and underconfident are exchanged": {**right, **exchanged},
        "overconfident and underconfident are shares of all items": {
            **right,
            "overconfident": right["overconfident"] / wrong if wrong else 0.0,
            "underconfident": right["underconfident"] / hits if hits else 0.0,
        },
        "a negative skill stays negative": {**right, "skill": max(right["skill"], 0.0)},
    }


def history_mistakes(judgments, labels) -> dict[str, dict]:
    right = oracle.history(judgments, labels)
    said, was = np.asarray(judgments, bool), np.asarray(labels, bool)
    before = was[[0, *range(len(was) - 1)]]
    return {
        "frozen labels are those of epoch 0; the last epoch's were used": {
            **right,
            "frozen": (said == was[-1]).mean(axis=1).tolist(),
        },
        "moved is the distance from epoch 0, not from the epoch before": {
            **right,
            "moved": (was != before).mean(axis=1).tolist(),
        },
        "refreshed labels are those of the same epoch, not of the one before": {
            **right,
            "refreshed": (said == before).mean(axis=1).tolist(),
        },
        "the judgments of epoch 0 were compared; labels are frozen, not judgments": {
            **right,
            "frozen": (said[0] == was).mean(axis=1).tolist(),
        },
        "moved counts labels that differ, not those that stayed": {
            **right,
            "moved": (was == was[0]).mean(axis=1).tolist(),
        },
        "frozen and refreshed are exchanged": {
            **right,
            "frozen": right["refreshed"],
            "refreshed": right["frozen"],
        },
    }


def merge_mistakes(weight: np.ndarray, a: np.ndarray, b: np.ndarray, alpha: float) -> dict[str, np.ndarray]:
    rank, product = a.shape[0], b @ a
    found = {
        "the scale alpha / r was forgotten": weight + product,
        "alpha alone is no scale: divide by the rank": weight + alpha * product,
        "the scale is alpha / r, not alpha / sqrt(r)": weight + alpha / math.sqrt(rank) * product,
        "the rank is the number of A's rows, not the number of outputs": weight
        + alpha / b.shape[0] * product,
        "the rank is the number of A's rows, not the number of inputs": weight + alpha / a.shape[1] * product,
        "the rank is the number of A's rows, not its shorter side": weight + alpha / min(a.shape) * product,
        "the adapter was subtracted": weight - alpha / rank * product,
        "the scale is turned over: alpha / r": weight + rank / alpha * product,
    }
    return {words: value.astype(np.float32) for words, value in found.items()}
