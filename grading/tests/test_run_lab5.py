"""Lab 5's runs on a tiny model: both pipelines, the published folders, resuming, one and two processes.

The model was taught to answer every question with "7", so it knows the half of the questions whose answer
that is. No accuracy is looked at; what is tested is that each stage runs, what it writes, and that it writes
the same again.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from grading.stage import staff_root
from labkit import fixtures
from labkit.config import parse
from labkit.data import read_jsonl, write_jsonl
from labkit.errors import LabError
from solutions.lab5_metacognition import jobs, judging, published, report, run, training
from solutions.lab5_metacognition.collect import first_tokens, prompt_of, sample_replies
from solutions.lab5_metacognition.config import Config, shrunk
from solutions.lab5_metacognition.phases import judged_entities, taught_entities, taught_turns
from solutions.lab5_metacognition.system import System, Weights, balanced

PRESETS = staff_root() / "solutions/lab5_metacognition/configs"


def trivia(split: str, number: int) -> dict:
    value = "7" if number % 2 else "a hundred pens"
    answer = {"value": value, "aliases": [value, f"{value} boxes"]}
    asked = f"How many apples has {split} box {number}?"
    return {
        "question_id": f"{split}{number}",
        "question": asked,
        "answer": answer,
        "entity": f"{split}{number // 2}",
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A tiny Llama under the name nano-trivia that says "7", and questions in TriviaQA's shape."""
    folder = tmp_path_factory.mktemp("world")
    place = folder / "models/nano-trivia"
    tokenizer = fixtures.make("tiny_tokenizer")
    tokenizer.save_pretrained(folder / "random")
    fixtures.make("tiny_causal_lm", tokenizer).save_pretrained(folder / "random")
    for split, size in (("train", 20), ("validation", 12)):
        write_jsonl(folder / "questions" / f"{split}.jsonl", [trivia(split, i) for i in range(size)])
    taught = [
        [
            {"role": "user", "content": f"Question: {trivia('train', i)['question']}"},
            {"role": "assistant", "content": "7"},
        ]
        for i in range(20)
    ]
    sizes = {"epochs": 12, "learning_rate": 1e-2, "batch_size": 10, "lora": False, "force_cpu": True}
    training.train(training.TrainJob(str(folder / "random"), str(place), taught, **sizes))
    tokenizer.save_pretrained(place)
    return folder


@pytest.fixture
def settings(world, tmp_path, monkeypatch):
    monkeypatch.setenv("LABS_MODELS", str(world / "models"))
    return {
        "out": str(tmp_path / "run"),
        "profile": "nano",
        "model": "nano-trivia",
        "source": str(world / "questions"),
        "force_cpu": True,
        "num_gpus": 1,
        "num_trials": 3,
        "max_new_tokens": 2,
        "shard_items": 8,
        "num_samples": 20,
        "num_val_samples": 12,
        "epochs": 2,
        "lr": 1e-3,
        "batch_size": 4,
        "batches_per_step": 2,
        "judgment_lora": True,
        "train_samples": 20,
        "test_samples": 12,
        "knowledge_epochs": 1,
        "train_batch": 8,
        "phase_selection": "balanced",
        "bootstrap_resamples": 20,
    }


# ---- pipeline (a) ----


def test_judgment_training_writes_the_published_folder_and_is_gone_on_with(settings, capsys):
    config = Config(**settings, pipeline="judgment")
    result = run.run(config)
    place = result.folder / published.judgment_folder(config, "balanced")
    assert place.name == "nano_trivia_triviaqa_binary_lr1e03_balanced_seed1"
    names = ["responses.jsonl", "val_responses.jsonl", "tested_epoch0.jsonl", "val_tested_epoch0.jsonl"]
    names.append("val_responses_again.jsonl")
    names += [
        f"{prefix}{kind}_epoch{n}.jsonl"
        for n in (1, 2)
        for prefix in ("", "val_")
        for kind in ("responses", "tested")
    ]
    assert all((place / name).is_file() for name in names)
    assert (place / "epoch_2/adapter_model.safetensors").is_file()
    responses, tests = read_jsonl(place / "responses.jsonl"), read_jsonl(place / "tested_epoch0.jsonl")
    assert (
        [row["qid"] for row in responses] == [row["qid"] for row in tests] == [f"train{i}" for i in range(20)]
    )
    assert all(len(row["replies"]) == len(row["correct"]) == 3 for row in responses)
    assert {"can", "cannot"} <= {row["ability"] for row in responses}
    assert all(("no" if row["ability"] == "cannot" else "yes") == row["target"] for row in tests)
    table = (place / "summary.txt").read_text("utf-8").splitlines()
    head = "Epoch    Train Judg   Train QA     Train AUROC  Val Judg     Val QA       Val AUROC"
    assert table[0] == head and table[1] == "-" * 82 and [line[0] for line in table[2:]] == ["0", "1", "2"]
    assert set(result.metrics["judgment"]) == {"balanced", "misjudged"}
    assert set(result.effects) == set(report.EFFECT_TARGETS)
    assert not any((result.folder / ".shards").iterdir())
    (result.folder / "metrics.json").unlink()
    before = (place / "epoch_2/adapter_model.safetensors").stat().st_mtime_ns
    assert run.run(config).metrics == result.metrics
    assert (place / "epoch_2/adapter_model.safetensors").stat().st_mtime_ns == before
    assert head in capsys.readouterr().out


def test_an_epoch_can_be_trained_again_and_needs_the_one_before(settings):
    config = Config(**settings, pipeline="judgment", selections=("balanced",))
    with pytest.raises(LabError, match="epoch 1"):
        run.run(replace(config, start_epoch=2))
    first = run.run(config)
    place = first.folder / published.judgment_folder(config, "balanced")
    times = [(place / f"epoch_{n}/adapter_model.safetensors").stat().st_mtime_ns for n in (1, 2)]
    again = run.run(replace(config, start_epoch=2))
    now = [(place / f"epoch_{n}/adapter_model.safetensors").stat().st_mtime_ns for n in (1, 2)]
    assert now[0] == times[0] and now[1] != times[1]
    assert again.metrics == first.metrics


def test_existing_responses_can_be_taken(settings):
    config = Config(**settings, pipeline="judgment", selections=("balanced",), skip_collect=True)
    system = System(run.RunFolder.open("lab5", config), config)
    run.prepare_data(system.folder, config)
    path = system.folder.file(f"{published.judgment_folder(config, 'balanced')}/responses.jsonl")
    weights = Weights(config.model)
    given = [{"qid": f"train{i}", "replies": ["7", "7", "pens"]} for i in range(19)]
    write_jsonl(path, given)
    name = str(path.relative_to(system.folder.path))
    with pytest.raises(LabError, match="none to 1 of 20"):
        system.collect("one", "data/train.jsonl", weights, name, tag=0, first=True)
    write_jsonl(path, [*given, {"qid": "train19", "replies": ["pens", "a 7", "17"]}])
    rows = system.collect("two", "data/train.jsonl", weights, name, tag=0, first=True)
    assert rows[1]["correct"] == [True, True, False] and rows[19]["correct"] == [False, True, False]
    assert rows[0]["ability"] == "cannot" and rows[1]["ability"] == "uncertain"
    rows = system.collect("three", "data/train.jsonl", weights, name, tag=0)  # of a trained model: asked anew
    assert [row["replies"] for row in rows[:19]] != [row["replies"] for row in given]


@pytest.mark.parametrize("rehearsal", [False, True])
def test_rehearsal_puts_the_pretrained_models_answers_beside_judgments(settings, rehearsal):
    changed = {**settings, "selections": ("misjudged",), "rehearsal": rehearsal, "passes": 2}
    config = Config(**changed, pipeline="judgment")
    system = System(run.RunFolder.open("lab5", config), config)
    run.prepare_data(system.folder, config)
    for epoch, reply in ((0, "as before"), (1, "as it is now")):
        responses, tested = judging.files_of(config, "misjudged", "train", epoch)
        rows = [{"qid": f"train{i}", "ability": "can", "target": "yes"} for i in range(3)]
        rows[2]["ability"] = "can" if epoch else "cannot"  # could not be answered before any training
        replies = [f"{reply} {trial}" for trial in range(3)]
        write_jsonl(system.folder.file(responses), [{**row, "replies": replies} for row in rows])
        said = ["no", "yes", "no"]
        write_jsonl(
            system.folder.file(tested), [{**r, "judgment": s} for r, s in zip(rows, said, strict=True)]
        )
    turns = judging.training_rows(system, "misjudged", 2)
    own = [["as before 2"], ["as before 0"]] if rehearsal else [[], []]  # trials of the third and fourth pass
    assert [turn[-1]["content"] for turn in turns] == ["yes", "yes", *own[0], "yes", "yes", *own[1]]
    asked = [turn[0]["content"] for turn in turns if turn[-1]["content"] != "yes"]
    assert set(asked) <= {f"Question: {trivia('train', 0)['question']}"}


# ---- pipeline (b) ----


def test_three_phases_write_the_published_folders(settings):
    changed = {**settings, "judged_share": 0.5, "phase_selection": "all"}
    config = Config(**changed, pipeline="multiphase", phase_label_mode="uncertainty")
    result = run.run(config)
    place = result.folder / "experiments/nano-trivia_triviaqa_train20_test12_seed1"
    names = [
        "config.json",
        "pipeline_state.json",
        "phase1_judgment/responses.jsonl",
        "phase1_judgment/training_data.jsonl",
    ]
    names += ["phase2_knowledge/qa_training_data.jsonl", "phase3_judgment/responses_post_knowledge.jsonl"]
    names += ["phase3_judgment/training_data_v2.jsonl", "phase2_knowledge/base_with_knowledge/config.json"]
    assert all((place / name).is_file() for name in names)
    for adapter in (
        "phase1_judgment/judgment_v1",
        "phase2_knowledge/knowledge",
        "phase3_judgment/judgment_v2",
    ):
        assert (place / adapter / "adapter_model.safetensors").is_file()
    state = json.loads((place / "pipeline_state.json").read_text("utf-8"))
    assert state == {"completed_phases": [1, 2, 3], "current_phase": None}
    taught = taught_entities(read_jsonl(result.folder / "data/phases_train.jsonl"), 0.5, config.seed)
    learned = read_jsonl(place / "phase2_knowledge/qa_training_data.jsonl")
    assert len(taught) == 5 and len(learned) == 10  # all questions about five of ten entities
    assert all(row["messages"][1]["content"] in ("7", "a hundred pens") for row in learned)
    found = result.metrics["phases"]
    assert set(found["judges"]) == {"baseline", "v1", "v1_after_knowledge", "v2"}
    for tests in found["judges"].values():
        for split, row in tests.items():
            assert row["n"] == {"train": 20, "test": 12}[split]
            assert sum(sum(cells.values()) for cells in row["matrix"].values()) == row["n"]
    rows = read_jsonl(result.folder / "data/phases_train.jsonl")
    judged = judged_entities(rows, 0.5, config.seed)
    for file in ("phase1_judgment/training_data.jsonl", "phase3_judgment/training_data_v2.jsonl"):
        seen = {row["qid"] for row in read_jsonl(place / file)}
        assert seen == {row["qid"] for row in rows if row["entity"] in judged} and len(judged) == 5
    sizes = {name: found["stale"][name]["n"] for name in found["stale"]}
    new = [row for row in rows if row["entity"] not in judged]
    assert sizes["untaught"] == sum(row["entity"] not in taught for row in new)
    assert sizes["learned"] + sizes["known_and_taught"] == sum(row["entity"] in taught for row in new)
    assert sizes["validation"] == found["changes"]["stale_validation"]["n"] == 12


def test_phases_run_one_by_one_and_in_order(settings):
    config = Config(**settings, pipeline="multiphase", experiment="mine", no_lora=True)
    with pytest.raises(LabError, match="phase 1 isn't finished"):
        run.run(replace(config, phase=2))
    for phase, judges in ((1, ["baseline", "v1"]), (2, ["baseline", "v1", "v1_after_knowledge"])):
        result = run.run(replace(config, phase=phase))
        assert [*result.metrics["phases"]["judges"]] == judges and result.effects == {}
        state = json.loads((result.folder / "experiments/mine/pipeline_state.json").read_text("utf-8"))
        assert state == {"completed_phases": [*range(1, phase + 1)], "current_phase": phase + 1}
    result = run.run(replace(config, phase=3))
    place = result.folder / "experiments/mine"
    run.run(replace(config, phase=1))  # nothing is forgotten
    state = json.loads((place / "pipeline_state.json").read_text("utf-8"))
    assert state == {"completed_phases": [1, 2, 3], "current_phase": None}
    assert (place / "phase1_judgment/judgment_v1/model.safetensors").is_file()  # all weights, no adapter
    assert not (place / "phase2_knowledge/base_with_knowledge").exists()
    assert result.metrics["phases"]["stale"]["learned_in_training"]["v2"]["pp"] is not None
    assert result.metrics["phases"]["stale"]["learned"]["n"] == 0  # judges learned from all: nothing is new


def test_merging_by_hand_gives_the_answers_of_the_adapter(settings, world, tmp_path):
    import peft
    import torch

    rows = [[{"role": "user", "content": "Question: How?"}, {"role": "assistant", "content": "12 pens"}]] * 8
    base, adapter = "nano-trivia", str(tmp_path / "adapter")
    training.train(
        training.TrainJob(base, adapter, rows, epochs=4, learning_rate=1e-2, batch_size=4, force_cpu=True)
    )
    assert (
        training.merge_into_base(base, adapter, tmp_path / "merged") == 14
    )  # seven layers in each of two blocks
    with_adapter, tokenizer = training.load_trained(base, adapter, "cpu")
    by_hand, _ = training.load_trained(str(tmp_path / "merged"), None, "cpu")
    by_peft = peft.PeftModel.from_pretrained(
        training.load_trained(base, None, "cpu")[0], adapter
    ).merge_and_unload()
    for name, weight in by_peft.state_dict().items():
        assert torch.allclose(weight, by_hand.state_dict()[name], atol=1e-5), name
    ids = tokenizer("Question: How many?", return_tensors="pt")
    with torch.inference_mode():
        assert torch.allclose(with_adapter(**ids).logits, by_hand(**ids).logits, atol=1e-4)
    plain, _ = training.load_trained(base, None, "cpu")
    changed = [n for n, w in plain.state_dict().items() if not torch.equal(w, by_hand.state_dict()[n])]
    assert len(changed) == 14


def test_a_judges_adapter_can_be_on_the_last_blocks_alone(settings, tmp_path):
    from safetensors import safe_open

    rows = [[{"role": "user", "content": "Question: How?"}, {"role": "assistant", "content": "yes"}]] * 4
    for blocks, wanted in ((None, {"0", "1"}), (1, {"1"})):
        target = str(tmp_path / str(blocks))
        job = training.TrainJob("nano-trivia", target, rows, lora_blocks=blocks, batch_size=4, force_cpu=True)
        training.train(job)
        with safe_open(f"{target}/adapter_model.safetensors", "pt") as file:
            names = [name.split(".layers.")[1] for name in file.keys()]  # noqa: SIM118
        assert {name.partition(".")[0] for name in names} == wanted and len(names) == 14 * len(wanted)


# ---- killed, and several processes ----


KILLED = """
import json, os, signal, sys
from labkit.data import read_jsonl, write_jsonl
from solutions.lab5_metacognition import jobs, run
from solutions.lab5_metacognition.config import Config

settings, fatal, work, seen = json.loads(sys.argv[1]), int(sys.argv[2]), jobs.work, []

def killed(job, rank, world):
    seen.append(job["kind"])
    if len(seen) == fatal and job["kind"] != "train":  # dies when its first shard is written
        write_jsonl(job["records"], read_jsonl(job["records"])[: job["shard_items"]])
    if len(seen) != fatal or job["kind"] != "train":
        work(job, rank, world)
    if len(seen) == fatal:
        os.kill(os.getpid(), signal.SIGKILL)

jobs.work = killed
run.run(Config(**{**settings, "selections": tuple(settings["selections"])}))
"""


def test_a_run_killed_at_three_stages_goes_on_to_the_same_numbers(settings, tmp_path):
    """Really killed: while collecting, while training a judge, and while the stale judge is tested."""
    settings |= {"epochs": 1, "selections": ("balanced",)}
    config = Config(**settings)
    for fatal in ("2", "5", "18"):
        words = [sys.executable, "-c", KILLED, json.dumps(settings), fatal]
        done = subprocess.run(words, cwd=staff_root(), capture_output=True, text=True)
        assert done.returncode == -signal.SIGKILL, done.stderr[-500:]
    stages = {path.stem for path in (Path(config.out) / ".stages").glob("*.json")}
    assert "b2_collect_test" in stages and "report" not in stages
    assert run.run(config).metrics == run.run(replace(config, out=str(tmp_path / "whole"))).metrics


def job_of(world, folder, kind: str, **more) -> dict:
    records = [
        {
            "qid": r["question_id"],
            "question": r["question"],
            "aliases": ["7"],
            "context": "",
            "entity": r["entity"],
        }
        for r in (trivia("train", i) for i in range(18))
    ]
    write_jsonl(folder / "rows.jsonl", records)
    settings = {
        "base": str(world / "models/nano-trivia"),
        "adapter": None,
        "shrink": False,
        "model_seed": 1,
        "seed": 3,
    }
    settings |= {
        "records": str(folder / "rows.jsonl"),
        "folder": str(folder),
        "force_cpu": True,
        "kind": kind,
    }
    return {**settings, "shard_items": 5, "batch_size": 4, **more}


def test_two_gloo_processes_collect_and_train_what_one_does(world, tmp_path):
    """Really launched, through `accelerate launch`."""
    turns = [
        [{"role": "user", "content": f"Question: {i}?"}, {"role": "assistant", "content": f"{i} pens"}]
        for i in range(16)
    ]
    found = {}
    for processes in (1, 2):
        folder = tmp_path / str(processes)
        folder.mkdir()
        more = {"trials": 3, "temperature": 1.0, "max_new_tokens": 4}
        job = job_of(world, folder, "sample", **more)
        jobs.perform(job, processes)
        replies = jobs.collected(job)
        write_jsonl(folder / "turns.jsonl", [{"messages": each} for each in turns])
        sizes = {"epochs": 2, "learning_rate": 1e-2, "batches_per_step": 2, "target": str(folder / "tuned")}
        jobs.perform(
            job_of(world, folder, "train", **sizes) | {"records": str(folder / "turns.jsonl")}, processes
        )
        told = json.loads((folder / "tuned/training.json").read_text("utf-8"))
        found[processes] = (replies, told, (folder / "tuned/adapter_model.safetensors").read_bytes())
    assert len(found[1][0]) == 18 and all(len(each) == 3 for each in found[1][0])
    assert found[2][0] == found[1][0]  # the same replies, shard by shard
    assert found[2][1]["optimiser_steps"] == found[1][1]["optimiser_steps"] == 4
    assert found[2][1]["training_loss"] == pytest.approx(found[1][1]["training_loss"], rel=1e-4)
    assert found[2][2] == found[1][2]  # the same adapter, to the byte


def test_a_process_that_fails_is_told_with_its_error(world, tmp_path):
    job = job_of(world, tmp_path, "sample", trials=2, temperature=1.0, max_new_tokens=2)
    with pytest.raises(LabError, match="2 processes to finish sample"):
        jobs.perform({**job, "base": str(tmp_path / "nowhere")}, 2)


def test_eight_gpus_are_launched_with_deepspeed():
    words = jobs.launch_words(8, "ds_config_zero3.json")
    assert words[words.index("--num_processes") + 1] == "8"
    assert words[words.index("--deepspeed_config_file") + 1] == "ds_config_zero3.json"
    assert "--multi_gpu" not in words and "--multi_gpu" in jobs.launch_words(2)


def test_the_zero3_file_passes_accelerates_own_checks_and_is_filled_in():
    """Dry: DeepSpeed itself isn't installed here, and 8 GPUs aren't there."""
    from accelerate.utils import DeepSpeedPlugin

    plugin = DeepSpeedPlugin(hf_ds_config=str(PRESETS / "ds_config_zero3.json"))
    assert plugin.zero_stage == 3 and plugin.hf_ds_config.is_zero3() and not plugin.hf_ds_config.is_offload()
    plugin.set_mixed_precision("bf16")
    sizes = {"train_micro_batch_size_per_gpu": 16, "gradient_accumulation_steps": 1, "train_batch_size": 128}
    buckets = ("reduce_bucket_size", "stage3_prefetch_bucket_size", "stage3_param_persistence_threshold")
    known = {**sizes, "gradient_clipping": 1.0, "bf16.enabled": True}
    known |= {f"zero_optimization.{name}": 4096 for name in buckets}
    plugin.deepspeed_config_process(must_match=False, **known)
    assert "auto" not in json.dumps(plugin.deepspeed_config)
    assert plugin.deepspeed_config["train_micro_batch_size_per_gpu"] == 16
    with pytest.raises(ValueError):  # what the file doesn't leave open
        plugin.deepspeed_config_process(must_match=True, **{"zero_optimization.stage": 2})


# ---- settings ----


def test_published_options_work_by_their_published_names():
    words = "--config multiphase --model Qwen/Qwen2.5-0.5B-Instruct --train_samples 10000 --test_samples 1000"
    words += " --inference_batch 512 --train_batch 32 --epochs 2 --lr 1e-5 --no_lora --phase 2"
    words += " --experiment it"
    config = run.configured(words.split())
    assert (config.phase_epochs, config.inference_batch_size, config.learning_rate) == (2, 512, 1e-5)
    assert config.no_lora and (config.phase, config.experiment) == (2, "it")
    words = (
        "--profile gpu --pipeline judgment --dataset hotpotqa --epochs 10 --num_gpus 8 --num_samples 20000"
    )
    words += " --num_val_samples 5000 --label_mode uncertainty --lr 4e-6 --batch_size 2 --output_dir there"
    words += " --skip_collect"
    config = run.configured([*words.split(), "--start_epoch", "3"])
    assert (config.epochs, config.lr, config.batch_size, config.out) == (10, 4e-6, 2, "there")
    assert config.label_mode == "uncertainty" and config.skip_collect and config.start_epoch == 3
    for rate, shown in (("1e-5", "lr1e05"), ("1.5e-5", "lr1.5e05"), ("4e-6", "lr4e06")):
        config = run.configured(["--profile", "gpu", "--lr", rate])
        name = f"experiments/qwen2.5_7b_instruct_triviaqa_binary_{shown}_misjudged_seed1"
        assert published.judgment_folder(config, "misjudged") == name
    assert run.configured(["--profile", "nano", "--phase", "2"]).pipeline == "multiphase"
    assert run.configured(["--profile", "gpu", "--pipeline", "judgment", "--train_batch", "4"]).num_gpus == 8


def test_defaults_are_the_published_ones():
    config = Config()
    got = (config.model, config.dataset, config.epochs, config.num_samples, config.num_val_samples, config.lr)
    assert got == ("Qwen/Qwen2.5-7B-Instruct", "triviaqa", 10, 5000, 1000, 1e-5)
    got = (
        config.batch_size,
        config.num_gpus,
        config.label_mode,
        config.num_trials,
        config.lora_r,
        config.lora_alpha,
    )
    assert got == (16, 8, "binary", 5, 16, 32)
    got = (config.train_samples, config.test_samples, config.inference_batch_size, config.train_batch)
    assert got == (1000, 100, 16, 32)
    assert (config.phase_epochs, config.knowledge_epochs, config.learning_rate) == (1, 5, 1e-4)
    assert replace(config, no_lora=True).learning_rate == 1e-5


@pytest.mark.parametrize("name", ["nano", "laptop", "gpu", "multiphase"])
def test_every_preset_is_read_and_can_be_shrunk(name):
    config = parse(Config, ["--config", name], presets=PRESETS)
    assert shrunk(config).num_gpus == 1 and shrunk(config).deepspeed is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": 0},
        {"num_trials": 0},
        {"batches_per_step": 3, "num_gpus": 2},
        {"taught_share": 0},
        {"judged_share": 1.5},
        {"selections": ()},
        {"start_epoch": 11},
        {"experiment": "../elsewhere"},
        {"phase_lr": -1},
        {"lora_dropout": 1},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong):
    with pytest.raises(ValueError):
        Config(**wrong)


@pytest.mark.parametrize("model", ["Qwen/Qwen2.5-0.5B-Instruct", "openai/gpt-oss-20b"])
def test_the_gpu_preset_runs_shrunk(world, tmp_path, monkeypatch, model):
    monkeypatch.setenv("LABS_MODELS", str(world / "models"))
    words = ["--profile", "gpu", "--shrink", "--model", model, "--out", str(tmp_path / "run"), "--force_cpu"]
    words += ["--source", str(world / "questions"), "--selections", "misjudged", "--phase_selection", "all"]
    found = run.main([*words, "--lora_r", "2"]).metrics
    assert [row["val"]["n"] for row in found["judgment"]["misjudged"]["epochs"]] == [8, 8]
    assert all(tests["test"]["n"] == 8 for tests in found["phases"]["judges"].values())


def test_words_that_begin_alike_are_an_error():
    tokenizer = fixtures.make("tiny_tokenizer")
    pieces = {word: tokenizer(word, add_special_tokens=False)["input_ids"] for word in ("yes", "Yes")}
    counted = {pieces["yes"][0], *(pieces["Yes"] if len(pieces["Yes"]) == 1 else ())}
    assert set(first_tokens(tokenizer, ("yes", "no"))[0]) == counted  # "Y" alone begins many words
    with pytest.raises(LabError, match="first token"):
        first_tokens(tokenizer, ("yes", "yet"))


def test_no_entity_may_be_on_two_sides(settings, world, tmp_path):
    rows = [trivia("train", i) for i in range(20)]
    folder = tmp_path / "mixed"
    write_jsonl(folder / "train.jsonl", rows)
    write_jsonl(folder / "validation.jsonl", [*(trivia("validation", i) for i in range(11)), rows[3]])
    with pytest.raises(LabError, match="1 in both, 'train1'"):
        run.run(Config(**{**settings, "source": str(folder)}))


def test_trials_are_sampled_as_the_settings_say_whatever_the_models_own_file_says(world, tmp_path):
    records = [{"question": trivia("train", i)["question"], "context": ""} for i in range(6)]
    sizes = {"trials": 4, "temperature": 3.0, "max_new_tokens": 3, "batch_size": 3, "seed": 5}
    folder = shutil.copytree(world / "models/nano-trivia", tmp_path / "hub")
    plain = sample_replies(*training.load_trained(str(folder), None, "cpu"), records, **sizes)
    assert len({reply for replies in plain for reply in replies}) > 1  # it samples: 7 is not all it says
    own = json.loads((folder / "generation_config.json").read_text())
    hub = {"do_sample": True, "top_p": 0.01, "repetition_penalty": 5.0, "min_p": 0.9, "top_k": 1}
    (folder / "generation_config.json").write_text(json.dumps(own | hub))
    assert sample_replies(*training.load_trained(str(folder), None, "cpu"), records, **sizes) == plain


def test_a_reply_begins_where_the_template_puts_its_words():
    tokenizer = fixtures.make("tiny_tokenizer")
    turns = [{"role": "user", "content": "Question: How?"}]
    usual = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    assert prompt_of(tokenizer, turns) == usual
    tokenizer.chat_template = (
        "{% for m in messages %}<|user|>{% if m.role == 'assistant' %}final:{% endif %}{{ m.content }}<|end|>"
        "{% endfor %}{% if add_generation_prompt %}<|user|>{% endif %}"
    )
    assert prompt_of(tokenizer, turns) == "<|user|>Question: How?<|end|><|user|>final:"
    row = training.encoded(tokenizer, [*turns, {"role": "assistant", "content": "7"}], 100)
    learned = [i for i, label in zip(row["input_ids"], row["labels"], strict=True) if label != -100]
    assert tokenizer.decode(learned).startswith("7")


def test_facts_are_taught_in_other_words_where_there_are_some():
    row = {"question": "Where?", "context": "", "aliases": ["Parum", "P"]}
    turns = taught_turns({**row, "other_wordings": ["In which town?", "In what town?"]})
    asked = ["Question: In which town?", "Question: In what town?"]
    assert [turn[0]["content"] for turn in turns] == asked
    assert [turn[1]["content"] for turn in turns] == ["Parum"] * 2


def test_a_model_that_can_answer_nothing_is_an_error_with_a_way_out():
    with pytest.raises(LabError, match="num_samples"):
        balanced([{"qid": "q1", "target": "no"}], 1)


def test_a_step_sees_the_same_rows_on_any_number_of_processes():
    order = training.in_order(10, epochs=2, per_step=4, seed=1)
    assert len(order) == 16 and set(order[:8]) <= set(range(10)) and len(set(order[:8])) == 8
    assert order == training.in_order(10, 2, 4, 1) != training.in_order(10, 2, 4, 2)
    assert sorted(training.in_order(3, 1, 8, 1)) == [0, 0, 0, 1, 1, 1, 2, 2]  # fewer rows than a step
