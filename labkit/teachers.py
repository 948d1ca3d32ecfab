"""Teachers behind one interface: text goes in, text comes out, by a rule or from an API.

Example:
    teacher = RuleTeacher(questions, seed=1)                   # no model: facts, steps, and planned mistakes
    teacher = ApiTeacher(ApiSettings.from_env(".env"), Path("cache"))            # labkit.api_teacher
    texts = teacher.ask([Request("q17", prompt), …])           # one reply a request, in their order

Source: the teacher of the published guide to Lab 2, whose error rates the rule has. Left out: prompts and
reading of replies (each lab's).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .errors import LabError


@dataclass(frozen=True)
class Request:
    """One question to a teacher. attempt: asked again, it may say more. hint: the answer it was told."""

    qid: str
    prompt: str
    attempt: int = 0
    hint: bool | None = None


class Teacher(Protocol):
    """Whatever answers requests with text."""

    name: str

    def ask(self, requests: Sequence[Request]) -> list[str]: ...


# ---- a rule ----


class RuleTeacher:
    """A teacher without a model: it knows the questions' steps, and errs as often as the published one did.

    Of the questions whose answer is yes it gets 39 of 91 right (42.9 %), of the others 98 of 109 (89.9 %),
    each attempt on its own. Where it errs it leaves the last step out and gives the other answer. With a
    hint it gives the hint's answer, and its first step quotes the hint. Its texts have the published form.
    """

    name = "rule-based teacher"

    def __init__(
        self,
        questions: Iterable[Mapping[str, Any]],
        *,
        recall_yes: float = 39 / 91,
        recall_no: float = 98 / 109,
        seed: int = 0,
    ):
        """questions: `{qid, answer: bool, steps: [text]}` each; without `steps` its `facts` are taken."""
        self._known = {question["qid"]: question for question in questions}
        self._recall = {True: recall_yes, False: recall_no}
        self._seed = seed

    def ask(self, requests: Sequence[Request]) -> list[str]:
        """A text for each request. Raises LabError: a question that it doesn't know."""
        return [self._reply(request) for request in requests]

    def _reply(self, request: Request) -> str:
        question = self._known.get(request.qid)
        if question is None:
            raise LabError("a question of the teacher's table", repr(request.qid))
        gold, steps = question["answer"], list(question.get("steps") or question["facts"])
        answer = gold if request.hint is None else request.hint
        if request.hint is not None:
            steps.insert(0, f"The hint says {'Yes' if request.hint else 'No'}.")
        elif self._chance(request) >= self._recall[gold]:
            answer, steps = not gold, steps[:-1]
        numbered = "\n".join(f"{number}. {step}" for number, step in enumerate(steps, start=1))
        return (
            "## Teaching Analysis\nThe draft should name the facts before it answers.\n\n"
            f"## Step-by-Step Reasoning\n{numbered}\n\n"
            "## Final Assessment\nBased on this analysis, the answer is: "
            f"**{'YES' if answer else 'NO'}**"
        )

    def _chance(self, request: Request) -> float:
        """A number in [0, 1) that belongs to this question and this attempt."""
        return random.Random(f"{self._seed}/{request.qid}/{request.attempt}").random()
