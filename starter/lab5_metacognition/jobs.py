"""Lab 5 jobs: what takes time, in this process or in several that `accelerate launch` starts.

    perform({"kind": "sample", "records": …, "folder": …, …}, processes=1)    # here
    perform({"kind": "train", …}, processes=2)       # accelerate launch --num_processes 2 -m ….jobs JOB.json

Records are cut into shards of `shard_items`, each with a seed of its own; a process takes every n-th shard
that isn't written yet. So the shards are the same for any number of processes, and a killed run loses the
shards it was at. Kinds: "sample" (replies), "judge" (probabilities), "train". Source: accelerate 1.x. Left
out: merging shards into records, which the caller does (`collected`).
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from labkit.data import read_jsonl, write_json, write_jsonl
from labkit.device import pick_device
from labkit.errors import LabError

from .collect import judge, sample_replies
from .training import TrainJob, load_trained, train


def perform(job: dict, processes: int = 1) -> None:
    """Does a job; with several processes through `accelerate launch`. Raises LabError: one of them failed."""
    if processes == 1:
        work(job, rank=0, world=1)
        return
    path = Path(job["folder"]) / "job.json"
    write_json(path, job)
    package, root = __package__, str(Path(__file__).resolve().parents[2])
    python_path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [*launch_words(processes, job.get("deepspeed")), "-m", f"{package}.jobs", str(path)],
        env={
            **os.environ,
            "PYTHONPATH": python_path,
            **({} if _gpus(job) else {"ACCELERATE_USE_CPU": "true"}),
        },
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    path.unlink(missing_ok=True)
    if done.returncode:
        said = [line for line in done.stderr.strip().splitlines() if "Error" in line] or [done.stderr[-300:]]
        raise LabError(
            f"{processes} processes to finish {job['kind']}", said[0], job["folder"], "--num_gpus 1"
        )


def launch_words(processes: int, deepspeed: str | None = None) -> list[str]:
    """The command that starts the processes; with DeepSpeed its file decides how weights are spread."""
    words = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--num_machines",
        "1",
        "--mixed_precision",
        "no",
    ]
    words += [
        "--num_processes",
        str(processes),
        "--dynamo_backend",
        "no",
        "--main_process_port",
        str(_free_port()),
    ]
    if deepspeed:
        return [*words, "--use_deepspeed", "--deepspeed_config_file", deepspeed]
    return [*words, "--multi_gpu"]  # torchrun; without a GPU the processes speak through gloo


def _gpus(job: dict) -> bool:
    import torch

    return torch.cuda.is_available() and not job["force_cpu"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# ---- in each process ----


def work(job: dict, rank: int, world: int) -> None:
    """This process's part of a job."""
    if job["kind"] == "train":
        settings = {name: job[name] for name in TrainJob.__dataclass_fields__ if name in job}
        train(TrainJob(**settings, rows=[row["messages"] for row in read_jsonl(job["records"])]))
        return
    shards = shards_of(read_jsonl(job["records"]), job["shard_items"])
    mine = [number for number in range(rank, len(shards), world) if not shard_file(job, number).is_file()]
    if not mine:
        return
    device = pick_device(job["force_cpu"], say=False)
    model, tokenizer = load_trained(job["base"], job["adapter"], device, job["shrink"], job["model_seed"])
    for number in mine:
        if job["kind"] == "judge":
            rows = judge(model, tokenizer, shards[number], job["label_mode"], job["batch_size"])
        else:
            rows = sample_replies(
                model,
                tokenizer,
                shards[number],
                trials=job["trials"],
                temperature=job["temperature"],
                max_new_tokens=job["max_new_tokens"],
                batch_size=job["batch_size"],
                seed=job["seed"] * 10_000 + number,
            )
        write_jsonl(shard_file(job, number), [{"row": row} for row in rows])


def shards_of(records: Sequence[dict], items: int) -> list[list[dict]]:
    return [list(records[i : i + items]) for i in range(0, len(records), items)]


def shard_file(job: dict, number: int) -> Path:
    return Path(job["folder"]) / f"{job['kind']}_{number:04d}.jsonl"


def collected(job: dict) -> list:
    """What all shards of a finished job hold, in the order of its records."""
    count = len(shards_of(read_jsonl(job["records"]), job["shard_items"]))
    return [line["row"] for number in range(count) for line in read_jsonl(shard_file(job, number))]


def main(path: str) -> None:
    """One of several processes: reads its job and its place among them from accelerate."""
    from accelerate import PartialState

    job = json.loads(Path(path).read_text("utf-8"))
    state = PartialState(cpu=not _gpus(job))
    work(job, state.process_index, state.num_processes)
    state.wait_for_everyone()
    state.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1])
