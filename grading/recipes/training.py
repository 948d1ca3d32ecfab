"""Pre-training of the course's small causal models: tokenizer, chat template, packed rows, loop, saving.

    settings = Pretraining(steps=1500)
    tokenizer = train_tokenizer(texts, settings, pieces=WORDS)
    model = new_llama(settings, tokenizer)
    train(model, packed(documents, settings, tokenizer), settings)
    save(model, tokenizer, folder)

Used by the recipes of labs 2 and 4. Seeds fixed, CPU only. Left out: any search over architectures.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

MODELS = Path(__file__).parents[2] / "data" / "models"
LONGEST = 512  # positions
PAD, END, USER, ASSISTANT = "<|pad|>", "<|end|>", "<|user|>", "<|assistant|>"
# A system turn is folded in front as plain text; the generation markers tell trainers which tokens are the
# assistant's.
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'assistant' -%}"
    "{{ '<|assistant|>\n' }}{% generation %}{{ message['content'] + '<|end|>' }}{% endgeneration %}{{ '\n' }}"
    "{%- else -%}"
    "{{ '<|user|>\n' + message['content'] + '<|end|>\n' }}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|assistant|>\n' }}{%- endif -%}"
)


@dataclass(frozen=True)
class Pretraining:
    """What a recipe trains, and how long."""

    vocabulary: int  # nearly every word of the world is one or two tokens; digits stay single
    steps: int
    layers: int = 4  # reading numbers into roles takes depth more than width
    hidden: int = 128  # small enough that tuning and sampling take minutes on 2 cores
    heads: int = 4
    intermediate: int = 384
    block: int = 256  # tokens a packed row
    batch: int = 32  # rows a step
    peak_lr: float = 3e-3  # small models like large steps
    warmup: int = 100
    weight_decay: float = 0.05
    seed: int = 42


def chat(question: str, reply: str) -> str:
    """What `CHAT_TEMPLATE` renders for one question and reply (the tests compare the two)."""
    return f"{USER}\n{question}{END}\n{ASSISTANT}\n{reply}{END}\n"


def unmarked(text: str) -> str:
    """The text without the special tokens, as a tokenizer learns from it."""
    return text.replace(USER, "").replace(ASSISTANT, "").replace(END, "")


def train_tokenizer(texts: Iterable[str], settings: Pretraining, pieces: str) -> PreTrainedTokenizerFast:
    """Byte-level BPE within `pieces` (a regular expression); four special tokens; pad is not eos."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pieces), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=settings.vocabulary,
        special_tokens=[PAD, END, USER, ASSISTANT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[USER, ASSISTANT],
        chat_template=CHAT_TEMPLATE,
        model_max_length=LONGEST,
        padding_side="right",
        clean_up_tokenization_spaces=False,
    )


def new_llama(settings: Pretraining, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """A fresh Llama with tied embeddings."""
    torch.manual_seed(settings.seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=settings.hidden,
        intermediate_size=settings.intermediate,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        num_key_value_heads=settings.heads,
        max_position_embeddings=LONGEST,
        tie_word_embeddings=True,
        initializer_range=0.03,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def as_phi3(llama: LlamaForCausalLM) -> Phi3ForCausalLM:
    """The same function as a Phi-3: query, key and value in one matrix, gate and up in another."""
    names = [
        "vocab_size",
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "num_key_value_heads",
        "max_position_embeddings",
        "tie_word_embeddings",
        "initializer_range",
        "bos_token_id",
        "eos_token_id",
        "pad_token_id",
    ]
    same = {name: getattr(llama.config, name) for name in names}
    model = Phi3ForCausalLM(Phi3Config(**same, rms_norm_eps=llama.config.rms_norm_eps))
    weights = dict(llama.state_dict())
    for name in [name for name in weights if name.endswith("q_proj.weight")]:
        rows = [weights.pop(name.replace("q_proj", part)) for part in ("q_proj", "k_proj", "v_proj")]
        weights[name.replace("q_proj", "qkv_proj")] = torch.cat(rows)
    for name in [name for name in weights if name.endswith("gate_proj.weight")]:
        rows = [weights.pop(name.replace("gate_proj", part)) for part in ("gate_proj", "up_proj")]
        weights[name.replace("gate_proj", "gate_up_proj")] = torch.cat(rows)
    model.load_state_dict(weights)
    return model


def packed(documents: Iterator[str], settings: Pretraining, tokenizer) -> torch.Tensor:
    """The corpus as rows of tokens, (rows, block): documents one after the other, each closed by the end
    token."""
    wanted = settings.steps * settings.batch * settings.block
    ids: list[int] = []
    while len(ids) < wanted:
        texts = [d if d.endswith(f"{END}\n") else d + END for d in itertools.islice(documents, 5000)]
        if not texts:
            raise ValueError(f"corpus ended at {len(ids)} of {wanted} tokens; raise the number of documents")
        for row in tokenizer(texts, add_special_tokens=False)["input_ids"]:
            ids += row
    return torch.tensor(ids[:wanted]).view(-1, settings.block)


def learning_rate(step: int, settings: Pretraining) -> float:
    """Linear warm-up, then a cosine to a twentieth of the peak."""
    if step < settings.warmup:
        return settings.peak_lr * (step + 1) / settings.warmup
    share = (step - settings.warmup) / max(1, settings.steps - settings.warmup)
    return settings.peak_lr * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * share)))


def train(
    model: PreTrainedModel, rows: torch.Tensor, settings: Pretraining, log_every: int = 100
) -> list[float]:
    """Next-token training over `rows` once; returns the loss of every step."""
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    others = [p for p in model.parameters() if p.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=settings.peak_lr, betas=(0.9, 0.95))
    losses, begin = [], time.time()
    model.train()
    for step, batch in enumerate(rows.split(settings.batch)):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, settings)
        with torch.autocast("cpu", dtype=torch.bfloat16):  # half the time on CPUs with AVX-512 bf16
            loss = model(input_ids=batch, labels=batch).loss
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
    """float16 weights and the tokenizer; `torch_dtype`/`dtype` of the config stays float32, which is how
    they load."""
    folder.mkdir(parents=True, exist_ok=True)
    model.eval()
    state = {
        name: tensor.half() for name, tensor in model.state_dict().items() if name != "lm_head.weight"
    }  # tied
    model.save_pretrained(folder, state_dict=state)
    tokenizer.save_pretrained(folder)
