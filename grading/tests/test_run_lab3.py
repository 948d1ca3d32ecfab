"""Lab 3's run on tiny random models: every stage and arm, both trainers, both kinds of start, resuming.

The models know nothing, so no number is looked at; what is tested is that each stage runs and what it writes.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import peft
import pytest
import torch
import transformers

from labkit import fixtures
from labkit.data import data_path, read_jsonl, write_jsonl
from labkit.errors import LabError
from solutions.lab3_dpo import data, guided, report, run, training
from solutions.lab3_dpo.batches import encode_pairs
from solutions.lab3_dpo.config import LOSSES, Arm, Config


def pair(number: int, split: str, kind: str) -> dict:
    answer, other = ("Yes", "No") if number % 2 else ("No", "Yes")
    final = f"Thing {number} weighs {number} kg.\nAnswer: {answer}"
    draft = f"Answer: {other} - it is big.\nQuestions: How heavy is thing {number}?"
    flipped = f"Thing {number} weighs {number} kg.\nAnswer: {other}"
    return {
        "qid": f"q{number}",
        "prompt": data.prompt_text(f"Is thing {number} heavier?", draft),
        "chosen": final,
        "rejected": draft if kind == "natural" else flipped,
        "source": "wrong_draft" if kind == "natural" else "flipped_answer",
        "kind": kind,
        "flipped": False,
        "split": split,
    }


def task(number: int, split: str) -> dict:
    found = pair(number, split, "natural")
    return {
        "qid": found["qid"],
        "question": f"Is thing {number} heavier?",
        "answer": bool(number % 2),
        "draft": found["rejected"],
        "entities": [f"thing {number % 3}"],
        "decomposition": [f"How heavy is thing {number}?", "Is #1 more than #2?"],
        "final": found["chosen"],
        "teacher_answer": bool(number % 2),
        "split": split,
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with a tiny model, an adapter that goes with it, pairs and tasks."""
    folder = tmp_path_factory.mktemp("world")
    tokenizer = fixtures.make("tiny_tokenizer")
    fixtures.make("tiny_causal_lm", tokenizer, seed=3).save_pretrained(folder / "whole")
    tokenizer.save_pretrained(folder / "whole")
    wide = transformers.LlamaConfig.from_pretrained(
        folder / "whole", hidden_size=64, intermediate_size=128, head_dim=16
    )
    transformers.LlamaForCausalLM(wide).save_pretrained(folder / "wide")  # four bits need rows of 64
    tokenizer.save_pretrained(folder / "wide")
    adapted = fixtures.make("tiny_adapter_model", 3)
    adapted.peft_config["default"].base_model_name_or_path = str(folder / "whole")
    adapted.peft_config["default"].lora_dropout = 0.3  # as Lab 2's have; preference training does without
    adapted.save_pretrained(folder / "adapter")
    splits = ["train"] * 6 + ["test"] * 4
    rows = [pair(i, split, kind) for kind in ("natural", "matched") for i, split in enumerate(splits)]
    write_jsonl(folder / "pairs.jsonl", rows)
    write_jsonl(folder / "tasks.jsonl", [task(i, split) for i, split in enumerate(splits)])
    return folder


@pytest.fixture
def settings(world, tmp_path):
    def made(**changed) -> Config:
        given = {
            "profile": "tiny",
            "out": str(tmp_path / "run"),
            "force_cpu": True,
            "starts": {"phase_a": str(world / "adapter"), "phase_b": str(world / "whole")},
            "quantize": False,
            "pairs_file": str(world / "pairs.jsonl"),
            "tasks_file": str(world / "tasks.jsonl"),
            "arms": {"dpo": Arm()},
            "main_arm": "dpo",
            "epochs": 2,
            "batch_size": 4,
            "learning_rate": 1e-3,
            "max_new_tokens": 4,
            "attributed": 2,
            "attribution_steps": 3,
            "guided_rounds": 2,
            "guided_questions": 3,
            "bootstrap_resamples": 20,
        }
        return Config(**{**given, **changed})

    return made


def test_every_arm_runs_and_every_file_is_written(settings):
    arms = {loss: Arm(loss, flips=0.25 if "d" in loss else 0.0) for loss in LOSSES}
    arms["drop_loss"], arms["schedule"] = Arm("drop_loss", flips=0.2), Arm("schedule", epochs=4)
    found = run.run(settings(arms=arms))
    for name in ("start", *arms):
        assert (found.folder / f"results/pairs_{name}.jsonl").is_file()
    log = [
        json.loads(line) for line in (found.folder / "logs/schedule.jsonl").read_text("utf-8").splitlines()
    ]
    assert [log[i]["beta"] for i in (0, -1)] == [0.05, 0.1]
    assert log[0]["loss"] == pytest.approx(math.log(2), abs=1e-4) and log[0]["gap_before_epoch"] is None
    second = next(line for line in log if line["epoch"] == 2)
    first = [line for line in log if line["epoch"] == 1]
    nats = sum(line["margin"] for line in first) / len(first) / 0.05
    assert second["gap_before_epoch"] == pytest.approx(nats, abs=1e-5)
    kept = {
        line["epoch"]: line["kept"]
        for line in map(json.loads, (found.folder / "logs/drop_loss.jsonl").open())
    }
    assert kept == {1: 12, 2: 11}
    assert set(found.effects) <= set(report.EFFECT_TARGETS)
    assert {
        "reward_accuracy_pp",
        "no_draft_cost_pp",
        "lift_minus_shuffled",
        "question_win_rate_gain_pp",
    } <= set(found.effects)
    assert found.metrics["arms"]["start"]["chosen_ratio_nats"] == pytest.approx(0, abs=1e-5)
    assert {"task_minus_phase_a_pp", "task_minus_phase_b_pp"} <= set(found.effects)
    assert [row["round"] for row in found.metrics["guided"]] == [0, 1, 2]
    assert found.metrics["phases"]["phase_b"]["n"] == 4
    for plot in ("ratios", "accuracy", "ablations"):
        assert (found.folder / f"plots/{plot}.png").is_file()


def test_a_second_run_does_nothing_and_gives_the_same(settings, monkeypatch):
    config = settings(guided_rounds=0)
    first = run.run(config)
    monkeypatch.setattr(run, "load_start", lambda *_: pytest.fail("a finished stage ran again"))
    assert run.run(config).metrics == first.metrics


def test_an_adapter_is_continued_against_its_frozen_copy(settings):
    from labkit.device import pick_device

    config = settings(start_from="phase_a")
    start = training.load_start(config, pick_device(True))
    assert start.mode == "ref" and set(start.model.peft_config) == {"default", "ref"}
    found = run.run(config, until="evaluate")
    log = (found.folder / "logs/dpo.jsonl").read_text("utf-8").splitlines()
    assert json.loads(log[0])["loss"] == pytest.approx(math.log(2), abs=1e-4)


def test_a_wrong_reference_is_refused_by_its_first_loss(settings):
    from labkit.device import pick_device

    config = settings(start_from="phase_a")
    start = training.load_start(config, pick_device(True))
    wrong = training.Start(start.model, start.tokenizer, "disabled")
    with pytest.raises(LabError, match="log 2"):
        pairs = [pair(i, "train", "natural") for i in range(4)]
        training.train(wrong, pairs, Arm(beta=2.0), config, "trapped")


@pytest.mark.parametrize("start_from", ["phase_a", "phase_b"])
def test_trl_trains_the_same_pairs(settings, start_from):
    found = run.run(settings(trainer="trl", start_from=start_from, epochs=1), until="evaluate")
    log = [json.loads(line) for line in (found.folder / "logs/dpo.jsonl").read_text("utf-8").splitlines()]
    assert float(log[0]["loss"]) == pytest.approx(math.log(2), abs=2e-3)


def test_four_bits_train_too(settings, world):
    wide = dict.fromkeys(("phase_a", "phase_b"), str(world / "wide"))
    found = run.run(settings(quantize=True, starts=wide, epochs=1, batch_size=12), until="train")
    log = [json.loads(line) for line in (found.folder / "logs/dpo.jsonl").read_text("utf-8").splitlines()]
    assert log[0]["loss"] == pytest.approx(math.log(2), abs=1e-3)


def test_four_bits_keep_their_gradient_after_a_pass_in_eval_mode(settings, world):
    from labkit.device import pick_device

    wide = dict.fromkeys(("phase_a", "phase_b"), str(world / "wide"))
    start = training.load_start(settings(quantize=True, starts=wide), pick_device(True))
    inputs = start.model.get_input_embeddings()(torch.tensor([[5, 6, 7]])).detach().requires_grad_(True)
    found = []
    for _ in range(2):
        logits = start.model.train()(inputs_embeds=inputs).logits
        [slope] = torch.autograd.grad(logits.float().square().mean(), inputs)
        found.append(slope)
        with torch.no_grad():
            start.model.eval()(inputs_embeds=inputs)  # as the reference is computed
    assert torch.allclose(found[0], found[1], rtol=1e-3, atol=1e-8) and found[0].abs().max() > 0


def test_the_gpu_preset_runs_shrunk(world, tmp_path):
    """The published code path, four bits included, on two random layers of Phi-3, fused ones reached."""
    from safetensors.torch import load_file

    files = {
        "--pairs_file": world / "pairs.jsonl",
        "--tasks_file": world / "tasks.jsonl",
        "--out": tmp_path / "run",
    }
    words = ["--profile", "gpu", "--shrink", "true", "--force_cpu", "true"]
    words += [
        "--arms",
        '{"schedule": {"loss": "schedule"}}',
        *(str(w) for pair in files.items() for w in pair),
    ]
    found = run.main(words)
    weights = load_file(found.folder / "adapters/schedule/adapter_model.safetensors")
    for layer in ("qkv_proj", "o_proj", "gate_up_proj", "down_proj"):
        assert any(f".{layer}.lora_B" in name for name in weights), layer
    log = (found.folder / "logs/schedule.jsonl").read_text("utf-8").splitlines()
    assert json.loads(log[0])["loss"] == pytest.approx(math.log(2), abs=1e-3)
    assert found.metrics["guided"][1]["pairs"] >= 0 and found.effects["lift_minus_shuffled"] is not None


def test_settings_that_can_not_be_are_refused(settings):
    for changed in (
        {"main_arm": "other"},
        {"trainer": "trl", "arms": {"cal_dpo": Arm("cal_dpo")}, "main_arm": "cal_dpo"},
        {"arms": {"dpo": Arm(flips=0.6)}},
        {"start_from": "phase_b", "starts": {"phase_a": "x"}},
        {"arms": {"start": Arm()}, "main_arm": "start"},
        {"learning_rate": 0.0},
        {"attributed": 1},
        {"tasks": -1},
        {"arms": {"dpo": Arm(beta=0.0)}},
        {"arms": {"dpo": Arm(epochs=0)}},
        {"arms": {"dpo": Arm(), "../x": Arm()}},
        {"arms": {"dpo": Arm("schedule", beta=0.1)}},
    ):
        with pytest.raises(ValueError):
            settings(**changed)


def test_answers_are_read_from_their_last_line_and_never_guessed():
    assert data.read_answer("Answer: No\nIt is 4.\nAnswer: Yes") is True
    assert data.read_answer("answer: no - it is small") is False
    for text in ("", "Yes", "Answer: Yes or No", "Answer: not Yes", "Answer: Yes\nAnswer: maybe"):
        assert data.read_answer(text) is None, text


def test_ablated_prompts_keep_the_question():
    rows = [pair(i, "test", "natural") for i in range(3)]
    drafts = [data.split_prompt(row["prompt"])[1] for row in rows]
    assert data.ablated(rows, "full") == [row["prompt"] for row in rows]
    assert data.ablated(rows, "no_draft") == [f"Question: Is thing {i} heavier?" for i in range(3)]
    shuffled = data.ablated(rows, "shuffled", drafts[1:] + drafts[:1])
    assert shuffled[0] == data.prompt_text("Is thing 0 heavier?", drafts[1])
    assert all(
        "Answer:" not in prompt and "Questions:" in prompt for prompt in data.ablated(rows, "no_answer_line")
    )
    with pytest.raises(ValueError):
        data.ablated(rows, "shuffled")


def test_phase_a_and_b_are_asked_without_a_draft(settings, monkeypatch):
    seen = []
    monkeypatch.setattr(
        run, "write", lambda model, tokenizer, prompts, config: seen.append(prompts) or ["Answer: Yes"] * 4
    )
    run.run(settings(guided_rounds=0), until="evaluate")
    with_draft = [["Student draft: " in prompt for prompt in prompts] for prompts in seen]
    assert with_draft == [[True] * 4] * 2 + [[False] * 4] * 2  # the start and the arm, then both phases


def test_a_named_base_is_never_looked_up_on_the_hub(settings, monkeypatch):
    def asked(*given, **named):
        raise AssertionError(f"the hub was asked for {given}")

    monkeypatch.setattr(peft.utils.save_and_load, "check_file_exists_on_hf_hub", asked)
    named = settings(starts=dict.fromkeys(("phase_a", "phase_b"), "nano-facts-cot"), epochs=1, batch_size=12)
    found = run.run(named, until="train")
    kept = json.loads((found.folder / "adapters/dpo/adapter_config.json").read_text("utf-8"))
    assert kept["base_model_name_or_path"] == "nano-facts"


def test_recorded_attributions_are_complete():
    path = Path(run.__file__).with_name("expected.json")
    highest = json.loads(path.read_text("utf-8"))["records"]["high"]["attribution"]
    assert highest["trained"]["completeness_error"] < 0.01


def test_of_two_drafts_the_one_with_the_needed_questions_is_preferred():
    right = task(3, "train")
    good = "Answer: No - it is big.\nQuestions: How heavy is thing 3?"
    vague = "Answer: No - it is big.\nQuestions: Is it blue?"
    tasks = [right] * 3
    pairs = guided.better_questions(tasks, [good, vague, good], [vague, good, good])
    assert [(pair["chosen"], pair["rejected"]) for pair in pairs] == [(good, vague)] * 2
    assert all(pair["prompt"].endswith(guided.ASK) for pair in pairs)


def test_the_held_out_drafts_are_judged_in_both_orders_and_kept(monkeypatch):
    asked = ("How heavy is thing 3", "Is it blue")
    good, vague = (f"Answer: No - it is big.\nQuestions: {question}?" for question in asked)
    monkeypatch.setattr(guided, "new_drafts", lambda *given: [good, good, vague])
    rows = guided.compared(None, [task(3, "test")] * 3, [vague, good, good], Config(), 2)
    said = [(row["ab"], row["ba"]) for row in rows]
    assert said == [("first", "second"), ("tie", "tie"), ("second", "first")]
    assert {row["round"] for row in rows} == {2} and guided.summary(rows)["win_rate"] == 0.5


def test_misled_pairs_can_t_be_solved_by_the_draft():
    shipped = [row for row in read_jsonl(data_path("lab3_dpo", data.PAIRS)) if row["split"] == "test"]
    misled = run.misled_pairs(shipped, seed=1)
    assert len(misled) == sum(row["source"] == "wrong_draft" for row in shipped) > 200
    assert {run.draft_prefers(row) for row in misled} <= {0.0, None}
    assert {run.draft_prefers(row) for row in shipped if row["kind"] == "matched"} == {1.0}
    for row in misled:
        *facts, answer = row["chosen"].splitlines()
        *same, other = row["rejected"].splitlines()
        assert facts == same and {answer, other} == {"Answer: Yes", "Answer: No"}


def test_nothing_to_learn_or_to_tell_apart_is_said_before_training(settings, tmp_path):
    same = pair(1, "train", "matched")
    [row] = encode_pairs([same], fixtures.make("tiny_tokenizer"), 256)
    for room, said in ((0, "a prompt below"), (3, "texts that differ within")):
        with pytest.raises(LabError, match=said):
            encode_pairs([same], fixtures.make("tiny_tokenizer"), len(row["prompt_ids"]) + room)
    write_jsonl(tmp_path / "natural.jsonl", [pair(i, s, "natural") for i, s in enumerate(("train", "test"))])
    only = settings(arms={"dpo": Arm(kind="matched")}, pairs_file=str(tmp_path / "natural.jsonl"))
    with pytest.raises(LabError, match="training pairs of the kind matched"):
        run.run(only, until="train")


def test_a_stopped_run_goes_on_and_gives_the_same_numbers(settings, tmp_path, monkeypatch):
    whole, arms, begun = run.train, {"dpo": Arm(), "cal_dpo": Arm("cal_dpo")}, []

    def stopped(start, pairs, arm, config, name):
        begun.append(name)
        if len(begun) == 2:
            whole(start, pairs[:2], arm, config, name)  # half trained, and then it is gone
            raise KeyboardInterrupt
        return whole(start, pairs, arm, config, name)

    monkeypatch.setattr(run, "train", stopped)
    one, other = (settings(arms=arms, out=str(tmp_path / name)) for name in ("stopped", "whole"))
    with pytest.raises(KeyboardInterrupt):
        run.run(one)
    again, straight = run.run(one), run.run(other)
    assert begun == ["dpo", "cal_dpo", "cal_dpo", "dpo", "cal_dpo"]  # the first arm wasn't trained twice
    assert again.effects == straight.effects
    for name in arms:
        file = f"adapters/{name}/adapter_model.safetensors"
        assert (again.folder / file).read_bytes() == (straight.folder / file).read_bytes()


def test_planted_flips_are_told_and_repeatable():
    rows = [pair(i, "train", "natural") for i in range(10)]
    flipped = data.plant_flips(rows, 0.2, seed=3)
    assert sum(row["flipped"] for row in flipped) == 2 and flipped == data.plant_flips(rows, 0.2, seed=3)
    for before, after in zip(rows, flipped, strict=True):
        sides = ("rejected", "chosen") if after["flipped"] else ("chosen", "rejected")
        assert (after["chosen"], after["rejected"]) == tuple(before[side] for side in sides)
