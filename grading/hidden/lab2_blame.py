"""What likely mistakes give in Lab 2, by the words that name them; `judging.judge` picks the right ones.

The readers here walk through lines and words; each mistake is one of them with one rule changed.
"""

from __future__ import annotations

import math
import re

from . import lab2_oracles as oracle
from .lab2_oracles import Answers

DASHES = "-–—"


# ---- reading answers ----


def leading(rest: str, marks: str, *, loose: bool = False, spaced: bool = True) -> tuple[bool | None, str]:
    """(answer, what follows its sign) of a text that should begin with Yes or No.

    loose: whatever follows the word is fine. spaced: a dash needs a space before it.
    """
    text = rest.lstrip()
    word = next((w for w in ("yes", "no") if text.lower().startswith(w)), None)
    if word is None:
        return None, ""
    behind = text[len(word) :]
    sign = behind.lstrip()
    if not sign or sign[0] in marks:
        return word == "yes", sign[1:].strip()
    if sign[0] in DASHES and (not spaced or sign != behind):
        return word == "yes", sign[1:].strip()
    if loose:
        return word == "yes", sign.strip()
    return None, ""


def draft(text: str, **changed) -> dict:
    """A draft, read line by line. changed: the rules that a mistake has otherwise."""
    rule = {"stars": True, "case": True, "default": None, "last": False, "anywhere": False, "loose": False}
    rule |= {"spaced": True, "marks": ",.;:", "one_line": False, "keep_tail": False, "sign": False} | changed
    if rule["stars"]:
        text = text.replace("*", "")
    lines = text.split("\n")

    def begins(line: str, key: str) -> bool:
        line = line.strip() if rule["case"] else line.strip()
        return (line.lower() if rule["case"] else line).startswith(key.lower() if rule["case"] else key)

    found: dict = {"answer": rule["default"], "reasoning": "", "questions": []}
    named = [line.strip()[len("answer:") :] for line in lines if begins(line, "Answer:")]
    if rule["anywhere"] and not named:
        named = [line for line in lines if line.strip()][:1]
    if named:
        rest = named[-1 if rule["last"] else 0]
        said, tail = leading(rest, rule["marks"], loose=rule["loose"], spaced=rule["spaced"])
        if said is not None:
            found["answer"], found["reasoning"] = said, tail
            if rule["sign"]:
                found["reasoning"] = rest.lstrip()[3 if said else 2 :].strip()
    start = next((i for i, line in enumerate(lines) if begins(line, "Questions:")), None)
    if start is not None:
        first = lines[start].strip()[len("questions:") :]
        rest = first if rule["one_line"] else "\n".join([first, *lines[start + 1 :]])
        *asked, tail = rest.split("?")
        pieces = [f"{piece}?" for piece in asked] + ([tail] if rule["keep_tail"] else [])
        pieces = [" ".join(piece.split()) for piece in pieces]
        found["questions"] = [piece for piece in pieces if any(c.isalnum() for c in piece)]
    return found


def draft_mistakes(text: str) -> dict[str, dict]:
    right = draft(text)
    asked = [question.rstrip("?") for question in right["questions"]]
    raw = re.search(r"questions:(.*)", text.replace("*", ""), re.IGNORECASE | re.DOTALL)
    return {
        "what can't be read became No; there is no default": draft(text, default=False),
        "the last 'Answer:' line was read; the first one decides": draft(text, last=True),
        "a text without an 'Answer:' line has no answer; its first word was read": draft(text, anywhere=True),
        "Yes or No at the beginning isn't enough; what follows decides too ('Yes/No', 'No idea')": draft(
            text, loose=True
        ),
        "'No-one' was read as No; a dash needs a space before it": draft(text, spaced=False),
        "stars weren't ignored": draft(text, stars=False),
        "keys and answers may be in any case": draft(text, case=False),
        "a comma, period, semicolon or colon may follow the answer": draft(text, marks=""),
        "the questions go on to the end of the text, over line ends": draft(text, one_line=True),
        "what follows the last '?' is no question": draft(text, keep_tail=True),
        "the sign behind Yes or No isn't part of the reasoning": draft(text, sign=True),
        "a question keeps its '?'": {**right, "questions": asked},
        "a piece without a letter or digit is no question": {
            **right,
            "questions": [" ".join(p.split()) + "?" for p in raw[1].split("?")[:-1]] if raw else [],
        },
        "without an answer there is no reasoning": {
            **right,
            "reasoning": right["reasoning"] or _behind_dash(text),
        },
        "the questions don't depend on the answer": {
            **right,
            "questions": right["questions"] if right["answer"] is not None else [],
        },
    }


def _behind_dash(text: str) -> str:
    line = next((x for x in text.replace("*", "").split("\n") if x.strip().lower().startswith("answer:")), "")
    return line.partition(" - ")[2].strip()


def teacher(text: str, last: bool = True) -> bool | None:
    """The rest of the line behind an "answer is", whole."""
    parts = re.split("answer is", text, flags=re.IGNORECASE)
    if len(parts) < 2:
        return None
    rest = parts[-1 if last else 1].splitlines()
    word = re.sub(r"^[\s:*_\[\]\"'.]+|[\s:*_\[\]\"'.]+$", "", rest[0] if rest else "").lower()
    return {"yes": True, "no": False}.get(word)


def teacher_mistakes(text: str) -> dict[str, bool | None]:
    lower = text.lower()
    tail = lower.rpartition("answer is")[2] if "answer is" in lower else ""
    lines = [line for line in tail.splitlines()[:1]]
    words = re.findall(r"[a-z]+", lines[0] if lines else "")
    first = next((w == "yes" for w in words if w in ("yes", "no")), None)
    read = [teacher(f"answer is{part}") for part in re.split("answer is", text, flags=re.IGNORECASE)[1:]]
    readable = [said for said in read if said is not None]
    bold = re.findall(r"\*\*(yes|no)\*\*", lower)
    return {
        "the first 'answer is' was read; the last one decides": teacher(text, last=False),
        "an earlier statement was taken because the last one can't be read": readable[-1]
        if readable
        else None,
        "what can't be read became no; there is no default": teacher(text) or False,
        "'YES' was looked for anywhere in the letter": True if "yes" in lower else None,
        "'yes' or else 'no' was looked for anywhere in the letter": "yes" in lower,
        "a yes or no among other words isn't an answer; the rest of the line must be it": first,
        "the last YES or NO in bold was taken; what counts stands behind the last 'answer is'": (
            bold[-1] == "yes" if bold else None
        ),
        "the answer stands on the line of 'answer is', not below it": teacher(
            re.sub(r"(answer is\W*?)\n\s*", r"\1 ", text, flags=re.IGNORECASE)
        ),
        "YES and NO may be in any case": (
            teacher(text)
            if re.search(r"answer is[^\n]*\b(YES|NO)\b", text, re.IGNORECASE)
            and "YES" in text
            or "NO" in text
            else None
        ),
    }


def prediction(text: str, **changed) -> bool | None:
    rule = {"stars": True, "first": False, "loose": False, "spaced": True, "marks": ",.;:!", "line": True}
    rule |= changed
    if rule["stars"]:
        text = text.replace("*", "")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = [line[len("answer:") :] for line in lines if line.lower().startswith("answer:")]
    if named:
        read = named[0 if rule["first"] else -1]
    elif not lines or not rule["line"]:
        return None
    else:
        read = lines[0]
    return leading(read, rule["marks"], loose=rule["loose"], spaced=rule["spaced"])[0]


def prediction_mistakes(text: str) -> dict[str, bool | None]:
    lower = text.lower()
    words = re.findall(r"[a-z]+", lower)
    lines = [line.strip() for line in text.replace("*", "").splitlines() if line.strip()]
    named = [line for line in lines if line.lower().startswith("answer:")]
    read = [leading(line[len("answer:") :], ",.;:!")[0] for line in named]
    inside = re.findall(r"answer:\s*(yes|no)\b", lower)
    return {
        "Yes or No at the beginning isn't enough; what follows decides too ('Yes/No', 'No one')": prediction(
            text, loose=True
        ),
        "what can't be read became No; there is no default": prediction(text) or False,
        "'yes' anywhere in the text is no answer, and without one it isn't No": "yes" in lower,
        "the first yes or no anywhere in the text was taken": next(
            (w == "yes" for w in words if w in ("yes", "no")), None
        ),
        "the last yes or no anywhere in the text was taken": next(
            (w == "yes" for w in reversed(words) if w in ("yes", "no")), None
        ),
        "the first 'Answer:' line was read; the last one decides": prediction(text, first=True),
        "an earlier 'Answer:' line was taken because the last one can't be read": next(
            (said for said in reversed(read) if said is not None), None if named else prediction(text)
        ),
        "'No-one' was read as No; a dash needs a space before it": prediction(text, spaced=False),
        "stars weren't ignored": prediction(text, stars=False),
        "a text without an 'Answer:' line is read from its first line": prediction(text, line=False),
        "a sign may follow the answer": prediction(text, marks=""),
        "'answer:' inside a line isn't an answer line": (inside[-1] == "yes" if inside else prediction(text)),
        "without an 'Answer:' line the last line was read; the first one counts": (
            prediction(text) if named else leading(lines[-1] if lines else "", ",.;:!")[0]
        ),
        "the first line was read although there is an 'Answer:' line": leading(
            lines[0] if lines else "", ",.;:!"
        )[0],
    }


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
        "0 / 0 is NaN, not 0": {
            name: 0.0 if oracle.is_nan(value) else value for name, value in right.items()
        },
        "parsed counts the answers that were read": {**right, "parsed": sum(same)},
        "parse_rate is the share that was read, not the share that is right": {
            **right,
            "parse_rate": right["accuracy"],
        },
    }


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
        "that is twice the upper tail": min(1.0, 2 * (1 - below)) if n < 1000 else math.nan,
        "that is the probability of this one outcome": math.comb(n, b) / 2**n if n < 1000 else math.nan,
    }


def wilson_mistakes(k: int, n: int) -> dict[str, list[float]]:
    low, high = oracle.wilson(k, n)
    p = k / n
    half = 1.959964 * math.sqrt(p * (1 - p) / n)
    centre = (p + 1.959964**2 / (2 * n)) / (1 + 1.959964**2 / n)
    narrow = []
    for sign in (-1, 1):
        z = 1.644854
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        narrow.append(middle + sign * z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)))
    return {
        "that is the normal interval p ± z √(p(1-p)/n), not Wilson's": [p - half, p + half],
        "that is the normal interval, cut at 0 and 1": [max(0.0, p - half), min(1.0, p + half)],
        "the centre isn't p: it is pulled towards one half": [p - (high - low) / 2, p + (high - low) / 2],
        "the half width isn't the normal one": [centre - half, centre + half],
        "that is a 90 % interval": narrow,
        "the bounds are shares, not percent": [100 * low, 100 * high],
        "the low end comes first": [high, low],
    }
