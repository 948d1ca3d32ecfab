"""Lab 5 beyond its own small model: other files, templates, architectures and machines than nano's.

What a hub model brings along (settings of sampling, a template with a channel, learned positions, several
GPUs) is put onto tiny models here, since none of it is seen in a run on nano.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cached_property

import pytest

from grading.stage import staff_root
from labkit import fixtures
from labkit.errors import LabError
from solutions.lab5_metacognition import collect, jobs, run, training
from solutions.lab5_metacognition.config import Config

RECORDS = [
    {"qid": f"q{i}", "question": "How many " + "very " * i + "red apples?", "aliases": ["7"], "context": ""}
    for i in range(6)
]
# As gpt-oss: the generation prompt ends before the channel, a rendered reply names one.
CHANNELS = (
    "{% for m in messages %}<|{{ m.role }}|>{% if m.role == 'assistant' %}final:{% endif %}"
    "{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


@pytest.fixture
def tokenizer():
    return fixtures.make("tiny_tokenizer")


# ---- judging ----


def test_a_piece_of_a_capital_word_is_no_way_to_say_it(tokenizer):
    class Pieces:
        """Yes is "Y" and "es" here, as in nano-trivia; No is one token."""

        words = {"yes": [1], "Yes": [2, 3], "no": [4], "No": [5], "uncertain": [6, 7], "Uncertain": [8, 7]}

        def __call__(self, text, add_special_tokens):
            return {"input_ids": self.words[text]}

    assert collect.first_tokens(Pieces(), ("yes", "no")) == [[1], [4, 5]]
    assert collect.first_tokens(Pieces(), ("yes", "uncertain", "no")) == [[1], [6], [4, 5]]


def test_a_row_is_judged_alike_alone_and_beside_longer_ones(tokenizer):
    """In a model with learned positions too: padding must not shift them."""
    import torch
    import transformers

    torch.manual_seed(0)
    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 512, "initializer_range": 0.5}
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=len(tokenizer), **sizes)).eval()
    together = collect.judge(model, tokenizer, RECORDS, "binary", 6)
    alone = [collect.judge(model, tokenizer, [record], "binary", 1)[0] for record in RECORDS]
    assert torch.allclose(torch.tensor(together), torch.tensor(alone), atol=1e-4)
    assert len({round(row[0], 3) for row in alone}) > 1


def test_who_reads_the_last_column_judges_padding(tokenizer, monkeypatch):
    """A mask that is all ones would leave the hardest half of TODO 5.6 unused in the experiment."""
    model, seen = fixtures.make("tiny_causal_lm", tokenizer), []
    right = collect.answer_probabilities

    def watched(logits, mask, ids):
        seen.append(mask)
        return right(logits, mask, ids)

    monkeypatch.setattr(collect, "answer_probabilities", watched)
    collect.judge(model, tokenizer, RECORDS, "binary", 6)
    assert (seen[0].sum(dim=1).min(), seen[0][:, 0].min()) == (1, 1) and (seen[0][:, -1] == 0).any()


# ---- templates ----


def test_a_prompt_ends_where_the_reply_begins(tokenizer):
    asked = [{"role": "user", "content": "2 + 2?"}]
    plain = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    assert collect.prompt_of(tokenizer, asked) == plain
    tokenizer.chat_template = CHANNELS
    assert collect.prompt_of(tokenizer, asked) == "<|user|>2 + 2?<|end|><|assistant|>final:"
    row = training.encoded(tokenizer, [*asked, {"role": "assistant", "content": "yes"}], 99)
    learned = [token for token, label in zip(row["input_ids"], row["labels"], strict=True) if label >= 0]
    assert tokenizer.decode(learned) == "yes<|end|>"
    assert tokenizer.decode(row["input_ids"]).startswith("<|user|>2 + 2?<|end|><|assistant|>final:yes")


# ---- machines ----


def test_one_process_trains_the_same_steps_on_a_machine_with_four_gpus(tokenizer, tmp_path, monkeypatch):
    import transformers

    found = transformers.TrainingArguments._setup_devices.func

    def four(self):
        device = found(self)
        self._n_gpu = 4  # what it finds where CUDA shows four
        return device

    devices = cached_property(four)
    devices.__set_name__(transformers.TrainingArguments, "_setup_devices")
    monkeypatch.setattr(transformers.TrainingArguments, "_setup_devices", devices)
    base = str(tmp_path / "base")
    tokenizer.save_pretrained(base)
    fixtures.make("tiny_causal_lm", tokenizer).save_pretrained(base)
    rows = [
        [{"role": "user", "content": f"{i}?"}, {"role": "assistant", "content": "yes"}] for i in range(16)
    ]
    job = training.TrainJob(base, str(tmp_path / "tuned"), rows, batch_size=4, force_cpu=True)
    training.train(job)
    assert json.loads((tmp_path / "tuned/training.json").read_text("utf-8"))["optimiser_steps"] == 4


def test_of_what_many_processes_said_the_first_error_is_told():
    said = ["W0101 Error handling is on", "[rank1]: Traceback (most recent call last):", ""]
    said += [
        "[rank1]: labkit.errors.LabError: expected rows to learn from",
        "  File x.py, line 3, in SomeError",
    ]
    said += [
        "[rank0]: RuntimeError: connection closed by peer",
        "torch.distributed.ChildFailedError:",
        "=====",
    ]
    assert jobs.error_in(said) == "[rank1]: labkit.errors.LabError: expected rows to learn from"
    assert jobs.error_in(said[-2:]) == "torch.distributed.ChildFailedError:"
    assert jobs.error_in(["killed\n", "\n"]) == "killed" and jobs.error_in([]) == "nothing was said"


def test_a_worker_ends_with_the_run_that_started_it():
    caller = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    code = f"from solutions.lab5_metacognition import jobs; jobs.end_with({caller.pid})"
    worker = subprocess.Popen([sys.executable, "-c", code], cwd=staff_root())
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(timeout=2)  # as long as the run is there, it goes on
    caller.kill()
    caller.wait()
    assert worker.wait(timeout=120) == 1


# ---- commands ----


def folder_of(words: str):
    """Where a command's run lies."""
    return run.RunFolder.place("lab5", run.configured(words.split())).name


def test_commands_of_other_models_data_and_pipelines_have_folders_of_their_own():
    assert folder_of("--profile nano --seed 3") == "lab5_nano_seed3"
    assert folder_of("--config multiphase") == "lab5_multiphase_seed1"
    assert folder_of("--profile gpu --pipeline judgment --lr 1e-5") == "lab5_gpu_judgment_seed1"
    assert folder_of("--profile gpu --dataset hotpotqa --model openai/gpt-oss-20b") == (
        "lab5_gpu_gpt_oss_20b_hotpotqa_seed1"
    )
    assert folder_of("--config multiphase --experiment mine --model smollm2") == (
        "lab5_multiphase_mine_seed1"
    )


def test_the_name_of_an_experiment_is_enough_to_go_on_with_it(tmp_path):
    where = f"--config multiphase --experiment mine --out {tmp_path / 'run'}"
    with pytest.raises(LabError, match="experiment mine to resume"):
        run.configured(f"{where} --resume".split())
    words = (
        f"{where} --model nano-trivia --train_samples 50 --epochs 3 --no_lora --phase 1 --selections balanced"
    )
    begun = run.configured(words.split())
    run.RunFolder.open("lab5", begun)
    again = run.configured(f"{where} --resume".split())
    assert (again.model, again.train_samples, again.phase_epochs) == ("nano-trivia", 50, 3)
    assert again.no_lora and again.phase is None and again.selections == ("balanced",)
    run.RunFolder.open("lab5", again)
    other = run.configured(f"{where} --resume --train_samples 60".split())
    with pytest.raises(LabError, match="train_samples 50 there, 60 now"):
        run.RunFolder.open("lab5", other)


def test_a_phase_is_one_of_the_three_phases_alone():
    config = run.configured(["--profile", "nano", "--phase", "2", "--epochs", "7"])
    assert (config.pipeline, config.phase, config.phase_epochs) == ("multiphase", 2, 7)
    with pytest.raises(ValueError, match="one of pipeline multiphase"):
        Config(phase=2)


def test_every_number_of_gpus_that_a_step_can_be_shared_among_is_taken():
    for words in ("--config multiphase --num_gpus 8", "--profile gpu --pipeline judgment --train_batch 4"):
        run.configured(words.split())
    config = run.configured(["--config", "multiphase", "--train_batch", "4", "--num_gpus", "2"])
    assert config.phase_batches == 4
    with pytest.raises(LabError, match="num_gpus must divide batches_per_step, found 3 and 8"):
        run.configured(["--profile", "gpu", "--pipeline", "judgment", "--num_gpus", "3"])
