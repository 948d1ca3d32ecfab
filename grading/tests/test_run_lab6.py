"""Lab 6's run on a tiny random Llama and a tiny safeguard: stages, files, presets, resuming, and refusals.

The models know nothing, so no accuracy is looked at; what is tested is that each stage runs, what it writes,
and that a missing, empty or changed asset is an error and never a number.
"""

from __future__ import annotations

import csv
import json
import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from grading.stage import staff_root
from labkit import fixtures
from labkit.config import parse
from labkit.data import read_jsonl, write_json, write_jsonl
from labkit.errors import LabError
from labkit.safeguard import main as make_pins
from labkit.safeguard import pins
from solutions.lab6_safety import assets, report, run, tables, training
from solutions.lab6_safety.config import Arm, Config, sized

PRESETS = staff_root() / "solutions/lab6_safety/configs"
# Every JSONL file of a run folder, by how its name begins, and what each of its lines holds.
PROBLEM = {"question": str, "answer": str}
PROMPT = {"id": str, "prompt": str, "category": str, "template": str, "unseen": bool, "reply": str}
VERDICT = {"kind": str, "verdict": str, "p_unsafe": (float, type(None))}
SCHEMAS = {
    "fewshot_gsm8k_fixed": PROBLEM,
    "train_": PROBLEM,
    "gsm8k_preds_": {"question": str, "gold": str, "template": str, "text": str, "correct": bool}
    | {"answer": (str, type(None))},
    "ailuminate_preds_": PROMPT,
    "benign_preds_": PROMPT,
    "ailuminate_safety_": PROMPT | VERDICT,
    "benign_kinds_": PROMPT | {"kind": str},
    "safeguard_labelled": {"prompt": str, "reply": str, "label": str} | VERDICT,
}
NAMES = ("Ana", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gina", "Hal")
THINGS = ("pens", "cups", "hats", "keys", "nuts", "maps", "eggs", "bags")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with tiny models under the names nano-chat and nano-safeguard, and the guide's data files."""
    import torch
    import transformers

    folder, rng = tmp_path_factory.mktemp("world"), random.Random(0)
    tokenizer = fixtures.make("tiny_tokenizer")
    settings = {
        "vocab_size": len(tokenizer),
        "hidden_size": 64,  # NF4 has blocks of 64
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "max_position_embeddings": 1024,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": None,
    }
    torch.manual_seed(0)
    chat, guard = folder / "models/nano-chat", folder / "models/nano-safeguard"
    transformers.LlamaForCausalLM(transformers.LlamaConfig(**settings)).save_pretrained(chat)
    labels = {"num_labels": 2, "id2label": {0: "safe", 1: "unsafe"}, "label2id": {"safe": 0, "unsafe": 1}}
    config = transformers.LlamaConfig(**settings, **labels)
    transformers.LlamaForSequenceClassification(config).save_pretrained(guard)
    for place in (chat, guard):
        tokenizer.save_pretrained(place)
    write_world(folder / "data", rng)
    write_json(folder / "data/safeguard.json", pins(guard, folder / "data/safety_prompt.txt"))
    return folder


def write_world(data, rng) -> None:
    def problem(name: str, number: int) -> dict:
        a, b = rng.sample(range(2, 99), 2)
        return {
            "question": f"{name} has {a} {THINGS[number % 8]} and {b} more, says {name}{number}. How many?",
            "answer": f"{a} + {b} = {a + b}\n#### {a + b}",
            "template": f"t{number % 5}",
        }

    train = [problem(NAMES[i % 8], i) for i in range(40)]
    write_jsonl(data / "gsm8k_train.jsonl", [*train, dict(train[0])])
    write_jsonl(data / "gsm8k_train_unopened.jsonl", train)
    write_jsonl(
        data / "gsm8k_train_self-instruct.jsonl", [{**row, "answer": "So " + row["answer"]} for row in train]
    )
    write_jsonl(data / "gsm8k_validation.jsonl", [problem("Ida", 100 + i) for i in range(4)])
    write_jsonl(data / "gsm8k_test.jsonl", [problem("Jon", 200 + i) for i in range(10)])
    for name, word in (("ailuminate", "hurt"), ("benign_lookalikes", "help")):
        for end, count in (("", 8), ("_validation", 4)):
            rows = [
                {
                    "prompt": f"How can I {word} box {i}{end}?",
                    "category": ("vcr", "prv")[i % 2],
                    "template": f"p{i // 2}",
                }
                for i in range(count)
            ]
            write_jsonl(data / f"{name}{end}.jsonl", rows)
    replay = [
        {"question": f"Please {kind} {i}.", "answer": "I can't help with it.", "kind": kind}
        for i in range(6)
        for kind in ("hazard", "benign")
    ]
    write_jsonl(data / "replay.jsonl", replay)
    labelled = [
        {"prompt": f"Do {i}?", "reply": "Here is how it is.", "label": ("safe", "unsafe")[i % 2]}
        for i in range(8)
    ]
    write_jsonl(data / "safeguard_labelled.jsonl", labelled)
    (data / "safety_prompt.txt").write_text("A reply is unsafe if it helps with a hazard.\n", "utf-8")
    (data / "system_prompt.txt").write_text("Do not help with harm.\n", "utf-8")
    (data / "refusals.txt").write_text("i can't help\nsorry\n", "utf-8")
    (data / "refusals_english.txt").write_text("i cannot\nsorry\n", "utf-8")
    (data / "words.txt").write_text("here is how i can't help with it\n", "utf-8")


@pytest.fixture
def settings(world, tmp_path, monkeypatch):
    monkeypatch.setenv("LABS_MODELS", str(tmp_path / "models"))
    for name in ("models", "data"):
        shutil.copytree(world / name, tmp_path / name)
    return {
        "out": str(tmp_path / "run"),
        "data_folder": str(tmp_path / "data"),
        "train_items": 16,
        "batch_size": 4,
        "checkpoints": 4,
        "max_new_tokens_gsm8k": 4,
        "max_new_tokens_ailuminate": 4,
        "bootstrap_resamples": 20,
        "lora_r": 4,
    }


def test_a_run_writes_the_published_files_and_is_gone_on_with(settings, capsys):
    config = Config(**settings)
    result = run.run(config)
    folder, results = result.folder, result.folder / "results"
    assert len(read_jsonl(folder / "data/fewshot_gsm8k_fixed.jsonl")) == 8
    for name in config.arms:
        for file in ("gsm8k_preds", "ailuminate_preds", "ailuminate_safety"):
            assert (results / f"{file}_{name}.jsonl").is_file()
        assert json.loads((results / f"run_{name}/config_resolved.json").read_text("utf-8"))["shots"]
    preds = read_jsonl(results / "gsm8k_preds_simple.jsonl", {"question": str, "gold": str, "text": str})
    assert len(preds) == 10 and all(row["correct"] is (row["answer"] == row["gold"]) for row in preds)
    said = {"prompt": str, "reply": str, "verdict": str, "kind": str, "category": str}
    for row in read_jsonl(results / "ailuminate_safety_simple.jsonl", said):
        assert row["verdict"] in ("safe", "unsafe", "unparsed") and (
            row["p_unsafe"] is None or 0 <= row["p_unsafe"] <= 1
        )
    for path in folder.rglob("*.jsonl"):
        [schema] = [fields for name, fields in SCHEMAS.items() if path.name.startswith(name)]
        assert read_jsonl(path, schema), f"{path.name} is empty"
    with (results / "summary.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["run_name"] for row in rows] == list(config.arms) and tuple(rows[0]) == tables.SUMMARY
    assert all(0 <= float(row["ailuminate_safety"]) <= 1 for row in rows)
    files = {row["run_name"]: row["data"] for row in rows}
    assert files["untuned"] == "" and files["replay"] == "plain+replay" and files["best"] == "refined+replay"
    assert rows[1]["checkpoint"].startswith("results/run_simple/checkpoints/checkpoint-")
    with (results / "checkpoint_scores_medium.csv").open(encoding="utf-8") as file:
        scores = list(csv.DictReader(file))
    assert {row["split"] for row in scores} == {"validation"} and sum(
        row["chosen"] == "1" for row in scores
    ) == 1
    metrics = result.metrics
    assert [row["arm"] for row in metrics["arms"]] == list(config.arms)
    assert set(result.effects) == set(report.EFFECT_TARGETS)
    assert abs(metrics["memory"]["error"]) < 0.01
    told = capsys.readouterr().out
    assert "simple: published 0.26/0.26" in told and "against untuned" in told
    (folder / "metrics.json").unlink()
    before = (results / "run_strong/checkpoints").stat().st_mtime_ns
    assert run.run(config).metrics == metrics  # gone on with, the same numbers
    assert (results / "run_strong/checkpoints").stat().st_mtime_ns == before


def test_arms_that_differ_in_evaluation_only_are_trained_once(settings):
    config = Config(**settings, only=("simple", "exemplars", "prompt", "medium"))
    folder = run.run(config, until="train").folder
    trained = sorted(path.parent.name for path in folder.glob("results/run_*/checkpoints"))
    assert trained == ["run_simple"]
    steps = [training.step_of(path) for path in training.checkpoints_of(folder / "results/run_simple")]
    assert steps == [1, 2, 3, 4]  # 16 rows in batches of 4, in four parts
    uneven = run.run(
        replace(config, only=("simple",), checkpoints=3, out=config.out + "_uneven"), until="train"
    ).folder
    found = training.checkpoints_of(uneven / "results/run_simple")
    assert [training.step_of(path) for path in found] == [2, 4]  # evenly spaced, and never twice the end


def test_a_sweep_that_was_interrupted_goes_on_with_the_next_checkpoint(settings, monkeypatch):
    config = Config(**settings, only=("simple", "medium"))
    seen, whole = [], run.on_validation

    def killed(folder, config, arm, checkpoint, device):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(checkpoint.name)
        return whole(folder, config, arm, checkpoint, device)

    monkeypatch.setattr(run, "on_validation", killed)
    with pytest.raises(KeyboardInterrupt):
        run.run(config)
    again = []
    monkeypatch.setattr(run, "on_validation", lambda *a: again.append(a[3].name) or whole(*a))
    interrupted = run.run(config).metrics
    assert len(again) == 2 and not set(again) & set(seen)
    straight = run.run(replace(config, out=config.out + "_straight")).metrics
    assert interrupted["sweeps"] == straight["sweeps"] and interrupted["arms"] == straight["arms"]


def test_exemplars_and_what_repeats_them_leave_the_training_file(settings, tmp_path):
    config = Config(**{**settings, "train_items": None})
    folder = run.run(config, until="data").folder
    pool = {row["question"] for row in read_jsonl(folder / "data/fewshot_gsm8k_fixed.jsonl")}
    for kind in ("plain", "refined"):
        kept = read_jsonl(folder / f"data/train_{kind}.jsonl")
        assert kept and not pool & {row["question"] for row in kept}
    found = json.loads((folder / "data/leaks.json").read_text("utf-8"))
    assert found["plain"]["exemplars"]["exact"] >= 8 and found["plain"]["rows"] == 41
    other = Config(**{**settings, "seed": 7, "out": str(tmp_path / "other")})
    again = read_jsonl(run.run(other, until="data").folder / "data/fewshot_gsm8k_fixed.jsonl")
    assert {row["question"] for row in again} == pool  # the pool has a seed of its own


def test_only_the_last_answer_is_learned_and_replay_gets_no_exemplars(settings):
    tokenizer = fixtures.make("tiny_tokenizer")
    config = Config(**settings, train_shots=2)
    shown = [{"question": "1 + 1?", "answer": "#### 2"}, {"question": "2 + 1?", "answer": "#### 3"}]
    rows = [
        {"question": "3 + 1?", "answer": "#### 4"},
        {"question": "Hurt?", "answer": "No.", "kind": "hazard"},
    ]
    made, too_long = training.encoded(config, rows, shown, tokenizer)
    assert too_long == 0
    texts = [tokenizer.decode(row["input_ids"]) for row in made]
    learned = [tokenizer.decode([i for i in row["labels"] if i != -100]) for row in made]
    assert learned == ["#### 4<|end|>", "No.<|end|>"]
    assert "2 + 1?" in texts[0] and "2 + 1?" not in texts[1]
    with pytest.raises(LabError, match="max_length"):
        training.encoded(replace(config, max_length=5), rows, shown, tokenizer)


@pytest.mark.parametrize("name", ["simple", "medium", "strong"])
def test_the_published_presets_run_themselves_and_the_untuned_model(name):
    config = parse(Config, ["--config", name, "--smoke-test"], presets=PRESETS)
    assert list(config.chosen_arms) == ["untuned", name] and config.profile == name
    small = sized(config)
    assert (small.train_items, small.test_items, small.hazard_items) == (200, 50, 50)
    published = {"simple": (1, 3, 0), "medium": (1, 5, 4), "strong": (2, 8, 0)}
    arm = config.arms[name]
    assert (arm.epochs, arm.shots, arm.sweep) == published[name]
    assert (arm.data == "refined") is (name == "strong")


def test_presets_of_the_profiles_are_valid():
    for profile in ("nano", "laptop", "gpu"):
        config = parse(Config, ["--profile", profile], presets=PRESETS)
        assert config.profile == profile and config.only != ()


@pytest.mark.parametrize("model", ["Qwen/Qwen3-4B-Instruct-2507"])
def test_the_gpu_profile_shrinks_to_a_cpu(world, tmp_path, monkeypatch, model):
    monkeypatch.setenv("LABS_MODELS", str(world / "models"))
    config = parse(Config, ["--profile", "gpu", "--shrink"], presets=PRESETS)
    config = replace(config, out=str(tmp_path / "gpu"), model=model, only=("simple",))
    monkeypatch.setattr(assets, "file", lambda _, name: world / "data" / name)
    result = run.run(config)
    row = result.metrics["arms"][1]
    assert row["coverage"]["coverage"] == 1.0 and row["coverage"]["absent"] == []


# ---- missing, empty or changed assets: an error, never a number ----


def broken(settings, change) -> LabError:
    change(settings)
    with pytest.raises(LabError) as caught:
        run.run(Config(**settings, only=("simple",)))
    assert not Path(settings["out"]).exists()  # before anything is trained or written
    return caught.value


def path_of(settings, *parts):
    return Path(settings["data_folder"]).parent.joinpath(*parts)


def test_a_missing_safeguard_is_an_error(settings):
    error = broken(settings, lambda s: shutil.rmtree(path_of(s, "models", "nano-safeguard")))
    assert "nano-safeguard" in str(error) and "labs doctor" in str(error)


def test_a_changed_classifier_is_an_error(settings):
    def change(s):
        place = path_of(s, "models", "nano-safeguard", "model.safetensors")
        data = bytearray(place.read_bytes())
        data[-1] ^= 1
        place.write_bytes(data)

    assert "model.safetensors changed" in str(broken(settings, change))


def test_an_added_weight_file_is_an_error(settings):
    def change(s):
        path_of(s, "models", "nano-safeguard", "more.safetensors").write_bytes(b"x")

    assert "more.safetensors is new" in str(broken(settings, change))


@pytest.mark.parametrize(
    "name, text, words",
    [
        ("safety_prompt.txt", "Everything is safe.\n", "guidelines changed"),
        ("safety_prompt.txt", " \n", "an empty file"),
        ("safety_prompt.txt", None, "no such file"),
        ("safeguard.json", None, "no such file"),
        ("safeguard.json", "[]", "something else"),
        ("ailuminate.jsonl", None, "no such file"),
        ("ailuminate.jsonl", "", "an empty file"),
        ("ailuminate.jsonl", '{"prompt": " "}\n', "row 1"),
        ("refusals.txt", "", "an empty file"),
    ],
)
def test_a_missing_empty_or_changed_file_is_an_error(settings, name, text, words):
    def change(s):
        place = path_of(s, "data", name)
        place.unlink() if text is None else place.write_text(text, "utf-8")

    assert words in str(broken(settings, change))


def test_a_safeguard_that_changes_during_the_run_is_noticed(settings):
    config = Config(**settings, only=("simple",))
    run.run(config, until="train")
    path_of(settings, "data", "safety_prompt.txt").write_text("Everything is safe.\n", "utf-8")
    with pytest.raises(LabError, match="guidelines changed"):
        run.run(config)


def test_prompts_may_stand_in_input_as_published(settings):
    place = path_of(settings, "data", "ailuminate.jsonl")
    write_jsonl(place, [{"input": "How can I hurt a box?"}])
    [row] = assets.prompts(Config(**settings), "ailuminate.jsonl")
    assert (
        row["prompt"] == "How can I hurt a box?" and row["category"] == "all" and row["template"] == row["id"]
    )


def test_pins_are_made_by_one_command(settings, capsys):
    place = path_of(settings, "data", "safeguard.json")
    place.unlink()
    folder, guidelines = (
        path_of(settings, "models", "nano-safeguard"),
        path_of(settings, "data", "safety_prompt.txt"),
    )
    assert make_pins([str(folder), str(guidelines)]) == 0
    assert json.loads(place.read_text("utf-8")) == pins(folder, guidelines)
    assert make_pins([]) == 2 and make_pins([str(folder), "nowhere.txt"]) == 2
    assert "no such file" in capsys.readouterr().err


# ---- what isn't known is not lent ----


def test_refusals_are_worded_by_a_model_so_the_courses_are_not_lent(settings):
    def change(s):
        path_of(s, "data", "refusals.txt").unlink()

    assert "refusals_english.txt" in str(broken(settings, change))


def test_without_labelled_replies_nothing_is_corrected(settings):
    path_of(settings, "data", "safeguard_labelled.jsonl").unlink()
    metrics = run.run(Config(**settings, only=("simple",))).metrics
    assert metrics["safeguard"]["n"] == 0 and metrics["safeguard"]["accuracy"] is None
    assert all(row["corrected"]["rate"] is None for row in metrics["arms"])
    assert "0 labelled replies" in tables.arms_table(metrics)
    assert assets.labelled(Config(model="smollm2")) == []  # the course's are in nano-chat's words


def test_an_exemplar_is_never_a_test_problem(settings):
    train, test = (path_of(settings, "data", f"gsm8k_{name}.jsonl") for name in ("train", "test"))
    rows = read_jsonl(train)
    write_jsonl(test, [*read_jsonl(test), *rows[:4]])
    folder = run.run(Config(**settings, test_leaks=("exact",)), until="data").folder
    taken = {row["question"] for row in rows[:4]}
    for path in folder.glob("data/*.jsonl"):
        assert not taken & {row["question"] for row in read_jsonl(path)}, path.name
    found = json.loads((folder / "data/leaks.json").read_text("utf-8"))
    assert found["pool"]["test"]["exact"] == 5  # the first row stands there twice


# ---- report ----


def hazard(kind: str, verdict: str, template: str) -> dict:
    return {"prompt": "?", "category": "vcr", "template": template, "kind": kind, "verdict": verdict}


def test_a_refusal_that_is_called_unsafe_is_a_false_alarm_and_no_harm():
    said = [hazard(kind, "unsafe", "a") for kind in ("refusal", "answer", "incoherent")]
    assert report.outcomes({"hazards": said}, "compliance") == [False, True, False]
    assert report.outcomes({"hazards": said}, "safety") == [False, False, False]
    counts = report.kinds_by_verdict(said)  # the same names in every run, or seeds can't be averaged
    assert len(counts) == 9 and sum(counts.values()) == 3 and counts["refusal, unsafe"] == 1


def test_no_difference_leaves_open_what_so_few_requests_leave_open():
    rows = [hazard("refusal", "safe", f"t{i // 4}") for i in range(320)]
    flags = {name: {"safety": [True] * 320} for name in ("a", "b")}
    found = report.compared({"a": {"hazards": rows}}, flags, "a", "b", "safety", Config())
    assert found["value"] == 0 and found["low"] == -found["high"]
    assert found["high"] == pytest.approx(100 * (1 - 0.05 ** (1 / 80)))  # 3.7 points, of 80 requests
    flags["b"] = {"safety": [True] * 312 + [False] * 8}
    one = report.compared({"a": {"hazards": rows}}, flags, "a", "b", "safety", Config())
    assert one["low"] >= 0 and one["n_needed"] > report.n_for_mcnemar(
        8 / 320, 8 / 320
    )  # requests, not prompts


def test_a_share_of_one_has_an_interval():
    rows = [hazard("refusal", "safe", f"t{i}") for i in range(40)]
    found = report.rate([True] * 40, rows, Config(bootstrap_resamples=20))
    assert found["by_template_95"] == [1.0, 1.0] and found["interval_95"][0] < 0.95


# ---- settings ----


@pytest.mark.parametrize(
    "change, words",
    [
        ({"arms": {"simple": Arm()}}, "untuned"),
        ({"only": ("nobody",)}, "nobody"),
        ({"arms": {"untuned": Arm(epochs=0), "a/b": Arm()}}, "name files"),
        ({"arms": {"untuned": Arm(epochs=0), "a": Arm(shots=9)}}, "pool_size"),
        ({"arms": {"untuned": Arm(epochs=0), "a": Arm(sweep=9)}}, "sweep"),
    ],
)
def test_settings_that_cannot_work_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        Config(**change)


def test_an_unknown_stage_is_refused(settings):
    with pytest.raises(LabError, match="a stage"):
        run.run(Config(**settings), until="everything")
