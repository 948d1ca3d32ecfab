# %% [markdown] card="all"
# # Lab 4 · Sampling more, choosing better
#
# A small model that is wrong more often than right still gets the right answer *somewhere* among eight
# tries. Which one is it? In this lab you train a model on word problems, sample from it, and build four
# ways to choose: a vote, a reward model, both together, and an oracle that shows what there is to gain.
# Then you watch a reward model get fooled by exactly the thing that made it useful: more samples.

# %% [markdown]
# ## Set-up
#
# Works in JupyterLab, in VS Code and on Colab, where the first lines fetch the course. Anything odd? Type
# `labs doctor` in a terminal.

# %% tags=["setup"]
import sys

if "google.colab" in sys.modules:
    get_ipython().system("curl -sLo c.zip {{release_url}} && unzip -qn c.zip && pip install -qe post*")
sys.path += [".", "..", "post-training-labs"]  # so that a folder which was only opened works too
from labkit.lesson import start

start("lab4")

# %%
from labkit.check import check
from labkit.lesson import beside
from labkit.models import load_tokenizer
from starter.lab4_best_of_n.data import build_gsm_prompt, encode_function, load_and_prepare_train_dataset
from starter.lab4_best_of_n.evaluate import best_of_n_kl_bound, check_bon_failure, check_majority_failure
from starter.lab4_best_of_n.evaluate import expected_vote_accuracy, get_unique_preds_count, maj_at_k
from starter.lab4_best_of_n.evaluate import overoptimisation_curve, pass_at_k
from starter.lab4_best_of_n.method import best_of_n, build_trainer, canonical_answer, generate_samples_batched
from starter.lab4_best_of_n.method import majority_vote, score_samples_batched, weighted_vote

# %% [markdown]
# ## Objectives
#
# When you are done you can
#
# 1. fine-tune a language model so that it learns the answers and not the questions;
# 2. sample in batches without the three mistakes that cost accuracy silently (padding side, stop token,
#    state);
# 3. choose by majority vote, best-of-N and a reward-weighted vote, and say what a *tie* is worth;
# 4. estimate pass@k and maj@k without bias, with an interval and a control beside every number;
# 5. recognise an over-optimised reward model from its curve;
# 6. find out why a result of 1.000 is too good to be true.

# %% [markdown]
# ## The question
#
# > *With eight samples a question, how much better than one sample is (a) a majority vote, (b) the sample
# > with the highest reward, (c) a vote weighted by reward? Does it still help at 64?*
#
# Write your prediction **before** you run anything: numbers, with a reason. A wrong prediction with a
# reason earns as much as a right one. After the experiment come back and complete the second half.
#
# Points (5): a number for each arm and for 64 (1), a reason each (1), the measured numbers with n and
# interval (1), what surprised you (1), a reason that the data supports (1).

# %% [markdown] written="4.W1"
# <!-- BEGIN SOLUTION 4.W1 -->
# **Before running.** One sample: 40 %. Vote of 8: +10 points, since right answers agree with each other and
# wrong ones scatter. Best of 8: +15, if the reward model ranks better than chance. Weighted: like the
# better of the two. At 64 the vote stays flat; best-of-N may fall, since 64 samples hold more that fool the
# reward model.
#
# **After running.** Measured numbers with n and interval from the table; the vote gained more than expected
# where few different answers occur; best-of-N falls beyond n = 4 even without planted samples.
# Reason: the maximum of 64 noisy rewards picks the largest error of the reward model.
# <!-- END SOLUTION 4.W1 -->

# %% [markdown]
# ## 4.1 Encode with the prompt masked
#
# A causal model is trained to predict every next token. For fine-tuning we want it to predict the *answer*
# given the question, and spend nothing on predicting the question. The trick is one list: `labels` is a
# copy of `input_ids` in which every prompt position holds −100, the value that cross entropy skips.
#
# Two details decide whether the result works. The end-of-turn token belongs to the answer: a model that
# never learns to stop never stops. And prompt and answer are tokenised apart, because at test time the
# model meets the prompt alone.

# %%
tokenizer = load_tokenizer("nano-math")
question, answer = "Mia has 3 bags of 4 apples. How many apples?", "3 * 4 = 12\n#### 12"
prompt = build_gsm_prompt(question, tokenizer)
print(prompt, answer, tokenizer.eos_token, sep="|")
print("tokens of the prompt:", len(tokenizer(prompt, add_special_tokens=False)["input_ids"]))
print("tokens of the answer:", len(tokenizer(answer, add_special_tokens=False)["input_ids"]))

# %% [markdown]
# **By hand:** with P prompt tokens and A answer tokens a row has P + A + 1 ids. Its first P labels are
# −100, and the A + 1 that follow decode to the answer and the end token. Run this again when you are done:


# %%
def learned_text(examples):
    """What the labels ask the model to say."""
    row = encode_function(examples, tokenizer, max_length=192)["labels"][0]
    return tokenizer.decode([label for label in row if label != -100])


one = {"question": [question], "answer": [answer]}
beside(learned_text, one, by_hand=answer + tokenizer.eos_token, because="the answer, then the end token")

# %% [markdown] card="4.1"

# %% [markdown]
# **Edit `starter/lab4_best_of_n/data.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Print the row token by token with its label beside it. The first learned token is the first of the answer.
# When the row is cut at `max_length`, all three lists are cut at the same place, and the end token is
# simply lost.
# </details>

# %%
check("4.1")

# %% [markdown]
# ## 4.2 Prepare the training set
#
# From a file to rows of ids: read, encode in batches, keep three columns, drop what can't be learned,
# shuffle, limit. The order matters. If the limit came before the shuffle, "1,000 examples" would be the
# first templates of the file only; if it came before the drop, "1,000" could mean 900.
#
# Why drop rows whose labels are all −100? The mean over no tokens is 0/0, and one NaN in the loss ruins
# every weight.

# %%
import json
from pathlib import Path

from labkit.data import data_path, read_jsonl

train_file = data_path("lab4_best_of_n", "gsm_symbolic_train_4500_student.jsonl")
problems = read_jsonl(train_file, {"question": str, "answer": str})
print(len(problems), "problems of", len({row["template"] for row in problems}), "templates; the first two:")
print(json.dumps(problems[:2], indent=1))

# %% [markdown]
# **By hand:** 4,500 lines, none longer than 192 tokens, so nothing is dropped: 4,500 rows. With a
# `max_length` of 10 every prompt fills its row alone, no label is left, and all rows go.


# %%
def rows(max_length, limit):
    """How many training rows there are."""
    return len(load_and_prepare_train_dataset(train_file, tokenizer, encode_function, max_length, limit))


beside(rows, 192, 100, by_hand=100, because="the limit, counted after dropping")
beside(rows, 10, None, by_hand=0, because="10 tokens hold no answer")

# %% [markdown] card="4.2"

# %% [markdown]
# **Edit `starter/lab4_best_of_n/data.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Everything you need is a method of `datasets.Dataset`. With `batched=True` your function gets a dictionary
# of lists and may return other columns than it got; say which old ones must go.
# </details>

# %%
check("4.2")

# %% [markdown]
# ## 4.3 Collator and Trainer
#
# Rows have different lengths; a batch is a rectangle. Something must fill the gap, and the filler must not
# be learned. There are three fillers: the pad token in `input_ids`, 0 in the mask, −100 in the labels.
#
# Two collators of the library look alike and are not. One pads the labels you made; the other throws them
# away and makes new ones from `input_ids`, so the model learns the questions too. Where pad and end token
# are the same, it also forgets how to stop.

# %%
first, second = [11, 12, 13, 14], [21, 22]
print("two rows        ", first, second)
print("input_ids       ", first, second + ["pad", "pad"])
print("attention_mask  ", [1, 1, 1, 1], [1, 1, 0, 0])
print("labels          ", [-100, -100, 13, 14], [-100, 22, -100, -100], " (prompts of 2 and 1 tokens)")

# %% [markdown] card="4.3"

# %% [markdown]
# **Edit `starter/lab4_best_of_n/method.py`**, then check. **By hand** above: the longest row decides the
# width.
#
# <details><summary>Hint</summary>
#
# The docstring names the collator. Read the list of its arguments: one of them decides what the labels are
# padded with. The Trainer wants the tokenizer under the name `processing_class` since transformers 5.
# </details>

# %%
check("4.3")

# %% [markdown]
# ## 4.4 Canonical numeric answers
#
# Voting counts equal answers, so equal must mean equal: `1,000`, `1000.0`, `$1000` and "1000 dollars." are
# one answer, not four. And a text without a readable answer must stay apart from everything: it is `None`,
# which is no vote and never right.
#
# This small function decides more results than the model does. In the case file you will meet one that only
# knew `####` and reported an accuracy of 1.000.

# %%
beside(canonical_answer, "#### 1,000", by_hand="1000", because="a thousands comma")
beside(canonical_answer, "So it is 1/2.\n#### 0.50", by_hand="1/2", because="exact value, as a fraction")
beside(canonical_answer, "#### 3\nWait.\n#### $4.00", by_hand="4", because="the last marker decides")
beside(canonical_answer, "The answer is 42 apples.", by_hand="42", because="second marker, unit ignored")
beside(canonical_answer, "I think 42", by_hand=None, because="no marker, no answer: don't guess")

# %% [markdown] card="4.4"

# %% [markdown]
# **Edit `starter/lab4_best_of_n/method.py`**, then check.
#
# <details><summary>Hint 1</summary>
#
# Two steps, each easy to test alone: *where* is the number (which marker, which line), and *what* is it
# (sign, digits, commas, decimals, fraction).
# </details>
# <details><summary>Hint 2</summary>
#
# Python has an exact type for such numbers in its standard library, and its `str` is the spelling we want.
# Floats are not exact: 0.1 + 0.2.
# </details>

# %%
check("4.4")

# %% [markdown]
# ## 4.5 Batched sampling
#
# Eight samples for 100 questions are 800 texts: far too slow one at a time, a minute in batches.
# Three things go wrong silently in a batch:
#
# - **padding side**: a decoder continues from the last position, so a prompt padded on the right is
#   continued from a pad token;
# - **stopping**: without the end token among the stops, text runs on and a second `####` appears;
# - **state**: a function that leaves the tokenizer padding left, or the model in eval mode, breaks the
#   *next* function.

# %%
short, long = build_gsm_prompt("2 + 2?", tokenizer), prompt
widths = [len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in (short, long)]
gap = max(widths) - min(widths)
print("right:", "…assistant|>" + "·" * gap + "[the sample would start here]")
print("left: ", "·" * gap + "…assistant|>[the sample starts here]")
print(f"the shorter prompt gets {gap} pad tokens (each · above)")

# %% [markdown] card="4.5"

# %% [markdown]
# **Edit `starter/lab4_best_of_n/method.py`**, then check. **By hand:** 3 questions with n = 2 and
# `batch_size` 2 make batches of 4 and 2 sequences, and 3 lists of 2 texts.
#
# <details><summary>Hint 1</summary>
#
# `generate` returns prompt and completion in one row. All prompts of a batch have the same width after
# padding.
# </details>
# <details><summary>Hint 2</summary>
#
# "Put back, also after an error" is what `try … finally` is for. For the random state see
# `torch.random.fork_rng`.
# </details>

# %%
check("4.5")

# %% [markdown]
# ## 4.6 Batched reward scoring
#
# A reward model reads a whole conversation, question and solution, and returns one number: higher should
# mean better. It reads that number at *one* position, the last real token. Here padding goes to the right,
# and the model must know which token is padding; otherwise it reads its opinion from a pad token, and a
# sample's score changes with its neighbours in the batch.
#
# Only differences mean anything: a reward of 2.1 is neither good nor bad.

# %%
conversation = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
print(tokenizer.apply_chat_template(conversation, tokenize=False))
print("score read here ^ (the end token of the answer, or what follows it), never at a pad token")

# %% [markdown] card="4.6"

# %% [markdown]
# **Edit `starter/lab4_best_of_n/method.py`**, then check. **By hand:** samples in the shape `[[a, b], [c]]`
# give rewards in the shape `[[r, r], [r]]`, and the same number whether scored one by one or together.
#
# <details><summary>Hint</summary>
#
# Flatten, score in batches, put the numbers back in shape. Score one text alone and in a batch with a long
# one: equal to 1e-4?
# </details>

# %%
check("4.6")

# %% [markdown]
# ## 4.7 Majority vote
#
# Right solutions agree, wrong ones scatter: that is the whole idea of self-consistency. The winner is the
# most frequent answer.
#
# Two rules must be written down before the first result, or the result depends on whoever wrote the code.
# `None` is not a vote: five unreadable texts don't beat two that say 7. And a tie goes to the answer that
# came first.

# %%
beside(majority_vote, ["7", "5", "5"], by_hand="5", because="two votes against one")
beside(majority_vote, ["7", "5", "5", "7"], by_hand="7", because="two each; 7 was there first")
beside(majority_vote, [None, None, None, "3"], by_hand="3", because="None is not a vote")
beside(majority_vote, [None, None], by_hand=None, because="nobody votes")

# %% [markdown] card="4.7"

# %% [markdown]
# **Edit `starter/lab4_best_of_n/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# A set has no order. Whatever you count with must remember which answer came first.
# </details>

# %%
check("4.7")

# %% [markdown]
# ## 4.8 What a tie is worth
#
# "Ties go to the earliest" is a rule, not knowledge. If the samples came in another order, another answer
# would have won. The fair value of a tied question is the *expectation* over a random tie-break: two tied
# answers, one of them right, are worth one half.
#
# On the published four-sample data this choice alone moved the same accuracy from .443 to .563.

# %%
beside(expected_vote_accuracy, ["7", "5", "5"], "5", by_hand=1.0, because="5 wins alone")
beside(expected_vote_accuracy, ["7", "5", "5", "7"], "5", by_hand=0.5, because="one of two tied is right")
beside(expected_vote_accuracy, ["7", "5", None, "3"], "5", by_hand=1 / 3, because="three tied with one vote")
beside(expected_vote_accuracy, [None, None], "5", by_hand=0.0, because="no votes, nothing right")

# %% [markdown] card="4.8"

# %% [markdown]
# **Edit `starter/lab4_best_of_n/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# What should happen if `gold` itself is None? Think of a question nobody could read, answered by a sample
# nobody could read. The docstring says what to do.
# </details>

# %%
check("4.8")

# %% [markdown]
# ## 4.9 Best of N
#
# Let the reward model choose: the answer of the sample with the highest reward. Nothing is filtered. If the
# favourite has no readable answer, best-of-N has failed on this question, and the number should show it.
#
# One trap: every comparison with NaN is false, so a NaN reward makes "the highest" depend on the order of
# the samples. Refuse it aloud.

# %%
beside(best_of_n, ["7", "5", "5"], [2.0, 1.0, 1.5], by_hand="7", because="reward 2.0, though outvoted")
beside(best_of_n, ["7", None], [0.1, 0.9], by_hand=None, because="the favourite can't be read")
beside(best_of_n, ["7", "5"], [1.0, 1.0], by_hand="7", because="equal rewards: the earlier")

# %% [markdown] card="4.9"

# %% [markdown]
# **Edit `starter/lab4_best_of_n/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Find the *position* of the best reward first. For what to refuse, see `math.isnan`.
# </details>

# %%
check("4.9")

# %% [markdown]
# ## 4.10 Reward-weighted vote
#
# The vote ignores the rewards; best-of-N ignores the agreement. The weighted vote uses both: each sample
# votes with weight $\exp(r/\tau)$. For large $\tau$ all weights are equal (the vote), for small $\tau$ one
# sample decides (best-of-N).
#
# $\exp(1000)$ overflows. Subtracting the same number from all rewards multiplies every weight by the same
# factor and changes no winner, so subtract the highest.

# %%
lone_seven = (["7", "5", "5"], [2.0, 1.0, 1.0])
beside(weighted_vote, *lone_seven, by_hand="7", because="1 against 2/e = 0.74")
beside(weighted_vote, *lone_seven, temperature=2.0, by_hand="5", because="1 against 2/√e = 1.21")
beside(weighted_vote, ["7", "5"], [1000.0, -1000.0], by_hand="7", because="no overflow")

# %% [markdown] card="4.10"

# %% [markdown]
# **Edit `starter/lab4_best_of_n/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# The highest reward *of the samples that vote*: an unreadable text with reward 1000 would push all other
# weights to zero. Floating-point sums depend on their order; `math.fsum` does not.
# </details>

# %%
check("4.10")

# %% [markdown]
# ## 4.11 pass@k without bias
#
# How often would at least one of k samples be right? From n samples with c right ones, count the ways to
# draw k *without replacement*: $1 - \binom{n-c}{k} / \binom{n}{k}$. That is unbiased.
#
# The obvious shortcut $1 - (1 - c/n)^k$ draws with replacement, and is too low. Nor does "did the first k
# hold a right one" help: it is unbiased too, but throws away n − k samples.

# %%
beside(pass_at_k, 8, 2, 1, by_hand=0.25, because="2 of 8")
beside(pass_at_k, 8, 2, 2, by_hand=13 / 28, because="28 pairs, 15 of them from the 6 wrong ones")
beside(pass_at_k, 8, 2, 8, by_hand=1.0, because="all samples: a right one is among them")
print(f"shortcut at k = 4: {1 - (1 - 2 / 8) ** 4:.3f}, right value: {1 - 15 / 70:.3f}")

# %% [markdown] card="4.11"

# %% [markdown]
# **Edit `starter/lab4_best_of_n/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# For n = 100,000 the binomials have thousands of digits. Write both as products and cancel: c factors
# remain, each of the form 1 − k/i.
# </details>

# %%
check("4.11")

# %% [markdown]
# ## 4.12 maj@k by resampling
#
# "Accuracy of a vote over the *first* k samples" uses k of the n samples and throws the rest away. Better:
# draw many subsets of size k from all n samples, score each, take the mean. The scoring function is an
# argument, so the same function serves a vote, best-of-N or an oracle.
#
# Draw without replacement (a sample drawn twice would vote twice), and let the generator be your own:
# seeding the global one would change everybody else's numbers.


# %%
def any_right(answers, gold):
    return float(gold in answers)


toy = ["4", "4", "5", None]
beside(maj_at_k, toy, "4", 4, any_right, by_hand=1.0, because="k = n: one subset, no chance left")
beside(maj_at_k, toy, "4", 3, any_right, by_hand=1.0, because="only two are wrong: 3 always hold a 4")
beside(maj_at_k, toy, "9", 2, any_right, by_hand=0.0, because="there is no 9")

# %% [markdown] card="4.12"

# %% [markdown]
# **Edit `starter/lab4_best_of_n/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Draw *positions*, not answers, and sort them: a tie rule may depend on the order.
# </details>

# %%
check("4.12")

# %% [markdown]
# ## 4.13 How far best-of-N can move
#
# Choosing the best of n changes the distribution you sample from. How far? At most $\log n - (n-1)/n$ nats
# of KL divergence, whatever the reward model prefers. So n is a knob that buys reward with distance, and
# every over-optimisation curve has this distance on its x-axis.
#
# It is an upper bound. Where samples repeat, the real distance is smaller.

# %%
beside(best_of_n_kl_bound, 1, by_hand=0.0, because="one sample: nothing was chosen")
beside(best_of_n_kl_bound, 2, by_hand=0.1931, because="0.6931 - 0.5")
beside(best_of_n_kl_bound, 8, by_hand=1.2044, because="2.0794 - 0.875")

# %% [markdown] card="4.13"

# %% [markdown]
# **Edit `starter/lab4_best_of_n/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Nats mean the natural logarithm.
# </details>

# %%
check("4.13")

# %% [markdown]
# ## 4.14 When the vote fails
#
# A wrong choice has two very different causes. Either no sample was right, then no way of choosing could
# help; or a right one was there and the vote lost it. Only the second is the vote's failure, and only those
# are worth reading one by one.

# %%
beside(
    check_majority_failure, ["5", "7", "7"], "5", majority_vote, by_hand=True, because="5 was there, 7 won"
)
beside(check_majority_failure, ["7", "7", "3"], "5", majority_vote, by_hand=False, because="no 5 to choose")
beside(
    check_majority_failure, ["5", "5", "3"], "5", majority_vote, by_hand=False, because="the vote is right"
)

# %% [markdown] card="4.14"

# %% [markdown]
# **Edit `starter/lab4_best_of_n/evaluate.py`**, then check. (The cell above also needs your
# `majority_vote`.)
#
# <details><summary>Hint</summary>
#
# The vote is handed to you as a function. Call that one; another rule would answer another question.
# </details>

# %%
check("4.14")

# %% [markdown]
# ## 4.15 When best-of-N fails
#
# The same question for the reward model: a right sample was there, and a wrong one got the higher reward.
# These are the pairs a reward model should be trained on next.

# %%
beside(check_bon_failure, ["5", "7"], [0.2, 0.9], "5", by_hand=True, because="7 was preferred to 5")
beside(
    check_bon_failure, ["5", None], [0.2, 0.9], "5", by_hand=True, because="an unreadable text was preferred"
)
beside(check_bon_failure, ["3", "7"], [0.2, 0.9], "5", by_hand=False, because="no 5 to choose")

# %% [markdown] card="4.15"

# %% [markdown]
# **Edit `starter/lab4_best_of_n/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Equal rewards: the earlier sample, as in 4.9. A function of this lab never calls another TODO, so a
# mistake there can't cost you points here.
# </details>

# %%
check("4.15")

# %% [markdown]
# ## 4.16 How many different answers
#
# A question with one unique answer in eight samples leaves nothing to choose. One with eight is a guess.
# The interesting ones lie between, and this count finds them: the failure report of this lab shows those
# with exactly three.

# %%
beside(get_unique_preds_count, ["7", "5", "5", None], by_hand=2, because="7 and 5; None is no answer")
beside(get_unique_preds_count, [None, None], by_hand=0, because="nothing could be read")

# %% [markdown] card="4.16"

# %% [markdown]
# **Edit `starter/lab4_best_of_n/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# One line.
# </details>

# %%
check("4.16")

# %% [markdown]
# ## 4.17 The over-optimisation curve
#
# If rewards were perfect, best-of-N could only improve with n. They aren't: the highest of many rewards
# belongs more and more often to the sample whose reward is most *wrong*. The curve rises, then falls.
#
# To see it, we need the accuracy at every n without noise. Order a question's N samples by reward. The one
# at place j is chosen from a random n-subset exactly when it is in it and none of the j better ones is.
# That chance has a closed form, so the whole curve is exact.

# %%
right, reward = [[True, False, False]], [[2.0, 3.0, 1.0]]  # the favourite is wrong, the second is right
beside(overoptimisation_curve, right, reward, [1], by_hand=[1 / 3], because="one sample: 1 of 3 is right")
beside(overoptimisation_curve, right, reward, [2], by_hand=[1 / 3], because="of 3 pairs only (2.0, 1.0)")
beside(overoptimisation_curve, right, reward, [3], by_hand=[0.0], because="the favourite always wins")

# %% [markdown] card="4.17"

# %% [markdown]
# **Edit `starter/lab4_best_of_n/evaluate.py`**, then check.
#
# <details><summary>Hint 1</summary>
#
# How many n-subsets contain the sample at place j and none of the j before it? The other n − 1 come from
# those behind it.
# </details>
# <details><summary>Hint 2</summary>
#
# The chances over all places add up to 1: test that first.
# </details>

# %%
check("4.17")

# %% [markdown]
# ## The experiment
#
# Everything below runs on *your* functions; `run.py` only wires them. Live, in a few minutes on two cores:
# fine-tuning, greedy answers of the tuned and the **untuned** model on three test sets, and eight samples
# for 100 questions from both. The full lab (`labs run lab4`) draws 64 samples from the tuned model; its
# numbers come later, from records, and the text says so.
#
# **Predict first:** your numbers stand in 4.W1? Then go on.

# %% tags=["experiment"]
from starter.lab4_best_of_n import analysis, report, run
from starter.lab4_best_of_n.config import Config

tests = {
    "in_distribution": "test_in_distribution.jsonl",  # 500 items
    "same_templates": "gsm8k_test_100_same_templates.jsonl",
    "non_overlapping": "gsm8k_test_100_non_overlapping.jsonl",
}
live = Config(profile="notebook", test_sets=tests, sample_items=100, samples_tuned=8, curve_ns=(1, 2, 4, 8))
folder = run.run(live, until="data").folder
print("everything of this run lies in", folder.relative_to(folder.parents[1]))

# %% [markdown]
# ### Fine-tuning
#
# Your 4.1, 4.2 and 4.3. The loss is in nats per answer token; watch it fall. A second run of this cell
# takes the finished checkpoint from `runs/`, unless you edited one of the three functions: then it trains
# again. The same holds for all stages below.

# %% tags=["experiment"]
run.run(live, until="train")
losses = json.loads((folder / f"checkpoints/lr_{live.learning_rates[0]:g}.json").read_text("utf-8"))
print("training loss every 20 steps:", *(f"{loss:.2f}" for loss in losses["history"]))
print(f"on {live.validation_rows} rows held out: {losses['validation_loss']:.3f} nats per answer token")

# %% [markdown]
# ### One greedy answer
#
# Tuned against untuned on the same questions, with two controls: the most frequent training answer, always;
# and the model's answers held against the *next* question's gold (what you get without reading the
# question).

# %% tags=["experiment"]
run.run(live, until="eval")
common = majority_vote([canonical_answer(row["answer"]) for row in problems])
predictions = {}
for test in tests:
    for model in run.MODELS:
        rows = predictions[model, test] = read_jsonl(folder / f"predictions/{model}_{test}.jsonl")
        found = report.accuracy_of(rows, common, live)
        low, high = found["wilson_95"]
        print(
            f"{test:15} {model:5} {found['accuracy']:.3f} [{low:.3f}, {high:.3f}] n={found['n']:3}", end="  "
        )
        print(f"unread {found['unread']:2}  constant {found['control_constant']:.3f}", end="  ")
        print(f"shuffled {found['control_shuffled']:.3f}")

# %% tags=["experiment"]
found = report.tuning_effects(predictions, live)
for name, row in found.items():
    ends = f"[{row['low_pp']:+.1f}, {row['high_pp']:+.1f}]"
    print(f"{name:26} {row['value_pp']:+.1f} points {ends}, n = {row['n']}")
effects = {"tuned_minus_untuned_pp": found["tuned_minus_untuned_pp"]["value_pp"]}

# %% [markdown]
# **Explain.** Where did tuning help, and where less? The intervals are about ± 10 points wide at n = 100
# and ± 4 at n = 500: which of the differences could you defend with these tests alone?

# %% [markdown]
# ### Eight samples, and their rewards
#
# Your 4.5 and 4.6, question by question in batches of similar length. Each shard of 40 questions is saved
# when it is finished, so an interrupted cell goes on where it stopped.
#
# Before you trust a reward, read the judge's card, `data/models/nano-math-reward/README.md`: on stories it
# was trained to judge it is good; on others its favourite is no better than a random pick. Which ones does
# this test hold?

# %% tags=["experiment"]
run.run(live, until="sample")
first = read_jsonl(folder / "results/sampling/tuned_scored.jsonl")[0]
print(first["question"], "\ngold:", first["gold"])
for sample in sorted(first["samples"], key=lambda sample: -sample["reward"]):
    print(f"{sample['reward']:7.2f}  {sample['answer']!s:>6}  {sample['text'][:80]!r}")

# %% [markdown]
# ### Choosing
#
# The published table: accuracy over the *first* n samples, every rule beside its controls. Then the same
# questions without bias, over all subsets.

# %% tags=["experiment"]
run.run(live, until="analyze")
for model in run.MODELS:
    print(model)
    print((folder / f"results/sampling/eval_{model}/summary.csv").read_text("utf-8"))

# %% [markdown]
# ## Reading the plots
#
# **Live, on your samples.** Six ways to choose among k samples of the tuned model. Two are controls: a
# random pick, and the longest text. The oracle knows the answer: no rule can be above it. Bars: 95 %,
# resampling whole templates, because questions of one template are not independent.

# %% tags=["experiment"]
import numpy as np

from labkit import plots

rows = read_jsonl(folder / "results/sampling/eval_tuned/curves.jsonl")
curves = report.mean_curves(rows, live)
fig, axes = plots.figure()
for number, name in enumerate(analysis.SELECTORS):
    middle, ends = np.array(curves[name]), np.array(curves[f"{name}_95"]).T
    places = np.array(curves["k"]) * (1 + 0.025 * (number - 2.5))  # side by side
    bars = {"yerr": abs(ends - middle), "capsize": 2, "label": analysis.LABELS[name]}
    axes.errorbar(places, middle, **bars, **plots.arm(number))
axes.set_xscale("log", base=2)
axes.set_xticks(curves["k"], [str(k) for k in curves["k"]])
axes.set(xlabel="samples k", ylabel="expected accuracy", ylim=(0, 1))
axes.set_title(f"Choosing among k samples of the tuned model, {len(rows)} questions")
axes.legend(fontsize=9)
at_8 = ", ".join(f"{analysis.LABELS[name]} {curves[name][-1]:.2f}" for name in analysis.SELECTORS)
plots.show(fig, alt=f"Expected accuracy against k; one sample {curves['random'][0]:.2f}. At k = 8: {at_8}.")

# %% [markdown]
# **Explain**, in this order. Which curve is flat, and why must it be? How far is the best rule from the
# oracle? Do the bars of two neighbouring curves overlap? They may, and the difference can still be clear:
# the *same* questions are answered by both, so compare them in pairs.

# %% tags=["experiment"]
picked = read_jsonl(folder / "results/sampling/eval_tuned/choices.jsonl")
for row in report.choosing_effects(rows, picked, live).values():
    interval_pp = f"[{row['low_pp']:+.1f}, {row['high_pp']:+.1f}]"
    needed = row["mcnemar"]["n_needed"]
    sizes = f"n = {row['n']}, needed {needed}"
    print(f"{' − '.join(row['arms']):22} {row['value_pp']:+5.1f} points {interval_pp}  {sizes}")

# %% [markdown]
# **How many different answers?** A question on which all samples agree leaves nothing to choose; one with
# eight answers is guesswork. The middle is where rules differ.

# %% tags=["experiment"]
fig, axes = plots.figure(1, 2)
axes[1].sharey(axes[0])
means = []
for axis, model in zip(axes, run.MODELS):
    counted = json.loads((folder / f"results/failure_counts_{model}.json").read_text("utf-8"))
    unique = {int(k): v for k, v in counted.pop("unique_answers").items()}
    axis.bar(unique.keys(), unique.values(), color=plots.PALETTE[run.MODELS.index(model)])
    axis.set(xlabel="different answers among 8 samples", xlim=(-0.6, 8.6), xticks=range(9), title=model)
    means.append(f"{model} {sum(k * v for k, v in unique.items()) / sum(unique.values()):.1f}")
    print(model, counted)
axes[0].set_ylabel("questions")
plots.show(fig, alt=f"How many different answers a question got, two histograms. Means: {', '.join(means)}.")

# %% [markdown]
# **Read failures one by one.** The report keeps those with exactly three different answers, on which a rule
# chose wrong although a right sample was there. What do the favourites of the reward model have in common?

# %% tags=["experiment"]
print((folder / "results/failure_modes_tuned.txt").read_text("utf-8")[:2500])

# %% [markdown]
# ### More samples: from records
#
# **Recorded, not live:** `make effects` ran the full lab over several seeds and wrote `expected.json`:
# means over seeds; the two `turndown` effects are of the planted arm. In the *planted* arm a small share of the tuned model's samples was replaced by *hacked*
# ones: wrong, but with the highest reward of their question, as if the generator had found a hole in the
# reward model. The *natural* arm is the reward model as it is.
#
# **Predict:** which of the four curves turn down, and from which n on?

# %% tags=["experiment"]
recorded = json.loads((Path(run.__file__).parent / "expected.json").read_text("utf-8"))
low, over, high = (recorded["records"][key]["overoptimisation"] for key in ("low", "mean", "high"))
print(f"seeds {recorded['seeds']}, {100 * over['hack_rate']:g} % hacked samples planted")
for name, effect in recorded["effects"].items():
    print(f"{name:34} {effect['mean']:6.1f} ± {effect['sd']:4.1f}   target {effect['target']}")
print("\naccuracy at n = 8 minus that at 64, in points (negative: it still rises), mean [95 %] of a seed")
for arm, name in [(arm, name) for arm in ("planted", "natural") for name in ("best_of_n", "majority")]:
    row = over[arm][name]
    print(f"{arm} {name:10} {row['turndown_pp']:+6.1f} [{row['low_pp']:+.1f}, {row['high_pp']:+.1f}]")

# %% tags=["experiment"]
fig, axes = plots.figure(figsize=(8, 5))
said = []
arms = [(arm, name) for arm in ("planted", "natural") for name in ("best_of_n", "majority")]
for number, (arm, name) in enumerate(arms):
    curve = over[arm][name]["accuracy"]
    label = f"{analysis.LABELS[name]}, {arm}"
    axes.plot(over["kl_bound_nats"], curve, **plots.arm(number), label=label)
    ends = [edge[arm][name]["accuracy"] for edge in (low, high)]  # lowest and highest seed
    axes.fill_between(over["kl_bound_nats"], *ends, color=plots.PALETTE[number], alpha=0.15)
    peak = max(range(len(over["ns"])), key=curve.__getitem__)
    said.append(f"{label}: highest at n = {over['ns'][peak]:.0f}, {curve[-1]:.2f} at the end")
axes.set(xlabel="distance from the model: upper bound of KL (nats)", ylabel="expected accuracy")
top = axes.secondary_xaxis("top")
top.set_xticks(over["kl_bound_nats"], [f"n={n:.0f}" for n in over["ns"]], fontsize=9)
axes.legend(fontsize=9)
plots.show(fig, alt="Accuracy against KL bound, bands over seeds. " + "; ".join(said) + ".")

# %% [markdown]
# **Explain.** A hacked sample has one vote but the highest reward. Why does the vote hardly notice, and why
# does best-of-N get worse and worse? What would happen to the weighted vote?
#
# Then complete the second half of **4.W1** above, with n and intervals.

# %% [markdown]
# **Your own reward model to break.** No model needed: 400 toy questions, 64 samples each, half right. The
# reward is correctness plus noise; a share ε of wrong samples gets a huge one. Change ε and the noise.

# %% tags=["experiment"]
rng, epsilon, noise = np.random.default_rng(0), 0.02, 1.0
correct = rng.random((400, 64)) < 0.5
reward = correct + noise * rng.normal(size=correct.shape)
reward[(rng.random(correct.shape) < epsilon) & ~correct] = 9.0
ns = [1, 2, 4, 8, 16, 32, 64]
for n, accuracy in zip(ns, overoptimisation_curve(correct.tolist(), reward.tolist(), ns)):
    print(f"n = {n:2}  at most {best_of_n_kl_bound(n):.2f} nats away  accuracy {accuracy:.3f}")

# %% [markdown]
# ## Against the libraries
#
# Your functions against code that others wrote, on the values above. Oracles don't share your mistakes.
#
# 1. pass@k against scipy's hypergeometric distribution (drawing without replacement);
# 2. your labels against the loss that `transformers` computes itself, token by token;
# 3. your batched sampling at temperature 0 against `generate` on one prompt.

# %%
from scipy.stats import hypergeom

worst = 0.0
for n, c, k in [(8, 2, 4), (64, 1, 32), (64, 20, 8), (1000, 3, 500)]:
    library = hypergeom.sf(0, n, c, k)  # the chance of more than 0 right ones
    worst = max(worst, abs(pass_at_k(n, c, k) - library))
print(f"pass@k: largest difference from scipy {worst:.1e}")
assert worst < 1e-9

# %%
import torch
from labkit.models import load_causal_lm

base = load_causal_lm("nano-math").eval()
row = encode_function({"question": [question], "answer": [answer]}, tokenizer, 192)
ids, labels = torch.tensor(row["input_ids"]), torch.tensor(row["labels"])
with torch.no_grad():
    output = base(input_ids=ids, labels=labels)  # transformers' own loss: shifts, skips -100
logps = output.logits[0, :-1].log_softmax(-1).gather(1, ids[0, 1:, None])[:, 0]  # (sequence - 1,)
answer_tokens = len(tokenizer(answer, add_special_tokens=False)["input_ids"]) + 1
by_hand = -logps[-answer_tokens:].mean()  # the last tokens are the answer and its end
print(f"loss of transformers on your labels {output.loss:.6f}, of the answer's tokens {by_hand:.6f}")
assert abs(output.loss - by_hand) < 1e-5

# %%
batch = ["2 + 2 = ?", question]  # two lengths, so that one prompt is padded
settings = dict(n=1, max_new_tokens=48, temperature=0.0, batch_size=2, seed=0)
together = generate_samples_batched(base, tokenizer, batch, **settings)
for text, (yours,) in zip(batch, together):
    one = tokenizer(build_gsm_prompt(text, tokenizer), add_special_tokens=False, return_tensors="pt")
    greedy = dict(max_new_tokens=48, do_sample=False, eos_token_id=tokenizer.eos_token_id)
    ids = base.generate(one["input_ids"], attention_mask=one["attention_mask"], **greedy)
    alone = tokenizer.decode(ids[0, one["input_ids"].shape[1] :], skip_special_tokens=True)
    print(yours == alone, repr(yours))

# %% [markdown]
# ## Case file
#
# Three results that published projects or their tools really produced. Reproduce each, find the cause,
# repair it, prove the repair.
#
# `records` holds about 60 questions, each with eight samples: `text`, the `answer` that a `####`-only
# parser recorded (or None), and a `reward`. The grader puts *other* records into the next cell and runs
# only the set-up and the answer cells: compute everything from `records`, never write a number down, and
# import in an answer cell whatever it uses. No value is rounded.

# %% tags=["inject"]
from labkit.data import data_path, read_jsonl

records = read_jsonl(data_path("lab4_best_of_n", "records_small.jsonl"))
print(len(records), "questions with", len(records[0]["samples"]), "samples;", records[0]["samples"][0])

# %% [markdown]
# ### Exhibit A: the untuned model with an accuracy of 1.000
#
# A script compared predictions with gold answers. Its parser knew one marker, `####`. It printed **accuracy
# 1.000** for a model that had never seen the task. Nobody had tampered with anything. Here is that parser,
# on answers whose gold column holds plain numbers and on samples that say "The answer is …":


# %%
def script_parser(text):
    return text.split("####")[1].strip() if "####" in text else None


unmarked = [r for r in records if "####" not in r["samples"][0]["text"]]
verdicts = [script_parser(r["samples"][0]["text"]) == script_parser(r["gold"]) for r in unmarked]
print(f"the script: {sum(verdicts)} of {len(verdicts)} right, accuracy {sum(verdicts) / len(verdicts):.3f}")
r = unmarked[0]
print("first one: ", repr(r["samples"][0]["text"]), "· gold", repr(r["gold"]))

# %% [markdown]
# And on the untuned model itself, with its greedy answers from the experiment above. Nothing is filtered
# here:

# %% tags=["experiment"]
untuned = predictions["base", "in_distribution"]
verdicts = [script_parser(row["text"]) == script_parser(row["gold"]) for row in untuned]
print(f"the script:   accuracy {sum(verdicts) / len(verdicts):.3f}, n = {len(verdicts)}")
print(f"texts with ####: {sum('####' in row['text'] for row in untuned)}")
print(f"really right: {sum(row['correct'] for row in untuned) / len(untuned):.3f}")

# %% [markdown]
# **Before you open it:** which two values did the script compare? Print both for the first record.
#
# <details><summary>The cause</summary>
#
# Both sides are None. None == None is True, so *every question that nobody could read* is counted as
# solved, and where nothing can be read the accuracy is exactly 1.000. A result of exactly 1 or 0 is a
# reason to look at the parser.
# </details>
#
# The repair has two parts: a parser that reads what people write (4.4), and a gold answer that may never be
# None (4.8, 4.12, 4.14, 4.15 refuse it). **4.V3:** re-parse the *text* of each question's first sample with
# your `canonical_answer`; what share is right? (`gold` is
# canonical: compare with it as it is.)

# %% answer="4.V3"
from starter.lab4_best_of_n.method import canonical_answer

# TODO 4.V3: share of questions whose first sample, re-parsed from its text, is right.
# BEGIN SOLUTION 4.V3
firsts = [(canonical_answer(record["samples"][0]["text"]), record["gold"]) for record in records]
repaired_accuracy = sum(answer is not None and answer == gold for answer, gold in firsts) / len(records)
# END SOLUTION 4.V3

# %% test="4.V3"
assert isinstance(repaired_accuracy, float), "a share is a float such as 0.42"
assert 0 <= repaired_accuracy < 1, "a share of questions, and not every first sample is right"

# %% [markdown]
# **Proof.** With None as gold, the repaired functions refuse instead of agreeing:

# %%
try:
    print(expected_vote_accuracy([None, None], None))
except ValueError as refusal:
    print("refused:", refusal)

# %% [markdown]
# ### Exhibit B: .563 or .443 from the same samples
#
# Four models answered 1,319 questions once each; the majority was right on .563 of them, or on .443. Same
# samples, same parser: only the *tie rule* differed, because 40 % of the questions were tied. One order put
# the best model first, the other the worst.
#
# Our samples come in random order, so here both orders should agree on average. Sort them by reward, as
# many tools do before they vote, and see:


# %%
def vote_share(order):
    """Accuracy of the vote over four samples; `order` sorts them first."""
    chosen = [(majority_vote([s["answer"] for s in order(r["samples"][:4])]), r["gold"]) for r in records]
    return sum(answer == gold for answer, gold in chosen) / len(chosen)


print(f"as drawn                {vote_share(list):.3f}")
print(f"best reward first       {vote_share(lambda s: sorted(s, key=lambda x: -x['reward'])):.3f}")
print(f"worst reward first      {vote_share(lambda s: sorted(s, key=lambda x: x['reward'])):.3f}")
fair = [expected_vote_accuracy([s["answer"] for s in r["samples"][:4]], r["gold"]) for r in records]
print(f"expected, random ties   {sum(fair) / len(fair):.3f}")

# %% [markdown]
# **4.V1:** on what share of *all* questions do the first four recorded answers tie? A tie: at least two
# different answers share the highest count. None is no answer: a question with one vote and three None is
# no tie, one with four None neither; four different answers are.

# %% answer="4.V1"
# TODO 4.V1: share of questions whose first four recorded answers are tied at the top.
# BEGIN SOLUTION 4.V1
from collections import Counter

tied = 0
for record in records:
    votes = Counter(sample["answer"] for sample in record["samples"][:4] if sample["answer"] is not None)
    tied += sum(count == max(votes.values()) for count in votes.values()) > 1
tie_share = tied / len(records)
# END SOLUTION 4.V1

# %% test="4.V1"
assert isinstance(tie_share, float), "a share is a float such as 0.42"
assert 0 <= tie_share <= 1, "a share lies between 0 and 1"

# %% [markdown]
# ### Exhibit C: 100 items
#
# The published tests have 100 items. 60 right of 100 sounds like 60 %; it is any accuracy from 50 to 69 %
# (the textbook's ± 1.96·√(p(1 − p)/n) says ± 9.6; Wilson's interval, used here, leans towards one half):

# %%
from labkit.stats import wilson

for n in (100, 500, 1319):
    low, high = wilson(round(0.6 * n), n)
    print(f"60 % of {n:>5}: {low:.3f} to {high:.3f}, that is ± {(high - low) / 2 * 100:.1f} points")

# %% [markdown]
# **4.V2:** `interval = [low, high]`, Wilson's 95 % interval of the vote's accuracy on `records`: majority
# vote over all eight *recorded* answers, ties to the earliest, no votes is wrong. Shares, not percent.

# %% answer="4.V2"
from labkit.stats import wilson
from starter.lab4_best_of_n.method import majority_vote

# TODO 4.V2: [low, high] of the accuracy of the majority vote over all eight recorded answers.
# BEGIN SOLUTION 4.V2
recorded = [[sample["answer"] for sample in record["samples"]] for record in records]
voted = [majority_vote(answers) == record["gold"] for answers, record in zip(recorded, records)]
interval = list(wilson(sum(voted), len(voted)))
# END SOLUTION 4.V2

# %% test="4.V2"
assert isinstance(interval, list) and len(interval) == 2, "a list of two numbers, [low, high]"
assert 0 <= interval[0] < interval[1] <= 1, "shares between 0 and 1, the lower one first"

# %% [markdown]
# **4.V4:** how much could better choosing still gain? `oracle_gap` = share of questions with *any* right
# recorded answer among the eight, minus the share on which best-of-8 is right (highest reward, earliest on
# ties, None is wrong).

# %% answer="4.V4"
from starter.lab4_best_of_n.method import best_of_n

# TODO 4.V4: share with any right answer, minus share where best-of-8 is right.
# BEGIN SOLUTION 4.V4
recorded = [[sample["answer"] for sample in record["samples"]] for record in records]
rewards = [[sample["reward"] for sample in record["samples"]] for record in records]
oracle = [record["gold"] in answers for answers, record in zip(recorded, records)]
best = [best_of_n(a, r) == record["gold"] for a, r, record in zip(recorded, rewards, records)]
oracle_gap = (sum(oracle) - sum(best)) / len(records)
# END SOLUTION 4.V4

# %% test="4.V4"
assert isinstance(oracle_gap, float), "a difference of two shares is a float"
assert 0 <= oracle_gap <= 1, "the oracle is never below best-of-8, which picks one of the same samples"

# %% [markdown]
# **4.V5:** vote and best-of-8 answer the same questions, so only the questions on which *one* of them is
# right say anything: b where the vote alone is right, c where best-of-8 alone is. How many items would a
# McNemar test need to see this difference |b − c|/N at this discordance (b + c)/N? See
# `labkit.stats.n_for_mcnemar`. The vote is that of 4.V2; b ≠ c in all records that the grader injects.

# %% answer="4.V5"
from labkit.stats import n_for_mcnemar
from starter.lab4_best_of_n.method import best_of_n, majority_vote

# TODO 4.V5: items that the difference between vote and best-of-8 needs.
# BEGIN SOLUTION 4.V5
only_vote = only_best = 0
for record in records:
    answers = [sample["answer"] for sample in record["samples"]]
    rewards = [sample["reward"] for sample in record["samples"]]
    vote_right = majority_vote(answers) == record["gold"]
    best_right = best_of_n(answers, rewards) == record["gold"]
    only_vote += vote_right and not best_right
    only_best += best_right and not vote_right
total = len(records)
n_needed = n_for_mcnemar(abs(only_vote - only_best) / total, (only_vote + only_best) / total)
# END SOLUTION 4.V5

# %% test="4.V5"
assert type(n_needed) is int, "a number of items is a whole number"
assert n_needed > 0, "at least one item"

# %% [markdown]
# **4.W2, the case file** (5 points). In at most 150 words: what the script compared and why that gave
# exactly 1.000 (2); the repair, and how you *proved* it rather than believed it (2); one check that would
# have caught it before anyone read the number (1).

# %% [markdown] written="4.W2"
# <!-- BEGIN SOLUTION 4.W2 -->
# The script parsed predictions and gold with a parser that knows only `####`. The gold column holds plain
# numbers and the samples say "The answer is …", so both sides were None, and None == None is True: every
# unread question counted as right, hence exactly 1.000.
#
# Repair: a parser with both markers and exact values, `None` compared with nothing, and an error when gold
# is None. Proof: the repaired accuracy on the same records falls to the share a person finds right when
# reading them; a text with no number is counted as unparsed and wrong; `gold=None` raises ValueError.
#
# A check: report the share of unparsed answers beside every accuracy, and stop if a gold answer can't be
# read.
# <!-- END SOLUTION 4.W2 -->

# %% [markdown]
# ## Questions
#
# Talk these over with a neighbour; write down 4.W3.
#
# 1. Fine-tuning helped most in distribution. What would you train on to help on non-overlapping templates?
# 2. Which questions does the vote win and best-of-N lose? Read five of each in the failure report.
# 3. The oracle is far above every rule. Is the rest of the gap the reward model's fault, or could no rule
#    close it?
# 4. If you could spend the compute of 64 samples otherwise, what would you spend it on?

# %% [markdown]
# **4.W3, when more samples hurt** (5 points). In at most 200 words: why best-of-N can fall as n grows
# although each choice has a higher reward (2); what the recorded *planted* and *natural* curves show, from
# which n on, each with its interval (printed above) (2); one change that would help and how you would test
# it (1).

# %% [markdown] written="4.W3"
# <!-- BEGIN SOLUTION 4.W3 -->
# The reward is correctness plus error, and the maximum of n rewards selects both: the larger n, the more
# the winner is the sample with the largest *error*. One hacked sample among n loses the question; the chance
# to meet one is 1 − (1 − ε)^n.
#
# The planted curve peaks at n = 2 (.68) and ends at .15; the vote goes on rising: a hacked sample has one
# vote. The natural curve falls too: .74 at n = 4, .55 at 64, its band over five seeds (.52 to .57) clear of
# that at the peak (.71 to .76).
#
# Help: train the reward model on the failures of 4.15. Test: same questions, paired, n from the
# discordance.
# <!-- END SOLUTION 4.W3 -->

# %% [markdown]
# ## Troubleshooting
#
# | you see | try |
# |---|---|
# | `NotImplementedError: TODO 4.x …` | still a stub; its section is 4.x |
# | an edit changes nothing | save the file, restart the kernel, run the set-up |
# | `ModuleNotFoundError: labkit` | `pip install -r requirements.txt` in the course's folder |
# | a model or file is missing | `labs doctor` names it and the command that gets it |
# | Colab lost my work | download `starter/` in time |

# %% [markdown]
# ## Submit
#
# ```
# labs check lab4
# labs submit lab4
# ```
#
# The first command runs all public checks. The second packs your modules and this notebook into one zip and
# prints where it lies: save the notebook before. Upload the zip. Everything else (data, models, runs) stays
# here.
