"""Lab 5 evaluation: what a judge's confidence is worth, beside what a constant would get.

    auroc([0.9, 0.4, 0.4], [True, True, False])          # 5.10 0.75: ties count one half
    calibration([0.9, 0.8, 0.1], [True, False, False])   # 5.11 {"ece": 0.3333, "bins": [...]}
    brier_decomposition(probabilities, outcomes)         # 5.12 reliability - resolution + uncertainty
    ability_confusion(["can", None], ["can", "cannot"])  # 5.13 three by three, and the distributions
    selective_accuracy([0.9, 0.2], [True, False])        # 5.14 [1.0, 0.5]: answer the surest 1, 2, …
    judgment_skill([True, True], [True, False])          # 5.15 accuracy 0.5, constant 0.5, skill 0.0
    frozen_and_refreshed(judgments, labels)              # 5.16 epoch by epoch, against both kinds of labels

A number that isn't defined is NaN, never a convenient one half. Sources stand with each function. Left out:
intervals, which `labkit.stats` resamples by entity (report.py).
"""

from __future__ import annotations

from collections.abc import Sequence


def auroc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """How well scores rank: the probability that a positive's score is above a negative's, ties one half.

    P(s⁺ > s⁻) + P(s⁺ = s⁻) / 2 over all pairs of a positive and a negative. By ranks: sort all scores, give
    equal ones the mean of their ranks; then (sum of the positives' ranks − n⁺(n⁺ + 1)/2) / (n⁺ n⁻). A
    constant score gets exactly 0.5, in whatever order the items come. Only equal numbers are tied: P(yes) of
    two questions may differ by 1e-12. 20,000 scores take well under a second, so going through all pairs is
    too slow.

    Args:
        scores: one finite or infinite number an item; larger means "more likely positive".
        labels: True for a positive, the same items in the same order.
    Returns:
        A number in [0, 1]; NaN if there are no positives or no negatives.
    Raises:
        ValueError: scores and labels differ in number, or a score is NaN (with labels of one kind too).
    Source: Mann and Whitney 1947; Hanley and McNeil 1982.
    """
    # TODO 5.10: mean ranks of equal scores, then the rank sum of the positives.
    # BEGIN SOLUTION 5.10
    import itertools
    import math

    if len(scores) != len(labels) or any(math.isnan(score) for score in scores):
        raise ValueError(f"need a score that isn't NaN for each label: {len(scores)}, {len(labels)}")
    positives = sum(labels)
    negatives = len(labels) - positives
    if not positives or not negatives:
        return math.nan
    rank_sum, before = 0.0, 0
    order = sorted(zip(scores, labels, strict=True), key=lambda pair: pair[0])
    for _, group in itertools.groupby(order, key=lambda pair: pair[0]):
        tied = [label for _, label in group]
        rank_sum += sum(tied) * (before + (len(tied) + 1) / 2)
        before += len(tied)
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)
    # END SOLUTION 5.10


def calibration(probabilities: Sequence[float], outcomes: Sequence[bool], bins: int = 10) -> dict:
    """A reliability diagram in numbers, and the expected calibration error (ECE).

    [0, 1] is cut into `bins` parts of equal width. Item i belongs to part int(p · bins), counted from 0: an
    end belongs to the part above it (0.3 to part 3 of 10; comparing with a `linspace` rounds otherwise), and
    p = 1 to the last. Parts without items don't occur: they are not points of the diagram, and add nothing.
    ECE is the mean over *items* of the distance between confidence and accuracy of their part.

    Args:
        probabilities: one an item, in [0, 1].
        outcomes: whether it happened, the same items in the same order.
        bins: number of parts, at least 1.
    Returns:
        `{"ece": float, "bins": […]}`; each entry of `bins`, from low to high: `low` and `high` (the part's
        ends), `n`, `confidence` (mean probability) and `accuracy` (share that happened) of its items.
    Raises:
        ValueError: no items, probabilities and outcomes differ in number, one outside [0, 1] or NaN, bins
            < 1.
    Source: Naeini et al. 2015; Guo et al. 2017 (arXiv 1706.04599), Eq. 3.
    """
    _require_probabilities(probabilities, outcomes, bins)
    # TODO 5.11: sort into parts, leave empty ones out, weigh each part by its items.
    # BEGIN SOLUTION 5.11
    parts: dict[int, list[tuple[float, bool]]] = {}
    for p, outcome in zip(probabilities, outcomes, strict=True):
        parts.setdefault(min(int(p * bins), bins - 1), []).append((p, outcome))
    table, ece = [], 0.0
    for part, items in sorted(parts.items()):
        n = len(items)
        confidence, accuracy = sum(p for p, _ in items) / n, sum(outcome for _, outcome in items) / n
        row = {"low": part / bins, "high": (part + 1) / bins, "n": n}
        table.append({**row, "confidence": confidence, "accuracy": accuracy})
        ece += n / len(outcomes) * abs(accuracy - confidence)
    return {"ece": ece, "bins": table}
    # END SOLUTION 5.11


def brier_decomposition(probabilities: Sequence[float], outcomes: Sequence[bool], bins: int = 10) -> dict:
    """The Brier score, and what it is made of.

    With the parts k of 5.11 (item i in part int(p · bins), p = 1 in the last), n_k items, mean probability
    f_k and share o_k that happened, and o the share among all items:
    reliability Σ n_k/n (f_k − o_k)² (calibration, small is good), resolution Σ n_k/n (o_k − o)² (telling
    items apart, large is good), uncertainty o (1 − o) (the world's, nobody's merit). If all probabilities of
    a part are equal, brier = reliability − resolution + uncertainty; else the rest is `within`, of either
    sign.

    Args:
        probabilities, outcomes, bins: as for 5.11.
    Returns:
        `brier` (the mean of (p − outcome)², over items), `reliability`, `resolution`, `uncertainty`, and
        `within` = brier − (reliability − resolution + uncertainty). All are floats.
    Raises:
        ValueError: as for 5.11.
    Source: Brier 1950; Murphy 1973; Stephenson et al. 2008 for the part within.
    """
    _require_probabilities(probabilities, outcomes, bins)
    # TODO 5.12: the score from the items, three terms from the parts, and what is left.
    # BEGIN SOLUTION 5.12
    n, base = len(outcomes), sum(outcomes) / len(outcomes)
    parts: dict[int, list[tuple[float, bool]]] = {}
    for p, outcome in zip(probabilities, outcomes, strict=True):
        parts.setdefault(min(int(p * bins), bins - 1), []).append((p, outcome))
    reliability = resolution = 0.0
    for items in parts.values():
        said = sum(p for p, _ in items) / len(items)
        happened = sum(outcome for _, outcome in items) / len(items)
        reliability += len(items) / n * (said - happened) ** 2
        resolution += len(items) / n * (happened - base) ** 2
    brier = sum((p - outcome) ** 2 for p, outcome in zip(probabilities, outcomes, strict=True)) / n
    terms = {"reliability": reliability, "resolution": resolution, "uncertainty": base * (1 - base)}
    return {"brier": brier, **terms, "within": brier - (reliability - resolution + base * (1 - base))}
    # END SOLUTION 5.12


def ability_confusion(predicted: Sequence[str | None], actual: Sequence[str]) -> dict:
    """Judged against actual abilities, three by three, and both distributions.

    A judgment that couldn't be read (None) stands in no cell of the matrix; it is counted in `unparsed`, is
    never right, and stays in every denominator.

    Args:
        predicted: "can", "uncertain", "cannot" or None, one an item.
        actual: "can", "uncertain" or "cannot", the same items in the same order.
    Returns:
        - `n`, and `unparsed`, the number of None;
        - `exact_match`: the share of all items whose two abilities are the same;
        - `matrix`: `{actual: {predicted: count}}`, with all nine cells, zeros too;
        - `predicted`, `actual`: `{ability: share of all items}`, with all three abilities.
    Raises:
        ValueError: no items, lists of different length, or another word.
    Source: the evaluation metrics of the published guide (GUIDE.md).
    """
    # TODO 5.13: check the words, count the nine cells, divide by n.
    # BEGIN SOLUTION 5.13
    names = ("can", "uncertain", "cannot")
    if not actual or len(predicted) != len(actual):
        raise ValueError(f"need a judgment for each ability: {len(predicted)}, {len(actual)}")
    if any(word not in names for word in actual) or any(word not in (*names, None) for word in predicted):
        raise ValueError(f"abilities are {names}, and a judgment may be None")
    pairs, n = list(zip(actual, predicted, strict=True)), len(actual)
    return {
        "n": n,
        "unparsed": list(predicted).count(None),
        "exact_match": sum(a == b for a, b in pairs) / n,
        "matrix": {a: {b: pairs.count((a, b)) for b in names} for a in names},
        "predicted": {name: list(predicted).count(name) / n for name in names},
        "actual": {name: list(actual).count(name) / n for name in names},
    }
    # END SOLUTION 5.13


def selective_accuracy(confidence: Sequence[float], correct: Sequence[bool]) -> list[float]:
    """How often a model is right if it answers only the k questions that it is surest of, for k = 1 … n.

    Items of equal confidence (equal, not nearly equal) have no order. If only some of them are answered, it
    is as if these were drawn at random, so each counts with the share of right ones among all of the same
    confidence: the k-th value is (right ones of higher confidence + taken from the tie · its share of right
    ones) / k. The order in which items are listed changes nothing. (Risk is 1 minus this; coverage is k / n.)

    Args:
        confidence: one number an item, larger is surer; logits too, so it may be negative or infinite.
        correct: whether its answer is right, the same items in the same order.
    Returns:
        n expected accuracies; the last is the accuracy of all items.
    Raises:
        ValueError: no items, lists of different length, or a confidence that is NaN.
    Source: El-Yaniv and Wiener 2010; Geifman and El-Yaniv 2017 (arXiv 1705.08500).
    """
    # TODO 5.14: from the surest down, tie by tie; inside a tie every place brings the tie's share.
    # BEGIN SOLUTION 5.14
    import itertools
    import math

    if not correct or len(confidence) != len(correct) or any(math.isnan(c) for c in confidence):
        raise ValueError(f"need a confidence for each item: {len(confidence)}, {len(correct)}")
    order = sorted(zip(confidence, correct, strict=True), key=lambda pair: -pair[0])
    expected, right = [], 0.0
    for _, group in itertools.groupby(order, key=lambda pair: pair[0]):
        tied = [flag for _, flag in group]
        for place in range(1, len(tied) + 1):
            expected.append((right + sum(tied) * place / len(tied)) / (len(expected) + 1))
        right += sum(tied)
    return expected
    # END SOLUTION 5.14


def judgment_skill(said_yes: Sequence[bool], correct: Sequence[bool]) -> dict:
    """What a judge's accuracy is worth: how far it lies above the better constant judge.

    "80 % of the judgments are right" means nothing where 85 % of the answers are wrong: always saying "no"
    gets 85 %. Skill is what is left after subtracting that.

    Args:
        said_yes: whether the judge said "I will be right", one an item.
        correct: whether the answer was right, the same items in the same order.
    Returns:
        Shares of all items: `accuracy` (of the judgments), `qa_accuracy` (of the answers), `constant` (what
        the better of "always yes" and "always no" gets), `skill` = accuracy − constant (may be negative),
        `overconfident` (yes, and wrong), `underconfident` (no, and right).
    Raises:
        ValueError: no items, or lists of different length.
    Source: skill against a reference forecast, Murphy 1988; methods of the course.
    """
    # TODO 5.15: count, compare with both constants, subtract.
    # BEGIN SOLUTION 5.15
    n = len(correct)
    if not n or len(said_yes) != n:
        raise ValueError(f"need a judgment for each answer: {len(said_yes)}, {n}")
    pairs = [(bool(said), bool(right)) for said, right in zip(said_yes, correct, strict=True)]
    accuracy, right = sum(said == was for said, was in pairs) / n, sum(was for _, was in pairs)
    constant = max(right, n - right) / n
    return {
        "accuracy": accuracy,
        "qa_accuracy": right / n,
        "constant": constant,
        "skill": accuracy - constant,
        "overconfident": pairs.count((True, False)) / n,
        "underconfident": pairs.count((False, True)) / n,
    }
    # END SOLUTION 5.15


def frozen_and_refreshed(judgments: Sequence[Sequence[bool]], labels: Sequence[Sequence[bool]]) -> dict:
    """A judge's accuracy epoch by epoch, against labels that stand still and labels that move.

    Training a model to judge changes what it can answer, so its labels are collected again in each epoch.
    Then a judge may get better because it judges better, or because its target came to it. Against the labels
    of epoch 0 only the first is possible.

    Args:
        judgments: for each epoch, from 0 on, whether the judge said yes, one an item.
        labels: for each epoch whether the model could answer, as collected in that epoch; the same items.
    Returns:
        Three lists with a share for each epoch e: `frozen` (judgments of e that equal the labels of epoch 0),
        `refreshed` (judgments of e that equal the labels of e), `moved` (labels of e that differ from epoch
        0's).
    Raises:
        ValueError: no epochs, the two lists differ in length, or not the same number of
            items (at least one) in all.
    Source: methods of the course; the published guide reports refreshed labels only (GUIDE.md).
    """
    # TODO 5.16: three comparisons an epoch.
    # BEGIN SOLUTION 5.16
    sizes = {len(row) for row in (*judgments, *labels)}
    if len(judgments) != len(labels) or len(sizes) != 1 or 0 in sizes:
        raise ValueError(f"need the same items in every epoch: {len(judgments)}, {len(labels)}, {sizes}")

    def same(first: Sequence[bool], second: Sequence[bool]) -> float:
        return sum(bool(a) == bool(b) for a, b in zip(first, second, strict=True)) / len(second)

    return {
        "frozen": [same(said, labels[0]) for said in judgments],
        "refreshed": [same(said, now) for said, now in zip(judgments, labels, strict=True)],
        "moved": [1 - same(now, labels[0]) for now in labels],
    }
    # END SOLUTION 5.16


def _require_probabilities(probabilities: Sequence[float], outcomes: Sequence[bool], bins: int) -> None:
    if not outcomes or len(probabilities) != len(outcomes) or bins < 1:
        raise ValueError(
            f"need an outcome for each probability: {len(probabilities)}, {len(outcomes)}, {bins}"
        )
    if not all(0 <= p <= 1 for p in probabilities):  # False for NaN too
        raise ValueError("probabilities lie between 0 and 1")
