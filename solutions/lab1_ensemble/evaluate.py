"""Lab 1 evaluation: how much two raters agree beyond chance, and what their agreement says about being right.

    cohen_kappa(["x", "y", "y"], ["x", "y", "x"])        # 1.10  0.4: two raters
    fleiss_kappa([["x", "x", "y"], ["y", "y", "y"]])     # 1.11  any number of raters
    gwet_ac1([["x", "x", "y"], ["y", "y", "y"]])         # 1.12  the same, where one class dominates
    error_correlation([True, False], [True, False])      # 1.13  1.0: they fail on the same items
    independent_agreement(0.7, 0.6, n_classes=9)         # 1.14  0.966: right, given that both agree
    risk_coverage([0.9, 0.9, 0.4], [True, False, True])  # 1.15  ([2/3, 1.0], [0.5, 1/3])
    report_record(0, gold_output, predictions, ...)      # 1.16  one entry of ensemble_report.json

A rating is any label that can be compared, but never None: decide first what an unread label is. A number
that isn't defined is NaN, never a convenient 0 or 1. Sources stand with each function. Left out: intervals
and tests, which `labkit.stats` takes from statsmodels and scipy.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence


def cohen_kappa(a: Sequence[Hashable], b: Sequence[Hashable]) -> float:
    """Agreement of two raters beyond what their own label frequencies give by chance.

    (p_o - p_e) / (1 - p_e): p_o is the share of items with equal labels, p_e the sum over the labels c of
    (share of c in a) x (share of c in b). 1 is full agreement, 0 is chance, below 0 is worse than chance. The
    table [[20, 5], [10, 15]] gives 0.4.

    Args:
        a: one label an item, by the first rater; no None.
        b: one label an item, by the second rater, the same items in the same order; no None.
    Returns:
        At most 1.0; NaN if p_e is 1 (both gave one and the same label to everything: chance can't be beaten).
    Raises:
        ValueError: no items, as many labels as items are not there, or a label is None.
    Source: Cohen 1960, "A coefficient of agreement for nominal scales".
    """
    _require_pairs(a, b)
    # TODO 1.10: refuse None; observed and expected agreement; NaN where the expected one is 1.
    # BEGIN SOLUTION 1.10
    from collections import Counter

    if None in a or None in b:
        raise ValueError("a label is None: decide first what an unread label is")
    n = len(a)
    first, second = Counter(a), Counter(b)
    observed = sum(x == y for x, y in zip(a, b, strict=True))
    expected = sum(first[label] * second[label] for label in first)  # times n²
    if expected == n * n:
        return float("nan")
    return (observed / n - expected / n**2) / (1 - expected / n**2)
    # END SOLUTION 1.10


def fleiss_kappa(ratings: Sequence[Sequence[Hashable]]) -> float:
    """Agreement of any number of raters beyond chance.

    For an item with n ratings, n_c of them c: P_i = (sum over c of n_c² - n) / (n (n - 1)), the share of its
    pairs of ratings that are equal. With P the mean of P_i over items, and p_c the share of c among all
    ratings: (P - P_e) / (1 - P_e), P_e = sum over c of p_c². Which rater gave which label doesn't matter
    (so for two raters this is Scott's pi, not Cohen's kappa).

    Args:
        ratings: per item its n labels, the same n >= 2 for all items; no None.
    Returns:
        At most 1.0; NaN if P_e is 1 (every rating is the same label).
    Raises:
        ValueError: no items, items with different numbers of ratings, fewer than two ratings, or a label that
            is None.
    Source: Fleiss 1971, "Measuring nominal scale agreement among many raters".
    """
    _require_ratings(ratings)
    # TODO 1.11: refuse None; the share of equal pairs in each item, and by chance; NaN where chance gives 1.
    # BEGIN SOLUTION 1.11
    from collections import Counter

    if any(label is None for row in ratings for label in row):
        raise ValueError("a label is None: decide first what an unread label is")
    n, total = len(ratings[0]), len(ratings) * len(ratings[0])
    equal = sum(sum(count * count for count in Counter(row).values()) - n for row in ratings)
    pooled = Counter(label for row in ratings for label in row)
    if len(pooled) == 1:
        return float("nan")
    observed = equal / (len(ratings) * n * (n - 1))
    expected = sum((count / total) ** 2 for count in pooled.values())
    return (observed - expected) / (1 - expected)
    # END SOLUTION 1.11


def gwet_ac1(ratings: Sequence[Sequence[Hashable]], n_classes: int | None = None) -> float:
    """Agreement beyond chance that doesn't collapse where nearly all ratings are one class.

    Two raters who say "refusal" to 95 of 100 items agree on most, and kappa can still be near 0: its chance
    agreement is near 1 (the prevalence paradox). AC1 measures chance by how uncertain the items are:
    (P - P_e) / (1 - P_e), P as in `fleiss_kappa` (the mean over items of the share of equal pairs of
    ratings), P_e = 1 / (K - 1) x sum over c of p_c (1 - p_c), p_c the share of c among all ratings, K the
    number of classes there are.

    Args:
        ratings: per item its n labels, the same n >= 2 for all items; no None.
        n_classes: K, classes that a rater could choose from; None: those that occur.
    Returns:
        At most 1.0. Where only one label occurs, everybody agrees, and it is exactly 1.0, whatever K.
    Raises:
        ValueError: no items, items with different numbers of ratings, fewer than two ratings, a label that is
            None, or n_classes below the number of different labels that occur, be it only one.
    Source: Gwet 2008, "Computing inter-rater reliability and its variance in the presence of high agreement".
    """
    _require_ratings(ratings)
    # TODO 1.12: refuse None; equal pairs as in Fleiss; chance from p_c (1 - p_c); one label only is 1.0.
    # BEGIN SOLUTION 1.12
    from collections import Counter

    if any(label is None for row in ratings for label in row):
        raise ValueError("a label is None: decide first what an unread label is")
    n, total = len(ratings[0]), len(ratings) * len(ratings[0])
    pooled = Counter(label for row in ratings for label in row)
    if n_classes is not None and n_classes < len(pooled):
        raise ValueError(f"n_classes is {n_classes}, but {len(pooled)} different labels occur")
    if len(pooled) == 1:
        return 1.0
    equal = sum(sum(count * count for count in Counter(row).values()) - n for row in ratings)
    observed = equal / (len(ratings) * n * (n - 1))
    spread = sum(count / total * (1 - count / total) for count in pooled.values())
    expected = spread / ((n_classes or len(pooled)) - 1)
    return (observed - expected) / (1 - expected)
    # END SOLUTION 1.12


def error_correlation(wrong_a: Sequence[bool], wrong_b: Sequence[bool]) -> float:
    """The correlation phi of the errors of two models on the same items.

    With n11 items on which both are wrong, n10 on which only a, n01 on which only b, n00 on which neither is:
    phi = (n11 n00 - n10 n01) / sqrt((n11 + n10) (n01 + n00) (n11 + n01) (n10 + n00)). 1: they fail on the
    same items, and their agreement says nothing new; 0: unrelated; below 0: one is right where the other
    fails.

    Args:
        wrong_a: per item, is model a wrong?
        wrong_b: the same for model b, the same items in the same order.
    Returns:
        A number in [-1, 1]; NaN if a model is wrong on all items or on none: such errors don't vary.
    Raises:
        ValueError: no items, or as many entries of a as of b are not there.
    Source: Yule 1912, "On the methods of measuring association"; Pearson's correlation of two indicators.
    """
    _require_pairs(wrong_a, wrong_b)
    # TODO 1.13: the four counts, then phi; NaN where a margin is 0.
    # BEGIN SOLUTION 1.13
    import math

    pairs = [(bool(a), bool(b)) for a, b in zip(wrong_a, wrong_b, strict=True)]
    both, only_a, only_b, neither = (
        pairs.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False))
    )
    margins = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    if margins == 0:
        return float("nan")
    return (both * neither - only_a * only_b) / math.sqrt(margins)
    # END SOLUTION 1.13


def independent_agreement(p1: float, p2: float, n_classes: int) -> float:
    """The chance that two models are right, given that they agree, if nothing but chance made them agree.

    If their errors are independent, and a wrong model says each of the K - 1 wrong classes equally often,
    both are right with p1 p2, and both are wrong on the same class with (1 - p1)(1 - p2) / (K - 1). So it is
    p1 p2 / (p1 p2 + (1 - p1)(1 - p2) / (K - 1)): what agreement promises for free. Shared errors (phi > 0)
    keep less than that.

    Args:
        p1: accuracy of one model, in [0, 1].
        p2: accuracy of the other.
        n_classes: K, at least 2.
    Returns:
        A probability; NaN if the two can never agree (one is always right, the other never).
    Raises:
        ValueError: an accuracy outside [0, 1] or NaN, or n_classes below 2.
    Source: Bayes' rule; Hansen and Salamon 1990, "Neural network ensembles", on independent errors.
    """
    # TODO 1.14: right together, over agreeing at all; refuse what is no accuracy.
    # BEGIN SOLUTION 1.14
    if not (0 <= p1 <= 1 and 0 <= p2 <= 1) or n_classes < 2:
        raise ValueError(f"need accuracies in [0, 1] and at least 2 classes: {p1}, {p2}, {n_classes}")
    right = p1 * p2
    wrong = (1 - p1) * (1 - p2) / (n_classes - 1)
    return right / (right + wrong) if right + wrong > 0 else float("nan")
    # END SOLUTION 1.14


def risk_coverage(confidence: Sequence[float], correct: Sequence[bool]) -> tuple[list[float], list[float]]:
    """What share is wrong if only the more confident answers are given, at every possible threshold.

    For each different confidence c, from the highest down: coverage is the share of all items whose
    confidence is at least c, risk the share of wrong ones among these. Items with exactly the same confidence
    come in together: a threshold can't tell them apart, and any order among them would be made up.

    Args:
        confidence: one number an item; only its order counts (shares, probabilities, log-probabilities).
        correct: per item, was the answer right?
    Returns:
        `(coverage, risk)`, two lists with one entry for each different confidence. Coverage rises strictly
        and ends at 1.0; the last risk is the error rate of all items.
    Raises:
        ValueError: no items, as many confidences as verdicts are not there, or a confidence is NaN.
    Source: El-Yaniv and Wiener 2010, "On the foundations of noise-free selective classification".
    """
    _require_pairs(confidence, correct)
    # TODO 1.15: one point for each different confidence, from the highest down.
    # BEGIN SOLUTION 1.15
    import math

    if any(math.isnan(value) for value in confidence):
        raise ValueError("a confidence is NaN: the items can't be ordered")
    coverage, risk = [], []
    for threshold in sorted(set(confidence), reverse=True):
        kept = [bool(right) for value, right in zip(confidence, correct, strict=True) if value >= threshold]
        coverage.append(len(kept) / len(correct))
        risk.append(kept.count(False) / len(kept))
    return coverage, risk
    # END SOLUTION 1.15


def report_record(
    example_id: int,
    gold_output: str,
    predictions: dict[str, str],
    gadget_types: dict[str, str | None],
    normalized_types: dict[str, str | None],
    judgment: dict | None = None,
) -> dict:
    """One entry of `results` in the two published reports, with exactly the published keys.

    `{"example_id", "gold_output", "predictions", "agreement"}`, and agreement is
    `{"full_agreement", "gadget_types", "normalized_types"}`. `full_agreement` is True if every model has a
    normalised label and all of them are the same: None and "" are no labels, and two models that both wrote
    nothing readable don't agree. With a `judgment` agreement also has `semantic_agreement` (a bool) and
    `llm_judgment`, `{"verdict", "explanation"}`; without one neither key is there. The judgment never
    changes `full_agreement`.

    Args:
        example_id: number of the example.
        gold_output: the whole gold output, all three fields.
        predictions: what each model wrote, by model.
        gadget_types: the label as each model wrote it, by model, or None.
        normalized_types: the normalised label, by model, or None.
        judgment: `{"verdict": str | None, "explanation": str, "semantic_agreement": bool}`, or None.
    Returns:
        A new dict of plain values, ready for JSON; the arguments stay as they are.
    Raises:
        ValueError: fewer than two models, or the three dicts don't name the same models.
    Source: the published guide (GUIDE.md), on its two reports.
    """
    if len(predictions) < 2 or not predictions.keys() == gadget_types.keys() == normalized_types.keys():
        named = [[*part] for part in (predictions, gadget_types, normalized_types)]
        raise ValueError(f"need the same models, at least two, in all three dicts: {named}")
    # TODO 1.16: the published keys, full agreement only between labels, the judgment apart.
    # BEGIN SOLUTION 1.16
    labels = list(normalized_types.values())
    agreement = {
        "full_agreement": all(labels) and len(set(labels)) == 1,
        "gadget_types": dict(gadget_types),
        "normalized_types": dict(normalized_types),
    }
    if judgment is not None:
        agreement["semantic_agreement"] = judgment["semantic_agreement"]
        agreement["llm_judgment"] = {name: judgment[name] for name in ("verdict", "explanation")}
    return {
        "example_id": example_id,
        "gold_output": gold_output,
        "predictions": dict(predictions),
        "agreement": agreement,
    }
    # END SOLUTION 1.16


def _require_pairs(a: Sequence, b: Sequence) -> None:
    if len(a) == 0 or len(a) != len(b):
        raise ValueError(f"need two entries an item and at least one item, found {len(a)} and {len(b)}")


def _require_ratings(ratings: Sequence[Sequence]) -> None:
    sizes = {len(row) for row in ratings}
    if len(sizes) != 1 or min(sizes) < 2:
        raise ValueError(f"need the same two ratings or more for each item, found {sorted(sizes)}")
