"""Recipe of `nano-math-reward`: one number for a question and a reply, higher = more likely right.

A LlamaForSequenceClassification with one label, its backbone started from `nano-math`, learns from replies
that tuned and untuned models gave to fresh training-side problems, and from worked solutions with a
planted slip. Every token of a reply is a lesson ("is it still right up to here?"); only the last one is
the score. A fifth of the training-side templates (`HELD_OUT`) is never shown, and is what the card's AUROC
is measured on.

Run: `python -m grading.recipes.lab4 reward`. Input of the model: the chat template of [user question,
assistant reply].
"""

from __future__ import annotations

import random
import re
import time
from pathlib import Path

import torch
from sklearn.metrics import roc_auc_score
from transformers import LlamaConfig, LlamaForSequenceClassification

from solutions.lab4_best_of_n.method import canonical_answer

from . import corpus, sampling, world
from .pretrain import MODELS, save
from .proofread import proofread

HELD_OUT = frozenset(t.key for t in world.templates("train")[2::5])  # never in the reward model's training
QUESTIONS, REPLIES, TEMPERATURE = 2000, 4, 1.0
WRITTEN = 9000  # problems with a worked solution and a slip of it
NEW_LAYERS = 2  # on top of the backbone: they compare each token with what the layers below expected
EPOCHS, BATCH, SEED = 1, 64, 7
PROOFREADING = 600  # steps of the first lesson
NEW_LR, OLD_LR = 2e-3, 3e-4  # what nano-math knows should bend, not break
STEP = re.compile(r"(\d+) ([-+*/]) (\d+) = (\d+)")


def problems(count: int, seed: str, *, held_out: bool, taken: set[str]) -> list[dict]:
    """Fresh training-side problems whose template is (not) in HELD_OUT and whose question is in no data
    file."""
    rng, rows = random.Random(f"reward/{seed}"), []
    pool = [t for t in world.templates("train") if (t.key in HELD_OUT) == held_out]
    while len(rows) < count:
        row = world.instance(pool[len(rows) % len(pool)], rng)
        if row["question"] not in taken:  # repeats among themselves are fine: some stories have few numbers
            rows.append(row)
    return rows


def slip(question: str, answer: str, rng: random.Random) -> str:
    """A worked solution with one wrong operand, sign or result; the later steps go on from there."""
    steps = list(STEP.finditer(answer))
    broken = rng.randrange(len(steps))
    kind = rng.choice(["result", "result", "operand", "operator"])
    changed: dict[str, str] = {}
    pieces, position = [], 0
    for index, match in enumerate(steps):
        left, operator, right, result = match.groups()
        left, right = changed.get(left, left), changed.get(right, right)
        if index == broken and kind == "operand":
            numbers = re.findall(r"\d+", question) + [str(int(right) + 1), str(int(left) + 2)]
            if rng.random() < 0.5:
                left = rng.choice([number for number in numbers if number != left])
            else:
                right = rng.choice([number for number in numbers if number != right])
        elif index == broken and kind == "operator":
            operator = rng.choice([other for other in "+-*" if other != operator])
        now = world.compute(int(left), operator, int(right)) or int(result)
        if index == broken and kind == "result":
            now = max(1, now + rng.choice([-10, -2, -1, 1, 2, 10, rng.randint(-9, 9) or 3]))
        changed[result] = str(now)
        pieces += [answer[position : match.start()], f"{left} {operator} {right} = {now}"]
        position = match.end()
    return "".join(pieces) + answer[position:].rpartition("#### ")[0] + f"#### {now}"


def same_until(found: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[int, int]:
    """First part (left, operator, right, result) that differs, and the characters that it still shares."""
    for part, (one, other) in enumerate(zip(found, wanted, strict=True)):
        if one != other:
            shared = next((i for i, (x, y) in enumerate(zip(one, other, strict=False)) if x != y), None)
            return part, min(len(one), len(other)) if shared is None else shared
    return len(found), 0


def right_until(reply: str, answer: str) -> int:
    """Characters of a reply that are still right: all, or up to the first digit or sign that departs."""
    if canonical_answer(reply) == answer.rpartition("#### ")[2]:
        return len(reply)
    good = [match.groups() for match in STEP.finditer(answer)]
    for index, match in enumerate(STEP.finditer(reply)):
        if index >= len(good):
            return match.start()
        left, operator, right, result = good[index]
        orders = [good[index]] + ([(right, operator, left, result)] if operator in "+*" else [])
        part, shared = max(same_until(match.groups(), order) for order in orders)
        if part < 4:
            return match.start(part + 1) + shared
    marker = re.search(r"(?:####|answer is)\s*", reply)
    return marker.end() if marker else max(0, len(reply) - 1)


def lessons(tokenizer, items: list[tuple[str, str, str]]) -> list[tuple[list[int], list[float]]]:
    """(question, reply, worked answer) → token ids and one label a token: 1 right so far, 0 not, −1 no
    lesson."""
    rows = []
    for question, reply, answer in items:
        text = sampling.prompt(tokenizer, question)
        full = f"{text}{reply}<|end|>\n"
        limit = len(text) + right_until(reply, answer)
        right = limit == len(text) + len(reply)
        encoded = tokenizer(full, add_special_tokens=False, return_offsets_mapping=True)
        labels = [
            -1.0 if end <= len(text) else float(right or start < limit)
            for start, end in encoded["offset_mapping"]
        ]
        rows.append((encoded["input_ids"], labels))
    return rows


def start(tuned) -> LlamaForSequenceClassification:
    """The tuned model's layers, NEW_LAYERS more that change nothing yet, and a head of one label."""
    torch.manual_seed(SEED)
    settings = {**tuned.config.to_dict(), "num_labels": 1}
    settings["num_hidden_layers"] += NEW_LAYERS
    for name in ("architectures", "id2label", "label2id"):
        settings.pop(name, None)
    model = LlamaForSequenceClassification(LlamaConfig(**settings))
    missing, unexpected = model.model.load_state_dict(tuned.model.state_dict(), strict=False)
    if unexpected or not all(name.startswith("layers.") for name in missing):
        raise ValueError(f"the tuned model doesn't fit: missing {missing}, unexpected {unexpected}")
    for layer in model.model.layers[-NEW_LAYERS:]:
        torch.nn.init.zeros_(layer.self_attn.o_proj.weight)
        torch.nn.init.zeros_(layer.mlp.down_proj.weight)
    return model


def parameter_groups(model) -> list[dict]:
    """New layers and head with NEW_LR, the layers that came from the tuned model with OLD_LR."""
    new = [*model.model.layers[-NEW_LAYERS:].parameters(), *model.score.parameters()]
    names = {id(parameter) for parameter in new}
    old = [parameter for parameter in model.parameters() if id(parameter) not in names]
    return [{"params": new, "lr": NEW_LR}, {"params": old, "lr": OLD_LR}]


def fit(model, tokenizer, rows, *, epochs: int = EPOCHS) -> None:
    """Binary cross-entropy on every reply token, with half of the weight on the last one."""
    torch.manual_seed(SEED)
    steps = epochs * (len(rows) // BATCH)
    groups = parameter_groups(model)
    optimizer = torch.optim.AdamW(groups, weight_decay=0.05)
    rates = [group["lr"] for group in groups]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=steps, pct_start=0.05)
    rng, begin, done = random.Random(SEED), time.time(), 0
    model.train()
    for _ in range(epochs):
        rng.shuffle(rows)
        # rows of like length share a batch: less padding
        batches = []
        for start in range(0, len(rows) - BATCH * 16 + 1, BATCH * 16):
            near = sorted(rows[start : start + BATCH * 16], key=lambda row: len(row[0]))
            batches += [near[i : i + BATCH] for i in range(0, len(near), BATCH)]
        rng.shuffle(batches)
        for chosen in batches:
            width = max(len(ids) for ids, _ in chosen)
            ids = torch.tensor([i + [tokenizer.pad_token_id] * (width - len(i)) for i, _ in chosen])
            labels = torch.tensor([t + [-1.0] * (width - len(t)) for _, t in chosen])
            last = torch.tensor([len(i) - 1 for i, _ in chosen])
            with torch.autocast("cpu", dtype=torch.bfloat16):
                hidden = model.model(
                    input_ids=ids, attention_mask=ids != tokenizer.pad_token_id
                ).last_hidden_state
                logits = model.score(hidden).squeeze(-1).float()
            losses = torch.nn.functional.binary_cross_entropy_with_logits(
                logits, labels.clamp(min=0), reduction="none"
            )
            lesson = (labels >= 0).float()
            dense = (losses * lesson).sum() / lesson.sum()
            loss = 0.5 * dense + 0.5 * losses[torch.arange(len(chosen)), last].mean()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            if done < steps:
                schedule.step()
            optimizer.zero_grad()
            done += 1
            if done % 50 == 0:
                print(f"step {done}/{steps}  loss {loss.item():.3f}  {time.time() - begin:.0f} s", flush=True)
    model.eval()


@torch.no_grad()
def score(
    model, tokenizer, questions: list[str], replies: list[list[str]], batch: int = 256
) -> list[list[float]]:
    """One logit a reply, natural log-odds of being right as far as the model is calibrated."""
    texts = [
        (i, f"{sampling.prompt(tokenizer, q)}{r}<|end|>\n")
        for i, q in enumerate(questions)
        for r in replies[i]
    ]
    order = sorted(range(len(texts)), key=lambda k: len(texts[k][1]))
    scores = [0.0] * len(texts)
    tokenizer.padding_side = "right"
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        inputs = tokenizer(
            [texts[k][1] for k in chosen], return_tensors="pt", padding=True, add_special_tokens=False
        )
        logits = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).logits[:, 0]
        for k, value in zip(chosen, logits.tolist(), strict=True):
            scores[k] = value
    grouped: list[list[float]] = [[] for _ in questions]
    for (i, _), value in zip(texts, scores, strict=True):
        grouped[i].append(value)
    return grouped


def auroc(rows: list[dict], replies: list[list[str]], scores: list[list[float]]) -> float:
    """Chance that a right reply scores above a wrong one, over all replies."""
    right = [
        canonical_answer(r) == sampling.gold(row) for row, rs in zip(rows, replies, strict=True) for r in rs
    ]
    return float(roc_auc_score(right, [s for group in scores for s in group]))


def auroc_interval(rows, replies, scores, draws: int = 500) -> tuple[float, float, float]:
    """2.5 %, point and 97.5 % of the AUROC, by bootstrap over problems (replies to one problem stay
    together)."""
    rng, found = random.Random(0), []
    while len(found) < draws:
        chosen = [rng.randrange(len(rows)) for _ in rows]
        found.append(
            auroc([rows[i] for i in chosen], [replies[i] for i in chosen], [scores[i] for i in chosen])
        )
    found.sort()
    return found[int(0.025 * draws)], auroc(rows, replies, scores), found[int(0.975 * draws)]


def sampled_items(tokenizer, base, tuned, rows: list[dict]) -> list[tuple[str, str, str]]:
    """Replies of the tuned and the untuned model; only of problems with both right and wrong ones.

    With the others the model would learn which problems are hard, which tells no reply from another.
    """
    questions = [row["question"] for row in rows]
    groups = sampling.sample(tuned, tokenizer, questions, n=REPLIES, temperature=TEMPERATURE, seed=11)
    more = sampling.sample(base, tokenizer, questions, n=1, temperature=TEMPERATURE, seed=12)
    items = []
    for row, replies in zip(rows, [a + b for a, b in zip(groups, more, strict=True)], strict=True):
        right = [canonical_answer(reply) == sampling.gold(row) for reply in replies]
        if any(right) and not all(right):
            items += [(row["question"], reply, row["answer"]) for reply in replies]
    return items


def written_items(count: int, taken: set[str]) -> list[tuple[str, str, str]]:
    """Worked solutions, as they are and with a slip: training-side problems, simple ones, event stories."""
    rng, items = random.Random(SEED), []
    rows = problems(count * 7 // 10, "written", held_out=False, taken=taken)
    pairs = [(row["question"], row["answer"]) for row in rows]
    while len(pairs) < count:
        if rng.random() < 0.4:
            row = world.instance(rng.choice(world.templates("pretrain")), rng)
            pairs.append((row["question"], row["answer"]))
        else:
            question, work, answer = corpus.event_story(rng)
            pairs.append((question, f"{work}\n#### {answer}"))
    for question, answer in pairs:
        wrong = slip(question, answer, rng)
        while canonical_answer(wrong) == canonical_answer(answer):  # two wrongs that make a right
            wrong = slip(question, answer, rng)
        items += [(question, answer, answer), (question, wrong, answer)]
    return items


def train_reward(folder: Path = MODELS / "nano-math-reward", tuned=None) -> None:
    """The whole recipe: tune nano-math once, collect replies, train, print the AUROC on held-out
    templates."""
    tokenizer, base = sampling.load()
    if tuned is None:
        train = world.build_files()["gsm_symbolic_train_4500_student.jsonl"]
        tuned = sampling.tune(sampling.load()[1], tokenizer, train, seed=100)
    taken = {row["question"] for rows in world.build_files().values() for row in rows}
    asked = problems(QUESTIONS, "train", held_out=False, taken=taken)
    items = sampled_items(tokenizer, base, tuned, asked)
    print(f"{len(items):,} sampled replies", flush=True)
    items += written_items(WRITTEN, taken)
    rows = lessons(tokenizer, items)
    share = sum(labels[-1] for _, labels in rows) / len(rows)
    print(f"{len(rows):,} replies, {share:.2f} of them right", flush=True)
    model = start(tuned)
    pairs = [(question, answer) for question, reply, answer in items if reply == answer]
    proofread(model, tokenizer, pairs, parameter_groups(model), steps=PROOFREADING, batch=BATCH, seed=SEED)
    fit(model, tokenizer, rows)
    save(model, tokenizer, folder)
    held = problems(400, "held out", held_out=True, taken=taken)
    questions = [row["question"] for row in held]
    replies = sampling.sample(tuned, tokenizer, questions, n=4, temperature=TEMPERATURE, seed=13)
    found = auroc(held, replies, score(model, tokenizer, questions, replies))
    print(f"AUROC on templates absent from training: {found:.3f}")
