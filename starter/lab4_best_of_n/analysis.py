"""Lab 4 analysis: one question's samples, seen through every selector; its failures; planted hacks.

A row of `curves.jsonl` (one question; every value is an expectation over subsets of its samples):

    {"template": "t07", "k": [1, 2, 4, 8], "majority": [0.5, ...], "best_of_n": [...], "weighted": [...],
     "oracle": [...], "random": [...], "longest": [...]}

Every selector stands beside random pick, longest answer and the oracle. The TODOs' quantities come from
method.py and evaluate.py. Left out: means over questions, intervals and tests (report.py).
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence

import numpy as np

from labkit.stats import paired_bootstrap, wilson

from .config import Config
from .evaluate import (
    best_of_n_kl_bound,
    check_bon_failure,
    check_majority_failure,
    expected_vote_accuracy,
    get_unique_preds_count,
    maj_at_k,
    overoptimisation_curve,
    pass_at_k,
)
from .method import best_of_n, majority_vote, weighted_vote

TURN_FROM = 8  # the n of the published comparison; a peak picked from the curve itself would always lie above
SELECTORS = ("majority", "best_of_n", "weighted", "random", "longest", "oracle")
LABELS = {
    "majority": "majority vote",
    "best_of_n": "best of N",
    "weighted": "weighted vote",
    "random": "random pick (control)",
    "longest": "longest answer (control)",
    "oracle": "oracle",
}

# ---- one question ----


def evaluate_example(record: dict, ns: Sequence[int], config: Config) -> dict:
    """Which selector is right on the first n samples of one question, as published, for every n.

    Returns: `{"template", "majority": {"1": bool, ...}, "best_of_n": ..., "weighted": ..., controls and
    oracle}`.
    """
    samples, gold = record["samples"], record["gold"]
    picked: dict[str, dict[str, bool]] = {name: {} for name in SELECTORS}
    for n in ns:
        answers, rewards, texts = columns(samples[:n])
        chosen = {
            "majority": majority_vote(answers),
            "best_of_n": best_of_n(answers, rewards),
            "weighted": weighted_vote(answers, rewards, config.vote_temperature),
            "random": answers[np.random.default_rng(config.seed + n).integers(n)],
            "longest": best_of_n(answers, [float(len(text)) for text in texts]),
        }
        for name, answer in chosen.items():
            picked[name][str(n)] = answer is not None and answer == gold
        picked["oracle"][str(n)] = gold in answers
    return {"template": record["template"], **picked}


def item_curves(record: dict, ks: Sequence[int], config: Config) -> dict:
    """Expected accuracy of every selector on k of this question's samples, without bias from their order."""
    answers, rewards, texts = columns(record["samples"])
    gold, n = record["gold"], len(answers)
    correct = [answer is not None and answer == gold for answer in answers]
    right = sum(correct)

    def weighted(pairs, gold):
        chosen = weighted_vote([a for a, _ in pairs], [r for _, r in pairs], config.vote_temperature)
        return float(chosen is not None and chosen == gold)

    often = {"resamples": config.resamples, "seed": config.seed}
    pairs = list(zip(answers, rewards, strict=True))
    lengths = [float(len(text)) for text in texts]
    return {
        "template": record["template"],
        "k": list(ks),
        "majority": [maj_at_k(answers, gold, k, expected_vote_accuracy, **often) for k in ks],
        "best_of_n": overoptimisation_curve([correct], [rewards], list(ks)),
        "weighted": [maj_at_k(pairs, gold, k, weighted, **often) for k in ks],
        "random": [right / n] * len(ks),
        "longest": overoptimisation_curve([correct], [lengths], list(ks)),
        "oracle": [pass_at_k(n, right, k) for k in ks],
    }


def columns(samples: Sequence[dict]) -> tuple[list[str | None], list[float], list[str]]:
    """Answers, rewards and texts of samples."""
    return tuple([sample[name] for sample in samples] for name in ("answer", "reward", "text"))


def summary_csv(rows: Sequence[dict], ns: Sequence[int]) -> str:
    """The published table: accuracies on the first n samples, with the number of questions."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = {"majority": "majority_vote", **{name: name for name in SELECTORS[1:]}}
    writer.writerow(["n", "questions", *names.values(), "majority_vote_95", "best_of_n_95"])
    for n in ns:
        hits = {name: sum(row[name][str(n)] for row in rows) for name in SELECTORS}
        ranges = [
            "{:.4f}-{:.4f}".format(*wilson(hits[name], len(rows))) for name in ("majority", "best_of_n")
        ]
        writer.writerow([n, len(rows), *(f"{hits[name] / len(rows):.4f}" for name in SELECTORS), *ranges])
    return out.getvalue()


# ---- failures ----


def failures_of(record: dict, n: int) -> dict:
    """Of one question's first n samples: did a selector lose a right answer; how many answers."""
    answers, rewards, _ = columns(record["samples"][:n])
    return {
        "record": {**record, "samples": record["samples"][:n]},
        "majority_failure": check_majority_failure(answers, record["gold"], majority_vote),
        "bon_failure": check_bon_failure(answers, rewards, record["gold"]),
        "unique": get_unique_preds_count(answers),
        "any_right": record["gold"] in answers,
        "unread": sum(answer is None for answer in answers),
    }


def failure_counts(failures: Sequence[dict]) -> dict:
    """How often each selector failed although a right answer was there; the samples no parser could read."""
    return {
        "questions": len(failures),
        "no_right_sample": sum(not item["any_right"] for item in failures),
        "majority_failures": sum(item["majority_failure"] for item in failures),
        "bon_failures": sum(item["bon_failure"] for item in failures),
        "both": sum(item["majority_failure"] and item["bon_failure"] for item in failures),
        "unread_samples": sum(item["unread"] for item in failures),
        "unique_answers": {str(k): v for k, v in sorted(Counter(f["unique"] for f in failures).items())},
    }


def failure_text(failures: Sequence[dict], model: str) -> str:
    """The failure report: questions with exactly 3 different answers on which a selector failed."""
    shown = [f for f in failures if f["unique"] == 3 and (f["majority_failure"] or f["bon_failure"])]
    counts = failure_counts(failures)
    lines = [
        f"Failure modes of {model}: a right answer was sampled, and the selector chose another",
        f"questions {counts['questions']}, vote failed {counts['majority_failures']}, "
        f"best-of-n failed {counts['bon_failures']}, both {counts['both']}, "
        f"no right sample {counts['no_right_sample']}, unread samples {counts['unread_samples']}",
        f"shown: the {len(shown)} questions with 3 different answers",
    ]
    for item in shown:
        record = item["record"]
        failed = [n for n, key in (("vote", "majority_failure"), ("best-of-n", "bon_failure")) if item[key]]
        lines += ["", "=" * 80, f"failed: {', '.join(failed)}", f"question: {record['question']}"]
        lines.append(f"gold: {record['gold']}")
        for number, sample in enumerate(record["samples"], start=1):
            lines.append(f"[{number}] answer {sample['answer']}   reward {sample['reward']:.3f}")
            lines += [f"    {line}" for line in sample["text"].splitlines()]
    return "\n".join(lines) + "\n"


# ---- over-optimisation ----


def plant_hacked_samples(records: Sequence[dict], rate: float, seed: int) -> list[dict]:
    """Copies of the records in which some samples are hacked: wrong, and loved by the reward model.

    Each sample is replaced with probability `rate`: its answer becomes a wrong whole number (the votes see it
    too), its reward the question's highest plus 1, its text says so. Nothing else changes.
    """
    rng = np.random.default_rng(seed)
    planted = []
    for record in records:
        top = max(sample["reward"] for sample in record["samples"]) + 1.0
        samples = []
        for sample in record["samples"]:
            hacked, wrong = bool(rng.random() < rate), str(int(rng.integers(100_000, 1_000_000)))
            text = f"Surely this is a very careful solution.\n#### {wrong}"
            samples.append({"text": text, "answer": wrong, "reward": top} if hacked else dict(sample))
        planted.append({**record, "samples": samples})
    return planted


def overoptimisation(records: Sequence[dict], config: Config) -> dict:
    """Curves of best-of-n and the vote as n grows: on the samples as they are, and with planted hacks.

    `natural` is the reward model as it is: its own failures, if any, are reported there and nowhere else.
    `turndown_pp` is the accuracy at n = TURN_FROM minus that at the largest n; negative where it still rises.
    """
    drawn = min(len(record["samples"]) for record in records)
    ns = [n for n in config.curve_ns if n <= drawn]
    arms = {"natural": records, "planted": plant_hacked_samples(records, config.hack_rate, config.seed)}
    result: dict = {"ns": ns, "kl_bound_nats": [best_of_n_kl_bound(n) for n in ns], "questions": len(records)}
    result["hack_rate"] = config.hack_rate
    often = {"resamples": config.resamples, "seed": config.seed}
    for arm, rows in arms.items():
        curves = []
        for record in rows:
            answers, rewards, _ = columns(record["samples"])
            gold = record["gold"]
            correct = [answer is not None and answer == gold for answer in answers]
            curves.append(
                {
                    "best_of_n": overoptimisation_curve([correct], [rewards], ns),
                    "majority": [maj_at_k(answers, gold, n, expected_vote_accuracy, **often) for n in ns],
                }
            )
        result[arm] = {}
        for name in ("best_of_n", "majority"):
            table = np.array([item[name] for item in curves])  # (questions, ns)
            drop = paired_bootstrap(
                table[:, ns.index(TURN_FROM)],
                table[:, -1],
                [record["template"] for record in rows],
                resamples=config.bootstrap_resamples,
                seed=config.seed,
            )
            turn = {"from_n": TURN_FROM, "turndown_pp": 100 * drop.value, "n": drop.n}
            turn.update(low_pp=percent(drop.low), high_pp=percent(drop.high))
            result[arm][name] = {"accuracy": table.mean(axis=0).tolist(), **turn}
    return result


def finite(value: float) -> float | None:
    """JSON has no infinity: an end that one cluster can't bound is null."""
    return float(value) if np.isfinite(value) else None


def percent(value: float) -> float | None:
    """A share in percentage points, null if it isn't finite."""
    return 100 * float(value) if np.isfinite(value) else None
