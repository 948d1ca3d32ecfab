"""Lab 3, the tests that give points.

Every test says in words what a finished function does. Inputs come from `lab.rng`, seeded anew for each
submission, and from hand-made edge cases; what is right comes from lab3_oracles.py, from closed-form
gradients and from models built here, never from the solutions. A message names the mistake and holds no
expected value.

PYTEST_DONT_REWRITE: pytest would add the compared values to the message of a bare assert.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
import torch

from grading.hidden import lab3_oracles as oracle
from grading.hidden import lab3_records as truth
from grading.hidden.judging import Case, assert_refuses, judge, value_mistake
from grading.hidden.lab3_oracles import LOG2
from grading.hidden.lab3_records import make_records as make_records  # the grader finds it here by name
from labkit import fixtures
from labkit.testing import assert_close, assert_equal, mistake

near = functools.partial(assert_close, rtol=1e-5, atol=1e-6)


def tensors(four: oracle.Four) -> list[torch.Tensor]:
    return [torch.tensor(side, dtype=torch.float64) for side in four]


def scalar(got: object) -> float:
    """A scalar tensor as a float; anything else is told."""
    assert isinstance(got, torch.Tensor) and got.dim() == 0 and got.is_floating_point(), (
        "the result is one number: a scalar tensor"
    )
    return float(got)


def row(got: object, n: int) -> list[float]:
    """A tensor of shape (n,) as a list of floats; anything else is told."""
    assert isinstance(got, torch.Tensor) and tuple(got.shape) == (n,) and got.is_floating_point(), (
        "the result is a float tensor with one entry for each"
    )
    return [float(value) for value in got]


def gradient(lab, result: object, leaf: object, hint: str) -> list[float]:
    found = lab.make("gradient", result, leaf)
    assert isinstance(found, torch.Tensor), hint
    return [float(value) for value in found.flatten()]


def told(lab, got: object, n: int) -> list[float]:
    """As `row`, of what was computed from a `leaf` or a `kept` tensor."""
    return row(lab.make("value", got), n)


def unchanged(lab, given: dict[str, tuple]) -> None:
    """given: {name: (a `leaf` or something `kept`, what it was)}. All are still what they were."""
    for name, (thing, was) in given.items():
        now = lab.make("value", thing)
        hint = f"`{name}` was changed in place; what a function is given stays as it is, so work on a copy"
        assert_equal(now.tolist() if isinstance(now, torch.Tensor) else now, was, hint)


# ---- 3.1 completion_logps ----------------------------------------------------------------------------------


def logps_mistakes(logits, ids, mask) -> dict[str, list[float]]:
    everything = np.ones_like(mask)
    ended = np.array(
        [[1 if t <= max(np.flatnonzero(line)) else 0 for t in range(len(line))] for line in mask]
    )
    backwards = np.array(mask)
    with np.errstate(divide="ignore"):
        rounded = np.log(np.exp(oracle.log_softmax(np.asarray(logits))).astype(np.float32))
    lost = {
        "the logarithm of a softmax: an unlikely token got -inf; take the log-softmax": oracle.logps(
            rounded, ids, mask, raw=True
        )
    }
    floors = {
        f"log-probabilities were clamped at {low}; an unlikely token has its own": low
        for low in (-20, -30, -50, -100)
    }
    return {
        **(lost if np.isinf(rounded).any() else {}),
        **{
            words: oracle.logps(np.maximum(oracle.log_softmax(np.asarray(logits)), low), ids, mask, raw=True)
            for words, low in floors.items()
            if np.ptp(logits) > 200
        },
        "off by one: the shift is missing, position t predicts token t + 1": oracle.logps(
            logits, ids, mask, 0
        ),
        "off by one: the shift goes the wrong way, or by two": oracle.logps(logits, ids, mask, 2),
        "a mean over the completion's tokens; the probability of a text is a product, so sum": oracle.logps(
            logits, ids, mask, average=True
        ),
        "the prompt's tokens were counted; only those with mask 1 count": oracle.logps(logits, ids, ended),
        "the mask is missing: prompt and padding were counted": oracle.logps(logits, ids, everything),
        "raw logits were added up; take the log-softmax": oracle.logps(logits, ids, mask, raw=True),
        "the mask wasn't shifted with the tokens": oracle.logps(logits, ids, np.roll(backwards, 1, axis=1)),
        "in bits; natural logarithms were asked for": [v / LOG2 for v in oracle.logps(logits, ids, mask)],
        "the sign: a log-probability is at most 0": [-v for v in oracle.logps(logits, ids, mask)],
    }


def check_logps(lab, given: list[tuple], rule: str) -> None:
    judge(
        [
            Case(
                lambda g=g: row(
                    lab.method.completion_logps(
                        torch.tensor(g[0]).float(), torch.tensor(g[1]), torch.tensor(g[2])
                    ),
                    len(g[1]),
                ),
                oracle.logps(*g),
                lambda g=g: logps_mistakes(*g),
                f"{np.shape(g[0])} logits",
            )
            for g in given
        ],
        rule,
        functools.partial(assert_close, rtol=1e-4, atol=1e-4),
    )


@pytest.mark.todo("3.1", points=2)
def test_it_is_the_sum_of_the_shifted_log_probabilities(lab):
    given = [
        oracle.completion(lab.rng),
        oracle.completion(lab.rng, 1, 6, 5),
        oracle.completion(lab.rng, 4, 12),
    ]
    logits, ids, mask = oracle.completion(lab.rng, 3, 9)
    given.append((logits * 100, ids, mask))  # gaps of hundreds of nats
    check_logps(lab, given, "shift by one, log-softmax, gather the tokens, mask, sum")


@pytest.mark.todo("3.1", points=2)
def test_nothing_with_mask_0_changes_the_result(lab):
    logits, ids, mask = oracle.completion(lab.rng, 3, 9)
    mask[1] = 0
    mask[1][[3, 6]] = 1  # with a gap in it
    mask[2] = 0
    mask[2][0] = 1  # the first token has no prediction: nothing counts
    want = oracle.logps(logits, ids, mask)
    call = lab.method.completion_logps
    scores, words, flags = torch.tensor(logits).float(), torch.tensor(ids), torch.tensor(mask)
    got = row(call(scores, words, flags), 3)
    likely = {
        "a mask with a gap in it: only tokens whose own mask is 1 count": oracle.logps(
            logits, ids, [mask[0], [0, 0, 0, 1, 1, 1, 1, 0, 0], mask[2]]
        ),
    }
    assert_close(
        got, want, mistake(got, likely, "each token's own mask decides; no counted token gives 0"), 1e-4, 1e-4
    )
    got = row(call(scores, words, flags.bool()), 3)
    assert_close(got, want, "a mask of True and False must do as well as one of 1 and 0", 1e-4, 1e-4)
    for stray in (-100, logits.shape[-1] + 7):
        ignored = torch.where(flags == 1, words, torch.full_like(words, stray))
        hint = (
            f"ids of {stray} at positions with mask 0 must not matter: put a valid id there before gathering"
        )
        try:
            got = row(call(scores, ignored, flags), 3)
        except (RuntimeError, IndexError):
            raise AssertionError(hint) from None
        assert_close(got, want, hint, 1e-4, 1e-4)
    blocked = scores.clone()
    for line in range(3):
        for t in range(1, 9):
            if not mask[line][t]:
                blocked[line, t - 1, ids[line][t]] = -math.inf
    got = row(call(blocked, words, flags), 3)
    free = oracle.logps(np.where(np.isinf(blocked.numpy()), -1e9, blocked.numpy()), ids, mask)
    assert_close(
        got,
        free,
        "a log-probability of -inf under mask 0 gave NaN (0 times -inf): choose, don't multiply",
        1e-4,
        1e-4,
    )


@pytest.mark.todo("3.1", points=1)
def test_low_precision_logits_are_read_in_float32(lab):
    logits, ids, mask = oracle.completion(lab.rng, 3, 12, 40)
    for kind, digits in (("bfloat16", "three"), ("float16", "four")):
        half = torch.tensor(logits).to(getattr(torch, kind))
        want = oracle.logps(half.double().numpy(), ids, mask)
        got = row(lab.method.completion_logps(half, torch.tensor(ids), torch.tensor(mask)), 3)
        hint = f"the log-softmax was taken in {kind}, which has {digits} digits; take it in float32"
        assert_close(got, want, hint, 1e-5, 1e-5)
    double = torch.tensor(logits)
    got = row(lab.method.completion_logps(double, torch.tensor(ids), torch.tensor(mask)), 3)
    assert_close(
        got, oracle.logps(logits, ids, mask), "float64 logits must not lose their precision", 1e-6, 1e-9
    )


@pytest.mark.todo("3.1", points=1)
def test_gradients_flow_to_the_logits_and_bad_shapes_are_refused(lab):
    logits, ids, mask = oracle.completion(lab.rng, 1, 6, 5)
    leaf = lab.make("leaf", logits.tolist())
    result = lab.method.completion_logps(leaf, torch.tensor(ids), torch.tensor(mask))
    want = np.zeros_like(logits)
    for t in np.flatnonzero(mask[0][1:]) + 1:  # d log p(token) / d logits = onehot - softmax
        want[0, t - 1] -= np.exp(oracle.log_softmax(logits[0, t - 1]))
        want[0, t - 1, ids[0, t]] += 1
    got = gradient(lab, result, leaf, "the result has no gradient; nothing could be trained on it")
    near(
        got, want.flatten().tolist(), "the gradient is that of the completion's log-softmax, and 0 elsewhere"
    )
    scores, words, flags = torch.tensor(logits), torch.tensor(ids), torch.tensor(mask)
    strays = torch.where(flags == 1, words, torch.full_like(words, -100))
    kept = [lab.make("kept", tensor) for tensor in (scores, strays, flags)]
    got = told(lab, lab.method.completion_logps(*kept), 1)
    assert_close(got, oracle.logps(logits, ids, mask), "the sum over the completion's tokens", 1e-6, 1e-6)
    was = [tensor.tolist() for tensor in (scores, strays, flags)]
    names = ("logits", "input_ids", "completion_mask")
    unchanged(lab, dict(zip(names, zip(kept, was, strict=True), strict=True)))
    hint = "shapes that don't fit must still be refused: leave the check above your code"
    for bad in ((scores[0], words, flags), (scores, words[:, 1:], flags), (scores, words, flags[:, 1:])):
        assert_refuses(lambda bad=bad: lab.method.completion_logps(*bad), hint)


# ---- the losses: what they share ---------------------------------------------------------------------------


def check_loss(lab, name: str, given: list[tuple], right, likely, rule: str) -> None:
    """`lab.method.<name>(*four, beta)` is `right(four, beta)` for every (four, beta)."""
    function = getattr(lab.method, name)
    judge(
        [
            Case(
                lambda g=g: scalar(function(*tensors(g[0]), g[1])),
                right(*g),
                lambda g=g: likely(*g),
                f"{len(g[0][0])} pairs, beta {g[1]:g}",
            )
            for g in given
        ],
        rule,
        near,
    )


def refuse_bad_pairs(lab, name: str) -> None:
    function, four = getattr(lab.method, name), tensors(oracle.pairs(lab.rng, 3))
    hint = "beta of 0 or below, no pairs and uneven tensors must still be refused: leave the check as it is"
    for beta in (0.0, -0.1):
        assert_refuses(lambda beta=beta: function(*four, beta), hint)
    assert_refuses(lambda: function(four[0][1:], *four[1:], 0.1), hint)
    assert_refuses(lambda: function(*[side[:0] for side in four], 0.1), hint)


def leaves(lab, four: oracle.Four) -> list:
    """The policy's log-probabilities as leaves, the reference's as constants."""
    return [lab.make("leaf", four[0]), lab.make("leaf", four[1]), *tensors(four[2:])]


def some_pairs(lab, sizes: tuple[int, ...], betas: tuple[float, ...]) -> list[tuple]:
    return [(oracle.pairs(lab.rng, n), beta) for n, beta in zip(sizes, betas, strict=True)]


# ---- 3.2 dpo_loss ------------------------------------------------------------------------------------------


def dpo_mistakes(four: oracle.Four, beta: float) -> dict[str, float]:
    found = oracle.gaps(four)
    pc, pr, rc, rr = four
    losses = [oracle.softplus(-beta * gap) for gap in found]
    nothing = [[0.0] * len(pc)] * 2
    return {
        "chosen and rejected are swapped": oracle.mean([oracle.softplus(beta * gap) for gap in found]),
        "the reference is missing: subtract its log-probabilities": oracle.dpo([pc, pr, *nothing], beta),
        "the references of chosen and rejected are swapped": oracle.dpo([pc, pr, rr, rc], beta),
        "the reference was added; subtract it": oracle.dpo(
            [pc, pr, [-v for v in rc], [-v for v in rr]], beta
        ),
        "beta is missing": oracle.dpo(four, 1.0),
        "beta must multiply the gap, not divide it": oracle.dpo(four, 1 / beta),
        "a sum over the pairs; take the mean": math.fsum(losses),
        "the mean of the gaps was taken first; take it over the losses": oracle.softplus(
            -beta * oracle.mean(found)
        ),
        "the log is missing: that is 1 - sigma": oracle.mean([oracle.sigmoid(-beta * gap) for gap in found]),
        "the sign: the loss is minus the log": -oracle.mean(losses),
    }


@pytest.mark.todo("3.2", points=2)
def test_it_is_the_mean_of_minus_log_sigmoid(lab):
    given = some_pairs(lab, (1, 5, 8, 16), (0.1, 0.05, 0.5, 2.0))
    check_loss(lab, "dpo_loss", given, oracle.dpo, dpo_mistakes, "the mean of -log sigma(beta times the gap)")


@pytest.mark.todo("3.2", points=1)
def test_gaps_of_thousands_of_nats_neither_overflow_nor_vanish(lab):
    big = float(lab.rng.uniform(4000, 9000))
    for sign in (1, -1):
        four = [[-20.0], [-20.0 - sign * big], [-20.0], [-20.0]]
        got = scalar(lab.method.dpo_loss(*tensors(four), 1.0))
        hint = "a large gap overflowed; use a log-sigmoid that is stable, not the log of a sigmoid"
        near(got, oracle.dpo(four, 1.0), hint)


@pytest.mark.todo("3.2", points=2)
def test_the_gradient_pushes_wrong_pairs_most(lab):
    four, beta = oracle.pairs(lab.rng, 6), 0.3
    given = leaves(lab, four)
    result = lab.method.dpo_loss(*given, beta)
    want = [-beta * oracle.sigmoid(-beta * gap) / 6 for gap in oracle.gaps(four)]
    got = gradient(
        lab, result, given[0], "the result has no gradient: it was detached, or turned into a number"
    )
    likely = {
        "the gradient has the other sign: training would lower the chosen text": [-value for value in want],
        "the gradient of a sum: take the mean over pairs": [6 * value for value in want],
    }
    near(got, want, mistake(got, likely, "the gradient of the chosen is -beta sigma(-beta gap) / n"))
    got = gradient(lab, result, given[1], "no gradient reaches the rejected text")
    near(got, [-value for value in want], "the gradient of the rejected is the chosen's with the other sign")


@pytest.mark.todo("3.2", points=1)
def test_the_first_loss_is_log_2_and_bad_input_is_refused(lab):
    for beta in (0.01, 0.1, 3.0):
        start = oracle.pairs(lab.rng, 4)
        start[2:] = start[:2]
        got = scalar(lab.method.dpo_loss(*tensors(start), beta))
        hint = "where policy and reference are the same, every gap is 0: log 2, whatever beta"
        near(got, LOG2, mistake(got, dpo_mistakes(start, beta), hint))
    refuse_bad_pairs(lab, "dpo_loss")


# ---- 3.3 implicit_rewards ----------------------------------------------------------------------------------


def rewards_of(four: oracle.Four, beta: float) -> dict[str, list[float]]:
    chosen, rejected = ([beta * ratio[side] for ratio in oracle.ratios(four)] for side in (0, 1))
    margin = [a - b for a, b in zip(chosen, rejected, strict=True)]
    right = [float(value > 0) for value in margin]
    return {"chosen": chosen, "rejected": rejected, "margin": margin, "accuracy": right}


def rewards_mistakes(four: oracle.Four, beta: float, name: str) -> dict[str, object]:
    want, plain = rewards_of(four, beta), rewards_of(four, 1.0)
    pc, pr, _, _ = four
    bare = {"chosen": [beta * v for v in pc], "rejected": [beta * v for v in pr]}
    bare["margin"] = [a - b for a, b in zip(bare["chosen"], bare["rejected"], strict=True)]
    swapped = {"chosen": want["rejected"], "rejected": want["chosen"], "margin": [-v for v in want["margin"]]}
    found: dict[str, object] = {
        "beta is missing: a reward is beta times the log-ratio": plain[name],
        "beta was applied twice": [v * beta for v in want[name]],
    }
    if name != "accuracy":
        found["the reference is missing: a reward is a log-ratio"] = bare[name]
        found["chosen and rejected are swapped"] = swapped[name]
        found["the sum of both rewards is no margin; subtract"] = [
            a + b for a, b in zip(want["chosen"], want["rejected"], strict=True)
        ]
    found["right and wrong are swapped: the margin must be above 0"] = [1 - v for v in want["accuracy"]]
    found["accuracy is right where the chosen reward is above 0; compare it with the rejected one"] = [
        float(v > 0) for v in want["chosen"]
    ]
    return found


@pytest.mark.todo("3.3", points=2)
def test_rewards_margin_and_accuracy_of_every_pair(lab):
    given = some_pairs(lab, (5, 9, 1), (0.1, 0.5, 0.05))
    crossed = [[-9.0, -5.0], [-16.0, -4.0], [-8.0, -6.0], [-12.0, -7.0]]  # c = -1 and 1, gaps 3 and -2
    given.append((crossed, 0.2))
    for four, beta in given:
        got = lab.method.implicit_rewards(*tensors(four), beta)
        names = "four tensors: chosen, rejected, margin and accuracy"
        assert isinstance(got, dict) and sorted(got) == ["accuracy", "chosen", "margin", "rejected"], names
        for name, want in rewards_of(four, beta).items():
            values = got[name]
            assert isinstance(values, torch.Tensor) and tuple(values.shape) == (len(want),), (
                f"`{name}` has one entry for each pair; don't take their mean"
            )
            values = row(values, len(want))
            near(values, want, mistake(values, rewards_mistakes(four, beta, name), f"`{name}` of each pair"))


@pytest.mark.todo("3.3", points=1)
def test_a_tie_counts_as_wrong(lab):
    four = [[-4.0, -6.0, -2.0], [-9.0, -3.0, -8.0], [-4.0, -5.0, -3.0], [-9.0, -2.0, -8.5]]
    order = [int(place) for place in lab.rng.permutation(3)]  # gaps 0, 0 and .5
    four = [[side[place] for place in order] for side in four]
    got = row(lab.method.implicit_rewards(*tensors(four), 0.1)["accuracy"], 3)
    want = [float(gap > 0) for gap in oracle.gaps(four)]
    likely = {
        "a tie was counted as right; the margin must be above 0": [
            float(gap >= 0) for gap in oracle.gaps(four)
        ],
        "a tie was counted half; the margin must be above 0": [
            0.5 if g == 0 else float(g > 0) for g in oracle.gaps(four)
        ],
    }
    assert_close(got, want, mistake(got, likely, "1.0 where the margin is above 0, else 0.0"))
    close = [[-4 + 2.0**-18], [-9.0], [-4.0], [-9.0]]
    got = row(lab.method.implicit_rewards(*tensors(close), 0.1)["accuracy"], 1)
    assert_close(got, [1.0], "a margin that is small but above 0 is right: compare with 0, no tolerance")


@pytest.mark.todo("3.3", points=1)
def test_rewards_carry_no_gradient_and_bad_input_is_refused(lab):
    four = oracle.pairs(lab.rng, 1)
    given = [lab.make("leaf", side) for side in four[:2]]
    given += [lab.make("kept", side) for side in tensors(four[2:])]
    got = lab.method.implicit_rewards(*given, 0.1)
    names = ("policy_chosen", "policy_rejected", "ref_chosen", "ref_rejected")
    unchanged(lab, dict(zip(names, zip(given, four, strict=True), strict=True)))
    for name in ("chosen", "rejected", "margin"):
        for leaf in given[:2]:
            found = lab.make("gradient", got[name], leaf)
            assert found is None, (
                f"`{name}` carries a gradient; detach it: it is a log line, nothing is trained on it"
            )
    refuse_bad_pairs(lab, "implicit_rewards")


# ---- 3.4 cal_dpo_loss --------------------------------------------------------------------------------------


def cal_mistakes(four: oracle.Four, beta: float) -> dict[str, float]:
    right, target, both = oracle.cal_dpo(four, beta), 1 / (2 * beta), oracle.ratios(four)
    compared = oracle.mean([oracle.softplus(-(c - r)) for c, r in both])

    def squares(up: float, down: float) -> float:
        return compared + oracle.mean([(c - up) ** 2 + (r - down) ** 2 for c, r in both])

    nothing = [[0.0] * len(both)] * 2
    room = [min(target, -rc) for rc in four[2]]
    capped = compared + oracle.mean(
        [(c - most) ** 2 + (r + target) ** 2 for (c, r), most in zip(both, room, strict=True)]
    )
    return {
        "the target was capped at what is left to certainty; it is 1/(2 beta) for every pair": capped,
        "the comparison has no beta in it, as published": oracle.cal_dpo(four, beta, beta_inside=beta),
        "the squares have weight 1, not 1/2": oracle.cal_dpo(four, beta, weight=0.5),
        "both targets are positive; the rejected one's is -1/(2 beta)": squares(target, target),
        "the targets' signs are swapped": squares(-target, target),
        "the targets are 1/(2 beta), not 1/beta": squares(1 / beta, -1 / beta),
        "the targets are 1/(2 beta), not beta/2": squares(beta / 2, -beta / 2),
        "the targets are 1/(2 beta), not 1/2": squares(0.5, -0.5),
        "the comparison is missing; that are the squares alone": right - compared,
        "the squares are missing; that is the comparison alone": compared,
        "the reference is missing": oracle.cal_dpo([*four[:2], *nothing], beta),
        "chosen and rejected are swapped": oracle.cal_dpo([four[1], four[0], four[3], four[2]], beta),
        "a sum over the pairs; take the mean": right * len(both),
    }


@pytest.mark.todo("3.4", points=3)
def test_a_comparison_without_beta_and_two_squares(lab):
    given = some_pairs(lab, (1, 6, 10), (0.1, 0.25, 0.5))
    given.append((oracle.sure_pairs(lab.rng, 5), 0.1))  # targets beyond what a log-probability can reach
    rule = "the mean of -log sigma(gap) + (c - target)² + (r + target)²"
    check_loss(lab, "cal_dpo_loss", given, oracle.cal_dpo, cal_mistakes, rule)


@pytest.mark.todo("3.4", points=1)
def test_it_pulls_each_log_ratio_to_its_own_target(lab):
    beta, four = 0.25, oracle.pairs(lab.rng, 4, spread=1.0)
    given = leaves(lab, four)
    result = lab.method.cal_dpo_loss(*given, beta)
    want = [(-oracle.sigmoid(-(c - r)) + 2 * (c - 2)) / 4 for c, r in oracle.ratios(four)]
    half = [(-oracle.sigmoid(-(c - r)) + (c - 2)) / 4 for c, r in oracle.ratios(four)]
    lost = "the squares carry no gradient: something was detached"
    likely = {
        "the squares have weight 1": half,
        lost: [-oracle.sigmoid(-(c - r)) / 4 for c, r in oracle.ratios(four)],
    }
    got = gradient(lab, result, given[0], "the result has no gradient")
    near(
        got, want, mistake(got, likely, "the gradient of the chosen: of the comparison, plus 2 (c - target)")
    )
    want = [(oracle.sigmoid(-(c - r)) + 2 * (r + 2)) / 4 for c, r in oracle.ratios(four)]
    got = gradient(lab, result, given[1], "no gradient reaches the rejected text")
    near(got, want, "the gradient of the rejected: of the comparison, plus 2 (r + target)")


@pytest.mark.todo("3.4", points=1)
def test_large_gaps_stay_finite_and_bad_input_is_refused(lab):
    for gap in (900.0, -900.0):
        four = [[-5.0], [-5.0 - gap], [-5.0], [-5.0]]
        got = scalar(lab.method.cal_dpo_loss(*tensors(four), 0.1))
        near(got, oracle.cal_dpo(four, 0.1), "a large gap overflowed; use a log-sigmoid that is stable")
    refuse_bad_pairs(lab, "cal_dpo_loss")


# ---- 3.5 dr_dpo_loss ---------------------------------------------------------------------------------------


def dr_mistakes(losses: list[float], beta_prime: float) -> dict[str, float]:
    n = len(losses)
    raised = {
        f"a small beta_prime was raised to {floor:g}; it may be any number above 0": oracle.dr_dpo(
            losses, floor
        )
        for floor in (0.2, 0.25, 0.3, 0.5, 1.0)
        if beta_prime < floor
    }
    large = {"a large beta_prime was taken for an infinite one: that is the plain mean": oracle.mean(losses)}
    return {
        **raised,
        **(large if beta_prime >= 10 else {}),
        "that is the plain mean": oracle.mean(losses),
        "a sum of the exponentials; take their mean": oracle.dr_dpo(losses, beta_prime)
        - beta_prime * math.log(n),
        "the signs are the wrong way: high losses would weigh most": -oracle.dr_dpo(
            [-v for v in losses], beta_prime
        ),
        "beta_prime wasn't used": oracle.dr_dpo(losses, 1.0),
        "beta_prime is missing inside the exponential": beta_prime * oracle.dr_dpo(losses, 1.0),
        "beta_prime is missing in front of the logarithm": oracle.dr_dpo(losses, beta_prime) / beta_prime,
        "beta_prime divides the losses; it was multiplied": beta_prime
        * oracle.dr_dpo(losses, 1 / beta_prime),
        "that is the weighted mean; its gradient isn't that of the loss": sum(
            w * v for w, v in zip(oracle.dr_weights(losses, beta_prime), losses, strict=True)
        ),
        "the sign: minus beta_prime times the log": -oracle.dr_dpo(losses, beta_prime),
    }


@pytest.mark.todo("3.5", points=2)
def test_it_is_minus_the_log_of_the_mean_exponential(lab):
    given = [([0.1, 0.3, 0.7, 1.5, 3.0], 1.0)]
    for n, beta_prime in ((4, 0.5), (9, 2.0), (6, 5.0), (5, 0.1), (8, 20.0)):
        given.append(([float(value) for value in lab.rng.exponential(1.2, size=n)], beta_prime))
    judge(
        [
            Case(
                lambda g=g: scalar(lab.method.dr_dpo_loss(torch.tensor(g[0], dtype=torch.float64), g[1])),
                oracle.dr_dpo(*g),
                lambda g=g: dr_mistakes(*g),
                f"{len(g[0])} losses, beta_prime {g[1]:g}",
            )
            for g in given
        ],
        "-beta_prime log mean exp(-loss / beta_prime)",
        near,
    )
    losses = torch.tensor(given[1][0], dtype=torch.float64)
    near(
        scalar(lab.method.dr_dpo_loss(losses)), oracle.dr_dpo(given[1][0], 1.0), "without beta_prime it is 1"
    )


@pytest.mark.todo("3.5", points=1)
def test_huge_losses_and_extreme_beta_primes_stay_finite(lab):
    losses = [float(value) for value in lab.rng.uniform(3000, 9000, size=5)]
    given = torch.tensor(losses, dtype=torch.float64)
    got = scalar(lab.method.dr_dpo_loss(given))
    hint = "losses of thousands gave inf or NaN: exp underflows; use a log-sum-exp that is stable"
    near(got, oracle.dr_dpo(losses, 1.0), hint)
    got = scalar(lab.method.dr_dpo_loss(given / 1000, 1e9))
    near(got, oracle.mean(losses) / 1000, "for a large beta_prime it is the mean of the losses")
    got = scalar(lab.method.dr_dpo_loss(given / 1000, math.inf))
    near(got, oracle.mean(losses) / 1000, "an infinite beta_prime gives the mean of the losses, not NaN")


@pytest.mark.todo("3.5", points=1)
def test_the_weights_are_a_softmax_of_minus_the_losses(lab):
    losses = [float(value) for value in lab.rng.exponential(1.5, size=6)]
    leaf = lab.make("leaf", losses)
    result = lab.method.dr_dpo_loss(leaf, 0.7)
    want = oracle.dr_weights(losses, 0.7)
    got = gradient(lab, result, leaf, "the result has no gradient; it must flow to the losses")
    likely = {
        "all pairs weigh the same; that is the plain mean": [1 / 6] * 6,
        "high losses weigh most; the sign is the wrong way": oracle.dr_weights([-v for v in losses], 0.7),
        "beta_prime wasn't used": oracle.dr_weights(losses, 1.0),
    }
    near(got, want, mistake(got, likely, "the gradient are the weights softmax(-loss / beta_prime)"))


@pytest.mark.todo("3.5", points=1)
def test_bad_losses_and_beta_primes_are_refused(lab):
    losses = torch.tensor([0.5, 1.0])
    hint = "a beta_prime of 0 or below, no losses or a table of them must still be refused: leave the check"
    for bad in ((losses, 0.0), (losses, -1.0), (losses[:0], 1.0), (losses[None], 1.0), (losses, math.nan)):
        assert_refuses(lambda bad=bad: lab.method.dr_dpo_loss(*bad), hint)
    one = scalar(lab.method.dr_dpo_loss(losses[1:]))
    near(one, 1.0, "the loss of a single pair is that pair's loss")


# ---- 3.6 centred_loss --------------------------------------------------------------------------------------


def centred_mistakes(four: oracle.Four, beta: float) -> dict[str, float]:
    found = oracle.gaps(four)
    middle = oracle.mean(found)
    return {
        "the batch's mean gap wasn't subtracted: that is DPO": oracle.dpo(four, beta),
        "the mean gap was added; subtract it": oracle.mean(
            [oracle.softplus(-beta * (g + middle)) for g in found]
        ),
        "beta is missing": oracle.centred(four, 1.0),
        "beta must multiply the mean gap too": oracle.mean(
            [oracle.softplus(-(beta * g - middle)) for g in found]
        ),
        "the reference is missing": oracle.centred([*four[:2], *([[0.0] * len(found)] * 2)], beta),
        "chosen and rejected are swapped": oracle.mean([oracle.softplus(beta * (g - middle)) for g in found]),
        "the median isn't the mean": oracle.mean(
            [oracle.softplus(-beta * (g - float(np.median(found)))) for g in found]
        ),
        "a sum over the pairs; take the mean": oracle.centred(four, beta) * len(found),
        "the mean loss was subtracted; subtract the mean gap": 0.0,
    }


@pytest.mark.todo("3.6", points=1)
def test_the_batch_mean_is_subtracted_from_every_gap(lab):
    given = some_pairs(lab, (5, 8, 11), (0.1, 0.5, 1.0))
    rule = "the mean of -log sigma(beta (gap - mean gap))"
    check_loss(lab, "centred_loss", given, oracle.centred, centred_mistakes, rule)


@pytest.mark.todo("3.6", points=2)
def test_at_the_start_its_gradient_is_exactly_0_and_always_adds_up_to_0(lab):
    start = oracle.pairs(lab.rng, 5)
    start[2:] = [list(side) for side in start[:2]]
    given = leaves(lab, start)
    result = lab.method.centred_loss(*given, 0.1)
    detached = "the mean was detached: then the gradient isn't 0 at the start; let it flow through the mean"
    for leaf in given[:2]:
        got = gradient(lab, result, leaf, "the result has no gradient")
        assert_close(got, [0.0] * 5, detached, atol=1e-9)
    given = leaves(lab, oracle.pairs(lab.rng, 7))
    result = lab.method.centred_loss(*given, 0.3)
    for leaf in given[:2]:
        got = gradient(lab, result, leaf, "the result has no gradient")
        assert_close(sum(got), 0.0, detached, atol=1e-9)
        assert max(abs(value) for value in got) > 1e-6, (
            "pairs with different gaps have a gradient, which isn't 0"
        )


@pytest.mark.todo("3.6", points=1)
def test_it_is_never_below_log_2_and_bad_input_is_refused(lab):
    one = oracle.pairs(lab.rng, 1)
    got = scalar(lab.method.centred_loss(*tensors(one), 0.7))
    hint = mistake(
        got, centred_mistakes(one, 0.7), "a batch of one pair is always at log 2: its gap is its mean"
    )
    near(got, LOG2, hint)
    four = oracle.pairs(lab.rng, 6, spread=2000.0)
    got = scalar(lab.method.centred_loss(*tensors(four), 1.0))
    near(got, oracle.centred(four, 1.0), "a large gap overflowed; use a log-sigmoid that is stable")
    refuse_bad_pairs(lab, "centred_loss")


# ---- 3.7 drop_noisiest -------------------------------------------------------------------------------------


def drop_mistakes(scores: list[float], share: str) -> dict[str, list[int]]:
    n, right = len(scores), oracle.kept(scores, share)
    part = float(share)
    ascending = sorted(range(n), key=lambda i: (scores[i], i))

    def keep(count: int, order: list[int] = ascending) -> list[int]:
        return sorted(order[:count])

    earlier = sorted(range(n), key=lambda i: (scores[i], -i))
    return {
        "round down: share of n may be no whole number": keep(n - math.ceil(round(part * n, 9))),
        "round down, don't round to the nearest": keep(n - int(part * n + 0.5)),
        "share * n fell just below a whole number: 0.29 * 100 is 28.99… in floats, but means 29": keep(
            n - math.floor(part * n)
        ),
        "the lowest scores were dropped; the highest are the noisiest": sorted(ascending[n - len(right) :])
        if right
        else [],
        "of equal scores the later one goes": keep(len(right), earlier),
        "all pairs with the score of the last dropped one went; only the later of equal ones go": [
            i
            for i in range(n)
            if len(right) == n or scores[i] < min(scores[j] for j in set(range(n)) - set(right))
        ],
        "the indices of the dropped pairs were given; those that stay were asked for": sorted(
            set(range(n)) - set(right)
        ),
        "the indices must be ascending": ascending[: len(right)],
    }


def check_drop(lab, given: list[tuple[list[float], str]], rule: str) -> None:
    judge(
        [
            Case(
                lambda g=g: lab.method.drop_noisiest(g[0], float(g[1])),
                oracle.kept(*g),
                lambda g=g: drop_mistakes(*g),
                f"{len(g[0])} scores, share {g[1]}",
            )
            for g in given
        ],
        rule,
        assert_equal,
    )


@pytest.mark.todo("3.7", points=1)
def test_the_highest_scores_are_dropped(lab):
    given = [
        ([float(v) for v in lab.rng.normal(size=n)], share)
        for n, share in ((20, "0.15"), (9, "0.5"), (7, "0.2"))
    ]
    check_drop(
        lab, given, "the floor(share n) highest scores go, the others stay in ascending order of index"
    )


@pytest.mark.todo("3.7", points=1)
def test_a_share_is_the_decimal_it_is_written_as(lab):
    given = [
        ([float(v) for v in lab.rng.normal(size=n)], s) for n, s in ((100, "0.29"), (50, "0.58"), (13, "0.3"))
    ]
    given += [([float(v) for v in lab.rng.normal(size=10)], "0"), ([], "0.15"), ([1.0, 2.0, 3.0], "0.33")]
    given += [([2.0, 3.0, 1.0], "0.333"), ([1.0, 3.0, 2.0], "0.3333333")]  # just below one pair: none
    check_drop(lab, given, "0.29 of 100 are 29; of what is no whole number the floor; nothing stays nothing")


@pytest.mark.todo("3.7", points=1)
def test_equal_scores_go_from_the_back_and_nan_is_refused(lab):
    given = [([float(v) for v in lab.rng.integers(0, 3, size=n)], s) for n, s in ((12, "0.25"), (15, "0.4"))]
    infinite = [0.0, math.inf, -math.inf, math.inf]
    check_drop(
        lab, [*given, (infinite, "0.25"), ([1.0] * 6, "0.5")], "of equal scores the later ones go first"
    )
    scores = given[0][0]
    scores[int(lab.rng.integers(12))] = math.nan
    assert_refuses(
        lambda: lab.method.drop_noisiest(scores, 0.25), "a score of NaN was accepted; it has no order"
    )
    for few, share in (([math.nan, 1.0], 0.0), ([1.0, math.nan, 2.0], 0.25), ([2.0, math.nan], 0.49)):
        hint = "a score of NaN was accepted because no pair would be dropped; refuse it always"
        assert_refuses(lambda few=few, share=share: lab.method.drop_noisiest(few, share), hint)
    hint = "a share of 1 or more, or below 0, must still be refused: leave the check above your code"
    for share in (1.0, -0.1, 15.0):
        assert_refuses(lambda share=share: lab.method.drop_noisiest([1.0, 2.0], share), hint)


# ---- 3.8 beta_schedule -------------------------------------------------------------------------------------


@pytest.mark.todo("3.8", points=1)
def test_every_epoch_has_its_loss(lab):
    for epoch in (1, 2, 3, 4, 5, 12):
        got = lab.method.beta_schedule(epoch)
        want = {**oracle.schedule(epoch), "log_ratio_gap": None}
        words = {
            "epochs are counted from 1, not from 0": {**oracle.schedule(epoch + 1), "log_ratio_gap": None},
            "beta is .10 from epoch 2 on": {**want, "beta": 0.05},
            "the robust epoch isn't calibrated": {**want, "calibrated": True},
            "epochs after the fourth are like the fourth: robust": {**want, "robust": False},
            "without margins there is no gap: None, not 0": {**want, "log_ratio_gap": 0.0},
        }
        named = [said for said, wrong in words.items() if got == wrong and wrong != want]
        assert_close(got, want, named[0] if named else f"the row of epoch {epoch} in the docstring's table")


@pytest.mark.todo("3.8", points=1)
def test_the_gap_is_brought_back_to_nats_with_the_beta_of_the_margins(lab):
    for epoch, beta in ((2, 0.05), (3, 0.1), (1, 0.4), (5, 2.0)):
        margins = [float(value) for value in lab.rng.normal(0.3, 0.5, size=int(lab.rng.integers(3, 9)))]
        gap = oracle.mean(margins) / beta
        got = lab.method.beta_schedule(epoch, margins, beta)["log_ratio_gap"]
        own = oracle.schedule(epoch)["beta"]
        words = {
            "that is the mean margin, still scaled by beta: divide": gap * beta,
            "it was divided by the new epoch's beta; the margins were scaled with margins_beta": gap
            * beta
            / own,
            "it was multiplied by beta; divide": gap * beta * beta,
            "a sum of the margins; take their mean": gap * len(margins),
        }
        named = [said for said, wrong in words.items() if type(got) is float and abs(got - wrong) < 1e-9]
        near(got, gap, named[0] if named else "the mean margin divided by margins_beta, a float in nats")
    for beta in (0.05, 0.0):
        hint = "without margins there is no gap, whatever margins_beta is: None"
        try:
            got = lab.method.beta_schedule(2, [], beta)["log_ratio_gap"]
        except (ZeroDivisionError, ValueError):
            raise AssertionError(f"{hint}, no error") from None
        assert_equal(got, None, hint)


@pytest.mark.todo("3.8", points=1)
def test_epoch_0_and_margins_without_their_beta_are_refused(lab):
    for epoch in (0, -1):
        hint = "epochs are counted from 1: epoch 0 and below were accepted, raise ValueError"
        assert_refuses(lambda epoch=epoch: lab.method.beta_schedule(epoch), hint)
    hint = "margins without the beta that scaled them, or with one of 0, were accepted: raise ValueError"
    assert_refuses(lambda: lab.method.beta_schedule(2, [0.1, 0.2]), hint)
    assert_refuses(lambda: lab.method.beta_schedule(2, [0.1], 0.0), hint)
    hint = "margins with a negative margins_beta were accepted; it must be above 0: raise ValueError"
    assert_refuses(lambda: lab.method.beta_schedule(2, [0.1], -0.05), hint)


# ---- 3.9 reference_logps -----------------------------------------------------------------------------------


def adapter_rows(lab) -> list:
    return [
        (
            [int(v) for v in lab.rng.integers(5, 200, size=a)],
            [int(v) for v in lab.rng.integers(5, 200, size=b)],
        )
        for a, b in ((4, 3), (2, 6), (5, 2))
    ]


def logps_in(model, batch: dict, adapter: str | None) -> list[float]:
    """What the stand-in gives under one adapter, or under the base alone (None), in eval mode."""
    model.eval()
    spread = fixtures.make("logps:spread")

    def under() -> torch.Tensor:
        with torch.no_grad():
            return model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits

    if adapter is None:
        with model.disable_adapter():
            logits = under()
    else:
        model.set_adapter(adapter)
        logits = under()
    return [float(value) for value in spread(logits, batch["input_ids"], batch["completion_mask"])]


MODELS = {
    "disabled": "that is the base, adapters disabled; a continued adapter's reference is its frozen copy",
    "ref": "that is the adapter 'ref'; 'disabled' is the base alone, 'self' the model as it stands",
    "self": "that is the adapter in training; the reference is another model",
}
ADAPTERS = (  # names of adapters, the active one; the modes that a model with them has
    (["default", "ref"], "default", ("disabled", "ref", "self", "ref")),
    (["default", "ref", "tuned"], "tuned", ("self", "ref", "disabled", "self")),
    (["default"], "default", ("disabled", "self")),
)


@pytest.mark.todo("3.9", points=2)
def test_each_mode_is_its_own_model(lab):
    rows, seed, logps = adapter_rows(lab), int(lab.rng.integers(1000)), lab.make("logps:spread")
    for names, active, modes in ADAPTERS:
        left = len(names) == 3
        batch, inside = (make("preference_batch", rows, left=left) for make in (lab.make, fixtures.make))
        here = fixtures.make("tiny_adapter_model", seed, names)
        adapter = {"disabled": None, "ref": "ref", "self": active}
        known = {mode: logps_in(here, inside, adapter[mode]) for mode in dict.fromkeys(modes)}
        unmasked = {**inside, "attention_mask": torch.ones_like(inside["attention_mask"])}
        model = lab.make("tiny_adapter_model", seed, names, active=active)
        for mode in modes:
            got = row(lab.method.reference_logps(model, batch, mode, logps), 3)
            likely = {MODELS[other]: values for other, values in known.items() if other != mode}
            if len(names) == 1 and mode == "disabled":
                likely = {"the adapter wasn't disabled; where there is one, too, it must be": known["self"]}
            if left:
                likely["the attention mask wasn't passed on: padding on the left was read as text"] = (
                    logps_in(here, unmasked, adapter[mode])
                )
            named = [w for w, values in likely.items() if np.allclose(got, values, rtol=1e-4)]
            hint = f"mode {mode!r} switches to the model that the docstring names (adapters {names})"
            assert_close(got, known[mode], named[0] if named else hint, 1e-4, 1e-5)


@pytest.mark.todo("3.9", points=1)
def test_dropout_is_off_and_no_gradient_stays(lab):
    rows, seed = adapter_rows(lab), int(lab.rng.integers(1000))
    batch, logps = lab.make("preference_batch", rows), lab.make("logps:leaf")
    here = fixtures.make("tiny_adapter_model", seed, ["default", "ref"], dropout=0.5)
    inside = fixtures.make("preference_batch", rows)
    adapters = {"ref": "ref", "self": "default", "disabled": None}
    known = {mode: logps_in(here, inside, adapter) for mode, adapter in adapters.items()}
    for mode in adapters:
        model = lab.make(
            "tiny_adapter_model", seed, ["default", "ref"], dropout=0.5, training=True, wanting="weight"
        )
        got = lab.method.reference_logps(model, batch, mode, logps)
        hint = (
            f"the result carries a gradient: a reference is a constant, so compute it without (mode {mode!r})"
        )
        assert_equal(lab.make("tensor_is_free", got), True, hint)
        values = told(lab, got, 3)
        likely = {MODELS[other]: known[other] for other in adapters if other != mode}
        named = [w for w, other in likely.items() if np.allclose(values, other, rtol=1e-4)]
        hint = "dropout was on: a reference in train mode is another model at every call; use eval"
        assert_close(values, known[mode], named[0] if named else hint, 1e-4, 1e-5)


STATES = (  # what a model may be like before: its mode, modules that rest, weights that want a gradient
    {"training": True},
    {"training": False},
    {"training": True, "resting": "layers.0", "wanting": "lora_A.tuned"},
    {"training": True, "resting": "lora_dropout", "wanting": "ref"},
)


@pytest.mark.todo("3.9", points=2)
def test_everything_is_put_back_also_after_an_error(lab):
    batch, good, bad = (
        lab.make("preference_batch", adapter_rows(lab)),
        lab.make("logps:spread"),
        lab.make("logps:fails"),
    )
    words = {
        "training": "train or eval mode wasn't put back",
        "modules_training": "a module changed between train and eval mode: put back each one's own",
        "active": "the active adapter wasn't put back; it may have any name",
        "disabled": "the adapters stayed disabled",
        "wanting": "other weights want a gradient than before: note each one's own before you switch",
    }
    for state in STATES:
        model = lab.make("tiny_adapter_model", 3, ["default", "ref", "tuned"], active="tuned", **state)
        before = lab.make("adapter_state", model)
        for mode in ("ref", "disabled", "self"):
            for logps, when in ((good, ""), (bad, ", after an error")):
                try:
                    lab.method.reference_logps(model, batch, mode, logps)
                except RuntimeError:
                    if logps is good:
                        raise
                after = lab.make("adapter_state", model)
                for name, said in words.items():
                    assert_equal(after[name], before[name], f"{said} (mode {mode!r}{when})")


@pytest.mark.todo("3.9", points=1)
def test_a_reference_that_is_not_there_is_refused(lab):
    batch, logps = lab.make("preference_batch", adapter_rows(lab)), lab.make("logps:spread")
    plain, new = lab.make("tiny_adapter_model", 4, []), lab.make("tiny_adapter_model", 4)
    got = row(lab.method.reference_logps(plain, batch, "self", logps), 3)
    assert all(math.isfinite(value) for value in got), "'self' works for a model without adapters"
    for model, mode, hint in (
        (
            new,
            "ref",
            "no adapter is called 'ref', and none was refused: the base would pass for the reference",
        ),
        (plain, "disabled", "without adapters there is nothing to disable: 'disabled' was accepted"),
        (plain, "ref", "without adapters there is no 'ref': it was accepted"),
        (new, "base", "another mode was accepted; there are disabled, ref and self"),
    ):
        assert_refuses(lambda m=model, k=mode: lab.method.reference_logps(m, batch, k, logps), hint)


# ---- 3.10 build_pairs --------------------------------------------------------------------------------------


def a_record(rng, number: int, answer: bool, draft: bool | None, teacher: bool | None) -> dict:
    said = {True: "Yes", False: "No", None: "Maybe"}[draft]
    a, b = (int(v) for v in rng.integers(2, 900, size=2))
    return {
        "qid": f"q{number}",
        "question": f"  Is thing {number} heavier than thing {a}?\n",
        "answer": answer,
        "draft": f"Answer: {said} - it looks so.\nQuestions: How heavy is thing {b}?\n",
        "draft_answer": draft,
        "final": f"Answer: Yes or No, we shall see.\nThing {a} weighs {b} kg. No doubt. Yes.\n"
        f"Answer: {'Yes' if answer else 'No'}",
        "teacher_answer": teacher,
        "entity": "thing",
    }


def pair_of(record: dict) -> dict | None:
    if record["teacher_answer"] is not record["answer"]:
        return None
    lines = record["final"].split("\n")
    wrong = record["draft_answer"] is not record["answer"]
    lines[-1] = f"Answer: {'No' if record['answer'] else 'Yes'}"
    return {
        "qid": record["qid"],
        "prompt": f"Question: {record['question'].strip()}\nStudent draft: {record['draft'].strip()}",
        "chosen": record["final"],
        "rejected": record["draft"] if wrong else "\n".join(lines),
        "source": "wrong_draft" if wrong else "flipped_answer",
    }


def pair_words(got: dict, record: dict) -> str:
    """Words for what is wrong with one pair."""
    want = pair_of(record)
    final, draft = record["final"], record["draft"]
    if set(got) != set(want):
        return "a pair has exactly the keys qid, prompt, chosen, rejected and source"
    if (got["chosen"], got["rejected"]) == (want["rejected"], want["chosen"]):
        return "chosen and rejected are swapped"
    if got["prompt"] != want["prompt"]:
        return "the prompt is 'Question: …', a line end, 'Student draft: …', both stripped"
    if want["source"] == "flipped_answer" and got["rejected"] == draft:
        return "a right draft was rejected; flip the final text's answer instead"
    if want["source"] == "wrong_draft" and got["rejected"] != draft:
        return "a wrong or unread draft is rejected as it is"
    if want["source"] == "flipped_answer" and got["rejected"] == final:
        return "the rejected text is the chosen one: its answer must be flipped"
    if want["source"] == "flipped_answer" and got["rejected"].split("\n")[:-1] != final.split("\n")[:-1]:
        return "only the last line's answer is flipped; the lines before it stay as they are"
    if got["chosen"] != final:
        return "chosen is the teacher's final text, as it is"
    return "source says why the rejected text is rejected: wrong_draft or flipped_answer"


def check_pairs(lab, records: list[dict], rule: str) -> None:
    got = lab.data.build_pairs(records, lab.seed)
    assert isinstance(got, list) and all(isinstance(pair, dict) and "qid" in pair for pair in got), (
        "a list of pairs"
    )
    by_qid = {pair["qid"]: pair for pair in got}
    for record in records:
        want, found = pair_of(record), by_qid.pop(record["qid"], None)
        if found == want:
            continue
        if want is None:
            hint = "a record whose teacher is wrong, or unread (None), gave a pair; skip it"
        elif found is None:
            hint = f"no pair was made of a record with a right teacher: {rule}"
        else:
            hint = pair_words(found, record)
        assert_equal(found, want, hint)
    assert not by_qid and len(got) == sum(pair_of(record) is not None for record in records), (
        "one pair a record"
    )


@pytest.mark.todo("3.10", points=2)
def test_wrong_and_unread_drafts_are_rejected(lab):
    records = [
        a_record(lab.rng, i, bool(i % 2), (not i % 2) if i % 3 else None, bool(i % 2)) for i in range(8)
    ]
    check_pairs(lab, records, "a draft that isn't right is rejected")
    for number, final in enumerate(
        ("  It is heavy.\nAnswer: Yes\n", "It is.\nSo the Answer: Yes", "Yes, it is")
    ):
        asked = {**records[1], "draft_answer": [False, None][number % 2], "final": final}
        hint = (
            "only where the draft is right is the final text flipped, so only there it needs an answer line"
        )
        try:
            check_pairs(lab, [asked], hint)
        except ValueError:
            raise AssertionError(hint) from None


@pytest.mark.todo("3.10", points=1)
def test_only_the_last_line_of_a_final_text_is_flipped(lab):
    records = [a_record(lab.rng, i, bool(i % 2), bool(i % 2), bool(i % 2)) for i in range(6)]
    records[0]["final"] = "Answer: No"  # nothing but the line
    check_pairs(lab, records, "of a right draft the final answer is flipped")
    hint = "a final text whose last line isn't exactly 'Answer: Yes' or 'Answer: No' was flipped; refuse it"
    for last in ("So the Answer: Yes", "Answer: Yes\n", "Answer: Yes.", " Answer: No", "Answer: Yes and No"):
        final = f"Answer: Yes\nThing 3 weighs 4 kg.\n{last}"
        assert_refuses(lambda f=final: lab.data.build_pairs([{**records[1], "final": f}], 0), hint)


@pytest.mark.todo("3.10", points=1)
def test_a_teacher_that_is_not_right_gives_no_pair(lab):
    records = [a_record(lab.rng, i, bool(i % 2), bool(i % 3), [None, True, False][i % 3]) for i in range(12)]
    check_pairs(lab, records, "skip only where the teacher is wrong or unread")
    same = a_record(lab.rng, 90, True, None, True)
    same["draft"] = same["final"]
    got = lab.data.build_pairs([same], 1)
    assert_equal(got, [], "chosen and rejected are the same text: nothing to prefer, leave the pair out")
    same["draft"] += "\n"
    hint = "a draft that differs from the final text by a line end is another text: the pair stays"
    assert_equal(lab.data.build_pairs([same], 1), [pair_of(same)], hint)


def same_question_twice(lab) -> None:
    """The same question with other drafts, and other questions of the same qid: a pair each."""
    one, other = a_record(lab.rng, 1, True, False, True), a_record(lab.rng, 2, True, None, True)
    for again, what in (
        ({**one, "draft": other["draft"]}, "qid and question"),
        ({**one, "qid": "q9", "draft": other["draft"], "draft_answer": None}, "question"),
        ({**other, "qid": one["qid"]}, "qid"),
    ):
        got = lab.data.build_pairs([one, again], 3)
        want = sorted([pair_of(one), pair_of(again)], key=lambda pair: pair["rejected"])
        hint = (
            f"a second record of the same {what} gave no pair of its own; each record is looked at by itself"
        )
        assert_equal(sorted(got, key=lambda pair: pair["rejected"]), want, hint)


@pytest.mark.todo("3.10", points=1)
def test_the_order_is_random_but_repeatable_and_bad_records_are_refused(lab):
    records = [a_record(lab.rng, i, True, False, True) for i in range(12)]
    before = lab.make("random_state")
    first, again, other = (lab.data.build_pairs(records, seed) for seed in (5, 5, 6))
    assert_equal(
        lab.make("random_state"), before, "a global random state was touched; use a generator of your own"
    )
    assert_equal(first, again, "the same seed must give the same order")
    same_question_twice(lab)
    mixed = [a_record(lab.rng, i, bool(i % 2), bool(i % 3), bool(i % 2)) for i in range(6)]
    copies = [dict(record) for record in mixed]
    kept = lab.make("kept", mixed)
    lab.data.build_pairs(kept, 1)
    unchanged(lab, {"records": (kept, copies)})
    orders = [[pair["qid"] for pair in pairs] for pairs in (first, other)]
    given = [record["qid"] for record in records]
    assert orders[0] != given and orders[0] != orders[1], (
        "the order is drawn with the seed; the pairs weren't shuffled"
    )
    hint = "an answer that isn't True or False itself was accepted (None, 1, 'yes'): raise ValueError"
    for answer in (None, 1, "yes", "True"):
        for teacher in (answer, True):
            bad = {**records[0], "answer": answer, "teacher_answer": teacher}
            assert_refuses(lambda bad=bad: lab.data.build_pairs([bad], 0), hint)
    bad = {**records[0], "draft_answer": True, "final": "It is heavy.\nThe answer is Yes"}
    hint = "a final text without a last line 'Answer: Yes|No' can't be flipped, and was accepted"
    assert_refuses(lambda: lab.data.build_pairs([bad], 0), hint)


# ---- 3.11 match_pairs --------------------------------------------------------------------------------------


def letters(text: str) -> int:
    return len(text.replace(" ", "").replace("\n", ""))


def text_of(rng, size: int, lines: int = 1) -> str:
    words = "".join("abcdefgh"[int(v)] for v in rng.integers(0, 8, size=size))
    cuts = sorted({int(v) for v in np.linspace(1, size, lines + 1)[1:-1]})
    return "\n".join(words[a:b] for a, b in zip([0, *cuts], [*cuts, size], strict=True))


def raw_pair(rng, number: int, gap: int, lines: tuple[int, int] = (1, 1)) -> dict:
    size = int(rng.integers(12, 20))
    return {
        "qid": f"q{number}",
        "prompt": "Question: x",
        "chosen": text_of(rng, size + gap, lines[0]),
        "rejected": text_of(rng, size, lines[1]),
        "kind": "natural",
        "flipped": False,
    }


def gap_of(pair: dict) -> int:
    return letters(pair["chosen"]) - letters(pair["rejected"])


def matched(lab, pairs: list[dict], bound: int, seed: int) -> list[dict]:
    return lab.data.match_pairs(pairs, lab.make("length:letters"), lab.make("form:lines"), bound, seed)


@pytest.mark.todo("3.11", points=2)
def test_form_and_length_must_fit(lab):
    gaps = [0, 3, -3, 4, -4, 0, 2, -2, 9, 0, 0]
    lines = [(1, 1)] * 5 + [(2, 1)] + [(2, 2)] * 3 + [(1, 3), (3, 3)]
    pairs = [raw_pair(lab.rng, i, gap, form) for i, (gap, form) in enumerate(zip(gaps, lines, strict=True))]
    got = [pair["qid"] for pair in matched(lab, pairs, 3, 1)]
    same_form = [p for p, form in zip(pairs, lines, strict=True) if form[0] == form[1]]
    want = [p["qid"] for p in same_form if abs(gap_of(p)) <= 3]
    kept = [p for p in pairs if p["qid"] in got]
    wrong = {
        "the forms weren't compared: only pairs of one form stay": any(p not in same_form for p in kept),
        "a longer rejected text must fit too: take the absolute difference": any(
            gap_of(p) < -3 for p in kept
        ),
        "the lengths weren't compared with max_gap": any(gap_of(p) > 3 for p in kept),
        "a gap of exactly max_gap stays": not {"q1", "q2"} & set(got),
    }
    hint = next((words for words, there in wrong.items() if there), "")
    assert_equal(got, want, hint or "pairs of one form with lengths at most max_gap apart, in order")
    spaced = {**raw_pair(lab.rng, 20, 0), "chosen": "a b c d e f", "rejected": "abcdef"}
    hint = "the given `length` must be used, not the number of characters"
    assert_equal(len(matched(lab, [spaced], 0, 1)), 1, hint)


@pytest.mark.todo("3.11", points=2)
def test_length_alone_can_not_win(lab):
    gaps = [1] * 7 + [-1] * 3 + [2, -2, 0, 0]
    pairs = [raw_pair(lab.rng, i, gap) for i, gap in enumerate(int(v) for v in lab.rng.permutation(gaps))]
    drawn = set()
    for seed in range(24):
        got = matched(lab, pairs, 2, seed)
        signs = [(gap_of(pair) > 0) - (gap_of(pair) < 0) for pair in got]
        hint = "as many pairs with a longer chosen as with a longer rejected text must stay: balance them"
        assert_equal(signs.count(1), signs.count(-1), hint)
        sizes = (signs.count(1), signs.count(0))
        assert_equal(sizes, (4, 2), "all of the smaller group stay, and all pairs of equal length")
        order = [int(pair["qid"][1:]) for pair in got]
        assert_equal(order, sorted(order), "the order of the pairs must stay as it was")
        drawn |= {pair["qid"] for pair in got}
    hint = "the same part of the larger group stays whatever the seed: draw it at random"
    assert_equal(drawn, {pair["qid"] for pair in pairs}, hint)
    for sign in (1, -1):
        uneven = [raw_pair(lab.rng, i, sign * gap) for i, gap in enumerate([1, 2, 1, 0])]
        got = [pair["qid"] for pair in matched(lab, uneven, 2, 1)]
        hint = "where one group is empty, nothing of the larger one may stay: balance them"
        assert_equal(got, ["q3"], hint)


@pytest.mark.todo("3.11", points=1)
def test_copies_are_marked_and_the_draw_is_repeatable(lab):
    pairs = [raw_pair(lab.rng, i, gap) for i, gap in enumerate([1] * 6 + [-1] * 2 + [0])]
    before = lab.make("random_state")
    copies = [dict(pair) for pair in pairs]
    kept = lab.make("kept", pairs)
    matched(lab, kept, 1, 4)
    unchanged(lab, {"pairs": (kept, copies)})
    first, again = matched(lab, pairs, 1, 4), matched(lab, pairs, 1, 4)
    assert_equal(
        lab.make("random_state"), before, "a global random state was touched; use a generator of your own"
    )
    assert_equal(first, again, "the same seed must give the same pairs")
    known = {pair["qid"]: pair for pair in pairs}
    for pair in first:
        hint = "what stays is a copy with kind 'matched' and all its other fields"
        assert_equal(pair, {**known[pair["qid"]], "kind": "matched"}, hint)
    assert_equal(matched(lab, [], 1, 0), [], "no pairs give no pairs")
    hint = "max_gap below 0 must still be refused: leave the check above your code"
    assert_refuses(lambda: matched(lab, pairs, -1, 0), hint)


# ---- 3.12 shuffle_drafts -----------------------------------------------------------------------------------


@pytest.mark.todo("3.12", points=1)
def test_no_draft_stays_at_its_place(lab):
    for n in (2, 3, 5, 20, 150):
        drafts = [f"draft {i} {int(lab.rng.integers(1000))}" for i in range(n)]
        got = lab.data.shuffle_drafts(drafts, int(lab.rng.integers(10**6)))
        assert isinstance(got, list) and sorted(got) == sorted(drafts), (
            "the same drafts, each once, in another order"
        )
        own = sum(a == b for a, b in zip(got, drafts, strict=True))
        assert_equal(own, 0, "a plain shuffle leaves some their own draft; draw again until nobody has it")


@pytest.mark.todo("3.12", points=1)
def test_every_derangement_can_come_out(lab):
    first, draws = int(lab.rng.integers(10**6)), 900
    found = [tuple(lab.data.shuffle_drafts(["a", "b", "c", "d"], first + i)) for i in range(draws)]
    seen = set(found)
    rotations = {("b", "c", "d", "a"), ("c", "d", "a", "b"), ("d", "a", "b", "c")}
    swaps = {("b", "a", "d", "c"), ("c", "d", "a", "b"), ("d", "c", "b", "a")}
    hint = "all 9 derangements of 4 places must be possible"
    if seen <= rotations:
        hint = "the drafts are only shifted: everybody gets a neighbour's; all derangements must be possible"
    elif not seen & swaps:
        hint = "only orders that are one cycle come out; two that swap theirs are possible too"
    assert_equal(len(seen), 9, hint)
    # A fair draw is outside these bounds once in a million submissions.
    hint = (
        "some derangements come out more often than others, so the draw is biased: shuffle all places again"
    )
    hint += " until none is its own, and repair no places by hand"
    swapped = sum(order in swaps for order in found)
    assert abs(swapped - draws / 3) < 5 * math.sqrt(draws * 2 / 9), hint
    assert sum((found.count(order) - draws / 9) ** 2 / (draws / 9) for order in seen) < 43, hint


@pytest.mark.todo("3.12", points=1)
def test_places_count_and_one_draft_is_too_few(lab):
    drafts = ["same"] * 4
    assert_equal(
        lab.data.shuffle_drafts(drafts, 1), drafts, "places count, not texts: four equal drafts are fine"
    )
    some = [f"draft {i}" for i in range(9)]
    before = lab.make("random_state")
    first, again, other = (lab.data.shuffle_drafts(some, seed) for seed in (3, 3, 4))
    assert_equal(
        lab.make("random_state"), before, "a global random state was touched; use a generator of your own"
    )
    assert_equal(first, again, "the same seed must give the same order")
    assert first != other, "another seed must give another order; the seed wasn't used"
    hint = "fewer than two drafts must still be refused: leave the check above your code"
    for few in ([], ["a"]):
        assert_refuses(lambda few=few: lab.data.shuffle_drafts(few, 0), hint)


# ---- 3.13 reward_accuracy ----------------------------------------------------------------------------------


def accuracy_mistakes(margins: list[float], chosen: list[int], rejected: list[int]) -> dict[str, dict]:
    want, n = oracle.accuracy(margins, chosen, rejected), len(margins)
    both = list(zip(chosen, rejected, strict=True))
    longer, shorter = sum(a > b for a, b in both) / n, sum(a < b for a, b in both) / n
    ties = sum(a == b for a, b in both) / n

    def control(value: float) -> dict:
        return {**want, "length_control": value, "above_control": want["accuracy"] - value}

    def accuracy(value: float) -> dict:
        return {**want, "accuracy": value, "above_control": value - want["length_control"]}

    return {
        "a margin of 0 was counted as right": accuracy(sum(m >= 0 for m in margins) / n),
        "a margin of 0 was counted half": accuracy(
            sum(1 if m > 0 else 0.5 if m == 0 else 0 for m in margins) / n
        ),
        "only 'the longer one is chosen' was tried; the shorter one may be the better rule": control(
            longer + ties / 2
        ),
        "equal lengths are worth one half": control(max(longer, shorter)),
        "pairs of equal length were left out; they are worth one half": control(
            max(longer, shorter) / (longer + shorter) if longer + shorter else 0.5
        ),
        "equal lengths were counted as right": control(max(longer, shorter) + ties),
        "above_control is accuracy minus length_control": {**want, "above_control": -want["above_control"]},
        "the mean margin is no accuracy": accuracy(oracle.mean(margins)),
        "shares between 0 and 1, not percent": {k: v if k == "n" else 100 * v for k, v in want.items()},
    }


def check_accuracy(lab, given: list[tuple], rule: str) -> None:
    judge(
        [
            Case(
                lambda g=g: lab.evaluate.reward_accuracy(*g),
                oracle.accuracy(*g),
                lambda g=g: accuracy_mistakes(*g),
                f"{len(g[0])} pairs",
            )
            for g in given
        ],
        rule,
        near,
    )


def some_margins(lab, n: int, lean: float) -> tuple[list[float], list[int], list[int]]:
    margins = [float(value) for value in lab.rng.normal(0.2, 1.0, size=n)]
    margins[int(lab.rng.integers(n))] = 0.0
    chosen = [int(value) for value in lab.rng.integers(20, 30, size=n)]
    rejected = [
        a - int(round(lean)) + int(value)
        for a, value in zip(chosen, lab.rng.integers(-3, 4, size=n), strict=True)
    ]
    return margins, chosen, rejected


@pytest.mark.todo("3.13", points=2)
def test_accuracy_stands_beside_the_better_length_rule(lab):
    given = [some_margins(lab, 30, 1), some_margins(lab, 41, -1), some_margins(lab, 24, 0)]
    check_accuracy(lab, given, "n, accuracy, length_control and above_control as in the docstring")


@pytest.mark.todo("3.13", points=1)
def test_ties_of_margins_are_wrong_and_ties_of_length_are_one_half(lab):
    n = int(lab.rng.integers(4, 9))
    given = [([0.0] * n, [5] * n, [5] * n), ([0.0, 1.0, -1.0], [4, 4, 4], [4, 3, 4]), ([0.5], [2], [9])]
    infinite = ([math.inf, -math.inf, 0.5, math.inf], [4, 4, 5, 6], [3, 4, 4, 4])
    try:
        check_accuracy(lab, [infinite], "an infinite margin counts by its sign")
    except ValueError:
        raise AssertionError("an infinite margin was refused; only NaN is: count it by its sign") from None
    check_accuracy(lab, given, "a margin of 0 isn't right, and equal lengths tell nothing: one half")


@pytest.mark.todo("3.13", points=1)
def test_nan_margins_and_uneven_lists_are_refused(lab):
    margins, chosen, rejected = some_margins(lab, 6, 0)
    hint = "no pairs, or uneven lists, must still be refused: leave the check above your code"
    for bad in (([], [], []), (margins, chosen[1:], rejected), (margins, chosen, rejected[1:])):
        assert_refuses(lambda bad=bad: lab.evaluate.reward_accuracy(*bad), hint)
    margins[int(lab.rng.integers(6))] = math.nan
    hint = "a margin of NaN was accepted; NaN > 0 is False, so a broken run would look merely bad"
    assert_refuses(lambda: lab.evaluate.reward_accuracy(margins, chosen, rejected), hint)


# ---- 3.14 integrated_gradients -----------------------------------------------------------------------------


def check_gradients(lab, given: list[tuple], rule: str) -> None:
    """given: (x, baseline, linear, square, cube, steps)."""

    def right(x, baseline, linear, square, cube, steps, at=None):
        share = oracle.midpoints(steps) if at is None else at
        return oracle.polynomial_gradients(x, baseline, linear, square, cube, share).flatten().tolist()

    def likely(*g) -> dict[str, list[float]]:
        x, baseline, linear, square, cube, steps = g
        way = x - baseline
        lefts, rights = ([(k + d) / steps for k in range(steps)] for d in (0, 1))
        own = right(*g)
        with np.errstate(divide="ignore", invalid="ignore"):
            bare = np.where(way == 0, linear, np.array(own).reshape(x.shape) / way)
        zero = np.zeros_like(x)
        return {
            "the gradient at x alone was used; take its mean along the line": right(*g, at=[1.0]),
            "left ends of the steps were used; take midpoints (k + 1/2) / steps": right(*g, at=lefts),
            "right ends of the steps were used; take midpoints (k + 1/2) / steps": right(*g, at=rights),
            "both ends were used; take midpoints (k + 1/2) / steps": right(
                *g, at=np.linspace(0, 1, steps + 1).tolist()
            ),
            "a sum over the steps; take the mean": [steps * value for value in own],
            "multiply by the way from baseline to x": bare.flatten().tolist(),
            "multiply by x minus baseline, not by x": (bare * x).flatten().tolist(),
            "the line begins at the baseline, not at 0": right(x, zero, linear, square, cube, steps),
            "the sign: from baseline to x": [-value for value in own],
        }

    def call(x, baseline, linear, square, cube, steps):
        f = lab.make("function:polynomial", linear.tolist(), square, cube)
        got = lab.evaluate.integrated_gradients(f, torch.tensor(x), torch.tensor(baseline), steps)
        assert isinstance(got, torch.Tensor) and tuple(got.shape) == x.shape, "a tensor of x's shape"
        assert got.dtype == torch.float64, "a tensor of x's type: float64 for float64"
        return [float(value) for value in got.flatten()]

    judge(
        [Case(lambda g=g: call(*g), right(*g), lambda g=g: likely(*g), f"{g[-1]} steps") for g in given],
        rule,
        near,
    )


def some_points(lab, shape: tuple[int, ...], square: float, cube: float, steps: int) -> tuple:
    x, baseline, linear = (lab.rng.normal(0, 2, size=shape) for _ in range(3))
    return x, baseline, linear, square, cube, steps


@pytest.mark.todo("3.14", points=2)
def test_it_is_the_way_times_the_mean_gradient_at_midpoints(lab):
    given = [
        some_points(lab, (4,), 1.5, 0.0, 3),
        some_points(lab, (3, 2), 0.7, 0.4, 5),
        some_points(lab, (2,), 0.0, 1.0, 2),
    ]
    check_gradients(lab, given, "(x - baseline) times the mean of the gradients at the midpoints")


@pytest.mark.todo("3.14", points=1)
def test_one_step_is_the_middle(lab):
    given = [some_points(lab, (3,), 1.0, 0.5, 1), some_points(lab, (2, 3), -0.5, 1.0, 1)]
    check_gradients(lab, given, "one step looks at the middle of the line")


@pytest.mark.todo("3.14", points=1)
def test_attributions_add_up_where_the_function_is_flat(lab):
    x = torch.tensor([[3.0, 4.0], [float(lab.rng.uniform(2.5, 3.5)), 3.0]], dtype=torch.float64)
    baseline = torch.full_like(x, 0.1)
    f = lab.make("function:saturated", 1.0)
    got = lab.evaluate.integrated_gradients(f, x, baseline, 400)
    total = float(x.tanh().prod() - baseline.tanh().prod())
    at_end = float(((x - baseline) * (1 / x.tanh() / x.cosh() ** 2) * x.tanh().prod()).sum())
    likely = {"the gradient at x alone was used: it is nearly 0 where f is flat": at_end}
    assert_close(
        float(got.sum()),
        total,
        mistake(float(got.sum()), likely, "they must add up to f(x) - f(baseline)"),
        2e-3,
    )


@pytest.mark.todo("3.14", points=1)
def test_nothing_is_changed_and_bad_input_is_refused(lab):
    f = lab.make("function:polynomial", [1.0, 2.0], 1.0)
    x, baseline = torch.tensor([1.0, -2.0]), torch.tensor([0.5, 0.5])
    leaf = lab.make("leaf", [1.0, -2.0], "float32")
    got = lab.evaluate.integrated_gradients(f, leaf, baseline, 2)
    values = lab.make("value", got)
    assert values.dtype == torch.float32, "the result has another type than x: float32 for float32"
    want = oracle.polynomial_gradients(
        x.numpy(), baseline.numpy(), np.array([1.0, 2.0]), 1.0, 0.0, [0.25, 0.75]
    )
    near(
        [float(v) for v in values],
        want.tolist(),
        "an x that wants a gradient must do as well as one that doesn't",
    )
    probe = lab.make("tensor_is_free", got)
    assert_equal(probe, True, "the result carries a gradient: detach it")
    kept = [lab.make("kept", side) for side in (x, baseline)]
    lab.evaluate.integrated_gradients(f, *kept, 2)
    unchanged(
        lab,
        {"x": (kept[0], x.tolist()), "baseline": (kept[1], baseline.tolist()), "x (2)": (leaf, x.tolist())},
    )
    for side in kept:
        hint = "x or the baseline wants a gradient afterwards and didn't before; use a tensor of your own"
        assert_equal(lab.make("tensor_is_free", side), True, hint)
    hint = "steps below 1 and uneven shapes must still be refused: leave the check above your code"
    assert_refuses(lambda: lab.evaluate.integrated_gradients(f, x, baseline, 0), hint)
    assert_refuses(lambda: lab.evaluate.integrated_gradients(f, x, baseline[:1], 4), hint)


# ---- 3.15 lift ---------------------------------------------------------------------------------------------


def lift_mistakes(attribution: np.ndarray, mask: list[bool]) -> dict[str, float]:
    chosen = np.array(mask)
    signed, entries, n = attribution.sum(axis=1), np.abs(attribution).sum(axis=1), len(mask)
    scale = n / chosen.sum()
    mass = np.abs(signed)
    positive = np.clip(signed, 0, None)
    return {
        "that is the mass share: divide by the draft's share of the tokens": float(
            mass[chosen].sum() / mass.sum()
        ),
        "absolute values were taken before the sum over dimensions": float(
            entries[chosen].sum() / entries.sum() * scale
        ),
        "signed: masses of different tokens cancelled each other; take absolute values": float(
            signed[chosen].sum() / signed.sum() * scale
        ),
        "only positive tokens were counted; take absolute values": float(
            positive[chosen].sum() / max(positive.sum(), 1e-12) * scale
        ),
        "that is the draft's mass over the rest's; the whole text was asked for": float(
            mass[chosen].mean() / max(mass[~chosen].mean(), 1e-12)
        ),
        "squares were summed; take absolute values": float(
            (signed[chosen] ** 2).sum() / (signed**2).sum() * scale
        ),
        "the token share was multiplied; divide by it": float(mass[chosen].sum() / mass.sum() / scale),
    }


@pytest.mark.todo("3.15", points=2)
def test_lift_is_the_mass_share_over_the_token_share(lab):
    given = []
    for n, draft in ((11, 8), (14, 4), (9, 6)):
        attribution = lab.rng.normal(0, 1, size=(n, 3))
        flags = np.zeros(n, dtype=bool)
        flags[-draft:] = True
        given.append((attribution, [bool(flag) for flag in flags]))
    judge(
        [
            Case(
                lambda g=g: lab.evaluate.lift(torch.tensor(g[0]), g[1]),
                oracle.lift_of(*g),
                lambda g=g: lift_mistakes(*g),
                f"{sum(g[1])} of {len(g[1])} tokens are the draft's",
            )
            for g in given
        ],
        "sum over dimensions, absolute value, share of the draft, over its share of the tokens",
        near,
    )
    small, flags = given[0]
    got = lab.evaluate.lift(torch.tensor(small * 1e-7), flags)
    near(got, oracle.lift_of(small, flags), "small attributions are a mass, too: no constant is added to it")
    for share in (3, 8):
        got = lab.evaluate.lift(torch.full((11, 2), -0.25), [True] * share + [False] * (11 - share))
        near(got, 1.0, "uniform attribution has a lift of exactly 1, however many tokens the draft has")


@pytest.mark.todo("3.15", points=1)
def test_no_draft_and_no_mass_are_refused(lab):
    attribution = torch.tensor(lab.rng.normal(size=(5, 2)))
    everything = lab.evaluate.lift(attribution, [True] * 5)
    near(everything, 1.0, "where all tokens are the draft's, its share is all of both: lift 1")
    assert_refuses(
        lambda: lab.evaluate.lift(attribution, [False] * 5), "a draft without a token was accepted"
    )
    zero = torch.tensor([[1.0, -1.0], [0.0, 0.0]])
    assert_refuses(
        lambda: lab.evaluate.lift(zero, [True, False]), "an attribution without any mass was accepted: 0/0"
    )
    hint = "shapes that don't fit must still be refused: leave the check above your code"
    for bad in ((attribution[:, 0], [True] * 5), (attribution, [True] * 4)):
        assert_refuses(lambda bad=bad: lab.evaluate.lift(*bad), hint)


# ---- 3.16 win_rate -----------------------------------------------------------------------------------------


def win_mistakes(ab: list, ba: list) -> dict[str, dict]:
    want, n = oracle.wins(ab, ba), len(ab)

    def swap(verdicts: list) -> list:
        return [{"first": "second", "second": "first"}.get(v, v) for v in verdicts]

    read = n - want["unparsed"]
    loose = sum(a == "first" or b == "second" for a, b in zip(ab, ba, strict=True) if None not in (a, b))
    known = {k: v for k, v in want.items() if k != "win_rate"}
    none_as_tie = oracle.wins([v or "tie" for v in ab], [v or "tie" for v in ba])
    return {
        "the second order wasn't turned around: there, 'second' is for A": oracle.wins(ab, swap(ba)),
        "wins and losses are swapped": oracle.wins(ba, ab),
        "an unread verdict (None) was taken for a tie; count it as unparsed": none_as_tie,
        "unread items were left out of n; they count one half": {
            **known,
            "win_rate": (want["wins"] + want["ties"] / 2) / read if read else math.nan,
        },
        "ties count one half": {**known, "win_rate": want["wins"] / n},
        "unread items count one half": {**known, "win_rate": (want["wins"] + want["ties"] / 2) / n},
        "the first order alone was counted; a win needs both": {
            **known,
            "win_rate": (ab.count("first") + (n - ab.count("first") - ab.count("second")) / 2) / n,
        },
        "one order is not enough for a win": {
            **known,
            "wins": loose,
            "ties": n - loose - want["losses"] - want["unparsed"],
            "win_rate": (loose + (n - loose - want["losses"]) / 2) / n,
        },
        "two ties are the same verdict twice: consistent": {
            **known,
            "win_rate": want["win_rate"],
            "consistent": (want["wins"] + want["losses"]) / read if read else math.nan,
        },
        "consistent is a share of the items read in both orders": {
            **known,
            "win_rate": want["win_rate"],
            "consistent": want["consistent"] * read / n,
        },
    }


def check_wins(lab, given: list[tuple[list, list]], rule: str) -> None:
    judge(
        [
            Case(
                lambda g=g: lab.evaluate.win_rate(*g),
                oracle.wins(*g),
                lambda g=g: win_mistakes(*g),
                f"{len(g[0])} items",
            )
            for g in given
        ],
        rule,
        near,
    )


@pytest.mark.todo("3.16", points=2)
def test_a_win_is_said_in_both_orders(lab):
    given = []
    for n in (40, 25, 60):
        ab = [
            ["first", "second", "tie", None][int(v)]
            for v in lab.rng.choice(4, size=n, p=[0.5, 0.3, 0.12, 0.08])
        ]
        turned = {"first": "second", "second": "first"}
        ba = [
            turned.get(v, v)
            if lab.rng.random() < 0.6
            else ["first", "second", "tie", None][int(lab.rng.integers(4))]
            for v in ab
        ]
        ab[0], ba[0], ab[1], ba[1], ab[2], ba[2] = "tie", "tie", "first", None, "first", "first"
        given.append((ab, ba))
    check_wins(lab, given, "a win is 'first' with A first and 'second' with B first")


@pytest.mark.todo("3.16", points=1)
def test_unread_replies_are_counted_and_other_words_refused(lab):
    check_wins(
        lab,
        [(["first", None], [None, "second"]), (["tie", "second"], ["tie", "first"])][1:],
        "ties and losses",
    )
    got = lab.evaluate.win_rate([None, "first"], ["first", None])
    want = {"n": 2, "wins": 0, "losses": 0, "ties": 0, "unparsed": 2, "win_rate": 0.5}
    assert isinstance(got, dict) and isinstance(got.get("consistent"), float), (
        "seven entries, `consistent` among them"
    )
    rest = {name: value for name, value in got.items() if name != "consistent"}
    assert_close(
        rest, want, "an item with a verdict of None in one order is unparsed, neither win nor loss nor tie"
    )
    assert math.isnan(got["consistent"]), "nothing was read in both orders: consistent is NaN"
    hint = "another verdict, no items, or uneven lists must still be refused: leave the check above your code"
    for bad in ((["A"], ["second"]), ([], []), (["tie"], ["tie", "tie"])):
        assert_refuses(lambda bad=bad: lab.evaluate.win_rate(*bad), hint)


# ---- the notebook's values ---------------------------------------------------------------------------------


def check_value(notebook, value_id: str, right, mistakes, rule: str) -> None:
    got, records = notebook.value(value_id), notebook.records
    assert type(got) in (int, float), f"{value_id} is one number"
    hint = value_mistake(float(got), mistakes(records), rule)
    assert_close(float(got), right(records), hint, rtol=0, atol=6e-4)


@pytest.mark.value("3.V1", points=3)
def test_value_above_floor(notebook):
    rule = "centred_loss with all records together as one batch and a beta of .1, less log 2"
    check_value(notebook, "3.V1", truth.above_floor, truth.floor_mistakes, rule)


@pytest.mark.value("3.V2", points=3)
def test_value_uniform_share(notebook):
    rule = "the mean over records of the draft's share of the prompt's tokens"
    check_value(notebook, "3.V2", truth.uniform_share, truth.share_mistakes, rule)


@pytest.mark.value("3.V3", points=3)
def test_value_gap_change(notebook):
    rule = "the mean gap after the step minus that before it, each margin divided by its own beta"
    check_value(notebook, "3.V3", truth.gap_change, truth.gap_mistakes, rule)


@pytest.mark.value("3.V4", points=3)
def test_value_trap_loss(notebook):
    rule = "dpo_loss with the frozen copy as the policy, the base as its reference and a beta of .1"
    check_value(notebook, "3.V4", truth.trap_loss, truth.trap_mistakes, rule)


@pytest.mark.value("3.V5", points=3)
def test_value_interval(notebook):
    got, records = notebook.value("3.V5"), notebook.records
    assert type(got) in (list, tuple) and len(got) == 2, "3.V5 is a list of two floats: [low, high]"
    assert all(type(bound) in (int, float) for bound in got), "3.V5 is a list of two floats: [low, high]"
    likely = {**truth.interval_mistakes(records), "low comes before high": truth.interval(records)[::-1]}
    named = [w for w, v in likely.items() if all(abs(a - b) < 6e-4 for a, b in zip(got, v, strict=True))]
    hint = named[0] if named else "Wilson's 95 % interval of the share of records with a margin above 0"
    assert_close(list(got), truth.interval(records), hint, rtol=0, atol=6e-4)
