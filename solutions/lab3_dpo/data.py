"""Lab 3 data: preference pairs from drafts and a teacher's answers, and what must be matched in them.

One record (what Lab 2 left for a question: the student's draft and the teacher's final text), and a pair:

    {"qid": "q17", "question": "Is the lama lighter than the bus?", "answer": true, "draft_answer": false,
     "draft": "Answer: No - it is big.\\nQuestions: How heavy is the lama?", "teacher_answer": true,
     "final": "The lama weighs 140 kg.\\nThe bus weighs 12000 kg.\\n140 is less than 12000.\\nAnswer: Yes"}
    {"qid": "q17", "prompt": "Question: …\\nStudent draft: …", "chosen": "…Answer: Yes", "rejected": "…",
     "source": "wrong_draft"}

`pairs.jsonl` has `kind` ("natural" or "matched"), `flipped` (the label was planted wrong) and `split`
besides. `build_pairs` (3.10) makes pairs, `match_pairs` (3.11) takes the easy ways out of them,
`shuffle_drafts` (3.12) is for an ablation. Source: the published guide (GUIDE.md), phase C.
Left out: making the drafts (guided.py) and token ids (batches.py).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

PAIRS = "pairs.jsonl"
PAIR = {"qid": str, "prompt": str, "chosen": str, "rejected": str, "kind": str, "flipped": bool, "split": str}
ARMS = ("full", "no_draft", "shuffled", "no_answer_line")


def prompt_text(question: str, draft: str | None = None) -> str:
    """The user's turn: the question, and the student's own draft if there is one."""
    head = f"Question: {question.strip()}"
    return head if draft is None else f"{head}\nStudent draft: {draft.strip()}"


def split_prompt(prompt: str) -> tuple[str, str | None]:
    """(question, draft) of a text that `prompt_text` made; the draft is None where there is none."""
    head, mark, draft = prompt.partition("\nStudent draft: ")
    return head.removeprefix("Question: "), draft if mark else None


def read_answer(text: str) -> bool | None:
    """The answer on the *last* line that begins with `Answer:`; None if it can't be read, never a default.

    Behind Yes or No only a dash and a reason may follow.
    """
    lines = [line for line in text.splitlines() if line.strip().lower().startswith("answer:")]
    said = re.fullmatch(r"\s*answer:\s*(yes|no)\b\s*(?:[-–—].*|[.!]?)", lines[-1], re.I) if lines else None
    return None if said is None else said[1].lower() == "yes"


def without_answer_line(draft: str) -> str:
    """The draft without its lines that begin with `Answer:`: what is left are the questions it asks."""
    return "\n".join(line for line in draft.splitlines() if not line.strip().lower().startswith("answer:"))


def ablated(pairs: Sequence[dict], arm: str, shuffled: Sequence[str] | None = None) -> list[str]:
    """The prompts of an ablation arm: full, without the draft, with another's draft, without its answer line.

    `shuffled` are the drafts of all pairs in another order (3.12), for that arm alone.
    Raises ValueError: an unknown arm, or no `shuffled` where it is needed.
    """
    if arm not in ARMS or (arm == "shuffled") != (shuffled is not None):
        raise ValueError(f"arm must be one of {ARMS}, with drafts for 'shuffled' alone, found {arm!r}")
    prompts = []
    for number, pair in enumerate(pairs):
        question, draft = split_prompt(pair["prompt"])
        other = {"no_draft": None, "no_answer_line": without_answer_line(draft or "")}
        chosen = shuffled[number] if shuffled is not None else other.get(arm, draft)
        prompts.append(prompt_text(question, chosen))
    return prompts


def plant_flips(pairs: Sequence[dict], share: float, seed: int) -> list[dict]:
    """The pairs with chosen and rejected swapped in a random `share` of them, which `flipped` tells."""
    count = round(share * len(pairs))
    swapped = set(random.Random(f"flips/{seed}").sample(range(len(pairs)), count))
    return [
        {**pair, "chosen": pair["rejected"], "rejected": pair["chosen"], "flipped": not pair["flipped"]}
        if number in swapped
        else dict(pair)
        for number, pair in enumerate(pairs)
    ]


def build_pairs(records: Sequence[dict], seed: int) -> list[dict]:
    """Preference pairs: the teacher's final text against the draft, or against its own flipped answer.

    - Each record by itself gives a pair or none; the same question, or qid, may come more than once.
    - A record whose teacher isn't right gives no pair: `teacher_answer` is not `answer` (so None, too).
    - prompt: "Question: ", the question, a line end, "Student draft: ", the draft; question and draft
      stripped.
    - chosen: the teacher's `final`, as it is.
    - rejected: if the draft isn't right (`draft_answer` is not `answer`, so an unread one too), the draft
      itself, as it is; `source` is then "wrong_draft".
    - If the draft is right there is nothing to reject in it. Then rejected is `final` with its answer
      flipped: in its *last* line, which reads `Answer: Yes` or `Answer: No` (nothing before or behind it,
      no line end either), Yes becomes No and No becomes Yes, and everything else stays; `source` is then
      "flipped_answer".
    - A pair whose chosen and rejected are the same text, to the letter, is left out.

    The pairs come in a random order, the same for the same seed and records; no global random state is
    touched, and the records aren't changed.

    Args:
        records: `{qid, question, answer: bool, draft, draft_answer: bool | None, final, teacher_answer}`
            each; other fields are ignored.
        seed: of the order.
    Returns:
        `{"qid", "prompt", "chosen", "rejected", "source"}` each.
    Raises:
        ValueError: `answer` isn't True or False itself (1 or "yes" isn't); or a `final` that must be flipped,
            and only then, has no such last line.
    Source: the published guide (GUIDE.md), phase C.
    """

    # TODO 3.10: skip where the teacher is wrong; reject the wrong draft, or the final text's flipped answer.
    # BEGIN SOLUTION 3.10
    def flipped(final: str) -> str:
        body, _, last = final.rpartition("\n")
        other = {"Answer: Yes": "Answer: No", "Answer: No": "Answer: Yes"}.get(last)
        if other is None:
            raise ValueError(f"expected a last line 'Answer: Yes' or 'Answer: No', found {last!r}")
        return final[: len(final) - len(last)] + other

    pairs = []
    for record in records:
        if type(record["answer"]) is not bool:
            raise ValueError(f"answer must be True or False, found {record['answer']!r}")
        if record["teacher_answer"] is not record["answer"]:
            continue
        wrong = record["draft_answer"] is not record["answer"]
        rejected = record["draft"] if wrong else flipped(record["final"])
        if rejected == record["final"]:
            continue
        question, draft = record["question"].strip(), record["draft"].strip()
        pairs.append(
            {
                "qid": record["qid"],
                "prompt": f"Question: {question}\nStudent draft: {draft}",
                "chosen": record["final"],
                "rejected": rejected,
                "source": "wrong_draft" if wrong else "flipped_answer",
            }
        )
    random.Random(seed).shuffle(pairs)
    return pairs
    # END SOLUTION 3.10


def match_pairs(
    pairs: Sequence[dict],
    length: Callable[[str], int],
    form: Callable[[str], str],
    max_gap: int,
    seed: int,
) -> list[dict]:
    """Pairs from which neither the format nor the length tells which text was chosen.

    1. Keep the pairs with form(chosen) == form(rejected) and a difference of their lengths of at most
       `max_gap`, the bound included.
    2. Balance: among the kept, as many pairs with a longer chosen as with a longer rejected text. Of the
       larger group a random part stays, drawn with `seed` (none, where the smaller group is empty); pairs
       of equal length all stay.

    The order of what stays is that of `pairs`. A rule that prefers the longer text (or the shorter one, ties
    counted half) is then right in exactly half of them.

    Args:
        pairs: with `chosen` and `rejected`; other fields are carried along. They aren't changed.
        length: text -> length, for example in tokens.
        form: text -> a name of its format; only equality counts.
        max_gap: at least 0, in the unit of `length`.
        seed: of the draw; no global random state is touched.
    Returns:
        Copies of the pairs, with `kind` set to "matched".
    Raises:
        ValueError: max_gap < 0.
    Source: length as a shortcut of preference data: Singhal et al. 2023 (arXiv 2310.03716).
    """
    if max_gap < 0:
        raise ValueError(f"max_gap must be at least 0, found {max_gap}")
    # TODO 3.11: keep pairs of one form and similar length, then balance which side is longer.
    # BEGIN SOLUTION 3.11
    longer: dict[int, list[int]] = {1: [], 0: [], -1: []}
    for number, pair in enumerate(pairs):
        gap = length(pair["chosen"]) - length(pair["rejected"])
        if abs(gap) <= max_gap and form(pair["chosen"]) == form(pair["rejected"]):
            longer[(gap > 0) - (gap < 0)].append(number)
    each = min(len(longer[1]), len(longer[-1]))
    draw = random.Random(seed)
    kept = longer[0] + draw.sample(longer[1], each) + draw.sample(longer[-1], each)
    return [{**pairs[number], "kind": "matched"} for number in sorted(kept)]
    # END SOLUTION 3.11


def shuffle_drafts(drafts: Sequence[str], seed: int) -> list[str]:
    """The drafts in an order in which none is at its own place: a random derangement.

    All derangements of the places are equally likely; so a shift by one, which gives each question its
    neighbour's draft, is only one of many. Places count, not texts: where two drafts are the same text, one
    may stand at the other's place.

    Args:
        drafts: at least two; not changed.
        seed: same seed, same order; no global random state is touched.
    Returns:
        A new list of the same drafts.
    Raises:
        ValueError: fewer than two drafts: nobody else's draft is there.
    Source: a shuffled-input control that, unlike a plain shuffle, leaves nobody their own (n = 2 and up).
    """
    if len(drafts) < 2:
        raise ValueError(f"a derangement needs at least two drafts, found {len(drafts)}")
    # TODO 3.12: shuffle the places until none is its own; then the drafts in that order.
    # BEGIN SOLUTION 3.12
    draw, order = random.Random(seed), list(range(len(drafts)))
    while any(place == number for number, place in enumerate(order)):
        draw.shuffle(order)
    return [drafts[place] for place in order]
    # END SOLUTION 3.12
