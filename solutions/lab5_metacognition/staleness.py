"""Lab 5 report of the three phases: each judge, what was learned, and where self-knowledge went stale.

    found = phases(folder, config)          # {"judges": …, "knowledge": …, "stale": …, "changes": …}
    found["changes"]["stale_on_learned"]    # {"pp": 24.1, "low": 16.0, "high": 31.8, "n": 61, …}

Under-confidence is what the model can do now (right in at least half of the trials, which is what judges are
trained to say) minus the judge's confidence. The groups are questions about entities that both judges left
out of their training (`judged_share`), so that neither number is a judge's memory of its own labels. What
changed on learned questions stands against what changed on untaught questions that could not be answered
before either: the trials that put a question into a group are not the ones it is judged by alone, and the
control moves by that as much. Intervals by entity: labkit.stats. Left out: judgment training (report.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from labkit.data import read_jsonl
from labkit.stats import clustered_bootstrap, clustered_statistic, paired_bootstrap

from .collect import JUDGED
from .config import Config
from .evaluate import ability_confusion
from .measures import able, ends, mean, resampled, scored, settings
from .method import soft_target
from .phases import (
    JUDGES,
    SPLITS,
    judged_entities,
    questions_file,
    responses_file,
    taught_entities,
    tested_file,
)

Item = dict
# Which questions a group holds. All groups but the last are of the training split; `new`: about entities that
# no judge has trained on, `seen`: the others. "learned" could not be answered before and was taught.
GROUPS: dict[str, Callable[[Item], bool]] = {
    "learned": lambda item: item["new"] and item["taught"] and not item["known"],
    "untaught_unknown": lambda item: item["new"] and not item["taught"] and not item["known"],
    "known_and_taught": lambda item: item["new"] and item["taught"] and item["known"],
    "untaught": lambda item: item["new"] and not item["taught"],
    "learned_in_training": lambda item: item["seen"] and item["taught"] and not item["known"],
    "untaught_unknown_in_training": lambda item: item["seen"] and not item["taught"] and not item["known"],
    "validation": lambda item: item["split"] == "test",
}
# What a group shows: who judges, and what the model could do then.
LOOKS = {
    "v1_before": ("v1", "before"),
    "v1": ("v1_after_knowledge", "after"),
    "v2": ("v2", "after"),
}


def phases(folder, config: Config) -> dict:
    """Everything of the phases that are there."""
    read = {
        judge: {split: read_jsonl(folder.file(tested_file(config, judge, split))) for split in SPLITS}
        for judge in JUDGES
        if folder.file(tested_file(config, judge, SPLITS[-1])).is_file()
    }
    found: dict = {"judges": {}}
    for judge, tests in read.items():
        found["judges"][judge] = {split: judged(rows, config) for split, rows in tests.items()}
    if "v1_after_knowledge" in read:
        items = compared_items(folder, config, read)
        found["knowledge"] = knowledge(items, config)
        found["stale"] = {name: stale(items, name, config) for name in GROUPS}
        found["changes"] = changes(items, config)
    return found


def judged(rows: Sequence[dict], config: Config) -> dict:
    """The published evaluation of a phase (exact match, 3 x 3, distributions), and ours beside it."""
    confusion = ability_confusion([JUDGED[row["judgment"]] for row in rows], [row["ability"] for row in rows])
    return {**confusion, "scores": scored(rows, None, config)}


def compared_items(folder, config: Config, read: dict) -> list[Item]:
    """One entry a question: its split, taught or not, known or not, able before and after, judges."""
    rows = read_jsonl(folder.file(questions_file("train")))
    taught = taught_entities(rows, config.taught_share, config.seed)
    judged_on = judged_entities(rows, config.judged_share, config.seed)
    items = []
    for split in SPLITS:
        before = read_jsonl(folder.file(responses_file(config, split, False)))
        after = read_jsonl(folder.file(responses_file(config, split, True)))
        judges = {judge: read[judge][split] for judge in ("v1", "v1_after_knowledge", "v2") if judge in read}
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            items.append(
                {
                    "split": split,
                    "entity": old["entity"],
                    "taught": split == "train" and old["entity"] in taught,
                    "seen": split == "train" and old["entity"] in judged_on,
                    "new": split == "train" and old["entity"] not in judged_on,
                    "known": able(old),
                    "before": able(old),
                    "after": able(new),
                    "probability": soft_target(new["correct"]),
                    "right_before": mean(old["correct"]),
                    "right_after": mean(new["correct"]),
                    "confidence": {judge: tests[number]["confidence"] for judge, tests in judges.items()},
                }
            )
    return items


def knowledge(items: Sequence[Item], config: Config) -> dict:
    """QA accuracy before and after phase 2, on taught and on untaught questions, in points."""
    found = {}
    for name, taught in (("taught", True), ("untaught", False)):
        group = [item for item in items if item["taught"] is taught]
        after, before = [i["right_after"] for i in group], [i["right_before"] for i in group]
        if group:
            gain = paired_bootstrap(after, before, [i["entity"] for i in group], **settings(config))
            found[name] = {"n": len(group), "before": mean(before), "after": mean(after), **in_points(gain)}
    return found


def gap(item: Item, look: str) -> float:
    """What the model can do minus how sure the judge is; above 0: under-confident."""
    judge, when = LOOKS[look]
    return item[when] - item["confidence"][judge]


def stale(items: Sequence[Item], name: str, config: Config) -> dict:
    """Under-confidence on a group, in points, under each judge; `probability`: mean of 5.5 after phase 2."""
    group = [item for item in items if GROUPS[name](item)]
    groups = [item["entity"] for item in group]
    found: dict = {"n": len(group), "entities": len(set(groups))}
    found["probability"] = mean([item["probability"] for item in group])
    for look, (judge, _) in LOOKS.items():
        if group and judge in group[0]["confidence"]:
            gaps = [gap(item, look) for item in group]
            found[look] = in_points(clustered_bootstrap(gaps, groups, **settings(config)))
            found[look]["confidence"] = mean([item["confidence"][judge] for item in group])
    return found


def changes(items: Sequence[Item], config: Config) -> dict:
    """What phase 2 did to v1, and what v2 mended, in points.

    `stale_on_learned`, `repaired_on_new`: on learned questions, minus the same on untaught unknown ones;
    `repaired`: on those whose new labels v2 was shown, as it is published.
    `stale_untaught`, `stale_validation`: on all questions of a group, whatever was known.
    """

    def aged(item: Item) -> float:
        return gap(item, "v1") - gap(item, "v1_before")

    def mended(item: Item) -> float:
        return gap(item, "v1") - gap(item, "v2")

    found = {
        "stale_on_learned": against(items, aged, "learned", "untaught_unknown", config),
        "stale_untaught": against(items, aged, "untaught", None, config),
        "stale_validation": against(items, aged, "validation", None, config),
    }
    if "v2" in items[0]["confidence"]:
        control = "untaught_unknown_in_training"
        found["repaired"] = against(items, mended, "learned_in_training", control, config)
        found["repaired_on_new"] = against(items, mended, "learned", "untaught_unknown", config)
    return found


def against(
    items: Sequence[Item], value: Callable[[Item], float], name: str, control: str | None, config: Config
) -> dict:
    """The mean of a value on a group, minus that on its control if there is one, with an interval."""
    group = [value(item) for item in items if GROUPS[name](item)]
    other = [value(item) for item in items if control and GROUPS[control](item)]
    clusters = [item["entity"] for item in items if GROUPS[name](item)]
    clusters += [item["entity"] for item in items if control and GROUPS[control](item)]
    found = {"n": len(group), "control_n": len(other)}
    if not group or (control and not other):
        return {**found, "pp": math.nan, "low": math.nan, "high": math.nan}
    values, first = [*group, *other], len(group)

    def difference(chosen: list[int]) -> float:
        inside = [values[i] for i in chosen if i < first]
        outside = [values[i] for i in chosen if i >= first]
        return mean(inside) - (mean(outside) if control else 0.0)

    return {**found, **in_points(clustered_statistic(difference, clusters, **resampled(config)))}


def in_points(estimate) -> dict:
    """An estimate with its interval, in percentage points."""
    low, high = ends(estimate)
    return {"pp": 100 * estimate.value, "low": 100 * low, "high": 100 * high}
