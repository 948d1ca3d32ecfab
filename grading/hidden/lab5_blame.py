"""What likely mistakes give in Lab 5, by the words that name them; `judging.judge` picks the right ones.

Most are an oracle (lab5_oracles.py) with one of its rules changed. Left out: the metrics
(lab5_blame_numbers.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from . import lab5_oracles as oracle


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
        "lower isn't casefold: 'ß' and 'ss', 'ς' and 'σ' differ": oracle.normal(text, fold=str.lower),
        "upper and lower aren't casefold: 'ς' and 'σ' differ": oracle.normal(
            text, fold=lambda t: t.upper().lower()
        ),
        "lower with 'ß' replaced isn't casefold: 'ς' and 'σ' differ": oracle.normal(
            text, fold=lambda t: t.lower().replace("ß", "ss")
        ),
        "NFKC comes before casefold: it makes new capitals, as of '№'": oracle.normal(
            oracle.unicodedata.normalize("NFKC", text.casefold()), nfkc=False, fold=str
        ),
        "NFKC comes first: it was applied after deleting": oracle.unicodedata.normalize(
            "NFKC", oracle.normal(text, nfkc=False)
        ),
        "symbols became a space; they are deleted like punctuation": oracle.normal(text, symbol=" "),
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
        "the end of a longer word matched; compare whole words": oracle.matches(reply, aliases, before=""),
        "a regular expression's '\\b' ended a word before a mark; words end at spaces": oracle.matches(
            reply, aliases, regex=True
        ),
        "the beginning of a longer word matched; compare whole words": oracle.matches(
            reply, aliases, after=""
        ),
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
        "the failure is missing in the denominator: divide by k + 1": (s + 0.5) / max(k, 1),
        "divide by k + 1, not by 6: there aren't always five trials": (s + 0.5) / 6,
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
        "the judgment must be compared with the target, not with the ability": [
            row["qid"]
            for row in records
            if row["judgment"] != {"can": "yes", "uncertain": "yes", "cannot": "no"}[row["ability"]]
        ],
        "the judgment must be compared with the target; the ability uncertain may have the target yes": [
            row["qid"]
            for row in records
            if row["judgment"] != {"can": "yes", "uncertain": "uncertain", "cannot": "no"}[row["ability"]]
        ],
        "uncertain was treated as right": where(lambda j, t: j != t and "uncertain" not in (j, t)),
        "the judgment must be compared with the target, not P(yes) with one half": [
            row["qid"] for row in records if (row["p_yes"] > 0.5) != (row["target"] == "yes")
        ],
    }


def merge_mistakes(weight: np.ndarray, a: np.ndarray, b: np.ndarray, alpha: float) -> dict[str, np.ndarray]:
    rank, product = a.shape[0], b @ a
    found = {
        "the scale alpha / r was forgotten": weight + product,
        "alpha alone is no scale: divide by the rank": weight + alpha * product,
        "the scale is alpha / r, not alpha / sqrt(r)": weight + alpha / math.sqrt(rank) * product,
        "the rank is the number of A's rows, not A's shorter side": weight + alpha / min(a.shape) * product,
        "the rank is the number of A's rows, not the number of outputs": weight
        + alpha / b.shape[0] * product,
        "the rank is the number of A's rows, not the number of inputs": weight + alpha / a.shape[1] * product,
        "the rank is the number of A's rows, not its shorter side": weight + alpha / min(a.shape) * product,
        "the adapter was subtracted": weight - alpha / rank * product,
        "the scale is turned over: alpha / r": weight + rank / alpha * product,
    }
    return {words: value.astype(np.float32) for words, value in found.items()}
