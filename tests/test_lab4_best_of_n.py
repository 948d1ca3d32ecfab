"""Visible tests of Lab 4: what each function must do on inputs small enough to check by hand.

    pytest tests/test_lab4_best_of_n.py -k best_of_n        or, in the notebook:  check("4.9")

They are a beginning, not the whole: the grader checks everything that a function's docstring says.
"""

import math

import pytest

from labkit.testing import assert_close, assert_equal, mistake

PROBLEMS = {
    "question": ["Ava has 12 apples and buys 3 more. How many apples?", "Ben gives away 7 of 24 pens."],
    "answer": ["12 + 3 = 15\n#### 15", "24 - 7 = 17\n#### 17"],
}


@pytest.fixture
def tokenizer(lab):
    return lab.make("tiny_tokenizer")


# ---- 4.1 encode_function ----


@pytest.mark.todo("4.1")
def test_the_labels_spell_the_answer_and_its_end_token(lab, tokenizer):
    encoded = lab.data.encode_function(PROBLEMS, tokenizer, 200)
    learned = [i for i in encoded["labels"][0] if i != -100]
    text = lab.make("decode", tokenizer, learned)
    end = lab.make("state", tokenizer)["eos_token"]
    answer = PROBLEMS["answer"][0]
    likely = {
        "the end token isn't learned: the model would never stop": answer,
        "nothing is learned: every label is -100": "",
    }
    assert_equal(text, answer + end, mistake(text, likely, "the labels that aren't -100 must be the answer"))


@pytest.mark.todo("4.1")
def test_the_prompt_comes_first_and_is_masked(lab, tokenizer):
    encoded = lab.data.encode_function(PROBLEMS, tokenizer, 200)
    prompt = lab.data.build_gsm_prompt(PROBLEMS["question"][1], tokenizer)
    ids = lab.make("token_ids", tokenizer, prompt)
    row = encoded["input_ids"][1]
    assert_equal(row[: len(ids)], ids, "input_ids must begin with the ids of build_gsm_prompt(question)")
    masked = encoded["labels"][1][: len(ids)]
    hint = mistake(masked, {"the labels are a copy of input_ids: the prompt must be -100": ids})
    assert_equal(masked, [-100] * len(ids), hint or "every label over the prompt must be -100")


@pytest.mark.todo("4.1")
def test_the_three_lists_of_a_row_have_the_same_length(lab, tokenizer):
    encoded = lab.data.encode_function(PROBLEMS, tokenizer, 200)
    assert_equal(sorted(encoded), ["attention_mask", "input_ids", "labels"], "three columns, by these names")
    for ids, labels, mask in zip(
        encoded["input_ids"], encoded["labels"], encoded["attention_mask"], strict=True
    ):
        assert_equal(len(labels), len(ids), "labels need one entry for each input id, the prompt's included")
        assert_equal(mask, [1] * len(ids), "the attention mask is 1 for each id: rows aren't padded here")


# ---- 4.2 load_and_prepare_train_dataset ----


def _problem_file(lab, count):
    rows = [{"question": "one " * (i + 1), "answer": "it is", "template": "t"} for i in range(count)]
    return lab.make("jsonl_file", rows)


@pytest.mark.todo("4.2")
def test_only_the_three_columns_are_left(lab, tokenizer):
    encode = lab.make("encode:words")
    dataset = lab.data.load_and_prepare_train_dataset(_problem_file(lab, 6), tokenizer, encode, 50)
    state = lab.make("state", dataset)
    assert_equal(sorted(state["columns"]), ["attention_mask", "input_ids", "labels"], "drop the text columns")
    assert_equal(state["rows"], 6, "every problem with something to learn is kept")


@pytest.mark.todo("4.2")
def test_limit_keeps_the_beginning_of_the_shuffled_set(lab, tokenizer):
    path, encode = _problem_file(lab, 40), lab.make("encode:words")
    whole = lab.data.load_and_prepare_train_dataset(path, tokenizer, encode, 60, seed=3)
    part = lab.data.load_and_prepare_train_dataset(path, tokenizer, encode, 60, limit=5, seed=3)
    whole = [row["input_ids"] for row in lab.make("dataset_rows", whole)]
    part = [row["input_ids"] for row in lab.make("dataset_rows", part)]
    assert whole != sorted(whole, key=len), "the rows are in the file's order: shuffle them with the seed"
    file_order = sorted(whole, key=len)[:5]
    hint = "limit must keep the first rows of the shuffled set"
    if sorted(part) == sorted(file_order):
        hint = "limit was applied before the shuffle: always the same problems are kept"
    assert_equal(part, whole[:5], hint)


# ---- 4.3 build_trainer ----


def _trainer(lab, tokenizer, **settings):
    rows = [
        {"input_ids": [5, 6, 7, 8], "labels": [-100, -100, 7, 8], "attention_mask": [1] * 4},
        {"input_ids": [5, 9], "labels": [-100, 9], "attention_mask": [1] * 2},
    ]
    model = lab.make("tiny_causal_lm", tokenizer, seed=1)
    arguments = lab.make("training_arguments", learning_rate=1e-2, **settings)
    return lab.method.build_trainer(model, tokenizer, lab.make("dataset", rows), arguments)


@pytest.mark.todo("4.3")
def test_labels_are_padded_with_minus_100(lab, tokenizer):
    batch = lab.make("trainer_batch", _trainer(lab, tokenizer), [0, 1])
    labels = batch["labels"].tolist()
    pad = lab.make("state", tokenizer)["pad_token_id"]
    likely = {
        "labels are padded with the pad token: the model learns to write padding": [
            [-100, -100, 7, 8],
            [-100, 9, pad, pad],
        ],
        "labels were made anew from input_ids: the prompt's mask is lost": [[5, 6, 7, 8], [5, 9, -100, -100]],
    }
    assert_equal(labels, [[-100, -100, 7, 8], [-100, 9, -100, -100]], mistake(labels, likely))
    assert_equal(batch["attention_mask"].tolist(), [[1, 1, 1, 1], [1, 1, 0, 0]], "padding must be masked")


@pytest.mark.todo("4.3")
def test_the_trainer_trains_the_model(lab, tokenizer):
    losses = lab.make("trainer_step_losses", _trainer(lab, tokenizer), 6)
    assert_equal(len(losses), 6, "six steps give six losses")
    assert losses[-1] < losses[0], "the loss doesn't fall on two rows: is the model trained on these labels?"


# ---- 4.4 canonical_answer ----


@pytest.mark.todo("4.4")
@pytest.mark.parametrize(
    "text, want",
    [
        ("#### 1,000", "1000"),
        ("#### 1000.0", "1000"),
        ("so $800 + $200\n#### $1000.", "1000"),
        ("#### -7", "-7"),
    ],
)
def test_one_number_has_one_spelling(lab, text, want):
    got = lab.method.canonical_answer(text)
    likely = {
        "thousands commas must go before the number is read": "1",
        "a decimal that is whole must be spelled as a whole number": "1000.0",
        "the minus sign was lost": "7",
        "the number must come after ####": "800",
        "return text, not a number": float(want),
    }
    assert_equal(got, want, mistake(got, likely, "spell the exact value as str(Fraction)"))


@pytest.mark.todo("4.4")
def test_the_last_marker_counts(lab):
    got = lab.method.canonical_answer("3 * 4 = 12\n#### 12\nWait, 5 more.\n#### 17\nThat used 3 steps.")
    likely = {"the first #### was taken": "12", "the last number of the text was taken": "3"}
    assert_equal(got, "17", mistake(got, likely, "read the number after the last ####"))


@pytest.mark.todo("4.4")
def test_a_text_without_an_answer_gives_none(lab):
    got = lab.method.canonical_answer("3 bags of 4 apples are 12 apples.")
    assert_equal(
        got, None, mistake(got, {"a number without a marker isn't an answer": "12"}, "expected None")
    )


# ---- 4.5 generate_samples_batched ----

QUESTIONS = ["How many?", "Ava has 12 apples and buys 3 more apples. How many apples does Ava have?"]


def _samples(lab, tokenizer, **settings):
    model = lab.make("tiny_causal_lm", tokenizer, seed=2)
    asked = {"n": 3, "max_new_tokens": 6, "temperature": 1.0, "batch_size": 2, "seed": 11, **settings}
    return lab.method.generate_samples_batched(model, tokenizer, QUESTIONS, **asked)


@pytest.mark.todo("4.5")
def test_every_question_gets_n_completions_without_the_prompt(lab, tokenizer):
    samples = _samples(lab, tokenizer)
    assert_equal([len(group) for group in samples], [3, 3], "one list a question, n texts in each")
    for question, group in zip(QUESTIONS, samples, strict=True):
        for text in group:
            assert type(text) is str, "a sample is text: decode the new ids"
            assert question not in text, "the prompt is still in the sample: cut the prompt's ids off"
            assert "<|" not in text and "<pad>" not in text, "special tokens must not be in a sample"


@pytest.mark.todo("4.5")
def test_the_seed_decides_the_samples(lab, tokenizer):
    first, again, other = (_samples(lab, tokenizer, seed=seed) for seed in (11, 11, 12))
    assert_equal(again, first, "the same seed must give the same samples: set torch's seed inside")
    assert other != first, "another seed gives the same samples: is do_sample on, is the seed used?"


@pytest.mark.todo("4.5")
def test_the_samples_of_a_question_differ(lab, tokenizer):
    group = _samples(lab, tokenizer, n=4)[1]
    assert len(set(group)) > 1, "all samples are the same text: sampling is off, or one sample was copied"


# ---- 4.6 score_samples_batched ----

SAMPLES = [["#### 15", "Ava has 12 + 3 = 15 apples, so the answer is 15.", "no"], ["#### 7"]]


@pytest.mark.todo("4.6")
def test_rewards_have_the_shape_of_the_samples(lab, tokenizer):
    model = lab.make("tiny_reward_model", tokenizer, seed=4)
    rewards = lab.method.score_samples_batched(model, tokenizer, QUESTIONS, SAMPLES, batch_size=3)
    assert_equal([len(group) for group in rewards], [3, 1], "one reward a sample, grouped as the samples are")
    kinds = {type(reward) for group in rewards for reward in group}
    assert_equal(kinds, {float}, "rewards are Python floats, not tensors")
    assert len({round(reward, 4) for reward in rewards[0]}) == 3, "three different texts, the same reward"


@pytest.mark.todo("4.6")
def test_a_reward_does_not_depend_on_its_batch(lab, tokenizer):
    model = lab.make("tiny_reward_model", tokenizer, seed=4)
    alone, together = (
        lab.method.score_samples_batched(model, tokenizer, QUESTIONS, SAMPLES, batch_size=size)
        for size in (1, 4)
    )
    hint = "a shorter sample scores otherwise beside a longer one: pad on the right and pass attention_mask"
    assert_close(together, alone, hint, rtol=1e-4, atol=1e-4)


# ---- 4.7 majority_vote ----


@pytest.mark.todo("4.7")
def test_the_most_frequent_answer_wins(lab):
    got = lab.method.majority_vote(["12", "9", "9", "12", "9"])
    assert_equal(got, "9", mistake(got, {"the first answer won, not the most frequent": "12"}))


@pytest.mark.todo("4.7")
def test_ties_go_to_the_earliest_answer(lab):
    got = lab.method.majority_vote(["9", "5", "5", "9"])
    assert_equal(got, "9", mistake(got, {"of tied answers the earliest in the list must win": "5"}))


@pytest.mark.todo("4.7")
def test_none_is_not_a_vote(lab):
    got = lab.method.majority_vote([None, None, "5", None])
    assert_equal(got, "5", mistake(got, {"None was counted as a vote: leave it out first": None}))


# ---- 4.8 expected_vote_accuracy ----


@pytest.mark.todo("4.8")
def test_a_clear_winner_is_worth_one_or_nothing(lab):
    assert_close(lab.evaluate.expected_vote_accuracy(["5", "5", "7"], "5"), 1.0, "5 wins alone: always right")
    assert_close(lab.evaluate.expected_vote_accuracy(["5", "5", "7"], "7"), 0.0, "7 isn't at the top")


@pytest.mark.todo("4.8")
def test_a_tie_of_two_is_worth_one_half(lab):
    got = lab.evaluate.expected_vote_accuracy(["5", "7"], "7")
    likely = {
        "the earliest answer was taken: a random tie-break is right half the time": 0.0,
        "being among the tied isn't yet being chosen": 1.0,
    }
    assert_close(got, 0.5, mistake(got, likely, "one of two tied answers is right"))


# ---- 4.9 best_of_n ----


@pytest.mark.todo("4.9")
def test_the_highest_reward_wins(lab):
    got = lab.method.best_of_n(["12", "9", "9"], [-3.0, -0.5, -2.0])
    assert_equal(got, "9", "the second sample has the highest reward")
    got = lab.method.best_of_n(["12", "9", "9"], [0.5, 0.2, 0.4])
    assert_equal(
        got, "12", mistake(got, {"this counts votes: one sample with the best reward is enough": "9"})
    )


@pytest.mark.todo("4.9")
def test_equal_rewards_go_to_the_earliest_sample(lab):
    got = lab.method.best_of_n(["3", "4", "5"], [1.0, 2.0, 2.0])
    assert_equal(got, "4", mistake(got, {"of equal rewards the earliest must win": "5"}))


# ---- 4.10 weighted_vote ----


@pytest.mark.todo("4.10")
def test_two_good_samples_outvote_one_slightly_better(lab):
    got = lab.method.weighted_vote(["9", "12", "12"], [1.0, 0.9, 0.8])
    likely = {"the weights of equal answers must be added up": "9"}
    assert_equal(got, "12", mistake(got, likely))


@pytest.mark.todo("4.10")
def test_one_much_better_sample_outvotes_two(lab):
    got = lab.method.weighted_vote(["12", "9", "12"], [0.1, 3.0, 0.2])
    assert_equal(got, "9", mistake(got, {"the rewards don't count: weight a vote by exp(reward)": "12"}))


@pytest.mark.todo("4.10")
def test_an_unread_answer_has_no_weight(lab):
    got = lab.method.weighted_vote([None, "9", None], [2.0, 1.0, 2.0])
    assert_equal(got, "9", mistake(got, {"None was counted as a vote: leave it out first": None}))


# ---- 4.11 pass_at_k ----


@pytest.mark.todo("4.11")
def test_two_right_of_eight(lab):
    got = [lab.evaluate.pass_at_k(8, 2, k) for k in (1, 2, 4, 8)]
    likely = {
        "1 - (1 - c/n)^k draws with replacement; draw without": [1 - (1 - 2 / 8) ** k for k in (1, 2, 4, 8)],
        "this is the chance that no sample is right": [0.75, 15 / 28, 3 / 14, 0.0],
    }
    assert_close(got, [0.25, 13 / 28, 11 / 14, 1.0], mistake(got, likely))


@pytest.mark.todo("4.11")
def test_no_right_sample_gives_zero_and_k_above_n_is_refused(lab):
    assert_close(lab.evaluate.pass_at_k(5, 0, 3), 0.0, "without a right sample no draw holds one")
    with pytest.raises(ValueError):
        lab.evaluate.pass_at_k(4, 1, 5)


# ---- 4.12 maj_at_k ----


@pytest.mark.todo("4.12")
def test_all_samples_at_once_are_scored_exactly(lab):
    score = lab.make("score:share_of_gold")
    got = lab.evaluate.maj_at_k(["5", "7", None, "5"], "5", 4, score)
    assert_close(got, 0.5, "for k = n the only subset is the whole list: call score once on it")


@pytest.mark.todo("4.12")
def test_smaller_subsets_are_averaged(lab):
    score = lab.make("score:any_gold")
    answers = ["5", "7", "8", "9"]
    got = lab.evaluate.maj_at_k(answers, "5", 2, score, resamples=2000)
    likely = {"only the first k answers were scored: draw random subsets": 1.0, "the last k were scored": 0.0}
    hint = mistake(got, likely, "gold is in half of all pairs of four answers")
    assert_close(got, 0.5, hint, rtol=0, atol=0.06)


# ---- 4.13 best_of_n_kl_bound ----


@pytest.mark.todo("4.13")
def test_one_sample_moves_nothing_and_two_a_little(lab):
    got = [lab.evaluate.best_of_n_kl_bound(n) for n in (1, 2, 8)]
    likely = {
        "the term (n - 1)/n is missing": [0.0, math.log(2), math.log(8)],
        "use the natural logarithm: the bound is in nats": [0.0, 0.5, 3 - 7 / 8],
    }
    assert_close(got, [0.0, 0.1931472, 1.2044415], mistake(got, likely))


@pytest.mark.todo("4.13")
def test_more_samples_may_move_further(lab):
    bounds = [lab.evaluate.best_of_n_kl_bound(n) for n in (1, 2, 4, 16, 64)]
    assert bounds == sorted(bounds) and bounds[-1] > 3, "the bound grows with n: 3.175 nats at n = 64"


# ---- 4.14 check_majority_failure ----


@pytest.mark.todo("4.14")
def test_a_vote_that_drops_a_right_answer_failed(lab):
    vote = lab.make("vote:smallest")
    assert_equal(
        lab.evaluate.check_majority_failure(["5", "7", "7"], "7", vote), True, "7 was there, 5 was chosen"
    )


@pytest.mark.todo("4.14")
def test_a_right_vote_did_not_fail(lab):
    vote = lab.make("vote:last_parsed")
    got = lab.evaluate.check_majority_failure(["5", "7", "7"], "7", vote)
    assert_equal(got, False, "the given vote chose 7, which is right: use the `vote` you were handed")


# ---- 4.15 check_bon_failure ----


@pytest.mark.todo("4.15")
def test_a_wrong_sample_with_the_highest_reward_is_a_failure(lab):
    got = lab.evaluate.check_bon_failure(["5", "7", "5"], [0.1, 0.9, 0.3], "5")
    assert_equal(got, True, "5 was there, the highest reward chose 7")


@pytest.mark.todo("4.15")
def test_a_right_sample_with_the_highest_reward_is_none(lab):
    got = lab.evaluate.check_bon_failure(["7", "5", "7"], [0.1, 0.9, 0.3], "5")
    assert_equal(got, False, mistake(got, {"the reward decides, not the number of votes": True}))


# ---- 4.16 get_unique_preds_count ----


@pytest.mark.todo("4.16")
def test_equal_answers_count_once(lab):
    got = lab.evaluate.get_unique_preds_count(["5", "7", "5", "9"])
    likely = {
        "this counts samples, not different answers": 4,
        "count the answers, don't list them": ["5", "7", "9"],
    }
    assert_equal(got, 3, mistake(got, likely))


@pytest.mark.todo("4.16")
def test_no_samples_give_no_answers(lab):
    assert_equal(lab.evaluate.get_unique_preds_count([]), 0, "an empty list holds 0 answers")


# ---- 4.17 overoptimisation_curve ----


@pytest.mark.todo("4.17")
def test_three_samples_by_hand(lab):
    # By reward: right (3.0), wrong (2.0), wrong (1.0). Of the three pairs two hold the right one.
    got = lab.evaluate.overoptimisation_curve([[False, True, False]], [[1.0, 3.0, 2.0]], [1, 2, 3])
    likely = {
        "the first n samples were taken: average over all subsets of n": [0.0, 1.0, 1.0],
        "this draws with replacement: a subset holds n different samples": [1 / 3, 5 / 9, 19 / 27],
        "the lowest reward was taken": [1 / 3, 0.0, 0.0],
    }
    assert_close(got, [1 / 3, 2 / 3, 1.0], mistake(got, likely))


@pytest.mark.todo("4.17")
def test_a_hacked_reward_turns_the_curve_down(lab):
    correct, rewards = [[True, True, False]], [[1.0, 2.0, 9.0]]
    got = lab.evaluate.overoptimisation_curve(correct, rewards, [1, 2, 3])
    assert_close(got, [2 / 3, 1 / 3, 0.0], "the wrong sample has the highest reward: more samples, more harm")
