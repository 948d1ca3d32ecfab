"""Lab 6 data: word problems with fixed exemplars, nothing leaking, and what is learned of a conversation.

One record of a training file (a row that is no problem says so: `"kind": "hazard"` or `"benign"`):

    {"question": "Mia has 3 bags of 4 pens. How many?", "answer": "3 * 4 = 12\\n#### 12", "template": "bags"}

`fewshot_pool` (6.1) draws the exemplars once, `find_leaks` (6.2) finds what repeats them, `assistant_labels`
(6.3) masks everything but the last answer, and `mix_replay` (6.4) adds replies that keep the model safe.
Source: the published guide (GUIDE.md); GSM8K's answer form, Cobbe et al. 2021 (arXiv 2110.14168). Left out:
reading files and wiring (run.py), and the model (method.py).
"""

from __future__ import annotations

from collections.abc import Sequence

IGNORE = -100  # torch's cross entropy skips targets with this value
PROBLEM = {"question": str, "answer": str}
KINDS = ("hazard", "benign")  # of rows that are no problems


def chat_messages(
    question: str, exemplars: Sequence[dict], answer: str | None = None, system: str | None = None
) -> list[dict[str, str]]:
    """A conversation: the system's text if there is one, the exemplars as turns, the question, its answer.

    The same function makes the prompts of training and of evaluation.

    Args:
        exemplars: `{"question", "answer"}` each, in their order.
        answer: None for a prompt that the model has to answer.
        system: None for no system turn.
    Returns:
        `{"role", "content"}` each.
    Raises:
        Nothing.
    Source: the published guide: exemplars are prepended to every question.
    """
    turns = [{"role": "system", "content": system}] if system else []
    for exemplar in exemplars:
        turns.append({"role": "user", "content": exemplar["question"]})
        turns.append({"role": "assistant", "content": exemplar["answer"]})
    turns.append({"role": "user", "content": question})
    if answer is not None:
        turns.append({"role": "assistant", "content": answer})
    return turns


def fewshot_pool(records: Sequence[dict], size: int, seed: int) -> list[dict]:
    """The fixed exemplars: drawn once, the same for every run, so that the first k of them are nested.

    Only usable records take part, in their order: the question isn't blank, the answer holds `####`, and no
    earlier usable record has the very same question. Of the list of these,
    `random.Random(seed).sample(usable, size)` is drawn, in the order in which it draws. Runs take the first k
    of it.

    Args:
        records: with `question` and `answer`; other fields may be there.
        size: how many, at least 1.
        seed: of the draw. Nothing else decides: the global random state neither counts nor changes.
    Returns:
        `size` new records with exactly the fields `question` and `answer`, as they are. The list given and
        its records stay as they are.
    Raises:
        ValueError: size below 1, or fewer usable records than that.
    Source: the published guide: a fixed pool of 8, seed 42.
    """
    # TODO 6.1: the usable records in their order, one random.Random of your own, two fields each.
    # ---- your code for 6.1 starts here ----
    raise NotImplementedError("TODO 6.1 fewshot_pool: see notebooks/lab6_safety.ipynb, section 1")
    # ---- ends here ----


def find_leaks(questions: Sequence[str], protected: Sequence[str]) -> dict[int, str]:
    """Which questions repeat a protected one (an exemplar, a test question), and how closely.

    Four rules, from the closest to the loosest; a question gets the name of the *first* that holds against
    any of the protected:

    - "exact": the same text, character by character.
    - "normalised": the same words. A text's words are its runs of letters and digits (`str.isalnum`), in
      lower case; everything else separates.
    - "masked": the same words after every number became a word `#` of its own: digits 0-9, with a single `.`
      or `,` between digits as part of the number (1,000.50 and 1.2.3 are one; 5kg gives `#`, `kg`). "buys 3
      pens" and "buys 12 pens" are alike; "Ana has 3" and "Ben has 3" aren't.
    - "13-gram": 13 words in a row (not masked) that also stand in a row in a protected question.

    Two questions without any word are never alike by the second and third rule.

    Args:
        questions: the texts to look through.
        protected: the texts that must not be repeated.
    Returns:
        `{index of the question: "exact" | "normalised" | "masked" | "13-gram"}`, only of those that leak, by
        increasing index.
    Raises:
        Nothing for any texts.
    Source: 13-grams: Brown et al. 2020 (arXiv 2005.14165), appendix C; GSM-Symbolic, Mirzadeh et al. 2024
        (arXiv 2410.05229), on problems that differ in their numbers only.
    """
    # TODO 6.2: words, masked words and 13-grams of both sides; the first rule that holds.
    # ---- your code for 6.2 starts here ----
    raise NotImplementedError("TODO 6.2 find_leaks: see notebooks/lab6_safety.ipynb, section 2")
    # ---- ends here ----


def assistant_labels(
    messages: Sequence[dict[str, str]], tokenizer, max_length: int, only_last: bool = True
) -> dict[str, list[int]] | None:
    """Ids and labels of a conversation in which only the assistant's last turn is learned, or every one.

    The exemplars are turns of a conversation, so the assistant "said" their answers, too. Learned with every
    row they would be learned hundreds of times over: with `only_last` they are context, like the questions.

    `input_ids` are what the tokenizer's chat template makes of the messages; a template with generation
    markers (`{% generation %}`) also says which tokens are the assistant's, which `apply_chat_template`
    returns as `assistant_masks` when asked. A stretch of these ends with its end-of-turn token: if the
    template closes its marker before it, the token behind the stretch belongs to it if it is the tokenizer's
    end token `eos_token_id`. The label of a learned token is its own id, of every other -100; by position,
    never by id (pad and end may be one token). With `only_last` the last stretch is learned, else each.

    A row of more than `max_length` tokens is None: cut on the right it would lose its answer, cut on the left
    its system's text; the caller counts what doesn't fit.

    Args:
        messages: `{"role", "content"}` each; the last one is the assistant's.
        tokenizer: with a chat template and an end token.
        max_length: tokens, at least 1.
        only_last: False learns every assistant's turn.
    Returns:
        `{"input_ids", "labels"}`, two lists of one length (nothing is padded), or None.
    Raises:
        ValueError: max_length below 1, no message, the last message isn't the assistant's, or the template
            marks nothing as the assistant's (it has no generation markers), however long the row is.
    Source: transformers, `apply_chat_template(…, return_assistant_tokens_mask=True)`; the published guide
        masks system and user tokens.
    """
    if max_length < 1 or not messages or messages[-1]["role"] != "assistant":
        raise ValueError("need max_length >= 1 and messages that end with the assistant's turn")
    # TODO 6.3: ids and mask from the template; the stretches with their end tokens; all of them or the last.
    # ---- your code for 6.3 starts here ----
    raise NotImplementedError("TODO 6.3 assistant_labels: see notebooks/lab6_safety.ipynb, section 3")
    # ---- ends here ----


def mix_replay(problems: Sequence[dict], replay: Sequence[dict], share: float, seed: int) -> list[dict]:
    """The problems, and so much replay that it makes up `share` of the mix, half hazards, half harmless.

    A model that is tuned on problems alone forgets what it isn't shown. Replay shows it its own good replies:
    refusals of hazards, and answers to harmless requests that sound like them. Refusals alone would teach it
    to refuse everything, so both kinds come in equal numbers.

    With n problems, m = `round(n * share / (1 - share))` replay rows are taken (Python's `round`), ⌈m/2⌉ of
    kind "hazard" and ⌊m/2⌋ of kind "benign". Of each kind: if more are asked for than there are, every row
    occurs equally often, or once more than another; if fewer, none occurs twice. Which ones, is drawn with
    the seed. Then everything is shuffled with the seed. The same seed gives the same list; the records and
    lists given stay as they are, and so does the global random state.

    Args:
        problems: at least one.
        replay: each with `kind`, "hazard" or "benign".
        share: of the whole mix, 0 to below 1. 0 gives the problems, shuffled.
        seed: of the draw and of the shuffle.
    Returns:
        A new list of n + m records, the given ones themselves.
    Raises:
        ValueError: share outside [0, 1), no problems, a kind other than these two, or a kind that is needed
            and of which there is none.
    Source: experience replay, Rolnick et al. 2019 (arXiv 1811.11682); safety examples mixed into benign
        tuning, Qi et al. 2023 (arXiv 2310.03693), section 5.
    """
    if not 0 <= share < 1 or not problems or any(row.get("kind") not in KINDS for row in replay):
        raise ValueError(f"need problems, 0 <= share < 1 and replay rows of the kinds {', '.join(KINDS)}")
    # TODO 6.4: how many in all, how many of each kind; whole rounds and a draw for the rest; shuffle.
    # ---- your code for 6.4 starts here ----
    raise NotImplementedError("TODO 6.4 mix_replay: see notebooks/lab6_safety.ipynb, section 4")
    # ---- ends here ----
