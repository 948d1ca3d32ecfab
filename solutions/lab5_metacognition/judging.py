"""Lab 5, pipeline (a): judgment training, epoch by epoch, as published, for each way to select what is
learned.

    experiments/<model>_<dataset>_<mode>_lr<lr>_<selection>_seed<seed>/
        responses.jsonl  val_responses.jsonl                            what the pretrained model can answer
        tested_epoch0.jsonl  val_tested_epoch0.jsonl                    what it says about that beforehand
        epoch_1/  responses_epoch1.jsonl  tested_epoch1.jsonl  val_…    and so on, once an epoch
        summary.txt                                                     the published table

Each epoch trains on what the selection (5.7, 5.8) takes from the last test, then collects labels anew with
the trained model: its labels move. Source: the published guide (GUIDE.md). Left out: what the numbers mean
(report.py).
"""

from __future__ import annotations

import shutil

from .config import Config
from .data import answer_messages, judgment_messages
from .method import select_balanced, select_misjudged
from .published import judgment_folder
from .system import System, Weights, balanced

FILES = {"train": "", "val": "val_"}


def run_judgment(system: System) -> None:
    """All arms: the pretrained model once, then each selection's epochs."""
    first = system.config.selections[0]
    for selection in system.config.selections:
        print(f"  selection: {selection}")
        if selection == first:
            pretrained(system, judgment_folder(system.config, selection))
        else:
            same_start(system, first, selection)
        epochs(system, selection)


def files_of(config: Config, selection: str, split: str, epoch: int) -> tuple[str, str]:
    """(responses, tested) of a split after an epoch, by their published names."""
    place, prefix = judgment_folder(config, selection), FILES[split]
    behind = f"_epoch{epoch}" if epoch else ""
    return f"{place}/{prefix}responses{behind}.jsonl", f"{place}/{prefix}tested_epoch{epoch}.jsonl"


def again_file(config: Config) -> str:
    """A second collection of validation before any training: what chance alone moves."""
    return f"{judgment_folder(config, config.selections[0])}/val_responses_again.jsonl"


def pretrained(system: System, place: str) -> None:
    """Step 0: what the model can answer before any training, and what it says about it."""
    config, base = system.config, Weights(system.config.model)
    for number, split in enumerate(FILES):
        responses, tested = files_of(config, config.selections[0], split, 0)
        system.collect(f"a_collect_{split}_0", f"data/{split}.jsonl", base, responses, tag=number, first=True)
        system.test(f"a_test_{split}_0", f"data/{split}.jsonl", responses, base, tested, config.label_mode)
    system.collect("a_collect_val_again", "data/val.jsonl", base, again_file(config), tag=5)


def same_start(system: System, first: str, selection: str) -> None:
    """Every arm starts from the same step 0: copied, so that its folder is complete."""
    with system.folder.stage(f"a_{selection}_start") as stage:
        for split in FILES:
            pairs = zip(
                files_of(system.config, first, split, 0),
                files_of(system.config, selection, split, 0),
                strict=True,
            )
            for source, target in pairs:
                path = stage.file(target)
                if not stage.done:
                    shutil.copyfile(system.folder.file(source), path)


def epochs(system: System, selection: str) -> None:
    """Steps N.1 to N.5 of every epoch."""
    config, place = system.config, judgment_folder(system.config, selection)
    weights = Weights(config.model)
    for epoch in range(1, config.epochs + 1):
        found = system.train(
            f"a_{selection}_train_{epoch}",
            weights,
            lambda epoch=epoch: training_rows(system, selection, epoch),
            f"{place}/epoch_{epoch}",
            uses=(judgment_messages, select_misjudged, select_balanced),
            learning_rate=config.lr,
            batch_size=config.batch_size,
            batches_per_step=config.batches_per_step,
            lora=config.judgment_lora,
            lora_blocks=config.judge_blocks,
        )
        print(f"  epoch {epoch}: {found['rows']} rows, loss {found['training_loss']:.3f}")
        if found["rows"]:
            trained = f"{place}/epoch_{epoch}"
            weights = Weights(config.model, trained) if config.judgment_lora else Weights(trained)
        for number, split in enumerate(FILES):
            responses, tested = files_of(config, selection, split, epoch)
            questions, name = f"data/{split}.jsonl", f"{selection}_{split}_{epoch}"
            system.collect(f"a_collect_{name}", questions, weights, responses, tag=10 * epoch + number)
            system.test(f"a_test_{name}", questions, responses, weights, tested, config.label_mode)


def training_rows(system: System, selection: str, epoch: int) -> list:
    """The conversations of an epoch, pass by pass: what the selection takes, with the word that was right.

    With `rehearsal`, what the pretrained model can answer of it comes once more, with its own reply: who only
    learns to say yes and no says it to every question. Each time with another trial, since of a single reply
    chance is learnt by heart.
    """
    config = system.config
    rows = system.rows(files_of(config, selection, "train", epoch - 1)[1])
    seed = config.seed * 100 + epoch
    chosen = select_misjudged(rows) if selection == "misjudged" else balanced(rows, seed)
    questions = {row["qid"]: row for row in system.rows("data/train.jsonl")}
    judged = [judgment_messages(questions[row["qid"]], row["ability"], config.label_mode) for row in chosen]
    first = system.rows(files_of(config, selection, "train", 0)[0]) if config.rehearsal else []
    own = {row["qid"]: row["replies"] for row in first if row["ability"] != "cannot"}
    kept = [row["qid"] for row in chosen if row["qid"] in own]
    made = []
    for number in range((epoch - 1) * config.passes, epoch * config.passes):
        again = [(questions[qid], own[qid][number % len(own[qid])]) for qid in kept]
        made += [*judged, *(answer_messages(question, reply) for question, reply in again)]
    return made
