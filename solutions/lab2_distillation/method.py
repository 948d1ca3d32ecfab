"""Lab 2 method: what a filter does to the classes, three repairs, and which layers LoRA really reaches.

    kept_prior(0.455, recall_yes=0.429, recall_no=0.899)         # 2.6  0.285: the share of Yes that is left
    log_odds_shift(0.455, 0.285)                                 # 2.7  -0.74 nats
    class_weights([True, False, False], prior=0.5)               # 2.8  [1.5, 0.75, 0.75]
    upsample(records, seed=1)                                    # 2.9  as many Yes as No
    rationalise(record, reply, said=True)                        # 2.10 a new record, its hint removed
    lora_coverage({"layers.0.qkv_proj": (48, 16)}, ["q_proj"], r=16)  # 2.11 reaches nothing, and says so
    consensus([True, None, True])                                # 2.12 True: two of three attempts

Answers are True, False, or None where none could be read. None is no answer, and never equals anything. In
texts a line ends at "\\n".
Sources: STaR, Zelikman et al. 2022 (arXiv 2203.14465); LoRA, Hu et al. 2021 (arXiv 2106.09685). Left out: the
training itself (training.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def kept_prior(prior: float, recall_yes: float, recall_no: float) -> float:
    """The share of yes among what a keep-if-correct filter keeps.

    The filter keeps a question whose answer is y with the teacher's recall on y. By Bayes' rule the kept
    share of yes is p r_yes / (p r_yes + (1 - p) r_no). A teacher equally good at both changes nothing.

    Args:
        prior: p, the share of yes before the filter.
        recall_yes: of the questions whose answer is yes, the share that the teacher gets right.
        recall_no: the same for no.
    Returns:
        A share; NaN if nothing is kept.
    Raises:
        ValueError: a number outside [0, 1], or NaN.
    Source: Bayes' rule; Zadrozny 2004, "Learning and evaluating classifiers under sample selection bias".
    """
    # TODO 2.6: Bayes' rule; refuse what is no share.
    # BEGIN SOLUTION 2.6
    if not all(0 <= share <= 1 for share in (prior, recall_yes, recall_no)):
        raise ValueError(f"need three shares in [0, 1]: {prior}, {recall_yes}, {recall_no}")
    yes, no = prior * recall_yes, (1 - prior) * recall_no
    return yes / (yes + no) if yes + no > 0 else float("nan")
    # END SOLUTION 2.6


def log_odds_shift(before: float, after: float) -> float:
    """How far a share moved, in nats of log-odds: log(after / (1 - after)) - log(before / (1 - before)).

    A model that has learned the shares of its training set leans towards one answer by this much, whatever
    the question; subtracting it from log P(yes) - log P(no) at test time takes the lean away. For a filter it
    is log(recall_yes / recall_no), whatever the prior.

    Args:
        before: a share, strictly between 0 and 1.
        after: the share it became, strictly between 0 and 1.
    Returns:
        Nats; negative if the share fell.
    Raises:
        ValueError: a share that isn't strictly between 0 and 1, or NaN.
    Source: Menon et al. 2020, "Long-tail learning via logit adjustment" (arXiv 2007.07314).
    """
    # TODO 2.7: the difference of two log-odds, in nats.
    # BEGIN SOLUTION 2.7
    import math

    if not (0 < before < 1 and 0 < after < 1):
        raise ValueError(f"need two shares strictly between 0 and 1: {before}, {after}")
    return math.log(after / (1 - after)) - math.log(before / (1 - before))
    # END SOLUTION 2.7


def class_weights(labels: Sequence[bool], prior: float) -> list[float]:
    """A weight for each example, so that the weighted share of yes is `prior` again.

    The weight of an example with label y is p(y) / p'(y): p(yes) = `prior`, p(no) = 1 - `prior`, and p'(y)
    the share of y among the labels. The weights' mean is 1, so that the learning rate keeps its meaning.

    Args:
        labels: the labels that were kept, True for yes, False for no.
        prior: the share of yes that the weights restore, strictly between 0 and 1.
    Returns:
        One positive weight a label, in their order.
    Raises:
        ValueError: no labels, a label that isn't True or False, only one class among them (no weight makes
            examples that aren't there), or a prior that isn't strictly between 0 and 1.
    Source: importance weighting, Shimodaira 2000.
    """
    # TODO 2.8: p(y) / p'(y) for each label.
    # BEGIN SOLUTION 2.8
    if not 0 < prior < 1:
        raise ValueError(f"the prior must lie strictly between 0 and 1: {prior}")
    if any(type(label) is not bool for label in labels) or len(set(labels)) != 2:
        raise ValueError("need labels that are True or False, and both among them")
    n, yes = len(labels), list(labels).count(True)
    weight = {True: prior * n / yes, False: (1 - prior) * n / (n - yes)}
    return [weight[label] for label in labels]
    # END SOLUTION 2.8


def upsample(records: Sequence[dict], seed: int) -> list[dict]:
    """The records with the smaller class repeated until both classes are equally large.

    Every record of the larger class occurs once. Every record of the smaller class occurs equally often, or
    once more than another: if 3 records have to become 7, two of them occur twice and one three times.
    Which ones get the extra copy is drawn with `seed`; then all are shuffled with it, so that copies don't
    stand together. The same seed gives the same list. The records themselves, and the list given, stay as
    they are; classes of equal size are only shuffled.

    Args:
        records: each with `answer`, True or False.
        seed: of the draw and of the shuffle. Nothing else decides: the global random state neither counts nor
            changes.
    Returns:
        A new list of twice the size of the larger class.
    Raises:
        ValueError: an `answer` that isn't True or False, or a class without any record.
    Source: random oversampling; Japkowicz and Stephen 2002, "The class imbalance problem".
    """
    # TODO 2.9: whole rounds of the smaller class, then a draw without replacement for the rest; shuffle.
    # BEGIN SOLUTION 2.9
    import random

    if any(type(record["answer"]) is not bool for record in records):
        raise ValueError("every record needs an answer that is True or False")
    classes = [[r for r in records if r["answer"]], [r for r in records if not r["answer"]]]
    small, large = sorted(classes, key=len)
    if not small:
        raise ValueError("a class has no record: nothing there to repeat")
    rng = random.Random(seed)
    rounds, rest = divmod(len(large), len(small))
    made = large + small * rounds + rng.sample(small, rest)
    rng.shuffle(made)
    return made
    # END SOLUTION 2.9


def rationalise(record: dict, reply: str, said: bool | None) -> dict | None:
    """A training record out of a reply that the teacher wrote *with* the gold answer as a hint, or None.

    Where the teacher's own answer is wrong the filter loses the question, and it loses more of one class than
    of the other. Asked again with the gold answer as a hint, the teacher can often say why it is so. What
    comes back may be learned if it ends in gold, and only without the hint: at test time there is none.

    - If `said` isn't the record's `answer`, the result is None; an answer that wasn't read (None) never is.
    - `rationale` is what is left of the reply's lines, each stripped, with a line end between them, when the
      blank ones are gone and those in which the word "hint" or "hints" stands (in any case, as a word of its
      own: "hinted" and "hinterland" don't count). If nothing is left, the result is None.
    - The new record has exactly the fields `qid`, `question` and `answer` of the old one, as they are, the
      `rationale`, and `rationalised`: True. Whatever else the record holds (a draft, the hinted prompt, the
      first reply) is left behind.

    Args:
        record: with `qid`, `question` and `answer` (gold, a bool); more fields may be there.
        reply: the reasoning in the teacher's reply to the hinted question, plain text.
        said: the answer that was read in that reply, None if none could be.
    Returns:
        A new record, or None.
    Raises:
        ValueError: the record's `answer` isn't True or False.
    Source: rationalisation in STaR, Zelikman et al. 2022 (arXiv 2203.14465), section 3.2.
    """
    if type(record["answer"]) is not bool:
        raise ValueError(f"{record['qid']}: the answer must be True or False, found {record['answer']!r}")
    # TODO 2.10: keep it only if it ends in gold; drop the lines that speak of the hint; a new record.
    # BEGIN SOLUTION 2.10
    import re

    if said is not record["answer"]:
        return None
    lines = [line.strip() for line in reply.split("\n")]
    kept = [line for line in lines if line and not re.search(r"\bhints?\b", line, re.IGNORECASE)]
    if not kept:
        return None
    fields = {name: record[name] for name in ("qid", "question", "answer")}
    return {**fields, "rationale": "\n".join(kept), "rationalised": True}
    # END SOLUTION 2.10


def lora_coverage(module_shapes: Mapping[str, Sequence[int]], targets: Sequence[str], r: int) -> dict:
    """Which linear layers a list of LoRA targets reaches, kind by kind, and how much is trained there.

    A layer is reached if its full name is a target or ends with a dot and a target: "o_proj" reaches
    "model.layers.0.self_attn.o_proj" and not "model.layers.0.my_o_proj". LoRA adds two matrices to a layer of
    shape (out, in): r x in and out x r, so r (in + out) numbers are trained. A target that matches nothing is
    no error in the library, as long as another one matches something: a model with fused layers (`qkv_proj`)
    silently ignores "q_proj".

    A layer's kind is its suffix: its name behind the last dot.

    Args:
        module_shapes: full name of every linear layer -> (out, in).
        targets: names or suffixes, as `target_modules` of the library; without repetitions.
        r: the rank, at least 1.
    Returns:
        `{"kinds": {suffix: {"modules", "reached", "trainable"}}, "trainable", "missed", "unmatched"}`: per
        kind how many layers there are, how many are reached, and the numbers trained in them; in all, the
        numbers trained; `missed`, the suffixes of which at least one layer isn't reached, sorted; and
        `unmatched`, the targets that reach nothing, in their order.
    Raises:
        ValueError: no layers, or r below 1.
    Source: Hu et al. 2021 (arXiv 2106.09685), section 4; PEFT, `LoraConfig.target_modules`.
    """
    if not module_shapes or r < 1:
        raise ValueError(f"need at least one linear layer and r >= 1, found {len(module_shapes)} and {r}")

    # TODO 2.11: match by whole suffix, count by kind, r (in + out) for each layer reached.
    # BEGIN SOLUTION 2.11
    def hits(name: str, target: str) -> bool:
        return name == target or name.endswith("." + target)

    kinds: dict[str, dict] = {}
    for name, (rows, columns) in module_shapes.items():
        reached = any(hits(name, target) for target in targets)
        kind = kinds.setdefault(name.split(".")[-1], {"modules": 0, "reached": 0, "trainable": 0})
        kind["modules"] += 1
        kind["reached"] += reached
        kind["trainable"] += r * (rows + columns) * reached
    return {
        "kinds": kinds,
        "trainable": sum(kind["trainable"] for kind in kinds.values()),
        "missed": sorted(name for name, kind in kinds.items() if kind["reached"] < kind["modules"]),
        "unmatched": [t for t in targets if not any(hits(name, t) for name in module_shapes)],
    }
    # END SOLUTION 2.11


def consensus(answers: Sequence[bool | None]) -> bool | None:
    """The answer that more than half of *all* attempts gave, or None.

    An attempt that couldn't be read (None) is no answer, but it was an attempt: two of five is no consensus,
    also when the other three say nothing. A tie has none either. There is no default.

    Args:
        answers: one entry an attempt at the same question, in any order.
    Returns:
        True, False, or None if neither has more than half of the attempts (also for no attempts).
    Raises:
        Nothing.
    Source: self-consistency, Wang et al. 2022 (arXiv 2203.11171), with an absolute majority.
    """
    # TODO 2.12: count both answers; more than half of all attempts decides.
    # BEGIN SOLUTION 2.12
    answers = list(answers)
    return next((said for said in (True, False) if 2 * answers.count(said) > len(answers)), None)
    # END SOLUTION 2.12
