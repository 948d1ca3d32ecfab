"""Lab 5 method: labels from trials, confidence from logits, what to train on, and a merge by hand.

    ability_label([True, True, False, True, True])                    # 5.4 "uncertain": 4 of 5
    soft_target([True, True, False, True, True])                      # 5.5 0.75
    answer_probabilities(logits, attention_mask, [[yes], [no]])       # 5.6 tensor([[0.8, 0.2]])
    select_misjudged(records), select_balanced(records, seed=1)       # 5.7, 5.8 what an epoch trains on
    merge_lora(weight, lora_a, lora_b, alpha=32)                      # 5.9 W + alpha / r * B A

A tested record, as in `tested_epoch0.jsonl`:
    {"qid": "q17", "p_yes": 0.71, "judgment": "yes", "target": "no", "ability": "cannot", "correct": [false]}
Sources: Kadavath et al. 2022 (arXiv 2207.05221), P(IK); Zhang et al. 2023 (R-Tuning, 2311.09677); Hu et al.
2021 (LoRA, 2106.09685). Left out: training itself (training.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

RULES = ("share", "any_correct")


def ability_label(correct: Sequence[bool], rule: str = "share") -> str:
    """What k trials say about a question: "can", "uncertain" or "cannot".

    By the share of right trials, rule "share": all of them: "can"; at least half, but not all: "uncertain";
    fewer than half: "cannot". By rule "any_correct" (what the published code does, other than its text): all:
    "can"; none: "cannot"; any other: "uncertain". Of a single trial both make "can" or "cannot", which says
    more about the trial than about the question.

    Args:
        correct: for each of the k trials, whether its reply was right.
        rule: "share" or "any_correct".
    Returns:
        One of "can", "uncertain", "cannot".
    Raises:
        ValueError: no trials, or another rule.
    Source: the ability classes of the published guide (GUIDE.md), and of its code.
    """
    # TODO 5.4: count the right trials; compare twice the count with k, so that no rounding decides.
    # ---- your code for 5.4 starts here ----
    raise NotImplementedError("TODO 5.4 ability_label: see notebooks/lab5_metacognition.ipynb, section 4")
    # ---- ends here ----


def soft_target(correct: Sequence[bool]) -> float:
    """The probability of a right reply, estimated from k trials: (s + 1/2) / (k + 1), s of them right.

    The share s / k says "certain" after five right trials, though a question with probability 0.8 passes
    five of five in a third of all cases. Half a success and half a failure are added (Jeffreys' prior).

    Args:
        correct: for each of the k trials, whether its reply was right; none gives 1/2.
    Returns:
        A probability strictly between 0 and 1.
    Raises:
        Nothing.
    Source: Jeffreys 1946; Brown, Cai and DasGupta 2001, "Interval estimation for a binomial proportion".
    """
    # TODO 5.5: one line.
    # ---- your code for 5.5 starts here ----
    raise NotImplementedError("TODO 5.5 soft_target: see notebooks/lab5_metacognition.ipynb, section 5")
    # ---- ends here ----


def answer_probabilities(
    logits: torch.Tensor, attention_mask: torch.Tensor, answer_ids: Sequence[Sequence[int]]
) -> torch.Tensor:
    """How likely each answer is as the next word, among the given ones: a softmax over their first tokens.

    The prompt ends with the head of the assistant's turn, so the logits at the *last real position* of a row
    are about the first token of the reply. Rows are padded, on the left or on the right: the mask says where
    a row really ends. An answer may begin with one of several tokens ("yes", "Yes"): its probability is the
    sum of theirs. Among the given answers the probabilities sum to 1, however much likelier another word is.
    The sums are made in float32, also for bfloat16 logits, and large logits change nothing: only differences
    count.

    Args:
        logits: (batch, seq, vocab), of any floating type.
        attention_mask: (batch, seq), 1 at real tokens and 0 at padding.
        answer_ids: for each answer the ids of the tokens that it may begin with.
    Returns:
        (batch, answers), float32; each row sums to 1.
    Raises:
        ValueError: logits and mask that don't fit, a row of padding only, an answer without ids, or an id
            that belongs to two answers (then they can't be told apart).
    Source: Kadavath et al. 2022, section 3 (P(True) and P(IK) from the probability of a token).
    """
    # TODO 5.6: the last position with mask 1 in each row; log-sum-exp over an answer's ids; softmax.
    # ---- your code for 5.6 starts here ----
    raise NotImplementedError(
        "TODO 5.6 answer_probabilities: see notebooks/lab5_metacognition.ipynb, section 6"
    )
    # ---- ends here ----


def select_misjudged(records: Sequence[Mapping]) -> list[Mapping]:
    """The published selection: the records whose judgment was wrong, and no other.

    A judgment that couldn't be read (None) is wrong, and the target alone says what was right. Of a judge
    that always says "yes" only "no" examples are left, so the next judge learns to always say "no". Rebuild
    it as it is: the lab shows that.

    Args:
        records: with `judgment` ("yes", "uncertain", "no" or None) and `target` (the word that was right).
    Returns:
        The same records, in their order, in a new list; may be empty.
    Raises:
        Nothing.
    Source: step N.1 of the published guide (GUIDE.md).
    """
    # TODO 5.7: one comparison a record.
    # ---- your code for 5.7 starts here ----
    raise NotImplementedError("TODO 5.7 select_misjudged: see notebooks/lab5_metacognition.ipynb, section 7")
    # ---- ends here ----


def select_balanced(records: Sequence[Mapping], seed: int) -> list[Mapping]:
    """As many records of each target as the rarest target has, drawn at random, in random order.

    A judge then can't gain by preferring a word, only by telling questions apart. Every record of a target
    has the same chance, wherever it stands, whatever its P(yes), and whether it was judged rightly or not;
    none is taken twice. The targets stand at random as well, neither in blocks nor in turn. Python's and
    other libraries' global random states are left as they are, and the same seed gives the same list.

    Args:
        records: with `target`.
        seed: of the draw and of the order.
    Returns:
        Some of the same records, in a new list.
    Raises:
        ValueError: fewer than two different targets: then there is nothing to tell apart.
    Source: random undersampling; He and Garcia 2009, "Learning from imbalanced data".
    """
    # TODO 5.8: group by target, sample the rarest target's number from each, shuffle all.
    # ---- your code for 5.8 starts here ----
    raise NotImplementedError("TODO 5.8 select_balanced: see notebooks/lab5_metacognition.ipynb, section 8")
    # ---- ends here ----


def merge_lora(
    weight: torch.Tensor, lora_a: torch.Tensor, lora_b: torch.Tensor, alpha: float
) -> torch.Tensor:
    """One layer with its adapter merged in: W + (alpha / r) B A, r being the adapter's rank.

    The product and the sum are made in float32 and rounded once, to the type of `weight`. `weight` itself
    stays as it is: the base model may still be needed. The rank is the number of A's rows, also where that is
    more than `in`.

    Args:
        weight: (out, in), the frozen layer.
        lora_a: (r, in).
        lora_b: (out, r).
        alpha: LoRA's scale, a setting (`lora_alpha`).
    Returns:
        (out, in), a new tensor of weight's type, also where B is zero (as before training).
    Raises:
        ValueError: shapes that don't fit, or rank 0.
    Source: Hu et al. 2021, section 4.1.
    """
    # TODO 5.9: the scale, the product in the right order, the type.
    # ---- your code for 5.9 starts here ----
    raise NotImplementedError("TODO 5.9 merge_lora: see notebooks/lab5_metacognition.ipynb, section 9")
    # ---- ends here ----
