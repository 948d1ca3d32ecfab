"""Lab 3 answers: what a model writes to a prompt, whether it is right, and whether its questions help.

    texts = write(model, tokenizer, prompts, config)                     # greedy; temperature=0.7 samples
    scored = answered(tasks, texts)                                      # [{"qid", "answer", "correct"}, …]
    verdict(draft_a, draft_b, task)                                      # "first", "second" or "tie"

A task is a test question with the student's draft: `{qid, question, answer: bool, draft, entities,
decomposition, split}`. The judge of questions is a rule, called that wherever it shows: it knows the facts
that an answer needs (`decomposition`) and counts those that a draft asks for. Left out: prompts (data.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch

from .batches import prompt_ids_of
from .config import Config
from .data import read_answer

TASKS = "tasks.jsonl"
TASK = {"qid": str, "question": str, "answer": bool, "draft": str, "split": str}


def write(
    model, tokenizer, prompts: Sequence[str], config: Config, temperature: float = 0.0, seed: int = 0
) -> list[str]:
    """A completion for each prompt, without special tokens; greedy at temperature 0.

    Prompts of similar length share a batch, padded on the left; the model's mode is as it was afterwards.
    """
    ids = [prompt_ids_of(tokenizer, prompt) for prompt in prompts]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    texts, training = [""] * len(ids), model.training
    options = {"do_sample": False}
    if temperature > 0:
        options = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
    model.eval()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        for start in range(0, len(order), config.eval_batch_size):
            places = order[start : start + config.eval_batch_size]
            width = max(len(ids[i]) for i in places)
            gaps = [width - len(ids[i]) for i in places]
            filled = [[tokenizer.pad_token_id] * gap + ids[i] for gap, i in zip(gaps, places, strict=True)]
            mask = [[0] * gap + [1] * (width - gap) for gap in gaps]
            found = model.generate(
                input_ids=torch.tensor(filled, device=model.device),
                attention_mask=torch.tensor(mask, device=model.device),
                max_new_tokens=config.max_new_tokens,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=tokenizer.pad_token_id,
                **options,
            )
            for place, row in zip(places, found[:, width:], strict=True):
                texts[place] = tokenizer.decode(row, skip_special_tokens=True)
    model.train(training)
    return texts


def answered(tasks: Sequence[dict], texts: Sequence[str]) -> list[dict]:
    """Per task what was said and whether it is right; an unread answer is None and never right."""
    rows = []
    for task, text in zip(tasks, texts, strict=True):
        answer = read_answer(text)
        right = answer is not None and answer == task["answer"]
        rows.append({"qid": task["qid"], "text": text, "answer": answer, "correct": right})
    return rows


def asked(draft: str) -> list[str]:
    """The questions of a draft, each up to its question mark."""
    found = re.search(r"^\s*questions:(.*)", draft, re.I | re.M | re.S)
    return [" ".join(piece.split()) for piece in re.findall(r"[^?]*\?", found[1])] if found else []


def usefulness(draft: str, task: dict) -> float:
    """The rule-based judge: needed facts that the draft asks for, less a quarter for each other question.

    The needed facts are the decomposition's questions that aren't about an earlier answer (`#1`).
    """
    needed = {plain(q) for q in task.get("decomposition", []) if "#" not in q}
    questions = [plain(question) for question in asked(draft)]
    hits = needed & set(questions)
    return len(hits) - 0.25 * (len(questions) - len(hits))


def plain(question: str) -> str:
    return " ".join(re.findall(r"\w+", question.lower()))


def verdict(first: str, second: str, task: dict) -> str:
    """Which of two drafts asks the more useful questions: "first", "second" or "tie"."""
    gap = usefulness(first, task) - usefulness(second, task)
    return "first" if gap > 0 else "second" if gap < 0 else "tie"


def with_entity(rows: Sequence[dict], tasks: Sequence[dict]) -> list[dict]:
    """The rows with what their questions share, for intervals."""
    names = [(task.get("entities") or [task["qid"]])[0] for task in tasks]
    return [{**row, "entity": name} for row, name in zip(rows, names, strict=True)]
