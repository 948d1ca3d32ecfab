"""Recipe of `nano-math`: tokenizer, architecture, pre-training. Seeds fixed, CPU only, about a quarter of
an hour on 2 cores.

Run: `python -m grading.recipes.lab4 pretrain`. Writes `data/models/nano-math` (real LlamaForCausalLM, float16
safetensors that load as float32, tokenizer with chat template). Left out: any search over architectures.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from . import corpus, world

MODELS = world.HERE.parents[2] / "data" / "models"
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
    """What the recipe trains, and how long."""

    hidden: int = 128  # small enough that tuning and sampling take minutes on 2 cores
    layers: int = 4  # reading numbers into roles takes depth more than width
    heads: int = 4
    intermediate: int = 384
    vocabulary: int = 1280  # every word of the world is one or two tokens; digits stay single
    block: int = 256  # tokens a packed row; the longest problem has about 190
    batch: int = 32  # rows a step, so 8,192 tokens
    steps: int = 1500  # about 12 million tokens
    peak_lr: float = 3e-3  # small models like large steps
    warmup: int = 100
    weight_decay: float = 0.05
    seed: int = 42


def chat(question: str, reply: str) -> str:
    """What `CHAT_TEMPLATE` renders for one question and reply (the tests compare the two)."""
    return f"{USER}\n{question}{END}\n{ASSISTANT}\n{reply}{END}\n"


def train_tokenizer(settings: Pretraining) -> PreTrainedTokenizerFast:
    """Byte-level BPE: digits single, ` + ` one token, four special tokens; pad is not eos."""
    tokenizer = Tokenizer(models.BPE())
    pieces = Regex(r" [-+*/=] |\d| ?\p{L}+| ?[^\s\p{L}\d]+|\s+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(pieces, behavior="isolated"),
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
    problems = world.build_files()["gsm_symbolic_train_4500_student.jsonl"]
    text = [row["question"] + "\n" + row["answer"] for row in problems]
    text += [
        d.replace(USER, "").replace(ASSISTANT, "").replace(END, "")
        for d in corpus.documents(20_000, 1, chat, set())
    ]
    tokenizer.train_from_iterator(text, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[USER, ASSISTANT],
        chat_template=CHAT_TEMPLATE,
        model_max_length=512,
        padding_side="right",
        clean_up_tokenization_spaces=False,
    )


def new_model(settings: Pretraining, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """A fresh Llama with tied embeddings."""
    torch.manual_seed(settings.seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=settings.hidden,
        intermediate_size=settings.intermediate,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        num_key_value_heads=settings.heads,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        initializer_range=0.03,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def packed(settings: Pretraining, tokenizer: PreTrainedTokenizerFast) -> torch.Tensor:
    """The corpus as rows of tokens, (rows, block): documents one after the other, each closed by the end
    token."""
    wanted = settings.steps * settings.batch * settings.block
    forbidden = {row["question"] for rows in world.build_files().values() for row in rows}
    ids: list[int] = []
    stream = corpus.documents(wanted // 40, settings.seed, chat, forbidden)
    while len(ids) < wanted:
        texts = [d if d.endswith(f"{END}\n") else d + END for _, d in zip(range(5000), stream, strict=False)]
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
    model: LlamaForCausalLM, rows: torch.Tensor, settings: Pretraining, log_every: int = 100
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


def pretrain(folder: Path = MODELS / "nano-math", settings: Pretraining | None = None) -> None:
    """The whole recipe."""
    settings = settings or Pretraining()
    tokenizer = train_tokenizer(settings)
    model = new_model(settings, tokenizer)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, vocabulary {len(tokenizer)}")
    train(model, packed(settings, tokenizer), settings)
    save(model, tokenizer, folder)
