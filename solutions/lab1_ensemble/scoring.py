"""Lab 1, the judge judged: against gold relations of label pairs, beside string match and a constant.

    found = score_judge(judged, relations, config)     # {"unseen": {"kappa": 0.74, "string_kappa": 0.31, …
    gain(string, semantic, right)                      # what judging all pairs changes, up and down

`relations`: rows `{a, b, relation, split}` of label_relations.jsonl, `judged`: what `judge_pairs` made of
them, in the same order. A verdict that is missing, because a reply could not be read or the orders disagree,
is a class of its own (UNREAD) that is never right. Source of the idea: Zheng et al. 2023, section 4. Left
out: asking the judge (judge.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from labkit.stats import clustered_statistic, wilson

from .analysis import most_common, share
from .config import Config
from .evaluate import cohen_kappa
from .judge import UNREAD, VERDICT_OF
from .method import normalize_gadget_type

AGREEMENT = ("same", "related")


def score_judge(judged: Sequence[dict], relations: Sequence[dict], config: Config) -> dict:
    """Per split of the gold table: kappa beside string match, swap consistency, false agreements."""
    found = {}
    for split in dict.fromkeys(row["split"] for row in relations):
        places = [i for i, row in enumerate(relations) if row["split"] == split]
        found[split] = score_split([judged[i] for i in places], [relations[i] for i in places], config)
    return found


def score_split(judged: Sequence[dict], relations: Sequence[dict], config: Config) -> dict:
    """One split of the gold table."""
    gold = [VERDICT_OF[row["relation"]] for row in relations]
    said = [pair["verdict"] or UNREAD for pair in judged]
    string = [string_verdict(row["a"], row["b"]) for row in relations]
    constant = [most_common(gold)] * len(gold)
    # Pairs that share their first label are judged alike: they are resampled together.
    clusters = [row["a"] for row in relations]
    settings = {"resamples": config.bootstrap_resamples, "seed": config.seed}

    def kappa(verdicts: Sequence[str]):
        return lambda chosen: cohen_kappa([verdicts[i] for i in chosen], [gold[i] for i in chosen])

    def difference(chosen: Sequence[int]) -> float:
        return kappa(said)(chosen) - kappa(string)(chosen)

    own = clustered_statistic(kappa(said), clusters, **settings)
    gap = clustered_statistic(difference, clusters, **settings)
    consistent = [pair["consistent"] for pair in judged]
    replies = [pair[order] for pair in judged for order in ("ab_verdict", "ba_verdict")]
    return {
        "n": len(gold),
        "kappa": own.value,
        "kappa_95": [own.low, own.high],
        "string_kappa": kappa(string)(range(len(gold))),
        "kappa_minus_string": gap.value,
        "kappa_minus_string_95": [gap.low, gap.high],
        "accuracy": share([a == b for a, b in zip(said, gold, strict=True)]),
        "string_accuracy": share([a == b for a, b in zip(string, gold, strict=True)]),
        "constant_accuracy": share([a == b for a, b in zip(constant, gold, strict=True)]),
        "unread_replies": sum(verdict is None for verdict in replies),
        "replies": len(replies),
        "swap_consistency": share(consistent),
        "swap_consistency_95": list(wilson(sum(consistent), len(consistent))),
        "confusion": {
            g: dict(Counter(s for s, h in zip(said, gold, strict=True) if h == g))
            for g in VERDICT_OF.values()
        },
        **false_agreements(judged, relations),
    }


def string_verdict(a: str, b: str) -> str:
    """What string match says of a pair: the same after normalisation, or different."""
    return VERDICT_OF["same" if normalize_gadget_type(a) == normalize_gadget_type(b) else "different"]


def false_agreements(judged: Sequence[dict], relations: Sequence[dict], shown: int = 20) -> dict:
    """The pairs that the judge calls agreement in both orders and the gold table doesn't, to be read."""
    agreed = [(pair, row) for pair, row in zip(judged, relations, strict=True) if pair["semantic_agreement"]]
    wrong = [(pair, row) for pair, row in agreed if row["relation"] not in AGREEMENT]
    missed = sum(
        row["relation"] in AGREEMENT and not pair["semantic_agreement"]
        for pair, row in zip(judged, relations, strict=True)
    )
    return {
        "agreements": len(agreed),
        "false_agreements": len(wrong),
        "false_agreement_95": list(wilson(len(wrong), len(agreed))) if agreed else [None, None],
        "missed_agreements": missed,
        "audit": [
            {"a": row["a"], "b": row["b"], "relation": row["relation"], "verdict": pair["verdict"]}
            for pair, row in wrong[:shown]
        ],
    }


def gain(
    string: Sequence[bool],
    semantic: Sequence[bool],
    right: Sequence[bool],
    frames: Sequence[str],
    config: Config,
) -> dict:
    """What the judge changes on the examples: it sees all of them, so it can also take agreement away.

    Args: per example, do the strings agree, does the judge agree in both orders, are all members right, and
    what it shares with others (its frame: frames are resampled for the interval of the gain, in points)?
    """
    settings = {"resamples": config.bootstrap_resamples, "seed": config.seed}
    change = clustered_statistic(
        lambda chosen: 100 * sum(semantic[i] - string[i] for i in chosen) / len(chosen), frames, **settings
    )
    pairs = list(zip(string, semantic, right, strict=True))
    up = [ok for was, now, ok in pairs if now and not was]
    down = [ok for was, now, ok in pairs if was and not now]
    n = len(pairs)
    return {
        "n": n,
        "string_agreements": sum(string),
        "semantic_agreements": sum(semantic),
        "gain_pp": change.value,
        "gain_95": [change.low, change.high],
        "upgraded": len(up),
        "upgraded_both_right": sum(up),
        "downgraded": len(down),
        "downgraded_both_right": sum(down),
        # The published way: only disagreements are sent to the judge, so nothing can be lost.
        "gain_if_only_disagreements_are_judged_pp": 100 * len(up) / n,
        "agreed_and_right": {
            "string": [sum(ok for was, _, ok in pairs if was), sum(string)],
            "semantic": [sum(ok for _, now, ok in pairs if now), sum(semantic)],
        },
    }


def comparable(found: dict) -> dict:
    """The numbers of the judge that every seed has: without the pairs to read and the table of verdicts."""
    left_out = ("audit", "confusion")
    relations = {
        split: {name: value for name, value in scores.items() if name not in left_out}
        for split, scores in found.get("relations", {}).items()
    }
    return {**found, "relations": relations}


def effects(found: dict) -> dict:
    """The judge's effects, from its part of the metrics: on unseen labels if there are any.

    {} without gold pairs: nothing says then whether the judge is right.
    """
    if not found.get("relations"):
        return {}
    split = found["relations"].get("unseen") or next(iter(found["relations"].values()))
    low, high = split["kappa_95"]
    gap_low, gap_high = split["kappa_minus_string_95"]
    ends = [None if end is None else 100 * end for end in split["swap_consistency_95"]]
    common = {"n": split["n"], "method": "bootstrap by first label"}
    return {
        "judge_kappa": {"value": split["kappa"], "low": low, "high": high, **common},
        "judge_minus_string_kappa": {
            "value": split["kappa_minus_string"],
            "low": gap_low,
            "high": gap_high,
            **common,
        },
        "swap_consistency_pp": {
            "value": 100 * split["swap_consistency"],
            "low": ends[0],
            "high": ends[1],
            "n": split["n"],
            "method": "Wilson",
        },
    }
