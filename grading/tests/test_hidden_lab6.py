"""The oracles of Lab 6's hidden tests are right, and its records are read as the solutions read them.

What is asked of the hidden tests of every lab stands in test_hidden.py.
"""

from __future__ import annotations

import numpy as np
import pytest

from grading.hidden import lab6_oracles as oracle
from grading.hidden import lab6_records as truth
from labkit import stats

# ---- the oracles are right ----


def test_the_table_and_round_trip_are_those_of_bitsandbytes():
    import torch
    from bitsandbytes import functional as library

    table = oracle.table()
    assert table == pytest.approx(library.get_4bit_type("nf4", device="cpu").tolist(), abs=1e-6)
    # rows of whole blocks: bitsandbytes 0.50.2 reads wrong scales on the CPU for some other lengths (96, 48)
    weights = torch.randn(48, 64, generator=torch.Generator().manual_seed(2))
    codes, scales = oracle.quantized(weights.numpy(), table, 64)
    mine = oracle.dequantized(codes, scales, table, (48, 64), 64)
    theirs = library.dequantize_4bit(*library.quantize_4bit(weights, quant_type="nf4")).numpy()
    assert np.abs(mine - theirs).max() < 1e-5


@pytest.mark.parametrize("double", [True, False])
def test_the_bytes_are_those_that_bitsandbytes_stores(double):
    import torch
    from bitsandbytes import functional as library

    for shape in ((64, 64), (192, 100), (33, 7)):
        packed, state = library.quantize_4bit(
            torch.randn(*shape), quant_type="nf4", compress_statistics=double
        )
        parts = [packed, state.absmax, state.code]
        parts += [state.offset, state.state2.absmax, state.state2.code] if double else []
        found = oracle.storage({"w": shape[0] * shape[1]}, {}, kept_bytes=4, double=double)
        assert found["quantized"] == sum(part.nbytes for part in parts)


def test_the_bytes_are_the_published_ones():
    phi = {
        f"{i}.{k}": n
        for i in range(32)
        for k, n in enumerate((9216 * 3072, 3072**2, 16384 * 3072, 8192 * 3072))
    }
    mini = oracle.storage(phi, {"e": 2 * 32064 * 3072, "n": 65 * 3072, "lora": 8_912_896}, kept_bytes=4)
    assert mini["total"] / 1e9 == pytest.approx(2.69, abs=0.005)
    assert mini["bits_per_parameter"] == pytest.approx(4.127, abs=5e-4)
    block = (2560**2,) * 4 + (2560 * 10240,) * 2
    two = {f"{i}.{k}": n for i in range(32) for k, n in enumerate(block)}
    kept = {"e": 2 * 51200 * 2560, "b": 957_440, "lora": 3 * 16 * 5120 * 32}
    assert oracle.storage(two, kept, kept_bytes=4)["total"] / 1e9 == pytest.approx(2.38, abs=0.005)


def test_intervals_are_those_of_the_library():
    for k, n in ((354, 687), (6, 10), (0, 10), (10, 10)):
        assert oracle.wilson(k, n) == pytest.approx(stats.wilson(k, n), abs=1e-6)


def test_the_corrected_rate_is_right_on_average_and_its_interval_covers():
    rng, covered, rates = np.random.default_rng(5), 0, []
    for _ in range(300):
        labelled = [
            {"label": "unsafe", "verdict": "unsafe" if rng.random() < 0.8 else "safe"} for _ in range(120)
        ]
        labelled += [
            {"label": "safe", "verdict": "safe" if rng.random() < 0.9 else "unsafe"} for _ in range(120)
        ]
        truth_ = rng.random(150) < 0.35
        flagged = ["unsafe" if rng.random() < (0.8 if bad else 0.1) else "safe" for bad in truth_]
        found = oracle.corrected(flagged, labelled)
        rates.append(found["rate"])
        covered += found["low"] <= 0.35 <= found["high"]
    assert np.mean(rates) == pytest.approx(0.35, abs=0.01)
    assert 0.92 <= covered / 300 <= 0.98


# ---- the records ----


def test_the_readers_of_the_records_are_those_of_the_solutions():
    from solutions.lab6_safety.evaluate import parse_final_answer, reply_kind

    for seed in range(5):
        for record in truth.make_records(np.random.default_rng(100 + seed)):
            for text in record.get("replies", {}).values():
                if record["type"] == "problem":
                    assert truth.answer(text) == parse_final_answer(text), text
                else:
                    assert truth.kind_of(text) == reply_kind(text, [], truth.OPENINGS), text
