"""Instruction tuning of nano-flan: many small tasks over paragraphs of the corpus, none of them the lab's.

    ("Task: Where does it happen?\\n\\nExcerpt:\\nRung 41 waits …\\n\\nAnswer:", "rung 41")

It learns to follow an instruction and to answer in a format that the instruction names: fields in a given
order, one word, yes or no. A tenth is filling in masked spans of plain text. Run: part of `python -m
grading.recipes.lab1 pretrain`. Left out: the task's own field names and every frame of the data file.
"""

from __future__ import annotations

import random
import re

from .corpus import Paragraph, base_form, documents, gerund, paragraph, words_for
from .lexicon import lexicon

SENTINELS = [f"<extra_id_{i}>" for i in range(8)]
SHARES = {  # long answers teach the decoder to copy; "bare" ones are so short that their topic is soon seen
    "bare": 0.15,
    "topic": 0.15,
    "fields": 0.4,
    "word": 0.05,
    "where": 0.1,
    "spans": 0.05,
    "yes_no": 0.04,
    "name": 0.03,
    "log": 0.03,
}
GOOD = "passed|completed|is ready|was saved|is in range|restarted cleanly|answered in time|matches"
BAD = "failed|was lost|is out of range|is corrupt|did not answer|was rejected|crashed|is missing"
WHERE = "Where does it happen?|Copy the place that the excerpt is about.|What is the subject of the excerpt?"
TOPIC = "What is the excerpt about?|Give the topic of the excerpt.|In one or two words, which topic is this?"
NAMES = {
    "reg": "Name the register.|Which register is mentioned?",
    "tag": "Name the machine.|Which machine is mentioned?",
    "field": "Name the field.|Which field is mentioned?",
    "addr": "Copy the address.|Which address is given?",
    "chunk": "Name the chunk.|Which chunk is mentioned?",
}


def prompt(rng: random.Random, instruction: str, text: str) -> str:
    """One of several layouts of an instruction and a text."""
    layouts = (
        f"Task: {instruction}\n\nExcerpt:\n{text}\n\nAnswer:",
        f"Task: {instruction}\n\nExcerpt:\n{text}\n\nAnswer:",
        f"{instruction}\n\n{text}",
        f"{text}\n\n{instruction}\nAnswer:",
        f"Read this: {text}\n{instruction}",
    )
    return rng.choice(layouts)


def spans(rng: random.Random, text: str) -> tuple[str, str]:
    """Masked spans: sentinels in the text, and after each sentinel of the target what stood there."""
    words = text.split(" ")
    count = min(len(SENTINELS), max(1, len(words) // 12))
    starts = sorted(rng.sample(range(len(words)), min(count, len(words))))
    source, target, position = [], [], 0
    sentinels = iter(SENTINELS)
    for start in starts:
        if start < position:
            continue
        sentinel = next(sentinels)
        end = min(len(words), start + rng.randint(1, 4))
        source += [*words[position:start], sentinel]
        target += [sentinel, *words[start:end]]
        position = end
    return " ".join([*source, *words[position:]]), " ".join(target)


def named(rng: random.Random, part: Paragraph) -> tuple[str, str] | None:
    """A question about a name that stands in the paragraph, if one does."""
    there = [key for key in NAMES if re.search(rf"\b{re.escape(part.slots[key])}\b", part.text)]
    if not there:
        return None
    key = rng.choice(there)
    return rng.choice(NAMES[key].split("|")), part.slots[key]


def fields(rng: random.Random, part: Paragraph) -> tuple[str, str]:
    """Two to four fields in the order that the instruction gives, as `name: value; name: value`."""
    topic = lexicon()[part.kind].topic
    values = {
        rng.choice(("topic", "subject area", "kind")): topic,
        rng.choice(("place", "where", "part")): part.subject,
        rng.choice(("reason", "why", "because")): f"it {part.reason}",
        rng.choice(("document", "source", "family")): {
            "isa": "instruction set",
            "plc": "ladder program",
            "parser": "parser",
            "mmu": "page tables",
            "format": "file format",
        }[part.family],
    }
    names = rng.sample(list(values), rng.randint(2, 4))
    listed = ", ".join(names[:-1]) + f" and {names[-1]}"
    verb = rng.choice(("Give", "List", "State", "Fill in"))
    return f"{verb} {listed}.", "; ".join(f"{name}: {values[name]}" for name in names)


def log_line(rng: random.Random) -> tuple[str, str, str]:
    good = rng.random() < 0.5
    subject = rng.choice(("the pump", "record", "page", "station", "the link", "block"))
    ending = rng.choice((GOOD if good else BAD).split("|"))
    text = f"{rng.randint(10, 23)}:{rng.randint(10, 59)} {subject} {rng.randint(2, 99)} {ending}"
    return "Is this line of the log good or bad news?", text, "good" if good else "bad"


def example(rng: random.Random, plain) -> tuple[str, str]:
    """One (prompt, answer) of a task drawn by `SHARES`."""
    task = rng.choices(list(SHARES), list(SHARES.values()))[0]
    if task == "spans":
        return spans(rng, next(plain))
    if task == "log":
        instruction, text, answer = log_line(rng)
        return prompt(rng, instruction, text), answer
    if task in ("word", "bare"):
        kind = lexicon()[rng.choice(list(lexicon()))]
        made = words_for(kind, rng)
        word = rng.choice((made["thing"], base_form(made["does"]), gerund(made["does2"]), made["special"]))
        question = rng.choice(TOPIC.split("|")).replace("excerpt", "phrase")
        return word if task == "bare" else prompt(rng, question, word), kind.topic
    part = paragraph(rng, ending=0.0)
    topic = lexicon()[part.kind].topic
    if task == "yes_no":
        asked = topic if rng.random() < 0.5 else rng.choice([k.topic for k in lexicon().values()])
        return prompt(rng, f"Is the excerpt about {asked}?", part.text), "yes" if asked == topic else "no"
    if task == "name" and (found := named(rng, part)):
        return prompt(rng, found[0], part.text), found[1]
    if task == "fields":
        instruction, answer = fields(rng, part)
        return prompt(rng, instruction, part.text), answer
    if task == "topic":
        return prompt(rng, rng.choice(TOPIC.split("|")), part.text), topic
    return prompt(rng, rng.choice(WHERE.split("|")), part.text), part.subject


def examples(seed: int):
    """(prompt, answer) without end."""
    rng, plain = random.Random(f"tasks/{seed}"), documents(seed + 1000)
    while True:
        yield example(rng, plain)
