"""Lab 5 jobs: what takes time, in this process or in several that `accelerate launch` starts.

    perform({"kind": "sample", "records": …, "folder": …, …}, processes=1)    # here
    perform({"kind": "train", …}, processes=2)       # accelerate launch --num_processes 2 -m ….jobs JOB.json

Records are cut into shards of `shard_items`, each with a seed of its own; a process takes every n-th shard
that isn't written yet. So the shards are the same for any number of processes, and a killed run loses the
shards it was at. Kinds: "sample" (replies), "judge" (probabilities), "train". Source: accelerate 1.x. Left
out: merging shards into records, which the caller does (`collected`).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Sequence
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
    write_json(path, {**job, "parent": os.getpid()})
    package, root = __package__, str(Path(__file__).resolve().parents[2])
    python_path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    words = [*launch_words(processes, job.get("deepspeed")), "-m", f"{package}.jobs", str(path)]
    env = {**os.environ, "PYTHONPATH": python_path}
    env |= {} if _gpus(job) else {"ACCELERATE_USE_CPU": "true"}
    last: deque[str] = deque(maxlen=400)  # what they said last; all of it is passed on as it comes
    with subprocess.Popen(words, env=env, stderr=subprocess.PIPE, text=True, errors="replace") as launched:
        for line in launched.stderr:
            sys.stderr.write(line)
            last.append(line)
    path.unlink(missing_ok=True)
    if launched.returncode:
        expected = f"{processes} processes to finish {job['kind']}"
        raise LabError(expected, error_in(last), job["folder"], "--num_gpus 1")


def error_in(lines: Iterable[str]) -> str:
    """The first error that ended a process, from what several wrote; else their last line.

    An error's line is `[rank0]: package.SomeError: what`; the launcher's own, "ChildFailedError", tells less.
    """
    lines = [line.strip() for line in lines if line.strip()]
    ends = [line for line in lines if re.match(r"(\[rank\d+\]: *)?[\w.]*(Error|Exception)\b", line)]
    told = [line for line in ends if "ChildFailedError" not in line]
    return [*told, *ends, *lines[-1:], "nothing was said"][0]


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
    """The records in pieces of `items`, in their order; the last may be shorter."""
    return [list(records[i : i + items]) for i in range(0, len(records), items)]


def shard_file(job: dict, number: int) -> Path:
    """Where the results of one shard lie, a line a record; it is there only when the shard is finished."""
    return Path(job["folder"]) / f"{job['kind']}_{number:04d}.jsonl"


def collected(job: dict) -> list:
    """What all shards of a finished job hold, in the order of its records."""
    count = len(shards_of(read_jsonl(job["records"]), job["shard_items"]))
    return [line["row"] for number in range(count) for line in read_jsonl(shard_file(job, number))]


def end_with(parent: int) -> None:
    """Ends this process when the one that asked for the work is gone; else it keeps its GPU for hours."""
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(parent).wait()
    os._exit(1)


def main(path: str) -> None:
    """One of several processes: reads its job and its place among them from accelerate."""
    from accelerate import PartialState

    job = json.loads(Path(path).read_text("utf-8"))
    threading.Thread(target=end_with, args=(job["parent"],), daemon=True).start()
    state = PartialState(cpu=not _gpus(job))
    work(job, state.process_index, state.num_processes)
    state.wait_for_everyone()
    state.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1])
