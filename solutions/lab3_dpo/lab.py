# %% [markdown] card="all"
# # Lab 3 · DPO from its loss up
#
# Preference training has a reputation for magic: no reward model, no sampling, one loss. In this lab you
# build that loss from the log-probability of a single token upwards, and the variants that promise to
# calibrate it or to make it robust, two of which do something else than they say. Then you ask the question
# that matters: does the trained model use the questions it asks itself?

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

start("lab3")

# %%
import math

import torch
from labkit import fixtures
from labkit.check import check
from labkit.lesson import beside
from starter.lab3_dpo.data import build_pairs, match_pairs, shuffle_drafts
from starter.lab3_dpo.evaluate import integrated_gradients, lift, reward_accuracy, win_rate
from starter.lab3_dpo.method import beta_schedule, cal_dpo_loss, centred_loss, completion_logps, dpo_loss
from starter.lab3_dpo.method import dr_dpo_loss, drop_noisiest, implicit_rewards, reference_logps


def nats(*values):
    """Log-probabilities as a tensor."""
    return torch.tensor(values, dtype=torch.float64)


# %% [markdown]
# ## Objectives
#
# When you are done you can
#
# 1. compute the log-probability of a completion without the three classic mistakes: shift, mask, mean;
# 2. write the DPO loss, and read the rewards that are hidden in it;
# 3. tell a published variant from the folk version of it, by a proof rather than by a curve;
# 4. say which model is the reference, and show what happens when it is another one;
# 5. make preference pairs from which neither format nor length gives the answer away;
# 6. measure whether a model looks at its own draft, against what it gets for free.

# %% [markdown]
# ## The question
#
# > *After preference training on drafts: (a) how often is the right text preferred, at equal length and
# > format? (b) does the log-probability of the chosen text rise or fall under DPO, under Cal-DPO? (c) with
# > a fifth flipped, is Dr. DPO better than DPO? (d) what does it cost to take the draft away?*
#
# Write your prediction **before** you run anything; a wrong one with a reason earns as much.
# Complete the second half after the experiment.
#
# Points (5): a number or a direction for each part (1), a reason each (1), the measured numbers with n and
# interval (1), what surprised you (1), a reason that the data supports (1).

# %% [markdown] written="3.W1"
# <!-- BEGIN SOLUTION 3.W1 -->
# **Before running.** (a) 85 %: the wrong answer is easy to recognise once the facts are written down. (b) Under
# DPO it falls a little, since only the gap is trained; under Cal-DPO it rises, its target is positive. (c) Yes,
# by about 3 points: flipped pairs have high losses and get little weight. (d) 5 points: the draft names the
# facts to recall, but the model could do without.
#
# **After running.** The measured values with n and interval from the tables; the largest gap to the
# prediction, and what in the logs explains it: which log-ratio moved, how the weights of flipped pairs
# compare with those of the others, what the shuffled draft does beside the missing one.
# <!-- END SOLUTION 3.W1 -->

# %% [markdown]
# ## 3.1 Log-probability of a completion
#
# A causal model's logits at position t are a guess at the token at t + 1. The log-probability of a
# completion is the sum of those guesses over its tokens: shift, log-softmax, gather, mask, sum.
#
# Every step has a classic mistake. Without the shift each token is scored by the guess that has already seen
# it. Without the mask the prompt counts. With a mean instead of a sum, a long text isn't less likely than a
# short one, and the loss is another loss.

# %%
words = ["the", "cat", "sat"]
probabilities = torch.tensor([[[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.98, 0.01, 0.01]]])
ids, mask = torch.tensor([[2, 1, 1, 2]]), torch.tensor([[0, 0, 1, 1]])
for t, token in enumerate(ids[0].tolist()):
    seen = f"p = {probabilities[0, t - 1, token]:.2f} from position {t - 1}" if t else "no prediction"
    print(f"t = {t}  {words[token]:4} mask {mask[0, t]}  {seen}")


# %% [markdown]
# **By hand:** the completion is "cat sat", .80 · .60 = .48, and log .48 = −.734.

# %%
def of_the_completion(completion_mask):
    """The log-probability, as a number."""
    return float(completion_logps(probabilities.log(), ids, torch.tensor([completion_mask])))


beside(of_the_completion, [0, 0, 1, 1], by_hand=math.log(0.48), because="log .8 + log .6")
beside(of_the_completion, [0, 0, 1, 0], by_hand=math.log(0.8), because="the last one is padding")
beside(of_the_completion, [0, 0, 0, 0], by_hand=0.0, because="nothing to say: probability 1")

# %% [markdown] card="3.1"

# %% [markdown]
# **Edit `starter/lab3_dpo/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Cut first, then gather: logits without their last position, ids and mask without their first. For what must
# not matter, compare `torch.where` with a product.
# </details>

# %%
check("3.1")

# %% [markdown]
# ## 3.2 The DPO loss
#
# Compare the model with a frozen reference. How much more likely did the chosen text become, how much the
# rejected one? Their difference is the gap Δ, in nats, and the loss is $-\log\sigma(\beta\Delta)$: high while
# the gap is negative, near 0 once it is clearly positive.
#
# Before the first step the model *is* its reference, so Δ = 0 and the loss is log 2 = .6931, whatever β. No
# run of plain DPO starts anywhere else. Keep that number in mind: it will find a mistake for you.


# %%
def dpo(*values):
    """The loss of one pair: policy chosen, policy rejected, reference chosen, reference rejected, beta."""
    return float(dpo_loss(*(nats(value) for value in values[:4]), values[4]))


beside(dpo, -8.0, -13.0, -8.0, -13.0, 0.1, by_hand=math.log(2), because="the model is its reference")
beside(dpo, -8.0, -13.0, -10.0, -12.0, 0.1, by_hand=0.5544, because="gap 2 - (-1) = 3, β Δ = .3")
beside(dpo, -9.0, -9.0, -8.0, -10.0, 0.1, by_hand=0.7981, because="gap -1 - 1 = -2: the wrong way")

# %% [markdown] card="3.2"

# %% [markdown]
# **Edit `starter/lab3_dpo/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# `torch.nn.functional` has the logarithm of a sigmoid in one piece. In two pieces it is −inf for a gap of
# −1000.
# </details>

# %%
check("3.2")

# %% [markdown]
# ## 3.3 Rewards that nobody trained
#
# DPO never trains a reward model, but it has one: β times the log-ratio to the reference. These rewards are
# what every dashboard shows, with their margin and the share of pairs in which it is positive.
#
# A tie is not right. An untrained model has nothing but ties, and "50 %" would flatter it.


# %%
def rewards(*values):
    """Chosen, rejected, margin, accuracy of one pair."""
    found = implicit_rewards(*(nats(value) for value in values[:4]), values[4])
    return [float(found[name]) for name in ("chosen", "rejected", "margin", "accuracy")]


beside(rewards, -8.0, -13.0, -10.0, -12.0, 0.1, by_hand=[0.2, -0.1, 0.3, 1.0], because=".1 · 2, .1 · -1")
beside(rewards, -8.0, -13.0, -8.0, -13.0, 0.1, by_hand=[0.0, 0.0, 0.0, 0.0], because="a tie isn't right")

# %% [markdown] card="3.3"

# %% [markdown]
# **Edit `starter/lab3_dpo/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# A log line must not carry a graph: the memory of every step would stay alive.
# </details>

# %%
check("3.3")

# %% [markdown]
# ## 3.4 Cal-DPO as published
#
# DPO knows only the gap. It is content when both texts become *less* likely, as long as the rejected one
# falls faster. Cal-DPO adds a target for each log-ratio: +1/(2β) for the chosen text, −1/(2β) for the
# rejected one.
#
# Two details are easy to get wrong. The comparison has no β in it. And a target can be out of reach: if the
# reference already gives the chosen text probability .9, it can't gain 5 nats. The experiment reports what it
# can gain, −log π_ref of the chosen text, as "headroom".


# %%
def cal(*values):
    """The Cal-DPO loss of one pair."""
    return float(cal_dpo_loss(*(nats(value) for value in values[:4]), values[4]))


at_target = math.log1p(math.exp(-4))
beside(cal, -8.0, -14.0, -10.0, -12.0, 0.25, by_hand=at_target, because="c = 2, r = -2: both on target")
beside(cal, -9.0, -9.0, -9.0, -9.0, 0.25, by_hand=math.log(2) + 8, because="at the start: 2² + 2²")

# %% [markdown] card="3.4"

# %% [markdown]
# **Edit `starter/lab3_dpo/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Name c and r first. Which of the two squares has the minus?
# </details>

# %%
check("3.4")

# %% [markdown]
# ## 3.5 Dr. DPO as published
#
# Some pairs are labelled the wrong way round. Their loss stays high while the others' falls. Dr. DPO takes
# $-\beta'\log\,\mathrm{mean}\,e^{-\ell/\beta'}$ over the batch: a soft minimum, in which a pair weighs
# $\mathrm{softmax}(-\ell/\beta')$.
#
# It is a statistic of the *batch*. With one pair a batch, or with gradients accumulated over four batches of
# one, it is plain DPO.


# %%
def robust(losses, beta_prime=1.0):
    """The Dr. DPO loss of a batch."""
    return float(dr_dpo_loss(torch.tensor(losses), beta_prime))  # float32, as in training


five = [0.1, 0.3, 0.7, 1.5, 3.0]
print("weights at β' = 1:", [round(float(w), 3) for w in torch.softmax(-nats(*five), 0)])
beside(robust, five, by_hand=0.728, because="the last pair weighs .021", places=3)
beside(robust, five, 1e6, by_hand=1.12, because="large β': the mean", places=3)
beside(robust, [3.0], by_hand=3.0, because="one pair a batch: nothing to weigh")

# %% [markdown] card="3.5"

# %% [markdown]
# **Edit `starter/lab3_dpo/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# exp(−5000) is 0 to a machine, and its logarithm −inf: take the smallest loss $m$ out, $\ell = m + (\ell - m)$. For
# a large β' all exponentials are nearly 1; `torch.expm1` and `torch.log1p` keep what differs from it.
# </details>

# %%
check("3.5")

# %% [markdown]
# ## 3.6 Folk variant 1: subtract the batch mean
#
# The published guide describes "Cal-DPO" as: subtract the batch's mean gap μ in each step. That is not
# Cal-DPO. What is it? Write it down as told, with the gradient flowing through μ, and the case file will
# take it apart.
#
# Think first: what happens to Δ − μ if *every* gap grows by one nat?


# %%
def centred(gaps, beta=0.1):
    """The loss of pairs with these gaps: all of it in the chosen text."""
    zeros = torch.zeros(len(gaps), dtype=torch.float64)
    return float(centred_loss(nats(*gaps), zeros, zeros, zeros, beta))


beside(centred, [0.0, 0.0], by_hand=math.log(2), because="before the first step")
beside(centred, [50.0, 50.0], by_hand=math.log(2), because="a perfect model: the same loss")
beside(centred, [3.0, -1.0], by_hand=0.6981, because="centred 2 and -2, times .1")

# %% [markdown] card="3.6"

# %% [markdown]
# **Edit `starter/lab3_dpo/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Nothing is detached.
# </details>

# %%
check("3.6")

# %% [markdown]
# ## 3.7 Folk variant 2: drop the noisiest
#
# The guide's "Dr-DPO" drops the 15 % noisiest pairs. By which score? By the loss after an epoch, by 1 minus
# the teachers' agreement, by anything: the function takes a score. Whether a score finds flipped labels is a
# question for an experiment, with dropping 15 % *at random* beside it.

# %%
beside(drop_noisiest, [0.2, 0.9, 0.1, 0.5], 0.25, by_hand=[0, 2, 3], because="one of four goes: the second")
beside(drop_noisiest, [1.0, 1.0, 0.0], 0.5, by_hand=[0, 2], because="⌊1.5⌋ = 1; the later of the equal ones")
beside(drop_noisiest, [3.0, 1.0], 0.0, by_hand=[0, 1], because="nothing goes")

# %% [markdown] card="3.7"

# %% [markdown]
# **Edit `starter/lab3_dpo/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# `0.29 * 100` is 28.999999999999996. `fractions.Fraction` reads a text such as "0.29" exactly.
# </details>

# %%
check("3.7")

# %% [markdown]
# ## 3.8 The schedule, and a log that doesn't mislead
#
# Epoch 1: β .05, plain. Epochs 2 and 3: β .10, calibrated. From epoch 4: robust. Easy.
#
# The log is the trap. Margins are logged as β Δ. When β steps from .05 to .10, every logged margin doubles,
# and a plot shows a jump on the very step at which no weight has moved. So the log line holds Δ itself, in
# nats.

# %%
first = {"beta": 0.05, "calibrated": False, "robust": False, "log_ratio_gap": None}
second = {"beta": 0.1, "calibrated": True, "robust": False, "log_ratio_gap": 4.0}
beside(beta_schedule, 1, by_hand=first, because="warm-up; nothing logged yet")
beside(beta_schedule, 2, [0.1, 0.3], 0.05, by_hand=second, because="margins .2 on average, over .05: 4 nats")

# %% [markdown] card="3.8"

# %% [markdown]
# **Edit `starter/lab3_dpo/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# The margins of the last epoch were scaled with the *last* epoch's β.
# </details>

# %%
check("3.8")

# %% [markdown]
# ## 3.9 Which model is the reference?
#
# With an adapter there is no second model in memory: switch the adapter off and you have the reference. That
# is true for a *new* adapter. If you go on with an adapter that phase B trained, the base without it is a
# model that never saw phase B. Then the reference is a frozen copy of the adapter, made before the first
# step.
#
# Three things go wrong silently: dropout stays on, the wrong adapter stays active, or the frozen copy is
# suddenly trained.


# %%
def first_losses(mode):
    """The first DPO loss of a continued adapter on two pairs, with the reference that `mode` names."""
    model = fixtures.make("tiny_adapter_model", 5, ["default", "ref"])
    for name, weight in model.named_parameters():  # the copy is made before the first step: it is the same
        if ".default." in name:
            model.get_parameter(name.replace(".default.", ".ref.")).data.copy_(weight.data)
    rows = [([5, 6, 7], [8, 9]), ([5, 6], [9, 10, 11]), ([5, 6, 7], [12, 9, 4]), ([5, 6], [13])]
    batch = fixtures.make("preference_batch", rows)  # two chosen, then two rejected
    now, ref = (reference_logps(model, batch, which, completion_logps) for which in ("self", mode))
    return round(float(dpo_loss(now[:2], now[2:], ref[:2], ref[2:], 0.1)), 4)


beside(first_losses, "ref", by_hand=0.6931, because="the frozen copy is the model itself: log 2")
try:
    print("adapters disabled:", first_losses("disabled"))
except NotImplementedError as unfinished:
    print(unfinished)

# %% [markdown] card="3.9"

# %% [markdown]
# **Edit `starter/lab3_dpo/method.py`**, then check.
#
# <details><summary>Hint 1</summary>
#
# Note down everything first: each module's `training`, each weight's `requires_grad`, the active adapter.
# `try … finally` puts it back also after an error.
# </details>
# <details><summary>Hint 2</summary>
#
# `model.disable_adapter()` is a context manager. `set_adapter` makes trainable what it activates.
# </details>

# %%
check("3.9")

# %% [markdown]
# ## 3.10 Build preference pairs
#
# The prompt holds the question and the student's own draft. Chosen is the teacher's final text. Rejected is
# the draft, if it is wrong. If it is right there is nothing to reject in it, so its place is taken by the
# teacher's text with the answer flipped.
#
# Mind what a model can learn from each kind. "Wrong draft" pairs differ in form, length and answer, and the
# rejected text stands word for word in the prompt: "don't copy" solves them. "Flipped answer" pairs differ in
# one word.

# %%
record = {"qid": "q1", "question": "Is it heavier?", "answer": True, "teacher_answer": True}
record |= {"draft": "Answer: No - it is small.\nQuestions: How heavy is it?", "draft_answer": False}
record |= {"final": "It weighs 4 kg.\nAnswer: Yes"}


def rejected(**changed):
    """The rejected text of the record with some of its fields changed, and why."""
    return [part for pair in build_pairs([{**record, **changed}], 0) for part in (pair["rejected"], pair["source"])]


beside(rejected, by_hand=[record["draft"], "wrong_draft"], because="the draft says No")
beside(rejected, draft_answer=True, by_hand=["It weighs 4 kg.\nAnswer: No", "flipped_answer"], because="it was right")
beside(rejected, teacher_answer=None, by_hand=[], because="nobody knows what the teacher meant")

# %% [markdown] card="3.10"

# %% [markdown]
# **Edit `starter/lab3_dpo/data.py`**, then check.
#
# <details><summary>Hint</summary>
#
# `None is not True` and `None is not False` are both true: compare with `is not`, and unread answers sort
# themselves. `random.Random(seed)` is a generator of your own.
# </details>

# %%
check("3.10")

# %% [markdown]
# ## 3.11 Match format and length
#
# A reward accuracy of 95 % on natural pairs may mean: "the text with three lines was chosen". So a second set
# of pairs has one form on both sides, lengths within a few tokens, and as many pairs in which the chosen text
# is the longer one as the other way round. What is left to tell them apart is the content, and what the prompt
# says of it: the draft.

# %%
texts = [("ab", "cd"), ("abc", "ab"), ("abcd", "abc"), ("ab", "abc"), ("abcdefgh", "a"), ("a\nb", "abc")]
candidates = [{"qid": str(i), "chosen": a, "rejected": b, "kind": "natural"} for i, (a, b) in enumerate(texts)]


def kept(max_gap):
    """How many pairs stay, with lengths in characters and the number of lines as the form."""
    return len(match_pairs(candidates, len, lambda text: str(len(text.splitlines())), max_gap, 0))


beside(kept, 1, by_hand=3, because="pair 0 is even; in 1 and 2 the chosen text is longer: one stays; in 3 it is shorter")
beside(kept, 0, by_hand=1, because="only 0 is even")

# %% [markdown] card="3.11"

# %% [markdown]
# **Edit `starter/lab3_dpo/data.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Three lists of places: longer, equal, shorter. Draw from the first and the last as many as the smaller of
# them has, and sort what you have.
# </details>

# %%
check("3.11")

# %% [markdown]
# ## 3.12 Everybody gets another's draft
#
# Does the model use its draft? Take it away, and see. But a missing draft is also another *form* of prompt,
# so a second arm gives everybody somebody else's draft: same form, same lengths, wrong content. A plain
# shuffle leaves on average one question its own draft, however many there are. A permutation without a fixed
# point is called a derangement.


# %%
def own_places(n):
    """How many of n drafts stay where they were, over 50 seeds."""
    drafts = [str(i) for i in range(n)]
    return sum(a == b for seed in range(50) for a, b in zip(shuffle_drafts(drafts, seed), drafts))


beside(own_places, 4, by_hand=0, because="a plain shuffle: about 50")
beside(shuffle_drafts, ["a", "b"], 7, by_hand=["b", "a"], because="two can only swap")

# %% [markdown] card="3.12"

# %% [markdown]
# **Edit `starter/lab3_dpo/data.py`**, then check.
#
# <details><summary>Hint</summary>
#
# A third of all permutations and more are derangements: draw again until it is one.
# </details>

# %%
check("3.12")

# %% [markdown]
# ## 3.13 Reward accuracy beside its control
#
# A number without its control is half a number. The control here can't read: it prefers the longer text, or
# the shorter one, whichever works better. On natural pairs that may be most of what there is to learn.

# %%
said = {"n": 4, "accuracy": 0.5, "length_control": 0.875, "above_control": -0.375}


def four_pairs(margins, chosen, rejected):
    """The four numbers, as a list."""
    return list(reward_accuracy(margins, chosen, rejected).values())


given = [0.4, -0.1, 0.2, 0.0], [9, 8, 7, 5], [3, 2, 7, 4]
beside(four_pairs, *given, by_hand=list(said.values()), because="2 of 4; longer: 1 + 1 + ½ + 1")
beside(four_pairs, [1.0], [2], [5], by_hand=[1, 1.0, 1.0, 0.0], because="the shorter one: a rule, too")

# %% [markdown] card="3.13"

# %% [markdown]
# **Edit `starter/lab3_dpo/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# NaN > 0 is False: a run that broke would count as merely bad.
# </details>

# %%
check("3.13")

# %% [markdown]
# ## 3.14 Integrated gradients
#
# Where does an output come from? The gradient at the input is a bad answer: where the function is flat, it is
# nearly 0, however much the input mattered. Integrated gradients walk from a baseline that says nothing to
# the input, average the gradient on the way, and multiply by the way.
#
# They come with a test of their own: *completeness*. The attributions add up to f(x) − f(baseline). If they
# don't, take more steps, or find the mistake.


# %%
def of_squares(x, baseline, steps):
    """Attributions of x² + y²."""
    return integrated_gradients(lambda z: (z**2).sum(), nats(*x), nats(*baseline), steps).tolist()


beside(of_squares, [3.0, -2.0], [0.0, 0.0], 1, by_hand=[9.0, 4.0], because="the midpoint is exact: 3 · 2 · 1.5")
beside(of_squares, [3.0, -2.0], [1.0, -2.0], 5, by_hand=[8.0, 0.0], because="9 - 1, and no way at all")
flat = nats(6.0)
print(f"gradient of tanh at 6: {1 / math.cosh(6) ** 2:.6f}; what it contributed since 0: {math.tanh(6):.6f}")

# %% [markdown] card="3.14"

# %% [markdown]
# **Edit `starter/lab3_dpo/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Each point of the way is a new tensor that wants a gradient. `torch.autograd.grad` gives the gradient
# without touching any `.grad`.
# </details>

# %%
check("3.14")

# %% [markdown]
# ## 3.15 Attribution as lift
#
# "At least 20 % of the attribution on the draft" sounds like a bar. The draft is most of the prompt; if the
# attribution were spread evenly, it would get its share for nothing. So divide by that share. A lift of 1 is
# what an even spread scores; a model that knows nothing need not spread evenly, so look at the nulls.

# %%
even = torch.ones(11, 2)


def lift_of(attribution, first_of_draft):
    """The lift of a draft that begins at this token."""
    return lift(torch.as_tensor(attribution), [place >= first_of_draft for place in range(len(attribution))])


beside(lift_of, even, 3, by_hand=1.0, because="8 of 11 tokens, 8 of 11 of the mass")
beside(lift_of, [[1.0, -1.0], [3.0, 0.0], [-1.0, 0.0]], 2, by_hand=0.75, because="masses 0, 3, 1: a quarter over a third")

# %% [markdown] card="3.15"

# %% [markdown]
# **Edit `starter/lab3_dpo/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Sum over dimensions first; within a token, signs cancel.
# </details>

# %%
check("3.15")

# %% [markdown]
# ## 3.16 A win counts in both orders
#
# Which of two drafts asks the better questions? Whoever judges, ask twice, with the drafts in both orders: a
# judge who always likes the first one would otherwise decide. A win is a win in both orders. A
# contradiction is a tie; an unreadable reply is counted by itself, and worth a half like a tie.


# %%
def shares(ab, ba):
    """Wins, losses, ties, unread, win rate and consistency."""
    return list(win_rate(ab, ba).values())[1:]


beside(shares, ["first"], ["second"], by_hand=[1, 0, 0, 0, 1.0, 1.0], because="A in both orders")
beside(shares, ["first"], ["first"], by_hand=[0, 0, 1, 0, 0.5, 0.0], because="it likes the first place")
beside(shares, ["first", "tie"], [None, "tie"], by_hand=[0, 0, 1, 1, 0.5, 1.0], because="one unread, one tie")

# %% [markdown] card="3.16"

# %% [markdown]
# **Edit `starter/lab3_dpo/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# In `ba`, "first" is B.
# </details>

# %%
check("3.16")

# %% [markdown]
# ## The experiment
#
# Everything below runs on *your* functions; `run.py` only wires them. Live: DPO and Cal-DPO, their rewards,
# ablations and attributions. The full lab (`labs run lab3`) has more arms, planted flips and the self-guided
# loop; its numbers come later, from records. "Explain" is for you and your neighbour; nothing is handed in.
#
# The start, nano-facts-cot, is Lab 2's repaired Phase B **cut short**: the whole one is right nearly always
# without a draft, so that a draft couldn't help. It then read some chosen texts behind drafts. Its card
# (`data/models/nano-facts-cot/README.md`) has the numbers, with and without a draft; keep them in mind below.
#
# **Predict first:** your numbers stand in 3.W1? Then go on.

# %% tags=["experiment"]
import json
from dataclasses import replace
from pathlib import Path

from labkit import plots
from labkit.config import parse
from labkit.data import read_jsonl
from starter.lab3_dpo import figures, report, run
from starter.lab3_dpo.config import Config

nano = parse(Config, ["--profile", "nano"], presets=Path(run.__file__).parent / "configs")
arms = {name: nano.arms[name] for name in ("dpo", "cal_dpo")}
live = replace(nano, profile="notebook", arms=arms, tasks=200, guided_rounds=0, attributed=6)
folder = run.run(live, until="data").folder
pairs = read_jsonl(folder / "data/train.jsonl")
print(len(pairs), "training pairs; the first one:", json.dumps(pairs[0], indent=1))

# %% [markdown]
# ### Training
#
# Your 3.1 to 3.4, 3.8 and 3.9. The run stops with an error if the first loss of plain DPO isn't log 2: then
# the reference is another model. A second run of this cell takes the finished adapters from `runs/`, unless
# you edited a function that they rest on.

# %% tags=["experiment"]
run.run(live, until="train")
logs = {name: read_jsonl(folder / f"logs/{name}.jsonl") for name in arms}
for name, log in logs.items():
    first, last = log[0], log[-1]
    print(f"{name:8} loss {first['loss']:.4f} to {last['loss']:.4f} in {len(log)} steps", end="  ")
    print(f"c {last['chosen_ratio']:+.2f}, r {last['rejected_ratio']:+.2f} nats in the last step")

# %% [markdown]
# ### Held out
#
# Rewards on pairs that no arm has seen, natural and matched, each beside what length alone gives; and greedy
# answers to test questions. "start" is the checkpoint before any preference training; Lab 2's phases, A (answers at
# once) and B (reasons), are asked as there, without a draft.

# %% tags=["experiment"]
run.run(live, until="evaluate")
found = {name: report.arm_metrics(run.RunFolder(folder, live), name) for name in ("start", *arms)}
for name, row in found.items():
    for kind, scored in row["pairs"].items():
        low, high = scored["wilson_95"]
        print(f"{name:8} {kind:8} {scored['accuracy']:.3f} [{low:.3f}, {high:.3f}] n={scored['n']}", end="  ")
        print(f"length alone {scored['length_control']:.3f}, the draft's answer {scored['draft_control']:.3f}")
    low, high = row["tasks"]["wilson_95"]
    print(f"{name:8} answers  {row['tasks']['accuracy']:.3f} [{low:.3f}, {high:.3f}] n={row['tasks']['n']}", end="  ")
    print(f"unread {row['tasks']['unread']}, headroom {row['headroom_nats']:.2f} nats")
for phase in ("phase_a", "phase_b"):  # without a draft, as Lab 2 asked them
    row = report.accuracy_of(report.task_rows(run.RunFolder(folder, live), phase))
    print(f"{phase:8} answers  {row['accuracy']:.3f} without a draft, n={row['n']}")

# %% [markdown]
# "misled" pairs have a wrong draft in the prompt, and its answer in the rejected text. In every matched pair the
# draft is right: "prefer the draft's answer" would score 100 % there, and 0 % here.
#
# **Explain.** How far above length alone is each arm, on which kind, and above the draft's answer? Cal-DPO's target is
# 1/(2β) = 2 nats with β .25; why not 5, with the published .1? DPO prefers the right text nearly always: what
# became of its answers, and of those that can't be read? Look at c and r above.

# %% [markdown]
# ### Does it use its draft?
#
# The same questions four times: with its draft, without one, with somebody else's, and without the line that
# holds the draft's answer. Paired; "n needed" is how many questions McNemar's test would need to find a difference
# of this size 80 times of 100, at the measured discordance (the share of questions answered differently).

# %% tags=["experiment"]
run.run(live, until="ablate")
ablation = report.ablations(run.RunFolder(folder, live), live)
print(f"full            {ablation['full']['accuracy']:.3f}  n = {ablation['full']['n']}")
for name in ("no_draft", "shuffled", "no_answer_line"):
    row = ablation[name]["cost"]
    ends = f"[{row['low_pp']:+.1f}, {row['high_pp']:+.1f}]"
    print(f"{name:15} {ablation[name]['accuracy']:.3f}  costs {row['value_pp']:+.1f} points {ends}", end="  ")
    print(f"discordance {row['discordance']:.3f}, n needed {row['n_needed']}")

# %% tags=["experiment"]
run.run(live, until="attribute")
lifts = report.attribution(run.RunFolder(folder, live), live)
for name, row in lifts.items():
    print(f"{name:10} lift {row['lift']:.2f}  signed {row['draft_nats']:+6.2f} nats  draft's share of the tokens", end=" ")
    print(f"{row['token_share']:.2f}  completeness missed by at most {100 * row['completeness_error']:.2f} %, n = {row['n']}")

# %% [markdown]
# "shuffled": the same chosen texts behind another question's draft; "before": the start; "untrained": random
# weights, which know nothing. The lift counts influence of either sign; "signed" adds up what the draft's tokens
# contribute to the log-probability of the chosen text.
#
# **Explain.** Which rows does the lift tell apart, and which only the signed sum? A draft that misleads gets
# attention too: what would you report?
#
# ## Reading the plots
#
# **Live, on your run.** Left, the log-ratio of the chosen texts by epoch; right, that of the rejected ones.
# Both in nats: a change of β can't move them.

# %% tags=["experiment"]
fig, alt = figures.ratios_figure(logs)
plots.show(fig, alt=alt)

# %% [markdown]
# **Explain.** Which of the two did DPO move further? Why is that no contradiction to its loss? What would you
# report beside a falling log-probability of the chosen text?

# %% tags=["experiment"]
fig, alt = figures.accuracy_figure(found)
plots.show(fig, alt=alt)

# %% [markdown]
# **Explain.** Compare the crosses with the points. A new loss scores .95 here: on which kind would that mean least?
#
# ### All arms: from records
#
# **Recorded, not live:** `make effects` ran the full lab over several seeds and wrote `expected.json`. Part (c) of
# your prediction is decided here: mean ± standard deviation over the seeds. A mean above 0 by less than its
# deviation holds in name only.

# %% tags=["experiment"]
recorded = json.loads((Path(run.__file__).parent / "expected.json").read_text("utf-8"))
print(f"seeds {recorded['seeds']}")
for name, effect in recorded["effects"].items():
    print(f"{name:30} {effect['mean']:7.2f} ± {effect['sd']:5.2f}   target {effect['target']}")
effects = {f"{name}_chosen_ratio_nats": found[name]["chosen_ratio_nats"] for name in arms}

# %% [markdown]
# Then complete the second half of **3.W1** above, with n and intervals.

# %% [markdown]
# ## Against the libraries
#
# Your functions against code that others wrote, on one batch of a small random model. Oracles don't share
# your mistakes.
#
# 1. your log-probabilities and your loss against TRL's `DPOTrainer`;
# 2. the two squares of Cal-DPO against TRL's loss type `sppo_hard`;
# 3. your integrated gradients against captum's.

# %%
import tempfile

from datasets import Dataset
from trl import DPOConfig, DPOTrainer

tokenizer = fixtures.make("tiny_tokenizer")
texts = [("Ava has 12 apples?", "12 apples.", "3 pens"), ("24 pens?", "The answer is 17.", "7, so 24 - 7 books")]
roles = {"prompt": "user", "chosen": "assistant", "rejected": "assistant"}
chats = [
    {name: [{"role": role, "content": text}] for (name, role), text in zip(roles.items(), row)} for row in texts
]
quiet = dict(report_to="none", use_cpu=True, bf16=False, disable_tqdm=True, gradient_checkpointing=False)
trainer = DPOTrainer(
    model=fixtures.make("tiny_adapter_model", 3),  # an adapter that was trained before: TRL copies it to "ref"
    args=DPOConfig(output_dir=tempfile.mkdtemp(), beta=0.1, **quiet),
    train_dataset=Dataset.from_list(chats),
    processing_class=tokenizer,
)
batch = dict(trainer.data_collator([trainer.train_dataset[i] for i in range(len(chats))]))

# %%
model = trainer.model
for name, weight in model.named_parameters():  # a step away from the reference
    if ".default." in name:
        weight.data += 0.3 * torch.sin(torch.arange(weight.numel(), dtype=torch.float32)).reshape(weight.shape)
with torch.no_grad():
    theirs = float(trainer.compute_loss(model, dict(batch)))
    trainer.loss_types = ["sppo_hard"]
    squares = float(trainer.compute_loss(model, dict(batch)))
chosen, rejected = reference_logps(model, batch, "self", completion_logps).chunk(2)
ref_chosen, ref_rejected = reference_logps(model, batch, "ref", completion_logps).chunk(2)
four = (chosen, rejected, ref_chosen, ref_rejected)
yours = float(dpo_loss(*four, 0.1))
calibration = float(cal_dpo_loss(*four, 0.1) - dpo_loss(*four, 1.0))  # without its comparison
logged = next(iter(trainer._metrics[mode]["logps/chosen"][-1] for mode in ("train", "eval") if trainer._metrics[mode]))
print(f"DPO loss         TRL {theirs:.7f}  yours {yours:.7f}")
print(f"calibration term TRL {squares:.5f}  yours {calibration:.5f}   (sppo_hard)")
print(f"chosen, mean     TRL {logged:.5f}  yours {float(chosen.mean()):.5f} nats")
assert abs(theirs - yours) < 1e-5 and abs(squares - calibration) < 1e-3 and abs(logged - chosen.mean()) < 1e-3

# %%
from captum.attr import IntegratedGradients

weights = torch.randn(6, 4, generator=torch.Generator().manual_seed(1))
x, baseline = torch.randn(6, 4, generator=torch.Generator().manual_seed(2)), torch.zeros(6, 4)


def smooth(inputs):
    """(n, 6, 4) -> (n,): something curved."""
    return torch.tanh((inputs * weights).sum((-2, -1))) + (inputs**2).mean((-2, -1))


captum_says = IntegratedGradients(smooth).attribute(x[None], baseline[None], n_steps=50, method="riemann_middle")
mine = integrated_gradients(lambda z: smooth(z[None])[0], x, baseline, 50)
missed = abs(float(mine.sum() - (smooth(x[None]) - smooth(baseline[None]))[0]))
print(f"largest difference from captum {float((mine - captum_says[0]).abs().max()):.1e}")
print(f"completeness is missed by {missed:.1e}")
assert torch.allclose(mine, captum_says[0].float(), atol=1e-5)

# %% [markdown]
# ## Case file
#
# Three results that the published guide asks for or would produce, and a trap. Reproduce each, find the
# cause, repair it, prove the repair.
#
# `records` holds pairs in mid-training, a fifth of them mislabelled: log-probabilities in nats under the model
# in training (`policy_chosen`, `policy_rejected`), under the frozen copy it started from (`ref_…`) and under
# the base (`base_…`); `prompt_tokens`, and how many are the draft's; margins logged around a step in β. The
# grader puts *other* records into the next cell and runs only the set-up and the answer cells: compute
# everything from `records`, never write a number down, and import in an answer cell whatever it uses. No value
# is rounded.

# %% tags=["inject"]
from labkit.data import data_path, read_jsonl

records = read_jsonl(data_path("lab3_dpo", "records_small.jsonl"))
print(len(records), "pairs;", records[0])

# %% [markdown]
# ### Exhibit A: the loss that can't fall below log 2
#
# "Subtract the batch-mean log-gap μ each step." Train on nothing but that: four gaps, gradient descent, as
# long as you like.

# %%
def descend(loss_of, steps=400):
    """Gaps after gradient descent on a loss of them."""
    gaps = torch.tensor([0.5, -1.0, 2.0, 0.3], dtype=torch.float64, requires_grad=True)
    zeros = torch.zeros(4, dtype=torch.float64)
    for _ in range(steps):
        [slope] = torch.autograd.grad(loss_of(gaps, zeros, zeros, zeros, 0.1), gaps)
        gaps = (gaps - 20 * slope).detach().requires_grad_(True)
    return gaps.detach()


for words, loss in (("centred", centred_loss), ("DPO", dpo_loss)):
    try:
        gaps = descend(loss)
        print(f"{words:8} mean gap {float(gaps.mean()):+7.3f} (it began at +0.450)  spread {float(gaps.std()):.1e}")
    except NotImplementedError as unfinished:
        print(unfinished)

# %% [markdown]
# **Before you open it:** the centred loss ends at its minimum, log 2. What has the model learned?
#
# <details><summary>The cause</summary>
#
# A constant added to all gaps is subtracted again with the mean, so the loss says nothing about their level:
# the gradients add up to 0. What it does reward is gaps that are *equal*: by Jensen the mean of a convex
# function of Δ − μ is at least its value at 0, log 2. Before the first step all gaps are 0: the minimum is
# reached before training begins. With one pair a batch it is always there.
# </details>
#
# **3.V1:** `above_floor` = your `centred_loss` of *all* records as one batch (policy against ref, β .1) minus
# log 2.

# %% answer="3.V1"
import math

import torch
from starter.lab3_dpo.method import centred_loss

# TODO 3.V1: the centred loss of all records as one batch, beta .1, minus log 2.
# BEGIN SOLUTION 3.V1
columns = ("policy_chosen", "policy_rejected", "ref_chosen", "ref_rejected")
batch_of_all = [torch.tensor([record[name] for record in records], dtype=torch.float64) for name in columns]
above_floor = float(centred_loss(*batch_of_all, 0.1)) - math.log(2)
# END SOLUTION 3.V1

# %% test="3.V1"
assert isinstance(above_floor, float), "a loss in nats is a float"
assert above_floor >= 0, "the centred loss is never below log 2: is the floor subtracted?"

# %% [markdown]
# **Proof.** At the start, where every gap is 0, the centred loss has no gradient at all, and DPO's points the
# right way:

# %%
for words, loss in (("centred", centred_loss), ("DPO", dpo_loss)):
    zeros = torch.zeros(3, dtype=torch.float64)
    policy = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    try:
        [slope] = torch.autograd.grad(loss(policy, zeros, zeros, zeros, 0.1), policy)
        print(f"{words:8} gradient of the chosen log-probabilities: {slope.tolist()}")
    except NotImplementedError as unfinished:
        print(unfinished)

# %% [markdown]
# ### Exhibit B: a bar of 20 %
#
# "Success: at least 20 % of the attribution on draft tokens." In the published project the prompt is a
# question and a draft, and over its 200 prompts the draft has 73 % of the words. Random attributions, on a
# prompt like that:

# %%
noise = torch.rand(11, 4, generator=torch.Generator().manual_seed(0)) + 0.5  # knows nothing of the draft
in_draft = [place >= 3 for place in range(11)]  # 8 of 11 tokens: 73 %
mass = noise.sum(1)[torch.tensor(in_draft)].sum() / noise.sum()
print(f"mass on the draft {float(mass):.2f}: the bar of .20 is passed")
try:
    print(f"lift {lift(noise, in_draft):.2f}: nothing there")
except NotImplementedError as unfinished:
    print(unfinished)

# %% [markdown]
# **Before you open it:** how short would the draft have to be for the bar to mean anything?
#
# <details><summary>The cause</summary>
#
# A mass share has no zero: what ignorance scores is the draft's share of the tokens. Below a share of 20 % the
# bar would ask for something, but for how much depends on the prompt's length. The lift has its zero at 1, for
# every length; its nulls (another's draft, random weights) say what is there anyway.
# </details>
#
# **3.V2:** `uniform_share` = what uniform attribution scores on these records: the mean over records of the
# draft's share of the prompt's tokens (`prompt_tokens` counts the whole prompt, draft included).

# %% answer="3.V2"
# TODO 3.V2: the mean over records of the draft's share of the prompt's tokens.
# BEGIN SOLUTION 3.V2
parts = [record["draft_tokens"] / record["prompt_tokens"] for record in records]
uniform_share = sum(parts) / len(parts)
# END SOLUTION 3.V2

# %% test="3.V2"
assert isinstance(uniform_share, float), "a share is a float such as 0.42"
assert 0 < uniform_share < 1, "a share lies between 0 and 1"

# %% [markdown]
# ### Exhibit C: a margin that doubled while no weight moved
#
# β goes from .05 in the warm-up to .10. Here is the log of a model that was frozen all the time: the same
# pairs, the same gaps.

# %%
frozen = nats(2.0, 1.0, 3.0, 2.5)
zeros = torch.zeros(4, dtype=torch.float64)
for epoch in (1, 2, 3):
    beta = 0.05 if epoch == 1 else 0.10
    try:
        margin = implicit_rewards(frozen, zeros, zeros, zeros, beta)["margin"]
        gap = beta_schedule(epoch, margin.tolist(), beta)["log_ratio_gap"]
        print(f"epoch {epoch}  margin {float(margin.mean()):.4f}   gap {gap:.4f} nats")
    except NotImplementedError as unfinished:
        print(unfinished)

# %% [markdown]
# **3.V3:** the records' margins were logged in the last step with β .05 (`margin_before`) and in the first with
# β .10 (`margin_after`). `gap_change` = the mean gap after minus that before, in nats.

# %% answer="3.V3"
from starter.lab3_dpo.method import beta_schedule

# TODO 3.V3: mean gap after the step minus mean gap before it, each margin in nats by its own beta.
# BEGIN SOLUTION 3.V3
before = beta_schedule(2, [record["margin_before"] for record in records], 0.05)["log_ratio_gap"]
after = beta_schedule(2, [record["margin_after"] for record in records], 0.10)["log_ratio_gap"]
gap_change = after - before
# END SOLUTION 3.V3

# %% test="3.V3"
assert isinstance(gap_change, float), "a difference in nats is a float"
assert abs(gap_change) < 5, "a gap doesn't move by several nats in one step"

# %% [markdown]
# ### Exhibit D: adapters disabled is not always the reference
#
# A run continued phase B's adapter and computed its reference with adapters disabled. Nothing failed. Its
# first loss was not log 2, and nobody knew that it had to be.
#
# **3.V4:** `trap_loss` = the DPO loss (β .1) of that first step: the policy is still the frozen copy (`ref_…`),
# the reference is the base (`base_…`).

# %% answer="3.V4"
import torch
from starter.lab3_dpo.method import dpo_loss

# TODO 3.V4: the DPO loss of ref_* as the policy against base_* as the reference, beta .1.
# BEGIN SOLUTION 3.V4
trapped = ("ref_chosen", "ref_rejected", "base_chosen", "base_rejected")
first_step = [torch.tensor([record[name] for record in records], dtype=torch.float64) for name in trapped]
trap_loss = float(dpo_loss(*first_step, 0.1))
# END SOLUTION 3.V4

# %% test="3.V4"
assert isinstance(trap_loss, float), "a loss in nats is a float"
assert trap_loss > 0, "minus the logarithm of a number below 1 is above 0"

# %% [markdown]
# **Before you open it:** it was *below* log 2. Is that good news?
#
# <details><summary>The cause</summary>
#
# The gap already holds what phase B has learned. Those pairs look solved, their gradient shrinks, and the
# model is tied to a base that answers worse than where it started. A first loss other than log 2, in either
# direction, means another reference.
# </details>
#
# **3.V5:** `interval = [low, high]`, Wilson's 95 % interval of the reward accuracy on `records`: policy against
# ref, a tie is not right. Shares, not percent.

# %% answer="3.V5"
import torch
from labkit.stats import wilson
from starter.lab3_dpo.method import implicit_rewards

# TODO 3.V5: [low, high] of the share of records with a margin above 0.
# BEGIN SOLUTION 3.V5
sides = ("policy_chosen", "policy_rejected", "ref_chosen", "ref_rejected")
logps = [torch.tensor([record[name] for record in records], dtype=torch.float64) for name in sides]
right = int(implicit_rewards(*logps, 0.1)["accuracy"].sum())
interval = list(wilson(right, len(records)))
# END SOLUTION 3.V5

# %% test="3.V5"
assert isinstance(interval, list) and len(interval) == 2, "a list of two numbers, [low, high]"
assert 0 <= interval[0] < interval[1] <= 1, "shares between 0 and 1, the lower one first"

# %% [markdown]
# **3.W2, the case file** (5 points). In at most 150 words: why the centred loss can't fall below log 2 and what
# it rewards instead (2); what you would do in its place, and how you *proved* it rather than believed it (2);
# one number of the first step that would have shown it before anyone trained for an hour (1).

# %% [markdown] written="3.W2"
# <!-- BEGIN SOLUTION 3.W2 -->
# Subtracting the batch mean removes the level of the gaps, which is what DPO should raise; by Jensen the mean
# loss of centred gaps is at least log 2, with equality when they are all equal. So it makes gaps equal, and
# is content with a model that has learned nothing.
#
# In its place: Cal-DPO as published, whose squares give each log-ratio a target. Proof: descent on the
# centred loss leaves the mean gap where it was and drives the spread to 0, while DPO's grows; at the start
# the centred gradient is exactly 0 for every pair, DPO's isn't, and both agree with the closed form.
#
# The first step: its gradient norm is 0.
# <!-- END SOLUTION 3.W2 -->

# %% [markdown]
# ## Questions
#
# Talk these over with a neighbour; write down 3.W3.
#
# 1. Which of your pairs could be solved by "don't copy the quoted draft"? How would you know if they were?
# 2. Is a falling log-probability of the chosen text a fault, if answers get better?
# 3. A shuffled draft costs more than none. Is that use of the draft, or harm by a wrong one?
# 4. What would a judge that isn't a rule have to show before you let it count wins?

# %% [markdown]
# **3.W3, does it use its own questions?** (5 points). In at most 200 words: what each of the three ablations can
# and can't show, and which comparison answers the question (2); your measured costs with n, interval and the
# n that the discordance asks for, and what the lift says beside its nulls (2); one experiment that would
# separate using the questions from copying the answer (1).

# %% [markdown] written="3.W3"
# <!-- BEGIN SOLUTION 3.W3 -->
# Without a draft the prompt has another form, so a cost may be mere surprise. Another's draft keeps the form:
# a cost beyond that of no draft is harm by wrong content, so the content is read. Without the answer line
# only the questions are left: if that costs little and no draft costs much, they carry it.
#
# Costs come with n and interval; below the n needed, nothing is claimed. The lift is above
# random weights', not above another's draft, which is read as much and misleads: only the signed sum differs.
#
# Experiment: drafts with the right questions and the wrong answer, beside drafts with useless questions and
# the right answer, on the same items, paired.
# <!-- END SOLUTION 3.W3 -->

# %% [markdown]
# ## Troubleshooting
#
# | you see | try |
# |---|---|
# | `NotImplementedError: TODO 3.x …` | still a stub; its section is 3.x |
# | an edit changes nothing | save the file, restart the kernel, run the set-up |
# | "expected a first loss of log 2" | the reference is another model: 3.9, and Exhibit D |
# | `ModuleNotFoundError: labkit` | `pip install -e .` in the course's folder |
# | a model or file is missing | `labs doctor` names it and the command that gets it |
# | Colab lost my work | download `starter/` in time |

# %% [markdown]
# ## Submit
#
# ```
# labs check lab3
# labs submit lab3
# ```
#
# The first command runs all public checks. The second packs the lab's folder and this notebook into one zip and
# prints where it lies: save the notebook before. Upload the zip. Everything else (data, models, runs) stays
# here.
