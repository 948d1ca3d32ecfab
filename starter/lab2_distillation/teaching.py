"""Lab 2: what a student and its teacher are asked, and what of a teacher's letter becomes a training text.

    prompt = draft_messages(question)                       # the student: an answer, and what it would ask
    request = teacher_request(question, draft)              # the teacher: form and draft, never the answer
    request = teacher_request(question, draft, hint=True)   # for rationalisation: the answer as a hint
    reasoning_of(letter)                                    # "1. …\\n2. …", the numbered steps alone
    renumbered("2. …\\n3. …")                               # "1. …\\n2. …", after the hint's step has gone

Source: the formats of the published guide (GUIDE.md). Left out: who answers (`labkit.teachers`), and
reading the answers, which is 2.1 and 2.2.
"""

from __future__ import annotations

import itertools
import re

from labkit.teachers import Request

from .data import word_of

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
