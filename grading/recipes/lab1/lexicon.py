"""The words of the world, read from `lexicon.txt`: gadget types, the names of their concepts, what each does.

    lexicon()["memory"].concept_of["Coil tag"]      # "bool_tag"; "" is the type as a whole
    relation("Coil tag", "Read/Write gadget")       # "related"

Run: part of every verb. Left out: any learned similarity; relations follow from the file alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

WORLD_SEED = 20_261_121
# Types close enough that a reviewer would call their labels related: a dispatch is a jump through a table,
# and a latch is a bit that is read and written.
KIN = (frozenset({"control", "dispatch"}), frozenset({"memory", "state"}))


@dataclass(frozen=True)
class Kind:
    """One gadget type. `seen`, `unseen`: surface forms by concept ("": the whole type); `about`: clauses."""

    key: str
    topic: str
    canonical: str
    seen: Mapping[str, tuple[str, ...]]
    unseen: Mapping[str, tuple[str, ...]]
    about: Mapping[str, tuple[str, ...]]
    does: tuple[str, ...]
    things: tuple[str, ...]

    @cached_property
    def clauses(self) -> tuple[str, ...]:
        """What anything of this type does, and what its special kinds do."""
        return self.does + sum(self.about.values(), ())

    @cached_property
    def seen_names(self) -> dict[str, str]:
        """Concept of every seen surface form."""
        return {name: concept for concept, names in self.seen.items() for name in names}

    def definition(self, concept: str) -> str:
        """What a glossary says of a concept: "memory access, is a tag of one bit"."""
        return f"{self.topic}, {self.about[concept][0] if concept else 'of any sort'}"

    @cached_property
    def concept_of(self) -> dict[str, str]:
        """Concept of every surface form, seen or not."""
        return {
            name: concept
            for forms in (self.seen, self.unseen)
            for concept, names in forms.items()
            for name in names
        }


def _items(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(";") if item.strip())


@cache
def lexicon() -> dict[str, Kind]:
    """All gadget types by key. Raises ValueError: a line of `lexicon.txt` without a name."""
    kinds = {}
    text = (Path(__file__).parent / "lexicon.txt").read_text(encoding="utf-8")
    for block in re.split(r"^== ", text, flags=re.M)[1:]:
        head, *lines = [line for line in block.strip().splitlines() if line.strip()]
        key, topic, canonical = (part.strip() for part in head.split("|"))
        fields = {}
        for line in lines:
            name, colon, rest = line.partition(":")
            if not colon:
                raise ValueError(f"lexicon.txt, {key}: expected 'name: words', found {line[:40]!r}")
            fields[name.strip()] = rest
        does, things = _items(fields.pop("does")), _items(fields.pop("thing"))
        about = {name: _items(rest.partition("|")[2]) for name, rest in fields.items()}
        halves = {name: rest.partition("|")[0].partition("//") for name, rest in fields.items()}
        concept = {name: "" if name == "category" else name for name in halves}
        seen = {concept[name]: _items(half[0]) for name, half in halves.items()}
        unseen = {concept[name]: _items(half[2]) for name, half in halves.items()}
        kinds[key] = Kind(key, topic, canonical, seen, unseen, about, does, things)
    return kinds


@cache
def label_table() -> dict[str, tuple[str, str]]:
    """`{label: (type, concept)}` of every surface form. Raises ValueError: one label under two types."""
    table: dict[str, tuple[str, str]] = {}
    for kind in lexicon().values():
        for label, concept in kind.concept_of.items():
            if label in table:
                raise ValueError(f"lexicon.txt: {label!r} stands under {table[label][0]} and {kind.key}")
            table[label] = (kind.key, concept)
    return table


def relation(a: str, b: str) -> str:
    """ "same", "related" or "different" for two labels of the table (KeyError otherwise).

    Same: one concept. Related: one type, or two types of `KIN`. A garbled label is no label of the table.
    """
    (type_a, concept_a), (type_b, concept_b) = label_table()[a], label_table()[b]
    if type_a == type_b:
        return "same" if concept_a == concept_b else "related"
    return "related" if frozenset({type_a, type_b}) in KIN else "different"
