"""Lab 2 solved a second time, by other means than solutions/ uses: what passes there must pass here.

Each function stands in for the solutions' one of the same name, so its imports are in its body. If a hidden
test fails on one of them, the test asks for more than the docstring says.
"""


def parse_draft(text):
    def answer_of(rest):
        rest = rest.strip()
        for word, value in (("yes", True), ("no", False)):
            if rest[: len(word)].lower() != word:
                continue
            tail = rest[len(word) :]
            sign = tail.lstrip()
            if not sign:
                return value, ""
            if sign[0] in ",.;:" or (sign[0] in "-–—" and len(sign) < len(tail)):
                return value, sign[1:].strip()
        return None, ""

    lines = text.replace("*", "").split("\n")
    keyed = [line.strip() for line in lines]
    answers = [line for line in keyed if line.lower().startswith("answer:")]
    value, why = answer_of(answers[0][7:]) if answers else (None, "")
    questions = []
    for number, line in enumerate(keyed):
        if line.lower().startswith("questions:"):
            rest = " ".join([line[10:], *keyed[number + 1 :]])
            for piece in rest.split("?")[:-1]:
                words = " ".join(f"{piece}?".split())
                if any(character.isalnum() for character in words):
                    questions.append(words)
            break
    return {"answer": value, "reasoning": why, "questions": questions}


def parse_teacher(text):
    import re

    found = list(re.finditer(r"answer is([^\n]*)", text, re.IGNORECASE))
    if not found:
        return None
    match = re.fullmatch(r"[\s:*_\[\]\"'.]*(yes|no)[\s:*_\[\]\"'.]*", found[-1][1], re.IGNORECASE)
    return None if match is None else len(match[1]) == 3


def quality_report(records):
    if len(records) == 0 or not all(record["answer"] in (True, False) for record in records):
        raise ValueError("records")
    cells = [(r["answer"], r["teacher_answer"]) for r in records]
    yes_kept, no_kept = cells.count((True, True)), cells.count((False, False))
    yes, none = sum(gold for gold, _ in cells), sum(said is None for _, said in cells)
    no, kept = len(cells) - yes, yes_kept + no_kept
    nan = float("nan")
    return {
        "n": len(cells),
        "unparsed": none,
        "wrong": cells.count((True, False)) + cells.count((False, True)),
        "kept": kept,
        "recall_yes": yes_kept / yes if yes else nan,
        "recall_no": no_kept / no if no else nan,
        "prior_yes": yes / len(cells),
        "kept_prior_yes": yes_kept / kept if kept else nan,
    }


def training_text(record, target):
    question, answer = record["question"].strip(), record["answer"]
    if target not in ("answer", "rationale") or question == "" or answer not in (True, False):
        raise ValueError("not to be taught")
    lines = []
    if target == "rationale":
        rationale = record.get("rationale", "").strip()
        if rationale == "":
            raise ValueError("no rationale")
        lines.append(rationale)
    lines.append("Answer: " + ("No", "Yes")[answer])
    turns = (("user", "Question: " + question), ("assistant", "\n".join(lines)))
    return [dict(zip(("role", "content"), turn, strict=True)) for turn in turns]


def assistant_mask(messages, tokenizer, max_length):
    import numpy as np

    if max_length < 1:
        raise ValueError("max_length")
    made = tokenizer.apply_chat_template(
        [messages], tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )
    ids = np.array(made["input_ids"][0])
    mask = np.array(made["assistant_masks"][0], dtype=bool)
    if not mask.any():
        raise ValueError("no assistant")
    behind = np.concatenate([[False], mask[:-1]]) & (ids == tokenizer.eos_token_id)
    labels = np.where(mask | behind, ids, -100)
    row = ids[:max_length].tolist()
    return {"input_ids": row, "attention_mask": [1 for _ in row], "labels": labels[:max_length].tolist()}


def kept_prior(prior, recall_yes, recall_no):
    import math

    for number in (prior, recall_yes, recall_no):
        if math.isnan(number) or number < 0 or number > 1:
            raise ValueError("share")
    kept = [prior * recall_yes, (1 - prior) * recall_no]
    if sum(kept) == 0:
        return math.nan
    if kept[0] == 0:
        return 0.0
    return 1 / (1 + kept[1] / kept[0])


def log_odds_shift(before, after):
    import math

    if not min(before, after, 1 - before, 1 - after) > 0 or math.isnan(before) or math.isnan(after):
        raise ValueError("share")
    return math.log(after) - math.log1p(-after) - math.log(before) + math.log1p(-before)


def class_weights(labels, prior):
    import numpy as np

    if not (prior > 0 and prior < 1):
        raise ValueError("prior")
    if any(label is not True and label is not False for label in labels):
        raise ValueError("labels")
    flags = np.array(labels, dtype=bool)
    if len(flags) == 0 or flags.all() or not flags.any():
        raise ValueError("one class")
    share = flags.mean()
    return np.where(flags, prior / share, (1 - prior) / (1 - share)).tolist()


def upsample(records, seed):
    import numpy as np

    if any(record["answer"] is not True and record["answer"] is not False for record in records):
        raise ValueError("answer")
    places = {flag: [i for i, r in enumerate(records) if r["answer"] is flag] for flag in (True, False)}
    if not places[True] or not places[False]:
        raise ValueError("class")
    rng = np.random.default_rng(seed)
    wanted = max(map(len, places.values()))
    chosen = []
    for members in places.values():
        order = rng.permutation(members).tolist()
        chosen += [order[i % len(order)] for i in range(wanted)]
    return [records[int(i)] for i in rng.permutation(chosen)]


def rationalise(record, reply, said):
    if record["answer"] is not True and record["answer"] is not False:
        raise ValueError("answer")
    if said is None or bool(said) != record["answer"]:
        return None

    def speaks_of_it(line):
        letters = "".join(c if c.isalnum() or c == "_" else " " for c in line.lower())
        return bool({"hint", "hints"} & set(letters.split()))

    left = [line.strip() for line in reply.split("\n") if line.strip() and not speaks_of_it(line)]
    if left == []:
        return None
    return {
        "qid": record["qid"],
        "question": record["question"],
        "answer": record["answer"],
        "rationale": "\n".join(left),
        "rationalised": True,
    }


def lora_coverage(module_shapes, targets, r):
    if len(module_shapes) == 0 or r < 1:
        raise ValueError("layers")
    used, kinds = set(), {}
    for name in module_shapes:
        hit = [target for target in targets if ("." + name).endswith("." + target)]
        used.update(hit)
        entry = kinds.setdefault(name.rsplit(".", 1)[-1], {"modules": 0, "reached": 0, "trainable": 0})
        entry["modules"] += 1
        if hit:
            entry["reached"] += 1
            entry["trainable"] += r * sum(module_shapes[name])
    return {
        "kinds": kinds,
        "trainable": sum(entry["trainable"] for entry in kinds.values()),
        "missed": sorted(kind for kind in kinds if kinds[kind]["reached"] != kinds[kind]["modules"]),
        "unmatched": [target for target in targets if target not in used],
    }


def consensus(answers):
    yes, no = (sum(answer is value for answer in answers) for value in (True, False))
    rest = len(answers) - yes - no
    return True if yes > no + rest else False if no > yes + rest else None


def parse_prediction(text):
    lines = [line.strip() for line in text.replace("*", "").split("\n")]
    lines = [line for line in lines if line]
    chosen = lines[0] if lines else ""
    for line in lines:
        if line[:7].lower() == "answer:":
            chosen = line[7:].lstrip()
            last = chosen
    if any(line[:7].lower() == "answer:" for line in lines):
        chosen = last
    for word, value in (("yes", True), ("no", False)):
        if chosen.lower().startswith(word):
            tail = chosen[len(word) :]
            sign = tail.strip()
            dash = sign[:1] in ("-", "–", "—") and tail[:1].isspace()
            if not sign or sign[0] in ",.;:!" or dash:
                return value
    return None


def prediction_report(predictions, gold):
    import math

    if len(gold) == 0 or len(gold) != len(predictions) or not all(g in (True, False) for g in gold):
        raise ValueError("lists")
    if any(g is None for g in gold):
        raise ValueError("gold")
    cell = {(p, g): 0 for p in (True, False, None) for g in (True, False)}
    for p, g in zip(predictions, gold, strict=True):
        cell[p, g] += 1
    n, yes = len(gold), sum(cell[p, True] for p in (True, False, None))
    read = n - cell[None, True] - cell[None, False]
    hit = cell[True, True] + cell[False, False]

    def over(a, b):
        return a / b if b else math.nan

    root = math.prod(
        math.sqrt(x)
        for x in (
            cell[True, True] + cell[True, False],
            cell[True, True] + cell[False, True],
            cell[False, False] + cell[True, False],
            cell[False, False] + cell[False, True],
        )
    )
    cross = cell[True, True] * cell[False, False] - cell[True, False] * cell[False, True]
    recalls = over(cell[True, True], yes), over(cell[False, False], n - yes)
    return {
        "n": n,
        "parsed": read,
        "parse_rate": read / n,
        "yes_rate": (cell[True, True] + cell[True, False]) / n,
        "no_rate": (cell[False, True] + cell[False, False]) / n,
        "accuracy": hit / n,
        "accuracy_parsed": over(hit, read),
        "recall_yes": recalls[0],
        "recall_no": recalls[1],
        "balanced_accuracy": sum(recalls) / 2,
        "mcc": over(cross, root),
        "majority": max(yes, n - yes) / n,
    }


def exact_mcnemar(b, c):
    if min(b, c) < 0:
        raise ValueError("counts")
    n, term, total = b + c, 1, 0
    for k in range(min(b, c) + 1):
        total += term
        term = term * (n - k) // (k + 1)
    whole = 1 << n
    return 1.0 if 2 * total >= whole else 2 * total / whole


def wilson_interval(successes, n):
    import numpy as np

    if n < 1 or successes < 0 or successes > n:
        raise ValueError("counts")
    z2, p = 1.959964**2 / n, successes / n
    roots = np.roots([1 + z2, -(2 * p + z2), p * p])
    low, high = sorted(float(root.real) for root in roots)
    return low, high
