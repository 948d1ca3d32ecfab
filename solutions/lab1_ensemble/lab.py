# %% [markdown] card="all"
# # Lab 1 · Ensemble: two architectures, one answer, how sure?
#
# Two small language models read the same piece of documentation and name the *weird-machine gadget* in it:
# the bit of machinery that an attacker could compute with. One is an encoder-decoder, the other a decoder.
# When they agree, is the answer right? And who decides whether "BOOL tag" and "Read/Write gadget" agree at
# all? In this lab you build the ensemble, its vote, its report and its judge, and you find out what their
# agreement is really worth.

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

start("lab1")

# %%
from labkit.check import check
from labkit.lesson import beside
from labkit.models import load_tokenizer
from starter.lab1_ensemble.data import build_prompts, encode_causal, encode_seq2seq
from starter.lab1_ensemble.evaluate import cohen_kappa, error_correlation, fleiss_kappa, gwet_ac1
from starter.lab1_ensemble.evaluate import independent_agreement, report_record, risk_coverage
from starter.lab1_ensemble.method import check_format, combine_verdicts, ensemble_vote, extract_gadget_type
from starter.lab1_ensemble.method import normalize_gadget_type, parse_verdict

# %% [markdown]
# ## Objectives
#
# When you are done you can
#
# 1. put one task to two architectures, and train each on its answers only;
# 2. read labels and verdicts out of text, without a flattering default;
# 3. vote among N models with a stated tie rule;
# 4. measure agreement beyond chance, and say which kappa fits;
# 5. compare agreement as confidence with what it gets for free: independence, a partner of the same kind,
#    the model's own probability;
# 6. use a language model as a judge that can also lose.

# %% [markdown]
# ## The question
#
# > *An encoder-decoder tuned on instructions and a plain decoder learn the same task. (a) How often does
# > each write the asked form, and the right type? (b) How often do they agree? (c) How often are they right
# > when they agree, and is that better than trusting the first model where it is surest?*
#
# Write your prediction **before** you run anything: numbers, with a reason. A wrong one with a reason earns
# as much as a right one. Complete the second half later.
#
# Points (5): a number for each part (1), a reason each (1), the measured numbers with n and interval (1),
# what surprised you (1), a reason that the data supports (1).

# %% [markdown] written="1.W1"
# <!-- BEGIN SOLUTION 1.W1 -->
# **Before running.** Form: encoder-decoder 90 %, it knows instructions; decoder 70 %. Right type: 70 and
# 50 %. Agreement on the string: 45 %, since both learn the same words. Right where they agree: 90 %, errors
# of different kinds rarely coincide. The first model's own probability will be nearly as good a guide.
#
# **After running.** Measured numbers with n and interval from the tables; the largest gap named; a reason
# seen in the data, for example that both err on the same types (phi above 0), so that they agree more often
# than two unrelated models would.
# <!-- END SOLUTION 1.W1 -->

# %% [markdown]
# ## 1.1 One task, two prompts
#
# An encoder-decoder reads the whole prompt, then writes. A decoder goes on with a text: it has to see where
# the task ends and the answer begins, so its prompt ends with a line of its own.
#
# The same function makes the prompts for training and for testing. A model that is tested with another
# prompt than it was trained with looks worse than it is, and nobody sees why.

# %%
by_hand = {
    "seq2seq": "Task: Name it.\n\nExcerpt:\nJMP end\n\nAnswer:",
    "causal": "### Instruction:\nName it.\n\n### Excerpt:\nJMP end\n\n### Response:\n",
}
beside(build_prompts, "Name it.", " JMP end\n", by_hand=by_hand, because="stripped, then filled in")

# %% [markdown] card="1.1"

# %% [markdown]
# **Edit `starter/lab1_ensemble/data.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Strip first, then look whether anything is left.
# </details>

# %%
check("1.1")

# %% [markdown]
# ## 1.2 Encode for an encoder-decoder
#
# The prompt goes in on one side, the target is learned on the other, so nothing has to be masked. Two
# things go wrong silently. A label row without an end token teaches the decoder to write for ever. And
# labels that are padded here, with the pad token, teach it to write padding: padding is the collator's
# work, and it pads labels with −100.

# %%
tokenizer = load_tokenizer("nano-flan")
example = {"prompt": ["Task: Name it.\n\nExcerpt:\nJMP end\n\nAnswer:"], "target": ["gadget_type: Jump"]}
print("tokens of the prompt:", len(tokenizer(example["prompt"][0])["input_ids"]))
print("tokens of the target:", len(tokenizer(example["target"][0], add_special_tokens=False)["input_ids"]))

# %% [markdown]
# **By hand:** the labels have one token more than the target, and decode to the target and the end token.


# %%
def learned_by_the_decoder(examples):
    """What the labels ask the model to write."""
    return tokenizer.decode(encode_seq2seq(examples, tokenizer, 256, 96)["labels"][0])


end = tokenizer.eos_token
beside(learned_by_the_decoder, example, by_hand="gadget_type: Jump" + end, because="the target, then the end")

# %% [markdown] card="1.2"

# %% [markdown]
# **Edit `starter/lab1_ensemble/data.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Tokenise prompt and target in two calls: the first with everything that the tokenizer adds by itself, the
# second with nothing.
# </details>

# %%
check("1.2")

# %% [markdown]
# ## 1.3 Encode for a decoder
#
# A decoder has one row for both. It should learn the target given the prompt and spend nothing on the
# prompt: `labels` is a copy of `input_ids` in which every prompt position holds −100.
#
# A trap of GPT-2: it has no pad token, so people pad with its end token. If every label that equals the pad
# token is masked, so is the end, and the model never learns to stop.


# %%
def learned_by_the_row(examples):
    """What the labels that aren't −100 ask the model to write."""
    row = encode_causal(examples, tokenizer, 256)["labels"][0]
    return tokenizer.decode([label for label in row if label != -100])


beside(learned_by_the_row, example, by_hand="gadget_type: Jump" + end, because="the prompt is masked")

# %% [markdown] card="1.3"

# %% [markdown]
# **Edit `starter/lab1_ensemble/data.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Build the row and its labels from the same two lists of ids, and cut both at the same place.
# </details>

# %%
check("1.3")

# %% [markdown]
# ## 1.4 Read the gadget type
#
# What a model writes is text. Before two answers can agree, each has to be *read*, and a text without a
# readable label must stay apart from everything: it is `None`.
#
# The tempting shortcut is a default: "no key found, so take the whole text". It turns rambling into
# labels.

# %%
jump = "gadget_type: Jump; location: JMP; explanation: it jumps"
beside(extract_gadget_type, jump, by_hand="Jump", because="up to the semicolon")
beside(extract_gadget_type, "Gadget type : BOOL tag\nmore", by_hand="BOOL tag", because="up to the line end")
beside(extract_gadget_type, "gadget_type: ; gadget_type: Jump", by_hand=None, because="the first key decides")
beside(extract_gadget_type, "It is a jump.", by_hand=None, because="no key, no label")

# %% [markdown] card="1.4"

# %% [markdown]
# **Edit `starter/lab1_ensemble/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# In a regular expression `\s` also matches a line end. Is that what you want behind the colon?
# </details>

# %%
check("1.4")

# %% [markdown]
# ## 1.5 One label, one spelling
#
# "ReadWrite", "READ-WRITE" and "Read/Write gadget" are one label in three spellings. Lower case, no
# punctuation, and the word "gadget" says nothing here.
#
# The published normaliser also deleted "and", wherever it stood, and so turned "Command" into "comm".
# Deleting is dangerous; delete whole words or nothing.

# %%
beside(normalize_gadget_type, "Control-Flow gadget", by_hand="controlflow", because="hyphen and 'gadget' go")
beside(normalize_gadget_type, "READ/WRITE", by_hand="readwrite", because="lower case, letters only")
beside(normalize_gadget_type, "Command logic", by_hand="commandlogic", because="nothing inside a word goes")
beside(normalize_gadget_type, "bool_gadget", by_hand="bool", because="'_' separates words")

# %% [markdown] card="1.5"

# %% [markdown]
# **Edit `starter/lab1_ensemble/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Words first, spelling second: split at everything that isn't a letter or a digit, drop words, join.
# `\b` thinks that `_` is a letter.
# </details>

# %%
check("1.5")

# %% [markdown]
# ## 1.6 Check the format
#
# The task asks for three fields in order. Looking for the three words is not a check: a text may name all
# of them and be nonsense. A decoder that hasn't learned to stop starts over, and that is visible here too.

# %%
form = "gadget_type: Jump; location: JMP; explanation: it jumps"
beside(check_format, form, by_hand=True, because="three fields, in order")
beside(check_format, form + "; and so on", by_hand=True, because="the explanation may hold ';'")
beside(check_format, form + "; gadget_type: Loop", by_hand=False, because="it starts over")
beside(check_format, "gadget_type, location: explanation", by_hand=False, because="words are no fields")

# %% [markdown] card="1.6"

# %% [markdown]
# **Edit `starter/lab1_ensemble/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Which parts between the semicolons begin with a key? Write that list down for each example above.
# </details>

# %%
check("1.6")

# %% [markdown]
# ## 1.7 Vote of N models
#
# With two models a vote is agreement or a tie; with three it decides. Two rules must be written down before
# the first result. `None` is no vote, but the model behind it still counts in the share: silence is no
# agreement. And a tie goes to the label that stands first, so the order of the models is a decision.

# %%
two_of_three = {"label": "load", "votes": 2, "n": 3, "share": 2 / 3, "tie": False}
beside(ensemble_vote, ["jump", "load", "load"], by_hand=two_of_three, because="two votes against one")
tied = {"label": "jump", "votes": 1, "n": 2, "share": 0.5, "tie": True}
beside(ensemble_vote, ["jump", "load"], by_hand=tied, because="one each; jump stands first")
silent = {"label": "jump", "votes": 1, "n": 2, "share": 0.5, "tie": False}
beside(ensemble_vote, [None, "jump"], by_hand=silent, because="one vote of two models")

# %% [markdown] card="1.7"

# %% [markdown]
# **Edit `starter/lab1_ensemble/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# A set has no order. Whatever you count with must remember which label came first.
# </details>

# %%
check("1.7")

# %% [markdown]
# ## 1.8 Read the judge's verdict
#
# A judge answers in words. Three traps lie in four of them: "DISAGREEMENT" contains "AGREEMENT", "not
# FULL_AGREEMENT" contains "FULL_AGREEMENT", and a reply that thinks aloud names several verdicts before it
# decides.
#
# So the judge is asked for a last line, and only that line counts, all of it. What can't be read is `None`.
# A default verdict would be a judge that nobody appointed.

# %%
beside(parse_verdict, "Both jump.\nVERDICT: FULL_AGREEMENT", by_hand="FULL_AGREEMENT", because="the last line")
beside(parse_verdict, "**Verdict: disagreement.**", by_hand="DISAGREEMENT", because="dressed up, the same")
beside(parse_verdict, "VERDICT: not FULL_AGREEMENT", by_hand=None, because="a negation is no verdict")
beside(parse_verdict, "VERDICT: INVALID\nOr is it?", by_hand=None, because="only the last line counts")

# %% [markdown] card="1.8"

# %% [markdown]
# **Edit `starter/lab1_ensemble/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# `re.fullmatch`, not `re.search`. Clean the ends of the line as the docstring says, in that order.
# </details>

# %%
check("1.8")

# %% [markdown]
# ## 1.9 Both orders count
#
# Ask a judge about (A, B) and then about (B, A): in one published test a large judge changed its mind on
# about a third of the pairs.
# An agreement that depends on who stands first says something about the judge, not about the labels. So it
# counts only if both orders say so.

# %%
partial = {"verdict": "PARTIAL_AGREEMENT", "consistent": False, "semantic_agreement": True}
nothing = {"verdict": None, "consistent": False, "semantic_agreement": False}
full, part, no = "FULL_AGREEMENT", "PARTIAL_AGREEMENT", "DISAGREEMENT"
beside(combine_verdicts, full, part, by_hand=partial, because="both support partial agreement")
beside(combine_verdicts, full, no, by_hand=nothing, because="they contradict each other")
beside(combine_verdicts, None, None, by_hand=nothing, because="nothing was read")

# %% [markdown] card="1.9"

# %% [markdown]
# **Edit `starter/lab1_ensemble/method.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Three questions, in this order: are they the same and readable? do both agree? else?
# </details>

# %%
check("1.9")

# %% [markdown]
# ## 1.10 Agreement beyond chance
#
# Two raters who both say "jump" nine times out of ten agree on 82 % by chance alone. Cohen's kappa takes
# that off: 0 is chance, 1 is full agreement, below 0 is worse than chance. Chance comes from *each rater's
# own* frequencies.
#
# Where both give one and the same label to everything, chance agreement is 1 and kappa is 0/0. It is NaN:
# not defined, which is neither "perfect" nor "none".

# %%
table = [["p"] * 25 + ["q"] * 25, ["p"] * 20 + ["q"] * 5 + ["p"] * 10 + ["q"] * 15]
beside(cohen_kappa, *table, by_hand=0.4, because="(.7 - .5) / (1 - .5)")
beside(cohen_kappa, ["p", "q"], ["q", "p"], by_hand=-1.0, because="(0 - .5) / (1 - .5)")

# %% [markdown] card="1.10"

# %% [markdown]
# **Edit `starter/lab1_ensemble/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Chance agreement: how often would two ratings agree if the second rater's labels were shuffled?
# </details>

# %%
check("1.10")

# %% [markdown]
# ## 1.11 More than two raters
#
# With three models there are three pairs a row. Fleiss counts the share of equal pairs of each item, takes
# the mean, and compares it with what two ratings drawn from the whole pile would give.

# %%
beside(fleiss_kappa, [["x", "x", "y"], ["y", "y", "y"]], by_hand=0.25, because="(2/3 - 5/9) / (1 - 5/9)")
beside(fleiss_kappa, [["x", "x"], ["y", "y"]], by_hand=1.0, because="every pair is equal")

# %% [markdown] card="1.11"

# %% [markdown]
# **Edit `starter/lab1_ensemble/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# An item with counts 2 and 1 has three pairs, one of them equal. A rating is no pair with itself.
# </details>

# %%
check("1.11")

# %% [markdown]
# ## 1.12 When one class dominates
#
# If nearly all items are one class, chance agreement is near 1, and kappa can be near 0 although two raters
# hardly ever differ: on one public set a judge agreed with people on 76 % of the rows and had a kappa of
# .08. Gwet's AC1 measures chance by how *uncertain* the items are, and stays near the raw agreement there.
#
# Neither is the truth; report both, and the frequencies.

# %%
rare = [["ok", "ok"]] * 18 + [["ok", "no"], ["no", "ok"]]
beside(gwet_ac1, rare, by_hand=0.8895, because="(.9 - .095) / (1 - .095)")
beside(fleiss_kappa, rare, by_hand=-0.0526, because="the same ratings: (.9 - .905) / (1 - .905)")

# %% [markdown] card="1.12"

# %% [markdown]
# **Edit `starter/lab1_ensemble/evaluate.py`**, then check. (The second line above needs 1.11.)
#
# <details><summary>Hint</summary>
#
# Only P_e differs from 1.11. What is K - 1 when a single label occurs?
# </details>

# %%
check("1.12")

# %% [markdown]
# ## 1.13 Do they err together?
#
# Two models that fail on the same excerpts agree there too, and are wrong. How much their errors overlap is
# the correlation of two yes/no columns, called phi: 1 means the same errors, 0 unrelated ones.
#
# Different architectures are chosen in the hope of a small phi. It is a hope until it is measured.

# %%
a_wrong, b_wrong = [True, True, False, False], [True, False, False, False]
beside(error_correlation, a_wrong, a_wrong, by_hand=1.0, because="the same errors")
beside(error_correlation, a_wrong, b_wrong, by_hand=0.5774, because="(1·2 - 1·0) / √(2·2·1·3)")

# %% [markdown] card="1.13"

# %% [markdown]
# **Edit `starter/lab1_ensemble/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Four counts, and what they become when a model makes no error at all.
# </details>

# %%
check("1.13")

# %% [markdown]
# ## 1.14 What agreement gets for free
#
# Two models of .7 and .6 on nine classes, with errors that have nothing to do with each other: where they
# agree they are right with .97, because two wrong ones rarely pick the *same* wrong class. No insight is
# needed for that; it is Bayes' rule.
#
# So "92 % right where they agree" is no news until it is held against this number.

# %%
beside(independent_agreement, 0.5, 0.5, 3, by_hand=2 / 3, because="1/4 against 1/4 · 1/2")
beside(independent_agreement, 0.7, 0.6, 9, by_hand=0.9655, because=".42 / (.42 + .12 / 8)")

# %% [markdown] card="1.14"

# %% [markdown]
# **Edit `starter/lab1_ensemble/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# How many wrong classes are there, and with what chance do two wrong models pick the same one?
# </details>

# %%
check("1.14")

# %% [markdown]
# ## 1.15 Risk and coverage
#
# A confidence is good if answering only where it is high leaves few wrong answers. The curve shows it: for
# every threshold, what share is answered (coverage), and what share of that is wrong (risk).
#
# Agreement of two models has two values only, so it is one point, and the end. Items with the same
# confidence come in together: an order among them would be made up.

# %%
beside(risk_coverage, [0.9, 0.4], [True, False], by_hand=([0.5, 1.0], [0.0, 0.5]), because="the surer first")
beside(risk_coverage, [1.0, 1.0], [True, False], by_hand=([1.0], [0.5]), because="one threshold, one point")

# %% [markdown] card="1.15"

# %% [markdown]
# **Edit `starter/lab1_ensemble/evaluate.py`**, then check.
#
# <details><summary>Hint</summary>
#
# Loop over the *different* confidences, from the highest down.
# </details>

# %%
check("1.15")

# %% [markdown]
# ## 1.16 One entry of the report
#
# Other people's scripts read the two reports, so their keys are a contract. One rule matters for the
# numbers: two models that wrote nothing readable don't agree, although `None == None`.

# %%
import json

labels = {"nano-flan": "jump", "nano-gpt": None}
texts = {"nano-flan": "gadget_type: Jump; …", "nano-gpt": "It jumps."}
try:
    print(json.dumps(report_record(0, "gadget_type: Jump; …", texts, labels, labels), indent=1))
except NotImplementedError as unfinished:
    print(unfinished)

# %% [markdown] card="1.16"

# %% [markdown]
# **Edit `starter/lab1_ensemble/evaluate.py`**, then check. **By hand** above: `full_agreement` is `false`,
# and nothing of a judge is there.
#
# <details><summary>Hint</summary>
#
# `all(labels)` is False as soon as one of them is None or empty.
# </details>

# %%
check("1.16")

# %% [markdown]
# ## The experiment
#
# Everything below runs on *your* functions; `run.py` only wires them. Live, in about two minutes on two
# cores: both models are tuned on the training rows, and answer the validation excerpts, whose sentence
# frames no training row has. The full lab (`labs run lab1`) also trains two controls and asks the judge; their
# numbers come later, from records, and the text says so.
#
# **Predict first:** your numbers stand in 1.W1? Then go on.

# %% tags=["experiment"]
from dataclasses import replace
from pathlib import Path

from labkit.config import parse
from labkit.data import read_jsonl
from starter.lab1_ensemble import analysis, report, run, scoring
from starter.lab1_ensemble.config import Config

nano = parse(Config, ["--profile", "nano"], presets=Path(run.__file__).parent / "configs")
both = {name: nano.models[name] for name in nano.members}
live = replace(nano, profile="notebook", models=both, use_judge=False, bootstrap_resamples=200)
folder = run.run(live, until="data").folder
validation = read_jsonl(folder / "data/validation.jsonl")
print(len(read_jsonl(folder / "data/train.jsonl")), "rows to learn from;", len(validation), "to measure on")
print(validation[0]["input"], "\n", validation[0]["output"])

# %% [markdown]
# ### Fine-tuning and predicting
#
# Your 1.1 to 1.3 decide what is learned. A second run of this cell takes the finished models from `runs/`,
# unless you edited one of the functions: then it trains again.

# %% tags=["experiment"]
run.run(live, until="compare")
rows = read_jsonl(folder / "results/compared_validation.jsonl")
first, second = live.members
for name in live.members:
    losses = json.loads((folder / f"checkpoints/{name}/training.json").read_text("utf-8"))["history"]
    print(f"{name:10} loss in each epoch:", *(f"{loss:.2f}" for loss in losses))
    print(f"{'':10} {rows[0]['models'][name]['text']!r}")

# %% [markdown]
# ### Architecture: form and type
#
# The guide's second research question. Form is your 1.6; an answer is right if its label names the gold
# *type*. Beside them: the model before tuning, the most frequent type always, and the answers held against
# the *next* excerpt's gold.

# %% tags=["experiment"]
train = read_jsonl(folder / "data/train.jsonl")
untuned = report.untuned(run.RunFolder(folder, live), live)
for name in live.members:
    found = report.model_metrics(rows, name, train, live)
    low, high = found["by_frame_95"]
    print(f"{name:10} right {found['accuracy']:.3f} [{low:.3f}, {high:.3f}]  form {found['format']:.3f}", end="  ")
    print(f"unread {found['unread']}  n = {found['n']}  ROUGE-L {found['rougeL']:.2f}")
    print(f"{'  untuned':10} right {untuned[name]['accuracy']:.3f}  form {untuned[name]['format']:.3f}", end="  ")
    print(f"constant {found['control_constant']:.3f}  shuffled {found['control_shuffled']:.3f}")

# %% [markdown]
# ### Agreement patterns
#
# The first research question: which excerpts split the two? Your report is written; read five disagreements,
# then look whether length or type explains them.

# %% tags=["experiment"]
written = json.loads((folder / "ensemble_report.json").read_text("utf-8"))
print(written["summary"])
split = [entry for entry in written["results"] if not entry["agreement"]["full_agreement"]]
for entry in split[:5]:
    said = entry["agreement"]["gadget_types"]
    print(f"{entry['example_id']:4} gold {extract_gadget_type(entry['gold_output'])!r:28} said {said}")
lengths = [len(row["input"].split()) for row in validation]
for group in analysis.by_length(rows, lengths, live.members):
    print(f"excerpts of {group['words'][0]} to {group['words'][1]} words: {group['agree']} of {group['n']} agree")

# %% [markdown]
# ### Confidence
#
# The third research question, with its controls. *Agreeing* is equal strings, as published. The independence
# line uses equal types, since that is what the formula is about.

# %% tags=["experiment"]
pair = report.pair_metrics(rows, first, second, live)
shown = [("they agree on the string", "agreement_rate", "agreement_95")]
shown += [("right where strings agree", "agreed", "agreed_95"), ("right where types agree", "agreed_type", "agreed_type_95")]
shown += [("kappa of the types", "kappa", "kappa_95"), ("phi of the errors", "phi", "phi_95")]
for words, key, ends in shown:
    print(f"{words:28} {pair[key]:.3f} [{pair[ends][0]:.3f}, {pair[ends][1]:.3f}]")
print(f"{'promised by independence':28} {pair['independent']:.3f}")
print(f"{'right where they disagree':28} {pair['disagreed']:.3f}   n = {pair['n']}")

# %% tags=["experiment"]
found = report.ensemble_effects(rows, live)
for name, row in found.items():
    print(f"{name:34} {row['value']:+6.1f} [{row['low']:+.1f}, {row['high']:+.1f}]  n = {row['n']}")
effects = {name: row["value"] for name, row in found.items()}

# %% [markdown]
# **Explain.** Where does agreement stand between "all answers" and "promised by independence"? Which of the
# differences is clear of 0 at this n?

# %% [markdown]
# ## Reading the plots
#
# **Live, on your models.** Risk against coverage of the first model's answers, under three confidences. Low
# and to the right is good. Agreement is one point and the end; the line between them is a promise that no
# threshold keeps.

# %% tags=["experiment"]
from labkit import plots
from starter.lab1_ensemble import figures

fig, axes = plots.figure()
said = figures.draw_risk(axes, analysis.confidence_curves(rows, live.members, None))
plots.show(fig, alt=f"Risk against coverage of {first}, {len(rows)} excerpts. {said}.")

# %% [markdown]
# **Explain**, in this order. At the coverage of agreement, which line is lower? Why does "agreement, then
# probability" start so low? What would you deploy if a wrong label cost ten times as much as none?

# %% [markdown]
# **Errors by type** (the fourth research question). Bars: excerpts of a type, and how often each model is
# right. Which type is hard for both, and which only for one?

# %% tags=["experiment"]
fig, axes = plots.figure(figsize=(9, 4.2))
kinds = analysis.by_type(rows, live.members)
for number, name in enumerate(live.members):
    heights = [kind["right"][name] / kind["n"] for kind in kinds]
    places = [place + 0.36 * number - 0.18 for place in range(len(kinds))]
    axes.bar(places, heights, 0.34, color=plots.PALETTE[number], label=name)
disagree = [kind["disagreements"] / kind["n"] for kind in kinds]
axes.plot(range(len(kinds)), disagree, "kx", label="they disagree")
axes.set_xticks(range(len(kinds)), [f"{kind['type']}\nn={kind['n']}" for kind in kinds], fontsize=8)
axes.set(ylabel="share", ylim=(0, 1), title="Right by gold type")
axes.legend(fontsize=9)
worst = min(kinds, key=lambda kind: sum(kind["right"].values()) / kind["n"])
plots.show(fig, alt=f"Share right by gold type for {first} and {second}; hardest: {worst['type']}.")

# %% [markdown]
# ### The controls, the vote and the judge: from records
#
# **Recorded, not live:** `make effects` ran the full lab over several seeds and wrote `expected.json`. It
# also trained the first model once more from another seed (*a partner of the same kind*) and a wider one as
# third voter, and asked the judge about every pair, in both orders.
#
# **Predict:** do two of a kind agree more often than two architectures? Are they more often right when they
# do?

# %% tags=["experiment"]
recorded = json.loads((Path(run.__file__).parent / "expected.json").read_text("utf-8"))
mean = recorded["records"]["mean"]
print(f"means over seeds {recorded['seeds']}")
for name, effect in recorded["effects"].items():
    print(f"{name:34} {effect['mean']:7.2f} ± {effect['sd']:5.2f}   target {effect['target']}")
for name, entry in mean["pairs"].items():
    low, high = entry["agreed_type_95"]
    right = f"right where types agree {entry['agreed_type']:.3f} [{low:.3f}, {high:.3f}], n = {entry['agreed_type_n']:.0f}"
    print(f"{name.replace('|', ' and ')}: phi {entry['phi']:.2f}; {right}; promised {entry['independent']:.3f}")
for team in mean["votes"]:
    accuracy = team["accuracy"]
    ties = f"ties to the first {accuracy['first']:.3f}, last {accuracy['last']:.3f}, random {accuracy['random']:.3f}"
    print(f"{' + '.join(team['models'])}: {ties}; tied {accuracy['tied']:.2f}; best alone {team['best_single']:.3f}")

# %% tags=["experiment"]
fig, axes = plots.figure(1, 2)
names = [name for name in mean["risk_at"] if name != "coverage"]
for number, name in enumerate(names):
    style = {**plots.arm(number), "marker": "", "label": name}
    axes[0].plot(mean["risk_at"]["coverage"], mean["risk_at"][name], **style)
axes[0].set(xlabel="coverage", ylabel="risk", title="Confidence, mean over seeds")
axes[0].legend(fontsize=8)
pairs = {n: e for n, e in mean["pairs"].items() if None not in (e["phi"], e["agreed_type"])}
for number, (name, entry) in enumerate(pairs.items()):
    style = {**plots.arm(number), "linestyle": "", "label": name.replace("|", " and ")}
    axes[1].plot(entry["phi"], entry["agreed_type"], **style)
axes[1].set(xlabel="phi of the errors", ylabel="right where types agree", title="Shared errors cost")
axes[1].legend(fontsize=8)
said = "; ".join(f"{n}: phi {e['phi']:.2f}, right {e['agreed_type']:.2f}" for n, e in pairs.items())
plots.show(fig, alt=f"Left: risk against coverage. Right: accuracy where types agree against phi. {said}.")

# %% [markdown]
# **Explain.** The pair with the highest agreement is not the pair whose agreement is worth most. Which
# number of the right plot says why? And why is `agreed_minus_independence_pp` below its target, which was set
# before the recorded runs?
#
# Then complete the second half of **1.W1** above, with n and intervals.

# %% [markdown]
# ### The judge, judged
#
# The fifth and sixth research questions. First the judge itself, on label pairs whose relation is known and
# whose labels it never saw in training: beside string match, which calls two labels the same if 1.5 makes
# them equal, and a constant. Then what it changes on the models' answers, *up and down*.

# %% tags=["experiment"]
judged = mean["judge_scores"]["relations"]["unseen"]
print(f"n = {judged['n']:.0f} gold pairs, both orders; {judged['unread_replies']:.1f} replies unread")
for words, accuracy, kappa in (
    ("judge", judged["accuracy"], judged["kappa"]),
    ("string match", judged["string_accuracy"], judged["string_kappa"]),
    ("constant", judged["constant_accuracy"], 0.0),
):
    print(f"{words:14} agrees with gold on {accuracy:.3f}, kappa {kappa:+.3f}")
ends = [judged[key] for key in ("kappa_95", "swap_consistency_95")]  # intervals of one seed, their mean ends
print("the judge's kappa [{:.3f}, {:.3f}],".format(*ends[0]), end=" ")
print("swap consistency {:.3f} [{:.3f}, {:.3f}]".format(judged["swap_consistency"], *ends[1]))
wrong, all_agreed = judged["false_agreements"], judged["agreements"]
print(f"false agreements: {wrong:.1f} of {all_agreed:.1f}; agreements missed: {judged['missed_agreements']:.1f}")

# %% tags=["experiment"]
changed = mean["judge_scores"]["validation"]
print(f"of {changed['n']:.0f} pairs {changed['string_agreements']:.0f} agree as strings,", end=" ")
print(f"{changed['semantic_agreements']:.0f} in the judge's eyes: {changed['gain_pp']:+.1f} points", end=" ")
print("[{:+.1f}, {:+.1f}]".format(*changed["gain_95"]))
for way in ("upgraded", "downgraded"):
    print(f"{way:11} {changed[way]:5.1f}, both models right in {changed[way + '_both_right']:5.1f} of them")
print(f"had it seen only the disagreements: {changed['gain_if_only_disagreements_are_judged_pp']:+.1f} points")

# %% [markdown]
# **Explain.** Does the judge mostly mend spelling, or does it bridge a gap of meaning? Which of its verdicts
# would you audit first, and why can't raw agreement with gold tell you?

# %% [markdown]
# ### Your own excerpt
#
# Paste a paragraph of any manual. Nobody knows the gold label, so look at the agreement and at both
# probabilities. (After a full `labs run lab1`, `labs run lab1 --skip_training --excerpt-file F` does the same
# for a file.)

# %% tags=["experiment"]
from labkit.device import pick_device
from starter.lab1_ensemble import excerpt

text = """The XCHG instruction swaps the contents of a register and a word in memory. The exchange is
atomic, so no other bus master can write the word in between."""
answer = excerpt.answer(run.RunFolder(folder, live), live, pick_device(say=False), text)

# %% [markdown]
# ## Against the libraries
#
# Your functions against code that others wrote. Oracles don't share your mistakes.
#
# 1. kappas against scikit-learn and statsmodels;
# 2. phi against scikit-learn's Matthews correlation;
# 3. risk and coverage against scikit-learn's ROC counts;
# 4. your labels against the loss that `transformers` computes itself.

# %%
import numpy as np
from sklearn.metrics import cohen_kappa_score, matthews_corrcoef, roc_curve
from statsmodels.stats.inter_rater import aggregate_raters
from statsmodels.stats.inter_rater import fleiss_kappa as statsmodels_fleiss

rng = np.random.default_rng(1)
ratings = rng.integers(0, 4, size=(200, 3))
ratings[:120, 1:] = ratings[:120, :1]  # so that they agree on something
counts, _ = aggregate_raters(ratings)
gaps = {
    "Cohen": cohen_kappa(ratings[:, 0].tolist(), ratings[:, 1].tolist())
    - cohen_kappa_score(ratings[:, 0], ratings[:, 1]),
    "Fleiss": fleiss_kappa(ratings.tolist()) - statsmodels_fleiss(counts),
}
a, b = ratings[:, 0] == 2, ratings[:, 1] == 2
gaps["phi"] = error_correlation(a.tolist(), b.tolist()) - matthews_corrcoef(a, b)
for name, gap in gaps.items():
    print(f"{name:8} difference from the library {gap:+.1e}")
    assert abs(gap) < 1e-9

# %%
confidence = rng.integers(0, 8, size=200) / 8
correct = rng.random(200) < 0.2 + 0.6 * confidence
coverage, risk = risk_coverage(confidence.tolist(), correct.tolist())
wrong_kept, right_kept, _ = roc_curve(correct, confidence, drop_intermediate=False)  # shares at each threshold
wrong_kept, right_kept = wrong_kept[1:] * (~correct).sum(), right_kept[1:] * correct.sum()
print("coverage", np.abs(np.array(coverage) - (wrong_kept + right_kept) / 200).max())
print("risk    ", np.abs(np.array(risk) - wrong_kept / (wrong_kept + right_kept)).max())
assert np.allclose(risk, wrong_kept / (wrong_kept + right_kept))

# %%
import torch
from labkit.models import load_causal_lm, load_seq2seq_lm

for name, load, kind in (("nano-flan", load_seq2seq_lm, "seq2seq"), ("nano-gpt", load_causal_lm, "causal")):
    model, words = load(name), load_tokenizer(name)
    one = {"prompt": [build_prompts("Name it.", "JMP end")[kind]], "target": ["gadget_type: Jump"]}
    row = encode_seq2seq(one, words, 256, 96) if kind == "seq2seq" else encode_causal(one, words, 256)
    tensors = {key: torch.tensor(value) for key, value in row.items()}
    with torch.no_grad():
        output = model(**tensors)  # transformers' own loss: shifts where it must, skips -100
    target = torch.tensor(words(one["target"][0], add_special_tokens=False)["input_ids"] + [words.eos_token_id])
    scores = output.logits[0] if kind == "seq2seq" else output.logits[0, -len(target) - 1 : -1]
    by_hand = torch.nn.functional.cross_entropy(scores, target)  # the target's tokens and nothing else
    print(f"{name:10} loss on your labels {output.loss:.6f}, on the target's tokens {by_hand:.6f}")
    assert abs(output.loss - by_hand) < 1e-4

# %% [markdown]
# ## Case file
#
# Three results that published projects or their tools really produced. Reproduce each, find the cause,
# repair it, prove the repair.
#
# `records` holds excerpts: the `gold` output, `predictions` by model (the two models here are "nano-flan" and
# "nano-gpt"), and the `judge`'s replies on their labels in both orders, `ab` and `ba`. The grader puts
# *other* records into the next cell and runs only the set-up and the answer cells: compute everything from
# `records`, never write a number down, and import in an answer cell whatever it uses. No value is rounded.

# %% tags=["inject"]
from labkit.data import data_path, read_jsonl

records = read_jsonl(data_path("lab1_ensemble", "records_small.jsonl"))
print(len(records), "excerpts;", records[0])

# %% [markdown]
# ### Exhibit A: the normaliser that ate "and"
#
# The published guide promises to lower the case, remove "gadget" and strip punctuation. Its tool also
# removed "and", wherever it stood, and printed `commenablelogic` for "Command enable logic". Here is that
# normaliser beside yours:


# %%
import re


def published_normalizer(label):
    lower = label.lower().replace("gadget", "").replace("and", "")
    return re.sub(r"[^a-z0-9]", "", lower)


for label in ("Command enable logic", "Handshake gadget", "Read and Write gadget", "AND mask", "BOOL tag"):
    print(f"{label:24} published {published_normalizer(label):18} yours {normalize_gadget_type(label)}")

# %% [markdown]
# **Before you open it:** can such a bug make two *different* labels agree? Find a pair.
#
# <details><summary>The cause</summary>
#
# `replace` knows no words. "Stand-by" and "Stby" become one label, and so do "Band" and "B": different
# labels fall together, and a table made of normalised labels shows words that nobody wrote.
# </details>
#
# **1.V3:** collect the labels that your `extract_gadget_type` finds in the predictions of *both* models,
# each occurrence, None left out. What share of them does `published_normalizer` (written anew in your cell)
# turn into something else than your normaliser? (On the public records it is 0: few labels hold "and". The
# grader's records hold such labels; `nano-flan-wide` counts nowhere in this case file.)

# %% answer="1.V3"
import re

from starter.lab1_ensemble.method import extract_gadget_type, normalize_gadget_type

# TODO 1.V3: share of the readable labels of both models on which the two normalisers differ.
# BEGIN SOLUTION 1.V3
texts = [record["predictions"][model] for record in records for model in ("nano-flan", "nano-gpt")]
readable = [label for label in map(extract_gadget_type, texts) if label is not None]
differing = 0
for label in readable:
    eaten = re.sub(r"[^a-z0-9]", "", label.lower().replace("gadget", "").replace("and", ""))
    differing += eaten != normalize_gadget_type(label)
changed_labels = differing / len(readable)
# END SOLUTION 1.V3

# %% test="1.V3"
assert isinstance(changed_labels, float), "a share is a float such as 0.42"
assert 0 <= changed_labels <= 1, "a share lies between 0 and 1"

# %% [markdown]
# **Proof.** The repaired normaliser keeps apart what the published one joins:

# %%
for one, two in (("Stand-by latch", "Stby latch"), ("Band", "B")):
    try:
        apart = normalize_gadget_type(one) != normalize_gadget_type(two)
    except NotImplementedError as unfinished:
        apart = unfinished
    print(f"{one} / {two}: published the same {published_normalizer(one) == published_normalizer(two)}, apart: {apart}")

# %% [markdown]
# ### Exhibit B: 6 of 10
#
# The guide's sample report shows an agreement rate of 0.6 on ten examples, and calls 30 to 60 % typical. An
# older copy printed a real run: 1 of 10. What do ten examples say?

# %%
from labkit.stats import wilson

for agreed, n in ((6, 10), (1, 10), (60, 100), (240, 400)):
    low, high = wilson(agreed, n)
    print(f"{agreed:3} of {n:3}: {low:.3f} to {high:.3f}")

# %% [markdown]
# **1.V1:** on what share of *all* records do the two models agree? Agree: both normalised labels are there
# and equal. A prediction without a label, and a label of which normalising leaves nothing (""), agree with
# nothing.

# %% answer="1.V1"
from starter.lab1_ensemble.method import extract_gadget_type, normalize_gadget_type

# TODO 1.V1: share of the records on which both normalised labels are there and equal.
# BEGIN SOLUTION 1.V1
agreements = 0
for record in records:
    found = [extract_gadget_type(record["predictions"][model]) for model in ("nano-flan", "nano-gpt")]
    one, two = (normalize_gadget_type(label) if label is not None else "" for label in found)
    agreements += one != "" and one == two
agreement_rate = agreements / len(records)
# END SOLUTION 1.V1

# %% test="1.V1"
assert isinstance(agreement_rate, float), "a share is a float such as 0.42"
assert 0 <= agreement_rate <= 1, "a share lies between 0 and 1"

# %% [markdown]
# **1.V2:** and how often are they right then? `interval = [low, high]`, Wilson's 95 % interval of the
# accuracy on those records on which the two agree. Right: the common label, as a string, equals the normalised
# label of `gold`; the experiment above compared types. Shares, not percent. Some records always agree.

# %% answer="1.V2"
from labkit.stats import wilson
from starter.lab1_ensemble.method import extract_gadget_type, normalize_gadget_type

# TODO 1.V2: [low, high] of the accuracy where the two models agree.
# BEGIN SOLUTION 1.V2
hits = []
for record in records:
    texts = [record["predictions"]["nano-flan"], record["predictions"]["nano-gpt"], record["gold"]]
    found = [extract_gadget_type(text) for text in texts]
    one, two, gold_label = (normalize_gadget_type(label) if label is not None else "" for label in found)
    if one != "" and one == two:
        hits.append(one == gold_label)
interval = list(wilson(sum(hits), len(hits)))
# END SOLUTION 1.V2

# %% test="1.V2"
assert isinstance(interval, list) and len(interval) == 2, "a list of two numbers, [low, high]"
assert 0 <= interval[0] < interval[1] <= 1, "shares between 0 and 1, the lower one first"

# %% [markdown]
# ### Exhibit C: the judge that couldn't lose
#
# "The judge typically raises the agreement by 10 to 20 points." In the published tool the judge sees *only
# the disagreements*. Here is a judge that tosses a coin, in that tool:

# %%
import random

coin = random.Random(1)
string = [True] * 40 + [False] * 60  # 40 of 100 pairs agree as strings
published = [agree or coin.random() < 0.5 for agree in string]
honest = [coin.random() < 0.5 for _ in string]
print(f"string agreement .40; coin sees disagreements only: {sum(published) / 100:.2f}; all: {sum(honest) / 100:.2f}")

# %% [markdown]
# **Before you open it:** what is the lowest semantic agreement that *any* judge can reach in the published
# way?
#
# <details><summary>The cause</summary>
#
# The string agreement itself: a verdict on a disagreement can only add. "Semantic ≥ string" holds by
# construction, for a coin too, and says nothing about the judge. And agreeing pairs that are both garbage
# are never looked at.
# </details>
#
# **1.V4:** `honest_gain` = share of all records with semantic agreement (your `parse_verdict` on both
# replies, your `combine_verdicts`) minus the share with string agreement as in 1.V1. It may be negative. Both
# replies are texts in every record.

# %% answer="1.V4"
from starter.lab1_ensemble.method import combine_verdicts, parse_verdict
from starter.lab1_ensemble.method import extract_gadget_type, normalize_gadget_type

# TODO 1.V4: share of semantic agreement in both orders minus share of string agreement.
# BEGIN SOLUTION 1.V4
semantic = strings = 0
for record in records:
    orders = [parse_verdict(record["judge"][order]) for order in ("ab", "ba")]
    semantic += combine_verdicts(*orders)["semantic_agreement"]
    found = [extract_gadget_type(record["predictions"][model]) for model in ("nano-flan", "nano-gpt")]
    one, two = (normalize_gadget_type(label) if label is not None else "" for label in found)
    strings += one != "" and one == two
honest_gain = (semantic - strings) / len(records)
# END SOLUTION 1.V4

# %% test="1.V4"
assert isinstance(honest_gain, float), "a difference of two shares is a float"
assert -1 <= honest_gain <= 1, "a difference of two shares lies between -1 and 1"

# %% [markdown]
# **1.V5:** do the two fail together? `phi` = your `error_correlation` of their errors on all records. Wrong:
# the normalised label isn't that of `gold`; a missing label, or "", is wrong.

# %% answer="1.V5"
from starter.lab1_ensemble.evaluate import error_correlation
from starter.lab1_ensemble.method import extract_gadget_type, normalize_gadget_type

# TODO 1.V5: the correlation of the two models' errors.
# BEGIN SOLUTION 1.V5
errors = ([], [])
for record in records:
    texts = [record["predictions"]["nano-flan"], record["predictions"]["nano-gpt"], record["gold"]]
    found = [extract_gadget_type(text) for text in texts]
    *given, gold_label = (normalize_gadget_type(label) if label is not None else "" for label in found)
    for column, label in zip(errors, given):
        column.append(label == "" or label != gold_label)
phi = error_correlation(*errors)
# END SOLUTION 1.V5

# %% test="1.V5"
assert isinstance(phi, float), "a correlation is a float"
assert -1 <= phi <= 1, "a correlation lies between -1 and 1"

# %% [markdown]
# **1.W2, the case file** (5 points). In at most 150 words: why the published judge can't lower the agreement,
# whatever it says (2); the repair, and how you *proved* it rather than believed it (2); one control that
# would have shown it before anyone read the number (1).

# %% [markdown] written="1.W2"
# <!-- BEGIN SOLUTION 1.W2 -->
# Only pairs whose strings differ are sent to the judge. A verdict can turn a disagreement into an agreement
# and never the other way, so the semantic rate is at least the string rate, for a coin too.
#
# Repair: the judge sees all pairs in both orders, and an agreement counts only if both say so. Proof: on the
# same records the honest gain is far below the published one, and a coin now loses agreement; verdicts against a gold table of relations give a kappa beside
# string match.
#
# A control: put a random judge, or one that always says DISAGREEMENT, in its place; if the number can't
# fall, it measures nothing.
# <!-- END SOLUTION 1.W2 -->

# %% [markdown]
# ## Questions
#
# Talk these over with a neighbour; write down 1.W3.
#
# 1. *Agreement patterns.* Do long excerpts, or certain types, split the models? What did normalisation mend?
# 2. *Architecture.* What did being tuned on instructions buy: form, type, or both?
# 3. *Confidence.* When would you rather trust one model's own probability?
# 4. *Errors by type.* Which two types are mixed up most, and is the excerpt or the label to blame?
# 5. *Semantic gain.* Which upgraded pairs would you have decided otherwise?
# 6. *Effect of the judge.* What would it take to believe a judge on labels without a gold table?

# %% [markdown]
# **1.W3, when agreement is not confidence** (5 points). In at most 200 words: why two models can agree and be
# wrong more often than independence says (2); for which pair the numbers show it and for which they don't, each
# with n and interval: the two architectures, and the partner of the same kind (2); one change that would make
# agreement worth more, and how you would test it (1).

# %% [markdown] written="1.W3"
# <!-- BEGIN SOLUTION 1.W3 -->
# Independence needs unrelated errors that scatter over all wrong classes. Models that learned from the same
# rows fail on the same hard frames, often with the same neighbouring type.
#
# Two architectures (means of the records): where types agree .86 [.78, .93] are right, n = 159; promised .91,
# which one seed can't refute. Two of a kind agree more often, phi is .35 instead of .15, and .82 [.74, .90] are
# right, n = 256, instead of .95: that is clear.
#
# A change: train the second model on other frames or another view of the excerpt. Test: the same validation
# excerpts, phi and accuracy where they agree, paired by frame, with the n that the discordance asks for.
# <!-- END SOLUTION 1.W3 -->

# %% [markdown]
# ## Troubleshooting
#
# | you see | try |
# |---|---|
# | `NotImplementedError: TODO 1.x …` | still a stub; its section is 1.x |
# | an edit changes nothing | save the file, restart the kernel, run the set-up |
# | `ModuleNotFoundError: labkit` | `pip install -r requirements.txt` in the course's folder |
# | a model or file is missing | `labs doctor` names it and the command that gets it |
# | `--skip_training` refuses | train once: `labs run lab1 --stage train` |
# | out of memory on a GPU | `--force_cpu`, or `--total_examples_to_use 50` |
# | Colab lost my work | download `starter/` in time |

# %% [markdown]
# ## Submit
#
# ```
# labs check lab1
# labs submit lab1
# ```
#
# The first command runs all public checks. The second packs your modules and this notebook into one zip and
# prints where it lies: save the notebook before. Upload the zip. Everything else (data, models, runs) stays
# here.
