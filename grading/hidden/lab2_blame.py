"""What mistakes of Lab 2's readers give, by the words that name them; `judging.judge` picks the right ones.

The readers here walk through lines and words; each mistake is one of them with one rule changed. Left out:
mistakes of the functions that count and compute (lab2_blame_numbers.py).
"""

from __future__ import annotations

import re

DASHES = "-–—"


# ---- reading answers ----


def leading(rest: str, marks: str, *, loose: bool = False, spaced: bool = True) -> tuple[bool | None, str]:
    """(answer, what follows its sign) of a text that should begin with Yes or No.

    loose: whatever follows the word is fine. spaced: a dash needs a space before it.
    """
    text = rest.lstrip()
    word = next((w for w in ("yes", "no") if text.lower().startswith(w)), None)
    if word is None:
        return None, ""
    behind = text[len(word) :]
    sign = behind.lstrip()
    if not sign or sign[0] in marks:
        return word == "yes", sign[1:].strip()
    if sign[0] in DASHES and (not spaced or sign != behind):
        return word == "yes", sign[1:].strip()
    if loose:
        return word == "yes", sign.strip()
    return None, ""


def draft(text: str, **changed) -> dict:
    """A draft, read line by line. changed: the rules that a mistake has otherwise."""
    rule = {"stars": True, "case": True, "default": None, "last": False, "anywhere": False, "loose": False}
    rule |= {"spaced": True, "marks": ",.;:", "one_line": False, "keep_tail": False, "sign": False}
    rule |= {"below": False, "inside": False, "behind": False} | changed
    if rule["stars"]:
        text = text.replace("*", "")
    lines = text.split("\n")

    def begins(line: str, key: str) -> bool:
        line = line.strip() if rule["case"] else line.strip()
        return (line.lower() if rule["case"] else line).startswith(key.lower() if rule["case"] else key)

    found: dict = {"answer": rule["default"], "reasoning": "", "questions": []}
    named = [line.strip()[len("answer:") :] for line in lines if begins(line, "Answer:")]
    if rule["anywhere"] and not named:
        named = [line for line in lines if line.strip()][:1]
    if named:
        rest = named[-1 if rule["last"] else 0]
        if rule["below"] and not rest.strip():
            place = next(i for i, line in enumerate(lines) if begins(line, "Answer:"))
            rest = "".join(lines[place + 1 : place + 2])
        said, tail = leading(rest, rule["marks"], loose=rule["loose"], spaced=rule["spaced"])
        if said is not None:
            found["answer"], found["reasoning"] = said, tail
            if rule["sign"]:
                found["reasoning"] = rest.lstrip()[3 if said else 2 :].strip()
    if rule["behind"]:  # only what stands below the answer is searched
        lines = lines[next((i for i, line in enumerate(lines) if begins(line, "Answer:")), 0) :]
    inside = [i for i, line in enumerate(lines) if "questions:" in line.lower()] if rule["inside"] else []
    start = next((i for i, line in enumerate(lines) if begins(line, "Questions:")), *(inside[:1] or [None]))
    if start is not None:
        first = re.split("questions:", lines[start], maxsplit=1, flags=re.IGNORECASE)[1]
        rest = first if rule["one_line"] else "\n".join([first, *lines[start + 1 :]])
        *asked, tail = rest.split("?")
        pieces = [f"{piece}?" for piece in asked] + ([tail] if rule["keep_tail"] else [])
        pieces = [" ".join(piece.split()) for piece in pieces]
        found["questions"] = [piece for piece in pieces if any(c.isalnum() for c in piece)]
    return found


def draft_mistakes(text: str) -> dict[str, dict]:
    right = draft(text)
    asked = [question.rstrip("?") for question in right["questions"]]
    raw = re.search(r"questions:(.*)", text.replace("*", ""), re.IGNORECASE | re.DOTALL)
    return {
        "what can't be read became No; there is no default": draft(text, default=False),
        "the last 'Answer:' line was read; the first one decides": draft(text, last=True),
        "a text without an 'Answer:' line has no answer; its first word was read": draft(text, anywhere=True),
        "Yes or No at the beginning isn't enough; what follows decides too ('Yes/No', 'No idea')": draft(
            text, loose=True
        ),
        "'No-one' was read as No; a dash needs a space before it": draft(text, spaced=False),
        "stars weren't ignored": draft(text, stars=False),
        "keys and answers may be in any case": draft(text, case=False),
        "a comma, period, semicolon or colon may follow the answer": draft(text, marks=""),
        **{f"'{mark}' may follow the answer": draft(text, marks=",.;:".replace(mark, "")) for mark in ",.;:"},
        "nothing has to stand between the dash and the reason": _dash_apart(text, right),
        "the answer stands on the line of its key, not below it": draft(text, below=True),
        "a key counts where a line begins with it, not inside a line": draft(text, inside=True),
        "the questions may stand above the answer": draft(text, behind=True),
        "the same question twice is two questions": {
            **right,
            "questions": list(dict.fromkeys(right["questions"])),
        },
        "the reasoning ends with its line": {**right, "reasoning": _to_the_questions(text, right)},
        "reasoning and questions keep their case": {**right, "reasoning": right["reasoning"].lower()},
        "the questions go on to the end of the text, over line ends": draft(text, one_line=True),
        "what follows the last '?' is no question": draft(text, keep_tail=True),
        "the sign behind Yes or No isn't part of the reasoning": draft(text, sign=True),
        "a question keeps its '?'": {**right, "questions": asked},
        "a piece without a letter or digit is no question": {
            **right,
            "questions": [" ".join(p.split()) + "?" for p in raw[1].split("?")[:-1]] if raw else [],
        },
        "without an answer there is no reasoning": {
            **right,
            "reasoning": right["reasoning"] or _behind_dash(text),
        },
        "the questions don't depend on the answer": {
            **right,
            "questions": right["questions"] if right["answer"] is not None else [],
        },
    }


def _dash_apart(text: str, right: dict) -> dict:
    apart = re.search(
        r"^\s*answer:\s*(?:yes|no)\s+[-–—](?!\s)", text.replace("*", ""), re.IGNORECASE | re.MULTILINE
    )
    return {**right, "answer": None, "reasoning": ""} if apart else right


def _to_the_questions(text: str, right: dict) -> str:
    """The reasoning, and all lines below it up to the questions, as one line."""
    if right["answer"] is None or not right["reasoning"]:
        return right["reasoning"]
    rest = text.replace("*", "").partition(right["reasoning"])[2]
    more = re.split(r"^\s*questions:", rest, maxsplit=1, flags=re.IGNORECASE | re.MULTILINE)[0]
    return " ".join((right["reasoning"] + more).split())


def _behind_dash(text: str) -> str:
    line = next((x for x in text.replace("*", "").split("\n") if x.strip().lower().startswith("answer:")), "")
    return line.partition(" - ")[2].strip()


def teacher(text: str, last: bool = True) -> bool | None:
    """The rest of the line behind an "answer is", whole."""
    parts = re.split("answer is", text, flags=re.IGNORECASE)
    if len(parts) < 2:
        return None
    rest = parts[-1 if last else 1].splitlines()
    word = re.sub(r"^[\s:*_\[\]\"'.]+|[\s:*_\[\]\"'.]+$", "", rest[0] if rest else "").lower()
    return {"yes": True, "no": False}.get(word)


def teacher_mistakes(text: str) -> dict[str, bool | None]:
    lower = text.lower()
    tail = lower.rpartition("answer is")[2] if "answer is" in lower else ""
    lines = [line for line in tail.splitlines()[:1]]
    words = re.findall(r"[a-z]+", lines[0] if lines else "")
    first = next((w == "yes" for w in words if w in ("yes", "no")), None)
    read = [teacher(f"answer is{part}") for part in re.split("answer is", text, flags=re.IGNORECASE)[1:]]
    readable = [said for said in read if said is not None]
    bold = re.findall(r"\*\*(yes|no)\*\*", lower)
    return {
        "the first 'answer is' was read; the last one decides": teacher(text, last=False),
        "an earlier statement was taken because the last one can't be read": readable[-1]
        if readable
        else None,
        "what can't be read became no; there is no default": teacher(text) or False,
        "'?' isn't removed: who asks doesn't say": teacher(text.replace("?", "")),
        "'YES' was looked for anywhere in the letter": True if "yes" in lower else None,
        "'yes' or else 'no' was looked for anywhere in the letter": "yes" in lower,
        "a yes or no among other words isn't an answer; the rest of the line must be it": first,
        "the last YES or NO in bold was taken; what counts stands behind the last 'answer is'": (
            bold[-1] == "yes" if bold else None
        ),
        "the answer stands on the line of 'answer is', not below it": teacher(
            re.sub(r"(answer is\W*?)\n\s*", r"\1 ", text, flags=re.IGNORECASE)
        ),
        "only the ends are cleaned; all of the rest must be YES or NO, nothing else": {
            "yes": True,
            "no": False,
        }.get(re.sub(r"[^a-z /]", "", "".join(lines)).strip()),
        "a single quotation mark is removed too": None if "'" in "".join(lines) else teacher(text),
        "'answer is' may stand without 'the' before it": (
            teacher(re.sub(r"(?<!the )answer is", "-", text, flags=re.IGNORECASE))
        ),
        "YES and NO may be in any case": (
            teacher(text)
            if re.search(r"answer is[^\n]*\b(YES|NO)\b", text, re.IGNORECASE)
            and "YES" in text
            or "NO" in text
            else None
        ),
    }


def prediction(text: str, **changed) -> bool | None:
    rule = {"stars": True, "first": False, "loose": False, "spaced": True, "marks": ",.;:!", "line": True}
    rule |= changed
    if rule["stars"]:
        text = text.replace("*", "")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = [line[len("answer:") :] for line in lines if line.lower().startswith("answer:")]
    if named:
        read = named[0 if rule["first"] else -1]
    elif not lines or not rule["line"]:
        return None
    else:
        read = lines[0]
    return leading(read, rule["marks"], loose=rule["loose"], spaced=rule["spaced"])[0]


def prediction_mistakes(text: str) -> dict[str, bool | None]:
    lower = text.lower()
    words = re.findall(r"[a-z]+", lower)
    lines = [line.strip() for line in text.replace("*", "").splitlines() if line.strip()]
    named = [line for line in lines if line.lower().startswith("answer:")]
    read = [leading(line[len("answer:") :], ",.;:!")[0] for line in named]
    inside = re.findall(r"answer:\s*(yes|no)\b", lower)
    return {
        "Yes or No at the beginning isn't enough; what follows decides too ('Yes/No', 'No one')": prediction(
            text, loose=True
        ),
        "what can't be read became No; there is no default": prediction(text) or False,
        "'yes' anywhere in the text is no answer, and without one it isn't No": "yes" in lower,
        "the first yes or no anywhere in the text was taken": next(
            (w == "yes" for w in words if w in ("yes", "no")), None
        ),
        "the last yes or no anywhere in the text was taken": next(
            (w == "yes" for w in reversed(words) if w in ("yes", "no")), None
        ),
        "the first 'Answer:' line was read; the last one decides": prediction(text, first=True),
        "an earlier 'Answer:' line was taken because the last one can't be read": next(
            (said for said in reversed(read) if said is not None), None if named else prediction(text)
        ),
        "'No-one' was read as No; a dash needs a space before it": prediction(text, spaced=False),
        "stars weren't ignored": prediction(text, stars=False),
        "a text without an 'Answer:' line is read from its first line": prediction(text, line=False),
        "a sign may follow the answer": prediction(text, marks=""),
        **{
            f"'{mark}' may follow the answer": prediction(text, marks=",.;:!".replace(mark, ""))
            for mark in ",.;:!"
        },
        "'?' behind Yes or No asks; it doesn't answer": prediction(text, marks=",.;:!?"),
        "each of the three dashes may follow the answer": _without_dash(text, "–"),
        "nothing has to stand behind the dash": _without_dash(text, r"[-–—](?=\S)"),
        "a space may stand before the sign": (
            None if re.search(r"^\W*(answer:\W*)?(yes|no) [,.;:!]", lower, re.MULTILINE) else prediction(text)
        ),
        "a line of stars alone is blank": None if text.startswith("***") else prediction(text),
        "'answer:' inside a line isn't an answer line": (inside[-1] == "yes" if inside else prediction(text)),
        "without an 'Answer:' line the last line was read; the first one counts": (
            prediction(text) if named else leading(lines[-1] if lines else "", ",.;:!")[0]
        ),
        "the first line was read although there is an 'Answer:' line": leading(
            lines[0] if lines else "", ",.;:!"
        )[0],
    }


def _without_dash(text: str, dash: str) -> bool | None:
    """As right, but not for an answer that such a dash follows."""
    found = re.search(rf"^\W*(answer:\W*)?(yes|no)\s+{dash}", text, re.IGNORECASE | re.MULTILINE)
    return None if found else prediction(text)
