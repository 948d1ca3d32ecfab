"""Lab 5, pipeline (b): judge, learn, judge again; with the published folders.

    experiments/<model>_<dataset>_train<N>_test<M>_seed<seed>/
        config.json  pipeline_state.json
        phase1_judgment/   responses.jsonl  training_data.jsonl  judgment_v1/
        phase2_knowledge/  qa_training_data.jsonl  knowledge/  base_with_knowledge/
        phase3_judgment/   responses_post_knowledge.jsonl  training_data_v2.jsonl  judgment_v2/

Beside these, per phase, `test_responses*.jsonl` and `tested_*.jsonl`: what can be answered, and what each
judge says about it. Knowledge is taught about a random share of the training *entities*; the others, and all
of the validation split, are controls; facts are taught in other words than they are asked in. With
`judged_share` below 1 the judges leave entities out, so that what was learned about these is new to both.
Source: the published guide (GUIDE.md). Left out: what the numbers mean (report.py).
"""

from __future__ import annotations

import random

from labkit.config import as_dict
from labkit.data import write_json, write_jsonl
from labkit.errors import LabError

from .config import Config
from .data import answer_messages, judgment_messages
from .method import merge_lora, select_balanced
from .published import phases_folder
from .system import System, Weights, balanced
from .training import merge_into_base

PHASES = {1: "phase1_judgment", 2: "phase2_knowledge", 3: "phase3_judgment"}
SPLITS = ("train", "test")
# Who judges which model: the untrained base, v1 on the base, v1 on the base that has learned, v2 on that.
JUDGES = ("baseline", "v1", "v1_after_knowledge", "v2")


def run_phases(system: System) -> None:
    """All phases, or the one that `phase` names, for which the earlier ones must be finished."""
    config, place = system.config, phases_folder(system.config)
    write_json(system.folder.file(f"{place}/config.json"), as_dict(config))
    for phase, work in ((1, first_phase), (2, second_phase), (3, third_phase)):
        if config.phase is None or phase <= config.phase:
            if config.phase is not None and phase < config.phase and not is_finished(system, phase):
                found = f"phase {phase} isn't finished"
                raise LabError(f"phases before {config.phase}", found, place, f"--phase {phase}")
            print(f"  phase {phase}")
            work(system)
            done = [n for n in PHASES if n <= phase or is_finished(system, n)]
            left = [n for n in PHASES if n not in done]
            state = {"completed_phases": done, "current_phase": left[0] if left else None}
            write_json(system.folder.file(f"{place}/pipeline_state.json"), state)


def is_finished(system: System, phase: int) -> bool:
    """Whether a phase's last stage has its record."""
    last = {1: "b1_test_v1_test", 2: "b2_test_stale_test", 3: "b3_test_v2_test"}[phase]
    return system.folder.file(f".stages/{last}.json").is_file()


def tested_file(config: Config, judge: str, split: str) -> str:
    """Where a judge's tests lie."""
    phase = {"baseline": 1, "v1": 1, "v1_after_knowledge": 2, "v2": 3}[judge]
    return f"{phases_folder(config)}/{PHASES[phase]}/tested_{judge}_{split}.jsonl"


def responses_file(config: Config, split: str, after: bool) -> str:
    """What can be answered, before and after phase 2; the training split's have the published names."""
    name = "responses_post_knowledge" if after else "responses"
    prefix = "" if split == "train" else "test_"
    return f"{phases_folder(config)}/{PHASES[3 if after else 1]}/{prefix}{name}.jsonl"


def questions_file(split: str) -> str:
    return f"data/phases_{split}.jsonl"


# ---- phase 1: learn to judge ----


def first_phase(system: System) -> None:
    """1.1 collect, 1.2 training data, 1.3 baseline, 1.4 train v1, 1.5 evaluate."""
    base = Weights(system.config.model)
    collect(system, base, after=False, name="b1_collect", tag=500)  # v1 trains on a part of it
    test(system, base, "baseline", after=False, name="b1_test_base")
    train_judge(system, 1, base)
    test(system, judge_of(system, 1, base), "v1", after=False, name="b1_test_v1")


def judged_entities(rows: list[dict], share: float, seed: int) -> set[str]:
    """A random share of the entities: both judges learn from questions about these, and are tested on all."""
    entities = sorted({row["entity"] for row in rows})
    random.Random(f"{seed}/judged").shuffle(entities)
    return set(entities[: max(1, round(share * len(entities)))])


def train_judge(system: System, version: int, base: Weights) -> None:
    """Judgment training of phase 1 or 3, on what was collected last."""
    config, after = system.config, version == 2
    place = f"{phases_folder(config)}/{PHASES[3 if after else 1]}"
    file = f"{place}/training_data{'_v2' if after else ''}.jsonl"
    with system.folder.stage(f"b_data_v{version}", uses=(judgment_messages, select_balanced)) as stage:
        path = stage.file(file)
        if not stage.done:
            write_jsonl(path, judgment_rows(system, responses_file(config, "train", after), version))
    system.train(
        f"b_train_v{version}",
        base,
        lambda: [row["messages"] for row in system.rows(file)],
        f"{place}/judgment_v{version}",
        lora=not config.no_lora,
        lora_blocks=config.judge_blocks,
        **training_settings(config, config.phase_epochs),
    )


def judgment_rows(system: System, responses: str, version: int) -> list[dict]:
    """`{"qid", "target", "messages"}` of each example: all of them, or as many of each word."""
    config, mode = system.config, system.config.phase_label_mode
    questions = {row["qid"]: row for row in system.rows(questions_file("train"))}
    learned = judged_entities(list(questions.values()), config.judged_share, config.seed)
    rows = []
    for row in (row for row in system.rows(responses) if row["entity"] in learned):
        messages = judgment_messages(questions[row["qid"]], row["ability"], mode)
        rows.append({"qid": row["qid"], "target": messages[-1]["content"], "messages": messages})
    return rows if config.phase_selection == "all" else balanced(rows, config.seed * 100 + 50 + version)


def training_settings(config: Config, epochs: int) -> dict:
    """A step holds `train_batch` rows in `batches_per_step` batches, whatever the number of processes."""
    each = config.train_batch // config.phase_batches
    sizes = {"batch_size": each, "batches_per_step": config.phase_batches}
    return {"epochs": epochs, "learning_rate": config.learning_rate, **sizes}


def judge_of(system: System, version: int, base: Weights, name: str | None = None) -> Weights:
    """v1 or v2 on a base: as an adapter, or as the whole model that was trained."""
    place = f"{phases_folder(system.config)}/{PHASES[1 if version == 1 else 3]}/judgment_v{version}"
    return Weights(place) if system.config.no_lora else Weights(base.base, place)


def collect(system: System, weights: Weights, *, after: bool, name: str, tag: int) -> None:
    for number, split in enumerate(SPLITS):
        target = responses_file(system.config, split, after)
        questions = questions_file(split)
        system.collect(f"{name}_{split}", questions, weights, target, tag=tag + number, first=not after)


def test(system: System, weights: Weights, judge: str, *, after: bool, name: str) -> None:
    for split in SPLITS:
        responses, target = (
            responses_file(system.config, split, after),
            tested_file(system.config, judge, split),
        )
        mode = system.config.phase_label_mode
        system.test(f"{name}_{split}", questions_file(split), responses, weights, target, mode)


# ---- phase 2: learn answers ----


def taught_entities(rows: list[dict], share: float, seed: int) -> set[str]:
    """A random share of the entities: all questions about one are taught, or none is."""
    entities = sorted({row["entity"] for row in rows})
    random.Random(f"{seed}/taught").shuffle(entities)
    return set(entities[: max(1, round(share * len(entities)))])


def taught_turns(row: dict) -> list[list[dict[str, str]]]:
    """A question in each wording but the one that is asked later (if there are others), and its answer."""
    return [answer_messages({**row, "question": asked}, row["aliases"][0]) for asked in row["other_wordings"]]


def second_phase(system: System) -> None:
    """2.1 QA training data, 2.2 train, 2.3 merge, 2.4 test knowledge; then v1 once more, on the new base."""
    config, base = system.config, Weights(system.config.model)
    place = f"{phases_folder(config)}/{PHASES[2]}"
    data = f"{place}/qa_training_data.jsonl"
    with system.folder.stage("b2_data") as stage:
        path = stage.file(data)
        if not stage.done:
            rows = system.rows(questions_file("train"))
            taught = taught_entities(rows, config.taught_share, config.seed)
            chosen = [row for row in rows if row["entity"] in taught]
            made = [{"qid": row["qid"], "messages": turns} for row in chosen for turns in taught_turns(row)]
            write_jsonl(path, made)
    system.train(
        "b2_train",
        base,
        lambda: [row["messages"] for row in system.rows(data)],
        f"{place}/knowledge",
        lora=not config.no_lora,
        **training_settings(config, config.knowledge_epochs),
    )
    learned = with_knowledge(system)
    collect(system, learned, after=True, name="b2_collect", tag=600)
    stale = judge_of(system, 1, learned)
    test(system, stale, "v1_after_knowledge", after=True, name="b2_test_stale")


def with_knowledge(system: System) -> Weights:
    """The base that has learned: the adapter merged into it (5.9), or the whole model that was trained."""
    config = system.config
    place = f"{phases_folder(config)}/{PHASES[2]}"
    if config.no_lora:
        return Weights(f"{place}/knowledge")
    with system.folder.stage("b2_merge", uses=(merge_lora,)) as stage:
        target = stage.file(f"{place}/base_with_knowledge")
        if not stage.done:
            adapter = str(system.folder.file(f"{place}/knowledge"))
            merged = merge_into_base(config.model, adapter, target, config.shrink, config.seed)
            print(f"  merged {merged} layers")
    return Weights(f"{place}/base_with_knowledge")


# ---- phase 3: judge again ----


def third_phase(system: System) -> None:
    """3.1 was collected in phase 2 (2.4 asks the same); 3.2 training data, 3.3 train v2, 3.4 evaluate."""
    place = f"{phases_folder(system.config)}/{PHASES[2]}"
    learned = Weights(f"{place}/{'knowledge' if system.config.no_lora else 'base_with_knowledge'}")
    train_judge(system, 2, learned)
    test(system, judge_of(system, 2, learned), "v2", after=True, name="b3_test_v2")
