"""Lab 2's run on a tiny random Phi-3: every stage and arm, resuming, and its fused layers.

The model knows nothing, so no accuracy is looked at; what is tested is that each stage runs, what it writes,
and what is learned from it.
"""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest

from grading.stage import staff_root
from labkit import fixtures
from labkit.config import parse
from labkit.data import read_jsonl
from labkit.errors import LabError
from labkit.teachers import RuleTeacher
from solutions.lab2_distillation import report, run, training
from solutions.lab2_distillation.config import Arm, Config, shrunk

PRESETS = staff_root() / "solutions/lab2_distillation/configs"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with a tiny Phi-3 under the name nano-facts, and questions with StrategyQA's public fields."""
    import transformers

    folder, rng = tmp_path_factory.mktemp("world"), random.Random(0)
    tokenizer = fixtures.make("tiny_tokenizer")
    config = transformers.Phi3Config(
        vocab_size=len(tokenizer),
        hidden_size=64,  # NF4 has blocks of 64
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    tokenizer.save_pretrained(folder / "models/nano-facts")
    transformers.Phi3ForCausalLM(config).save_pretrained(folder / "models/nano-facts")
    (folder / "questions").mkdir()
    for split, size in (("train", 40), ("validation", 12), ("test", 10)):
        rows = []
        for i in range(size):
            a, b = rng.sample(range(10, 99), 2)
            rows.append(
                {
                    "qid": f"{split}{i}",
                    "question": f"Is box {i} heavier than box {i + 1}?",
                    "answer": a > b,
                    "facts": [f"Box {i} weighs {a}.", f"Box {i + 1} weighs {b}."],
                    "steps": [f"Box {i} weighs {a}.", f"Box {i + 1} weighs {b}.", f"{a} and {b}."],
                    "entities": [f"box {i // 2}"],
                }
            )
        text = "\n".join(map(json.dumps, rows))
        (folder / "questions" / f"{split}.jsonl").write_text(text, "utf-8")
    return folder


@pytest.fixture
def settings(world, tmp_path, monkeypatch):
    monkeypatch.setenv("LABS_MODELS", str(world / "models"))
    return {
        "out": str(tmp_path / "run"),
        "questions": str(world / "questions"),
        "train_samples": 24,
        "validation_samples": 8,
        "draft_new_tokens": 4,
        "max_new_tokens": 6,
        "max_length": 400,
        "enough_epochs": 2,
        "bootstrap_resamples": 20,
    }


def test_a_run_writes_the_published_files_and_one_row_an_arm_and_is_gone_on_with(settings, capsys):
    config = Config(**settings)
    result = run.run(config)
    names = ["data/student_drafts.jsonl", "data/teacher_outputs.jsonl", "data/train_baseline.jsonl"]
    names += ["data/train_cot.jsonl", "data/sample_train.jsonl", "results_phase_a.json", "ablation.md"]
    assert all((result.folder / name).is_file() for name in names)
    for place in ("baseline_phaseA", "cot_phaseB"):
        assert (result.folder / "models" / place / "adapter_model.safetensors").is_file()
    outputs = read_jsonl(result.folder / "data/teacher_outputs.jsonl")
    cot = read_jsonl(result.folder / "data/train_cot.jsonl")
    assert len(outputs) == 24 and len(cot) == sum(r["teacher_answer"] is r["answer"] for r in outputs)
    assert all("**" not in row["rationale"] and row["rationale"].startswith("1. ") for row in cot)
    back = read_jsonl(result.folder / "data/rationalised.jsonl")
    assert len(back) + len(cot) == 24 and not any("hint" in row["rationale"].lower() for row in back)
    assert back and all(row["rationale"].startswith("1. ") for row in back)  # or its number tells the class
    table = result.metrics["ablation"]
    assert [row["arm"] for row in table] == list(config.arms)
    assert result.metrics["n"] == 10 and set(result.effects) == set(report.EFFECT_TARGETS)
    by_arm = {row["arm"]: row for row in table}
    assert by_arm["published"]["steps"] == 3 * -(-len(cot) // 32)  # the published 3 epochs of 2 x 16
    assert by_arm["scorer"]["trainable"] == by_arm["published"]["trainable"]
    assert not (result.folder / "models/scorer").exists()  # only scored differently: not trained again
    assert by_arm["prior"]["rows"] == 24 > by_arm["steps"]["rows"] == len(cot)
    first = (result.folder / "ablation.md").read_text("utf-8")
    assert first.count("\n|") == 1 + len(config.arms)
    (result.folder / "metrics.json").unlink()
    before = (result.folder / "models/cot_phaseB/adapter_model.safetensors").stat().st_mtime_ns
    assert run.run(config).metrics == result.metrics  # gone on with, the same numbers
    assert (result.folder / "models/cot_phaseB/adapter_model.safetensors").stat().st_mtime_ns == before
    assert first in capsys.readouterr().out


def test_every_repair_of_the_prior_changes_what_is_learned(settings):
    config = Config(**settings)
    folder = run.run(config, until="validate").folder
    cot, back = (read_jsonl(folder / f"data/{name}.jsonl") for name in ("train_cot", "rationalised"))
    prior = json.loads((folder / "quality_report.json").read_text("utf-8"))["train"]["prior_yes"]

    def rows(how: str) -> list[dict]:
        return training.training_rows(Arm(target="rationale", prior=how), cot, back, prior, seed=1)

    def yes(found: list[dict]) -> float:
        flags = [row["messages"][1]["content"].endswith("Answer: Yes") for row in found]
        weights = [row["weight"] for row in found]
        return sum(w for w, flag in zip(weights, flags, strict=True) if flag) / sum(weights)

    assert yes(rows("as_kept")) < prior - 0.05
    assert yes(rows("weights")) == pytest.approx(prior)
    assert yes(rows("upsample")) == 0.5
    assert yes(rows("rationalise")) == pytest.approx(prior) and len(rows("rationalise")) == 24


def trainer_for(settings, tmp_path, weights, **switches):
    """The trainer of an arm on six chains of different length."""
    import peft
    import torch

    config, device = Config(**settings), torch.device("cpu")
    model, tokenizer = training.load_base(config, device)
    targets = training.targets_of(Arm(targets="all_linear"), training.linear_shapes(model))
    lora = peft.LoraConfig(r=4, lora_alpha=8, target_modules=targets, task_type="CAUSAL_LM")
    record = {"qid": "q", "question": "Is 12 more than 3?", "answer": True}
    chains = [{**record, "rationale": "12 is more. " * (i + 1)} for i in range(len(weights))]
    arm = Arm(**{"target": "rationale", "mask": "assistant", "steps": "enough", **switches})
    rows = [
        {"messages": training.messages_of(arm, chain), "weight": weight}
        for chain, weight in zip(chains, weights, strict=True)
    ]
    data = training.encoded(arm, rows, tokenizer, 400)
    made = peft.get_peft_model(model, lora)
    return training.make_trainer(config, arm, made, tokenizer, data, data, tmp_path / "arm", device)


def test_adapters_of_a_4_bit_base_are_trained_in_float32(settings, tmp_path):
    import torch

    trainer = trainer_for(settings, tmp_path, [1.0] * 6)
    kinds = {weight.dtype for weight in trainer.model.parameters() if weight.requires_grad}
    assert kinds == {torch.float32}
    assert any(type(m).__name__ == "Linear4bit" for m in trainer.model.modules())  # NF4, on the CPU too


def test_a_weighted_loss_is_the_plain_one_where_weights_are_equal_and_skips_weight_0(settings, tmp_path):
    import torch

    plain, weighted = trainer_for(settings, tmp_path, [1.0] * 4), trainer_for(settings, tmp_path, [2.0] * 4)
    zero = trainer_for(settings, tmp_path, [2.0, 0.0, 0.0, 0.0])

    def loss(trainer) -> float:
        rows = [trainer.train_dataset[i] for i in range(4)]
        batch = trainer.data_collator(rows)
        with torch.no_grad():
            return float(trainer.compute_loss(trainer.model.eval(), batch))

    assert loss(weighted) == pytest.approx(2 * loss(plain), rel=1e-4)
    assert 0 < loss(zero) < loss(weighted)


def test_published_rows_hold_the_answer_in_the_prompt_and_hide_the_end(settings, tmp_path):
    config = Config(**settings)
    folder = run.run(config, until="validate").folder
    cot = read_jsonl(folder / "data/train_cot.jsonl")
    rows = training.training_rows(config.arms["published"], cot, [], 0.5, 1)
    for row, record in zip(rows, cot, strict=True):
        word = "YES" if record["answer"] else "NO"
        assert (
            f"**{word}**" in row["messages"][0]["content"] and row["messages"][1]["content"] == word.title()
        )
    tokenizer = fixtures.make("tiny_tokenizer")
    data = training.encoded(config.arms["published"], rows[:2], tokenizer, 400)
    for ids, labels in zip(data["input_ids"], data["labels"], strict=True):
        assert tokenizer.eos_token_id in ids and tokenizer.eos_token_id not in labels
        kept = [i for i, label in zip(ids, labels, strict=True) if label == i]
        assert len(kept) == len(ids) - ids.count(tokenizer.eos_token_id)  # all other tokens are learned


def test_a_teacher_that_says_nothing_usable_ends_in_one_message(settings):
    class Silent(RuleTeacher):
        def ask(self, requests):
            return ["I cannot say."] * len(requests)

    with pytest.raises(LabError, match="letters whose answer is gold"):
        run.run(Config(**settings), until="validate", teacher=Silent([]))


def test_the_gold_answer_reaches_a_teacher_only_as_a_hint(settings):
    class Listening(RuleTeacher):
        def ask(self, requests):
            heard.extend(requests)
            return super().ask(requests)

    heard: list = []
    config = Config(**settings, attempts=3)
    known = [row for part in ("train", "validation") for row in run.questions(config, part)]
    run.run(config, until="teacher", teacher=Listening(known))
    plain = [request for request in heard if request.hint is None]
    assert len(plain) == 3 * (24 + 8)
    assert not any("hint" in request.prompt.lower() for request in plain)
    told = [request for request in heard if request.hint is not None]
    assert told and all("the right answer is" in request.prompt for request in told)


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"train_samples": 0}, "train_samples"),
        ({"baseline": "nobody"}, "nobody"),
        ({"baseline": "prior"}, "target: answer"),
        ({"arms": {**Config().arms, "x": Arm(targets="all_linear")}}, "needs its targets"),
        ({"arms": {"x": Arm(against="scorer"), **Config().arms}}, "an arm above it"),
        ({"arms": {**Config().arms, "../x": Arm(start_from="base")}}, "name folders"),
    ],
)
def test_settings_that_cannot_work_together_are_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        Config(**wrong)


@pytest.mark.parametrize("profile", ["nano", "laptop", "gpu"])
def test_the_presets_are_read(profile):
    config = parse(Config, ["--profile", profile], presets=PRESETS)
    assert config.profile == profile and shrunk(config).train_samples == 24


# ---- Phi-3's architecture ----


def test_the_published_list_misses_phi3s_fused_layers_and_the_coverage_check_says_so(settings, tmp_path):
    gpu = parse(Config, ["--profile", "gpu", "--shrink"], presets=PRESETS)
    changes = {name: settings[name] for name in ("out", "questions")}
    arms = {name: replace(gpu.arms[name], against=None) for name in ("phase_a", "published", "prior")}
    result = run.run(replace(gpu, **changes, arms=arms))
    by_arm = {row["arm"]: row for row in result.metrics["ablation"]}
    assert by_arm["phase_a"]["missed_layers"] == ["gate_up_proj", "qkv_proj"]
    assert by_arm["prior"]["missed_layers"] == []
    coverage = {
        name: json.loads((result.folder / f"models/{name}/training.json").read_text("utf-8"))["coverage"]
        for name in ("baseline_phaseA", "cot_phaseB")
    }
    assert coverage["baseline_phaseA"]["unmatched"] == ["q_proj", "v_proj", "k_proj", "gate_proj", "up_proj"]
    for name, arm in (("baseline_phaseA", "phase_a"), ("cot_phaseB", "prior")):
        assert coverage[name]["trainable"] == by_arm[arm]["trainable"]  # what PEFT really made trainable
    assert by_arm["prior"]["trainable"] > by_arm["phase_a"]["trainable"]


def test_the_published_8_9_million_are_two_of_four_kinds_of_phi35s_layers():
    shapes = {}
    kinds = {"self_attn.qkv_proj": (9216, 3072), "self_attn.o_proj": (3072, 3072)}
    kinds |= {"mlp.gate_up_proj": (16384, 3072), "mlp.down_proj": (3072, 8192)}
    for layer in range(32):
        shapes |= {f"model.layers.{layer}.{name}": shape for name, shape in kinds.items()}
    for switch, count in (("published_list", 8_912_896), ("all_linear", 25_165_824)):
        targets = training.targets_of(Arm(targets=switch), shapes)
        assert training.lora_coverage(shapes, targets, 16)["trainable"] == count
