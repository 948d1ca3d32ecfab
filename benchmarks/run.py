"""Measures the grader on Lab 4's reference submission; README.md beside this file says what and how.

python benchmarks/run.py [--out out/bench.json] [--quick]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from grading import verify
from grading.client import Worker
from grading.samples import pack
from grading.stage import activated, environment, staff_root, stage
from grading.watch import proportional_bytes
from labkit.course import Lab, load_course

TARGETS = {
    "modules_seconds": 15.0,
    "notebook_seconds": 60.0,
    "peak_memory_gb": 3.0,
    "students_notebook_seconds": verify.NOTEBOOK_SECONDS,
}


def main() -> int:
    parser = argparse.ArgumentParser(description="measure the grader on Lab 4's reference submission")
    parser.add_argument("--out", type=Path, default=Path("out/bench.json"))
    parser.add_argument("--quick", action="store_true", help="one run of each instead of three")
    options = parser.parse_args()
    numbers = measure(load_course(staff_root()).lab("lab4"), runs=1 if options.quick else 3)
    missed = [name for name, most in TARGETS.items() if numbers[name] > most]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    machine = {"cores": os.cpu_count(), "load": os.getloadavg(), "python": platform.python_version()}
    options.out.write_text(json.dumps({"machine": machine, **numbers}, indent=1) + "\n", encoding="utf-8")
    show(numbers)
    print(f"{options.out}; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return 1 if missed else 0


def measure(lab: Lab, runs: int) -> dict[str, float]:
    """Every number of the table: seconds, GB, milliseconds, microseconds and ratios, by name."""
    with tempfile.TemporaryDirectory() as folder:
        submission = pack("reference", lab, Path(folder) / "reference.zip")
        modules = [grade(submission, lab, Path(folder) / "m", "--no-notebook") for _ in range(runs)]
        whole = [grade(submission, lab, Path(folder) / "n") for _ in range(runs)]
    direct_seconds = statistics.median(hidden_tests_in_process(lab) for _ in range(runs))
    modules_seconds = statistics.median(seconds for seconds, _ in modules)
    notebook_seconds = statistics.median(seconds for seconds, _ in whole)
    return {
        "modules_seconds": modules_seconds,
        "notebook_seconds": notebook_seconds,
        "peak_memory_gb": max(peak for _, peak in whole) / 1e9,
        "students_notebook_seconds": verify.run_notebook(lab, staff_root())[0],
        "hidden_tests_in_process_seconds": direct_seconds,
        "cost_of_isolation": modules_seconds / direct_seconds,
        **round_trips(lab),
    }


def grade(submission: Path, lab: Lab, out: Path, *words: str) -> tuple[float, int]:
    """(wall seconds, peak bytes) of one `grading run`."""
    command = [sys.executable, "-m", "grading.cli", "run", str(submission), "--lab", lab.key]
    started = time.monotonic()
    process = subprocess.Popen(
        [*command, "--out", str(out), *words], stdout=subprocess.PIPE, cwd=staff_root()
    )
    peak, done = [0], threading.Event()

    def watch() -> None:
        me = psutil.Process(process.pid)
        while not done.wait(0.2):
            try:
                peak[0] = max(peak[0], proportional_bytes([me, *me.children(recursive=True)]))
            except psutil.NoSuchProcess:
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    said, _ = process.communicate()
    seconds = time.monotonic() - started
    done.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"grading failed: {said.decode()}")
    return seconds, peak[0]


def hidden_tests_in_process(lab: Lab) -> float:
    """Wall seconds of the same tests by plain pytest on the solutions, without a sandbox."""
    file = staff_root() / "grading" / "hidden" / f"test_{lab.package}.py"
    words = [str(file), "-q", "-k", "not test_value", "-p", "labkit.testing", "-p", "no:cacheprovider"]
    with stage("solutions", [lab.key]) as tree:
        variables = environment(tree) | {"OMP_NUM_THREADS": "1"}
        variables["PYTHONPATH"] += f"{os.pathsep}{staff_root()}"  # the staged `starter` comes first
        command = [sys.executable, "-m", "pytest", "--noconftest", "--import-mode=importlib", *words]
        started = time.monotonic()
        done = subprocess.run(command, env=variables, cwd=tree, capture_output=True, text=True)
        seconds = time.monotonic() - started
    if done.returncode:
        raise SystemExit(f"the hidden tests fail in process:\n{done.stdout[-2000:]}")
    return seconds


def round_trips(lab: Lab) -> dict[str, float]:
    """Milliseconds to open and close a test, microseconds of one call, and its ratio to a direct one."""
    answers, opened, calls = ["7", "5", "5", "7"], [], []
    with stage("solutions", [lab.key]) as tree, tempfile.TemporaryDirectory() as folder:
        clean = Path(folder) / "clean"
        (tree / "starter").rename(clean.parent / "starter")
        with Worker(clean.parent, lab=lab.key, own_code=True) as worker:
            for test in range(21):
                started = time.perf_counter()
                with worker.lab(f"bench {test}", seed=test):
                    pass
                opened.append(time.perf_counter() - started)
            with worker.lab("bench calls", seed=0) as remote:
                remote.method.majority_vote(answers)
                for _ in range(500):
                    started = time.perf_counter()
                    remote.method.majority_vote(answers)
                    calls.append(time.perf_counter() - started)
        (clean.parent / "starter").rename(tree / "starter")
        with activated(tree):
            direct = direct_call(lab, answers)
    call = statistics.median(calls)
    return {
        "test_milliseconds": 1e3 * statistics.median(opened[1:]),  # the first one waits for the warm-up
        "round_trip_microseconds": 1e6 * call,
        "round_trip_ratio": call / direct,
    }


def direct_call(lab: Lab, answers: list[str]) -> float:
    """Seconds of one call without a worker."""
    from labkit.student import fresh_module

    vote = fresh_module(lab.package, "method").majority_vote
    started = time.perf_counter()
    for _ in range(10_000):
        vote(answers)
    return (time.perf_counter() - started) / 10_000


def show(numbers: dict[str, float]) -> None:
    table = Table(title="The grader on Lab 4's reference")
    for name in ("number", "measured", "target"):
        table.add_column(name, justify="left" if name == "number" else "right", no_wrap=True)
    for name, value in numbers.items():
        most = TARGETS.get(name)
        mark = "" if most is None else f"≤ {most:g} {'held' if value <= most else 'MISSED'}"
        table.add_row(name.replace("_", " "), f"{value:,.1f}", mark)
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
