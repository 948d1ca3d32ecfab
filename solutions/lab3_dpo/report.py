"""Lab 3 report: what a run found, each claim with its n, its interval and its control.

    found = metrics(folder, config)            # everything, as in metrics.json
    effects(found)                             # {"reward_accuracy_pp": 91.2, ...}, averaged over seeds
    print(table(found))

Accuracies have Wilson's interval; others come from resampling (`labkit.stats`), of answers whole entities, of
pairs whole questions. `draft_control` is what "prefer the answer that the draft gives" would score. A run
without some part (no tasks, no guided rounds) leaves its effects out. Left out: plots (figures.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from labkit.data import finite, read_jsonl
from labkit.stats import clustered_bootstrap, mcnemar_exact, n_for_mcnemar, paired_bootstrap, wilson

from .config import PHASES, Config
from .data import ARMS
from .evaluate import reward_accuracy, win_rate
from .training import losses_of

# Attributions: of the main arm, with another's draft, of the model before training, of random weights.
MISLED = "misled"  # held-out pairs whose draft gives the wrong answer, which the rejected text gives, too
ATTRIBUTED = ("trained", "shuffled", "before", "untrained")
# What must hold on nano, as a mean over the recorded seeds; percentage points unless the name says otherwise.
EFFECT_TARGETS = {
    "reward_accuracy_pp": ">= 80",
    "reward_above_length_pp": "> 0",
    "reward_accuracy_misled_pp": ">= 80",
    "dpo_chosen_ratio_nats": "< 0",
    "cal_dpo_chosen_ratio_nats": ">= 0",
    "dr_dpo_gain_flipped_nats": "> 0",
    "drop_loss_gain_flipped_nats": "> 0",
    "dpo_task_minus_start_pp": "< 0",
    "task_minus_phase_b_pp": ">= -2",
    "task_minus_phase_a_pp": ">= 10",
    "no_draft_cost_pp": ">= 3",
    "shuffled_beyond_no_draft_pp": "> 0",
    "lift_minus_shuffled": "> 0",
    "lift_minus_untrained": "> 0",
    "draft_nats_minus_shuffled": "> 0",
    "question_win_rate_gain_pp": ">= 10",
}


def metrics(folder, config: Config) -> dict:
    """Everything a run found, from its files."""
    arms = {name: arm_metrics(folder, name) for name in ("start", *config.arms)}
    found: dict = {
        "profile": config.profile,
        "seed": config.seed,
        "start_from": config.start_from,
        "trainer": config.trainer,
        "arms": arms,
        "phases": {name: accuracy_of(task_rows(folder, name)) for name in PHASES},
        "ablations": ablations(folder, config),
        "attribution": attribution(folder, config),
        "guided": read_jsonl(folder.file("results/guided.jsonl")) if config.guided_rounds else [],
    }
    found["effects"] = all_effects(found, folder, config)
    return finite(found)


def arm_metrics(folder, name: str) -> dict:
    """Held-out reward accuracy by kind of pair, log-ratios in nats, and task accuracy, of one arm."""
    rows = pair_rows(folder, name)
    by_kind = {}
    for kind in dict.fromkeys(row["kind"] for row in rows):
        own = [row for row in rows if row["kind"] == kind]
        scored = reward_accuracy(
            [row["gap"] for row in own],
            [row["chosen_tokens"] for row in own],
            [row["rejected_tokens"] for row in own],
        )
        right = round(scored["accuracy"] * len(own))
        followed = [row["draft_prefers"] for row in own if row["draft_prefers"] is not None]
        by_kind[kind] = {
            **scored,
            "wilson_95": list(wilson(right, len(own))),
            "draft_control": mean(followed),
        }
    rows = held_out(folder, name)
    return {
        "pairs": by_kind,
        "chosen_ratio_nats": mean([row["chosen_ratio"] for row in rows]),
        "rejected_ratio_nats": mean([row["rejected_ratio"] for row in rows]),
        "headroom_nats": mean([-row["ref_chosen"] for row in rows]),
        "tasks": accuracy_of(task_rows(folder, name)),
    }


def pair_rows(folder, name: str) -> list[dict]:
    """Log-ratios of all held-out pairs under an arm or the start."""
    return read_jsonl(folder.file(f"results/pairs_{name}.jsonl"))


def held_out(folder, name: str) -> list[dict]:
    """The same of pairs like those of training: without the misled ones."""
    return [row for row in pair_rows(folder, name) if row["kind"] != MISLED]


def task_rows(folder, name: str) -> list[dict]:
    """Answers to the test questions, of an arm, of the start, or of one of Lab 2's phases."""
    return read_jsonl(folder.file(f"results/tasks_{name}.jsonl"))


def right_answers(rows: Sequence[dict]) -> int:
    return sum(row["correct"] for row in rows)


def accuracy_of(rows: Sequence[dict]) -> dict:
    """Accuracy with n and Wilson's interval, and how many answers couldn't be read."""
    right = right_answers(rows)
    if not rows:
        return {"n": 0, "accuracy": None, "wilson_95": [None, None], "unread": 0}
    return {
        "n": len(rows),
        "accuracy": right / len(rows),
        "wilson_95": list(wilson(right, len(rows))),
        "unread": sum(row["answer"] is None for row in rows),
    }


def ablations(folder, config: Config) -> dict:
    """Each arm of the ablation against the full prompt, on the same questions, paired."""
    rows = {arm: read_jsonl(folder.file(f"results/ablation_{arm}.jsonl")) for arm in ARMS}
    full = rows["full"]
    found = {"full": accuracy_of(full)}
    for arm in ARMS[1:]:
        found[arm] = {**accuracy_of(rows[arm])}
        if full:
            found[arm]["cost"] = paired(full, rows[arm], config)
    return found


def paired(first: Sequence[dict], second: Sequence[dict], config: Config) -> dict:
    """First minus second in points, with its interval by entity, and the n that the discordance asks for."""
    one, two = ([row["correct"] for row in rows] for rows in (first, second))
    settings = {"resamples": config.bootstrap_resamples, "seed": config.seed}
    estimate = paired_bootstrap(one, two, [row["entity"] for row in first], **settings)
    test = mcnemar_exact(one, two)
    gap = abs(test.only_first - test.only_second) / test.n
    return {
        "value_pp": 100 * estimate.value,
        "low_pp": 100 * estimate.low,
        "high_pp": 100 * estimate.high,
        "n": estimate.n,
        "clusters": estimate.clusters,
        "p_value": test.p_value,
        "discordance": test.discordance,
        "n_needed": n_for_mcnemar(gap, test.discordance) if gap else None,
    }


def attribution(folder, config: Config) -> dict:
    """Mean lift and nats of the draft, the same of what it is compared with, its free mass share, and the
    worst completeness error."""
    found = {}
    for name in ATTRIBUTED:
        rows = read_jsonl(folder.file(f"results/attribution_{name}.jsonl")) if config.attributed else []
        found[name] = {
            "n": len(rows),
            "lift": mean([row["lift"] for row in rows]),
            "draft_nats": mean([row["draft_nats"] for row in rows]),
            "token_share": mean([row["token_share"] for row in rows]),
            "completeness_error": max([row["completeness_error"] for row in rows], default=math.nan),
        }
    return found


def all_effects(found: dict, folder, config: Config) -> dict[str, dict]:
    """The effects that this run has the arms for; value, n, and an interval where there is one."""
    arms, values = found["arms"], {}
    pairs = arms[config.main_arm]["pairs"].get("matched")
    options = {"resamples": config.bootstrap_resamples, "seed": config.seed}
    if pairs:
        values["reward_accuracy_pp"] = accuracy_effect(pairs)
        values["reward_above_length_pp"] = accuracy_effect(pairs, pairs["length_control"])
    if MISLED in arms[config.main_arm]["pairs"]:
        values["reward_accuracy_misled_pp"] = accuracy_effect(arms[config.main_arm]["pairs"][MISLED])
    for name in ("dpo", "cal_dpo"):
        if name in arms:
            rows = held_out(folder, name)
            ratios, questions = [row["chosen_ratio"] for row in rows], [row["qid"] for row in rows]
            values[f"{name}_chosen_ratio_nats"] = value_of(clustered_bootstrap(ratios, questions, **options))
    for effect, plain, robust in (
        ("dr_dpo_gain_flipped_nats", "dpo_flipped", "dr_dpo_flipped"),
        ("drop_loss_gain_flipped_nats", "drop_random_flipped", "drop_loss_flipped"),
    ):
        if plain in arms and robust in arms:
            losses = [held_out_losses(folder, name, config) for name in (plain, robust)]
            questions = [row["qid"] for row in held_out(folder, plain)]
            values[effect] = value_of(paired_bootstrap(*losses, questions, **options))
    values |= task_effects(found, folder, config)
    values |= attribution_effects(folder, config, options)
    if found["guided"]:
        values["question_win_rate_gain_pp"] = win_rate_effect(folder, options)
    return values


def accuracy_effect(scored: dict, control: float = 0.0) -> dict:
    """Reward accuracy in points, above a control if there is one, with Wilson's interval."""
    value, (low, high) = scored["accuracy"], scored["wilson_95"]
    ends = {name: 100 * (end - control) for name, end in (("value", value), ("low", low), ("high", high))}
    return {**ends, "n": scored["n"]}


def attribution_effects(folder, config: Config, options: dict) -> dict[str, dict]:
    """Lift and nats of the trained model's drafts above their nulls, paired by question."""
    if not config.attributed:
        return {}
    rows = {
        name: {row["qid"]: row for row in read_jsonl(folder.file(f"results/attribution_{name}.jsonl"))}
        for name in ATTRIBUTED
    }
    values = {}
    for key, null in (("lift", "shuffled"), ("lift", "untrained"), ("draft_nats", "shuffled")):
        both = [qid for qid in rows["trained"] if qid in rows[null]]
        if both:
            one, two = ([rows[name][qid][key] for qid in both] for name in ("trained", null))
            values[f"{key}_minus_{null}"] = value_of(paired_bootstrap(one, two, **options))
    return values


def win_rate_effect(folder, options: dict) -> dict:
    """How far the last round's drafts win above 50 %, against those before any preference training."""
    rows = read_jsonl(folder.file("results/guided_questions.jsonl"))
    last = [row for row in rows if row["round"] == max(row["round"] for row in rows)]
    gains = [100 * (win_rate([row["ab"]], [row["ba"]])["win_rate"] - 0.5) for row in last]
    return value_of(clustered_bootstrap(gains, [row["entity"] for row in last], **options))


def held_out_losses(folder, name: str, config: Config) -> list[float]:
    """Minus the log-probability, in nats, that an arm's rewards give to each held-out preference, unflipped:
    its DPO loss. Reward accuracy says less: on nano it is near 100 % whatever was flipped."""
    gaps = [row["gap"] for row in held_out(folder, name)]
    nothing = torch.zeros(len(gaps))
    return losses_of((torch.tensor(gaps), nothing, nothing, nothing), config.beta).tolist()


def value_of(estimate) -> dict:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high, "n": estimate.n}


def task_effects(found: dict, folder, config: Config) -> dict[str, dict]:
    """Against both phases of Lab 2, and what the draft is worth: none where there are no tasks."""
    if not found["ablations"]["full"]["n"]:
        return {}
    trained, values = task_rows(folder, config.main_arm), {}
    before = {name: task_rows(folder, name) for name in (*PHASES, "start")}
    if config.start_from == "phase_b":  # asked both ways, without a draft and with one: the better counts
        before["phase_b"] = max(before["phase_b"], before["start"], key=right_answers)
    if "dpo" in config.arms:
        values["dpo_task_minus_start_pp"] = ends_of(paired(task_rows(folder, "dpo"), before["start"], config))
    for phase in PHASES:
        values[f"task_minus_{phase}_pp"] = ends_of(paired(trained, before[phase], config))
    costs = {arm: found["ablations"][arm]["cost"] for arm in ARMS[1:]}
    values["no_draft_cost_pp"] = ends_of(costs["no_draft"])
    drafts = [read_jsonl(folder.file(f"results/ablation_{arm}.jsonl")) for arm in ("no_draft", "shuffled")]
    values["shuffled_beyond_no_draft_pp"] = ends_of(paired(*drafts, config))
    return values


def ends_of(row: dict) -> dict:
    return {"value": row["value_pp"], "low": row["low_pp"], "high": row["high_pp"], "n": row["n"]}


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


def effects(found: dict) -> dict[str, float]:
    """The effects of a run by the names of EFFECT_TARGETS, NaN where one isn't defined; parts that a run
    doesn't have are left out."""
    known = found["effects"]
    values = {name: known[name]["value"] for name in EFFECT_TARGETS if name in known}
    return {name: math.nan if value is None else value for name, value in values.items()}


def table(found: dict) -> str:
    """The effects of one run as text: value, interval, n, target of the mean over seeds."""
    lines = [f"{'effect':32} {'value':>8}  {'95 % interval':>17}  {'n':>5}  target (mean over seeds)"]
    for name, target in EFFECT_TARGETS.items():
        row = found["effects"].get(name)
        if row is None:
            continue
        value, *ends = [
            "-" if row.get(key) is None else f"{row[key]:.2f}" for key in ("value", "low", "high")
        ]
        n = row.get("n", "-")
        lines.append(f"{name:32} {value:>8}  {' to '.join(ends):>17}  {n:>5}  {target}")
    return "\n".join(lines)
