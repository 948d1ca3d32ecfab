"""Lab 1 method: from two texts to one answer, and from a judge's words to a verdict.

    text = "gadget_type: Control-Flow gadget; location: JMP; explanation: It moves the program counter."
    extract_gadget_type(text)                                     # 1.4  "Control-Flow gadget"
    normalize_gadget_type("Control-Flow gadget")                  # 1.5  "controlflow"
    check_format(text)                                            # 1.6  True
    ensemble_vote(["controlflow", "readwrite", "controlflow"])    # 1.7  label "controlflow", share 2/3
    parse_verdict("Both name a jump.\\nVERDICT: FULL_AGREEMENT")   # 1.8  "FULL_AGREEMENT"
    combine_verdicts("FULL_AGREEMENT", "PARTIAL_AGREEMENT")       # 1.9  agreement, but not consistent

What can't be read is None. None is not a label, not a vote and not a verdict, and never equals anything.
Sources: combining classifiers, Hansen and Salamon 1990; language models as judges, Zheng et al. 2023 (arXiv
2306.05685). Left out: generation (predict.py) and the judge's prompt (judge.py).
"""

from __future__ import annotations

FIELDS = ("gadget_type", "location", "explanation")
VERDICTS = ("FULL_AGREEMENT", "PARTIAL_AGREEMENT", "DISAGREEMENT", "INVALID")


def extract_gadget_type(text: str) -> str | None:
    """The label that a model wrote, as it wrote it, or None.

    The key is `gadget_type` in any case; a space or a hyphen may stand for the underscore (one sign, never
    none), and spaces before the colon. It must be a word of its own: `my_gadget_type:` and `subgadget_type:`
    are other keys, but a bracket or another sign may stand before it. The label is what follows the colon of
    the *first* key, up to the next `;` or the end of the line (line feed or carriage return), without white
    space at its ends. Only spaces may stand between the colon and the label: a label on the next line isn't
    one. The first key decides: if its label is empty, the result is None, even if a later key has one.

    Args:
        text: what a model wrote; may be empty.
    Returns:
        The label, never an empty text; or None if there is no key, or no label behind it.
    Raises:
        Nothing for any text.
    Source: the output format of the published guide (GUIDE.md).
    """
    # TODO 1.4: find the first key, take what stands behind its colon, on its line, up to a semicolon.
    # ---- your code for 1.4 starts here ----
    raise NotImplementedError("TODO 1.4 extract_gadget_type: see notebooks/lab1_ensemble.ipynb, section 4")
    # ---- ends here ----


def normalize_gadget_type(label: str) -> str:
    """One spelling for labels that differ only in spelling: "Control-Flow gadget" gives "controlflow".

    Lower case; the words "gadget" and "gadgets" are dropped; of what is left only letters and digits stay
    (`str.isalnum`), without spaces. A word is a run of letters and digits in the label, so whatever else
    there is, also "_", separates words; a word inside a word is never touched: "Command" stays "command",
    though it holds "and", and "ReadWriteGadget" is one word. Nothing else is dropped: "read and write"
    gives "readandwrite".

    Args:
        label: as from `extract_gadget_type`; any text.
    Returns:
        Letters and digits only; "" if nothing is left ("gadget", "--"), which is no label.
    Raises:
        Nothing for any text.
    Source: the published guide (GUIDE.md), whose own normaliser ate words from the inside.
    """
    # TODO 1.5: split into words, drop the whole words "gadget" and "gadgets", join the rest.
    # ---- your code for 1.5 starts here ----
    raise NotImplementedError("TODO 1.5 normalize_gadget_type: see notebooks/lab1_ensemble.ipynb, section 5")
    # ---- ends here ----


def check_format(text: str) -> bool:
    """Whether a text is an answer in the asked form: three fields, in order, none empty, each once.

    Split the text at every `;` and strip each part of white space. The first three parts must be
    `gadget_type: …`, `location: …` and `explanation: …`, in this order: the key in any case but exactly this
    spelling, then a colon (spaces may stand before it), then a value with at least one letter or digit. So
    the text begins with the first key. Further parts belong to the explanation, which may hold semicolons and
    line ends, unless a part begins with one of the three keys and a colon: then the model has started
    over, and the answer is not in the form. A key without a `;` before it belongs to the value it stands in.

    Args:
        text: what a model wrote; may be empty.
    Returns:
        True or False.
    Raises:
        Nothing for any text.
    Source: the output format of the published guide (GUIDE.md).
    """
    # TODO 1.6: split at ";"; the first three parts are the three fields; no later part is one again.
    # ---- your code for 1.6 starts here ----
    raise NotImplementedError("TODO 1.6 check_format: see notebooks/lab1_ensemble.ipynb, section 6")
    # ---- ends here ----


def ensemble_vote(labels: list[str | None]) -> dict:
    """The label that most models gave, and how sure the vote is, for any number of models.

    None, and only None, is not a vote: no label could be read. Among labels with the same number of votes the
    one that occurs earliest wins, so the order of the models is the tie rule: list the one you trust most
    first. The share is taken of *all* models, those without a label included: two of three is 2/3, also when
    the third wrote nothing readable, because silence is no agreement.

    Args:
        labels: one normalised label a model, in the order of the models, None where there is none.
    Returns:
        `{"label", "votes", "n", "share", "tie"}`: the winner (None if nobody votes), its votes (0 then), the
        number of models `len(labels)`, votes / n as a float (0.0 for no models), and whether at least two
        different labels share the highest number of votes.
    Raises:
        Nothing.
    Source: plurality vote, Hansen and Salamon 1990; Lam and Suen 1997.
    """
    # TODO 1.7: count the votes; ties go to the earliest label; the share is of all models.
    # ---- your code for 1.7 starts here ----
    raise NotImplementedError("TODO 1.7 ensemble_vote: see notebooks/lab1_ensemble.ipynb, section 7")
    # ---- ends here ----


def parse_verdict(text: str) -> str | None:
    """The verdict in a judge's reply, or None. Never a default, never a guess.

    Only the last line that isn't blank counts, and all of it: after removing white space, `*` and back ticks
    at its ends, and one final period, it must be `VERDICT:` and one of FULL_AGREEMENT, PARTIAL_AGREEMENT,
    DISAGREEMENT, INVALID, and nothing else. White space after the colon is optional; the case of all letters
    doesn't matter. So "VERDICT: not FULL_AGREEMENT", "VERDICT: FULL_AGREEMENT or DISAGREEMENT" and a verdict
    somewhere else in the reply are None. (Searching for "AGREEMENT" finds it in "DISAGREEMENT"; taking
    DISAGREEMENT when nothing is found makes a judge out of noise.)

    The order of removal: first white space, `*` and back ticks at both ends, then one period at the end, then
    white space, `*` and back ticks at both ends again. `**VERDICT: INVALID.**` is a verdict. Nothing is
    removed inside the line: `VERDICT: **INVALID**` and `VERDICT : INVALID` are None.

    Args:
        text: the judge's whole reply; may be empty.
    Returns:
        One of VERDICTS in capitals, or None.
    Raises:
        Nothing for any text.
    Source: Zheng et al. 2023 (arXiv 2306.05685), appendix A, on asking for a fixed final form.
    """
    # TODO 1.8: take the last line that isn't blank, clean its ends, match all of it.
    # ---- your code for 1.8 starts here ----
    raise NotImplementedError("TODO 1.8 parse_verdict: see notebooks/lab1_ensemble.ipynb, section 8")
    # ---- ends here ----


def combine_verdicts(ab: str | None, ba: str | None) -> dict:
    """One verdict from both orders of a pair: the judge saw (A, B) and, in another reply, (B, A).

    - `consistent`: both could be read, and they are the same.
    - `semantic_agreement`: both are FULL_AGREEMENT or PARTIAL_AGREEMENT, the same one or not. One order is
      not enough: a judge that prefers whatever stands first would find agreement everywhere.
    - `verdict`: the common verdict if they are consistent; PARTIAL_AGREEMENT if one says full and the other
      partial, which both support; None for every other pair, also if one of them is None.

    Args:
        ab: the verdict on (A, B), as from `parse_verdict`.
        ba: the verdict on (B, A).
    Returns:
        `{"verdict": str | None, "consistent": bool, "semantic_agreement": bool}`.
    Raises:
        ValueError: a text that is no verdict.
    Source: Zheng et al. 2023, section 3.4, on swapping positions.
    """
    for verdict in (ab, ba):
        if verdict is not None and verdict not in VERDICTS:
            raise ValueError(f"expected one of {', '.join(VERDICTS)} or None, found {verdict!r}")
    # TODO 1.9: same and read: consistent; both full or partial: agreement; else no verdict.
    # ---- your code for 1.9 starts here ----
    raise NotImplementedError("TODO 1.9 combine_verdicts: see notebooks/lab1_ensemble.ipynb, section 9")
    # ---- ends here ----
