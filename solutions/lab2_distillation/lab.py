# %% [markdown] card="all"
# # Lab 2 · Distilling chains of thought, and why it failed
#
# A small model knows facts, but can't answer a question that needs two of them and a comparison. A teacher
# shows its reasoning; the model is to learn it. In a published project this made the model *worse*: 59.4 %
# before, 51.5 % after. In this lab you rebuild that project, cause by cause, find out which of them did it,
# and get the gain.

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

start("lab2")

# %%
from labkit.check import check
from labkit.lesson import beside
from labkit.models import load_tokenizer
from starter.lab2_distillation.data import assistant_mask, parse_draft, parse_teacher, quality_report
from starter.lab2_distillation.data import training_text
from starter.lab2_distillation.evaluate import exact_mcnemar, parse_prediction, prediction_report
from starter.lab2_distillation.evaluate import wilson_interval
from starter.lab2_distillation.method import class_weights, consensus, kept_prior, log_odds_shift
from starter.lab2_distillation.method import lora_coverage, rationalise, upsample

# %% [markdown]
# ## Objectives
#
# When you are done you can
#
# 1. read answers out of text, without a flattering default;
# 2. say what a filter does to the classes, and repair it in three ways;
# 3. turn a teacher's reasoning into a *target*, masked so that the model learns to stop;
# 4. see which layers LoRA really reaches;
# 5. take a failure apart: one cause, one row, one paired test;
# 6. tell evidence from proof when somebody else's evaluator isn't public.

# %% [markdown]
# ## The question
#
# > *(a) How far above the better constant is a model tuned on answers alone? (b) What do the published Phase B's
# > answers look like? (c) Which repair gains most: scorer, target, layers, steps or classes? (d) How far above
# > Phase A does the repaired Phase B end?*
#
# Write your prediction **before** you run anything: numbers, with a reason. A wrong one with a reason earns
# as much as a right one. Complete the second half after the plots.
#
# Points (5): a number or a name for each part (1), a reason each (1), the measured numbers with n and
# interval (1), what surprised you (1), a reason that the data supports (1).

# %% [markdown] written="2.W1"
# <!-- BEGIN SOLUTION 2.W1 -->
# **Before running.** (a) 5 points: two facts don't fit into one token. (b) Mostly "No", as the kept examples. (c)
# The target: copying an answer from the prompt teaches nothing. (d) 20 points, the model knows the facts and
# only has to write them down.
#
# **After running.** Measured numbers with n and interval from the tables; the largest gap named; a reason seen in
# the data, for example that the repaired model itself gets the score of "always No" when only five tokens of
# its chains are read.
# <!-- END SOLUTION 2.W1 -->

# %% [markdown]
# ## 2.1 Read the student's draft
#
# Before a teacher helps, the student drafts: an answer, a reason, and what it would have to know. What it
# writes is text, and text may hold no answer. "Yes/No" is the form, not an answer, and "No idea" isn't No.
#
# What can't be read is `None`. A default would be an opinion that nobody had.

# %%
whale = "Answer: Yes - a whale is a mammal\nQuestions: Does it breathe? Is it a fish?"
read = {"answer": True, "reasoning": "a whale is a mammal", "questions": ["Does it breathe?", "Is it a fish?"]}
beside(parse_draft, whale, by_hand=read, because="two lines, each with its key")
nothing = {"answer": None, "reasoning": "", "questions": []}
beside(parse_draft, "Answer: Yes/No - a whale", by_hand=nothing, because="the form was copied")
beside(parse_draft, "Answer: No idea", by_hand=nothing, because="'No' isn't all of it")

# %% [markdown] card="2.1"

# %% [markdown]
# **Edit `starter/lab2_distillation/data.py`**, then check.
#
# <details><summary>Hint</summary>
#
# What may stand behind Yes or No? Write the list down before you write the pattern. `re.fullmatch` on the
# rest of the line leaves nothing unexplained.
# </details>

# %%
check("2.1")

# %% [markdown]
# ## 2.2 Read the teacher's answer
#
# The teacher reasons in words, and both "yes" and "no" may stand in its reasoning. So it is asked for a last
# line, and only what stands there counts, all of it. A letter that was cut off before its assessment has no
# answer, however sure it sounds.

# %%
beside(parse_teacher, "1. No fish is.\nSo the answer is: **YES**", by_hand=True, because="the last statement")
beside(parse_teacher, "the answer is: **[YES/NO]**", by_hand=None, because="the form was copied")
beside(parse_teacher, "the answer is not YES", by_hand=None, because="a negation is no answer")

# %% [markdown] card="2.2"

# %% [markdown]
# **Edit `starter/lab2_distillation/data.py`**, then check.
#
# <details><summary>Hint</summary>
#
# `str.rfind` finds the last statement; `str.strip` takes the characters to remove at both ends.
# </details>

# %%
check("2.2")

# %% [markdown]
# ## 2.3 Validation and quality report
#
# Keep a letter only if its answer is right: that is the published filter, and it sounds harmless. Look at
# what it keeps *by class*. The published teacher was right on 39 of 91 questions whose answer is yes, and on
# 98 of 109 whose answer is no.

# %%
rows = [{"answer": True, "teacher_answer": said} for said in (True, False, None)]
rows += [{"answer": False, "teacher_answer": False}]
by_hand = {"n": 4, "unparsed": 1, "wrong": 1, "kept": 2, "recall_yes": 1 / 3, "recall_no": 1.0}
by_hand |= {"prior_yes": 0.75, "kept_prior_yes": 0.5}
beside(quality_report, rows, by_hand=by_hand, because="of three Yes one is kept; of one No, one")

# %% [markdown] card="2.3"

# %% [markdown]
# **Edit `starter/lab2_distillation/data.py`**, then check.
#
# <details><summary>Hint</summary>
#
# A recall is divided by the gold class, not by what the teacher said. In Python `None == False` is False, but
# `bool(None) == False` is True.
# </details>

# %%
check("2.3")

# %% [markdown]
# ## 2.4 The reasoning is the target
#
# In the published Phase B the reasoning stood in the *prompt*, with the answer in bold in it, and the target was one
# word. What is there to learn? To copy. And at test time there was nothing to copy from.
#
# Distillation is the other way round: the question goes in, and the model must write the reasoning and then
# the answer. The prompt is the same in training and at test time.

# %%
lama = {"question": "Is the lama lighter?", "answer": True, "rationale": "1. The lama weighs 140 kg."}
user = {"role": "user", "content": "Question: Is the lama lighter?"}
target = {"role": "assistant", "content": "1. The lama weighs 140 kg.\nAnswer: Yes"}
beside(training_text, lama, "rationale", by_hand=[user, target], because="only the question goes in")
alone = {"role": "assistant", "content": "Answer: Yes"}
beside(training_text, lama, "answer", by_hand=[user, alone], because="Phase A: the same prompt")

# %% [markdown] card="2.4"

# %% [markdown]
# **Edit `starter/lab2_distillation/data.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Refuse first. A record whose answer is `None` would be taught as "No" by `"Yes" if answer else "No"`.
# </details>

# %%
check("2.4")

# %% [markdown]
# ## 2.5 Learn the assistant's words, and when to stop
#
# The loss should count the assistant's tokens and its end-of-turn token, and nothing else. A chat template
# with generation markers knows which these are. Three ways to lose the end, all silent: a marker that closes
# before it, pad and end being one token that is masked by id, and a template without any marker.

# %%
tokenizer = load_tokenizer("nano-facts")
turns = [user, alone]


def learned(messages, marker="closes behind the end"):
    """What the labels that aren't -100 ask the model to write."""
    tokenizer = load_tokenizer("nano-facts")
    if marker == "closes before the end":
        late, early = " + '<|end|>' }}{% endgeneration %}", " }}{% endgeneration %}{{ '<|end|>' }}"
        tokenizer.chat_template = tokenizer.chat_template.replace(late, early)
    row = assistant_mask(messages, tokenizer, 200)
    return tokenizer.decode([label for label in row["labels"] if label != -100])


beside(learned, turns, by_hand="Answer: Yes<|end|>", because="the reply and its end")
early = "closes before the end"
beside(learned, turns, early, by_hand="Answer: Yes<|end|>", because="the first trap: the end, all the same")

# %% [markdown] card="2.5"

# %% [markdown]
# **Edit `starter/lab2_distillation/data.py`**, then check.
#
# <details><summary>Hint</summary>
#
# `apply_chat_template(..., tokenize=True, return_dict=True, return_assistant_tokens_mask=True)` gives both
# lists. Then look at the token behind each stretch of ones.
# </details>

# %%
check("2.5")

# %% [markdown]
# ## 2.6 What a filter keeps
#
# The filter keeps a question with the teacher's recall on its class. The rest is Bayes' rule: with 45.5 % yes, and
# recalls of 43 and 90 %, what is kept is 28.5 % yes. Nobody chose that; the filter did.

# %%
beside(kept_prior, 0.5, 0.4, 0.8, by_hand=1 / 3, because=".2 against .4")
beside(kept_prior, 0.455, 39 / 91, 98 / 109, by_hand=39 / 137, because="the published numbers")

# %% [markdown] card="2.6"

# %% [markdown]
# **Edit `starter/lab2_distillation/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# How much of the whole is yes and kept? How much is kept at all?
# </details>

# %%
check("2.6")

# %% [markdown]
# ## 2.7 The shift in nats
#
# On the scale of log-odds the filter is a plain shift, log(r_yes / r_no), whatever the prior was. A model
# that learned from the kept rows leans by that much on *every* question. Minus 0.74 nats turns odds of 1 : 1 into
# about 1 : 2.

# %%
beside(log_odds_shift, 0.5, 0.2, by_hand=-1.3863, because="log(1/4) - log(1)")
beside(log_odds_shift, 0.455, 39 / 137, by_hand=-0.7409, because="the published filter")

# %% [markdown] card="2.7"

# %% [markdown]
# **Edit `starter/lab2_distillation/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Nats: the natural logarithm. What is its value at 0?
# </details>

# %%
check("2.7")

# %% [markdown]
# ## 2.8 Repair 1: weights
#
# Count each kept example p(y) / p'(y) times: rare ones more, frequent ones less. The loss then sees the true
# shares, at the price that few examples carry much.

# %%
beside(class_weights, [True, False, False], 0.5, by_hand=[1.5, 0.75, 0.75], because=".5/(1/3), .5/(2/3)")

# %% [markdown] card="2.8"

# %% [markdown]
# **Edit `starter/lab2_distillation/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Two numbers, one for each class; then look up each label's.
# </details>

# %%
check("2.8")

# %% [markdown]
# ## 2.9 Repair 2: upsampling
#
# Repeat the smaller class until both are equally large: evenly, so that no single example is seen five times
# while another is seen once. It is the cheapest repair, and it adds no information.


# %%
def sizes(yes, no, seed):
    """How often each of the Yes records occurs afterwards, the largest number first."""
    records = [{"qid": f"q{i}", "answer": i < yes} for i in range(yes + no)]
    names = [record["qid"] for record in upsample(records, seed)]
    return sorted((names.count(f"q{i}") for i in range(yes)), reverse=True)


beside(sizes, 2, 5, 1, by_hand=[3, 2], because="2 records become 5")
beside(sizes, 3, 20, 2, by_hand=[7, 7, 6], because="3 records become 20: evenly, not by luck")

# %% [markdown] card="2.9"

# %% [markdown]
# **Edit `starter/lab2_distillation/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# `divmod` says how many whole rounds there are, `random.Random(seed)` draws without touching anybody else's
# random state.
# </details>

# %%
check("2.9")

# %% [markdown]
# ## 2.10 Repair 3: rationalise the lost class
#
# The lost questions are not bad questions; the teacher got them wrong. Tell it the answer, and it can often say
# why. This adds information, where weights and copies only count what is there.
#
# The hint must not be learned: at test time there is none. And a reply that ends elsewhere isn't learned
# either; an answer that couldn't be read (`None`) never equals gold.

# %%
bat = {"qid": "q1", "question": "Is a bat a bird?", "answer": False, "teacher_answer": True}
fresh = {"qid": "q1", "question": "Is a bat a bird?", "answer": False, "rationale": "2. It has fur."}
fresh |= {"rationalised": True}
beside(rationalise, bat, "1. The hint says No.\n2. It has fur.", False, by_hand=fresh, because="no hint in it")
beside(rationalise, bat, "1. It flies.", None, by_hand=None, because="the reply doesn't say")

# %% [markdown] card="2.10"

# %% [markdown]
# **Edit `starter/lab2_distillation/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# "hint" as a word of its own: what does `\b` do, and what about "hinterland"?
# </details>

# %%
check("2.10")

# %% [markdown]
# ## 2.11 Which layers does LoRA reach?
#
# The published list names seven kinds of layers: q, k, v, o, gate, up, down. Phi-3.5 stores query, key and
# value in *one* matrix, `qkv_proj`, and gate and up in another. The library takes a list of which some names match, and
# says nothing about the others.
#
# "8.9M trainable parameters" was printed, and nobody asked of what.

# %%
block = {"h.0.qkv_proj": (9216, 3072), "h.0.o_proj": (3072, 3072)}
kinds = {"qkv_proj": {"modules": 1, "reached": 0, "trainable": 0}}
kinds |= {"o_proj": {"modules": 1, "reached": 1, "trainable": 98304}}
found = {"kinds": kinds, "trainable": 98304, "missed": ["qkv_proj"], "unmatched": ["v_proj"]}
beside(lora_coverage, block, ["v_proj", "o_proj"], 16, by_hand=found, because="16 x (3072 + 3072)")

# %% [markdown] card="2.11"

# %% [markdown]
# **Edit `starter/lab2_distillation/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# `"qkv_proj".endswith("v_proj")` is True. Where does a suffix begin?
# </details>

# %%
check("2.11")

# %% [markdown]
# ## 2.12 Ask k times
#
# A teacher may be asked again. What k attempts agree on is worth more than one, if agreement means more than
# half of *all* attempts: silence is no vote, but it was an attempt. And if a teacher is wrong more often than
# right on a class, asking more often makes it worse there: what would 42.9 % become?

# %%
beside(consensus, [True, None, True], by_hand=True, because="2 of 3")
beside(consensus, [True, None, None], by_hand=None, because="1 of 3 is not more than half")
beside(consensus, [True, False], by_hand=None, because="a tie")

# %% [markdown] card="2.12"

# %% [markdown]
# **Edit `starter/lab2_distillation/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Compare twice the count with the number of attempts; no division is needed.
# </details>

# %%
check("2.12")

# %% [markdown]
# ## 2.13 Read the model's answer
#
# The published evaluator let the model write five tokens and began with `predicted_answer = "No"`. "To determine
# whether the" is then a No, and a right one in every second case.
#
# Your reader is anchored: the last "Answer:" line, or else the first word; what can't be read is `None`, is
# counted, and is never right.

# %%
beside(parse_prediction, "1. It has fur.\nAnswer: No", by_hand=False, because="the answer line")
beside(parse_prediction, "No, the ship that", by_hand=False, because="it begins with its answer")
beside(parse_prediction, "To determine whether the", by_hand=None, because="it doesn't answer")
beside(parse_prediction, "No one knows", by_hand=None, because="'No' isn't the answer here")

# %% [markdown] card="2.13"

# %% [markdown]
# **Edit `starter/lab2_distillation/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# First decide *which* text is read, then read it from its beginning with `re.match`.
# </details>

# %%
check("2.13")

# %% [markdown]
# ## 2.14 More than accuracy
#
# A constant gets 51.5 % where 51.5 % of the answers are No. So an accuracy comes with what a constant would get,
# with the share of each answer, and with two numbers that a constant can't raise: balanced accuracy (one half
# for every constant) and Matthews' correlation (not defined for one).

# %%
said, gold = [True, False, None, False], [True, False, True, True]
try:
    for name, value in prediction_report(said, gold).items():
        print(f"{name:18} {value:.3f}")
except NotImplementedError as unfinished:
    print(unfinished)

# %% [markdown]
# **By hand:** 3 of 4 were read, 2 of 4 are right, 2 of 3 of those read. Recall of yes is 1/3, of no 1, so the
# balanced accuracy is 2/3. The four cells are TP 1, FP 0, FN 1, TN 1: MCC is (1 - 0) / √(1 · 2 · 1 · 2) = 0.5.

# %% [markdown] card="2.14"

# %% [markdown]
# **Edit `starter/lab2_distillation/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Count all six kinds of pairs first: (True, False, None) by (True, False). Everything else is a quotient.
# </details>

# %%
check("2.14")

# %% [markdown]
# ## 2.15 Two models, the same questions
#
# Two models that answer the same questions are compared on those on which they *differ*. If both were
# equally good, each of these would be a coin toss. Nine against one is rare for a fair coin; 90 against 82
# isn't.

# %%
beside(exact_mcnemar, 9, 1, by_hand=0.0215, because="2 x (1 + 10) / 1024")
beside(exact_mcnemar, 3, 3, by_hand=1.0, because="as even as can be")

# %% [markdown] card="2.15"

# %% [markdown]
# **Edit `starter/lab2_distillation/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# `math.comb` gives whole numbers of any size; `2.0 ** 3000` doesn't exist.
# </details>

# %%
check("2.15")

# %% [markdown]
# ## 2.16 How sure is a share?
#
# 354 of 687 is .515, and anything from .478 to .553 would not have surprised. Wilson's interval stays inside
# 0 and 1 and doesn't collapse at the ends, where p ± z √(p(1-p)/n) says "0 to 0".


# %%
def ends(successes, n):
    """The interval as a list."""
    return list(wilson_interval(successes, n))


beside(ends, 354, 687, by_hand=[0.4779, 0.5525], because="by the formula")
beside(ends, 0, 10, by_hand=[0.0, 0.2775], because="0 of 10 isn't never")

# %% [markdown] card="2.16"

# %% [markdown]
# **Edit `starter/lab2_distillation/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Centre, half width, and their common denominator.
# </details>

# %%
check("2.16")

# %% [markdown]
# ## The experiment
#
# Everything below runs on *your* functions; `run.py` only wires them. The world is small: lakes, towers, ships
# and animals, whose measures the model read in pre-training. It can recite a fact; it can't compare two of
# them in one token. The teacher is **rule-based**: it knows the steps, and errs as often as the published one.
#
# **Predict first:** your numbers stand in 2.W1? Then go on: run from the top, this notebook takes about 90 s of
# processor time (86 s with OMP_NUM_THREADS=1), more on the clock where other programs run.

# %% tags=["experiment"]
from dataclasses import replace
from pathlib import Path
import json

from labkit.config import parse
from labkit.data import read_jsonl
from starter.lab2_distillation import figures, published, report, run
from starter.lab2_distillation.config import Config

nano = parse(Config, ["--profile", "nano"], presets=Path(run.__file__).parent / "configs")
names = (nano.baseline, nano.broken, nano.repaired, "prior_default_no")
arms = {name: replace(nano.arms[name], against=None) for name in names}
live = replace(nano, profile="notebook", arms=arms, test_items=400, bootstrap_resamples=200)
folder = run.run(live, until="validate").folder
taught = read_jsonl(folder / "data/teacher_outputs.jsonl")
print(taught[0]["question"], "\n\nDRAFT\n" + taught[0]["student_draft"])
print("\nTEACHER\n" + taught[0]["teacher_reasoning"])

# %% [markdown]
# ### What the filter kept
#
# Your 2.2 and 2.3, and beside them what 2.6 and 2.7 say must come out.

# %% tags=["experiment"]
found = report.selection(json.loads((folder / "quality_report.json").read_text("utf-8"))["train"])
for name in ("n", "unparsed", "wrong", "kept", "rationalised"):
    print(f"{name:22} {found[name]}")
for name in ("recall_yes", "recall_no", "prior_yes", "kept_prior_yes", "kept_prior_by_bayes", "shift_nats"):
    print(f"{name:22} {found[name]:+.3f}")
kept = read_jsonl(folder / "data/train_cot.jsonl")
words = ("**YES**", "**NO**")
inside = sum(any(word in published.published_messages(row)[0]["content"] for word in words) for row in kept)
print(f"\npublished prompts that hold the gold answer in bold: {inside} of {len(kept)}")

# %% [markdown]
# **Explain.** 136 of 137 in the published project. What is the easiest way for a model to bring the loss of
# such a set to zero?
#
# ### Phase A, the published Phase B, and the repaired one
#
# Live: three trainings, one after the other, in 4 bits (NF4), through TRL's trainer; the fourth row reads the
# third model's replies as the published evaluator did. Stop it if you must: run again, it goes on with what
# isn't finished yet. An edit of 2.1 to 2.5 or 2.8 to 2.12 trains anew, and one of 2.13 asks the models
# again: finish these first.

# %% tags=["experiment"]
result = run.run(live)
metrics = result.metrics
gain = metrics["effects"]["repaired_minus_phase_a_pp"]
effects = {"repaired_minus_phase_a_pp": gain["value"]}
span = f"[{gain['low']:+.1f}, {gain['high']:+.1f}]"
print(f"repaired minus Phase A {gain['value']:+.1f} points {span}, n = {gain['n']}")

# %% [markdown]
# ### What does the published Phase B say?
#
# Look at the texts before you look at a score.

# %% tags=["experiment"]
for name in (live.baseline, live.broken, live.repaired):
    said = metrics["failure_analysis"][name]
    begin = ", ".join(f"{words!r} {count}" for words, count in said["first_words"])
    print(f"{name:10} begins with {begin}")
    print(f"{'':10} unread: {said['unread'][:2]}")
for row in metrics["ablation"]:
    print(f"{row['arm']:16}", end=" ")
    for evaluator in ("published_evaluator", "anchored_evaluator"):
        told = row[evaluator]
        shares = f"yes {told['yes_rate']:.2f} no {told['no_rate']:.2f} unread {1 - told['parse_rate']:.2f}"
        print(f"{evaluator.split('_')[0]}: {shares} right {told['accuracy']:.3f}", end="   ")
    print()

# %% [markdown]
# **Explain.** Where does the published evaluator find its accuracy? Compare it with the share of No among the
# gold answers, "Always no" in the line below the table that the training printed.
#
# Two rows, one score, two causes. The arm `published` *says* No itself: all of it is read, and a better reader
# changes nothing. `prior_default_no` answers well, in chains, and the scorer alone gives it the same number.

# %% [markdown]
# ### The ablation: one repair after the other
#
# **Recorded, not live:** `make effects` ran the full lab over several seeds, on all test questions, and wrote
# `expected.json`. (`labs run lab2` prints the same table for one seed; it lies in `ablation.md`.) Down to
# `targets` each row adds one repair to the row above it; then come three repairs of the classes, the repaired
# model under the published evaluator, and Phase A with its classes repaired. The last column names the row
# compared with. Numbers are means over the seeds.

# %% [markdown]
# `published` to `steps` go on from Phase A's adapter. From `targets` on an arm starts from the base: other layers
# need an adapter of their own.
#
# **Predict:** which step is the largest? Which one does nothing *by itself*, and why?

# %% tags=["experiment"]
from IPython.display import Markdown

recorded = json.loads((Path(run.__file__).parent / "expected.json").read_text("utf-8"))
mean = recorded["records"]["mean"]
Markdown(report.ablation_table(mean))

# %% tags=["experiment"]
print(f"means over seeds {recorded['seeds']}")
for name, effect in recorded["effects"].items():
    print(f"{name:34} {effect['mean']:7.2f} ± {effect['sd']:5.2f}   expected {effect['target']}")
for row in mean["ablation"][1:]:
    test = row["from_baseline"]
    needed = "-" if test["n_needed"] is None else f"{test['n_needed']:.0f}"
    print(f"{row['arm']:16} minus {test['other']}: {test['pp']:+6.1f} points", end="  ")
    print(f"only it {test['only_first']:.0f}, only the other {test['only_second']:.0f}; n needed {needed}")

# %% [markdown]
# *n needed*: so many questions show a gap of that size with a power of 80 % at the 5 % level (McNemar). *only it*,
# *only the other*: questions that just one of the two gets right. `scorer_pp` is no row of the table: there one
# model, the repaired one, is read by both evaluators. The row `scorer` reads the *published* model anew, which
# says No in words: nothing to gain.
#
# **Explain.** A row shows what a repair does *after* those above it. Name one step whose size would change if the
# order were another, and say how you would find out.

# %% [markdown]
# ### Which layers were trained?
#
# Your 2.11, on the model of this lab, whose architecture is Phi-3's.

# %% tags=["experiment"]
for place in ("baseline_phaseA", "cot_phaseB"):
    told = json.loads((folder / f"models/{place}/training.json").read_text("utf-8"))
    coverage = told["coverage"]
    print(f"{place}: {told['trainable']:,} trainable, {told['optimiser_steps']} steps of {told['rows']} rows")
    for kind, entry in coverage["kinds"].items():
        print(f"   {kind:14} {entry['reached']} of {entry['modules']} layers, {entry['trainable']:,}")
    print("   targets that reach nothing:", ", ".join(coverage["unmatched"]) or "none")

# %% [markdown]
# ## Reading the plots
#
# **Live.** Accuracy of each arm with its interval by entity: questions about one thing are right or wrong
# together, so things are resampled, not questions. Dotted: the better constant.

# %% tags=["experiment"]
from labkit import plots

fig, axes = plots.figure(figsize=(8.5, 3.4))
told = figures.draw_ablation(axes, metrics["ablation"], metrics["control"])
plots.show(fig, alt=told)

# %% [markdown]
# **Explain.** Which two rows are the *same model* with the same replies? What does their distance measure?

# %% tags=["experiment"]
fig, axes = plots.figure(1, 2)
told = figures.draw_answers(axes, mean["ablation"])
plots.show(fig, alt=told)

# %% [markdown]
# **Explain** (recorded, all arms). Left, the published evaluator: can you tell a model that says No from one that
# says nothing? Right, yours. In which arm is the share of Yes nearest to the truth, and which repair did that?
#
# Then complete the second half of **2.W1** above, with n and intervals: live numbers (n = 400) or recorded means
# (n = 1,200), both are fine if you say which.

# %% tags=["experiment"]
fig, axes = plots.figure()
told = figures.draw_filter(axes, metrics["quality"])
plots.show(fig, alt=told)

# %% [markdown]
# ## Against the libraries
#
# Your functions against code that others wrote. Oracles don't share your mistakes.
#
# 1. your labels against TRL's own `assistant_only_loss` (this template's marker closes behind the end);
# 2. your coverage against what PEFT makes trainable;
# 3. balanced accuracy, recalls and MCC against scikit-learn;
# 4. p-value and interval against scipy and statsmodels.

# %%
import datasets
import trl
from labkit.models import load_causal_lm

model = load_causal_lm("nano-facts")
chain = training_text(lama, "rationale")
arguments = trl.SFTConfig(output_dir="runs/oracle", assistant_only_loss=True, use_cpu=True, bf16=False, report_to="none")
rows = datasets.Dataset.from_list([{"messages": chain}])
trainer = trl.SFTTrainer(model=model, args=arguments, train_dataset=rows, processing_class=tokenizer)
theirs, ours = trainer.train_dataset[0]["labels"], assistant_mask(chain, tokenizer, 512)["labels"]
print(len(ours), "labels, of which", sum(label != -100 for label in ours), "are learned; the same:", ours == theirs)
assert ours == theirs

# %%
import peft
from starter.lab2_distillation import published
from starter.lab2_distillation.training import linear_shapes

shapes = linear_shapes(model)
for names in (list(published.PUBLISHED_TARGETS), sorted({name.split(".")[-1] for name in shapes})):
    by_hand = lora_coverage(shapes, names, 16)
    wrapped = peft.get_peft_model(load_causal_lm("nano-facts"), peft.LoraConfig(r=16, target_modules=names))
    library = wrapped.get_nb_trainable_parameters()[0]
    print(f"{by_hand['trainable']:8,} by hand, {library:8,} in PEFT; missed: {by_hand['missed']}")
    assert by_hand["trainable"] == library

# %%
import numpy as np
from scipy.stats import binomtest
from sklearn.metrics import balanced_accuracy_score, matthews_corrcoef, recall_score
from statsmodels.stats.proportion import proportion_confint

rng = np.random.default_rng(1)
gold = (rng.random(300) < 0.4).tolist()
said = [bool(g) if rng.random() < 0.7 else bool(rng.random() < 0.3) for g in gold]
ours = prediction_report(said, gold)
gaps = {
    "balanced accuracy": ours["balanced_accuracy"] - balanced_accuracy_score(gold, said),
    "MCC": ours["mcc"] - matthews_corrcoef(gold, said),
    "recall of yes": ours["recall_yes"] - recall_score(gold, said),
    "McNemar": exact_mcnemar(37, 21) - binomtest(21, 58, 0.5).pvalue,
    "Wilson": wilson_interval(354, 687)[0] - proportion_confint(354, 687, method="wilson")[0],
}
for name, gap in gaps.items():
    print(f"{name:18} difference from the library {gap:+.1e}")
    assert abs(gap) < 1e-7

# %% [markdown]
# ## Case file
#
# A published project's result, and the numbers that it printed. Reproduce, find the cause, repair, prove.
#
# `records` holds questions: `gold`, the `teacher`'s letter, and three `replies`: "phase_a", "repaired", and
# "published". The last isn't the arm `published`, which says No in words: it is what the published evaluator
# sees of a model that reasons, its first five tokens.

# %% [markdown]
# The grader puts *other* records into the next cell and runs only the set-up and the answer cells: compute
# everything from `records`, never write a number down, and import in an answer cell whatever it uses. No value
# is rounded. An answer that can't be read is wrong. The values come in the order of the exhibits: 2.V3, 2.V4,
# 2.V1, 2.V2, 2.V5.

# %% tags=["inject"]
from labkit.data import data_path, read_jsonl

records = read_jsonl(data_path("lab2_distillation", "records_small.jsonl"))
print(len(records), "questions;", records[0])

# %% [markdown]
# ### Exhibit A: 354 of 687
#
# The report: Phase A 408 of 687, Phase B 354 of 687, with reasoning and without. "Benefit of reasoning: 0.0
# points." Here is a model that doesn't exist:

# %%
test_set = [True] * 333 + [False] * 354  # the published test file, by its answers
for name, answer in (("always No", False), ("always Yes", True)):
    right = sum(gold is answer for gold in test_set)
    print(f"{name:10} {right} of {len(test_set)} = {right / len(test_set):.3f}")

# %% [markdown]
# **Before you open it:** is that proof?
#
# <details><summary>What it is</summary>
#
# It is strong evidence. Two runs that differ in their prompts hit *exactly* the share of No; the samples in the
# report are texts such as "To determine whether the"; and Phase A's evaluator, which is public, begins with
# "No". But Phase B's evaluator is not public. A constant, the model's own or its reader's default, is the
# leading explanation; somebody with the predictions could still refute it, or say which of the two.
# </details>
#
# What it can't be is the imbalance of the classes *alone*: Phase A learned from the same 137 questions.

# %% [markdown]
# **2.V3:** what do unread replies earn there? Share of *all* records whose "published" reply your
# `parse_prediction` can't read, and which the published scorer calls right. Its rule: True if "yes" is anywhere
# in the reply (in any case), else False. Write it anew in your cell.

# %% answer="2.V3"
from starter.lab2_distillation.evaluate import parse_prediction

# TODO 2.V3: share of all records that can't be read and are right by default.
# BEGIN SOLUTION 2.V3
lucky = 0
for record in records:
    reply = record["replies"]["published"]
    by_default = "yes" in reply.lower()
    lucky += parse_prediction(reply) is None and by_default is record["gold"]
free_points = lucky / len(records)
# END SOLUTION 2.V3

# %% test="2.V3"
assert isinstance(free_points, float), "a share is a float such as 0.42"
assert 0 <= free_points <= 1, "a share lies between 0 and 1"

# %% [markdown]
# **2.V4:** and honestly read? `interval = [low, high]`, your Wilson interval of the accuracy of the "published"
# replies on all records, read by your `parse_prediction`; an unread reply is wrong. Shares, not percent.

# %% answer="2.V4"
from starter.lab2_distillation.evaluate import parse_prediction, wilson_interval

# TODO 2.V4: [low, high] of the published replies' accuracy, honestly read.
# BEGIN SOLUTION 2.V4
right = [parse_prediction(record["replies"]["published"]) is record["gold"] for record in records]
interval = list(wilson_interval(sum(right), len(right)))
# END SOLUTION 2.V4

# %% test="2.V4"
assert isinstance(interval, list) and len(interval) == 2, "a list of two numbers, [low, high]"
assert -1e-9 < interval[0] < interval[1] < 1 + 1e-9, "shares between 0 and 1, the lower one first"

# %% [markdown]
# ### Exhibit B: "aggressive filtering"
#
# The report blames the filter for the imbalance: 45.5 % yes before, 28.5 % after. But a filter that keeps what is
# right is only as fair as the teacher.
#
# **2.V1:** `kept_yes`, the share of yes (gold) among the records whose letter your `parse_teacher` reads as gold.

# %% answer="2.V1"
from starter.lab2_distillation.data import parse_teacher

# TODO 2.V1: share of yes among the records whose teacher says gold.
# BEGIN SOLUTION 2.V1
kept_gold = [record["gold"] for record in records if parse_teacher(record["teacher"]) is record["gold"]]
kept_yes = kept_gold.count(True) / len(kept_gold)
# END SOLUTION 2.V1

# %% test="2.V1"
assert isinstance(kept_yes, float), "a share is a float such as 0.42"
assert 0 <= kept_yes <= 1, "a share lies between 0 and 1"

# %% [markdown]
# **2.V2:** `shift`, in nats: your `log_odds_shift` from the share of yes among *all* records to that among the
# kept ones.

# %% answer="2.V2"
from starter.lab2_distillation.data import parse_teacher
from starter.lab2_distillation.method import log_odds_shift

# TODO 2.V2: the shift of the log-odds of yes that the filter causes.
# BEGIN SOLUTION 2.V2
gold_answers = [record["gold"] for record in records]
kept_gold = [record["gold"] for record in records if parse_teacher(record["teacher"]) is record["gold"]]
before, after = (answers.count(True) / len(answers) for answers in (gold_answers, kept_gold))
shift = log_odds_shift(before, after)
# END SOLUTION 2.V2

# %% test="2.V2"
assert isinstance(shift, float), "nats are a float"
assert -10 < shift < 10, "a shift of a few nats at most"

# %% [markdown]
# ### Exhibit C: 8.9 million, 15 steps, and no end
#
# Three more numbers that were printed, or could have been. Two kinds of layers of four; 137 rows in batches of
# 32, three times over, of which a third warmed up; labels in which the end was masked because pad and end were
# one token.

# %%
from starter.lab2_distillation import published

shapes = {"qkv_proj": (9216, 3072), "o_proj": (3072, 3072), "gate_up_proj": (16384, 3072), "down_proj": (3072, 8192)}
phi = {f"layers.{i}.{name}": shape for i in range(32) for name, shape in shapes.items()}
for words, targets in (("published list", published.PUBLISHED_TARGETS), ("all four kinds", shapes)):
    try:
        print(f"{words}: {lora_coverage(phi, list(targets), 16)['trainable']:,} trainable")
    except NotImplementedError as unfinished:
        print(unfinished)
steps = 3 * -(-137 // 32)
print(f"{steps} optimiser steps ({3 * (137 // 32)} without the last, smaller batch)")
print("labels:", published.published_labels([7, 8, 9, 2], end=2), "with 2 as the end token and the pad token")

# %% [markdown]
# ### The repair, proved
#
# **2.V5:** `p_value`, your `exact_mcnemar` of "repaired" (b: only it is right) against "phase_a" (c: only that one
# is right), on all records, both read by your `parse_prediction`.

# %% answer="2.V5"
from starter.lab2_distillation.evaluate import exact_mcnemar, parse_prediction

# TODO 2.V5: the exact p-value of repaired against phase_a.
# BEGIN SOLUTION 2.V5
only_repaired = only_phase_a = 0
for record in records:
    repaired, phase_a = (
        parse_prediction(record["replies"][arm]) is record["gold"] for arm in ("repaired", "phase_a")
    )
    only_repaired += repaired and not phase_a
    only_phase_a += phase_a and not repaired
p_value = exact_mcnemar(only_repaired, only_phase_a)
# END SOLUTION 2.V5

# %% test="2.V5"
assert isinstance(p_value, float), "a probability is a float"
assert 0 < p_value <= 1, "a p-value lies above 0 and is at most 1"

# %% [markdown]
# **2.W2, the case file** (5 points). In at most 150 words: why 354 of 687 points at a constant, and why it is
# evidence and not proof (2); the repair of the evaluator, and how you *proved* it rather than believed it (2);
# one control that would have shown it before anyone read the number (1).

# %% [markdown] written="2.W2"
# <!-- BEGIN SOLUTION 2.W2 -->
# Exactly 354 of the 687 gold answers are No, so "always No" gets this score to the item, and both variants got
# it. Phase A's public evaluator starts from "No" and reads five tokens. Phase B's isn't public, so nobody has
# seen the predictions: evidence.
#
# Repair: an anchored reader; what can't be read is None, counted and never right. Proof: on the same records the
# published scorer earns points from unread replies (2.V3), the anchored one doesn't, and the prediction rates
# show it.
#
# A control: an empty reply to every question. If that scores above 0, the evaluator has an opinion.
# <!-- END SOLUTION 2.W2 -->

# %% [markdown]
# ## Questions
#
# Talk these over with a neighbour; write down 2.W3.
#
# 1. *Fix 1, the classes.* Weights, copies, rationalisation: which adds information, which only counts?
# 2. *Fix 2, the teacher.* Would consensus of five attempts help a teacher with a recall of 42.9 %?
# 3. *Fix 3, the format.* Where does the prompt at test time come from in `run.py`, and why there?
# 4. *Fix 4, the training.* What do 15 steps with 5 of warm-up do to a fresh adapter?
# 5. Phase A learned from the same 137 questions. Which explanations does that rule out?
# 6. What would you publish beside an accuracy, so that a constant can't hide in it?

# %% [markdown]
# **2.W3, which cause, and how would you know?** (5 points). In at most 200 words: which causes made the
# published Phase B fail, in the order of what they cost in your table (2); which of your numbers shows it, with n
# and interval, and what one row can't show because of its place in the order (2); one more row that you would
# add, and what it would decide (1).

# %% [markdown] written="2.W3"
# <!-- BEGIN SOLUTION 2.W3 -->
# The causes in the order of their cost, read off the table: for example the scorer, under which no model that
# reasons can score; then too few steps for any target to be learned. Layers and classes made no difference that
# these n show, once the answer follows from a written chain.
#
# The numbers: each step with interval and n, both evaluators' prediction rates. A row shows its repair after those
# above it, so its size depends on the order.
#
# One more row: the published target with enough steps. If it stays at the constant, the target is the cause and
# the steps only its condition; paired on the same questions, with the n that the discordance asks for.
# <!-- END SOLUTION 2.W3 -->

# %% [markdown]
# ## Troubleshooting
#
# | you see | try |
# |---|---|
# | `NotImplementedError: TODO 2.x …` | still a stub; its section is 2.x |
# | an edit changes nothing | save the file, restart the kernel, run the set-up |
# | `ModuleNotFoundError: labkit` | `pip install -e .` in the course's folder |
# | a model or file is missing | `labs doctor` names it and the command that gets it |
# | `no key`, `credit`, `429` from a teacher | the message says what to do; replies so far are kept |
# | out of memory on a GPU | `--enough_batch_size 2 --eval_batch_size 4` |
# | Colab lost my work | download `starter/` in time |

# %% [markdown]
# ## Submit
#
# ```
# labs check lab2
# labs submit lab2
# ```
#
# The first command runs all public checks. The second packs your modules and this notebook into one zip and
# prints where it lies: save the notebook before. Upload the zip. Everything else (data, models, runs) stays
# here.
