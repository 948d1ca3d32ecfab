"""Lab 1 report: what a run found, each claim with its n, its interval and its matched control.

    found = metrics(folder, config)            # everything, as in metrics.json
    effects(found)                             # {"agreed_minus_all_pp": 11.2, ...}, averaged over seeds
    print(table(found))

Intervals come from resampling whole frames, because excerpts of one frame are right or wrong together. Source
of the statistics: labkit.stats. Left out: one example (analysis.py), the judge's own numbers (scoring.py),
plots (figures.py).
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Sequence

from labkit.data import finite, read_jsonl
from labkit.stats import clustered_statistic, mcnemar_exact, n_for_mcnemar, wilson

from . import analysis, scoring
from .analysis import agreeing, correct_of, over_items, rating_of, share
from .config import Config
from .evaluate import cohen_kappa, error_correlation, fleiss_kappa, gwet_ac1, independent_agreement

# What must hold on nano, as a mean over the recorded seeds; in percentage points, kappas as they are.
EFFECT_TARGETS = {
    "format_seq2seq_pp": ">= 80",
    "format_gap_pp": "> 0",
    "agreed_minus_all_pp": "> 0",
    "agreed_minus_two_alike_pp": "> 0",
    "agreed_minus_own_probability_pp": "> 0",
    "agreed_minus_independence_pp": "> 0",
    "beyond_independence_cross_minus_alike_pp": "> 0",
    "phi_alike_minus_cross": "> 0",
    "judge_kappa": ">= 0.6",
    "judge_minus_string_kappa": "> 0",
    "swap_consistency_pp": ">= 80",
}


def metrics(folder, config: Config) -> dict:
    """Everything a run found, from its files; parts of the judge only if it was asked."""
    rows = read_jsonl(folder.file("results/compared_validation.jsonl"))
    held_out = read_jsonl(folder.file("results/compared_held_out.jsonl"))
    train = read_jsonl(folder.file("data/train.jsonl"))
    validation = read_jsonl(folder.file("data/validation.jsonl"))
    losses = {
        name: json.loads(folder.file(f"checkpoints/{name}/training.json").read_text("utf-8"))
        for name in config.models
    }
    lengths = [len(row["input"].split()) for row in validation]
    found = {
        "profile": config.profile,
        "seed": config.seed,
        "members": list(config.members),
        "train_rows": len(train),
        "training_loss": {name: entry["training_loss"] for name, entry in losses.items()},
        "models": {name: model_metrics(rows, name, train, config) for name in config.models},
        "held_out": {name: accuracy_of(held_out, name, config) for name in config.models},
        "untuned": untuned(folder, config),
        "pairs": pairs(rows, config),
        "all_models": all_models(rows, config),
        "votes": votes(rows, config),
        "confidence": analysis.confidence_curves(rows, config.members, partner_of(config)),
        "risk_at": analysis.risk_at(rows, config.members, partner_of(config)),
        "by_type": analysis.by_type(rows, config.members),
        "by_length": analysis.by_length(rows, lengths, config.members),
    }
    found["effects"] = {**ensemble_effects(rows, config)}
    if folder.file("results/judge.json").is_file() and config.use_judge:
        found["judge"] = json.loads(folder.file("results/judge.json").read_text("utf-8"))
        found["judge_scores"] = scoring.comparable(found["judge"])
        found["effects"] |= scoring.effects(found["judge"])
    return finite(found)


def partner_of(config: Config) -> str | None:
    """A control of the same base model as the first member, if one was trained."""
    first = config.models[config.members[0]]
    same = [
        key for key, entry in config.models.items() if entry.name == first.name and entry.role == "control"
    ]
    return same[0] if same else None


# ---- one model ----


def accuracy_of(rows: Sequence[dict], model: str, config: Config) -> dict:
    """Accuracy and format accuracy with n, Wilson's interval and one by frames; unread ones are counted."""
    correct, n = correct_of(rows, model), len(rows)
    formats = [row["models"][model]["format"] for row in rows]
    return {
        "accuracy": share(correct),
        "n": n,
        "wilson_95": list(wilson(sum(correct), n)),
        **interval(lambda chosen: share([correct[i] for i in chosen]), rows, config, "by_frame_95"),
        "exact_label": share([row["models"][model]["normalized"] == row["gold_label"] for row in rows]),
        "format": share(formats),
        "format_wilson_95": list(wilson(sum(formats), n)),
        "unread": sum(row["models"][model]["label"] is None for row in rows),
    }


def model_metrics(rows: Sequence[dict], model: str, train: Sequence[dict], config: Config) -> dict:
    """`accuracy_of`, ROUGE, and two controls on the same items.

    Controls: the most frequent type of the training rows, always; and the model's answers against the gold of
    the next item (shuffled: what it gets without reading the excerpt).
    """
    common = analysis.most_common([analysis.type_of_example(row) for row in train])
    golds = [row["gold_type"] for row in rows]
    said = [row["models"][model]["type"] for row in rows]
    return {
        **accuracy_of(rows, model, config),
        **analysis.rouge(rows, model),
        "control_constant": share([gold == common for gold in golds]),
        "control_shuffled": share([a == b for a, b in zip(said, golds[1:] + golds[:1], strict=True)]),
    }


def untuned(folder, config: Config) -> dict:
    """The members before any tuning, on the first validation items."""
    rows = read_jsonl(folder.file("results/compared_untuned.jsonl"))
    return {name: accuracy_of(rows, name, config) for name in config.members}


# ---- several models ----


def pairs(rows: Sequence[dict], config: Config) -> dict:
    """Every pair of models: how often they agree, beyond chance, in their errors, and right if they agree."""
    return {f"{a}|{b}": pair_metrics(rows, a, b, config) for a, b in itertools.combinations(config.models, 2)}


def pair_metrics(rows: Sequence[dict], a: str, b: str, config: Config) -> dict:
    """One pair. Kappas are over types; `agreed` is equal strings, as published, `agreed_type` equal types.

    `independent`: what two models of these accuracies would reach where their types agree, if nothing but
    chance made them agree.
    """
    right = {name: correct_of(rows, name) for name in (a, b)}
    first, second = rating_of(rows, a), rating_of(rows, b)
    strings, types = agreeing(rows, [a, b]), agreeing(rows, [a, b], "type")
    classes = max(2, len({row["gold_type"] for row in rows}))
    wrong = [[not flag for flag in right[name]] for name in (a, b)]
    accuracies = [share(right[name]) for name in (a, b)]

    def kappa(chosen: Sequence[int]) -> float:
        return cohen_kappa([first[i] for i in chosen], [second[i] for i in chosen])

    def phi(chosen: Sequence[int]) -> float:
        return error_correlation(*([side[i] for i in chosen] for side in wrong))

    def agreed(flags: Sequence[bool]) -> Callable[[Sequence[int]], float]:
        return lambda chosen: over_items(right[a], chosen, lambda i: flags[i])

    everything = range(len(rows))
    return {
        "n": len(rows),
        **interval(
            lambda chosen: share([strings[i] for i in chosen]), rows, config, "agreement_95", "agreement_rate"
        ),
        "agreement_wilson_95": list(wilson(sum(strings), len(rows))),
        "type_agreement_rate": share(types),
        **interval(kappa, rows, config, "kappa_95", "kappa"),
        "kappa_strings": cohen_kappa(rating_of(rows, a, "normalized"), rating_of(rows, b, "normalized")),
        "kappa_correct": cohen_kappa(right[a], right[b]),
        "ac1": gwet_ac1(list(zip(first, second, strict=True))),
        "ac1_correct": gwet_ac1(list(zip(right[a], right[b], strict=True)), 2),
        **interval(phi, rows, config, "phi_95", "phi"),
        **interval(agreed(strings), rows, config, "agreed_95", "agreed"),
        "agreed_n": sum(strings),
        **interval(agreed(types), rows, config, "agreed_type_95", "agreed_type"),
        "agreed_type_n": sum(types),
        "independent": independent_agreement(*accuracies, classes),
        "disagreed": over_items(right[a], everything, lambda i: not strings[i]),
        "both_wrong_same_type": sum(t and not r for t, r in zip(types, right[a], strict=True)),
    }


def all_models(rows: Sequence[dict], config: Config) -> dict:
    """Kappas of all models together, controls included: of their types, and of being right."""
    types = list(zip(*(rating_of(rows, name) for name in config.models), strict=True))
    right = list(zip(*(correct_of(rows, name) for name in config.models), strict=True))
    of_types = interval(
        lambda chosen: fleiss_kappa([types[i] for i in chosen]), rows, config, "fleiss_95", "fleiss"
    )
    return {
        "models": list(config.models),
        "n": len(rows),
        **of_types,
        "fleiss_correct": fleiss_kappa(right),
        "ac1": gwet_ac1(types),
        "ac1_correct": gwet_ac1(right, 2),
    }


def votes(rows: Sequence[dict], config: Config) -> list[dict]:
    """The vote of the members, and with each control as one more voter: tie rules and levels of agreement."""
    controls = [name for name in config.models if name not in config.members]
    teams = [list(config.members), *([*config.members, name] for name in controls)]
    return [
        {
            "models": team,
            "n": len(rows),
            "accuracy": analysis.vote_accuracy(rows, team),
            "by_level": [
                {**level, "wilson_95": list(wilson(level["right"], level["n"])) if level["n"] else [None] * 2}
                for level in analysis.by_level(rows, team)
            ],
            "best_single": max(share(correct_of(rows, name)) for name in team),
        }
        for team in teams
    ]


# ---- effects ----


def ensemble_effects(rows: Sequence[dict], config: Config) -> dict:
    """Format, and what agreement is worth beside what it gets for free."""
    first, second = config.members[:2]
    partner = partner_of(config)
    correct, everything = correct_of(rows, first), list(range(len(rows)))
    own = [row["models"][first]["probability"] for row in rows]
    flags = agreeing(rows, [first, second])
    wrong = {name: [not flag for flag in correct_of(rows, name)] for name in config.models}
    formats = {name: [row["models"][name]["format"] for row in rows] for name in config.members}
    seq2seq = next((m for m in config.members if config.models[m].type == "seq2seq"), first)
    causal = next((m for m in config.members if config.models[m].type == "causal"), second)
    classes = max(2, len({row["gold_type"] for row in rows}))

    def kept(chosen: Sequence[int]) -> float:
        return over_items(correct, chosen, lambda i: flags[i])

    def own_probability(chosen: Sequence[int]) -> float:
        keep = sum(flags[i] for i in chosen)
        return analysis.accuracy_at([own[i] for i in chosen], [correct[i] for i in chosen], keep)

    def beyond_independence(other: str, chosen: Sequence[int]) -> float:
        drawn = [rows[i] for i in chosen]
        accuracies = [share(correct_of(drawn, name)) for name in (first, other)]
        types = agreeing(drawn, [first, other], "type")
        right = over_items(correct_of(drawn, first), range(len(drawn)), lambda i: types[i])
        return right - independent_agreement(*accuracies, classes)

    statistics: dict[str, Callable[[Sequence[int]], float]] = {
        "format_seq2seq_pp": lambda chosen: share([formats[seq2seq][i] for i in chosen]),
        "format_gap_pp": lambda chosen: (
            share([formats[seq2seq][i] for i in chosen]) - share([formats[causal][i] for i in chosen])
        ),
        "agreed_minus_all_pp": lambda chosen: kept(chosen) - share([correct[i] for i in chosen]),
        "agreed_minus_own_probability_pp": lambda chosen: kept(chosen) - own_probability(chosen),
        "agreed_minus_independence_pp": lambda chosen: beyond_independence(second, chosen),
    }
    if partner is not None:
        alike = agreeing(rows, [first, partner])
        statistics["agreed_minus_two_alike_pp"] = lambda chosen: (
            kept(chosen) - over_items(correct, chosen, lambda i: alike[i])
        )
        statistics["beyond_independence_cross_minus_alike_pp"] = lambda chosen: (
            beyond_independence(second, chosen) - beyond_independence(partner, chosen)
        )
        statistics["phi_alike_minus_cross"] = lambda chosen: (
            phi_of(wrong[first], wrong[partner], chosen) - phi_of(wrong[first], wrong[second], chosen)
        )
    effects = {}
    for name, statistic in statistics.items():
        scale = 100 if name.endswith("_pp") else 1
        estimate = clustered_statistic(statistic, [row["frame"] for row in rows], **settings(config))
        ends = {"low": scale * estimate.low, "high": scale * estimate.high}
        sizes = {"n": estimate.n, "clusters": estimate.clusters, "method": "bootstrap by frame"}
        effects[name] = {"value": scale * estimate.value, **ends, **sizes}
    test = mcnemar_exact(*(formats[name] for name in (seq2seq, causal)))
    effects["format_gap_pp"]["mcnemar"] = needed(test)
    effects["agreed_minus_all_pp"]["kept"] = sum(flags[i] for i in everything)
    return effects


def phi_of(one: Sequence[bool], other: Sequence[bool], chosen: Sequence[int]) -> float:
    return error_correlation([one[i] for i in chosen], [other[i] for i in chosen])


def needed(test) -> dict:
    """McNemar's test, with the n that its discordance asks for."""
    gap = abs(test.only_first - test.only_second) / test.n
    return {
        "only_first": test.only_first,
        "only_second": test.only_second,
        "p_value": test.p_value,
        "n_needed": n_for_mcnemar(gap, test.discordance) if gap else None,
    }


def interval(statistic, rows: Sequence[dict], config: Config, name: str, value: str | None = None) -> dict:
    """`{name: [low, high]}` by frames, and `{value: …}` if a name for the value is given."""
    estimate = clustered_statistic(statistic, [row["frame"] for row in rows], **settings(config))
    found = {name: [estimate.low, estimate.high]}
    return {value: estimate.value, **found} if value else found


def settings(config: Config) -> dict:
    return {"resamples": config.bootstrap_resamples, "seed": config.seed}


def effects(found: dict) -> dict[str, float]:
    """The effects of a run by the names of EFFECT_TARGETS, NaN where one isn't defined; without a judge, or
    without a partner of the same architecture, theirs are left out."""
    known = found["effects"]
    values = {name: known[name]["value"] for name in EFFECT_TARGETS if name in known}
    return {name: math.nan if value is None else value for name, value in values.items()}


def table(found: dict) -> str:
    """The effects of one run as text: value, interval, n, target of the mean over seeds."""
    lines = [f"{'effect':34} {'value':>7}  {'95 % interval':>17}  {'n':>6}  target (mean over seeds)"]
    for name, target in EFFECT_TARGETS.items():
        row = found["effects"].get(name)
        if row is None:
            continue
        value, *ends = ["-" if row[end] is None else f"{row[end]:.2f}" for end in ("value", "low", "high")]
        lines.append(f"{name:34} {value:>7}  {' to '.join(ends):>17}  {row['n']:>6}  {target}")
    return "\n".join(lines)
