"""Lab 2 data: questions, a student's drafts, a teacher's reasoning, and the rows that are learned from them.

One question (the field names are those of the public StrategyQA; `steps`, `entities` and `split` are ours):

    {"qid": "q17", "question": "Is the lama lighter than the bus?", "answer": true, "split": "train",
     "facts": ["The lama weighs 140 kg.", "The bus weighs 12000 kg."], "entities": ["lama", "bus"],
     "steps": ["The lama weighs 140 kg.", "The bus weighs 12000 kg.", "140 is less than 12000."]}

`parse_draft` (2.1) and `parse_teacher` (2.2) read texts, `quality_report` (2.3) counts what the filter keeps,
`training_text` (2.4) makes the messages of one example and `assistant_mask` (2.5) their ids and labels.
In texts a line ends at "\\n", here and in the other modules.
Source: the published guide (GUIDE.md); Ho et al. 2022 (arXiv 2212.10071), fine-tuning on a teacher's chains.
Left out: how the drafts and the reasoning come about (teaching.py, `labkit.teachers`).
"""

from __future__ import annotations

from collections.abc import Sequence

QUESTIONS = "questions.jsonl"
QUESTION = {"qid": str, "question": str, "answer": bool, "facts": list}
IGNORE = -100  # torch's cross entropy skips targets with this value
TARGETS = ("answer", "rationale")


def word_of(answer: bool) -> str:
    """How an answer is spelled wherever this lab writes one."""
    return "Yes" if answer else "No"


def cluster_of(record: dict) -> str:
    """What questions about the same thing share: intervals resample these, not single questions."""
    return record["entities"][0] if record.get("entities") else record["qid"]


def parse_draft(text: str) -> dict:
    """What a student model drafted: an answer, its reason and its questions, each only if it is there.

    The asked form is two lines:

        Answer: Yes - whales are mammals
        Questions: Do all mammals breathe air? Is a whale a fish?

    Stars (`*`) are removed everywhere, before anything else. White space may stand before a key, and keys are
    found in any case.

    - `answer`: from the *first* line that begins with `Answer:`. Behind the colon, after any spaces, stands
      Yes or No in any case; and behind that, after any spaces, the end of the line, or one of `, . ; :`; or
      at least one space and a dash (`-`, `–`, `—`). Anything else is no answer: "Yes/No", "Yes or no",
      "No idea", "No-one", "Not sure". Then, and without such a line, the answer is None. There is no default.
    - `reasoning`: what stands on that line behind the sign that followed Yes or No, without white space at
      its ends; "" if there is none, or if `answer` is None.
    - `questions`: what stands behind the `Questions:` of the first line that begins with it, up to the end of
      the text, cut behind every `?`, which stays with its question. White space within a question becomes one
      space (so does a blank before its `?`), at its ends none; a piece without a letter or digit is no
      question, and neither is what follows the last `?`. They are read whether there is an answer or not.

    Args:
        text: what a model wrote; may be empty.
    Returns:
        `{"answer": bool | None, "reasoning": str, "questions": list[str]}`.
    Raises:
        Nothing for any text.
    Source: the draft format of the published guide (GUIDE.md).
    """
    # TODO 2.1: read the first "Answer:" line, all of it; cut what follows "Questions:" behind each "?".
    # ---- your code for 2.1 starts here ----
    raise NotImplementedError("TODO 2.1 parse_draft: see notebooks/lab2_distillation.ipynb, section 1")
    # ---- ends here ----


def parse_teacher(text: str) -> bool | None:
    """The teacher's answer, or None. Never a default, never a guess.

    A teacher ends with "Based on this analysis, the answer is: **YES**". Only the *last* place counts where
    `answer is` stands (in any case, one space between the words): the rest of that line, after removing
    white space and the characters `: * _ [ ] " ' .` at both its ends, must be YES or NO in any case, and
    nothing else. So "the answer is not YES", "the answer is: **YES** or **NO**" and the form itself,
    "**[YES/NO]**", are None, and so is a text that was cut off before its assessment. An earlier statement
    doesn't count, even if the last one can't be read.

    Args:
        text: the teacher's whole reply; may be empty.
    Returns:
        True for yes, False for no, None for a text that doesn't say.
    Raises:
        Nothing for any text.
    Source: the response format of the published guide (GUIDE.md).
    """
    # TODO 2.2: the rest of the line behind the last "answer is"; clean its ends, compare all of it.
    # ---- your code for 2.2 starts here ----
    raise NotImplementedError("TODO 2.2 parse_teacher: see notebooks/lab2_distillation.ipynb, section 2")
    # ---- ends here ----


def quality_report(records: Sequence[dict]) -> dict:
    """What a filter that keeps a teacher's text only if its answer is right does to a data set.

    A record is kept if `teacher_answer` is there and equals `answer`. Whatever can't be read is lost like a
    wrong one, but counted apart.

    Args:
        records: with `answer` (gold, a bool) and `teacher_answer` (a bool, or None if it couldn't be read);
            other fields are ignored.
    Returns:
        `n`, `unparsed`, `wrong` (read, but not gold) and `kept` as counts; `recall_yes` and `recall_no`: of
        the records whose gold is yes (no), the share that is kept; `prior_yes`: the share of yes among all;
        `kept_prior_yes`: the share of yes among the kept. A share of nothing is NaN.
    Raises:
        ValueError: no records, or an `answer` that isn't True or False.
    Source: the data quality metrics of the published guide (GUIDE.md).
    """
    if not records or any(type(record["answer"]) is not bool for record in records):
        raise ValueError("need at least one record, each with an `answer` that is True or False")
    # TODO 2.3: count unread, wrong and kept; then the shares, by gold class and of what is kept.
    # ---- your code for 2.3 starts here ----
    raise NotImplementedError("TODO 2.3 quality_report: see notebooks/lab2_distillation.ipynb, section 3")
    # ---- ends here ----


def training_text(record: dict, target: str) -> list[dict[str, str]]:
    """One example as chat messages: the question goes in, and everything else is what the model must write.

    The user's turn is `Question: ` and the question, stripped, and nothing else: not the draft, not the
    teacher's reasoning, no hint. It is the same for both targets and the same at test time, where the run
    takes it from here. The assistant's turn is, with Y for Yes or No:

        target "answer":     Answer: Y
        target "rationale":  the record's `rationale`, stripped, a line end, then Answer: Y

    The answer comes last, so that the model has written its reasoning before it answers.

    Args:
        record: with `question` and `answer` (gold, a bool), and for "rationale" with `rationale`, plain text.
        target: "answer" or "rationale".
    Returns:
        Two messages, `[{"role": "user", "content": …}, {"role": "assistant", "content": …}]`.
    Raises:
        ValueError: another target, an empty question, an `answer` that isn't True or False, or, for
            "rationale", a rationale that is missing or empty.
    Source: Ho et al. 2022 (arXiv 2212.10071), section 3; Hsieh et al. 2023 (arXiv 2305.02301) on reasoning as
        a target rather than an input.
    """
    # TODO 2.4: refuse what can't be taught; the question in the user's turn, all else in the assistant's.
    # ---- your code for 2.4 starts here ----
    raise NotImplementedError("TODO 2.4 training_text: see notebooks/lab2_distillation.ipynb, section 4")
    # ---- ends here ----


def assistant_mask(messages: list[dict[str, str]], tokenizer, max_length: int) -> dict[str, list[int]]:
    """Ids and labels of a conversation: only what the assistant writes is learned, and that it stops.

    `input_ids` are what the tokenizer's chat template makes of the messages. A chat template with generation
    markers (`{% generation %}`) can say which tokens are the assistant's; `apply_chat_template` returns them
    as `assistant_masks` when asked. The label of such a token is its own id, and of every other -100. Two
    traps:

    - A template may close its marker *before* the end-of-turn token. The token that follows an assistant's
      stretch is learned too if it is the tokenizer's end token `eos_token_id`; without it the model never
      learns to stop. The same if pad and end are one token: labels go by position, never by id.
    - A template without markers gives no assistant's token at all, silently. That is an error here.

    Rows longer than `max_length` lose their right end; nothing is put back, nothing is padded. If the cut
    leaves no assistant's token, all labels are -100; that is no error.

    Args:
        messages: `{"role", "content"}` each; at least one assistant's turn. Every one is learned.
        tokenizer: with a chat template and an end token.
        max_length: tokens of the row, at least 1.
    Returns:
        `{"input_ids", "attention_mask", "labels"}`: three lists of the same length, the mask all ones.
    Raises:
        ValueError: max_length below 1, or the template marks nothing as the assistant's.
    Source: transformers, `apply_chat_template(…, return_assistant_tokens_mask=True)`; TRL issue 976 on masked
        end tokens.
    """
    if max_length < 1:
        raise ValueError(f"max_length must be at least 1 token, found {max_length}")
    # TODO 2.5: ids and assistant's mask from the template; keep the end token behind each stretch; cut.
    # ---- your code for 2.5 starts here ----
    raise NotImplementedError("TODO 2.5 assistant_mask: see notebooks/lab2_distillation.ipynb, section 5")
    # ---- ends here ----
