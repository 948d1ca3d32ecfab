"""Lab 1 analysis: what the models said about one example, and what their agreement is worth over many.

A row of `results/compared_validation.jsonl` (one example; every model, controls included):

    {"id": 0, "frame": "v003", "gold": "gadget_type: …", "gold_label": "jump", "gold_type": "control",
     "models": {"nano-flan": {"text": "gadget_type: …", "label": "Branch gadget", "normalized": "branch",
      "type": "control", "format": true, "probability": 0.91, "correct": true}, …},
     "vote": {"label": "branch", "share": 1.0, …}}

Three notions of "the same answer" must not be mixed up. Equal *strings*: the normalised labels are equal;
that is the published agreement, and what is voted on. Equal *types*: the data file says that "jump" and
"branch" name one type of gadget; an answer is correct if its label belongs to the gold type. And what a
*judge* thinks.
The TODOs' quantities come from method.py and evaluate.py. Left out: intervals and tests (report.py).
"""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from labkit.errors import LabError

from .evaluate import report_record, risk_coverage
from .method import check_format, ensemble_vote, extract_gadget_type, normalize_gadget_type

# ---- one example ----


def normalized_label(text: str) -> str | None:
    """The normalised label of a text, None if there is none."""
    label = extract_gadget_type(text)
    return (normalize_gadget_type(label) or None) if label is not None else None


def types_of_labels(examples: Sequence[dict]) -> dict[str, str]:
    """The type that each label of a data file belongs to, by normalised label.

    A file without the field `type` has a type for each label. Labels that no row has, but the course's own
    table of labels, are added by run.py.
    """
    labels = ((normalized_label(example["output"]), type_of_example(example)) for example in examples)
    return {label: kind for label, kind in labels if label is not None}


def type_of_example(example: dict) -> str | None:
    """The gold type of an example: its field `type`, else its normalised label."""
    return example.get("type") or normalized_label(example["output"])


def read_prediction(text: str, probability: float, gold_type: str, type_of: dict[str, str]) -> dict:
    """A model's text with its label, type, format and verdict; no label is None and never right."""
    normalized = normalized_label(text)
    kind = type_of.get(normalized) if normalized is not None else None
    return {
        "text": text,
        "label": extract_gadget_type(text),
        "normalized": normalized,
        "type": kind,
        "format": check_format(text),
        "probability": probability,
        "correct": kind is not None and kind == gold_type,
    }


def compare(
    example: dict,
    number: int,
    predictions: dict[str, tuple[str, float]],
    members: Sequence[str],
    type_of: dict[str, str],
) -> dict:
    """One row of the comparison (module docstring). Raises LabError: a gold output without a label."""
    gold_label = normalized_label(example["output"])
    if gold_label is None:
        raise LabError("a label in the gold output", repr(example["output"][:60]), f"example {number}")
    gold_type = type_of[gold_label]
    models = {name: read_prediction(*pair, gold_type, type_of) for name, pair in predictions.items()}
    return {
        "id": number,
        "frame": example.get("frame", str(number)),
        "gold": example["output"],
        "gold_label": gold_label,
        "gold_type": gold_type,
        "models": models,
        "vote": ensemble_vote([models[name]["normalized"] for name in members]),
    }


def record_of(row: dict, members: Sequence[str], judgment: dict | None = None) -> dict:
    """The row as an entry of the published report."""
    models = {name: row["models"][name] for name in members}
    return report_record(
        row["id"],
        row["gold"],
        {name: model["text"] for name, model in models.items()},
        {name: model["label"] for name, model in models.items()},
        {name: model["normalized"] for name, model in models.items()},
        judgment,
    )


def report_of(rows: Sequence[dict], members: Sequence[str], judgments: Sequence[dict] | None = None) -> dict:
    """`ensemble_report.json`, or with judgments `ensemble_report_with_llm_judge.json`: the published keys."""
    told = judgments or [None] * len(rows)
    results = [record_of(row, members, said) for row, said in zip(rows, told, strict=True)]
    agreements = sum(entry["agreement"]["full_agreement"] for entry in results)
    summary = {
        "total_examples": len(rows),
        "full_agreements": agreements,
        "full_agreement_rate": agreements / len(rows),
        "disagreement_rate": 1 - agreements / len(rows),
        "model_format_accuracy": {
            name: sum(row["models"][name]["format"] for row in rows) / len(rows) for name in members
        },
    }
    if judgments is not None:
        semantic = sum(entry["agreement"]["semantic_agreement"] for entry in results)
        summary |= {"semantic_agreements": semantic, "semantic_agreement_rate": semantic / len(rows)}
    return {"summary": summary, "results": results}


# ---- many examples: columns, agreement, confidence ----


def correct_of(rows: Sequence[dict], model: str) -> list[bool]:
    return [row["models"][model]["correct"] for row in rows]


def rating_of(rows: Sequence[dict], model: str, what: str = "type") -> list[str]:
    """Types (or normalised labels) as ratings for the kappas; a missing one is a class of its own."""
    values = [row["models"][model][what] for row in rows]
    return [value if value is not None else f"none by {model}" for value in values]


def agreeing(rows: Sequence[dict], models: Sequence[str], what: str = "normalized") -> list[bool]:
    """Per row: do these models all give the same label (or `what="type"`)? None agrees with nothing."""
    votes = [ensemble_vote([row["models"][name][what] for name in models]) for row in rows]
    return [vote["votes"] == vote["n"] > 0 for vote in votes]


def vote_of(row: dict, models: Sequence[str]) -> tuple[dict, bool]:
    """The vote of these models on one row, and whether its label belongs to the gold type."""
    cast = [row["models"][name] for name in models]
    vote = ensemble_vote([model["normalized"] for model in cast])
    right = {model["normalized"]: model["correct"] for model in cast}
    return vote, vote["label"] is not None and right[vote["label"]]


def vote_accuracy(rows: Sequence[dict], models: Sequence[str]) -> dict[str, float]:
    """Accuracy of the vote under three tie rules: earliest model, latest model, a random one of the tied.

    The third is the mean over all orders of the models: the rule with no knowledge of who is better.
    """

    def accuracy(order: Sequence[str]) -> float:
        return share([vote_of(row, order)[1] for row in rows])

    orders = list(itertools.permutations(models))
    votes = [vote_of(row, models)[0] for row in rows]
    return {
        "first": accuracy(models),
        "last": accuracy(models[::-1]),
        "random": sum(map(accuracy, orders)) / len(orders),
        "tied": sum(vote["tie"] for vote in votes) / len(rows),
    }


def by_level(rows: Sequence[dict], models: Sequence[str]) -> list[dict]:
    """Accuracy of the vote at every number of votes: `[{"votes": 2, "n": 180, "right": 170}, …]`."""
    groups: dict[int, list[bool]] = {votes: [] for votes in range(len(models) + 1)}
    for row in rows:
        vote, right = vote_of(row, models)
        groups[vote["votes"]].append(right)
    return [{"votes": votes, "n": len(hits), "right": sum(hits)} for votes, hits in groups.items()]


COVERAGES = tuple(step / 20 for step in range(1, 21))  # where recorded risks are read off


def confidences(rows: Sequence[dict], members: Sequence[str], partner: str | None) -> dict[str, list[float]]:
    """Four ways to be sure of the first member's answers, one number a row.

    Its own probability; agreement of the members; agreement first, then probability; and agreement with a
    partner of the same architecture, if one was trained.
    """
    first = members[0]
    own = [row["models"][first]["probability"] for row in rows]
    agree = [float(flag) for flag in agreeing(rows, members)]
    found = {"own probability": own, "agreement": agree}
    found["agreement, then probability"] = [2 * a + p for a, p in zip(agree, own, strict=True)]
    if partner is not None:
        found["agreement of two alike"] = [float(flag) for flag in agreeing(rows, [first, partner])]
    return found


def confidence_curves(rows: Sequence[dict], members: Sequence[str], partner: str | None) -> dict:
    """Risk and coverage of the first member's answers under each of the `confidences`."""
    correct = correct_of(rows, members[0])
    curves = {}
    for name, values in confidences(rows, members, partner).items():
        coverage, risk = risk_coverage(values, correct)
        curves[name] = {"coverage": list(coverage), "risk": list(risk)}
    return curves


def risk_at(rows: Sequence[dict], members: Sequence[str], partner: str | None) -> dict:
    """The same at fixed coverages, expected over a random choice among equals, to be averaged over seeds."""
    correct = correct_of(rows, members[0])
    found: dict = {"coverage": list(COVERAGES)}
    for name, values in confidences(rows, members, partner).items():
        kept = [max(1, round(c * len(rows))) for c in COVERAGES]
        found[name] = [1 - accuracy_at(values, correct, keep) for keep in kept]
    return found


def accuracy_at(confidence: Sequence[float], correct: Sequence[bool], keep: int) -> float:
    """Expected accuracy of the `keep` most confident answers; chance decides among equally confident ones."""
    if keep < 1:
        return math.nan
    threshold = sorted(confidence, reverse=True)[keep - 1]
    above = [c for value, c in zip(confidence, correct, strict=True) if value > threshold]
    at = [c for value, c in zip(confidence, correct, strict=True) if value == threshold]
    return (sum(above) + (keep - len(above)) * sum(at) / len(at)) / keep


def by_type(rows: Sequence[dict], members: Sequence[str]) -> list[dict]:
    """Per gold type: items, disagreements, and how often each member is right."""
    groups = defaultdict(list)
    for row in rows:
        groups[row["gold_type"]].append(row)
    return [
        {
            "type": label,
            "n": len(group),
            "disagreements": len(group) - sum(agreeing(group, members)),
            "right": {name: sum(correct_of(group, name)) for name in members},
        }
        for label, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def by_length(
    rows: Sequence[dict], lengths: Sequence[int], members: Sequence[str], bins: int = 4
) -> list[dict]:
    """Agreement by the length of the excerpt in words, in groups of equal size."""
    order = sorted(range(len(rows)), key=lambda i: (lengths[i], i))
    flags = agreeing(rows, members)
    groups = [order[len(order) * k // bins : len(order) * (k + 1) // bins] for k in range(bins)]
    return [
        {
            "words": [lengths[group[0]], lengths[group[-1]]],
            "n": len(group),
            "agree": sum(flags[i] for i in group),
        }
        for group in groups
        if group
    ]


def rouge(rows: Sequence[dict], model: str) -> dict[str, float]:
    """Mean ROUGE-1 and ROUGE-L (F) of a model's texts against the gold outputs, as published."""
    from rouge_score import rouge_scorer

    scorer = rouge_scorer.RougeScorer(["rouge1", "rougeL"], use_stemmer=True)
    scores = [scorer.score(row["gold"], row["models"][model]["text"]) for row in rows]
    return {
        name: sum(score[name].fmeasure for score in scores) / len(scores) for name in ("rouge1", "rougeL")
    }


def most_common(values: Sequence[str]) -> str:
    return Counter(values).most_common(1)[0][0]


def share(values: Sequence[bool]) -> float:
    return sum(values) / len(values)


def over_items(values: Sequence[bool], chosen: Sequence[int], only: Callable[[int], bool]) -> float:
    """The share of true values among the chosen items for which `only` holds; NaN if there are none."""
    kept = [values[i] for i in chosen if only(i)]
    return share(kept) if kept else math.nan
