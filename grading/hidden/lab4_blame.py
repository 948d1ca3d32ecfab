"""From wrong results to the words that name the mistake.

The tables below say what each likely mistake gives; `judging.judge` names the one that explains all results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from . import lab4_oracles as oracle
from .lab4_oracles import Answers

# ---- what likely mistakes give ----


def vote_mistakes(answers: Answers) -> dict[str, str | None]:
    votes = oracle.tally(answers)
    everyone = [*dict.fromkeys(answers)]
    top = max(votes.values(), default=0)
    tied = [answer for answer, count in votes.items() if count == top]
    reached = [a for i, a in enumerate(answers) if a is not None and answers[: i + 1].count(a) == top]
    last_seen = {answer: i for i, answer in enumerate(answers)}
    first = "the earliest answer wins"
    return {
        "None was counted as a vote: leave it out before you count": max(
            everyone, key=answers.count, default=None
        ),
        f"a tie went to the answer that reached the top count first; {first}": [*reached, None][0],
        f"a tie went to the answer seen last; {first}": max(tied, key=last_seen.get, default=None),
        f"a tie went to the answer whose first vote came last; {first}": [None, *tied][-1],
        f"a tie went to the largest text; {first}": max(tied, default=None),
        f"a tie went to the smallest text; {first}": min(tied, default=None),
        "the first answer was taken, not the most frequent": [*answers, None][0],
        "no winner is None, not an empty text": oracle.earliest_winner(answers) or "",
        "no winner is None, not the text 'None'": oracle.earliest_winner(answers) or "None",
    }


def expectation_mistakes(answers: Answers, gold: str) -> dict[str, float]:
    def top_of(votes: dict) -> list:
        return [answer for answer, count in votes.items() if count == max(votes.values())]

    votes = oracle.tally(answers)
    top = top_of(votes)
    with_none = top_of(oracle.tally(["none" if answer is None else answer for answer in answers]))
    mine = votes.get(gold, 0)
    return {
        "None took part in the vote: leave it out before you count": with_none.count(gold)
        / max(1, len(with_none)),
        "a tie counts as fully right; it is right with the chance that gold is drawn": float(gold in top),
        "a tie counts as wrong; it is right with the chance that gold is drawn": float(top == [gold]),
        "a tie was broken by order; the expectation over a random tie-break is asked": float(
            oracle.earliest_winner(answers) == gold
        ),
        "that is gold's share of the votes; only the tied winners count": mine / max(1, sum(votes.values())),
        "that is gold's share of the samples; only the tied winners count": mine / max(1, len(answers)),
        "it was divided by the number of different answers, not of the tied winners": (
            float(top == [gold]) if len(top) == 1 else (gold in top) / max(1, len(votes))
        ),
    }


def best_mistakes(answers: Answers, rewards: list[float]) -> dict[str, str | None]:
    pairs = list(zip(answers, rewards, strict=True))
    read = [(a, r) for a, r in pairs if a is not None]
    sums = {a: sum(r for b, r in pairs if a == b) for a in oracle.tally(answers)}
    best = [a for a, r in pairs if r == max(rewards)]
    named = [a for a in best if a is not None]
    return {
        "samples without a readable answer were skipped; nothing is filtered here": (
            read[oracle.top_index([r for _, r in read])][0] if read else None
        ),
        "the lowest reward was taken": answers[rewards.index(min(rewards))],
        "of equal rewards the last was taken; the earliest wins": best[-1],
        "of equal rewards the smallest answer was taken; the earliest wins": min(named, default=None),
        "of equal rewards the largest answer was taken; the earliest wins": max(named, default=None),
        "the reward furthest from zero was taken; the highest wins": answers[
            oracle.top_index([abs(r) for r in rewards])
        ],
        "rewards of equal answers were added up; that is a weighted vote": max(
            sums, key=sums.get, default=None
        ),
        "that is the majority vote; the rewards decide here": oracle.earliest_winner(answers),
    }


def weighted_mistakes(answers: Answers, rewards: list[float], temperature: float) -> dict[str, str | None]:
    pairs = list(zip(answers, rewards, strict=True))
    voters = [a for a, _ in pairs if a is not None]
    rows = {a: [r for b, r in pairs if a == b] for a in oracle.tally(answers)}
    named = ["none" if a is None else a for a in answers]
    with_none = oracle.weighted_winner(named, rewards, temperature)
    sums = {a: oracle.weighted_totals([a] * len(row), row, temperature)[a] for a, row in rows.items()}
    return {
        "the temperature was not used": oracle.weighted_winner(answers, rewards, 1.0),
        "rewards were multiplied by the temperature; divide by it": oracle.weighted_winner(
            answers, rewards, 1 / temperature
        ),
        "the rewards themselves were added up; their exponentials are the weights": max(
            rows, key=lambda a: sum(rows[a]), default=None
        ),
        "the mean weight decides; the weights of an answer are added up": max(
            rows, key=lambda a: sums[a] / len(rows[a]), default=None
        ),
        "only the highest reward counts; that is best-of-n": (
            voters[oracle.top_index([r for a, r in pairs if a is not None])] if voters else None
        ),
        "None was given a weight: it is not a vote": None if with_none == "none" else with_none,
        "that is the majority vote; weigh the votes by exp(reward / temperature)": oracle.earliest_winner(
            answers
        ),
        "the earliest answer was taken: did every weight become 0 or infinite?": [*voters, None][0],
    }


def pass_mistakes(n: int, c: int, k: int) -> dict[str, float]:
    return {
        "that is the plug-in 1 - (1 - c/n)^k, which draws with replacement and is too low": 1
        - (1 - c / n) ** k,
        "that is the chance that all k are wrong; one minus it is asked": 1 - oracle.pass_exactly(n, c, k),
        "that is the chance that all k are right; one right sample is enough": (
            1 - oracle.pass_exactly(n, n - c, k)
        ),
        "that is c/n, the share of right samples, whatever k is": c / n,
        "that is c·k/n capped at 1: chances of overlapping events don't add up": min(1.0, c * k / n),
    }


def kl_mistakes(n: int) -> dict[str, float]:
    rest = (n - 1) / n
    likely = {
        "the term (n - 1)/n is missing": np.log(n),
        "that is in bits; nats are asked (natural logarithm)": (np.log(n) - rest) / np.log(2),
        "the logarithm is to base 2; nats are asked (natural logarithm)": np.log2(n) - rest,
        "the logarithm is to base 10; nats are asked (natural logarithm)": np.log10(n) - rest,
        "the term is (n - 1)/n, not 1/n": np.log(n) - 1 / n,
        "the term (n - 1)/n is subtracted, not added": np.log(n) + rest,
        "the sign is turned round: a divergence is not negative": rest - np.log(n),
        "1 was subtracted instead of (n - 1)/n": np.log(n) - 1,
    }
    return {words: float(value) for words, value in likely.items()}


def vote_failure_mistakes(answers: Answers, gold: str, choose: Callable) -> dict[str, bool]:
    there, read = gold in answers, [answer for answer in answers if answer is not None]
    chosen = choose(answers)
    return {
        "no sample was right: then the samples failed, not the vote": chosen != gold,
        "that is whether the vote is right; the failure is asked": chosen == gold,
        "that is whether a right answer is there; the vote must also have missed it": there,
        "a vote of your own was used; `vote` decides": there and oracle.earliest_winner(answers) != gold,
        "`vote` was called without the answers that are None; it is called with all answers": there
        and choose(read) != gold,
        "a vote that chooses None misses a right answer too": there and chosen not in (None, gold),
        "that is whether the vote lost nothing; the failure is asked": not (there and chosen != gold),
    }


def bon_failure_mistakes(answers: Answers, rewards: list[float], gold: str) -> dict[str, bool]:
    if not answers:
        return {"no sample was right: then the samples failed, not the reward": True}
    there, chosen = gold in answers, answers[oracle.top_index(rewards)]
    best = [a for a, r in zip(answers, rewards, strict=True) if r == max(rewards)]
    skipping = best_mistakes(answers, rewards)[
        "samples without a readable answer were skipped; nothing is filtered here"
    ]
    return {
        "no sample was right: then the samples failed, not the reward": chosen != gold,
        "that is whether best-of-n is right; the failure is asked": chosen == gold,
        "that is whether a right answer is there; the choice must also have missed it": there,
        "of equal rewards the last was taken; the earliest wins": there and best[-1] != gold,
        "one right answer among equal rewards is not enough; the earliest wins": there and gold not in best,
        "samples without a readable answer were skipped; a chosen None is a failure too": there
        and skipping != gold,
        "a chosen None is a failure too": there and chosen not in (None, gold),
        "the lowest reward was taken": there and answers[rewards.index(min(rewards))] != gold,
        "that is the failure of the majority vote; the rewards decide here": there
        and oracle.earliest_winner(answers) != gold,
        "that is whether best-of-n lost nothing; the failure is asked": not (there and chosen != gold),
    }


def count_mistakes(answers: Answers) -> dict[str, int]:
    votes = oracle.tally(answers)
    return {
        "None was counted as an answer": len({*answers}),
        "one was subtracted for None although there is none": max(0, len({*answers}) - 1),
        "that is the number of answers; each different one counts once": sum(votes.values()),
        "that is the number of samples; each different answer counts once": len(answers),
        "only answers that occur once were counted": list(votes.values()).count(1),
        "that is the count of the most frequent answer": max(votes.values(), default=0),
    }


def curve_mistakes(
    correct: list[list[bool]], rewards: list[list[float]], ns: list[int]
) -> dict[str, list[float]]:
    items = list(zip(correct, rewards, strict=True))
    right = oracle.mean_curve(correct, rewards, ns)
    samples = sum(map(len, correct))

    def pooled(n: int) -> float:
        return sum(float(oracle.share_of_subsets(c, r, n)) * len(c) for c, r in items) / samples

    def mean(values: Iterable[float]) -> float:
        return sum(values) / len(correct)

    return {
        "only the first n samples were looked at; average over all n-subsets": oracle.first_n_curve(
            correct, rewards, ns
        ),
        "of equal rewards the later index won; the earlier one does": oracle.mean_curve(
            [row[::-1] for row in correct], [row[::-1] for row in rewards], ns
        ),
        "the lowest reward was taken": oracle.mean_curve(correct, [[-r for r in row] for row in rewards], ns),
        "subsets were drawn with replacement; a subset holds no sample twice": [
            mean(oracle.share_with_replacement(c, r, n) for c, r in items) for n in ns
        ],
        "items were added up, not averaged": [value * len(correct) for value in right],
        "items with more samples weigh more; every item counts the same": [pooled(n) for n in ns],
        "that is the chance that any of n is right; best-of-n must also choose it": [
            mean(oracle.pass_exactly(len(c), sum(c), n) for c in correct) for n in ns
        ],
        "the values are in the order of sorted ns, not of `ns`": oracle.mean_curve(
            correct, rewards, sorted(ns)
        ),
        "the curve is flat at the share of right samples: n plays no part": [
            mean(sum(c) / len(c) for c in correct)
        ]
        * len(ns),
        "that is the accuracy at the largest n for every n": [
            mean(float(c[oracle.top_index(r)]) for c, r in items)
        ]
        * len(ns),
    }
