"""Staff functions that tests call through `lab.make(name, …)`: models, tokenizers, trainers, their state.

Example:
    tokenizer = lab.make("tiny_tokenizer")
    model = lab.make("tiny_causal_lm", tokenizer, seed=3)
    lab.make("state", tokenizer)            # {"padding_side": "right", …}

They run beside the student's code: in this process, or inside the grader's worker, where what is not a plain
value comes back as a handle that may be passed on. They are released, so none computes a TODO's quantity.
"""

from __future__ import annotations

import copy
import functools
import itertools
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .errors import LabError, close_matches

_REGISTERED: dict[str, Callable[..., Any]] = {}


def fixture(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a function as `lab.make(name, …)`."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        if name in _REGISTERED:
            raise LabError("a new fixture name", f"{name!r} is registered already", "labkit/fixtures.py")
        _REGISTERED[name] = function
        return function

    return register


def make(name: str, *args: Any, **kwargs: Any) -> Any:
    """Calls the fixture registered as `name`. Raises LabError: no such fixture."""
    if name not in _REGISTERED:
        raise LabError(
            "a registered fixture", f"{name!r}; {close_matches(name, _REGISTERED)}", "labkit/fixtures.py"
        )
    return _REGISTERED[name](*args, **kwargs)


def names() -> list[str]:
    """The registered names, sorted."""
    return sorted(_REGISTERED)


def warm() -> None:
    """Loads once what every test would load again: libraries, the tiny world, the nano models that exist."""
    from . import models

    make("tiny_reward_model", make("tiny_tokenizer"))
    make("tiny_causal_lm", make("tiny_tokenizer"))
    for spec in models.REGISTRY.values():
        if spec.profile == "nano" and models.nano_folder(spec.name).is_dir():
            _pristine(spec.role, spec.name)
            _pristine("tokenizer", spec.name)


# ---- the course's models: loaded once, handed out as copies, so that no test sees another's training ----


@functools.cache
def _pristine(role: str, name: str) -> Any:
    from . import models

    load = {
        "causal_lm": models.load_causal_lm,
        "reward_model": models.load_reward_model,
        "tokenizer": models.load_tokenizer,
    }
    return load[role](name)


@fixture("tokenizer")
def tokenizer(name: str = "nano-math"):
    return copy.deepcopy(_pristine("tokenizer", name))


@fixture("causal_lm")
def causal_lm(name: str = "nano-math"):
    return copy.deepcopy(_pristine("causal_lm", name))


@fixture("reward_model")
def reward_model(name: str = "nano-math-reward"):
    return copy.deepcopy(_pristine("reward_model", name))


# ---- a tiny world that needs no file: random weights, a tokenizer trained here in a moment ----

_TINY_TEXT = """
Ava has 12 apples and buys 3 more. How many apples does Ava have? Ava has 12 + 3 = 15 apples.
A box holds 24 pens. Ben gives away 7 pens, so 24 - 7 = 17 pens are left. The answer is 17.
Each of 4 shelves holds 25 books; 4 * 25 = 100 books. The books cost $1,000.50 in all.
"""

TINY_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}"
    "<|assistant|>\n{% generation %}{{ message['content'] }}<|end|>{% endgeneration %}\n"
    "{% else %}<|{{ message['role'] }}|>\n{{ message['content'] }}<|end|>\n{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)


@functools.cache
def _tiny_tokenizer():
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    special = ["<pad>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=384, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    bpe.train_from_iterator(_TINY_TEXT.splitlines(), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token="<pad>",
        eos_token="<|end|>",
        additional_special_tokens=special[2:],
        chat_template=TINY_TEMPLATE,
        model_max_length=512,
        padding_side="right",
    )


@fixture("tiny_tokenizer")
def tiny_tokenizer(padding_side: str = "right"):
    """A byte-level BPE with single digits, `<pad>`, `<|end|>` and a chat template with generation markers."""
    made = copy.deepcopy(_tiny_tokenizer())
    made.padding_side = padding_side
    return made


def _tiny_llama(kind: str, tokenizer, seed: int, **settings):
    import torch
    import transformers

    tokenizer = tokenizer if tokenizer is not None else tiny_tokenizer()
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        **settings,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return getattr(transformers, kind)(config).eval()


@fixture("tiny_causal_lm")
def tiny_causal_lm(tokenizer=None, seed: int = 0):
    """A random Llama of 2 layers over the vocabulary of `tokenizer` (default: `tiny_tokenizer`)."""
    return _tiny_llama("LlamaForCausalLM", tokenizer, seed)


@fixture("tiny_reward_model")
def tiny_reward_model(tokenizer=None, seed: int = 0):
    """A random Llama with a one-label head; its logits lie clearly apart for different texts."""
    model = _tiny_llama("LlamaForSequenceClassification", tokenizer, seed, num_labels=1)
    import torch

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed + 1)
        model.score.weight.normal_(std=1.0)  # the default 0.02 leaves all rewards within rounding of 0
    return model


# ---- looking at what the student built ----


@fixture("state")
def state(thing: Any) -> dict[str, Any]:
    """Plain settings of a tokenizer, model, dataset or Trainer: what a test may look at."""
    import datasets
    import transformers

    kind = type(thing).__name__
    if isinstance(thing, transformers.PreTrainedTokenizerBase):
        fields = ("padding_side", "truncation_side", "pad_token", "pad_token_id", "eos_token", "eos_token_id")
        return {"type": kind, **{field: getattr(thing, field) for field in fields}, "size": len(thing)}
    if isinstance(thing, transformers.PreTrainedModel):
        config = thing.config
        return {
            "type": kind,
            "training": thing.training,
            "pad_token_id": config.pad_token_id,
            "num_labels": getattr(config, "num_labels", None),
            "requires_grad": all(weight.requires_grad for weight in thing.parameters()),
        }
    if isinstance(thing, datasets.Dataset):
        return {"type": kind, "columns": list(thing.column_names), "rows": len(thing)}
    if isinstance(thing, transformers.Trainer):
        return {
            "type": kind,
            "collator": _collator_state(thing.data_collator),
            "args": _plain(thing.args.to_dict()),
        }
    raise TypeError(f"expected a tokenizer, model, dataset or Trainer, found {kind}")


def _collator_state(collator: Any) -> dict[str, Any]:
    fields = ("padding", "max_length", "pad_to_multiple_of", "label_pad_token_id", "mlm")
    known = {field: getattr(collator, field) for field in fields if hasattr(collator, field)}
    return {"type": type(collator).__name__, **{field: _plain(value) for field, value in known.items()}}


def _plain(value: Any) -> Any:
    """Settings as plain values: what is neither plain nor a container of plain values becomes its text."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return str(value)


@fixture("chat_text")
def chat_text(tokenizer, messages: list[dict[str, str]], add_generation_prompt: bool = False) -> str:
    """The tokenizer's chat template filled in, as text."""
    return tokenizer.apply_chat_template(
        messages, add_generation_prompt=add_generation_prompt, tokenize=False
    )


@fixture("token_ids")
def token_ids(tokenizer, text: str) -> list[int]:
    """Token ids of `text`, nothing added."""
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


@fixture("decode")
def decode(tokenizer, ids: list[int], skip_special_tokens: bool = False) -> str:
    return tokenizer.decode(ids, skip_special_tokens=skip_special_tokens)


@fixture("dataset")
def dataset(rows: list[dict[str, Any]]):
    """A `datasets.Dataset` of these rows."""
    import datasets

    return datasets.Dataset.from_list(rows)


@fixture("dataset_rows")
def dataset_rows(data) -> list[dict[str, Any]]:
    """The rows of a `datasets.Dataset` as plain dicts."""
    return [dict(row) for row in data]


@fixture("jsonl_file")
def jsonl_file(rows: list[dict[str, Any]]) -> Path:
    """A path to a new JSONL file of these rows, in this process's temporary folder."""
    path = Path(tempfile.mkdtemp(prefix="lab-")) / "rows.jsonl"
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


# ---- training ----


@fixture("training_arguments")
def training_arguments(**settings: Any):
    """`transformers.TrainingArguments` for a quiet run on the CPU; `settings` overrides any of them."""
    import transformers

    quiet: dict[str, Any] = {
        "output_dir": tempfile.mkdtemp(prefix="lab-trainer-"),
        "use_cpu": True,
        "report_to": "none",
        "save_strategy": "no",
        "logging_strategy": "no",
        "disable_tqdm": True,
        "per_device_train_batch_size": 2,
        "max_steps": 1,
        "seed": 0,
    }
    return transformers.TrainingArguments(**{**quiet, **settings})


@fixture("trainer_batch")
def trainer_batch(trainer, indices: list[int]) -> dict[str, Any]:
    """The tensors that the trainer's collator makes of these rows of its training set."""
    rows = [trainer.train_dataset[index] for index in indices]
    return dict(trainer.data_collator(rows).items())


@fixture("trainer_step_losses")
def trainer_step_losses(trainer, steps: int) -> list[float]:
    """Trains on for `steps` optimiser steps; the loss of each, in nats per target token."""
    from transformers.trainer_utils import IntervalStrategy

    trainer.args.max_steps, trainer.args.logging_steps = steps, 1
    trainer.args.logging_strategy = IntervalStrategy.STEPS
    trainer.args.logging_first_step = True
    trainer.train()
    return [float(entry["loss"]) for entry in trainer.state.log_history if "loss" in entry]


@fixture("trainer_weights")
def trainer_weights(trainer) -> dict[str, Any]:
    """Copies of the model's weights by name."""
    return {name: weight.detach().clone() for name, weight in trainer.model.named_parameters()}


# ---- callables for arguments that are functions; each answers no TODO ----


@fixture("vote:last_parsed")
def vote_last_parsed():
    """A selector: the last answer that is not None."""
    return lambda answers: next((answer for answer in reversed(answers) if answer is not None), None)


@fixture("vote:smallest")
def vote_smallest():
    """A selector: the smallest answer as text, None left out."""
    return lambda answers: min((answer for answer in answers if answer is not None), default=None)


@fixture("score:share_of_gold")
def score_share_of_gold():
    """A score in [0, 1]: the share of the answers that equal gold."""
    return lambda answers, gold: sum(answer == gold for answer in answers) / max(len(answers), 1)


@fixture("score:any_gold")
def score_any_gold():
    """A score of 1.0 when one of the answers equals gold, else 0.0."""
    return lambda answers, gold: float(gold in answers)


@fixture("encode:words")
def encode_words():
    """A stand-in encoder: word lengths as ids, nothing masked; an empty answer has only labels −100."""

    def encode(examples: dict[str, list[str]], tokenizer: Any, max_length: int) -> dict[str, list[list[int]]]:
        rows: dict[str, list[list[int]]] = {"input_ids": [], "labels": [], "attention_mask": []}
        for question, answer in zip(examples["question"], examples["answer"], strict=True):
            ids = [5 + len(word) for word in f"{question} {answer}".split()][:max_length]
            rows["input_ids"].append(ids)
            rows["labels"].append(list(ids) if answer else [-100] * len(ids))
            rows["attention_mask"].append([1] * len(ids))
        return rows

    return encode


# ---- for the hidden tests: models of given weights, and what a call must leave as it was ----


@fixture("begin_tokenizer")
def begin_tokenizer():
    """The tiny tokenizer, but one that puts a begin token before every text it isn't told to leave alone."""
    from tokenizers.processors import TemplateProcessing

    made = tiny_tokenizer()
    made.add_special_tokens({"bos_token": "<|begin|>"})
    begin = ("<|begin|>", made.bos_token_id)
    made.backend_tokenizer.post_processor = TemplateProcessing(single="<|begin|> $A", special_tokens=[begin])
    return made


@fixture("llama")
def llama(tokenizer, weights: dict[str, Any], **settings: Any):
    """A small Llama with these weights (arrays under transformers' names), in train mode if `training=True`.

    A language model, or a classifier with one label if there is a `score.weight`. Other `settings` go to
    `LlamaConfig`; `stop_ids` are the end tokens of its generation config.
    """
    import torch
    import transformers

    training, stop_ids = settings.pop("training", False), settings.pop("stop_ids", None)
    reward = "score.weight" in weights
    config: dict[str, Any] = {
        "vocab_size": len(weights["model.embed_tokens.weight"]),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 2048,
        "rms_norm_eps": 1e-6,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": None,
        "tie_word_embeddings": False,
        **({"num_labels": 1} if reward else {}),
    }
    kind = transformers.LlamaForSequenceClassification if reward else transformers.LlamaForCausalLM
    model = kind(transformers.LlamaConfig(**{**config, **settings}))
    model.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
    if stop_ids is not None:
        model.generation_config.eos_token_id = stop_ids
    return model.train(training)


@fixture("generation_settings")
def generation_settings(model) -> dict[str, Any]:
    """What of the model's generation config differs from the library's defaults, as plain values."""
    return _plain(model.generation_config.to_diff_dict())


@fixture("random_state")
def random_state():
    """torch's random state on the CPU, as a tensor of bytes."""
    import torch

    return torch.get_rng_state()


@fixture("trainer_tokenizer")
def trainer_tokenizer(trainer) -> str | None:
    """The class of the tokenizer that the trainer saves with its checkpoints, None if it holds none."""
    return None if trainer.processing_class is None else type(trainer.processing_class).__name__


@fixture("score:in_order")
def score_in_order():
    """A score of 1.0 when the answers, read as numbers, are strictly increasing, else 0.0."""
    return lambda answers, gold: float(all(int(a) < int(b) for a, b in itertools.pairwise(answers)))


@fixture("score:size")
def score_size():
    """A score that is the number of answers."""
    return lambda answers, gold: float(len(answers))
