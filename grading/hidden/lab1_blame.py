"""What likely mistakes give in Lab 1, by the words that name them; `judging.judge` picks the right ones."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np

from . import lab1_oracles as oracle
from .lab1_oracles import VERDICTS, Labels

# ---- reading texts ----


def label_mistakes(text: str) -> dict[str, str | None]:
    def found(pattern: str, flags: re.RegexFlag = re.IGNORECASE, group: int = 1, last: bool = False):
        hits = list(re.finditer(pattern, text, flags))
        return (hits[-1 if last else 0][group].strip() or None) if hits else None

    plain = r"(?<!\w)gadget[_ -]type *:"
    return {
        "the last key was read; the first one decides": found(plain + r"([^;\n]*)", last=True),
        "an empty first label was skipped; the first key decides, even when nothing stands behind it": found(
            plain + r"[^\S\n]*([^;\s][^;\n]*)"
        ),
        "the label ran on over the line end; it ends there": found(plain + r"([^;]*)"),
        "a label was taken from the next line; only spaces may stand between colon and label": found(
            plain + r"\s*([^;\n]*)"
        ),
        "the label ran on over the semicolon; it ends there": found(plain + r"([^\n]*)"),
        "the key must be found in any case": found(plain + r"([^;\n]*)", re.NOFLAG),
        "a space or a hyphen may stand for the underscore of the key": found(
            r"(?<!\w)gadget_type *:([^;\n]*)"
        ),
        "exactly one '_', space or hyphen stands inside the key; it can't be left out": found(
            r"(?<!\w)gadget[_ -]?type *:([^;\n]*)"
        ),
        "another sign than '_', space or hyphen was accepted inside the key": found(
            r"(?<!\w)gadget[\W_]type *:([^;\n]*)"
        ),
        "spaces may stand before the colon": found(r"(?<!\w)gadget[_ -]type:([^;\n]*)"),
        "the key was found inside another word; it must be a word of its own": found(
            r"gadget[_ -]type *:([^;\n]*)"
        ),
        "without a key the whole text was taken; that is no label": found(plain + r"([^;\n]*)")
        or text.strip(),
        "no label is None, not an empty text": found(plain + r"([^;\n]*)") or "",
    }


def normal(label: str) -> str:
    """The rule by other means: a regular expression over runs of letters and digits."""
    words = re.findall(r"[^\W_]+", label.lower())
    return "".join(word for word in words if word not in {"gadget", "gadgets"})


def normal_mistakes(label: str) -> dict[str, str]:
    lower = label.lower()
    right = normal(label)

    def only(text: str) -> str:
        return "".join(re.findall(r"[^\W_]+", text))

    return {
        "'and' was deleted inside words; nothing but the word 'gadget' is dropped": only(
            lower.replace("gadgets", "").replace("gadget", "").replace("and", "")
        ),
        "the word 'and' was dropped; only 'gadget' and 'gadgets' are": "".join(
            w for w in re.findall(r"[^\W_]+", lower) if w not in {"gadget", "gadgets", "and"}
        ),
        "a word was split at its capitals: 'ReadWriteGadget' is one word": "".join(
            w
            for w in re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label).lower())
            if w not in {"gadget", "gadgets"}
        ),
        "'gadget' was deleted inside a longer word; only the whole word is dropped": only(
            lower.replace("gadgets", "").replace("gadget", "")
        ),
        "'_' separates words, also around 'gadget'": only(re.sub(r"\bgadgets?\b", "", lower)),
        "the underscore stayed; only letters and digits do": re.sub(
            r"[\W]+", "", re.sub(r"\bgadgets?\b", "", lower)
        ),
        "'gadgets' is dropped as 'gadget' is": "".join(
            w for w in re.findall(r"[^\W_]+", lower) if w != "gadget"
        ),
        "the word 'gadget' stayed": only(lower),
        "upper case stayed": "".join(
            w for w in re.findall(r"[^\W_]+", label) if w.lower() not in {"gadget", "gadgets"}
        ),
        "spaces stayed between the words": " ".join(
            w for w in re.findall(r"[^\W_]+", lower) if w not in {"gadget", "gadgets"}
        ),
        "hyphens stayed": re.sub(r"[^\w-]|_", "", re.sub(r"\bgadgets?\b", "", lower)),
        "letters beyond a to z were dropped; letters and digits of any script stay": "".join(
            re.findall(r"[a-z0-9]+", right)
        ),
        "digits were dropped; letters and digits stay": re.sub(r"\d", "", right),
    }


def format_mistakes(text: str) -> dict[str, bool]:
    keys = ("gadget_type", "location", "explanation")
    parts = [part.strip() for part in text.split(";")]
    lower = text.lower()
    spaced = [re.match(rf"{key} *:(.*)", part, re.I | re.S) for key, part in zip(keys, parts, strict=False)]
    whole = len(spaced) == 3 and all(spaced)
    restarted = any(re.match(rf"({'|'.join(keys)}) *:", part, re.I) for part in parts[3:])
    filled = whole and all(any(c.isalnum() for c in match[1]) for match in spaced)
    places = [lower.find(key) for key in keys]
    field = r"[^;]*[^\W_][^;]*"
    inside = re.search(
        rf"(?<!\w)gadget_type *:{field};\s*location *:{field};\s*explanation *:{field}", text, re.I
    )
    return {
        "the three words were looked for anywhere; each must begin its own part, with a colon": all(
            key in lower for key in keys
        ),
        "the order of the keys wasn't looked at": all(
            any(re.match(rf"{key} *:.*\w", part, re.I | re.S) for part in parts) for key in keys
        ),
        "words in order are not enough; each must begin its own part, with a colon": -1 not in places
        and places == sorted(places),
        "an empty field was accepted; a value has a letter or a digit": whole and not restarted,
        "an answer that starts over was accepted; each key comes once": filled,
        "text before the first key was accepted; the answer begins with it": bool(inside)
        and not re.search(rf";\s*({'|'.join(keys)}) *:", text[inside.end() :], re.I),
        "a semicolon in the explanation isn't a new field": filled and len(parts) == 3,
        "a line end in the explanation is fine": filled and not restarted and "\n" not in text,
        "the keys may be in any case": filled
        and not restarted
        and all(part.startswith(key) for key, part in zip(keys, parts, strict=False)),
        "spaces may stand before a colon": filled
        and not restarted
        and all(re.match(rf"{key}:", part, re.I) for key, part in zip(keys, parts, strict=False)),
        "a value of punctuation only was accepted; it has a letter or a digit": whole
        and not restarted
        and all(match[1].strip() for match in spaced),
        "a key in another spelling was accepted": bool(
            re.match(
                r"\s*gadget[_ -]?type *:[^;]*\w[^;]*;\s*location *:[^;]*\w[^;]*;\s*explanation *:.*\w",
                text,
                re.I | re.S,
            )
        )
        and not restarted,
    }


def verdict_mistakes(text: str) -> dict[str, str | None]:
    lines = [line for line in text.splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    clean = re.sub(r"^[\s*`]+|[\s*`]+$", "", last)
    clean = re.sub(r"^[\s*`]+|[\s*`]+$", "", clean.removesuffix("."))
    words = "|".join(VERDICTS)
    right = re.fullmatch(rf"VERDICT:\s*({words})", clean, re.I)

    def of(match: re.Match | None) -> str | None:
        return match[1].upper() if match else None

    def substring(where: str) -> str | None:
        return next((v for v in VERDICTS if v in where.upper()), None)

    def first_of_all(where: str) -> str | None:
        if "AGREEMENT" in where.upper():
            return "PARTIAL_AGREEMENT" if "PARTIAL" in where.upper() else "FULL_AGREEMENT"
        return "INVALID" if "INVALID" in where.upper() else None

    anywhere = [*re.finditer(rf"VERDICT:\s*({words})", text, re.I)]
    own_lines = [m for m in (re.fullmatch(rf"\W*VERDICT:\s*({words})\W*", line, re.I) for line in lines) if m]
    return {
        "'DISAGREEMENT' contains 'AGREEMENT': match the whole word": first_of_all(text),
        "the verdict was looked for anywhere in the reply; only the last line counts": substring(text),
        "a verdict was found inside other words of the last line; all of it must match": substring(last),
        "'VERDICT:' was found in an earlier line; only the last one counts": of(
            own_lines[-1] if own_lines else None
        ),
        "the first verdict line was taken; only the last line counts": of(
            own_lines[0] if own_lines else None
        ),
        "words behind the verdict were ignored; all of the last line must match": of(
            re.match(rf"VERDICT:\s*({words})\b", clean, re.I)
        ),
        "words before the verdict were ignored; all of the last line must match": of(
            re.search(rf"VERDICT:\s*({words})$", clean, re.I)
        ),
        "'VERDICT:' anywhere in the reply isn't enough; all of the last line must match": of(
            anywhere[-1] if anywhere else None
        ),
        "a line with the bare verdict isn't one; it begins with 'VERDICT:'": of(
            re.fullmatch(rf"(?:VERDICT:\s*)?({words})", clean, re.I)
        ),
        "what can't be read became DISAGREEMENT; there is no default": of(right) or "DISAGREEMENT",
        "what can't be read became INVALID; there is no default": of(right) or "INVALID",
        "what can't be read is None, not an empty text": of(right) or "",
        "blank lines at the end are skipped": (of(right) if text and text.splitlines()[-1].strip() else None),
        "other signs than stars and back ticks were dropped at the line's ends": of(
            re.fullmatch(rf"[^\w.]*VERDICT:\s*({words})[^\w.]*\.?[^\w.]*", last, re.I)
        ),
        "a space stood for the underscore of the verdict": of(
            re.fullmatch(rf"VERDICT:\s*({words})", re.sub(r"(?<=L) (?=A)", "_", clean, flags=re.I), re.I)
        ),
        "a space before the colon was accepted; the line begins with 'VERDICT:'": of(
            re.fullmatch(rf"VERDICT\s*:\s*({words})", clean, re.I)
        ),
        "stars and back ticks inside the line are not dropped; only those at its ends": of(
            re.fullmatch(
                rf"VERDICT:\s*({words})", re.sub(r"[*`]", "", last).strip().removesuffix(".").strip(), re.I
            )
        ),
        "only one final period is dropped": of(
            re.fullmatch(rf"VERDICT:\s*({words})", clean.rstrip(". *`"), re.I)
        ),
        "the case of the letters doesn't matter": of(re.fullmatch(rf"VERDICT:\s*({words})", clean)),
        "stars, back ticks and one final period around the line are ignored": of(
            re.fullmatch(rf"VERDICT:\s*({words})", last.strip(), re.I)
        ),
        "the verdict is given in capitals": right[1] if right else None,
        "white space behind the colon is optional, and any amount of it": of(
            re.fullmatch(rf"VERDICT: ({words})", clean, re.I)
        ),
    }


# ---- votes and orders ----


def vote_mistakes(answers: Labels) -> dict[str, dict]:
    right = oracle.vote(answers)
    votes = oracle.tally(answers)
    voters = sum(votes.values())
    everyone = [*dict.fromkeys(answers)]
    with_none = max(everyone, key=answers.count, default=None)
    tied = [label for label in votes if votes[label] == right["votes"]]
    last_seen = {answer: i for i, answer in enumerate(answers)}
    reached = [
        a for i, a in enumerate(answers) if a is not None and answers[: i + 1].count(a) == right["votes"]
    ]
    top_with_none = answers.count(with_none) if answers else 0
    return {
        "None was counted as a vote: leave it out before you count": {
            **right,
            "label": with_none,
            "votes": top_with_none,
            "share": top_with_none / len(answers) if answers else 0.0,
            "tie": sum(answers.count(label) == top_with_none for label in everyone) > 1,
        },
        "the share is of all models, also those without a label": {
            **right,
            "share": right["votes"] / voters if voters else 0.0,
        },
        "n counts all models, also those without a label": {
            **right,
            "n": voters,
            "share": right["votes"] / voters if voters else 0.0,
        },
        "a tie went to the label seen last; the earliest wins": {
            **right,
            "label": max(tied, key=last_seen.get, default=None),
        },
        "a tie went to the label whose first vote came last; the earliest wins": {
            **right,
            "label": [None, *tied][-1],
        },
        "a tie went to the label that reached the top count first; the earliest wins": {
            **right,
            "label": [*reached, None][0],
        },
        "a tie went to the smallest text; the earliest wins": {**right, "label": min(tied, default=None)},
        "a tie went to the largest text; the earliest wins": {**right, "label": max(tied, default=None)},
        "a tie has no winner here; the earliest of the tied wins": {
            **right,
            "label": right["label"] if len(tied) == 1 else None,
        },
        "tie means that different labels share the highest count, not that labels differ": {
            **right,
            "tie": len(votes) > 1,
        },
        "without any vote there is no tie": {**right, "tie": right["tie"] or not votes},
        "the tie wasn't noticed": {**right, "tie": False},
    }


def combined_mistakes(ab: str | None, ba: str | None) -> dict[str, dict]:
    right = oracle.combined(ab, ba)
    good = [verdict in ("FULL_AGREEMENT", "PARTIAL_AGREEMENT") for verdict in (ab, ba)]
    cautious = next((v for v in ("INVALID", "DISAGREEMENT") if v in (ab, ba)), right["verdict"])
    return {
        "two unread verdicts (None) are not consistent": {**right, "consistent": ab == ba},
        "agreement in one order isn't agreement; both orders must say so": {
            **right,
            "semantic_agreement": any(good),
        },
        "orders that contradict each other have no verdict; the first one was taken": {
            **right,
            "verdict": right["verdict"] if right["semantic_agreement"] else ab,
        },
        "the verdict of the first order was taken": {**right, "verdict": ab},
        "orders that contradict each other have no verdict; the more cautious was taken": {
            **right,
            "verdict": cautious,
        },
        "full and partial together support PARTIAL_AGREEMENT": {
            **right,
            "verdict": ab if right["consistent"] else None,
        },
        "full and partial together support only PARTIAL_AGREEMENT": {
            **right,
            "verdict": "FULL_AGREEMENT"
            if right["verdict"] and "FULL_AGREEMENT" in (ab, ba)
            else right["verdict"],
        },
        "PARTIAL_AGREEMENT is agreement too": {
            **right,
            "semantic_agreement": ab == ba == "FULL_AGREEMENT",
        },
        "full and partial together are agreement, consistent or not": {
            **right,
            "semantic_agreement": right["consistent"] and all(good),
            "verdict": ab if right["consistent"] else None,
        },
        "full and partial are not the same verdict: that pair isn't consistent": {
            **right,
            "consistent": right["consistent"] or all(good),
        },
        "a common INVALID or DISAGREEMENT isn't agreement": {
            **right,
            "semantic_agreement": right["consistent"],
        },
        "what isn't consistent became DISAGREEMENT; there is no default": {
            **right,
            "verdict": right["verdict"] or "DISAGREEMENT",
        },
        "one unread order was ignored; it leaves the pair without a verdict": {
            **right,
            "verdict": right["verdict"] or (ab if ba is None else ba if ab is None else None),
        },
    }


# ---- numbers ----


def cohen_mistakes(a: list, b: list) -> dict[str, float]:
    n = len(a)
    observed = Fraction(sum(x == y for x, y in zip(a, b, strict=True)), n)
    pooled = [*a, *b]
    shares = [Fraction(pooled.count(label), 2 * n) for label in dict.fromkeys(pooled)]
    scott = sum((p * p for p in shares), Fraction(0))
    uniform = Fraction(1, len(shares))
    expected = Fraction(sum(x == y for x in a for y in b), n * n)
    own = Fraction(sum(x == y for x in a for y in a), n * n)
    return {
        "that is the raw agreement; take off what chance gives": float(observed),
        "that is Scott's pi: chance uses each rater's own shares, not the pooled ones": oracle.beyond(
            observed, scott
        ),
        "chance uses the shares of the labels, not 1/K for each": oracle.beyond(observed, uniform),
        "the difference to chance must be divided by 1 - p_e": float(observed - expected),
        "chance used the first rater's shares for both": oracle.beyond(observed, own),
        "that is the agreement expected by chance itself": float(expected),
        "kappa below 0 is worse than chance; it isn't cut off at 0": max(
            0.0, oracle.beyond(observed, expected)
        ),
    }


def fleiss_mistakes(rows: list[list]) -> dict[str, float]:
    agreed, shares = oracle.equal_pairs(rows), oracle.shares_of(rows)
    squares = sum((p * p for p in shares.values()), Fraction(0))
    everybody = Fraction(sum(len(set(row)) == 1 for row in rows), len(rows))
    n, count = len(rows[0]), max(2, len(shares))
    with_self = sum((Fraction(row.count(x), n * n) for row in rows for x in row), Fraction(0)) / len(rows)
    columns = [[row[k] for row in rows] for k in (0, 1)]
    return {
        "that is the share of equal pairs; take off what chance gives": float(agreed),
        "only items on which all raters agree were counted; every equal pair counts": oracle.beyond(
            everybody, squares
        ),
        "a rating was paired with itself; there are n (n - 1) pairs": oracle.beyond(with_self, squares),
        "chance is 1/K for each class; it depends on the shares": oracle.beyond(agreed, Fraction(1, count)),
        "that is Gwet's AC1; chance is the sum of the squared shares here": oracle.ac1(rows),
        "chance used each rater's own shares, as Cohen does; it doesn't matter who said what": (
            oracle.cohen(*columns) if n == 2 else oracle.NAN
        ),
        "a pair of ratings is counted once in P, and n (n - 1) / 2 pairs are divided by": oracle.beyond(
            agreed / 2, squares
        ),
    }


def ac1_mistakes(rows: list[list], classes: int | None = None) -> dict[str, float]:
    agreed, shares = oracle.equal_pairs(rows), oracle.shares_of(rows)
    squares = sum((p * p for p in shares.values()), Fraction(0))
    spread = sum((p * (1 - p) for p in shares.values()), Fraction(0))
    count = len(shares)
    likely = {
        "that is the share of equal pairs; take off what chance gives": float(agreed),
        "chance was divided by K, not by K - 1": oracle.beyond(agreed, spread / (classes or count)),
        "chance is the mean of p (1 - p) over K - 1, not the sum over all classes": oracle.beyond(
            agreed, spread
        ),
        "that is Fleiss' kappa; AC1's chance is the mean of p (1 - p) over K - 1": oracle.beyond(
            agreed, squares
        ),
    }
    if classes is not None:
        without = oracle.beyond(agreed, spread / max(1, count - 1))
        likely = {"n_classes is not used for K": without, **likely}
    return likely


def phi_mistakes(a: list[bool], b: list[bool]) -> dict[str, float]:
    n = len(a)
    both = sum(x and y for x, y in zip(a, b, strict=True))
    either = sum(x or y for x, y in zip(a, b, strict=True))
    same = sum(x == y for x, y in zip(a, b, strict=True))
    covariance = both / n - sum(a) / n * sum(b) / n
    right = oracle.phi(a, b)
    return {
        "that is the share of equal verdicts, not a correlation": same / n,
        "that is the overlap of the errors (Jaccard), not a correlation": both / max(1, either),
        "that is the covariance; divide by the root of the four margins": covariance,
        "that is Cohen's kappa of the errors, not phi": oracle.cohen(list(a), list(b)),
        "the root of the product of the four margins is missing": (
            covariance * n * n / (sum(a) * sum(b) * (n - sum(a)) * (n - sum(b)) or 1)
        ),
        "the sign is lost: errors may avoid each other": abs(right),
        "that is the chance that b errs where a errs": both / max(1, sum(a)),
        "that is phi squared": right * right,
    }


def independent_mistakes(p1: float, p2: float, classes: int) -> dict[str, float]:
    q = (1 - p1) * (1 - p2)

    def ratio(wrong: float) -> float:
        total = p1 * p2 + wrong
        return p1 * p2 / total if total else oracle.NAN

    return {
        "that is the chance that both are right; divide by the chance that they agree": p1 * p2,
        "two wrong models agree only on the same wrong class, one of K - 1": ratio(q),
        "there are K - 1 wrong classes, not K": ratio(q / classes),
        "that is the chance that they agree, not that they are right": p1 * p2 + q / (classes - 1),
        "the chance of a common wrong class is divided by K - 1 once": ratio(q / (classes - 1) ** 2),
        "wrong ones agree less often, not more: divide by K - 1": ratio(q * (classes - 1)),
        "that is the chance that they are wrong, given that they agree": 1 - ratio(q / (classes - 1)),
    }


def risk_mistakes(confidence: list[float], correct: list[bool]) -> dict[str, tuple]:
    coverage, risk = oracle.risk(confidence, correct)
    order = sorted(range(len(correct)), key=lambda i: -confidence[i])
    n = len(correct)
    running = [1 - np.mean([correct[i] for i in order[: k + 1]]) for k in range(n)]
    lowest = oracle.risk([-value for value in confidence], correct)
    groups = [
        [c for v, c in zip(confidence, correct, strict=True) if v == t]
        for t in sorted(set(confidence), reverse=True)
    ]
    above, base = [], 0
    for group in groups:
        above.append(base / n)
        base += len(group)
    return {
        "every item is a point of its own; items with the same confidence come in together": (
            [(k + 1) / n for k in range(n)],
            [float(value) for value in running],
        ),
        "risk is the share of wrong answers, not of right ones": (coverage, [1 - value for value in risk]),
        "the least confident answers came first": lowest,
        "risk is over all answers kept so far, not over the last group": (
            coverage,
            [1 - sum(group) / len(group) for group in groups],
        ),
        "risk is divided by the answers kept, not by all items": (
            coverage,
            [value * share for value, share in zip(risk, coverage, strict=True)],
        ),
        "coverage rises: from the most confident answers to all of them": (coverage[::-1], risk[::-1]),
        "coverage counts the items at the threshold too": (above, risk),
        "confidences that are near each other came in together; only equal ones do": oracle.risk(
            [float(f"{value:.6g}") for value in confidence], correct
        ),
        "coverage is a share of all items, not a number": ([share * n for share in coverage], risk),
    }
