"""What the reward model learns from: fresh problems, slips planted in solutions, and a label for every token.

    slip("3 trays of 4 ...", "There are 3 * 4 = 12.\\n#### 12", rng)  ->  "There are 3 * 4 = 14.\\n#### 14"
    right_until(reply, answer)  ->  characters of the reply that are still right

Run: part of `python -m grading.recipes.lab4 reward`. Left out: the replies of models (reward.py draws them).
"""

from __future__ import annotations

import random
import re

from solutions.lab4_best_of_n.method import canonical_answer

from . import corpus, sampling, world

HELD_OUT = frozenset(t.key for t in world.templates("train")[2::10])  # never in the reward model's training
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


def written_items(count: int, taken: set[str], seed: int) -> list[tuple[str, str, str]]:
    """Worked solutions, as they are and with a slip: training-side problems, simple ones, event stories."""
    rng, items = random.Random(seed), []
    rows = problems(count * 7 // 10, f"written {seed}", held_out=False, taken=taken)
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
