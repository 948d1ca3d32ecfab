"""Lab 1's run on tiny random models: both reports by their schema, resuming, and every published flag.

The models know nothing, so no number is looked at; what is tested is that each stage runs and what it writes.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from grading.stage import staff_root
from labkit import fixtures
from labkit.errors import LabError
from solutions.lab1_ensemble import analysis, excerpt, report, run, scoring
from solutions.lab1_ensemble.config import Config, ModelEntry, shrunk
from solutions.lab1_ensemble.system import data_workers, set_up_device

SCHEMA = json.loads((staff_root() / "solutions/lab1_ensemble/report.schema.json").read_text("utf-8"))
LABELS = {
    "control": ["Jump", "Branch gadget"],
    "memory": ["BOOL tag", "Read/Write gadget"],
    "arith": ["Adder"],
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with tiny models under the nano names, 40 training and 12 validation rows, and label pairs."""
    folder, rng = tmp_path_factory.mktemp("world"), random.Random(0)
    for name in ("nano-flan", "nano-gpt", "nano-judge"):
        flan = name == "nano-flan"
        tokenizer = fixtures.make("ending_tokenizer" if flan else "tiny_tokenizer")
        model = fixtures.make("tiny_seq2seq_lm" if flan else "tiny_causal_lm", tokenizer, seed=len(name))
        tokenizer.save_pretrained(folder / "models" / name)
        model.save_pretrained(folder / "models" / name)
    rows = []
    for number in range(52):
        kind = rng.choice(list(LABELS))
        label = rng.choice(LABELS[kind])
        rows.append(
            {
                "instruction": "Identify the gadget.",
                "input": f"The {kind} word number {number} does it.",
                "output": f"gadget_type: {label}; location: {number}; explanation: it is one",
                "frame": f"{kind}{number % 4}",
                "type": kind,
                "split": "train" if number < 40 else "validation",
            }
        )
    pairs = [
        {
            "a": a,
            "b": b,
            "relation": "same" if k == j else "different",
            "split": rng.choice(["seen", "unseen"]),
        }
        for k, first in LABELS.items()
        for j, second in LABELS.items()
        for a in first
        for b in second
        if a != b
    ]
    (folder / "two.yaml").write_text(
        "profile: two\nmodels:\n  nano-flan: {name: nano-flan, type: seq2seq}\n"
        "  nano-gpt: {name: nano-gpt, type: causal}\n",
        "utf-8",
    )
    for name, table in (("rows", rows), ("pairs", pairs)):
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, table)), "utf-8")
    return folder


@pytest.fixture
def settings(world, tmp_path, monkeypatch):
    monkeypatch.setenv("LABS_MODELS", str(world / "models"))
    return {
        "out": str(tmp_path / "run"),
        "data_file": str(world / "rows.jsonl"),
        "relations_file": str(world / "pairs.jsonl"),
        "total_examples_to_use": 20,
        "train_batch_size": 6,
        "gradient_accumulation_steps": 1,
        "learning_rate": 1e-3,
        "num_epochs": 2.0,
        "max_input_length": 200,
        "max_target_length": 16,
        "untuned_items": 3,
        "judge_max_new_tokens": 6,
        "bootstrap_resamples": 20,
        "bf16": False,
    }


def words(settings: dict, *more: str) -> list[str]:
    """A command line with a preset of two models beside the data."""
    preset = str(Path(settings["data_file"]).with_name("two.yaml"))
    given = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    return ["--config", preset, *given, *more]


def read(result, name: str) -> dict:
    return json.loads((result.folder / name).read_text("utf-8"))


def test_a_run_writes_both_reports_by_the_published_schema_and_is_gone_on_with(settings, capsys):
    models = {
        "nano-flan": ModelEntry("nano-flan", "seq2seq"),
        "nano-gpt": ModelEntry("nano-gpt", "causal"),
        "again": ModelEntry("nano-flan", "seq2seq", role="control", seed_offset=7),
    }
    config = Config(**settings, models=models, use_judge=True)
    result = run.run(config)
    for place in ("", "published_split/"):
        plain = read(result, f"{place}ensemble_report.json")
        judged = read(result, f"{place}ensemble_report_with_llm_judge.json")
        for written in (plain, judged):
            jsonschema.validate(written, SCHEMA)
        assert "semantic_agreements" not in plain["summary"] and "semantic_agreements" in judged["summary"]
        assert plain["summary"]["total_examples"] == (2 if place else 12)
        assert list(plain["summary"]["model_format_accuracy"]) == ["nano-flan", "nano-gpt"]
        assert all("llm_judgment" in entry["agreement"] for entry in judged["results"])
    metrics = read(result, "metrics.json")
    assert metrics["train_rows"] == 18 and metrics["models"]["again"]["n"] == 12
    assert set(result.effects) == set(report.EFFECT_TARGETS)
    assert set(run.RECORDED) <= set(metrics)
    for name in ("models", "pairs", "levels", "risk", "judge"):
        assert (result.folder / f"plots/{name}.png").is_file()
    for name in models:
        assert (result.folder / f"checkpoints/{name}/final_model/config.json").is_file()
        assert not list((result.folder / f"checkpoints/{name}").glob("checkpoint-*"))
    before = (result.folder / "metrics.json").read_bytes()
    capsys.readouterr()
    run.run(config)
    assert "nano-flan: nano-flan" not in capsys.readouterr().out, "a finished training ran again"
    assert (result.folder / "metrics.json").read_bytes() == before


def test_training_can_be_skipped_only_where_there_is_one(settings, tmp_path, capsys):
    with pytest.raises(LabError, match="without --skip_training"):
        run.main(words(settings, "--skip_training", "--platform", "windows"))
    run.main(words(settings, "--force_cpu", "--platform", "unix", "--stage", "train"))
    own = tmp_path / "own.txt"
    own.write_text("The MOV word copies 4 bytes.", "utf-8")
    capsys.readouterr()
    result = run.main(words(settings, "--skip_training", "--use_judge", "--excerpt-file", str(own)))
    shown = capsys.readouterr().out
    assert "your excerpt" in shown and "judge:" in shown
    answer = read(result, "excerpt.json")
    assert set(answer["models"]) == {"nano-flan", "nano-gpt"} and answer["vote"]["n"] == 2
    with pytest.raises(LabError, match="text file"):
        excerpt.read(str(tmp_path / "none.txt"))


DIE = """
import os, sys
import transformers
from solutions.lab1_ensemble import run
save = transformers.Trainer._save_checkpoint
def dying(self, *given, **named):
    save(self, *given, **named)
    os._exit(9)
transformers.Trainer._save_checkpoint = dying
run.main(sys.argv[1:])
"""


def test_a_killed_training_goes_on_and_ends_with_the_same_weights(settings, tmp_path):
    from safetensors.torch import load_file

    killed = words({**settings, "out": str(tmp_path / "killed")}, "--stage", "train")
    done = subprocess.run(
        [sys.executable, "-c", DIE, *killed], cwd=staff_root(), capture_output=True, text=True
    )
    assert done.returncode == 9, done.stderr[-2000:]
    left = list((tmp_path / "killed/checkpoints/nano-flan").glob("checkpoint-*"))
    assert len(left) == 1 and not (tmp_path / "killed/checkpoints/nano-flan/final_model").exists()
    run.main(killed)
    run.main(words(settings, "--stage", "train"))
    told = ("killed", "run")
    for name in ("nano-flan", "nano-gpt"):
        weights = [
            load_file(tmp_path / folder / f"checkpoints/{name}/final_model/model.safetensors")
            for folder in told
        ]
        assert weights[0].keys() == weights[1].keys()
        assert all(weights[0][key].equal(weights[1][key]) for key in weights[0])
        losses = [(tmp_path / folder / f"checkpoints/{name}/training.json").read_text() for folder in told]
        assert losses[0] == losses[1], "the losses of a training that was gone on with"


def test_a_third_model_is_one_entry_and_votes(settings):
    models = {
        "one": ModelEntry("nano-flan", "seq2seq"),
        "two": ModelEntry("nano-gpt", "causal"),
        "three": ModelEntry("nano-flan", "seq2seq", seed_offset=3),
    }
    result = run.run(Config(**{**settings, "num_epochs": 1.0}, models=models, use_judge=True))
    written = read(result, "ensemble_report_with_llm_judge.json")
    jsonschema.validate(written, SCHEMA)
    assert list(written["results"][0]["predictions"]) == ["one", "two", "three"]
    assert read(result, "metrics.json")["votes"][0]["models"] == ["one", "two", "three"]


def test_a_report_with_other_keys_breaks_the_schema():
    good = {"example_id": 0, "gold_output": "x", "predictions": {"a": "x", "b": "y"}}
    labels = {"a": "x", "b": None}
    agreement = {"full_agreement": False, "gadget_types": labels, "normalized_types": labels}
    summary = {
        "total_examples": 1,
        "full_agreements": 0,
        "full_agreement_rate": 0.0,
        "disagreement_rate": 1.0,
    }
    summary["model_format_accuracy"] = {"a": 1.0, "b": 0.0}
    whole = {"summary": summary, "results": [{**good, "agreement": agreement}]}
    jsonschema.validate(whole, SCHEMA)
    more = [{**good, "agreement": {**agreement, "semantic_agreement": True}}]
    for broken in ({**whole, "seed": 1}, {**whole, "results": more}, {**whole, "summary": {}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, SCHEMA)


GOOD = {"instruction": "Identify it.", "input": "JMP end", "output": "gadget_type: jump; location: 1"}


@pytest.mark.parametrize(
    "lines, said",
    [
        ([json.dumps(GOOD), "{not json"], "line 2"),
        ([json.dumps(GOOD), json.dumps({**GOOD, "output": "a jump"})], "record 2"),
        ([json.dumps({**GOOD, "output": 3})], "'output' to be text"),
        ([], "two rows"),
        ([json.dumps({**GOOD, "split": "validation"})] * 3, "two rows"),
    ],
)
def test_a_data_file_of_another_shape_ends_in_one_message(tmp_path, lines, said):
    (tmp_path / "own.jsonl").write_text("\n".join(lines), "utf-8")
    config = Config(data_file=str(tmp_path / "own.jsonl"), out=str(tmp_path / "run"))
    with pytest.raises(LabError, match=said):
        run.run(config, until="data")


def test_a_relation_that_nobody_knows_is_named(tmp_path):
    row = {"a": "Jump", "b": "Branch", "relation": "similar", "split": "unseen"}
    (tmp_path / "own.jsonl").write_text(json.dumps(row), "utf-8")
    with pytest.raises(LabError, match="same, related, different, invalid"):
        run.gold_relations(Config(relations_file=str(tmp_path / "own.jsonl")))


def test_a_judge_without_gold_pairs_has_gains_but_no_effects():
    found = {"judge": "nano-judge", "validation": {"gain_pp": 3.0}}
    assert scoring.comparable(found)["relations"] == {} and scoring.effects(found) == {}


def test_prompts_that_leave_nothing_to_learn_are_named(settings):
    with pytest.raises(LabError, match="something to learn"):
        run.main(words({**settings, "max_input_length": 8}, "--stage", "train"))


# ---- what needs no run ----


def test_the_device_is_printed_as_the_guide_prints_it(capsys):
    assert set_up_device(force_cpu=True).type == "cpu"
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == lines[2] == lines[-1] == "=" * 80 and lines[1].startswith("DEVICE SETUP")
    assert "  Using CPU for training" in lines
    assert data_workers("windows", 4) == 0 and data_workers("unix", 4) == 4


def test_the_published_defaults_are_the_defaults():
    config = Config()
    assert (config.total_examples_to_use, config.eval_split) == (100, 0.1)
    assert (config.train_batch_size, config.gradient_accumulation_steps) == (1, 4)
    assert (config.learning_rate, config.num_epochs) == (5e-5, 3.0)
    assert (config.max_input_length, config.max_target_length) == (512, 256)
    assert shrunk(config).members == config.members
    with pytest.raises(ValueError, match="two members"):
        Config(models={"one": ModelEntry("nano-flan", "seq2seq")})


def test_a_judge_that_sees_everything_can_lose():
    string, right = [True, True, False, False], [True, False, True, False]
    frames, config = ["f1", "f1", "f2", "f3"], Config(bootstrap_resamples=200)
    lost = scoring.gain(string, [False] * 4, right, frames, config)
    assert (lost["gain_pp"], lost["downgraded"], lost["downgraded_both_right"]) == (-50.0, 2, 1)
    assert lost["gain_if_only_disagreements_are_judged_pp"] == 0.0
    low, high = lost["gain_95"]
    assert low <= -80 and high == 0.0, "both pairs that lose lie in one frame, drawn often or never"
    won = scoring.gain(string, [True] * 4, right, frames, config)
    assert (won["gain_pp"], won["upgraded"], won["upgraded_both_right"]) == (50.0, 2, 1)


def test_own_probability_at_a_coverage_is_expected_over_ties():
    confidence, correct = [0.9, 0.5, 0.5, 0.1], [True, True, False, False]
    found = [analysis.accuracy_at(confidence, correct, keep) for keep in (1, 2, 3, 4)]
    assert found == pytest.approx([1.0, 0.75, 2 / 3, 0.5])


def test_the_gold_relation_table_is_scored_beside_string_match():
    relations = [
        {"a": "Jump", "b": "jump gadget", "relation": "same", "split": "unseen"},
        {"a": "Jump", "b": "Goto", "relation": "same", "split": "unseen"},
        {"a": "Jump", "b": "Adder", "relation": "different", "split": "unseen"},
        {"a": "Load", "b": "xx##", "relation": "invalid", "split": "unseen"},
    ]
    verdicts = ["FULL_AGREEMENT", "FULL_AGREEMENT", "PARTIAL_AGREEMENT", None]
    judged = [
        {
            "verdict": verdict,
            "consistent": verdict is not None,
            "semantic_agreement": verdict in ("FULL_AGREEMENT", "PARTIAL_AGREEMENT"),
            "ab_verdict": verdict,
            "ba_verdict": verdict,
        }
        for verdict in verdicts
    ]
    found = scoring.score_split(judged, relations, Config(bootstrap_resamples=20))
    assert (found["accuracy"], found["string_accuracy"], found["constant_accuracy"]) == (0.5, 0.5, 0.5)
    assert (found["unread_replies"], found["replies"], found["swap_consistency"]) == (2, 8, 0.75)
    assert (found["agreements"], found["false_agreements"], found["missed_agreements"]) == (3, 1, 0)
    assert found["audit"][0]["b"] == "Adder"
