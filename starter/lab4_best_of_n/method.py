"""Lab 4 method: train on answers, sample many, choose one.

    trainer = build_trainer(model, tokenizer, train_dataset, training_args)                # 4.3
    texts = generate_samples_batched(model, tokenizer, ["How many apples?"], n=8, ...)     # 4.5
    answers = [canonical_answer(text) for text in texts[0]]     # 4.4  ["12", "12", None, "9", ...]
    rewards = score_samples_batched(reward_model, tokenizer, questions, texts, ...)[0]     # 4.6
    majority_vote(answers), best_of_n(answers, rewards), weighted_vote(answers, rewards)   # 4.7, 4.9, 4.10

An answer is a canonical text such as "12", or None where no answer could be read. None is not a vote and
never equals anything. Sources: self-consistency, Wang et al. 2022 (arXiv 2203.11171); verifiers and
best-of-N, Cobbe et al. 2021 (arXiv 2110.14168).
Left out: beam search, process rewards, and reading answers in boxes (`\\boxed{}`).
"""

from __future__ import annotations

from transformers import Trainer, TrainingArguments

from .data import build_gsm_prompt


def build_trainer(model, tokenizer, train_dataset, training_args: TrainingArguments) -> Trainer:
    """A Hugging Face Trainer over rows of different lengths that already carry their labels.

    The collator is `DataCollatorForSeq2Seq`: it pads the rows of a batch to the longest among them
    (not to a fixed length), `input_ids` with the pad token, `attention_mask` with 0 and `labels` with -100.
    (`DataCollatorForLanguageModeling` would make the labels anew from `input_ids`, so the model would
    learn the prompt too, and never the end token where pad and end are the same.) The trainer holds the
    tokenizer as `processing_class`, so that every checkpoint folder can be loaded by itself.

    Args:
        model: causal language model.
        tokenizer: with a pad token.
        train_dataset: rows `{"input_ids", "labels", "attention_mask"}`, as from 4.2.
        training_args: taken as it is.
    Returns:
        The trainer, not yet run. Nothing is trained or saved here.
    Raises:
        ValueError: the tokenizer has no pad token.
    Source: transformers 5, `Trainer` and `DataCollatorForSeq2Seq`.
    """
    _require_pad_token(tokenizer)
    # TODO 4.3: the collator that pads labels with -100, and the Trainer that uses it.
    # ---- your code for 4.3 starts here ----
    raise NotImplementedError("TODO 4.3 build_trainer: see notebooks/lab4_best_of_n.ipynb, section 3")
    # ---- ends here ----


def canonical_answer(text: str) -> str | None:
    """The final number of a solution, in one spelling, or None.

    Where: right after a marker, on the marker's line. The marker is the *last* `####`; only a text without
    any `####` is searched for the last "answer is" (in any case). The answer is the first number
    between the marker and the end of that line; words, `*`, `$`, `=` or `:` may stand before it, and whatever
    follows it (a unit, a period, `%`) is ignored. The last marker decides: if no number follows it on its
    line, the result is None, even if an earlier marker has one.

    What counts as one number: an optional minus sign ("-" or "−"; `-$5` and `$-5` are both -5), digits 0-9
    with optional thousands commas, an optional decimal part (`.5` is fine), and an optional fraction `a/b` of
    whole numbers, spaces around `/` allowed. A comma that doesn't separate groups of three digits ends the
    number: "12,5" is 12. Mixed numbers (`3 1/2`), numbers of thousands of digits and a minus sign glued to a
    word (`x-5`) are not asked about.

    Spelling: the exact value as `str(fractions.Fraction)`. So 1,000 = 1000.0 = $1000. give "1000",
    0.5 = 1/2 give "1/2", 6/3 gives "2", -0 gives "0". A division by zero gives None.

    Args:
        text: a solution, of any length; may be empty.
    Returns:
        A canonical text, or None: "no answer could be read". Never an empty text.
    Raises:
        Nothing for any text.
    Source: the `####` convention of GSM8K, Cobbe et al. 2021.
    """
    # TODO 4.4: find the last marker, read the number behind it, spell it as a Fraction.
    # ---- your code for 4.4 starts here ----
    raise NotImplementedError("TODO 4.4 canonical_answer: see notebooks/lab4_best_of_n.ipynb, section 4")
    # ---- ends here ----


def generate_samples_batched(
    model,
    tokenizer,
    questions: list[str],
    *,
    n: int,
    max_new_tokens: int,
    temperature: float,
    top_p: float = 1.0,
    batch_size: int,
    seed: int,
) -> list[list[str]]:
    """n sampled solutions for each question, many sequences at a time.

    Prompts come from `build_gsm_prompt` and are tokenised with `add_special_tokens=False`. A batch holds
    `batch_size` questions, in the given order, hence `batch_size * n` sequences. Padding stands on the *left*
    and is masked: a decoder continues from the last position, which must be the prompt's end. Only
    temperature and top_p shape the distribution: top_k is switched off (`top_k=0`; the default would silently
    cut to 50). Sampling stops at the tokenizer's end token and at those of `model.generation_config`.
    Other settings of `model.generation_config` stay in force. A text is the completion only, not stripped: no
    prompt, no special tokens, nothing after the end token.

    The same arguments give the same samples, whatever was drawn before. Afterwards, also after an error,
    everything is as it was: `tokenizer.padding_side`, the model's train or eval mode (it samples in eval
    mode), `model.generation_config`, and torch's random state.

    Args:
        model: causal language model, on any device.
        tokenizer: with a chat template and a pad token.
        questions: Q texts; [] gives [].
        n: samples a question.
        max_new_tokens: tokens a sample, at most.
        temperature: > 0 samples; exactly 0 is greedy decoding, for which only n = 1 makes sense.
        top_p: share of the probability kept, in (0, 1].
        batch_size: questions a batch.
        seed: of this whole call.
    Returns:
        Q lists of n texts, in the order of the questions.
    Raises:
        ValueError: n, max_new_tokens or batch_size < 1; temperature < 0; temperature 0 with n > 1;
            top_p outside (0, 1]; no pad token.
    Source: transformers 5, `GenerationMixin.generate`; top_p: Holtzman et al. 2019 (arXiv 1904.09751).
    """
    _require_pad_token(tokenizer)
    if min(n, max_new_tokens, batch_size) < 1:
        raise ValueError(f"n, max_new_tokens, batch_size must be >= 1: {n}, {max_new_tokens}, {batch_size}")
    if temperature < 0 or not 0 < top_p <= 1:
        raise ValueError(f"need temperature >= 0 and 0 < top_p <= 1, found {temperature} and {top_p}")
    if temperature == 0 and n > 1:
        raise ValueError(f"temperature 0 is greedy: all {n} samples would be the same; use n=1")
    # TODO 4.5: pad left, sample with a seed of your own, cut off the prompt, put every state back.
    # ---- your code for 4.5 starts here ----
    raise NotImplementedError(
        "TODO 4.5 generate_samples_batched: see notebooks/lab4_best_of_n.ipynb, section 5"
    )
    # ---- ends here ----


def score_samples_batched(
    reward_model, tokenizer, questions: list[str], samples: list[list[str]], *, batch_size: int
) -> list[list[float]]:
    """The reward of every sample: one number for a question and one solution to it.

    The text to score is a conversation of two turns through the *reward model's* chat template, user = the
    question, assistant = the sample, without a generation prompt, tokenised with `add_special_tokens=False`
    and never truncated. The reward is the model's single logit. A score must not depend on what shares its
    batch: pad on the right, hand over the attention mask, and let the model know the pad token: it reads its
    logit at the last token that is not `reward_model.config.pad_token_id`, so that must be the tokenizer's
    pad token during the call. Afterwards, also after an error, everything is as it was:
    `tokenizer.padding_side`, `config.pad_token_id`, and the train or eval mode (it scores in eval mode).

    Args:
        reward_model: sequence classifier with one label, on any device.
        tokenizer: the reward model's, with chat template and pad token.
        questions: Q texts.
        samples: for each question its samples; their number may differ, also be 0.
        batch_size: conversations a batch (across questions).
    Returns:
        Rewards (logits, no unit, unbounded) as floats, in the shape of `samples`.
    Raises:
        ValueError: not one list of samples a question; batch_size < 1; more than one label; no pad token.
    Source: transformers 5, `AutoModelForSequenceClassification`; Skywork-Reward-V2's model card.
    """
    _require_pad_token(tokenizer)
    if batch_size < 1 or len(questions) != len(samples):
        raise ValueError(f"{len(questions)} questions, {len(samples)} sample lists, batch_size {batch_size}")
    if reward_model.config.num_labels != 1:
        raise ValueError(f"a reward model has 1 label, this one has {reward_model.config.num_labels}")
    # TODO 4.6: two-turn conversations, padded right, one logit each, back in the shape of samples.
    # ---- your code for 4.6 starts here ----
    raise NotImplementedError("TODO 4.6 score_samples_batched: see notebooks/lab4_best_of_n.ipynb, section 6")
    # ---- ends here ----


def majority_vote(answers: list[str | None]) -> str | None:
    """The most frequent answer (self-consistency).

    None is not a vote: it is left out before counting, however many there are. Among answers with the same
    count the one that occurs earliest in the list wins. (4.8 asks what that rule is worth.)

    Args:
        answers: canonical answers in sampling order; may be empty.
    Returns:
        The winner, or None if nobody votes.
    Raises:
        Nothing.
    Source: Wang et al. 2022 (arXiv 2203.11171).
    """
    # TODO 4.7: count the votes; ties go to the earliest answer.
    # ---- your code for 4.7 starts here ----
    raise NotImplementedError("TODO 4.7 majority_vote: see notebooks/lab4_best_of_n.ipynb, section 7")
    # ---- ends here ----


def best_of_n(answers: list[str | None], rewards: list[float]) -> str | None:
    """The answer of the sample with the highest reward.

    Nothing is filtered: if the sample with the highest reward has no readable answer, the result is None
    (which counts as wrong). Among samples with the same reward the earliest wins. Infinite rewards are
    compared as they are. No samples at all: None.

    Args:
        answers: N canonical answers.
        rewards: N rewards, in the same order.
    Returns:
        One of `answers`.
    Raises:
        ValueError: as many answers as rewards are not there; any reward is NaN (every comparison with NaN is
            False, so the "highest" would depend on the order).
    Source: Cobbe et al. 2021, section 4; Stiennon et al. 2020 (arXiv 2009.01325).
    """
    _require_same_length(answers, rewards)
    # TODO 4.9: refuse NaN; the answer at the highest reward, the earliest of equals.
    # ---- your code for 4.9 starts here ----
    raise NotImplementedError("TODO 4.9 best_of_n: see notebooks/lab4_best_of_n.ipynb, section 9")
    # ---- ends here ----


def weighted_vote(answers: list[str | None], rewards: list[float], temperature: float = 1.0) -> str | None:
    """A vote in which a sample counts by its reward: argmax over a of the sum of exp((r_i - m) / T).

    T is `temperature`; the sum runs over the samples i with answer a. None is not a vote. m is the highest
    reward among the samples that do vote: it changes no winner, but exp(1000) overflows and exp(-1000) is
    0, so without it (or with the maximum of a sample that doesn't vote) the sums can't be compared. High
    temperatures approach the majority vote, low ones best-of-N over the samples that vote. Sum with
    `math.fsum`, which is exact whatever the order, so that equal weights tie; the tied answer that occurs
    earliest wins.

    Args:
        answers: N canonical answers, in sampling order.
        rewards: N rewards; any real numbers, also negative.
        temperature: > 0, in units of the reward.
    Returns:
        The winner, or None if nobody votes (or there are no samples).
    Raises:
        ValueError: as many answers as rewards are not there; temperature <= 0; a reward is NaN or infinite.
    Source: "weighted self-consistency": Wang et al. 2022; Li et al. 2022 (arXiv 2206.02336).
    """
    _require_same_length(answers, rewards)
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, found {temperature}")
    # TODO 4.10: sum exp((reward - highest) / temperature) for each answer; the largest sum wins.
    # ---- your code for 4.10 starts here ----
    raise NotImplementedError("TODO 4.10 weighted_vote: see notebooks/lab4_best_of_n.ipynb, section 10")
    # ---- ends here ----


def _require_pad_token(tokenizer) -> None:
    if tokenizer.pad_token_id is None:
        raise ValueError("batches need a pad token, this tokenizer has none: set tokenizer.pad_token first")


def _require_same_length(answers: list, rewards: list) -> None:
    if len(answers) != len(rewards):
        raise ValueError(f"{len(answers)} answers but {len(rewards)} rewards: they must go in pairs")
