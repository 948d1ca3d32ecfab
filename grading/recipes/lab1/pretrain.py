"""Recipes of nano-gpt, nano-flan and nano-flan-wide: one tokenizer, two architectures, three pre-trainings.

nano-gpt learns to go on with plain text (`corpus.py`); the two T5 models learn to follow instructions and
to fill in masked spans (`tasks.py`). All go on from one short training on plain text. Seeds fixed, CPU only.
Run: `python -m grading.recipes.lab1 pretrain`. Writes `data/models/NAME` (real GPT2LMHeadModel and
T5ForConditionalGeneration, float16 safetensors that load as float32). Left out: any search over
architectures.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

from solutions.lab1_ensemble.data import build_prompts

from . import corpus, tasks, world
from .relations import VERDICTS

MODELS = world.HERE.parents[2] / "data" / "models"
PAD, END = "<|pad|>", "<|end|>"
VOCABULARY = 2048  # nearly every word of the world is one or two tokens
LONGEST = 512  # positions of the causal models


@dataclass(frozen=True)
class Pretraining:
    """What one recipe trains, and how long."""

    name: str
    width: int  # 128 is enough for 2,048 tokens of vocabulary, and tuning takes well under a minute
    layers: int  # of each stack
    steps: int
    batch: int  # rows of text (causal) or pairs of prompt and answer (encoder–decoder) a step
    heads: int = 4
    block: int = 256  # tokens of a row of packed text
    peak_lr: float = 3e-3  # small models like large steps
    warmup: int = 60
    weight_decay: float = 0.05
    seed: int = 42


# A decoder after its first 500 steps, not shipped: nano-gpt and nano-judge go on from it, and the T5 models
# take its word embeddings.
START = Pretraining("nano-start", width=128, layers=4, steps=500, batch=12)
STARTED = world.HERE.parents[2] / "runs" / "recipes_lab1"
RECIPES = {
    "nano-gpt": Pretraining("nano-gpt", width=128, layers=4, steps=1000, batch=12, peak_lr=2e-3, seed=45),
    "nano-flan": Pretraining("nano-flan", width=128, layers=3, steps=1000, batch=32),
    "nano-flan-wide": Pretraining(
        "nano-flan-wide", width=160, layers=3, steps=1000, batch=32, heads=5, seed=43
    ),
}


def train_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE: digits single, pad is not eos, eight span tokens; nothing is added to a text."""
    tokenizer = Tokenizer(models.BPE())
    pieces = Regex(r"\d| ?\p{L}+| ?[^\s\p{L}\d]+|\s+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(pieces, behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, END, *tasks.SENTINELS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    rows = world.draw("train", world.SIDES["train"], plain=True)
    prompts = (build_prompts(row["instruction"], row["input"]) for row in rows)
    text = [text + row["output"] for row, both in zip(rows, prompts, strict=True) for text in both.values()]
    text += [
        f"Label A: \nLabel B: \nJudgment: A:\nVERDICT: {verdict}"
        for verdict in VERDICTS.values()
        for _ in range(50)
    ]
    text += itertools.islice(corpus.documents(1), 6000)
    tokenizer.train_from_iterator(text, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=tasks.SENTINELS,
        model_max_length=LONGEST,
        padding_side="right",
        clean_up_tokenization_spaces=False,
    )


def new_gpt(settings: Pretraining, tokenizer: PreTrainedTokenizerFast) -> GPT2LMHeadModel:
    """A fresh GPT-2 with tied embeddings."""
    torch.manual_seed(settings.seed)
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=len(tokenizer),
            n_positions=LONGEST,
            n_embd=settings.width,
            n_layer=settings.layers,
            n_head=settings.heads,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def new_t5(settings: Pretraining, tokenizer: PreTrainedTokenizerFast) -> T5ForConditionalGeneration:
    """A T5 (version 1.1: gated GELU, outputs not scaled) that starts from nano-start's word embeddings.

    T5's own start suits Adafactor: with AdamW the decoder still didn't look at the text after 800 steps, and
    tuned it named the type by chance (11 % of 160 dev rows). Its layers add ten times the size of an
    embedding of 0.02 and drown the words, so they start small; and copying needs heads that look one word
    back or ahead, so a few start near. See `parameter_groups` for the queries.
    """
    torch.manual_seed(settings.seed)
    model = T5ForConditionalGeneration(
        T5Config(
            vocab_size=len(tokenizer),
            d_model=settings.width,
            d_kv=settings.width // settings.heads,
            d_ff=settings.width * 2,
            num_layers=settings.layers,
            num_heads=settings.heads,
            feed_forward_proj="gated-gelu",
            dropout_rate=0.0,
            tie_word_embeddings=False,  # to transformers 5: outputs not scaled; the weights stay tied
            decoder_start_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    words = load_file(started() / "model.safetensors")["transformer.wte.weight"].float()
    with torch.no_grad():
        random = torch.randn(len(tokenizer), settings.width) * words.std()
        random[:, : words.shape[1]] = words
        model.shared.weight.copy_(random)  # the output matrix, too
        for name, weight in model.named_parameters():
            if name.endswith((".o.weight", ".wo.weight")):
                weight.mul_(0.1)
        for stack, second in ((model.encoder, 17), (model.decoder, 0)):
            start_near(stack.block[0].layer[0].SelfAttention.relative_attention_bias.weight, second)
    return model


def start_near(bias: torch.Tensor, second: int) -> None:
    """Head 0 starts at the word before, head 1 at bucket `second`, head 2 at the two words before.

    Rows of `bias` are T5's 32 buckets of distance: 0 is the word itself, from 1 on those before it, and from
    17 on, in an encoder, those behind it.
    """
    bias[1, 0] += 4.0
    bias[second, 1] += 4.0
    bias[1:3, 2] += 2.0


def text_batches(settings: Pretraining, tokenizer) -> Iterator[dict[str, torch.Tensor]]:
    """Plain text as rows of `block` tokens, documents one after the other, each closed by the end token."""
    stream, ids = corpus.documents(settings.seed), []
    need = settings.batch * settings.block
    while True:
        while len(ids) < need:
            texts = [text + END for text in itertools.islice(stream, 500)]
            ids += itertools.chain.from_iterable(tokenizer(texts, add_special_tokens=False)["input_ids"])
        rows = torch.tensor(ids[:need]).view(settings.batch, settings.block)
        ids = ids[need:]
        yield {"input_ids": rows, "labels": rows}


def padded(rows: list[list[int]], value: int) -> torch.Tensor:
    """(rows, longest), filled up on the right with `value`."""
    width = max(map(len, rows))
    return torch.tensor([row + [value] * (width - len(row)) for row in rows])


def pair_batch(tokenizer, pairs: list[tuple[str, str]]) -> dict[str, torch.Tensor]:
    """Prompts as encoder input; answers, closed by the end token, as labels with −100 for padding."""
    inputs = tokenizer([p for p, _ in pairs], add_special_tokens=False)["input_ids"]
    answers = tokenizer([a for _, a in pairs], add_special_tokens=False)["input_ids"]
    ids = padded(inputs, tokenizer.pad_token_id)
    labels = padded([answer + [tokenizer.eos_token_id] for answer in answers], -100)
    return {"input_ids": ids, "attention_mask": (ids != tokenizer.pad_token_id).long(), "labels": labels}


def task_batches(settings: Pretraining, tokenizer) -> Iterator[dict[str, torch.Tensor]]:
    """Batches of instruction tuning; pairs of about one length go together."""
    stream, size = tasks.examples(settings.seed), settings.batch
    while True:
        pairs = sorted(itertools.islice(stream, 8 * size), key=lambda pair: len(pair[0]))
        order = torch.randperm(8).tolist()
        for start in order:
            yield pair_batch(tokenizer, pairs[start * size : (start + 1) * size])


def learning_rate(step: int, steps: int, peak: float, warmup: int) -> float:
    """Linear warm-up, then a cosine to a twentieth of the peak."""
    if step < warmup:
        return peak * (step + 1) / warmup
    share = (step - warmup) / max(1, steps - warmup)
    return peak * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * share)))


def parameter_groups(model, settings) -> list[dict]:
    """Weights by weight decay and by `share` of the learning rate.

    T5 doesn't divide attention scores by the root of the head size but starts with queries smaller by it, so
    AdamW's steps of one size are as many times too large for them. Its position biases are added to scores of
    size 1 to 10, for which steps of a thousandth are too small.
    """
    t5 = isinstance(model, T5ForConditionalGeneration)
    groups: dict[tuple[float, float], list] = {}
    for name, weight in model.named_parameters():
        share, decay = 1.0, settings.weight_decay if weight.ndim >= 2 else 0.0
        if t5 and name.endswith(".q.weight"):
            share = model.config.d_kv**-0.5
        elif t5 and "relative_attention_bias" in name:
            share, decay = 10.0, 0.0
        groups.setdefault((share, decay), []).append(weight)
    return [
        {"params": weights, "share": share, "weight_decay": decay}
        for (share, decay), weights in groups.items()
    ]


def train(model, batches: Iterator[dict], settings, log_every: int = 50) -> list[float]:
    """`settings.steps` steps of AdamW; returns the loss of every step."""
    optimizer = torch.optim.AdamW(parameter_groups(model, settings), lr=settings.peak_lr, betas=(0.9, 0.95))
    losses, begin = [], time.time()
    model.train()
    for step, batch in enumerate(itertools.islice(batches, settings.steps)):
        for group in optimizer.param_groups:
            rate = learning_rate(step, settings.steps, settings.peak_lr, settings.warmup)
            group["lr"] = group["share"] * rate
        with torch.autocast("cpu", dtype=torch.bfloat16):  # 1.4 times as fast on CPUs with AVX-512 bf16
            loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        if (step + 1) % log_every == 0:
            recent = sum(losses[-log_every:]) / log_every
            print(
                f"step {step + 1}/{settings.steps}  loss {recent:.3f}  {time.time() - begin:.0f} s",
                flush=True,
            )
    return losses


def save(model, tokenizer, folder: Path) -> None:
    """float16 weights and the tokenizer; the config's `dtype` stays float32, which is how they load."""
    folder.mkdir(parents=True, exist_ok=True)
    model.eval()
    model.config.use_cache = True
    tied = {"lm_head.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"}
    state = {name: tensor.half() for name, tensor in model.state_dict().items() if name not in tied}
    model.save_pretrained(folder, state_dict=state)
    tokenizer.save_pretrained(folder)
    for path in folder.iterdir():
        path.chmod(0o644)


@cache
def started() -> Path:
    """The folder of nano-start, which is trained if it isn't there."""
    folder = STARTED / START.name
    if not folder.is_dir():
        tokenizer = train_tokenizer()
        model = new_gpt(START, tokenizer)
        train(model, text_batches(START, tokenizer), START)
        save(model, tokenizer, folder)
    return folder


def pretrain_one(name: str, tokenizer, folder: Path = MODELS) -> None:
    """One model of `RECIPES`."""
    settings = RECIPES[name]
    causal = name == "nano-gpt"
    if causal:
        model = GPT2LMHeadModel.from_pretrained(started(), dtype=torch.float32)
    else:
        model = new_t5(settings, tokenizer)
    torch.manual_seed(settings.seed)
    print(f"{name}: {sum(p.numel() for p in model.parameters()):,} parameters, vocabulary {len(tokenizer)}")
    train(model, (text_batches if causal else task_batches)(settings, tokenizer), settings)
    save(model, tokenizer, folder / name)


def pretrain(*names: str) -> None:
    """The models of these names, all three without any."""
    unknown = set(names) - set(RECIPES)
    if unknown:
        raise ValueError(f"expected names of {list(RECIPES)}, found {sorted(unknown)}")
    tokenizer = train_tokenizer()
    for name in names or RECIPES:
        pretrain_one(name, tokenizer)
