"""Lab 4, the student's own result files: A4-Q1.json (fine-tuning) and A4-Q2.json (sampling), as published.

    python -m starter.lab4_best_of_n.run --student_results            # into the folder you are in
    {"lab": "lab4", "part": "A4-Q1", "results": {"encode_function": {...}, ...}}

They show what your functions give on the first training problems and on the scored samples of your run; a
TODO that isn't written yet says so in its place. Nothing is graded from these files: the grader runs your
functions itself.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labkit.config import as_dict
from labkit.course import project_root
from labkit.data import data_path, read_jsonl, write_json
from labkit.errors import LabError
from labkit.models import load_causal_lm, load_tokenizer

from . import analysis
from .config import Config
from .data import TRAIN_FILE, encode_function, load_and_prepare_train_dataset
from .method import build_trainer

SHOWN = 3  # examples in the files: enough to compare by eye


def write_student_results(config: Config, target: Path) -> list[Path]:
    """Writes A4-Q1.json and A4-Q2.json into `target`. Raises LabError: the run has no scored samples yet."""
    parts = {"A4-Q1": tuning_results(config), "A4-Q2": sampling_results(config)}
    written = []
    for part, results in parts.items():
        content = {"lab": "lab4", "part": part, "config": as_dict(config), "results": results}
        written.append(write_json(target / f"{part}.json", content))
    return written


def tuning_results(config: Config) -> dict[str, Any]:
    """What 4.1 to 4.3 give on the first training problems."""
    path = data_path("lab4_best_of_n", TRAIN_FILE)
    rows = read_jsonl(path, {"question": str, "answer": str}, limit=SHOWN)
    tokenizer = load_tokenizer(config.generator, shrink=config.shrink)
    examples = {name: [row[name] for row in rows] for name in ("question", "answer")}

    def prepared():
        return load_and_prepare_train_dataset(path, tokenizer, encode_function, config.max_length, SHOWN, 0)

    def batch():
        import transformers

        model = load_causal_lm(config.generator, shrink=config.shrink)
        with tempfile.TemporaryDirectory() as folder:
            arguments = transformers.TrainingArguments(output_dir=folder, report_to="none", use_cpu=True)
            trainer = build_trainer(model, tokenizer, prepared(), arguments)
            made = trainer.data_collator([trainer.train_dataset[i] for i in range(SHOWN)])
        return {name: tensor.tolist() for name, tensor in made.items()}

    return {
        "encode_function": attempt(encode_function, examples, tokenizer, config.max_length),
        "load_and_prepare_train_dataset": attempt(lambda: [dict(row) for row in prepared()]),
        "build_trainer": attempt(batch),
    }


def sampling_results(config: Config) -> dict[str, Any]:
    """What the selectors and the failure checks give on the run's scored samples, for both models."""
    out = config.out or project_root() / "runs" / f"lab4_{config.profile}_seed{config.seed}"
    results = {}
    for model in ("base", "tuned"):
        path = Path(out) / "results" / "sampling" / f"{model}_scored.jsonl"
        if not path.is_file():
            raise LabError(
                "scored samples", "none", path, f"labs run lab4 --profile {config.profile} --stage sample"
            )
        records = read_jsonl(path, {"gold": str, "samples": list})
        results[model] = {
            "questions": len(records),
            "evaluate_example": attempt(accuracies, records, config),
            "failures": attempt(failures, records, config),
        }
    return results


def accuracies(records: list[dict], config: Config) -> dict[str, dict[str, float]]:
    """Accuracy of the vote and of best-of-n on the first n samples."""
    rows = [analysis.evaluate_example(record, config.ns, config) for record in records]
    return {
        name: {str(n): sum(row[name][str(n)] for row in rows) / len(rows) for n in config.ns}
        for name in ("majority", "best_of_n")
    }


def failures(records: list[dict], config: Config) -> dict[str, Any]:
    """How often the vote and best-of-n lost a right answer among the published number of samples."""
    return analysis.failure_counts([analysis.failures_of(record, max(config.ns)) for record in records])


def attempt(function: Callable[..., Any], *arguments: Any) -> Any:
    """The function's result as JSON values, or the words of a TODO that isn't written yet."""
    try:
        return json.loads(json.dumps(function(*arguments)))
    except NotImplementedError as unfinished:
        return {"not_written": str(unfinished)}
