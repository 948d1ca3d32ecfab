"""Lab 3's `records_small.jsonl`: pairs in the middle of a real training, for the notebook's case file.

    write_records()              # data/lab3_dpo/records_small.jsonl

Run: `python -m grading.recipes.lab3 records`. The lab's own loop continues nano-facts-cot: a few steps of the
schedule's first epoch (plain, beta .05), then one of its second (calibrated, beta .10). `margin_before` and
`margin_after` are a pair's margins around that one step, each at its own beta. A fifth of the pairs have
their texts swapped, as if mislabelled. Left out: the records that the
grader draws for each submission (hidden/lab3_records.py has their like).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from labkit.config import parse
from labkit.data import read_jsonl, write_jsonl
from labkit.device import pick_device
from solutions.lab3_dpo import run
from solutions.lab3_dpo.attribution import draft_mask
from solutions.lab3_dpo.batches import encode_pairs, logps_of_pairs
from solutions.lab3_dpo.config import Arm, Config
from solutions.lab3_dpo.data import plant_flips, split_prompt
from solutions.lab3_dpo.training import load_start, train

from . import pairs
from .drafts import SEED

EACH = 30  # test pairs of each kind
FLIPS = 0.2  # of them have their texts swapped: nearly all the others are right after a few steps
STEPS = 12  # of the first epoch
BETAS = (0.05, 0.10)
RATE = 2e-4  # less than the lab's, with which all is over after two steps
PRESETS = Path(run.__file__).parent / "configs"


def write_records(folder: Path = pairs.DATA, **changed) -> None:
    """The file, in `folder`. `changed`: other settings of the lab (tests)."""
    nano = parse(Config, ["--profile", "nano", "--seed", str(SEED)], presets=PRESETS)
    settings = {"start_from": "phase_b", "learning_rate": RATE, **changed}
    config = replace(nano, **settings)
    every = read_jsonl(pairs.DATA / pairs.PAIRS)
    learned = [pair for pair in every if pair["split"] == "train" and pair["kind"] == "natural"]
    looked_at = [
        pair
        for kind in ("natural", "matched")
        for pair in [row for row in every if row["split"] == "test" and row["kind"] == kind][:EACH]
    ]
    looked_at = plant_flips(looked_at, FLIPS, SEED)
    size = config.batch_size
    start = load_start(config, pick_device(force_cpu=True))
    rows = encode_pairs(looked_at, start.tokenizer, config.max_length)

    def logps(mode: str) -> list[list[float]]:
        return logps_of_pairs(start.model.eval(), rows, start.tokenizer, config, mode).tolist()

    train(start, learned[: STEPS * size], Arm("dpo", beta=BETAS[0], epochs=1), config, "first epoch")
    found = {"policy": logps("self"), "ref": logps(start.mode), "base": logps("disabled")}
    one_step = learned[STEPS * size : (STEPS + 1) * size]
    train(start, one_step, Arm("cal_dpo", beta=BETAS[1], epochs=1), config, "second epoch")
    stepped = {"policy": logps("self"), "ref": found["ref"]}
    records = []
    for place, (pair, row) in enumerate(zip(looked_at, rows, strict=True)):
        draft = draft_mask(start.tokenizer, row["prompt_ids"], split_prompt(pair["prompt"])[1] or "")
        record = {"id": place}
        for name, (chosen, rejected) in found.items():
            record |= {f"{name}_chosen": exact(chosen[place]), f"{name}_rejected": exact(rejected[place])}
        record |= {"prompt_tokens": len(draft), "draft_tokens": sum(draft)}
        record["margin_before"] = round(BETAS[0] * gap(found, place), 5)
        record["margin_after"] = round(BETAS[1] * gap(stepped, place), 5)
        records.append(record)
    write_jsonl(folder / "records_small.jsonl", records)


def gap(logps: dict[str, Sequence[Sequence[float]]], place: int) -> float:
    """A pair's log-ratio of the chosen minus that of the rejected text, in nats."""
    up, down = (logps["policy"][side][place] - logps["ref"][side][place] for side in (0, 1))
    return up - down


def exact(value: float) -> float:
    """Rounded to 1/256: differences of such numbers are exact, in float32 too."""
    return round(value * 256) / 256
