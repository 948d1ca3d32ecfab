# %% [markdown] card="all"
# # Lab 5 · Does it know what it knows?
#
# A model can be asked whether it *will* answer correctly, before it answers. Can it be trained to say the
# truth about that? And when it then learns new facts, does it notice? In this lab you train a judge of its
# own knowledge, find out whether it looks inside or only at the question, and watch its self-knowledge go
# stale.

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

start("lab5")

# %%
from labkit.check import check
from labkit.lesson import beside
from starter.lab5_metacognition.data import answer_matches, judgment_messages, normalize_answer
from starter.lab5_metacognition.evaluate import ability_confusion, auroc, brier_decomposition, calibration
from starter.lab5_metacognition.evaluate import frozen_and_refreshed, judgment_skill, selective_accuracy
from starter.lab5_metacognition.method import ability_label, answer_probabilities, merge_lora
from starter.lab5_metacognition.method import select_balanced, select_misjudged, soft_target

# %% [markdown]
# ## Objectives
#
# When you are done you can
#
# 1. say whether a reply is right, in any script, without a gift to empty ones;
# 2. turn k trials into a label, and say what such a label is worth;
# 3. read a model's confidence from its logits, and rank, calibrate and use it;
# 4. tell a judge from a constant, and knowledge of oneself from knowledge of questions;
# 5. choose what a judge is trained on, and see what the obvious choice does;
# 6. merge an adapter by hand, and show where self-knowledge went stale.

# %% [markdown]
# ## The question
#
# > *(a) The model answers about half of the questions. How well can it tell beforehand which half (AUROC on
# > unseen entities, before and after training)? (b) What does training only on misjudged questions do? (c) After
# > it learned new facts: by how many points is the old judge more under-confident on these, against
# > untaught unknown ones?*
#
# Write your prediction **before** you run anything: numbers, with reasons. A wrong one earns as much. Complete the second half later.
#
# Points (5): a number for each part (1), a reason each (1), the measured numbers with n and interval (1),
# what surprised you (1), a reason that the data supports (1).

# %% [markdown] written="5.W1"
# <!-- BEGIN SOLUTION 5.W1 -->
# **Before running.** (a) 0.5 before: nobody taught it; 0.7 after, from how familiar a name looks. (b) It will
# answer "no" to everything, since only its mistakes are shown, and these all have the other answer. (c) 40
# points too unsure: the judge learned what the old model knew.
#
# **After running.** Measured numbers with n and interval from the tables; the largest gap named; a reason
# seen in the data, for example that the learned questions and the untaught ones moved apart under v1, and that
# v2 mended those whose labels it was shown, and no others.
# <!-- END SOLUTION 5.W1 -->

# %% [markdown]
# ## 5.1 One answer, one spelling
#
# "The Eiffel Tower!" and "eiffel tower" are one answer. The published normaliser keeps ASCII letters and
# digits only. Then "東京" becomes nothing, and nothing is a part of everything.
#
# Delete punctuation by what Unicode calls it, not by a list of the signs on one keyboard.

# %%
beside(normalize_answer, "The  Eiffel-Tower!", by_hand="eiffeltower", because="deleted, as in SQuAD; no article")
beside(normalize_answer, "東京", by_hand="東京", because="letters of any script stay")
beside(normalize_answer, "The The", by_hand="the the", because="nothing else would remain")

# %% [markdown] card="5.1"

# %% [markdown]
# **Edit `starter/lab5_metacognition/data.py`**, then check.
#
# <details><summary>Hint</summary>
#
# `unicodedata.category(c)` begins with P for punctuation and S for symbols.
# </details>

# %%
check("5.1")

# %% [markdown]
# ## 5.2 Does the reply hold the answer?
#
# The published scorer asks whether one text is a *substring* of the other, in either direction. An empty
# reply is a substring of every answer: on 7,405 HotpotQA questions it scores 100 %.
#
# Compare words, in one direction, and let nothing match nothing.

# %%
beside(answer_matches, "it is new york", ["new york"], by_hand=True, because="its words, in a row")
beside(answer_matches, "russia", ["us"], by_hand=False, because="inside a word")
beside(answer_matches, "", ["new york"], by_hand=False, because="an empty reply")
beside(answer_matches, "there is no doubt", ["no"], by_hand=False, because="no isn't its first word")

# %% [markdown] card="5.2"

# %% [markdown]
# **Edit `starter/lab5_metacognition/data.py`**, then check.
#
# <details><summary>Hint</summary>
#
# `reply.split()` and slices of it. What is `[][0:0] == []`?
# </details>

# %%
check("5.2")

# %% [markdown]
# ## 5.3 Ask before answering
#
# The judge sees the question, and the context of an open book, but no answer. It replies with one word. The
# same words in training and at test time: one function for both.

# %%
lama = {"question": "Where does Ola live?", "context": ""}
text = "Question: Where does Ola live?\nCan you answer this question correctly? Reply yes or no."
asked = {"role": "user", "content": text}
beside(judgment_messages, lama, None, "binary", by_hand=[asked], because="asked, nothing to learn")
taught = [asked, {"role": "assistant", "content": "yes"}]
beside(judgment_messages, lama, "uncertain", "binary", by_hand=taught, because="at least half of the time")

# %% [markdown] card="5.3"

# %% [markdown]
# **Edit `starter/lab5_metacognition/data.py`**, then check.
#
# <details><summary>Hint</summary>
#
# `question_text` makes the first lines, with the context if there is one.
# </details>

# %%
check("5.3")

# %% [markdown]
# ## 5.4 Can, uncertain, cannot
#
# Ask k times, at a temperature above 0, and count. The published text says: all right is "can", at least half
# is "uncertain". Its code says: any right at all is "uncertain". Both are here, by name.
#
# And its recommended pipeline asks *once*. How often is a single trial wrong about the question?

# %%
beside(ability_label, [True] * 5, by_hand="can", because="5 of 5")
beside(ability_label, [True, True, False, False], by_hand="uncertain", because="exactly half")
one = [True, False, False, False, False]
beside(ability_label, one, by_hand="cannot", because="1 of 5 is below half")
beside(ability_label, one, "any_correct", by_hand="uncertain", because="one is enough by that rule")

# %% [markdown] card="5.4"

# %% [markdown]
# **Edit `starter/lab5_metacognition/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# `2 * right >= trials` needs no division.
# </details>

# %%
check("5.4")

# %% [markdown]
# ## 5.5 What k trials say about a probability
#
# A question that is answered with probability 0.8 passes 5 of 5 in 33 % of all cases. So 5 of 5 is not
# certainty. Add half a success and half a failure, and "certain" becomes 0.92.

# %%
beside(soft_target, [True] * 5, by_hand=0.9167, because="5.5 / 6")
beside(soft_target, [], by_hand=0.5, because="no trial, no opinion")

# %% [markdown] card="5.5"

# %% [markdown]
# **Edit `starter/lab5_metacognition/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# True counts as 1 in a sum.
# </details>

# %%
check("5.5")

# %% [markdown]
# ## 5.6 P(yes) before a word is written
#
# A judge that writes "yes" says one bit. Its logits say how sure it is. They stand at the last *real*
# position of the prompt: in a padded batch that is not the last column of every row, and the mask knows.

# %%
import torch

yes, no = 2, 0
scores = torch.tensor([[[0.0, 0.0, 1.0], [9.0, 0.0, 0.0]], [[0.0, 5.0, 0.0], [1.0, 0.0, 1.0]]])
mask = torch.tensor([[1, 0], [1, 1]])  # the first row ends one column earlier


def p_yes(logits, attention_mask):
    """The first column, as numbers."""
    return answer_probabilities(logits, attention_mask, [[yes], [no]])[:, 0].tolist()


beside(p_yes, scores, mask, by_hand=[0.7311, 0.5], because="e / (e + 1); padding isn't read")

# %% [markdown] card="5.6"

# %% [markdown]
# **Edit `starter/lab5_metacognition/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Multiply the mask by 0, 1, 2, … and take the `argmax` of each row. For several tokens of one answer:
# `logsumexp`.
# </details>

# %%
check("5.6")

# %% [markdown]
# ## 5.7 Learn from mistakes, as published
#
# Train on what was judged wrongly, and on nothing else: it sounds like teaching. Think of a judge that says
# "yes" to everything. Which examples are left? What is the best answer to all of *them*?

# %%
tested = [{"qid": q, "judgment": "yes", "target": t} for q, t in (("q1", "yes"), ("q2", "no"), ("q3", "no"))]


def targets(records):
    """The words that the next epoch would learn."""
    return [record["target"] for record in select_misjudged(records)]


beside(targets, tested, by_hand=["no", "no"], because="one word is all there is to learn")

# %% [markdown] card="5.7"

# %% [markdown]
# **Edit `starter/lab5_metacognition/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# A list comprehension with one condition.
# </details>

# %%
check("5.7")

# %% [markdown]
# ## 5.8 As many of each
#
# If both words occur equally often, no word pays by itself. What is left to learn is the difference between
# the questions.


# %%
def counts(records, seed):
    """How often each word would be learned."""
    found = [record["target"] for record in select_balanced(records, seed)]
    return [found.count("yes"), found.count("no")]


beside(counts, tested, 1, by_hand=[1, 1], because="the rarest word has one record")

# %% [markdown] card="5.8"

# %% [markdown]
# **Edit `starter/lab5_metacognition/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# `random.Random(seed)` has `sample` and `shuffle`, and touches nobody else's random state.
# </details>

# %%
check("5.8")

# %% [markdown]
# ## 5.9 Merge LoRA by hand
#
# In phase 2 the model learns facts with an adapter, which is then merged into the base: one sum a layer.
# Forget the scale α/r, and the model knows a little of everything it was taught.

# %%
weight, lora_b, lora_a = torch.zeros(2, 2), torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0, 4.0]])


def merged(alpha):
    """The merged layer as a list of rows."""
    return merge_lora(weight, lora_a, lora_b, alpha).tolist()


beside(merged, 2.0, by_hand=[[6.0, 8.0], [12.0, 16.0]], because="rank 1, so 2 times B A")

# %% [markdown] card="5.9"

# %% [markdown]
# **Edit `starter/lab5_metacognition/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Which product has the shape (out, in)? The rank is the number of rows of A.
# </details>

# %%
check("5.9")

# %% [markdown]
# ## 5.10 AUROC by ranks, with ties
#
# Draw a question that the model can answer, and one that it can't. How often is the first one's confidence
# higher? That needs no threshold, and a constant gets exactly one half: but only if ties count one half.

# %%
beside(auroc, [0.9, 0.4, 0.4], [True, True, False], by_hand=0.75, because="one pair won, one tied")
beside(auroc, [0.7] * 4, [True, False, False, True], by_hand=0.5, because="a constant")

# %% [markdown] card="5.10"

# %% [markdown]
# **Edit `starter/lab5_metacognition/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Three equal scores at ranks 4, 5 and 6 all have rank 5. `itertools.groupby` finds them after sorting.
# </details>

# %%
check("5.10")

# %% [markdown]
# ## 5.11 Calibration, bin by bin
#
# Of all questions with "80 % sure", 80 % should be answered. Cut [0, 1] into parts, compare mean confidence
# and accuracy in each, and weigh the parts by their items. A part without items has no accuracy, not accuracy
# 0.


# %%
def ece(probabilities, outcomes, bins):
    """The expected calibration error alone."""
    return calibration(probabilities, outcomes, bins)["ece"]


sure, right = [0.9, 0.9, 0.2, 0.2], [True, False, False, False]
beside(ece, sure, right, 2, by_hand=0.3, because="half of |.5 - .9| and half of |0 - .2|")

# %% [markdown] card="5.11"

# %% [markdown]
# **Edit `starter/lab5_metacognition/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# `min(int(p * bins), bins - 1)` is the part's number; a dictionary holds only parts that exist.
# </details>

# %%
check("5.11")

# %% [markdown]
# ## 5.12 What a Brier score is made of
#
# One number mixes three things: is it calibrated (reliability), does it tell items apart (resolution), and
# how hard is the world (uncertainty)? A judge that always says the base rate is perfectly calibrated and
# useless.

# %%
for name, said in (("always .25", [0.25] * 4), ("sees it", [0.9, 0.1, 0.1, 0.1]), ("mixed", [0.9, 0.8, 0.1, 0.1])):
    try:
        parts = brier_decomposition(said, [True, False, False, False], 4)
        print(f"{name:11}", "  ".join(f"{key} {round(value, 3) + 0.0:.3f}" for key, value in parts.items()))
    except NotImplementedError as unfinished:
        print(unfinished)

# %% [markdown]
# **By hand:** the uncertainty is .25 · .75 = .1875 in all rows. "always .25": reliability 0, resolution 0.
# "sees it": reliability (.1² + 3 · .1²) / 4 = .01, resolution .1875, so the score is .01. "mixed": .9 and .8 share a
# part and the right one has .9, so the score is better than the parts say: within −.024.

# %% [markdown] card="5.12"

# %% [markdown]
# **Edit `starter/lab5_metacognition/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# The score itself is made from the items, not from the parts; what the terms don't explain is `within`.
# </details>

# %%
check("5.12")

# %% [markdown]
# ## 5.13 Three by three
#
# The published evaluation: judged ability against actual ability, and how often each occurs. Rows are what is
# *true*. A judgment that can't be read is counted, and right nowhere.


# %%
def exact(predicted, actual):
    """The share of exact matches and the row of what the model can."""
    told = ability_confusion(predicted, actual)
    return [told["exact_match"], *(float(told["matrix"]["can"][word]) for word in ("can", "uncertain", "cannot"))]


words = (["can", None, "cannot", "cannot"], ["can", "can", "can", "cannot"])
beside(exact, *words, by_hand=[0.5, 1.0, 0.0, 1.0], because="2 of 4; one of the three is unread")

# %% [markdown] card="5.13"

# %% [markdown]
# **Edit `starter/lab5_metacognition/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# `list.count` on pairs gives all nine cells.
# </details>

# %%
check("5.13")

# %% [markdown]
# ## 5.14 Answer only what it is sure of
#
# What is confidence for? To be silent at the right time. Answer the k surest questions and count. Equal
# confidences have no order, so whoever sorts them by luck reports luck.

# %%
beside(selective_accuracy, [0.9, 0.5, 0.5], [True, True, False], by_hand=[1.0, 0.75, 0.6667], because="the tie counts half")

# %% [markdown] card="5.14"

# %% [markdown]
# **Edit `starter/lab5_metacognition/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Inside a tie of m items with s right, the j-th of them brings j · s / m in all.
# </details>

# %%
check("5.14")

# %% [markdown]
# ## 5.15 Better than a constant?
#
# "80 % of its judgments are right." Of a model that answers 15 % of the questions, always saying "no" is
# right in 85 %. Skill is the distance from the better constant, and in published results it is sometimes
# negative.


# %%
def skill_of(said, correct):
    """Accuracy, constant and skill."""
    told = judgment_skill(said, correct)
    return [told["accuracy"], told["constant"], told["skill"]]


said, correct = [True, True, False, False, False], [False, True, False, False, False]
beside(skill_of, said, correct, by_hand=[0.8, 0.8, 0.0], because="4 of 5, and always no gets 4 of 5")

# %% [markdown] card="5.15"

# %% [markdown]
# **Edit `starter/lab5_metacognition/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# The better constant depends on the answers alone, not on the judge.
# </details>

# %%
check("5.15")

# %% [markdown]
# ## 5.16 Labels that stand still, labels that move
#
# After each epoch the model is another one, so its labels are collected again. A judge that drives the model
# to answer nothing, and says "no" to everything, is always right. Hold it against the labels of epoch 0 as
# well.


# %%
def both(judgments, labels):
    """Frozen and refreshed accuracy of the last epoch, and what moved."""
    told = frozen_and_refreshed(judgments, labels)
    return [told["frozen"][-1], told["refreshed"][-1], told["moved"][-1]]


history = ([[True, True], [False, False]], [[True, False], [False, False]])
beside(both, *history, by_hand=[0.5, 1.0, 0.5], because="right because it answers nothing any more")

# %% [markdown] card="5.16"

# %% [markdown]
# **Edit `starter/lab5_metacognition/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# `labels[0]` for one list, `labels[e]` for the other.
# </details>

# %%
check("5.16")

# %% [markdown]
# ## The experiment
#
# Everything below runs on *your* functions; `run.py` only wires them. The world is made up: people, ships and
# bands. The model met some names often in pre-training, some seldom, some never. Names are made of the same
# pieces, and the questions are worded alike, so the wording says little about what it knows.
#
# **Predict first:** your numbers stand in 5.W1? Then go on. (*Explain* is for you and a neighbour; only 5.V and 5.W
# are graded.)
#
# Live: the pretrained model and two epochs with the balanced selection, on part of the questions. One to two minutes on
# two free cores; a second run takes finished stages from `runs/`, unless you edited what they use.

# %% tags=["experiment"]
from dataclasses import replace
from pathlib import Path
import json

from labkit.config import parse
from labkit.data import read_jsonl
from starter.lab5_metacognition import figures, published, run, tables
from starter.lab5_metacognition.config import Config

nano = parse(Config, ["--profile", "nano"], presets=Path(run.__file__).parent / "configs")
live = replace(nano, profile="notebook", selections=("balanced",), bootstrap_resamples=200)
live = replace(live, num_samples=480, num_val_samples=180, train_samples=450, test_samples=180)  # recorded: all
result = run.run(replace(live, pipeline="judgment"))
found = result.metrics

# %% [markdown]
# ### What can it answer, and what does it say?
#
# Look at replies before you look at a score.

# %% tags=["experiment"]
place = result.folder / published.judgment_folder(live, "balanced")
answered = read_jsonl(place / "val_responses.jsonl")
before, after = (read_jsonl(place / f"val_tested_epoch{epoch}.jsonl") for epoch in (0, live.epochs))
for number in range(0, 60, 10):
    row = answered[number]
    sure = f"P(yes) {before[number]['p_yes']:.2f}, trained {after[number]['p_yes']:.2f}"
    print(f"{row['question']:58.58} {row['ability']:9} {sure}  {', '.join(row['replies'][:3])}")

# %% [markdown]
# **Explain.** Which wrong replies look like right ones? What does a model that has never met a name fall back
# on?
#
# ### One trial is not a label
#
# The published pipeline labels a question by one greedy reply. Here are five, and five more of a second
# collection: the same model, asked again. What moves between the two is chance.

# %% tags=["experiment"]
rights = [sum(row["correct"]) for row in answered]
print("right of five:", {k: rights.count(k) for k in range(6)})
chance = found["chance"]
print(f"a single new reply disagrees with the label on {chance['one_trial']:.1%} of {chance['n']} questions,")
print(f"and five new replies give another label on {chance['moved']:.1%}")

# %% [markdown]
# ### Is it the question, or itself?
#
# A classifier that sees the words of the question and nothing else, trained on the same labels. And agreement
# among five new replies: that one has answered before it judges.

# %% tags=["experiment"]
final = found["judgment"]["balanced"]["epochs"][-1]["val"]
untrained = found["judgment"]["balanced"]["epochs"][0]["val"]
rows = {"judge, untrained": (untrained["auroc"], untrained["auroc_95"])}
rows["judge, trained"] = (final["auroc_frozen"], final["auroc_frozen_95"])
rows |= {name: (found["controls"][name]["auroc"], found["controls"][name]["auroc_95"]) for name in ("question_only", "agreement")}
above = found["controls"]["judge_above_words"]
rows["judge - words"] = (above["difference"], above["difference_95"])
for name, (value, (low, high)) in rows.items():
    print(f"{name:17} AUROC {value:.3f} [{low:.3f}, {high:.3f}], n = {final['n']}, by entity")
judged, (low, high) = final["skill_frozen"], final["skill_frozen_95"]
print(f"accuracy {judged['accuracy']:.3f}, better constant {judged['constant']:.3f}, skill {judged['skill']:+.3f} [{low:+.3f}, {high:+.3f}]")

# %% [markdown]
# **Explain.** Why is the entity, and not the question, what training and validation must not share? The
# untrained judge is not at one half: what would it mean to believe the opposite of what it says?
#
# ### The published selection
#
# **Recorded, not live:** the course's staff ran both selections over five seeds (`labs run lab5` does it for one) and
# wrote `expected.json`. Numbers are means over the seeds. "Right" and the better constant ask for half of five right,
# QA is the mean over trials. **Predict:** how often does the judge say yes after one epoch on its mistakes?

# %% tags=["experiment"]
recorded = json.loads((Path(run.__file__).parent / "expected.json").read_text("utf-8"))
mean = recorded["records"]["mean"]
print(f"means over seeds {recorded['seeds']}, validation")
for name, epochs in mean["curves"].items():
    for row in epochs:
        ranking = "  -  " if row["auroc"] is None else f"{row['auroc']:.3f}"
        right = f"right {row['judgment']:.3f} - constant {row['judgment'] - row['skill']:.3f} = skill {row['skill']:+.3f}"
        print(f"{name:10} epoch {row['epoch']:.0f}  says yes {row['yes_rate']:.2f}  {right}  AUROC {ranking}  QA {row['qa']:.3f}")

# %% [markdown]
# **Explain.** One row judges most rightly of all, and has no skill. What happened to QA in it?
#
# ### Three phases
#
# Live: judgment v1; then half of the entities, drawn at random, are taught with LoRA, in other words than they
# are asked in, and *your* 5.9 merges the adapter; v1 once more on the new base; v2. Both judges leave out 40 %
# of the entities: else "no" on a learned question could be a label that v1 remembers. Two minutes on two free cores.
#
# **Predict:** on which group is v1 too unsure on the new base?

# %% tags=["experiment"]
phases = run.run(replace(live, pipeline="multiphase", profile="notebook_phases"))
second = phases.metrics["phases"]
for name, row in second["knowledge"].items():
    gain = f"{row['pp']:+.1f} points [{row['low']:+.1f}, {row['high']:+.1f}]"
    print(f"QA on {name:9} questions: {row['before']:.3f} to {row['after']:.3f}, {gain}, n = {row['n']}")
print()
print(tables.judge_table(second))
print("\nunder-confidence: what it can do (1 or 0), minus how sure the judge is, in points")
print(tables.stale_table(second))
print()
print(tables.change_table(second))
effects = {name: phases.effects[name] for name in ("taught_gain_pp", "stale_on_learned_pp")}
effects["val_auroc_frozen"] = final["auroc_frozen"]

# %% [markdown]
# ("v1, old base" has its sign by construction where a group is known or unknown: the same trials made the group. Read
# what changed, not that column.)
#
# **Explain.** Questions are "unknown" by five trials. Why do even *untaught* unknown ones look better when asked
# again, and why is that the right control for the learned ones? What would be wrong with comparing "questions
# that got better" against "questions that didn't"?

# %% tags=["experiment"]
print(f"recorded, means over seeds {recorded['seeds']}")
for name, effect in recorded["effects"].items():
    print(f"{name:28} {effect['mean']:8.3f} ± {effect['sd']:6.3f}   target {effect['target']:8} {'holds' if effect['holds'] else 'falls short'}")

# %% [markdown]
# (`val_auroc_untrained` is max(a, 1 − a): upside down tells as much.) Three targets fall short, and stay:
#
# - `val_auroc_refreshed` by a hair (.799): labels move, and single seeds lie on both sides;
# - `stale_elsewhere_pp` (13.7): v1 says yes more readily to *everything* on the new base, so it ages where nothing was
#   taught, too, towards over-confidence;
# - `repaired_on_new_pp` (−3.2, and +9 to −16 by seed). Where v2 was shown the new labels it is mended (`repaired_pp`,
#   13.5), as published; on learned questions about entities that both judges left out it isn't: it learned *which*
#   questions were taught, and does not notice by itself.
#
# **Explain.** What does LoRA teaching put into the model, and what does it not, that pre-training does?

# %% [markdown]
# ## Reading the plots
#
# **Live.** Reliability of the judgment on validation. A point is a part of [0, 1], and the number beside it says how
# many questions are in it.

# %% tags=["experiment"]
from labkit import plots

fig, axes = plots.figure(1, 2)
told = figures.draw_reliability(axes[0], found["judgment"]["balanced"])
told += " " + figures.draw_selective(axes[1], found["judgment"]["balanced"])
plots.show(fig, alt=told)

# %% [markdown]
# **Explain.** Where does the untrained judge stand on the left, and why is its curve on the right nearly
# flat? At which coverage would you let the trained one answer?

# %% tags=["experiment"]
fig, axes = plots.figure(1, 2)
told = figures.draw_labels(axes[0], found["judgment"]["balanced"], chance)
told += " " + figures.draw_stale(axes[1], second["stale"])
plots.show(fig, alt=told)

# %% [markdown]
# **Explain.** Left: do frozen and refreshed labels tell the same story here? How many labels moved, and how many
# of these by chance alone? Right: which group moved under v1, and what did v2 repair?
#
# Then complete the second half of **5.W1** above, with n and intervals.

# %% [markdown]
# ## Against the libraries
#
# Your functions against code that others wrote. Oracles don't share your mistakes.
#
# 1. AUROC, Brier score and the confusion matrix against scikit-learn;
# 2. your merge against PEFT's `merge_and_unload`, layer by layer, and the answers of both models.

# %%
import numpy as np
from sklearn.metrics import brier_score_loss, confusion_matrix, roc_auc_score

rng = np.random.default_rng(1)
labels = (rng.random(400) < 0.4).tolist()
scores = [round(float(np.clip(0.3 * label + 0.7 * rng.random(), 0, 1)), 2) for label in labels]
names = ["can", "uncertain", "cannot"]
said, true = ([names[i] for i in rng.integers(3, size=90)] for _ in range(2))
matrix = ability_confusion(said, true)["matrix"]
gaps = {
    "AUROC": auroc(scores, labels) - roc_auc_score(labels, scores),
    "Brier": brier_decomposition(scores, labels)["brier"] - brier_score_loss(labels, scores),
    "3 x 3": np.abs(confusion_matrix(true, said, labels=names) - [[matrix[a][b] for b in names] for a in names]).max(),
}
for name, gap in gaps.items():
    print(f"{name:6} difference from the library {gap:+.1e}")
    assert abs(gap) < 1e-9

# %%
import peft
from labkit.models import load_causal_lm

torch.manual_seed(1)
model = peft.get_peft_model(load_causal_lm("nano-trivia"), peft.LoraConfig(r=4, lora_alpha=8, target_modules="all-linear"))
layers = {n: m for n, m in model.named_modules() if isinstance(m, peft.tuners.lora.LoraLayer)}
for layer in layers.values():
    torch.nn.init.normal_(layer.lora_B["default"].weight, std=0.1)
parts = [(m.base_layer.weight, m.lora_A["default"].weight, m.lora_B["default"].weight) for m in layers.values()]
by_hand = [merge_lora(*(each.detach().clone() for each in part), alpha=8) for part in parts]
library = dict(model.merge_and_unload().named_parameters())
gap = max(
    (mine - library[f"{name.removeprefix('base_model.model.')}.weight"]).abs().max().item()
    for name, mine in zip(layers, by_hand, strict=True)
)
print(f"{len(layers)} layers merged by hand; largest difference from PEFT {gap:.1e}")
assert gap < 1e-5

# %% [markdown]
# ## Case file
#
# A published project's result, and the numbers that it printed. Reproduce, find the cause, repair, prove.
#
# `records` holds questions: `aliases`, the model's `replies` (five trials), `said` (did the judge say yes?),
# `sure` (its P(yes)), and for the base that has learned `replies_after` and `sure_after`. The grader puts
# *other* records into the next cell and runs only the set-up and the answer cells: compute everything from
# `records`, never write a number down, and import in an answer cell whatever it uses. No value is rounded.

# %% tags=["inject"]
from labkit.data import data_path, read_jsonl

records = read_jsonl(data_path("lab5_metacognition", "records_small.jsonl"))
print(len(records), "questions;", records[0])

# %% [markdown]
# ### Exhibit A: a scorer that likes silence
#
# The published scorer, on replies that say nothing.

# %%
from starter.lab5_metacognition.published import substring_score

for reply in ("", "no", "東京"):
    hits = sum(substring_score(reply, record["aliases"]) for record in records)
    print(f"{reply!r:6} is right on {hits} of {len(records)} questions")

# %% [markdown]
# **5.V1:** `substring_gap`, by how much the substring scorer overrates the *first* reply of each record: its
# accuracy minus that of your matcher, as a share. Normalise reply and aliases with your `normalize_answer`,
# then: substring if the normalised reply is in an alias or an alias in the reply (plain Python `in`); yours
# is `answer_matches`.

# %% answer="5.V1"
from starter.lab5_metacognition.data import answer_matches, normalize_answer

# TODO 5.V1: accuracy by substrings minus accuracy by words, of the first replies.
# BEGIN SOLUTION 5.V1
substrings = words_right = 0
for record in records:
    reply = normalize_answer(record["replies"][0])
    golds = [normalize_answer(alias) for alias in record["aliases"]]
    substrings += any(reply in gold or gold in reply for gold in golds)
    words_right += answer_matches(reply, golds)
substring_gap = (substrings - words_right) / len(records)
# END SOLUTION 5.V1

# %% test="5.V1"
assert isinstance(substring_gap, float), "a difference of two shares is a float such as 0.12"
assert -1 <= substring_gap <= 1, "a difference of two shares, not of percents"

# %% [markdown]
# ### Exhibit B: a judge below a constant
#
# gpt-oss-20b on HotpotQA, from the published tables: in epoch 10 it judges 86.0 % rightly, and QA has fallen
# from 20.4 to 11.6 %. So always saying "no" gets 88.4 %.
#
# **5.V2:** `skill` of the judge of `records`: the skill of your `judgment_skill` of `said` against whether
# the question can be answered, which is: right in at least half of its five `replies` (by your 5.1 and 5.2). Later
# answers need the same lines: copy them, each cell stands alone.

# %% answer="5.V2"
from starter.lab5_metacognition.data import answer_matches, normalize_answer
from starter.lab5_metacognition.evaluate import judgment_skill

# TODO 5.V2: how far the judge lies above the better constant.
# BEGIN SOLUTION 5.V2
can = []
for record in records:
    golds = [normalize_answer(alias) for alias in record["aliases"]]
    hits = [answer_matches(normalize_answer(reply), golds) for reply in record["replies"]]
    can.append(2 * sum(hits) >= len(hits))
skill = judgment_skill([record["said"] for record in records], can)["skill"]
# END SOLUTION 5.V2

# %% test="5.V2"
assert isinstance(skill, float), "skill is a float such as 0.05 or -0.02"
assert -1 <= skill <= 1, "a difference of two shares, not of percents"

# %% [markdown]
# ### Exhibit C: labels from one trial
#
# **5.V3:** `one_trial_errors`, the share of the records whose first reply alone gets another label than all
# five do: "can" or "cannot" of one trial against right in at least half of five or not.

# %% answer="5.V3"
from starter.lab5_metacognition.data import answer_matches, normalize_answer

# TODO 5.V3: share of records whose first trial disagrees with the majority of the five.
# BEGIN SOLUTION 5.V3
wrong = 0
for record in records:
    golds = [normalize_answer(alias) for alias in record["aliases"]]
    hits = [answer_matches(normalize_answer(reply), golds) for reply in record["replies"]]
    wrong += hits[0] != (2 * sum(hits) >= len(hits))
one_trial_errors = wrong / len(records)
# END SOLUTION 5.V3

# %% test="5.V3"
assert isinstance(one_trial_errors, float), "a share is a float such as 0.12"
assert 0 <= one_trial_errors <= 1, "a share lies between 0 and 1"

# %% [markdown]
# ### Exhibit D: a judge without skill may rank
#
# **5.V4:** `ranking`, your `auroc` of `sure` for the labels of 5.V2.

# %% answer="5.V4"
from starter.lab5_metacognition.data import answer_matches, normalize_answer
from starter.lab5_metacognition.evaluate import auroc

# TODO 5.V4: AUROC of `sure` for "right in at least half of the five replies".
# BEGIN SOLUTION 5.V4
can = []
for record in records:
    golds = [normalize_answer(alias) for alias in record["aliases"]]
    hits = [answer_matches(normalize_answer(reply), golds) for reply in record["replies"]]
    can.append(2 * sum(hits) >= len(hits))
ranking = auroc([record["sure"] for record in records], can)
# END SOLUTION 5.V4

# %% test="5.V4"
assert isinstance(ranking, float), "an AUROC is a float such as 0.71"
assert 0 <= ranking <= 1, "an AUROC lies between 0 and 1"

# %% [markdown]
# ### The repair, proved
#
# A judge that is never asked again keeps telling what the old model knew.
#
# **5.V5:** `stale`, the mean under-confidence on the *taught* records (`taught` is true) that could not be
# answered before (fewer than half of `replies` right): 1 if at least half of `replies_after` are right and
# else 0, minus `sure_after`, as a share.

# %% answer="5.V5"
from starter.lab5_metacognition.data import answer_matches, normalize_answer

# TODO 5.V5: mean of (can it now?) - sure_after over taught records that couldn't be answered before.
# BEGIN SOLUTION 5.V5
gaps_after = []
for record in records:
    golds = [normalize_answer(alias) for alias in record["aliases"]]
    old, new = (
        [answer_matches(normalize_answer(reply), golds) for reply in record[name]]
        for name in ("replies", "replies_after")
    )
    if record["taught"] and 2 * sum(old) < len(old):
        gaps_after.append((2 * sum(new) >= len(new)) - record["sure_after"])
stale = sum(gaps_after) / len(gaps_after)
# END SOLUTION 5.V5

# %% test="5.V5"
assert isinstance(stale, float), "a difference of probabilities is a float such as 0.31"
assert -1 <= stale <= 1, "a difference of probabilities, not of percents"

# %% [markdown]
# **5.W2, the case file** (5 points). In at most 150 words: how "80 % of the judgments are right" can lie
# below a constant, with your numbers (2); the repair of scorer and metric, and how you *proved* it rather
# than believed it (2); one control that would have shown it before anyone read the number (1).

# %% [markdown] written="5.W2"
# <!-- BEGIN SOLUTION 5.W2 -->
# Accuracy of judgments mixes the judge with the model's base rate. If 15 % of the questions can be answered,
# "always no" gets 85 %, so 80 % lies five points *below* nothing. In the published run skill fell to -2.4
# points in the epoch in which QA fell to 11.6 %: the labels moved towards the judge.
#
# Repair: whole words, one direction, nothing matches nothing; skill, AUROC, and frozen labels beside
# refreshed ones. Proof: on the same records the substring scorer gives away 5.V1, an empty reply scores 0
# under mine, and no constant has skill above 0.
#
# A control: an empty reply, and a judge that always says no. If either looks good, the number says nothing.
# <!-- END SOLUTION 5.W2 -->

# %% [markdown]
# ## Questions
#
# Talk these over with a neighbour; write down 5.W3.
#
# 1. *Labels.* What do "can" of 5 of 5 and of 1 of 1 have in common? What would k = 50 change?
# 2. *Selection.* When would training on mistakes alone be a good idea?
# 3. *Open book.* With the context in the prompt, what is left to know about oneself? (nano-trivia hardly reads:
# its card.)
# 4. *Moving labels.* QA fell by 9 points in a published run while judgment rose. Whose merit was the rise?
# 5. *Phase 2.* Why is v1 not simply wrong everywhere on the new base?
# 6. What would you publish beside a judgment accuracy, so that a constant can't hide in it?

# %% [markdown]
# **5.W3, is it self-knowledge?** (5 points). In at most 200 words: what your judge has learned, and what it
# may have learned instead (2); which of your numbers tells these apart, with n and interval, and what they
# can't tell (2); one more experiment, and what each of its outcomes would mean (1).

# %% [markdown] written="5.W3"
# <!-- BEGIN SOLUTION 5.W3 -->
# It has learned to say how familiar a name is to the model: entities of validation never occurred in its
# training. It may instead have learned which wordings are easy; the question-only classifier measures that,
# on the same items.
#
# The numbers: AUROC of both with intervals by entity; and phase 2, where the questions stayed and the
# knowledge changed: on learned items that were new to v1 it fell behind, more than on untaught
# unknown ones. They can't tell familiarity with a name from knowing the asked fact.
#
# One more experiment: teach one fact about an unfamiliar entity, ask about another. If confidence rises on
# both, the judge reads familiarity; if only on the taught one, knowledge of the fact.
# <!-- END SOLUTION 5.W3 -->

# %% [markdown]
# ## Troubleshooting
#
# | you see | try |
# |---|---|
# | `NotImplementedError: TODO 5.x …` | still a stub; its section is 5.x |
# | an edit changes nothing | save the file, restart the kernel, run the set-up |
# | `ModuleNotFoundError: labkit` | `pip install -e .` in the course's folder |
# | a model or file is missing | `labs doctor` names it and the command that gets it |
# | `need records of two targets` | the model can answer all or nothing: other `--num_samples`, or `--model` |
# | several processes don't start | `--num_gpus 1`: the numbers are the same |
# | Colab lost my work | download `starter/` in time |

# %% [markdown]
# ## Submit
#
# ```
# labs check lab5
# labs submit lab5
# ```
#
# The first command runs all public checks. The second packs your modules and this notebook into one zip and
# prints where it lies: save the notebook before. Upload the zip. Everything else (data, models, runs) stays
# here.
