"""Pre-training text: manual-like paragraphs about one topic each, and entries of a glossary.

A paragraph has one to six sentences. Most say what one subject does, in words of one gadget type; some are
neutral, some name a thing of another type. Now and then the last one names the topic:

    "Rung 41 waits for a number of milliseconds. The panel shows the number 12. It can expire after a timeout.
     This is a matter of timing."

Run: part of `python -m grading.recipes.lab1 pretrain`. Left out: every sentence of the data file's frames,
the output format of the task; of the held-out labels everything but what a glossary says of one alone.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .lexicon import Kind, lexicon
from .relations import spelled
from .world import FAMILIES, draw_slots, fill

MNEMONICS = {  # what an instruction of this type may be called
    "arithmetic": "ADD SUB MUL INC DEC ADDC SUBB MADD NEG",
    "control": "JMP CALL RET BRA LOOP BL J",
    "memory": "LD ST MOV LDB STB PUSH POP",
    "compare": "CMP TST CMPB SLT CSEL",
    "state": "SETM RSTM STD CLD LDM",
    "timing": "WAIT NOP SYNC FENCE",
    "dispatch": "SWITCH JMPT TBB SVC",
    "trigger": "IN INT WFI EI",
    "transform": "SXT REV BSWAP PACK CVT",
    "fault": "BRK UD TRAP DIV",
}
SUBJECTS = {
    "isa": (
        "the {op} instruction|{op}|opcode {off}|register {reg}|bit {bit} of {reg}|the unit behind {reg}|"
        "the instruction at {addr}|the sequence around {op}"
    ),
    "plc": (
        "rung {rung}|block {n} of the routine|tag {tag}_Val|the rung with {tag}|the routine of {tag}|"
        "the block for {tag}_Cmd|output {n}|the program of station {n}"
    ),
    "parser": (
        "the rule for {field}|the scanner|the reader of {field}|the parser in state {state}|"
        "the code for {field}|the lexer|the directive {field}|the decoder of {field}"
    ),
    "mmu": (
        "the entry at {addr}|the page walker|the descriptor in {reg}|bit {bit} of the entry|the translation "
        "cache|the page at {addr}|the page table of the process|the kernel's handler"
    ),
    "format": (
        "chunk {chunk}|the {field} field|record {n}|the header|section {n} of the file|the block in {chunk}|"
        "the table after {field}|entry {n} of {chunk}"
    ),
}
NEUTRAL = {
    "isa": (
        "The encoding has {n} bits.|Assemblers accept a suffix.|The manual lists it under number {n}.|"
        "Register {reg2} is not changed.|Older processors lack it.|It is available at all privilege levels.|"
        "The operand order is destination first."
    ),
    "plc": (
        "The panel shows the number {n}.|The rung is scanned once per cycle.|{tag2} is wired to card {m}.|"
        "The routine belongs to station {n}.|The comment field is empty.|The scope is the controller.|"
        "The drawing is on sheet {n}."
    ),
    "parser": (
        "The grammar is given in appendix {n}.|Blanks are ignored here.|Line {k} shows an example.|"
        "{field2} may be left out.|The text is read from left to right.|Comments are dropped.|"
        "The order of rules is free."
    ),
    "mmu": (
        "Entries have {scale} bytes.|The table has {k} entries.|The base is held in {reg2}.|Pages have {k} "
        "bytes.|Level {n} is the last one.|The root is fixed at reset.|Reserved bits are zero."
    ),
    "format": (
        "The field has {n} bits.|{field2} follows.|All offsets count from the start.|The chunk is optional.|"
        "Version {n} of the document describes it.|Names have four letters.|The rest of the record is empty."
    ),
}
LINKS = (
    "{S} {does}.|{S} {does} and {does2}.|{S} can {base}.|It {does}.|It can {base}.|Here {S} {does}.|"
    "By {ing}, {S} {does2}.|The purpose of {S} is {ing}.|{S}, which {does}, also {does2}.|"
    "Since {S} {does}, {thing} and {thing2} are at hand.|{S} is about the {thing}.|"
    "The {thing} of {S} is used by programs.|When {S2} is ready, {S} {does}.|{S} {does} or {does2}.|"
    "Programs use {S} to {base}.|After that, {S} {does}.|{S} has to {base} before {S2} is used.|"
    "With {S} a program can {base}.|Whoever controls {S} can {base}."
)
FOREIGN = (
    "The {other} is described elsewhere.|No {other} is involved.|It comes after the {other}.|"
    "The {other} of {S2} is not touched.|See the chapter on the {other}."
)
ENDINGS = (
    "This is a matter of {topic}.|So it is about {topic}.|The manual files it under {topic}.|Topic: {topic}.|"
    "All this is {topic}.|Such things are called {label}.|Together they make a {label}.|"
    "A reviewer would speak of a {label}."
)
GLOSSARY = (
    "A {label} {does}.|A {label} is something that {does}.|{Thing} is a word of {topic}.|"
    "The words {thing} and {thing2} belong to {topic}.|Whatever {does} is a matter of {topic}.|"
    "To {base} is a matter of {topic}.|What {does} is called a {label}.|The {thing} has to do with {topic}.|"
    "{Label} and {label2} are names of the same.|In chapters on {topic} one reads of the {thing}.|"
    "A {special} is a special {label}.|A {special} is one kind of {label}.|{Special} belongs to {topic}.|"
    "A {special} {about}.|A {special} {about}.|{Special}: {about}.|What {about} is called a {special}.|"
    "Whatever {about} belongs to {topic}.|To {about_base} is a matter of {topic}.|"
    "{Special} and {special2} are the same."
)
# One label and what it means. These alone name the held-out labels, too: their meaning can be known, but no
# text puts one beside another label.
ENTRIES = (
    "{Name}: {definition}.|{Name}: {definition}.|{Name}: {definition}.|{Name} means {definition}.|"
    "Under {name} see {definition}."
)
SPECIAL_ENTRIES = (
    "A {name} {about}.|What {about} is called a {name}.|{Name} belongs to {topic}.|{Name}: {topic}, {about}."
)
DOUBLED = (  # noqa: SIM905 (a list of quoted words is harder to read)
    "set let map skip pop swap step drop run get put begin trap sum spin fan flip format reformat stop shut "
    "transfer"
).split()


def base_form(clause: str) -> str:
    """`adds two numbers` → `add two numbers`."""
    verb, _, rest = clause.partition(" ")
    irregular = {"is": "be", "has": "have", "does": "do", "goes": "go", "lasts": "last"}
    if verb in irregular:
        verb = irregular[verb]
    elif verb.endswith("ies"):
        verb = verb[:-3] + "y"
    elif verb.endswith(("sses", "shes", "ches", "xes")):
        verb = verb[:-2]
    else:
        verb = verb.removesuffix("s")
    return f"{verb} {rest}".strip()


def gerund(clause: str) -> str:
    """`adds two numbers` → `adding two numbers`."""
    verb, _, rest = base_form(clause).partition(" ")
    if verb in DOUBLED:
        verb += verb[-1]
    elif verb == "panic":
        verb += "k"
    elif verb.endswith("ie"):
        verb = verb[:-2] + "y"
    elif verb.endswith("e") and not verb.endswith(("ee", "be")):
        verb = verb[:-1]
    return f"{verb}ing {rest}".strip()


def upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def article(text: str) -> str:
    """`A On-delay timer` → `An On-delay timer`."""
    return re.sub(r"\b([Aa]) (?=(?!One|U[a-z]e)[AEIOUaeio])", r"\1n ", text)


@dataclass(frozen=True)
class Paragraph:
    """A paragraph and what can be asked about it."""

    text: str
    kind: str
    family: str
    subject: str
    reason: str
    slots: dict[str, str]


def words_for(kind: Kind, rng: random.Random) -> dict[str, str]:
    """Fresh words of one type for the patterns above; the labels are seen ones."""
    does, does2 = rng.sample(kind.clauses, 2)
    thing, thing2 = rng.sample(kind.things, 2)
    label, label2 = (kind.canonical, rng.choice(kind.seen[""]))
    if rng.random() < 0.7:
        label, label2 = rng.sample(kind.seen[""], 2)
    concept = rng.choice([concept for concept in kind.seen if concept])
    special, special2 = rng.sample(kind.seen[concept], 2)
    about = rng.choice(kind.about[concept])
    made = {"does": does, "does2": does2, "base": base_form(does), "ing": gerund(does)}
    made |= {"thing": thing, "thing2": thing2, "topic": kind.topic, "label": label, "label2": label2}
    made |= {"special": special, "special2": special2, "about": about, "about_base": base_form(about)}
    return made | {upper(k): upper(made[k]) for k in ("thing", "label", "special")}


def paragraph(rng: random.Random, *, ending: float = 0.35) -> Paragraph:
    """One paragraph on one topic; its last sentence names the topic with probability `ending`."""
    key = rng.choice(list(lexicon()))
    kind, family = lexicon()[key], rng.choice(FAMILIES)
    slots = draw_slots(rng) | {"op": rng.choice(MNEMONICS[key].split())}
    subject, subject2 = (fill(s, slots, rng) for s in rng.sample(SUBJECTS[family].split("|"), 2))
    sentences, reason = [], ""
    for number in range(rng.randint(1, 3)):
        made = words_for(kind, rng) | {"S": subject, "S2": subject2}
        pattern = rng.choice(LINKS.split("|"))
        if not number:
            pattern = rng.choice([p for p in LINKS.split("|") if "{S}" in p and "After that" not in p])
        reason = reason or made["does"]
        if number == 0:  # the first sentence says what the paragraph's question is answered with
            made["does"], made["base"], made["ing"] = reason, base_form(reason), gerund(reason)
        sentences.append(upper(pattern.format_map(made)))
        if rng.random() < 0.3:
            sentences.append(upper(fill(rng.choice(NEUTRAL[family].split("|")), slots, rng)))
        if rng.random() < 0.12:
            other = lexicon()[rng.choice([k for k in lexicon() if k != key])]
            foreign = rng.choice(FOREIGN.split("|"))
            sentences.append(upper(foreign.format_map(made | {"other": rng.choice(other.things)})))
    if rng.random() < ending:
        sentences.append(rng.choice(ENDINGS.split("|")).format_map(words_for(kind, rng)))
    return Paragraph(article(" ".join(sentences)), key, family, subject, reason, slots)


def entry(rng: random.Random) -> str:
    """What one label means, seen or held out, in some spelling."""
    kind = lexicon()[rng.choice(list(lexicon()))]
    label, concept = rng.choice(list(kind.concept_of.items()))
    name = spelled(label, rng)
    made = {"name": name, "Name": upper(name), "topic": kind.topic, "definition": kind.definition(concept)}
    patterns = ENTRIES
    if concept and rng.random() < 0.3:
        patterns, made["about"] = SPECIAL_ENTRIES, rng.choice(kind.about[concept])
    return rng.choice(patterns.split("|")).format_map(made)


def glossary(rng: random.Random, *, entries: float = 0.5) -> str:
    """Two to six lines that tie words and labels to types; a share `entries` says what a label means."""
    lines = []
    for _ in range(rng.randint(2, 6)):
        made = words_for(lexicon()[rng.choice(list(lexicon()))], rng)
        line = upper(rng.choice(GLOSSARY.split("|")).format_map(made))
        lines.append(entry(rng) if rng.random() < entries else line)
    return article(" ".join(lines))


def documents(seed: int, *, ending: float = 0.35) -> Iterator[str]:
    """Plain text without end: four paragraphs to one piece of glossary."""
    rng = random.Random(f"corpus/{seed}")
    while True:
        yield glossary(rng) if rng.random() < 0.2 else paragraph(rng, ending=ending).text
