"""Lab 5 solved a second time, by other means than solutions/ uses: what passes there must pass here.

Each function stands in for the solutions' one of the same name, so its imports are in its body. If a hidden
test fails on one of them, the test asks for more than the docstring says.
"""


def normalize_answer(text):
    import re
    import unicodedata

    folded = unicodedata.normalize("NFKC", text).casefold()
    table = {ord(c): None for c in folded if unicodedata.category(c).startswith(("P", "S"))}
    spaced = re.sub(r"\s+", " ", folded.translate(table)).strip()
    bare = re.sub(r"\s+", " ", re.sub(r"(?<!\S)(?:an?|the)(?!\S)", " ", spaced)).strip()
    return bare if bare else spaced


def answer_matches(reply, aliases):
    import re

    for alias in aliases:
        if not alias.strip():
            continue
        start = r"^" if alias in {"yes", "no"} else r"(?<!\S)"
        if re.search(start + re.escape(alias) + r"(?!\S)", reply):
            return True
    return False


def judgment_messages(record, ability, label_mode):
    table = {
        "binary": ({"can": "yes", "uncertain": "yes", "cannot": "no"}, "Reply yes or no."),
        "uncertainty": (
            {"can": "yes", "uncertain": "uncertain", "cannot": "no"},
            "Reply yes, uncertain or no.",
        ),
    }
    if label_mode not in table:
        raise ValueError("label_mode")
    words, choices = table[label_mode]
    lines = ["Context:", record["context"]] if record.get("context") else []
    lines += ["Question: " + record["question"], "Can you answer this question correctly? " + choices]
    turn = dict(role="user", content="\n".join(lines))
    if ability is None:
        return [turn]
    if ability not in words:
        raise ValueError("ability")
    return [turn, dict(role="assistant", content=words[ability])]


def ability_label(correct, rule="share"):
    if len(correct) == 0:
        raise ValueError("no trials")
    if rule == "share":
        wrong = sum(not flag for flag in correct)
        return "can" if wrong == 0 else "uncertain" if wrong <= len(correct) - wrong else "cannot"
    if rule == "any_correct":
        return "can" if all(correct) else "uncertain" if any(correct) else "cannot"
    raise ValueError("rule")


def soft_target(correct):
    successes = 0.5
    failures = 0.5
    for flag in correct:
        successes, failures = successes + bool(flag), failures + (not flag)
    return successes / (successes + failures)


def answer_probabilities(logits, attention_mask, answer_ids):
    import torch

    if logits.dim() != 3 or tuple(attention_mask.shape) != tuple(logits.shape[:2]):
        raise ValueError("shapes")
    used = sum((list(ids) for ids in answer_ids), [])
    if len(used) != len(set(used)) or any(len(ids) == 0 for ids in answer_ids):
        raise ValueError("answer_ids")
    rows = []
    for scores, mask in zip(logits, attention_mask, strict=True):
        real = torch.nonzero(mask).flatten().tolist()
        if not real:
            raise ValueError("padding only")
        among = torch.softmax(scores[max(real)].float()[used], dim=0)
        cuts = [len(ids) for ids in answer_ids]
        rows.append(torch.stack([part.sum() for part in among.split(cuts)]))
    return torch.stack(rows)


def select_misjudged(records):
    def was_wrong(record):
        return not (record["judgment"] is not None and record["judgment"] == record["target"])

    return list(filter(was_wrong, records))


def select_balanced(records, seed):
    import numpy as np

    targets = sorted({record["target"] for record in records})
    if len(targets) <= 1:
        raise ValueError("one target")
    rng = np.random.default_rng(seed)
    places = {t: [i for i, record in enumerate(records) if record["target"] == t] for t in targets}
    size = min(len(found) for found in places.values())
    chosen = np.concatenate([rng.permutation(places[t])[:size] for t in targets])
    return [records[int(i)] for i in rng.permutation(chosen)]


def merge_lora(weight, lora_a, lora_b, alpha):
    import torch

    (out, inside), (rank, a_in), (b_out, b_rank) = weight.shape, lora_a.shape, lora_b.shape
    if rank < 1 or rank != b_rank or inside != a_in or out != b_out:
        raise ValueError("shapes")
    change = torch.einsum("or,ri->oi", lora_b.to(torch.float32), lora_a.to(torch.float32)) * alpha / rank
    return torch.add(weight.to(torch.float32), change).type(weight.dtype)


def auroc(scores, labels):
    import numpy as np

    if len(scores) != len(labels) or np.isnan(np.asarray(scores, float)).any():
        raise ValueError("scores")
    flags = np.asarray(labels, bool)
    up, down = int(flags.sum()), int((~flags).sum())
    if up == 0 or down == 0:
        return float("nan")
    _, level, counts = np.unique(np.asarray(scores, float), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[level]
    return float((ranks[flags].sum() - up * (up + 1) / 2) / up / down)


def calibration(probabilities, outcomes, bins=10):
    import numpy as np

    p, y = np.asarray(probabilities, float), np.asarray(outcomes, float)
    if bins < 1 or len(p) == 0 or len(p) != len(y) or not ((p >= 0) & (p <= 1)).all():
        raise ValueError("probabilities")
    number = np.clip((p * bins).astype(int), 0, bins - 1)
    table = []
    for k in np.unique(number):
        inside = number == k
        row = {"low": int(k) / bins, "high": (int(k) + 1) / bins, "n": int(inside.sum())}
        table.append({**row, "confidence": float(p[inside].mean()), "accuracy": float(y[inside].mean())})
    return {"ece": sum(r["n"] * abs(r["confidence"] - r["accuracy"]) for r in table) / len(p), "bins": table}


def brier_decomposition(probabilities, outcomes, bins=10):
    import numpy as np

    p, y = np.asarray(probabilities, float), np.asarray(outcomes, float)
    if bins < 1 or len(p) == 0 or len(p) != len(y) or not ((p >= 0) & (p <= 1)).all():
        raise ValueError("probabilities")
    number = np.minimum((p * bins).astype(int), bins - 1)
    counts = np.bincount(number, minlength=bins)
    filled = counts > 0
    f = np.bincount(number, weights=p, minlength=bins)[filled] / counts[filled]
    o = np.bincount(number, weights=y, minlength=bins)[filled] / counts[filled]
    share = counts[filled] / len(p)
    rel, res, unc = share @ (f - o) ** 2, share @ (o - y.mean()) ** 2, y.mean() * (1 - y.mean())
    score = ((p - y) ** 2).mean()
    found = (score, rel, res, unc, score - rel + res - unc)
    return dict(
        zip(("brier", "reliability", "resolution", "uncertainty", "within"), map(float, found), strict=True)
    )


def ability_confusion(predicted, actual):
    names = ["can", "uncertain", "cannot"]
    if len(actual) == 0 or len(actual) != len(predicted):
        raise ValueError("sizes")
    matrix = {a: {b: 0 for b in names} for a in names}
    unread = 0
    for said, true in zip(predicted, actual, strict=True):
        if true not in names or (said is not None and said not in names):
            raise ValueError("names")
        if said is None:
            unread += 1
        else:
            matrix[true][said] += 1
    n = len(actual)
    return {
        "n": n,
        "unparsed": unread,
        "exact_match": (matrix["can"]["can"] + matrix["uncertain"]["uncertain"] + matrix["cannot"]["cannot"])
        / n,
        "matrix": matrix,
        "predicted": {b: sum(matrix[a][b] for a in names) / n for b in names},
        "actual": {a: len([t for t in actual if t == a]) / n for a in names},
    }


def selective_accuracy(confidence, correct):
    from collections import defaultdict

    if len(correct) == 0 or len(confidence) != len(correct) or any(c != c for c in confidence):
        raise ValueError("confidence")
    groups = defaultdict(list)
    for sure, flag in zip(confidence, correct, strict=True):
        groups[sure].append(bool(flag))
    gains = []
    for sure in sorted(groups, reverse=True):
        gains += [sum(groups[sure]) / len(groups[sure])] * len(groups[sure])
    made, total = [], 0.0
    for k, gain in enumerate(gains, start=1):
        total += gain
        made.append(total / k)
    return made


def judgment_skill(said_yes, correct):
    import numpy as np

    said, right = np.asarray(said_yes, bool), np.asarray(correct, bool)
    if right.size == 0 or said.shape != right.shape:
        raise ValueError("sizes")
    base, hits = float(right.mean()), float((said == right).mean())
    best = base if base >= 0.5 else 1 - base
    return {
        "accuracy": hits,
        "qa_accuracy": base,
        "constant": best,
        "skill": hits - best,
        "overconfident": float((said & ~right).mean()),
        "underconfident": float((~said & right).mean()),
    }


def frozen_and_refreshed(judgments, labels):
    if not labels or len(judgments) != len(labels):
        raise ValueError("epochs")
    size = len(labels[0])
    if size == 0 or any(len(row) != size for row in [*judgments, *labels]):
        raise ValueError("items")
    found = {"frozen": [], "refreshed": [], "moved": []}
    for said, now in zip(judgments, labels, strict=True):
        found["frozen"].append(sum(a == b for a, b in zip(said, labels[0], strict=True)) / size)
        found["refreshed"].append(sum(a == b for a, b in zip(said, now, strict=True)) / size)
        found["moved"].append(sum(a != b for a, b in zip(now, labels[0], strict=True)) / size)
    return found
