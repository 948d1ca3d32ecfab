"""Lab 5 data: questions with all their right answers, and what a model is asked about them.

Closed book, in TriviaQA's public shape (`entity` is ours; real rows stand for themselves):

    {"question_id": "q17", "question": "Which port is the home of Ola Renn?", "entity": "Ola Renn",
     "answer": {"value": "Parum", "aliases": ["Parum", "Port Parum"]}}

Open book, in HotpotQA's: `{"id", "question", "answer": "Parum", "context": {"title": […], "sentences":
[[…]]}}`. `record_of` gives both one form. `normalize_answer` (5.1) and `answer_matches` (5.2) say whether a
reply is right, `judgment_messages` (5.3) asks a model what it can do. Sources: Joshi et al. 2017 (TriviaQA,
arXiv 1705.03551), Yang et al. 2018 (HotpotQA, 1809.09600), Rajpurkar et al. 2016 (SQuAD, 1606.05250). Left
out: sampling (collect.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from labkit.data import data_path, load_hotpotqa, load_triviaqa

DATASETS = ("triviaqa", "hotpotqa")
ABILITIES = ("can", "uncertain", "cannot")
WORDS = {"binary": ("yes", "no"), "uncertainty": ("yes", "uncertain", "no")}
QUESTION = {"qid": str, "question": str, "aliases": list, "context": str, "entity": str}


# ---- reading ----


def load_records(dataset: str, split: str, source: str = "course", limit: int | None = None) -> list[dict]:
    """The questions of a split: `{"qid", "question", "aliases", "context", "entity", "other_wordings"}`.

    Args:
        dataset: "triviaqa" (closed book) or "hotpotqa" (open book). split: "train" or "validation".
        source: "course", a hub id, or a local file or folder of the same shape. limit: the first so many.
    """
    load = load_triviaqa if dataset == "triviaqa" else load_hotpotqa
    if source == "course":
        source = str(data_path("lab5_metacognition", f"{dataset}_{split}.jsonl"))
    return [record_of(row) for row in load(split, source, limit)]


def record_of(row: Mapping) -> dict:
    """One row of a public set as a record. `context` is "" for a closed book; a row may be its own entity.

    `other_wordings` is the same question in other words where the set has some (the course's has), else in
    its own.
    """
    answer, context = row["answer"], row.get("context")
    if isinstance(answer, Mapping):  # TriviaQA
        qid, aliases = row["question_id"], [answer["value"], *answer["aliases"]]
    else:
        qid, aliases = row["id"], [answer]
    asked = row["question"].strip()
    record = {"qid": qid, "question": asked, "aliases": list(dict.fromkeys(aliases))}
    record |= {"context": _paragraphs(context) if context else "", "entity": row.get("entity") or qid}
    return {**record, "other_wordings": row.get("other_wordings") or [asked]}


def _paragraphs(context: Mapping) -> str:
    """A line for each paragraph: its title, a colon and its sentences."""
    parts = zip(context["title"], context["sentences"], strict=True)
    return "\n".join(f"{title}: {' '.join(sentence.strip() for sentence in said)}" for title, said in parts)


def question_text(record: Mapping) -> str:
    """What a model reads before it answers or judges: the context, if there is one, and the question."""
    context = f"Context:\n{record['context']}\n" if record.get("context") else ""
    return f"{context}Question: {record['question']}"


def answer_messages(record: Mapping, reply: str | None = None) -> list[dict[str, str]]:
    """The question as a conversation, with the reply to learn if there is one."""
    asked = [{"role": "user", "content": question_text(record)}]
    return asked if reply is None else [*asked, {"role": "assistant", "content": reply}]


# ---- right or wrong ----


def normalize_answer(text: str) -> str:
    """One spelling for answers that differ in form only: SQuAD's rules, for any script.

    In this order: Unicode normal form NFKC; `str.casefold`; every character whose Unicode category begins
    with P (punctuation) or S (symbols) is deleted, not replaced; the words `a`, `an` and `the` are left out,
    unless nothing else would remain; words are joined by single spaces. Accents, digits, marks and other
    scripts stay: "Café" isn't "cafe", and "東京" is itself, not empty. The order matters: "№ 5" is "no 5".

    Args:
        text: an answer or a reply; may be empty.
    Returns:
        The normalised text; "" only if nothing is left to compare.
    Raises:
        Nothing for any text.
    Source: the evaluation script of SQuAD (Rajpurkar et al. 2016), whose ASCII punctuation is a part of P and
    S.
    """
    # TODO 5.1: NFKC, casefold, delete P and S, leave out the articles (unless nothing else is left), join.
    # ---- your code for 5.1 starts here ----
    raise NotImplementedError("TODO 5.1 normalize_answer: see notebooks/lab5_metacognition.ipynb, section 1")
    # ---- ends here ----


def answer_matches(reply: str, aliases: Sequence[str]) -> bool:
    """Whether a reply holds one of the right answers, word by word.

    All texts are normalised already (5.1): words stand between single spaces. An alias matches if its words
    occur in the reply next to each other and in order. Whole words only, from space to space: "us" is not in
    "russia", nor "दिल" in "दिल्ली" (where a regular expression sees a word's end). A text without words, reply
    or alias, matches nothing. The other direction is no match: the reply "york" is not "new york". The
    aliases "yes" and "no" match only the *first* word of a reply: a "no" further inside, as in "there is no
    doubt", is no answer. (A long reply that lists many names gets more than it should: ask for short ones.)

    Args:
        reply: a normalised reply; may be empty.
        aliases: normalised right answers; may be empty.
    Returns:
        True if any alias matches.
    Raises:
        Nothing for any texts.
    Source: the answer match of DrQA (Chen et al. 2017, arXiv 1704.00051), on words in place of characters.
    """
    # TODO 5.2: compare lists of words; nothing without words matches; yes and no only as the first word.
    # ---- your code for 5.2 starts here ----
    raise NotImplementedError("TODO 5.2 answer_matches: see notebooks/lab5_metacognition.ipynb, section 2")
    # ---- ends here ----


# ---- asking ----


def judgment_messages(record: Mapping, ability: str | None, label_mode: str) -> list[dict[str, str]]:
    """The question about a question, and the word to learn: "yes", "uncertain" or "no".

    The user's turn is `question_text(record)`, a line end, and `Can you answer this question correctly?
    Reply yes or no.`; in the mode "uncertainty" it ends with `Reply yes, uncertain or no.` The assistant's
    turn is one word: "can" is "yes", "cannot" is "no", and "uncertain" is "uncertain", but "yes" in the mode
    "binary": what succeeds at least half of the time will rather succeed than not. The answers themselves
    stand nowhere. With `ability` None there is no assistant's turn: that is how a model is asked, with the
    same words as in training.

    Args:
        record: with `question`, and `context` for an open book (for a closed one it is "" or missing); other
            fields are never shown.
        ability: "can", "uncertain", "cannot", or None to ask.
        label_mode: "binary" or "uncertainty".
    Returns:
        One or two messages, `{"role": "user" | "assistant", "content": …}`.
    Raises:
        ValueError: another label_mode, or another ability.
    Source: the judgment data of the published guide (GUIDE.md).
    """
    # TODO 5.3: one text for asking and for training; the word depends on ability and mode.
    # ---- your code for 5.3 starts here ----
    raise NotImplementedError("TODO 5.3 judgment_messages: see notebooks/lab5_metacognition.ipynb, section 3")
    # ---- ends here ----
