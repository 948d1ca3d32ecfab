"""Visible tests of Lab 3: what each function must do on inputs small enough to check by hand.

    pytest tests/test_lab3_dpo.py -k centred        or, in the notebook:  check("3.6")

They are a beginning, not the whole: the grader checks everything that a function's docstring says.
"""

import math

import pytest
import torch

from labkit.testing import assert_close, assert_equal, mistake

LOG2 = math.log(2)


def four(*values):
    """policy_chosen, policy_rejected, ref_chosen, ref_rejected: lists of nats as tensors."""
    return [torch.tensor(value, dtype=torch.float64) for value in values]


# One pair: c = -8 - (-10) = 2, r = -13 - (-12) = -1, so the gap is 3 nats.
ONE = ([-8.0], [-13.0], [-10.0], [-12.0])
# Two pairs: gaps 3 and -1.
TWO = ([-8.0, -5.0], [-13.0, -6.0], [-10.0, -4.0], [-12.0, -6.0])


# ---- 3.1 completion_logps ----


def by_hand():
    """One row of 4 tokens over 3 words; probabilities that a person can multiply."""
    probabilities = [[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.98, 0.01, 0.01]]
    return torch.tensor([probabilities]).log(), torch.tensor([[2, 1, 1, 2]])


@pytest.mark.todo("3.1")
def test_position_t_predicts_the_token_at_t_plus_one(lab):
    logits, ids = by_hand()
    got = lab.method.completion_logps(logits, ids, torch.tensor([[0, 0, 1, 1]]))
    likely = {
        "off by one: the logits at t speak about the token at t + 1": torch.tensor([math.log(0.2 * 0.01)]),
        "a sum over the completion's tokens, not a mean": torch.tensor([math.log(0.8 * 0.6) / 2]),
        "the prompt's tokens don't count": torch.tensor([math.log(0.25 * 0.8 * 0.6)]),
    }
    assert_close(got, torch.tensor([math.log(0.8 * 0.6)]), mistake(got, likely, "log .8 + log .6"))


@pytest.mark.todo("3.1")
def test_padding_counts_for_nothing(lab):
    logits, ids = by_hand()
    got = lab.method.completion_logps(logits, ids, torch.tensor([[0, 0, 1, 0]]))
    assert_close(got, torch.tensor([math.log(0.8)]), "only tokens with mask 1 count: log .8 alone")
    nothing = lab.method.completion_logps(logits, ids, torch.tensor([[0, 0, 0, 0]]))
    assert_close(nothing, torch.tensor([0.0]), "a row without a completion token gives 0")


# ---- 3.2 dpo_loss ----


@pytest.mark.todo("3.2")
def test_a_model_that_is_its_reference_has_a_loss_of_log_2(lab):
    logps = torch.tensor([-8.0, -5.0], dtype=torch.float64)
    got = lab.method.dpo_loss(logps, logps - 3, logps, logps - 3, 0.1)
    likely = {
        "the reference is missing: subtract its log-probabilities": torch.tensor(
            0.5543552, dtype=torch.float64
        )
    }
    assert_close(got, torch.tensor(LOG2, dtype=torch.float64), mistake(got, likely, "every gap is 0: log 2"))


@pytest.mark.todo("3.2")
def test_the_mean_of_minus_log_sigmoid_of_beta_times_the_gap(lab):
    got = lab.method.dpo_loss(*four(*TWO), 0.5)
    loss = [math.log1p(math.exp(-1.5)), math.log1p(math.exp(0.5))]
    likely = {
        "chosen and rejected are swapped": torch.tensor(sum(loss) / 2 + 0.5, dtype=torch.float64),
        "a mean over pairs, not a sum": torch.tensor(sum(loss), dtype=torch.float64),
        "beta is missing": torch.tensor(
            (math.log1p(math.exp(-3)) + math.log1p(math.e)) / 2, dtype=torch.float64
        ),
    }
    want = torch.tensor(sum(loss) / 2, dtype=torch.float64)
    assert_close(got, want, mistake(got, likely, "gaps 3 and -1, times beta .5"))


# ---- 3.3 implicit_rewards ----


@pytest.mark.todo("3.3")
def test_rewards_are_beta_times_the_log_ratio_to_the_reference(lab):
    got = lab.method.implicit_rewards(*four(*TWO), 0.1)
    want = dict(
        zip(
            ("chosen", "rejected", "margin", "accuracy"),
            four([0.2, -0.1], [-0.1, 0.0], [0.3, -0.1], [1, 0]),
            strict=True,
        )
    )
    assert_equal(sorted(got), sorted(want), "four tensors, by these names")
    for name, values in want.items():
        likely = {"beta is missing": values * 10, "one number a pair, not their mean": values.mean()}
        assert_close(got[name], values, mistake(got[name], likely, f"`{name}`, for both pairs"))


@pytest.mark.todo("3.3")
def test_a_tie_is_not_right(lab):
    got = lab.method.implicit_rewards(*four([-2.0], [-3.0], [-2.0], [-3.0]), 0.1)["accuracy"]
    hint = mistake(
        got, {"a margin of 0 is not above 0: an untrained model has nothing but ties": four([1.0])[0]}
    )
    assert_close(got, four([0.0])[0], hint)


# ---- 3.4 cal_dpo_loss ----


@pytest.mark.todo("3.4")
def test_the_comparison_has_no_beta_and_the_squares_have_targets(lab):
    got = lab.method.cal_dpo_loss(*four(*ONE), 0.25)
    # c = 2 and r = -1; their targets are +2 and -2.
    want = torch.tensor(math.log1p(math.exp(-3)) + 0 + 1, dtype=torch.float64)
    likely = {
        "the comparison has no beta": torch.tensor(math.log1p(math.exp(-0.75)) + 1, dtype=torch.float64),
        "the squares have weight 1": torch.tensor(math.log1p(math.exp(-3)) + 0.5, dtype=torch.float64),
        "the rejected one's target is negative": torch.tensor(
            math.log1p(math.exp(-3)) + 9, dtype=torch.float64
        ),
    }
    assert_close(got, want, mistake(got, likely, "-log σ(3) + (2 - 2)² + (-1 + 2)²"))


@pytest.mark.todo("3.4")
def test_at_the_start_it_is_log_2_and_two_squared_targets(lab):
    logps = torch.tensor([-8.0, -5.0, -7.0], dtype=torch.float64)
    got = lab.method.cal_dpo_loss(logps, logps, logps, logps, 0.1)
    likely = {"a mean over pairs, not a sum": torch.tensor(3 * (LOG2 + 50), dtype=torch.float64)}
    assert_close(got, torch.tensor(LOG2 + 50, dtype=torch.float64), mistake(got, likely, "log 2 + 5² + 5²"))


# ---- 3.5 dr_dpo_loss ----

LOSSES = torch.tensor([0.1, 0.3, 0.7, 1.5, 3.0], dtype=torch.float64)


@pytest.mark.todo("3.5")
def test_the_published_example(lab):
    got = lab.method.dr_dpo_loss(LOSSES)
    likely = {
        "that is the plain mean": LOSSES.mean(),
        "the mean of the exponentials, not their sum": -torch.logsumexp(-LOSSES, 0),
        "the signs are those of the opposite: high losses would weigh most": LOSSES.exp().mean().log(),
    }
    want = -(-LOSSES).exp().mean().log()
    assert_close(got, want, mistake(got, likely, "minus the log of the mean of exp(-loss)"))
    assert round(float(got), 3) == 0.728


@pytest.mark.todo("3.5")
def test_a_large_beta_prime_gives_the_mean(lab):
    got = lab.method.dr_dpo_loss(LOSSES, 1e6)
    likely = {"beta_prime is not used": -(-LOSSES).exp().mean().log()}
    assert_close(got, LOSSES.mean(), mistake(got, likely), rtol=1e-4)


# ---- 3.6 centred_loss ----


@pytest.mark.todo("3.6")
def test_equal_gaps_give_log_2_however_large(lab):
    got = lab.method.centred_loss(*four([-1.0, -2.0], [-9.0, -10.0], [-5.0, -6.0], [-6.0, -7.0]), 0.1)
    likely = {
        "the batch's mean gap wasn't subtracted": torch.tensor(
            math.log1p(math.exp(-0.7)), dtype=torch.float64
        )
    }
    assert_close(got, torch.tensor(LOG2, dtype=torch.float64), mistake(got, likely, "both gaps are 7: log 2"))


@pytest.mark.todo("3.6")
def test_gaps_that_differ_are_centred_first(lab):
    got = lab.method.centred_loss(*four(*TWO), 0.5)  # gaps 3 and -1, centred 2 and -2
    want = torch.tensor((math.log1p(math.exp(-1)) + math.log1p(math.e)) / 2, dtype=torch.float64)
    likely = {
        "beta is missing": torch.tensor((math.log1p(math.exp(-2)) + math.log1p(math.exp(2))) / 2).double()
    }
    assert_close(got, want, mistake(got, likely, "centred gaps 2 and -2, times beta .5"))


# ---- 3.7 drop_noisiest ----


@pytest.mark.todo("3.7")
def test_the_highest_scores_go(lab):
    got = lab.method.drop_noisiest([0.2, 0.9, 0.1, 0.5], 0.25)
    likely = {
        "the lowest scores were dropped": [0, 1, 3],
        "the result are indices in ascending order": [2, 0, 3],
        "that are the dropped ones; give those that stay": [1],
    }
    assert_equal(got, [0, 2, 3], mistake(got, likely, "one of four goes: the second"))


@pytest.mark.todo("3.7")
def test_of_equal_scores_the_later_goes(lab):
    got = lab.method.drop_noisiest([1.0, 1.0, 0.0], 0.5)
    hint = mistake(got, {"of equal scores the later one goes": [1, 2], "round down: 1.5 pairs are 1": [2]})
    assert_equal(got, [0, 2], hint)


# ---- 3.8 beta_schedule ----


@pytest.mark.todo("3.8")
def test_the_table_by_epoch(lab):
    rows = {1: (0.05, False, False), 2: (0.10, True, False), 3: (0.10, True, False), 4: (0.10, False, True)}
    for epoch, row in rows.items():
        want = dict(zip(("beta", "calibrated", "robust", "log_ratio_gap"), (*row, None), strict=True))
        assert_equal(lab.method.beta_schedule(epoch), want, f"epoch {epoch}, as in the docstring's table")


@pytest.mark.todo("3.8")
def test_the_log_line_shows_nats(lab):
    got = lab.method.beta_schedule(1, [0.1, 0.3], 0.05)["log_ratio_gap"]
    hint = mistake(
        got, {"that is the margin, scaled by beta: divide": 0.2, "divide by beta, don't multiply": 0.01}
    )
    assert_close(got, 4.0, hint)


# ---- 3.9 reference_logps ----

ROWS = [([5, 6, 7], [8, 9]), ([5, 6], [9, 10, 11, 12])]


@pytest.mark.todo("3.9")
def test_the_frozen_copy_is_not_the_base(lab):
    logps, batch = lab.make("logps:spread"), lab.make("preference_batch", ROWS)
    model = lab.make("tiny_adapter_model", 1, ["default", "ref"])
    base = lab.method.reference_logps(model, batch, "disabled", logps)
    frozen = lab.method.reference_logps(model, batch, "ref", logps)
    now = lab.method.reference_logps(model, batch, "self", logps)
    assert frozen.shape == (2,), "one number a row"
    assert not torch.allclose(base, frozen), (
        "adapters disabled is the base: another model than the copy 'ref'"
    )
    assert not torch.allclose(now, frozen), "the adapter in training and its frozen copy are two models"


@pytest.mark.todo("3.9")
def test_the_base_is_the_reference_of_a_new_adapter(lab):
    logps, batch = lab.make("logps:spread"), lab.make("preference_batch", ROWS)
    model = lab.make("tiny_adapter_model", 1)
    base, now = (lab.method.reference_logps(model, batch, mode, logps) for mode in ("disabled", "self"))
    assert not torch.allclose(base, now), "the model's only adapter must be disabled, too: that is the base"


@pytest.mark.todo("3.9")
def test_everything_is_put_back(lab):
    logps, batch = lab.make("logps:spread"), lab.make("preference_batch", ROWS)
    model = lab.make("tiny_adapter_model", 2, ["default", "ref"], training=True)
    before = lab.make("adapter_state", model)
    lab.method.reference_logps(model, batch, "ref", logps)
    after = lab.make("adapter_state", model)
    for name, words in (
        ("training", "the model was in train mode and must be again"),
        ("active", "the active adapter must be the one that was active before"),
    ):
        assert_equal(after[name], before[name], words)


# ---- 3.10 build_pairs ----


def record(answer=True, draft_answer=False, teacher_answer=True, qid="q1"):
    word = "Yes" if answer else "No"
    said = "Yes" if draft_answer else "No"
    return {
        "qid": qid,
        "question": " Is it heavier? ",
        "answer": answer,
        "draft": f"Answer: {said} - it is big.\nQuestions: How heavy is it?",
        "draft_answer": draft_answer,
        "final": f"It weighs 4 kg.\nAnswer: {word}",
        "teacher_answer": teacher_answer,
    }


@pytest.mark.todo("3.10")
def test_a_wrong_draft_is_rejected(lab):
    given = record()
    want = {
        "qid": "q1",
        "prompt": f"Question: Is it heavier?\nStudent draft: {given['draft']}",
        "chosen": given["final"],
        "rejected": given["draft"],
        "source": "wrong_draft",
    }
    got = lab.data.build_pairs([given], 0)
    swapped = {**want, "chosen": want["rejected"], "rejected": want["chosen"]}
    assert_equal(got, [want], mistake(got, {"chosen and rejected are swapped": [swapped]}))
    assert_equal(lab.data.build_pairs([record(teacher_answer=False)], 0), [], "a wrong teacher gives no pair")


@pytest.mark.todo("3.10")
def test_of_a_right_draft_the_final_answer_is_flipped(lab):
    [got] = lab.data.build_pairs([record(draft_answer=True)], 0)
    assert_equal(got["source"], "flipped_answer", "the draft is right: there is nothing to reject in it")
    hint = mistake(
        got["rejected"], {"a right draft must not be rejected": record(draft_answer=True)["draft"]}
    )
    assert_equal(got["rejected"], "It weighs 4 kg.\nAnswer: No", hint or "Yes becomes No in the last line")


# ---- 3.11 match_pairs ----


def pair(chosen, rejected, name=""):
    return {"qid": name, "chosen": chosen, "rejected": rejected, "kind": "natural"}


@pytest.mark.todo("3.11")
def test_other_forms_and_long_gaps_go(lab):
    length, form = lab.make("length:letters"), lab.make("form:lines")
    given = [pair("abc", "abd", "same"), pair("abc", "a\nbc", "two lines"), pair("abcdefgh", "a", "long")]
    got = lab.data.match_pairs(given, length, form, 2, 0)
    likely = {
        "the forms differ: one line against two": [{**given[i], "kind": "matched"} for i in (0, 1)],
        "the lengths differ by more than max_gap": [{**given[i], "kind": "matched"} for i in (0, 2)],
        "kind must be 'matched'": [given[0]],
    }
    assert_equal(got, [{**given[0], "kind": "matched"}], mistake(got, likely))


@pytest.mark.todo("3.11")
def test_as_many_longer_as_shorter_ones_stay(lab):
    length, form = lab.make("length:letters"), lab.make("form:lines")
    given = [pair("abc", "ab", str(i)) for i in range(6)] + [pair("ab", "abc", "s"), pair("ab", "ba", "e")]
    got = [entry["qid"] for entry in lab.data.match_pairs(given, length, form, 1, 0)]
    hint = "6 with a longer chosen text, 1 with a shorter: one of each stays"
    assert_equal(
        len(got), 3, mistake(len(got), {"the longer and the shorter ones must be balanced": 8}, hint)
    )
    assert got[-2:] == ["s", "e"], "the order stays, and so do pairs of equal length"


# ---- 3.12 shuffle_drafts ----


@pytest.mark.todo("3.12")
def test_nobody_keeps_their_own(lab):
    drafts = [f"draft {i}" for i in range(7)]
    for seed in range(20):
        got = lab.data.shuffle_drafts(drafts, seed)
        assert_equal(sorted(got), drafts, "the same drafts in another order")
        own = [a for a, b in zip(got, drafts, strict=True) if a == b]
        assert not own, f"a plain shuffle leaves some their own draft: {own}"


@pytest.mark.todo("3.12")
def test_two_can_only_swap_and_one_is_too_few(lab):
    assert_equal(lab.data.shuffle_drafts(["a", "b"], 3), ["b", "a"], "two can only swap")
    with pytest.raises(ValueError):
        lab.data.shuffle_drafts(["a"], 3)


# ---- 3.13 reward_accuracy ----


@pytest.mark.todo("3.13")
def test_accuracy_stands_beside_what_length_alone_gives(lab):
    got = lab.evaluate.reward_accuracy([0.4, -0.1, 0.2, 0.0], [9, 8, 7, 5], [3, 2, 7, 4])
    want = {"n": 4, "accuracy": 0.5, "length_control": 0.875, "above_control": -0.375}
    likely = {
        "a margin of 0 is not right": {**want, "accuracy": 0.75, "above_control": -0.125},
        "equal lengths are worth one half": {**want, "length_control": 0.75, "above_control": -0.25},
    }
    assert_close(got, want, mistake(got, likely, "2 of 4 right; the longer one is chosen in 3.5 of 4"))


@pytest.mark.todo("3.13")
def test_shorter_is_a_rule_too(lab):
    got = lab.evaluate.reward_accuracy([1.0, 1.0], [2, 3], [5, 6])["length_control"]
    hint = mistake(got, {"'the shorter one is chosen' is right every time: take the better rule": 0.0})
    assert_close(got, 1.0, hint)


# ---- 3.14 integrated_gradients ----


@pytest.mark.todo("3.14")
def test_a_linear_function_gives_its_terms(lab):
    f = lab.make("function:polynomial", [2.0, -3.0])
    x, baseline = torch.tensor([5.0, 1.0]), torch.tensor([1.0, 1.0])
    got = lab.evaluate.integrated_gradients(f, x, baseline, 4)
    likely = {
        "the gradient alone; multiply by the way from baseline to x": torch.tensor([2.0, -3.0]),
        "the way begins at the baseline, not at 0": torch.tensor([10.0, -3.0]),
        "a mean over the steps, not a sum": torch.tensor([32.0, 0.0]),
    }
    assert_close(got, torch.tensor([8.0, 0.0]), mistake(got, likely, "2 · (5 - 1) and -3 · (1 - 1)"))


@pytest.mark.todo("3.14")
def test_midpoints_are_exact_for_squares(lab):
    f = lab.make("function:polynomial", [0.0, 0.0], 1.0)
    x, baseline = torch.tensor([3.0, -2.0]), torch.tensor([0.0, 0.0])
    got = lab.evaluate.integrated_gradients(f, x, baseline, 3)
    likely = {
        "that is gradient times input at x itself": torch.tensor([18.0, 8.0]),
        "midpoints (k + 1/2) / steps, not left ends": torch.tensor([6.0, 8.0 / 3]),
        "midpoints (k + 1/2) / steps, not right ends": torch.tensor([12.0, 16.0 / 3]),
    }
    assert_close(got, torch.tensor([9.0, 4.0]), mistake(got, likely, "x² - 0, entry by entry"))


# ---- 3.15 lift ----


@pytest.mark.todo("3.15")
def test_uniform_attribution_has_a_lift_of_one(lab):
    got = lab.evaluate.lift(torch.ones(11, 2), [False] * 3 + [True] * 8)
    hint = mistake(got, {"that is the mass share: divide by the draft's share of the tokens": 8 / 11})
    assert_close(got, 1.0, hint)


@pytest.mark.todo("3.15")
def test_first_the_sum_over_dimensions_then_the_absolute_value(lab):
    attribution = torch.tensor([[1.0, -1.0], [-3.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    got = lab.evaluate.lift(attribution, [True, True, False, False])
    hints = {"first add up a token's entries, then take the absolute value": 2 * 5 / 6, "signed": 3.0}
    assert_close(got, 2 * 3 / 4, mistake(got, hints, "masses 0, 3, 1, 0; half of the tokens"))


# ---- 3.16 win_rate ----


@pytest.mark.todo("3.16")
def test_a_win_needs_both_orders(lab):
    got = lab.evaluate.win_rate(["first", "first", "second", None], ["second", "first", "first", "second"])
    want = {"n": 4, "wins": 1, "losses": 1, "ties": 1, "unparsed": 1, "win_rate": 0.5, "consistent": 2 / 3}
    likely = {
        "'first' twice is a judge that likes the first place: no win": {**want, "wins": 2, "ties": 0},
        "an unread verdict is no tie": {**want, "ties": 2, "unparsed": 0, "consistent": 0.5},
    }
    assert_close(got, want, mistake(got, likely))


@pytest.mark.todo("3.16")
def test_a_judge_that_likes_the_first_place_has_no_favourite(lab):
    got = lab.evaluate.win_rate(["first"] * 5, ["first"] * 5)
    likely = {"the verdicts of the first order alone were counted": 1.0}
    assert_close(got["win_rate"], 0.5, mistake(got["win_rate"], likely, "five ties"))
    assert_close(got["consistent"], 0.0, "it contradicted itself every time")
