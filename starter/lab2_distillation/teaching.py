"""Lab 2: what a student and its teacher are asked, and what of a teacher's letter becomes a training text.

    prompt = draft_messages(question)                       # the student: an answer, and what it would ask
    request = teacher_request(question, draft)              # the teacher: form and draft, never the answer
    request = teacher_request(question, draft, hint=True)   # for rationalisation: the answer as a hint
    reasoning_of(letter)                                    # "1. …\\n2. …", the numbered steps alone
    renumbered("2. …\\n3. …")                               # "1. …\\n2. …", after the hint's step has gone
    kept, back = sorted_out(taught(teacher, rows, 1))       # letters that are right; those a hint made right

Source: the formats of the published guide (GUIDE.md). Left out: who answers (`labkit.teachers`), and
reading the answers, which is 2.1 and 2.2.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from labkit.teachers import Request, Teacher

from .data import parse_teacher, word_of
from .method import consensus, rationalise

STEPS = "## Step-by-Step Reasoning"
TEACHER_PROMPT = """You teach a student who is to answer questions with yes or no.

Question: {question}
The student's draft:
{draft}

Write in this form, and nothing else:

## Teaching Analysis
[two or three sentences on the student's draft]

## Step-by-Step Reasoning
[numbered steps, one fact or conclusion each]

## Final Assessment
Based on this analysis, the answer is: **[YES/NO]**"""
HINT = "\n\nHint, for you alone: the right answer is {answer}. Find the steps that lead there."


def draft_messages(question: str) -> list[dict[str, str]]:
    """The student's task before anybody taught it anything."""
    return [{"role": "user", "content": f"Question: {question.strip()}\nDraft an answer and ask."}]


def teacher_request(record: dict, attempt: int = 0, hint: bool | None = None) -> Request:
    """A request about one drafted question. The gold answer is in it only as a hint, if there is one."""
    prompt = TEACHER_PROMPT.format(question=record["question"].strip(), draft=record["student_draft"].strip())
    if hint is not None:
        prompt += HINT.format(answer=word_of(hint))
    return Request(record["qid"], prompt, attempt, hint)


def reasoning_of(letter: str) -> str:
    """The lines of the section of steps, stripped, no blank ones; "" for a letter without that section."""
    _, _, rest = letter.partition(STEPS)
    section = re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0]
    return "\n".join(line.strip() for line in section.splitlines() if line.strip())


def renumbered(reasoning: str) -> str:
    """The numbered steps counted from 1. Without it a chain that lost its first step would begin with "2.",
    and as mostly one class is rationalised, this number would tell the answer before any fact."""
    numbers = itertools.count(1)
    return re.sub(r"^\d+\.", lambda _: f"{next(numbers)}.", reasoning, flags=re.MULTILINE)


def taught(teacher: Teacher, rows: Sequence[dict], attempts: int) -> list[dict]:
    """Per question: a letter that agrees with the consensus, all answers, and a hinted letter if lost."""
    asked = [teacher_request(row, attempt) for row in rows for attempt in range(attempts)]
    letters = teacher.ask(asked)
    outputs = []
    for number, row in enumerate(rows):
        own = letters[number * attempts : (number + 1) * attempts]
        said = [parse_teacher(letter) for letter in own]
        agreed = consensus(said)
        chosen = own[said.index(agreed)] if agreed is not None else own[0]
        found = {"teacher_reasoning": chosen, "teacher_answers": said, "teacher_answer": agreed}
        outputs.append({**{key: row[key] for key in ("qid", "question", "answer", "student_draft")}, **found})
    lost = [output for output in outputs if output["teacher_answer"] is not output["answer"]]
    hinted = teacher.ask([teacher_request(row, hint=row["answer"]) for row in lost])
    for output, letter in zip(lost, hinted, strict=True):
        output["hinted_reasoning"] = letter
    return outputs


def sorted_out(outputs: Sequence[dict]) -> tuple[list[dict], list[dict]]:
    """(records whose teacher is right and says why, records brought back by rationalisation)."""
    kept, back = [], []
    for row in outputs:
        if row["teacher_answer"] is row["answer"]:
            rationale = reasoning_of(row["teacher_reasoning"])
            if rationale:
                names = ("qid", "question", "answer", "student_draft", "teacher_reasoning")
                kept.append({**{name: row[name] for name in names}, "rationale": rationale})
            continue
        letter = row["hinted_reasoning"]
        record = rationalise(row, reasoning_of(letter), parse_teacher(letter))
        if record is not None:  # the published target needs a draft and a letter beside it
            record["rationale"] = renumbered(record["rationale"])
            record |= {"student_draft": row["student_draft"], "teacher_reasoning": record["rationale"]}
            back.append(record)
    return kept, back
