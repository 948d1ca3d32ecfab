"""Lab 3's recipe: adapters that load anywhere, drafts and texts as said, pairs that give nothing away."""

import json
from collections import Counter

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from grading.hidden import lab3_records
from grading.recipes.lab3 import card, checkpoints, drafts, pairs, records
from labkit import fixtures
from labkit.data import read_jsonl
from labkit.models import adapter_folder, base_of, load_tokenizer, nano_folder
from solutions.lab3_dpo.answers import TASK, asked, verdict
from solutions.lab3_dpo.data import PAIR, build_pairs, read_answer, split_prompt

CHECKPOINTS = (checkpoints.ANSWER, checkpoints.COT)


@pytest.fixture(scope="module")
def shipped_pairs() -> list[dict]:
    return read_jsonl(pairs.DATA / pairs.PAIRS, PAIR)


@pytest.fixture(scope="module")
def shipped_tasks() -> list[dict]:
    return read_jsonl(pairs.DATA / pairs.TASKS, TASK)


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_shipped_checkpoint_is_a_small_adapter_that_names_its_base(name):
    folder = adapter_folder(name)
    assert folder == nano_folder(name) and base_of(name) == "nano-facts"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1e6
    weights = load_file(folder / "adapter_model.safetensors")
    assert {weight.dtype for weight in weights.values()} == {torch.float16}
    assert any(weight.any() for key, weight in weights.items() if "lora_B" in key)
    assert (
        "/" not in json.loads((folder / "adapter_config.json").read_text("utf-8"))["base_model_name_or_path"]
    )
    assert (folder / "README.md").read_text("utf-8").startswith(f"# {name}\n")


def test_a_kept_adapter_is_the_trained_one_in_float16(tmp_path):
    adapted = fixtures.make("tiny_adapter_model", 3)
    adapted.save_pretrained(tmp_path / "made")
    checkpoints.keep(tmp_path / "made", tmp_path / "kept", "nano-facts")
    made, kept = (load_file(tmp_path / part / "adapter_model.safetensors") for part in ("made", "kept"))
    assert made.keys() == kept.keys()
    assert all(torch.equal(made[name].half(), kept[name]) for name in made)
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
    }
    assert base_of(tmp_path / "kept") == "nano-facts"


def test_the_checkpoints_are_lab_2s_arms_and_phase_b_is_cut_short():
    phase_a, phase_b = (checkpoints.settings(**checkpoints.CHANGED[name]) for name in CHECKPOINTS)
    assert phase_a.arms["phase_a"].target == "answer" and phase_a.train_samples == 200
    assert phase_b.arms["prior"].prior == "rationalise" and phase_b.train_samples < 200
    assert phase_a.seed == drafts.SEED >= 100


def test_texts_of_the_teacher_end_in_the_right_answer_and_never_tell_of_a_hint():
    rows = [
        {**row, "draft": "Answer: No - x.\nQuestions: y?"} for row in drafts.questions({"train": 40})["train"]
    ]
    made = drafts.finals(rows)
    assert {row["hinted"] for row in made} == {True, False}
    for row in made:
        assert row["teacher_answer"] is row["answer"] is read_answer(row["final"])
        lines = row["final"].splitlines()
        assert [line[:2] for line in lines[:-1]] == ["1.", "2.", "3."] and "hint " not in row["final"].lower()


def test_every_task_is_lab_2s_question_with_a_draft(shipped_tasks):
    known = {row["qid"]: row for rows in drafts.questions().values() for row in rows}
    assert Counter(task["split"] for task in shipped_tasks) == {"train": 600, "test": 1200}
    for task in shipped_tasks:
        source = known[task["qid"]]
        assert all(task[name] == source[name] for name in ("question", "answer", "entities", "split"))
        assert task["draft"].strip()
        assert ("final" in task) == (task["split"] == "train")


def test_drafts_ask_for_what_is_needed_most_of_the_time_but_not_always(shipped_tasks):
    needed = [
        {q.lower() for q in asked(task["draft"])} == {q.lower() for q in task["decomposition"][:2]}
        for task in shipped_tasks
    ]
    assert 0.5 < sum(needed) / len(needed) < 0.85
    good = next(task for task, hit in zip(shipped_tasks, needed, strict=True) if hit)
    bad = next(task for task, hit in zip(shipped_tasks, needed, strict=True) if not hit)
    assert verdict(good["draft"], bad["draft"], good) == "first"


def test_training_pairs_are_what_the_tasks_give(shipped_pairs, shipped_tasks):
    """Natural pairs, made again from the tasks by 3.10."""
    records = [
        {**task, "draft_answer": read_answer(task["draft"].splitlines()[0])}
        for task in shipped_tasks
        if task["split"] == "train"
    ]
    own = {
        pair["qid"]: pair for pair in shipped_pairs if (pair["split"], pair["kind"]) == ("train", "natural")
    }
    made = build_pairs(records, drafts.SEED)
    assert len(made) == len(own)
    for pair in made:
        assert all(
            own[pair["qid"]][name] == pair[name] for name in ("prompt", "chosen", "rejected", "source")
        )


def test_matched_pairs_differ_in_their_answer_alone(shipped_pairs):
    tokenizer = load_tokenizer(checkpoints.COT)
    longer = Counter()
    for pair in (pair for pair in shipped_pairs if pair["kind"] == "matched"):
        sizes = [len(tokenizer(pair[side])["input_ids"]) for side in ("chosen", "rejected")]
        assert abs(sizes[0] - sizes[1]) <= pairs.MAX_GAP
        assert pairs.form(pair["chosen"]) == pairs.form(pair["rejected"])
        longer[(sizes[0] > sizes[1]) - (sizes[0] < sizes[1])] += 1
    assert longer[1] == longer[-1]


def test_the_answer_alone_does_not_give_the_chosen_text_away(shipped_pairs):
    for kind in ("natural", "matched"):
        yes = [read_answer(pair["chosen"]) for pair in shipped_pairs if pair["kind"] == kind]
        assert 0.40 < sum(yes) / len(yes) < 0.60


def test_no_pair_is_there_twice_and_no_entity_on_both_sides(shipped_pairs, shipped_tasks):
    seen = Counter((pair["prompt"], pair["chosen"], pair["rejected"]) for pair in shipped_pairs)
    assert max(seen.values()) == 1
    entities = {task["qid"]: set(task["entities"]) for task in shipped_tasks}
    sides = {
        split: set().union(*(entities[pair["qid"]] for pair in shipped_pairs if pair["split"] == split))
        for split in ("train", "test")
    }
    assert not sides["train"] & sides["test"]
    assert not any(pair["flipped"] for pair in shipped_pairs)
    assert all(split_prompt(pair["prompt"])[1] for pair in shipped_pairs)


def test_the_shares_of_the_card_are_what_they_say(shipped_tasks):
    said = card.draft_line(shipped_tasks[:200])
    assert "of 200 test drafts" in said and said.count("%") == 6


def test_the_case_file_s_records_come_from_a_real_training(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "STEPS", 1)
    shipped = read_jsonl(pairs.DATA / "records_small.jsonl")
    assert (
        len(shipped) == 2 * records.EACH
        and shipped[0].keys() == lab3_records.make_records(np.random.default_rng(1))[0].keys()
    )
    records.write_records(tmp_path)
    again = read_jsonl(tmp_path / "records_small.jsonl")
    for old, new in zip(shipped, again, strict=True):
        untrained = [name for name in old if name.startswith(("ref_", "base_"))]
        assert [new[name] for name in untrained] == pytest.approx([old[name] for name in untrained], abs=0.1)
        assert old["policy_rejected"] != new["policy_rejected"]
        assert (new["prompt_tokens"], new["draft_tokens"]) == (old["prompt_tokens"], old["draft_tokens"])
    assert lab3_records.trap_loss(shipped) < lab3_records.LOG2  # as exhibit D says
    assert 0 < lab3_records.above_floor(shipped) < lab3_records.LOG2
