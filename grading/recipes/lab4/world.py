"""Word problems of a small symbolic world: parse story templates, draw numbers and names, write data files.

A template is three lines of `templates_*.txt` (slots, question, solution). `[x=a*b]` in a solution prints the
computation (`3 * 4 = 12`) and names its result. The last result is the answer:

    {"question": "Ana bakes 3 trays ...", "template": "bakery_trays",
     "answer": "The trays hold 3 * 4 = 12 muffins. ...\\n#### 12"}

Run: `python -m grading.recipes.lab4 world`. Staff only: the templates are never released, only their output.
Left out: unit conversion, fractions, negative results; every intermediate result is a positive whole number.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "data" / "lab4_best_of_n"
LARGEST = 999  # no quantity of the world is larger than this
NAMES = [
    "Ana",
    "Ben",
    "Cora",
    "Dan",
    "Ella",
    "Finn",
    "Gina",
    "Hugo",
    "Ida",
    "Jack",
    "Kim",
    "Leo",
    "Mia",
    "Nora",
    "Omar",
    "Pia",
    "Rosa",
    "Sam",
    "Tina",
    "Uma",
    "Vera",
    "Will",
    "Yara",
    "Zoe",
    "Adam",
    "Bella",
    "Carl",
    "Dora",
    "Emil",
    "Fay",
]
NEW_NAMES = [
    "Lena",
    "Noah",
    "Ruth",
    "Paul",
    "Sara",
    "Tom",
    "Kate",
    "Max",
    "Lucy",
    "Ivan",
]  # same-templates tests only
WORLD_SEED = 20_261_121
COMPUTATION = re.compile(r"\[(\w)=(\w+)([-+*/])(\w+)\]")


@dataclass(frozen=True)
class Template:
    """One story: its slots (`a` → (2, 9), `item` → ("rolls", …)), question and solution pattern."""

    key: str
    ranges: tuple[tuple[str, int, int], ...]
    choices: tuple[tuple[str, tuple[str, ...]], ...]
    question: str
    solution: str

    @property
    def steps(self) -> int:
        """Number of computations in the worked solution."""
        return len(COMPUTATION.findall(self.solution))


def parse_templates(text: str) -> list[Template]:
    """Templates of one file. Raises ValueError naming the template whose lines don't fit."""
    templates = []
    for block in re.split(r"^== ", text, flags=re.M)[1:]:
        head, *lines = [line for line in block.strip().splitlines() if line.strip()]
        key, _, slots = head.partition(" | ")
        if len(lines) != 2:
            raise ValueError(
                f"template {key!r}: expected a question and a solution line, found {len(lines)} lines"
            )
        ranges, choices = [], []
        for slot in slots.split():
            name, value = slot.split("=")
            if "|" in value:
                choices.append((name, tuple(value.split("|"))))
            else:
                low, high = value.split("-")
                ranges.append((name, int(low), int(high)))
        templates.append(Template(key.strip(), tuple(ranges), tuple(choices), *lines))
    return templates


@cache
def templates(side: str) -> tuple[Template, ...]:
    """Templates of the "train" or the "other" side, or the simple ones of "pretrain"."""
    return tuple(parse_templates((HERE / f"templates_{side}.txt").read_text(encoding="utf-8")))


def compute(left: int, operator: str, right: int) -> int | None:
    """The whole positive result of one computation, None where there is none."""
    if operator == "/":
        result = left // right if right and left % right == 0 else 0
    else:
        result = {"+": left + right, "-": left - right, "*": left * right}[operator]
    return result if 0 < result <= LARGEST else None


def instance(
    template: Template, rng: random.Random, *, stretch: float = 1.0, names: list[str] = NAMES
) -> dict:
    """One problem `{question, answer, template}`; `stretch` > 1 goes beyond the upper ends of the ranges.

    Draws until every intermediate result is a positive whole number ≤ LARGEST.
    """
    people = dict(zip("ABC", rng.sample(names, 3), strict=True))
    words = {name: rng.choice(options) for name, options in template.choices}
    for _ in range(20_000):
        values = {name: rng.randint(low, round(high * stretch)) for name, low, high in template.ranges}
        if stretch > 1 and not any(values[name] > high for name, _, high in template.ranges):
            continue
        slots = {**people, **words, **values}
        pieces, position = [], 0
        for match in COMPUTATION.finditer(template.solution):
            target, left, operator, right = match.groups()
            left, right = (values[v] if v in values else int(v) for v in (left, right))
            result = compute(left, operator, right)
            if result is None:
                break
            values[target] = result
            pieces += [template.solution[position : match.start()], f"{left} {operator} {right} = {result}"]
            position = match.end()
        else:
            text = "".join([*pieces, template.solution[position:]]).format_map(slots)
            answer = f"{text}\n#### {result}"
            return {
                "question": template.question.format_map(slots),
                "answer": answer,
                "template": template.key,
            }
    raise ValueError(f"template {template.key!r}: no numbers fit its ranges; widen them")


def masked(question: str) -> str:
    """The question with numbers and names masked: equal for two problems of one template and wording."""
    return re.sub(r"\d+", "#", re.sub(rf"\b({'|'.join(NAMES + NEW_NAMES)})\b", "@", question))


def draw(
    side: str, count: int, seed: str, *, taken: set[str], stretch: float = 1.0, names=NAMES
) -> list[dict]:
    """`count` problems, templates in turn, shuffled; none whose question is in `taken` (which grows)."""
    rng = random.Random(f"{WORLD_SEED}/{seed}")
    pool, rows = templates(side), []
    while len(rows) < count:
        row = instance(pool[len(rows) % len(pool)], rng, stretch=stretch, names=names)
        if row["question"] not in taken:
            taken.add(row["question"])
            rows.append(row)
    rng.shuffle(rows)
    return rows


FILES = {  # name: (side, items, stretch, names)
    "gsm_symbolic_train_4500_student.jsonl": ("train", 4500, 1.0, NAMES),
    "gsm_symbolic_test_100_student.jsonl": ("train", 100, 1.0, NAMES),
    "gsm8k_test_100_same_templates.jsonl": ("train", 100, 1.5, NEW_NAMES),
    "gsm8k_test_100_non_overlapping.jsonl": ("other", 100, 1.0, NAMES),
    "test_in_distribution.jsonl": ("train", 500, 1.0, NAMES),
    "test_same_templates.jsonl": ("train", 500, 1.5, NEW_NAMES),
    "test_non_overlapping.jsonl": ("other", 500, 1.0, NAMES),
}


def build_files() -> dict[str, list[dict]]:
    """All problem files, by name, in a fixed order; no question occurs twice in them."""
    taken: set[str] = set()
    return {
        name: draw(side, count, name, taken=taken, stretch=stretch, names=names)
        for name, (side, count, stretch, names) in FILES.items()
    }


def as_jsonl(rows: list[dict]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def write_world(folder: Path = DATA) -> list[Path]:
    """Write every problem file into `folder`; the same bytes on every machine."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, rows in build_files().items():
        path = folder / name
        path.write_bytes(as_jsonl(rows).encode())
        paths.append(path)
    return paths
