"""Lab 4 evaluation: how good a choice is, how sure we can be, and where it fails.

    expected_vote_accuracy(["7", "5"], "5")             # 4.8   0.5: a tie, broken at random
    pass_at_k(n=8, c=2, k=4)                            # 4.11  0.7857: any of 4 is right
    maj_at_k(answers, "12", 8, expected_vote_accuracy)  # 4.12  the vote at k = 8, from 64 samples
    overoptimisation_curve(correct, rewards, [1, 2, 4]) # 4.17  best-of-n as n grows, exactly

Answers are canonical texts or None ("no answer could be read"), as from `canonical_answer`. None is not a
vote and is never right. A gold answer is never None: where both could be None, a parser that reads nothing
would score 1.000. Sources stand with each function. Left out: intervals and paired tests, which
`labkit.stats` takes from statsmodels and scipy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence


def expected_vote_accuracy(answers: list[str | None], gold: str) -> float:
    """The chance that a majority vote is right if ties are broken at random.

    Among the answers with the highest count (None is not a vote), the share that equals gold:
    1 if gold wins alone, 1/2 if it ties with one other, 1/3 with two others, 0 if it is not at the top.
    No votes: 0.0.

    Args:
        answers: canonical answers; their order doesn't matter.
        gold: canonical answer.
    Returns:
        A probability in [0, 1].
    Raises:
        ValueError: gold is None.
    Source: the expectation of self-consistency (Wang et al. 2022) over a random tie-break.
    """
    # TODO 4.8: the share of the tied most frequent answers that is right.
    # ---- your code for 4.8 starts here ----
    raise NotImplementedError(
        "TODO 4.8 expected_vote_accuracy: see notebooks/lab4_best_of_n.ipynb, section 8"
    )
    # ---- ends here ----


def pass_at_k(n: int, c: int, k: int) -> float:
    """The chance that at least one of k samples is right, estimated without bias from n samples, c right.

    It is 1 - C(n - c, k) / C(n, k): over all ways to draw k of the n samples without replacement, the share
    that holds a right one. n = 8, c = 2 gives .25, .4643, .7857, 1.0 at k = 1, 2, 4, 8. (The plug-in
    1 - (1 - c/n)^k draws with replacement: .684 at k = 4, too low.) It must stay exact to 1e-9 (relative) and
    fast for n in the hundreds of thousands, where binomials have thousands of digits: write the quotient as a
    product.

    Args:
        n: samples drawn, at least 1.
        c: right ones among them, 0 to n.
        k: samples we may look at, 1 to n.
    Returns:
        A probability in [0, 1]; exactly 0.0 if c = 0, exactly 1.0 if fewer than k samples are wrong.
    Raises:
        ValueError: k > n (nothing to estimate it from), k < 1, c < 0 or c > n.
    Source: Chen et al. 2021 (arXiv 2107.03374), Eq. 1.
    """
    if c < 0 or c > n:
        raise ValueError(f"c right samples among n: need 0 <= c <= n, found c={c}, n={n}")
    # TODO 4.11: 1 - C(n - c, k) / C(n, k) as a product; refuse k outside 1 .. n.
    # ---- your code for 4.11 starts here ----
    raise NotImplementedError("TODO 4.11 pass_at_k: see notebooks/lab4_best_of_n.ipynb, section 11")
    # ---- ends here ----


def maj_at_k(
    answers: Sequence,
    gold: str,
    k: int,
    score: Callable[[list, str], float],
    *,
    resamples: int = 200,
    seed: int = 0,
) -> float:
    """What choosing among k samples is worth, estimated from all n samples and not from the first k.

    Draw `resamples` subsets of k of the n answers *without* replacement, call `score(subset, gold)` on
    each, return the mean. The answers of a subset are in their original order (a tie rule may depend on it).
    For k = n there is only one subset: `score` is called once, on all answers. `score` decides everything
    else, so `answers` may hold anything it understands, also None or (answer, reward) pairs.

    Args:
        answers: the n samples' answers; never changed.
        gold: handed on to `score`.
        k: subset size, 1 to n.
        score: (list of k answers, gold) -> value, usually in [0, 1], for example `expected_vote_accuracy`.
        resamples: subsets to draw, at least 1 (ignored if k = n).
        seed: of a random generator of its own: same seed, same result, and no global random state touched.
    Returns:
        A mean in the unit of `score`.
    Raises:
        ValueError: gold is None; k < 1 or k > n; resamples < 1.
    Source: Lewkowycz et al. 2022 (Minerva, arXiv 2206.14858), maj1@k; subsets as in Chen et al. 2021.
    """
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, found {resamples}")
    # TODO 4.12: mean score over random k-subsets without replacement; k = n is exact.
    # ---- your code for 4.12 starts here ----
    raise NotImplementedError("TODO 4.12 maj_at_k: see notebooks/lab4_best_of_n.ipynb, section 12")
    # ---- ends here ----


def best_of_n_kl_bound(n: int) -> float:
    """How far best-of-n can at most move from the model it samples from: log n - (n - 1)/n.

    An upper bound of KL(best-of-n || model), whatever the reward; not its value, which is smaller where
    samples repeat. n = 1, 2, 4, 8, 64 give 0, .193, .636, 1.204, 3.175.

    Args:
        n: samples to choose from, at least 1.
    Returns:
        nats (natural logarithm).
    Raises:
        ValueError: n < 1.
    Source: Stiennon et al. 2020, appendix; shown to be a bound by Beirami et al. 2024 (arXiv 2401.01879).
    """
    # TODO 4.13: the bound in nats; refuse n < 1.
    # ---- your code for 4.13 starts here ----
    raise NotImplementedError("TODO 4.13 best_of_n_kl_bound: see notebooks/lab4_best_of_n.ipynb, section 13")
    # ---- ends here ----


def check_majority_failure(
    answers: list[str | None], gold: str, vote: Callable[[list[str | None]], str | None]
) -> bool:
    """Did the vote lose a right answer that was there?

    Args:
        answers: canonical answers of all samples of one question.
        gold: canonical answer.
        vote: answers -> chosen answer or None, for example `majority_vote`; called with all `answers`,
            None included. Whatever it returns counts, also None.
    Returns:
        True if gold is among the answers and the vote's choice is not gold. False if the vote is right, and
        also if no sample was right: then the samples failed, not the vote.
    Raises:
        ValueError: gold is None.
    Source: the failure analysis of the published assignment (see GUIDE.md).
    """
    # TODO 4.14: a right answer exists, and the vote chose another.
    # ---- your code for 4.14 starts here ----
    raise NotImplementedError(
        "TODO 4.14 check_majority_failure: see notebooks/lab4_best_of_n.ipynb, section 14"
    )
    # ---- ends here ----


def check_bon_failure(answers: list[str | None], rewards: list[float], gold: str) -> bool:
    """Did the reward model prefer a wrong sample to a right one that was there?

    The chosen sample is the one with the highest reward, the earliest of equals, whether or not its
    answer could be read.

    Args:
        answers: N canonical answers of one question.
        rewards: N rewards, in the same order; finite (4.9 refuses others).
        gold: canonical answer.
    Returns:
        True if gold is among the answers and the chosen sample's answer is not gold (None included). False if
        the choice is right, and also if no sample was right, or there is none.
    Raises:
        ValueError: gold is None; as many answers as rewards are not there.
    Source: the failure analysis of the published assignment (see GUIDE.md).
    """
    if len(answers) != len(rewards):
        raise ValueError(f"{len(answers)} answers but {len(rewards)} rewards: they must go in pairs")
    # TODO 4.15: a right answer exists, and the sample with the highest reward has another.
    # ---- your code for 4.15 starts here ----
    raise NotImplementedError("TODO 4.15 check_bon_failure: see notebooks/lab4_best_of_n.ipynb, section 15")
    # ---- ends here ----


def get_unique_preds_count(answers: list[str | None]) -> int:
    """How many different answers a question got. None is not an answer and isn't counted.

    Args:
        answers: canonical answers; may be empty.
    Returns:
        A count, 0 if nothing could be read.
    Raises:
        Nothing.
    Source: the failure analysis of the published assignment (see GUIDE.md).
    """
    # TODO 4.16: count the different answers, None left out.
    # ---- your code for 4.16 starts here ----
    raise NotImplementedError(
        "TODO 4.16 get_unique_preds_count: see notebooks/lab4_best_of_n.ipynb, section 16"
    )
    # ---- ends here ----


def overoptimisation_curve(
    correct: list[list[bool]], rewards: list[list[float]], ns: list[int]
) -> list[float]:
    """The accuracy of best-of-n as n grows, exactly: expected over all n-subsets of each item's samples.

    For one item with N samples and a given n, best-of-n looks at n of them, each of the C(N, n) subsets
    equally likely, and takes the one with the highest reward; of equal rewards the earlier index wins.
    Order the samples by reward, best first (equal rewards by index). The sample at place j = 0, 1, ... is
    taken when it is in the subset and none of the j before it is: probability C(N-1-j, n-1) / C(N, n). Sum
    that over the right samples, then take the mean over items. No sampling, no seed: the value is exact,
    also for 64 samples. If the curve rises and then falls, the reward is being over-optimised.

    Args:
        correct: per item, N bools: is the sample right?
        rewards: per item, N rewards in the same order; N may differ between items.
        ns: subset sizes, in any order, also repeated.
    Returns:
        One accuracy in [0, 1] for each entry of `ns`, in its order; n = 1 gives the share of right samples.
    Raises:
        ValueError: no items; an item with different numbers of `correct` and `rewards`; an n below 1 or above
            the N of any item; a reward is NaN.
    Source: Gao et al. 2022 (arXiv 2210.10760), section 2; subsets as in Chen et al. 2021.
    """
    if not correct or [len(row) for row in correct] != [len(row) for row in rewards]:
        raise ValueError("need at least one item, and one reward for each sample of each item")
    # TODO 4.17: order by reward; add up the chances of the right samples to be the best of n.
    # ---- your code for 4.17 starts here ----
    raise NotImplementedError(
        "TODO 4.17 overoptimisation_curve: see notebooks/lab4_best_of_n.ipynb, section 17"
    )
    # ---- ends here ----
