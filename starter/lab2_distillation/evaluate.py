"""Lab 2 evaluation: reading a model's answers without a default, and numbers that a constant can't fake.

    parse_prediction("The lama is lighter.\\nAnswer: Yes")         # 2.13 True
    parse_prediction("To determine whether the")                  # 2.13 None, where a default would say No
    prediction_report([True, None, False], [True, False, True])   # 2.14 parse rate, rates, accuracy, MCC, ...
    exact_mcnemar(9, 1)                                           # 2.15 0.0215: two models, same questions
    wilson_interval(354, 687)                                     # 2.16 (0.478, 0.553)

Answers are True, False, or None where none could be read. None is counted and is never right. A number that
isn't defined is NaN, never a convenient 0. In texts a line ends at "\\n". Sources stand with each function.
Left out: intervals by entity, which `labkit.stats` resamples (report.py).
"""

from __future__ import annotations

from collections.abc import Sequence


def parse_prediction(text: str) -> bool | None:
    """The answer in what a model wrote, or None. Never a default.

    Stars (`*`) are removed first, and case doesn't matter. The *last* line that begins with `Answer:` (after
    any white space) decides, and what stands behind its colon is read. Without such a line it is the first
    line that isn't blank. What is read must begin with Yes or No, after any spaces; and behind that, after
    any spaces, comes the end of the line or one of `, . ; : !`; or at least one space and a dash (`-`, `–`,
    `—`).
    Anything else is None: "Yes/No", "Yes or no", "No one", "No-one", "Not so", "To determine whether the".

    So "No, the ship that" is No, but "There is no ship" is None; and a model that reasons first and answers
    in its last line is read as well as one that answers at once.

    Args:
        text: what the model generated, without special tokens; may be empty.
    Returns:
        True for yes, False for no, None for a text that doesn't say.
    Raises:
        Nothing for any text.
    Source: the answer form of `training_text`; Zheng et al. 2023 (arXiv 2306.05685) on fixed final forms.
    """
    # TODO 2.13: the last "Answer:" line, else the first line; anchored at its beginning.
    # ---- your code for 2.13 starts here ----
    raise NotImplementedError("TODO 2.13 parse_prediction: see notebooks/lab2_distillation.ipynb, section 13")
    # ---- ends here ----


def prediction_report(predictions: Sequence[bool | None], gold: Sequence[bool]) -> dict:
    """What a list of answers is worth, beside what a constant would get.

    An answer that is None is wrong wherever all items count, and is left out only where the name says
    `parsed`.

    Args:
        predictions: one answer an item, None where none could be read.
        gold: the right answers, True or False, the same items in the same order.
    Returns:
        - `n`; `parsed`, the number of answers that were read; `parse_rate`, parsed / n;
        - `yes_rate`, `no_rate`: answers that are yes (no), over n;
        - `accuracy`: right answers over n; `accuracy_parsed`: right answers over `parsed`;
        - `recall_yes`, `recall_no`: right answers among the items whose gold is yes (no), over all of these;
        - `balanced_accuracy`: the mean of the two recalls, NaN if one of them is; a constant gets 0.5;
        - `mcc`: Matthews' correlation over the parsed items, with TP, FP, FN, TN counted for yes,
          (TP TN - FP FN) / sqrt((TP + FP)(TP + FN)(TN + FP)(TN + FN));
        - `majority`: the share of the more frequent gold answer, what the better constant gets.
        NaN where a denominator is 0.
    Raises:
        ValueError: no items, lists of different lengths, or a gold that isn't True or False.
    Source: Matthews 1975; Brodersen et al. 2010, "The balanced accuracy and its posterior distribution".
    """
    if not gold or len(predictions) != len(gold) or any(type(answer) is not bool for answer in gold):
        raise ValueError(f"need a prediction for each gold answer: {len(predictions)} and {len(gold)}")
    # TODO 2.14: count first (the four cells, and None by gold class), then divide; NaN for 0 / 0.
    # ---- your code for 2.14 starts here ----
    raise NotImplementedError(
        "TODO 2.14 prediction_report: see notebooks/lab2_distillation.ipynb, section 14"
    )
    # ---- ends here ----


def exact_mcnemar(b: int, c: int) -> float:
    """The exact two-sided p-value of two models on the same questions.

    Only the questions on which they differ say anything: b where only the first is right, c where only the
    second is. If both were equally good, each such question would be a fair coin: b ~ Bin(b + c, 1/2). The
    p-value is twice the probability of the smaller count or fewer, and at most 1.

    Args:
        b: questions that only the first model gets right, at least 0.
        c: questions that only the second gets right, at least 0.
    Returns:
        A p-value in (0, 1], also for thousands of questions: the exact number's nearest float (0.0 only where
        no float is that small, beyond 1075 to 0); 1.0 if they never differ.
    Raises:
        ValueError: a negative count.
    Source: McNemar 1947; the exact form is the sign test.
    """
    # TODO 2.15: the lower tail of Bin(b + c, 1/2), twice, at most 1; whole numbers don't overflow.
    # ---- your code for 2.15 starts here ----
    raise NotImplementedError("TODO 2.15 exact_mcnemar: see notebooks/lab2_distillation.ipynb, section 15")
    # ---- ends here ----


def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share, which stays inside [0, 1] and doesn't collapse at 0 or n.

    With p = successes / n and z = 1.959964: centre (p + z²/2n) / (1 + z²/n), and half width
    z / (1 + z²/n) x sqrt(p (1 - p) / n + z²/4n²).

    Args:
        successes: how many of them, 0 to n.
        n: of how many, at least 1.
    Returns:
        `(low, high)`, shares. Where an end is 0 or 1, rounding may put a float some 1e-16 beside it; clipped
        to [0, 1] or not, both are right.
    Raises:
        ValueError: n below 1, or successes outside 0 to n.
    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"need 0 <= successes <= n and n >= 1: {successes}, {n}")
    # TODO 2.16: centre and half width.
    # ---- your code for 2.16 starts here ----
    raise NotImplementedError("TODO 2.16 wilson_interval: see notebooks/lab2_distillation.ipynb, section 16")
    # ---- ends here ----
