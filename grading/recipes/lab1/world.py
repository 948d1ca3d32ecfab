"""Excerpts of a small world of technical documents, one gadget each: parse frames, draw rows, write files.

A frame is three lines of `frames_*.txt` (key and label, excerpt, location and explanation). One row:

    {"instruction": "Identify the weird-machine gadget in this excerpt.",
     "input": "TST: examines bit 5 of r3. If the bit is clear …",
     "output": "gadget_type: Bit test; location: TST instruction; explanation: tests one bit of r3",
     "frame": "compare.isa.test_bit", "type": "compare", "family": "isa", "split": "train"}

Run: `python -m grading.recipes.lab1 world`. Staff only: frames are never released, only what is drawn from
them. Left out: excerpts with two gadgets or none.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .lexicon import WORLD_SEED, lexicon

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "data" / "lab1_ensemble"
FAMILIES = ("isa", "plc", "parser", "mmu", "format")
SIDES = {"train": 3, "validation": 6}  # rows a frame: 720 to learn from, 480 to measure on
USUAL = 0.85  # share of rows that carry the frame's own label; the rest carry a synonym of it
BESIDE = 0.5  # share of excerpts with a sentence about something else beside them
INSTRUCTIONS = (
    "Identify the weird-machine gadget in this excerpt.",
    "Which weird-machine gadget does the excerpt describe?",
    "Name the gadget, where it is and why it is one.",
    "Find the gadget that this documentation gives an attacker.",
)

BINDING = re.compile(r"\{(\w+)=([^{}]*)\}")
CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
SLOT = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")


@dataclass(frozen=True)
class Frame:
    """One sentence frame: its key, gadget type, document family, label and three patterns."""

    key: str
    type: str
    family: str
    label: str
    excerpt: str
    location: str
    explanation: str


def parse_frames(text: str) -> list[Frame]:
    """Frames of one file. Raises ValueError naming the frame whose lines don't fit."""
    frames = []
    for block in re.split(r"^== ", text, flags=re.M)[1:]:
        head, *lines = [line for line in block.strip().splitlines() if line.strip()]
        key, _, label = (part.strip() for part in head.partition("|"))
        kind, _, rest = key.partition(".")
        family = rest.partition(".")[0]
        if kind not in lexicon() or family not in FAMILIES:
            raise ValueError(f"frame {key!r}: expected type.family.name, with a type of lexicon.txt")
        if len(lines) != 2 or lines[1].count(" :: ") != 1:
            raise ValueError(f"frame {key!r}: expected an excerpt and 'location :: explanation'")
        label = label or lexicon()[kind].canonical
        if label not in lexicon()[kind].concept_of:
            raise ValueError(f"frame {key!r}: lexicon.txt has no label {label!r} under {kind}")
        frames.append(Frame(key, kind, family, label, lines[0], *lines[1].split(" :: ")))
    return frames


@cache
def frames(side: str) -> tuple[Frame, ...]:
    """Frames of the "train", "validation" or "dev" side."""
    return tuple(parse_frames((HERE / f"frames_{side}.txt").read_text(encoding="utf-8")))


# ---- what the slots hold ----

REGISTERS = (
    [f"r{i}" for i in range(16)],
    [f"x{i}" for i in range(1, 31)],
    ["a0", "a1", "a2", "a3", "t0", "t1", "t2", "s0", "s1", "sp"],
    ["EAX", "EBX", "ECX", "EDX", "ESI", "EDI"],
    [f"D{i}" for i in range(8)],
)
MACHINES = (  # noqa: SIM905 (lists of quoted words are harder to read)
    "Pump Motor Conv Valve Mixer Oven Press Tank Lift Fan Drill Robot Gate Feeder Kiln Reel Boiler "
    "Crane Filler Saw"
).split()
FIELDS = (  # noqa: SIM905
    "len count flags width height offset kind size name_len body_len nrec entry_size depth unit level "
    "payload index total page_no hdr_len"
).split()
STATES = "IN_HEADER IN_NAME IN_VALUE IN_TEXT IN_TAG AFTER_KEY IN_COMMENT BODY START TRAILER".split()  # noqa: SIM905
CHUNKS = "HEAD BODY PALT INDX FRME DATA TREE GLYF CMAP META CUES TEXT STRM MESH LOCA WAVE".split()  # noqa: SIM905


def draw_slots(rng: random.Random) -> dict[str, str]:
    """A value for every slot; two slots of one sort never hold the same."""
    reg, reg2, reg3 = rng.sample(rng.choice(REGISTERS), 3)
    tag, tag2 = (f"{name}{rng.randint(1, 9)}" for name in rng.sample(MACHINES, 2))
    n, m = rng.sample(range(2, 33), 2)
    field, field2 = rng.sample(FIELDS, 2)
    state, state2 = rng.sample(STATES, 2)
    numbers = {
        "n": n,
        "m": m,
        "k": rng.choice((64, 100, 128, 200, 250, 256, 300, 400, 500, 512, 600, 800, 1000, 1024, 2000, 4096)),
        "ms": rng.choice((10, 20, 50, 80, 100, 150, 200, 250, 400, 500, 750, 900)),
        "bit": rng.randint(1, 31),
        "rung": rng.randint(1, 99),
        "scale": rng.choice((2, 4, 8, 16)),
        "off": f"0x{rng.randrange(4, 256, 4):02X}",
        "addr": f"0x{rng.randrange(16, 256):02X}00",
        "chunk": rng.choice(CHUNKS),
    }
    names = {"reg": reg, "reg2": reg2, "reg3": reg3, "tag": tag, "tag2": tag2}
    names |= {"field": field, "field2": field2, "state": state, "state2": state2}
    return {name: str(value) for name, value in (names | numbers).items()}


def fill(pattern: str, slots: dict[str, str], rng: random.Random) -> str:
    """The pattern with bindings, choices and slots filled in; bindings are added to `slots`.

    Raises ValueError: a slot that nothing fills.
    """

    def bind(match: re.Match) -> str:
        slots[match[1]] = rng.choice(match[2].split("|"))
        return slots[match[1]]

    def value(match: re.Match) -> str:
        if match[1] not in slots:
            raise ValueError(f"slot {match[0]} of {pattern[:40]!r}…: no such slot; see draw_slots")
        return slots[match[1]]

    text = CHOICE.sub(lambda match: rng.choice(match[1].split("|")), BINDING.sub(bind, pattern))
    return SLOT.sub(value, text).replace("{{", "{").replace("}}", "}")


def label_of(frame: Frame, rng: random.Random) -> str:
    """The frame's label, or now and then another name of the same concept that the task may use."""
    kind = lexicon()[frame.type]
    names = kind.seen[kind.concept_of[frame.label]]
    others = [name for name in names if name != frame.label]
    return frame.label if rng.random() < USUAL or not others else rng.choice(others)


def instance(frame: Frame, rng: random.Random, side: str) -> dict:
    """One row of the data file."""
    slots = draw_slots(rng)
    excerpt = fill(frame.excerpt, slots, rng)
    location, explanation = fill(frame.location, slots, rng), fill(frame.explanation, slots, rng)
    return {
        "instruction": rng.choice(INSTRUCTIONS),
        "input": excerpt,
        "output": f"gadget_type: {label_of(frame, rng)}; location: {location}; explanation: {explanation}",
        "frame": frame.key,
        "type": frame.type,
        "family": frame.family,
        "split": side,
    }


@cache
def asides(side: str) -> dict[str, tuple[str, ...]]:
    """Neighbouring sentences of a side, by the gadget type whose words they use."""
    blocks = re.split(r"^== ", (HERE / "asides.txt").read_text(encoding="utf-8"), flags=re.M)[1:]
    pairs = [(block.splitlines()[0].partition("."), block.strip().splitlines()[1:]) for block in blocks]
    return {kind: tuple(lines) for (where, _, kind), lines in pairs if where == side}


def with_aside(row: dict, rng: random.Random) -> dict:
    """The row with a sentence about another type before or behind its excerpt, or as it is."""
    kind = rng.choice([kind for kind in lexicon() if kind != row["type"]])
    sentence = fill(rng.choice(asides(row["split"])[kind]), draw_slots(rng), rng)
    place, first = rng.random() < BESIDE, rng.random() < 0.3
    if not place:
        return row
    return row | {"input": f"{sentence} {row['input']}" if first else f"{row['input']} {sentence}"}


def draw(side: str, per_frame: int, seed: str = "data", *, plain: bool = False) -> list[dict]:
    """`per_frame` rows of every frame of a side, shuffled; no excerpt occurs twice. `plain`: no asides."""
    rng = random.Random(f"{WORLD_SEED}/{side}/{seed}")
    rows, taken = [], set()
    for frame in frames(side):
        drawn = (instance(frame, rng, side) for _ in range(50 * per_frame))
        new: dict[str, dict] = {}
        for row in drawn:
            if row["input"] not in taken and len(new) < per_frame:
                new.setdefault(row["input"], row)
        if len(new) < per_frame:
            raise ValueError(f"frame {frame.key!r}: {len(new)} distinct excerpts; give it slots or choices")
        taken |= set(new)
        rows += new.values()
    rng.shuffle(rows)
    return rows if plain else [with_aside(row, rng) for row in rows]


# ---- how close two excerpts are ----


NAMES = frozenset(name.lower() for name in [*MACHINES, *FIELDS, *STATES, *CHUNKS, *sum(REGISTERS, [])])


@cache
def words(text: str) -> tuple[str, ...]:
    """Lower-case words; everything with a digit, and every name of a slot, is masked."""
    found = re.findall(r"[a-z_]*\d\w*|[a-z_]+", text.lower())
    return tuple("#" if re.search(r"\d", word) or word in NAMES else word for word in found)


def ngrams(text: str, n: int = 13) -> set[tuple[str, ...]]:
    """All runs of `n` masked words."""
    row = words(text)
    return {row[i : i + n] for i in range(len(row) - n + 1)}


def jaccard(one: str, two: str) -> float:
    """Share of masked words that two excerpts have in common, as sets."""
    a, b = set(words(one)), set(words(two))
    return len(a & b) / len(a | b) if a | b else 1.0


# ---- files ----


def build_rows() -> list[dict]:
    """All rows of `weird_machine_gadgets.jsonl`: training rows, then validation rows."""
    return [row for side, per_frame in SIDES.items() for row in draw(side, per_frame)]


def as_jsonl(rows: list[dict]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def build_files() -> dict[str, list[dict]]:
    """The three generated files by name."""
    from . import relations  # its pairs are of the lexicon only, but read best in their own module

    return {
        "weird_machine_gadgets.jsonl": build_rows(),
        "gadget_labels.jsonl": relations.label_rows(),
        "label_relations.jsonl": relations.build_pairs(),
    }


def write_world(folder: Path = DATA) -> list[Path]:
    """Write the generated files into `folder`; the same bytes on every machine."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, rows in build_files().items():
        path = folder / name
        path.write_bytes(as_jsonl(rows).encode())
        paths.append(path)
    return paths
