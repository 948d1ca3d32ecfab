"""Lab 1 solved a second time, by other means than solutions/ uses: what passes there must pass here.

Each function stands in for the solutions' one of the same name, so its imports are in its body. If a hidden
test fails on one of them, the test asks for more than the docstring says.
"""


def build_prompts(instruction, excerpt):
    texts = [text.strip() for text in (instruction, excerpt)]
    if "" in texts:
        raise ValueError("empty")
    forms = {
        "seq2seq": "Task: %s\n\nExcerpt:\n%s\n\nAnswer:",
        "causal": "### Instruction:\n%s\n\n### Excerpt:\n%s\n\n### Response:\n",
    }
    return {name: form % tuple(texts) for name, form in forms.items()}


def encode_seq2seq(examples, tokenizer, max_input_length, max_target_length):
    if max_input_length < 1 or max_target_length < 1 or len(examples["prompt"]) != len(examples["target"]):
        raise ValueError("lengths")
    inputs = tokenizer(examples["prompt"], truncation=True, max_length=max_input_length)
    plain = tokenizer(examples["target"], add_special_tokens=False)["input_ids"]
    labels = []
    for ids in plain:
        ids = list(ids)[:max_target_length]
        if len(ids) < max_target_length:
            ids.append(tokenizer.eos_token_id)
        labels.append(ids)
    return {
        "input_ids": [list(ids) for ids in inputs["input_ids"]],
        "attention_mask": [list(mask) for mask in inputs["attention_mask"]],
        "labels": labels,
    }


def encode_causal(examples, tokenizer, max_length):
    import numpy as np

    if max_length < 1 or len(examples["prompt"]) != len(examples["target"]):
        raise ValueError("lengths")
    columns = {"input_ids": [], "attention_mask": [], "labels": []}
    prompts = tokenizer(examples["prompt"], add_special_tokens=False)["input_ids"]
    targets = tokenizer(examples["target"], add_special_tokens=False)["input_ids"]
    for prompt, target in zip(prompts, targets, strict=True):
        row = np.array([*prompt, *target, tokenizer.eos_token_id])
        labels = row.copy()
        labels[: len(prompt)] = -100
        columns["input_ids"].append(row[:max_length].tolist())
        columns["attention_mask"].append(np.ones(min(len(row), max_length), dtype=int).tolist())
        columns["labels"].append(labels[:max_length].tolist())
    return columns


def extract_gadget_type(text):
    import re

    for line in text.split("\n"):
        match = re.search(r"(?:^|\W)gadget[ _-]type[ ]*:", line, re.IGNORECASE)
        if match:
            label = line[match.end() :].split(";")[0].strip()
            return label if label else None
    return None


def normalize_gadget_type(label):
    import itertools

    groups = itertools.groupby(label.lower(), key=str.isalnum)
    words = ["".join(group) for is_word, group in groups if is_word]
    return "".join(filter(lambda word: word not in {"gadget", "gadgets"}, words))


def check_format(text):
    import re

    values, keys = [], []
    for part in text.split(";"):
        key, colon, value = part.strip().partition(":")
        name = key.rstrip(" ").lower() if colon else ""
        known = name in ("gadget_type", "location", "explanation")
        keys.append(name if known else None)
        values.append(value)
    if keys[:3] != ["gadget_type", "location", "explanation"] or any(keys[3:]):
        return False
    return all(re.search(r"[^\W_]", value) is not None for value in values[:3])


def ensemble_vote(labels):
    import pandas as pd

    counts = pd.Series([label for label in labels if label is not None], dtype=object).value_counts(
        sort=False
    )
    result = {"label": None, "votes": 0, "n": len(labels), "share": 0.0, "tie": False}
    if len(counts):
        top = int(counts.max())
        tied = [label for label in labels if label is not None and counts[label] == top]
        share = float(top) / len(labels)
        result.update(label=tied[0], votes=top, share=share, tie=len(set(tied)) > 1)
    return result


def parse_verdict(text):
    import re

    words = "FULL_AGREEMENT|PARTIAL_AGREEMENT|DISAGREEMENT|INVALID"
    lines = text.rstrip().splitlines()
    dress = r"[\s*`]*"
    match = re.fullmatch(rf"{dress}VERDICT:\s*({words}){dress}\.?{dress}", lines[-1] if lines else "", re.I)
    return None if match is None else match.group(1).upper()


def combine_verdicts(ab, ba):
    known = ("FULL_AGREEMENT", "PARTIAL_AGREEMENT", "DISAGREEMENT", "INVALID", None)
    if ab not in known or ba not in known:
        raise ValueError("no verdict")
    ranks = sorted([known.index(ab), known.index(ba)])
    consistent = ranks[0] == ranks[1] < 4
    agrees = ranks[1] < 2
    return {
        "verdict": known[ranks[1]] if consistent or agrees else None,
        "consistent": consistent,
        "semantic_agreement": agrees,
    }


def cohen_kappa(a, b):
    import numpy as np

    if not len(a) or len(a) != len(b) or any(label is None for label in [*a, *b]):
        raise ValueError("ratings")
    names = list(dict.fromkeys([*a, *b]))
    table = np.zeros((len(names), len(names)))
    for one, two in zip(a, b, strict=True):
        table[names.index(one), names.index(two)] += 1
    table /= table.sum()
    expected = float(table.sum(0) @ table.sum(1))
    return float("nan") if expected >= 1 - 1e-12 else (float(np.trace(table)) - expected) / (1 - expected)


def fleiss_kappa(ratings):
    import numpy as np

    n = len(ratings[0]) if len(ratings) else 0
    if n < 2 or any(len(row) != n or None in list(row) for row in ratings):
        raise ValueError("ratings")
    names = list({label for row in ratings for label in row})
    counts = np.array([[list(row).count(name) for name in names] for row in ratings], dtype=float)
    observed = ((counts * (counts - 1)).sum(1) / (n * (n - 1))).mean()
    shares = counts.sum(0) / counts.sum()
    expected = (shares**2).sum()
    return float("nan") if len(names) == 1 else float((observed - expected) / (1 - expected))


def gwet_ac1(ratings, n_classes=None):
    import itertools

    n = len(ratings[0]) if len(ratings) else 0
    if n < 2 or any(len(row) != n for row in ratings) or any(None in list(row) for row in ratings):
        raise ValueError("ratings")
    flat = [label for row in ratings for label in row]
    names = set(flat)
    classes = len(names) if n_classes is None else n_classes
    if classes < len(names):
        raise ValueError("classes")
    if len(names) == 1:
        return 1.0
    equal = [one == two for row in ratings for one, two in itertools.combinations(row, 2)]
    chance = sum(flat.count(x) / len(flat) * (1 - flat.count(x) / len(flat)) for x in names) / (classes - 1)
    return (sum(equal) / len(equal) - chance) / (1 - chance)


def error_correlation(wrong_a, wrong_b):
    import numpy as np

    if not len(wrong_a) or len(wrong_a) != len(wrong_b):
        raise ValueError("lists")
    a, b = np.array(wrong_a, dtype=float), np.array(wrong_b, dtype=float)
    return float(np.corrcoef(a, b)[0, 1]) if 0 < a.mean() < 1 and 0 < b.mean() < 1 else float("nan")


def independent_agreement(p1, p2, n_classes):
    if not 0 <= p1 <= 1 or not 0 <= p2 <= 1 or n_classes < 2:
        raise ValueError("accuracies")
    top, bottom = (n_classes - 1) * p1 * p2, (n_classes - 1) * p1 * p2 + (1 - p1) * (1 - p2)
    return float("nan") if bottom == 0 else top / bottom


def risk_coverage(confidence, correct):
    import numpy as np

    values = np.array(confidence, dtype=float)
    if not len(values) or len(values) != len(correct) or np.isnan(values).any():
        raise ValueError("confidences")
    order = np.argsort(-values, kind="stable")
    ranked, wrong = values[order], 1.0 - np.array(correct, dtype=float)[order]
    last = np.append(ranked[1:] != ranked[:-1], True)
    kept = np.arange(1, len(values) + 1)
    return (kept / len(values))[last].tolist(), (wrong.cumsum() / kept)[last].tolist()


def report_record(example_id, gold_output, predictions, gadget_types, normalized_types, judgment=None):
    if len(predictions) < 2 or {*predictions} != {*gadget_types} or {*predictions} != {*normalized_types}:
        raise ValueError("models")
    first, *others = normalized_types.values()
    agreement = {"full_agreement": bool(first) and all(other == first for other in others)}
    agreement["gadget_types"], agreement["normalized_types"] = gadget_types, normalized_types
    if judgment:
        words = {"verdict": judgment["verdict"], "explanation": judgment["explanation"]}
        agreement |= {"semantic_agreement": judgment["semantic_agreement"], "llm_judgment": words}
    names = ("example_id", "gold_output", "predictions", "agreement")
    return dict(zip(names, (example_id, gold_output, predictions, agreement), strict=True))
