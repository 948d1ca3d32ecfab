"""Lab 5 system: what both pipelines do again and again: collect, test a judge, train, each as a stage of a
run.

    system = System(folder, config)
    base = Weights(config.model)                                     # or Weights(config.model, "epoch_1")
    system.collect("collect_0", "data/train.jsonl", base, "responses.jsonl", tag=0)
    system.test("test_0", "responses.jsonl", base, "tested_epoch0.jsonl", "binary")
    system.train("train_1", base, rows, "epoch_1", ...)

A killed run goes on from the last finished stage, and inside a stage from the last finished shard. Left out:
what the stages are for (judging.py, phases.py).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from labkit.data import read_jsonl, write_json, write_jsonl
from labkit.errors import LabError
from labkit.runs import RunFolder, Stage

from . import jobs
from .collect import graded, tested
from .config import Config
from .data import QUESTION, answer_matches, judgment_messages, normalize_answer
from .method import ability_label, answer_probabilities, select_balanced

GRADING = (normalize_answer, answer_matches, ability_label)


def balanced(rows: Sequence[dict], seed: int) -> list[dict]:
    """The balanced selection (5.8). Raises LabError: a model that can answer all or nothing."""
    try:
        return select_balanced(rows, seed)
    except ValueError as error:
        found = str(error)
        raise LabError(
            "questions that can and that can't be answered", found, command="--num_samples N, larger"
        ) from error


@dataclass(frozen=True)
class Weights:
    """A model: a base (a name, or a folder of the run), and an adapter on it (a folder) or None."""

    base: str
    adapter: str | None = None


class System:
    """The stages of one run, in its folder."""

    def __init__(self, folder: RunFolder, config: Config):
        self.folder, self.config = folder, config

    def rows(self, name: str) -> list[dict]:
        """The records of a file of the run."""
        return read_jsonl(self.folder.file(name))

    def collect(
        self, stage_name: str, questions: str, weights: Weights, output: str, tag: int, first: bool = False
    ) -> list[dict]:
        """k replies a question, graded: `responses*.jsonl`.

        tag: tells the samplings of a run apart. first: of the untrained model; only then replies that lie
        there may be taken (`skip_collect`), since any training changes them.
        """
        with self.folder.stage(stage_name, uses=GRADING) as stage:
            path = stage.file(output)
            if not stage.done:
                records = read_jsonl(self.folder.file(questions), QUESTION)
                replies = self._given(path, records) if first else None
                if replies is None:
                    job = {
                        "kind": "sample",
                        "trials": self.config.num_trials,
                        "temperature": self.config.temperature,
                        "max_new_tokens": self.config.max_new_tokens,
                        "seed": self.config.seed * 1000 + tag,
                    }
                    replies = self._run(stage, job, records, weights)
                rule = self.config.ability_rule
                pairs = zip(records, replies, strict=True)
                write_jsonl(path, [graded(record, said, rule) for record, said in pairs])
                self._clear(stage)
        return read_jsonl(path)

    def _given(self, path: Path, records: Sequence[dict]) -> list[list[str]] | None:
        """With `skip_collect` the replies that lie there already, if they are to the same questions."""
        if not self.config.skip_collect or not path.is_file():
            return None
        there = {row["qid"]: row["replies"] for row in read_jsonl(path, {"qid": str, "replies": list})}
        missing = [record["qid"] for record in records if record["qid"] not in there]
        if missing:
            found = f"none to {len(missing)} of {len(records)} questions"
            raise LabError(
                "replies to every question", found, path, "the same command without --skip_collect"
            )
        return [there[record["qid"]] for record in records]

    def test(
        self, stage_name: str, questions: str, responses: str, weights: Weights, output: str, mode: str
    ) -> list[dict]:
        """The judge asked about every question, beside the ability in `responses`: `tested*.jsonl`."""
        with self.folder.stage(stage_name, uses=(judgment_messages, answer_probabilities)) as stage:
            path = stage.file(output)
            if not stage.done:
                records = read_jsonl(self.folder.file(questions), QUESTION)
                said = self._run(stage, {"kind": "judge", "label_mode": mode}, records, weights)
                shown = {row["qid"]: row for row in self.rows(responses)}
                pairs = zip(records, said, strict=True)
                write_jsonl(path, [tested(shown[record["qid"]], each, mode) for record, each in pairs])
                self._clear(stage)
        return read_jsonl(path)

    def train(
        self, stage_name: str, start: Weights, rows: Callable[[], list], target: str, uses=(), **settings
    ) -> dict:
        """A training into the folder `target`; what its `training.json` holds.

        rows: makes the conversations, called only if needed. settings: fields of `training.TrainJob`.
        """
        with self.folder.stage(stage_name, uses=uses) as stage:
            place = stage.file(target)
            if not stage.done:
                shutil.rmtree(place, ignore_errors=True)
                made = rows()
                if not made:  # a judge without mistakes, by the published selection: it stays as it is
                    write_json(place / "training.json", {"rows": 0, "training_loss": 0.0})
                    return {"rows": 0, "training_loss": 0.0}
                records = self._scratch(stage) / "rows.jsonl"
                write_jsonl(records, [{"messages": turns} for turns in made])
                job = {"kind": "train", "records": str(records), "target": str(place), **settings}
                if self.config.deepspeed:
                    job["deepspeed"] = str(Path(__file__).parent / "configs" / self.config.deepspeed)
                self._perform(stage, job, start)
                self._clear(stage)
        return json.loads((place / "training.json").read_text("utf-8"))

    # ---- jobs ----

    def _run(self, stage: Stage, job: dict, records: Sequence[dict], weights: Weights) -> list:
        questions = self._scratch(stage) / "questions.jsonl"
        write_jsonl(questions, records)
        sizes = {"shard_items": self.config.shard_items, "batch_size": self.config.inference_batch_size}
        return jobs.collected(self._perform(stage, {**job, "records": str(questions), **sizes}, weights))

    def _perform(self, stage: Stage, job: dict, weights: Weights) -> dict:
        config = self.config
        inside = self.folder.file(weights.base)
        job = {
            **job,
            "base": str(inside) if inside.is_dir() else weights.base,
            "adapter": None if weights.adapter is None else str(self.folder.file(weights.adapter)),
            "shrink": config.shrink and not inside.is_dir(),
            "model_seed": config.seed,
            "force_cpu": config.force_cpu,
            "folder": str(self._scratch(stage)),
        }
        if job["kind"] == "train":
            sizes = ("warmup_share", "max_length", "lora_r", "lora_alpha", "lora_dropout")
            job |= {name: getattr(config, name) for name in (*sizes, "tracker", "seed")}
        jobs.perform(job, config.num_gpus)
        return job

    def _scratch(self, stage: Stage) -> Path:
        """Where a stage keeps its shards: only a stage that rests on the same things goes on with them."""
        place = self.folder.file(".shards") / f"{stage.name}_{stage.key[:12]}"
        place.mkdir(parents=True, exist_ok=True)
        return place

    def _clear(self, stage: Stage) -> None:
        shutil.rmtree(self._scratch(stage), ignore_errors=True)
