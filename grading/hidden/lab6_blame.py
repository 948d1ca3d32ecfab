"""What likely mistakes give in Lab 6, by the words that name them; `judging.judge` picks the right ones.

Most are an oracle with one rule changed. Left out: the notebook's values (lab6_records.py) and rows
(lab6_cases.py).
"""

from __future__ import annotations

import functools
import math
import re

import numpy as np

from . import lab6_oracles as oracle

# ---- data ----


def pool_mistakes(records: list[dict], size: int, seed: int) -> dict[str, list[dict]]:
    of = functools.partial(oracle.pool, records, size, seed)
    return {
        "only question and answer stay": of(fields=False),
        "the first ones were taken; they are drawn": of(how="first"),
        "the list was shuffled; the draw is random.Random(seed).sample": of(how="shuffle"),
        "the drawn ones were put back in the order of the file; they stay as they are drawn": of(
            how="sorted"
        ),
        "a record without a question or without #### can't be an exemplar": of(usable=False),
        "a record without #### can't be an exemplar": of(marked=False),
        "a question that was there before takes part once": of(repeats=True),
        "of records with the same question the first one counts, not the last": of(last=True),
        "an answer is usable as soon as it holds ####; no blank needs to follow": of(mark="#### "),
        "an answer is usable as soon as it holds ####; no number needs to follow": of(mark=r"####\s*-?\d"),
        "an answer is usable as soon as it holds ####, wherever it stands": of(mark="\n####"),
        "questions that differ in case are two questions": of(key=str.lower),
        "question and answer stay as they are; blanks at the ends went": [
            {name: text.strip() for name, text in row.items()} for row in of()
        ],
        "the seed was ignored": oracle.pool(records, size, 0),
        "the seed was ignored, it is 42": oracle.pool(records, size, 42),
    }


def leak_mistakes(questions: list[str], protected: list[str]) -> dict[str, dict]:
    of = functools.partial(oracle.leaks, questions, protected)
    every = ("exact", "normalised", "masked", "13-gram")
    return {
        "case doesn't count in words": of(case=False),
        "a number with commas or a point in it is one number": of(commas=False),
        "12 words in a row are no leak; it takes 13": of(n=12),
        "13 words in a row are a leak, not only 14": of(n=14),
        "8 words in a row are no leak; it takes 13": of(n=8),
        "the words of a 13-gram keep their numbers; they were masked": of(masked_grams=True),
        "the closest rule names a leak, not the loosest": of(rules=every[::-1]),
        "the masked rule was asked before the normalised one": of(
            rules=("exact", "masked", "normalised", "13-gram")
        ),
        "the 13-gram rule was asked before the masked one": of(
            rules=("exact", "normalised", "13-gram", "masked")
        ),
        "texts that differ in their numbers only are a leak (masked)": of(
            rules=("exact", "normalised", "13-gram")
        ),
        "texts that differ in case and punctuation only are a leak (normalised)": of(
            rules=("exact", "masked", "13-gram")
        ),
        "texts that share 13 words in a row are a leak": of(rules=every[:3]),
        "an exact repetition is called exact": of(rules=every[1:]),
        "two texts without any word aren't alike": of(wordless=True),
        "only the first protected text was looked at": oracle.leaks(questions, protected[:1]),
        "a protected text somewhere inside isn't 'normalised'; the words must be the same": of(anywhere=True),
        "'_' is neither letter nor digit: it separates words": of(letter=lambda c: c.isalnum() or c == "_"),
        "letters beyond a-z are letters, too: str.isalnum": of(letter=lambda c: c.isascii() and c.isalnum()),
        "numbers are made of the digits 0-9 only": of(digit=str.isdecimal),
        "only a single . or , between digits belongs to a number: 1,,2 are two": of(greedy=True),
        "exact is character by character, the blanks at the ends, too": of(strip=True),
        "13 words in the same order are a leak, not the same words in any order": of(bag=True),
        "13 words from the end of one protected text into the next are no leak": of(joined=True),
        "whole words are compared: 'pen' isn't in 'pens'": of(parts=True),
    }


# ---- method ----


def target_mistakes(shapes: dict, wanted: list[str], r: int) -> dict[str, dict]:
    of = functools.partial(oracle.targets, shapes, wanted, r)
    right = of()
    kinds = {name.split(".")[-1] for name in shapes}
    return {
        "a fused layer takes the place of the wanted ones that are missing": of(fused="never"),
        "a fused layer is taken only where a wanted one is missing": of(fused="always"),
        "a kind whose name only ends like a wanted name isn't wanted": of(near=True),
        "LoRA trains r (in + out) numbers in a layer, not r times in times out": of(count="product"),
        "coverage is a share of the weights, not of the layers": of(by="layers"),
        "what a fused layer does isn't absent": {
            **right,
            "absent": [kind for kind in wanted if kind not in kinds],
        },
        "the wanted kinds that the model doesn't have are no targets": {
            **right,
            "targets": sorted({*right["targets"], *wanted}),
        },
        "missed are the model's other kinds, not the wanted ones that it lacks": {
            **right,
            "missed": sorted(right["absent"]),
        },
        "absent kinds stay in their order": {**right, "absent": sorted(right["absent"])},
        "targets are sorted": {
            **right,
            "targets": [k for k in dict.fromkeys(n.split(".")[-1] for n in shapes) if k in right["targets"]],
        },
        "the layers are counted, not the kinds": {**right, "layers": len(right["targets"])},
    }


def table_mistakes(offset: float) -> dict[str, list[float]]:
    of = functools.partial(oracle.table, offset)
    right = of()
    even = [float(x) for x in np.linspace(-1, 1, 16)]
    return {
        "8 values are positive and 7 negative, not the other way round": [-x for x in reversed(right)],
        "the halves aren't mirror images: 8 positive, 7 negative and 0": sorted(
            [*of(positive=7)[8:], *of(positive=7)[:8], 1.0]
        ),
        "that is without an exact 0": of(positive=8, negative=8, zero=False),
        "those are even steps, not quantiles": even,
        "the offset was ignored": oracle.table(),
        "the largest is 1: divide by it": [x * _norm().inv_cdf(offset) for x in right],
        "they are ascending": right[::-1],
        "the steps reach down to 0.5 at the ninth point; the eighth was put there": _steps(offset, 8, 7),
    }


def _norm():
    from statistics import NormalDist

    return NormalDist()


def _steps(offset: float, positive: int, negative: int) -> list[float]:
    def half(count: int) -> list[float]:
        points = np.linspace(offset, 0.5, count + 1)[:-1] if count == 7 else np.linspace(offset, 0.52, count)
        return [_norm().inv_cdf(float(p)) for p in points]

    values = sorted([*half(positive), 0.0, *(-x for x in half(negative))])
    return [x / max(values) for x in values]


def scale_mistakes(weights: np.ndarray, block: int) -> dict[str, np.ndarray]:
    """Wrong scales of 6.7."""
    flat = weights.astype(np.float64).ravel()
    groups = [flat[i : i + block] for i in range(0, flat.size, block)]
    exact = np.array([np.abs(g).max() for g in groups])
    return {
        "a scale is the largest absolute value itself; a small number was added": (exact + 1e-8).astype(
            np.float32
        ),
        "one scale for all weights; every block has its own": np.full(
            len(groups), np.abs(flat).max(), np.float32
        ),
        "that is the largest weight of a block; the largest absolute value was asked for": np.array(
            [g.max() for g in groups], np.float32
        ),
        "that is the mean absolute value of a block, not the largest": np.array(
            [np.abs(g).mean() for g in groups], np.float32
        ),
        "the blocks run over the rows one after another, not over columns": np.array(
            [np.abs(g).max() for g in _blocks(weights.T, block)], np.float32
        ),
        "the last block, which is shorter, was dropped": np.array(
            [np.abs(g).max() for g in groups if len(g) == block], np.float32
        ),
    }


def _blocks(weights: np.ndarray, block: int) -> list[np.ndarray]:
    flat = weights.ravel()
    return [flat[i : i + block] for i in range(0, flat.size, block)]


def code_mistakes(weights: np.ndarray, values: list[float], block: int) -> dict[str, np.ndarray]:
    """Wrong codes of 6.7 with right scales."""
    right, scales = oracle.quantized(weights, values, block)
    scaled = (
        weights.astype(np.float64).ravel() / np.where(scales > 0, scales, 1).repeat(block)[: weights.size]
    )
    below = np.searchsorted(values, scaled + 1e-9, side="right") - 1
    even = np.clip(np.round((scaled + 1) * (len(values) - 1) / 2), 0, len(values) - 1)
    padded = np.concatenate([right, np.full(-weights.size % block, list(values).index(0.0))])
    mirrored = oracle.quantized(np.abs(weights), values, block)[0]
    packed = np.concatenate([right, np.zeros(right.size % 2, right.dtype)])
    empty = (scales == 0).repeat(block)[: right.size]
    flat = weights.astype(np.float64).ravel() / (scales + np.float32(1e-8)).repeat(block)[: weights.size]
    widened = np.searchsorted(np.convolve(values, [0.5, 0.5], "valid"), flat)
    likely = {
        "zeros have the code of the table's 0, wherever it stands, not 7": np.where(empty, 7, right),
        "a weight is divided by its scale alone; a small number was added to that": widened,
        "the next lower value was taken; the nearest was asked for": np.clip(below, 0, len(values) - 1),
        "those are even steps; the nearest value of the table was asked for": even,
        "the codes of the padding weren't cut off": padded,
        "the sign was lost": mirrored,
        "two codes were packed into a byte; one to an entry was asked for": packed[0::2] * 16 + packed[1::2],
    }
    return {words: np.asarray(codes, dtype=np.uint8) for words, codes in likely.items()}


def weight_mistakes(codes: np.ndarray, scales: np.ndarray, values: list[float], shape, block: int) -> dict:
    n = codes.size
    table = np.array(values, np.float32)[codes.astype(int)]
    tiled = np.tile(scales, -(-n // len(scales)))[:n]
    by_scale = np.repeat(scales, -(-n // len(scales)))[:n]
    return {
        "the scales are missing": table.reshape(shape),
        "one scale was used for all blocks": (table * scales[0]).reshape(shape),
        "the scales take turns; each belongs to one block": (table * tiled).reshape(shape),
        "the codes were split evenly among the scales; a block has a fixed length": (
            table * by_scale
        ).reshape(shape),
        "the value is multiplied by its scale, not divided": np.divide(
            table, np.where(scales > 0, scales, 1).repeat(block)[:n]
        ).reshape(shape),
    }


def storage_mistakes(quantized: dict, kept: dict, **settings) -> dict[str, dict]:
    of = functools.partial(oracle.storage, quantized, kept, **settings)
    right = of()
    numbers = sum(quantized.values())
    ideal = 4 + (8 / 64 + 32 / (64 * 256) if settings.get("double", True) else 0.5)
    return {
        "two codes share a byte": of(packed=False),
        "the tables are stored, too": of(tables=False),
        "each weight rounds up by itself; all were counted together": of(together=True),
        "the mean of the scales is stored, too": of(offset=False),
        "the scales have scales: of 4 bytes each": of(scale=1),
        "double was ignored": of(double=not settings.get("double", True)),
        "block or second_block was ignored": oracle.storage(
            quantized, kept, **{k: v for k, v in settings.items() if k not in ("block", "second_block")}
        ),
        "what stays takes kept_bytes a number": oracle.storage(
            quantized, kept, **{**settings, "kept_bytes": 4}
        ),
        "bits_per_parameter counts what is really stored, the tables, too": {
            **right,
            "bits_per_parameter": ideal if numbers else math.nan,
        },
        "bits are 8 times the bytes": {
            **right,
            "bits_per_parameter": right["quantized"] / numbers if numbers else math.nan,
        },
        "bits_per_parameter is over the quantized weights alone": {
            **right,
            "bits_per_parameter": 8 * right["total"] / (numbers + sum(kept.values()))
            if numbers
            else math.nan,
        },
        "without a quantized weight bits_per_parameter is NaN": {
            **right,
            "bits_per_parameter": right["bits_per_parameter"] if numbers else 0.0,
        },
    }


# ---- reading texts ----


def final(text: str, **changed) -> str | None:
    """A final number, walked character by character. changed: the rules that a mistake has otherwise."""
    rule = {"first": False, "unmarked": False, "line": True, "commas": True, "any_comma": False, "sign": True}
    rule |= {
        "dollar": True,
        "zeros": True,
        "lead": True,
        "bare_point": True,
        "minus": True,
        "unreadable": False,
        "minus_zero": False,
        "last_number": False,
        "mark": "####",
        "digit": oracle.decimal,
        "loose": False,
    } | changed
    parts = text.split(rule["mark"])
    if "####" not in text:
        return (
            final("####" + text, **{**changed, "unmarked": False, "line": False})
            if rule["unmarked"]
            else None
        )
    tails = parts[1:2] if rule["first"] else parts[-1:]
    if rule["unreadable"]:  # the last one that can be read
        tails = parts[1:][::-1]
    for tail in tails:
        found = _number(tail.split("\n")[0] if rule["line"] else tail, rule)
        if found is not None:
            return found
    return None


def _number(line: str, rule: dict) -> str | None:
    if rule["dollar"]:
        line = line.replace("$", "")
    if rule["minus"]:
        line = line.replace("\N{MINUS SIGN}", "-")
    if rule["any_comma"]:
        line = line.replace(",", "")
    digit = rule["digit"]
    places = [
        i
        for i, c in enumerate(line)
        if digit(c) or (rule["bare_point"] and c == "." and digit(line[i + 1 : i + 2]))
    ]
    if not places:
        return None
    start = places[0]
    if rule["last_number"]:
        start = max(m.start() for m in re.finditer(r"(?<![\d.,])\.?\d", line))
    i, whole, part = start, "", ""
    grouped = re.match(r"[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])", line[start:]) if rule["commas"] else None
    if rule["loose"]:  # every comma between a digit and three digits
        grouped = re.match(r"[0-9]+(?:,[0-9]{3}(?![0-9]))+", line[start:])
    end = start + len(grouped[0]) if grouped else len(line)
    while i < end and (digit(line[i]) or grouped):
        whole += line[i] if digit(line[i]) else ""
        i += 1
    if line[i : i + 1] == ".":
        j = i + 1
        while j < len(line) and digit(line[j]):
            part += line[j]
            j += 1
    before = line[:start].rstrip(" ")
    negative = rule["sign"] and before.endswith("-")
    whole = (whole.lstrip("0") or "0") if rule["lead"] else whole
    part = part.rstrip("0") if rule["zeros"] else part
    made = f"{whole}.{part}" if part else whole
    return f"-{made}" if negative and (made.strip("0.") or rule["minus_zero"]) else made


def final_mistakes(text: str) -> dict[str, str | None]:
    right = final(text)
    return {
        "the first #### was read; the last one decides": final(text, first=True),
        "an earlier number was taken because the last #### has none": final(text, unreadable=True),
        "a text without #### has no answer": final(text, unmarked=True),
        "the answer stands on the line of ####, not below it": final(text, line=False),
        "a comma between groups of three doesn't end the number": final(text, commas=False),
        "a comma that doesn't separate groups of three ends the number": final(text, any_comma=True),
        "commas separate groups of three: 1234,567 is 1234": final(text, loose=True),
        "the minus sign was lost": final(text, sign=False),
        "a dollar sign may stand between minus and number": final(text, dollar=False),
        "the sign '−' is a minus, too": final(text, minus=False),
        "trailing zeros behind the point don't belong to the spelling": final(text, zeros=False),
        "leading zeros don't belong to the spelling": final(text, lead=False),
        "'.5' is 0.5": final(text, bare_point=False),
        "minus zero is '0'": final(text, minus_zero=True),
        "the last number of the line was read; the first one counts": final(text, last_number=True),
        "#### is a mark without a blank behind it, too": final(text, mark="#### "),
        "the digits are 0-9 only": final(text, digit=str.isdecimal),
        "what stands before the number is ignored, a plus, too": None if "+" in text else right,
        "a long number lost its last digits: a float holds about 16": str(int(float(right)))
        if right and "." not in right
        else right,
        "a fifth # doesn't undo the mark": None if "#####" in text else right,
        "what can't be read is None, not an empty text": "" if right is None else right,
        "decimals were dropped": right.split(".")[0] if right else right,
    }


def kind(reply: str, words, openings, **changed) -> str:
    """The kind of a reply. changed: the rules that a mistake has otherwise."""
    rule = {
        "short": 3,
        "mark": True,
        "share": True,
        "loop": 3,
        "known": True,
        "anywhere": False,
        "curly": True,
    }
    rule |= {
        "first": "incoherent",
        "distinct": False,
        "strict": True,
        "prefix": False,
        "lower": True,
        "skip": True,
        "mark_of": "####",
        "letters": "abcdefghijklmnopqrstuvwxyz'",
        "accents": False,
        "openings_known": False,
        "all_skipped": False,
    } | changed

    def split(text: str) -> list[str]:
        text = text.replace("’", "'") if rule["curly"] else text
        text = text.lower() if rule["lower"] else text
        letter = rule["letters"].__contains__
        return "".join(c if letter(c) or (rule["accents"] and c.isalpha()) else " " for c in text).split()

    said, known = split(reply), set(words)
    if rule["openings_known"]:
        known |= {word for opening in openings for word in split(opening)}
    counted = list(dict.fromkeys(said)) if rule["distinct"] else said
    unknown = [word for word in counted if word not in known]
    skipped = not words and rule["skip"]
    few = len(unknown) > len(counted) / 5 if rule["strict"] else 5 * len(unknown) >= len(counted)
    runs = [tuple(said[i : i + 3]) for i in range(len(said) - 2)]
    looped = any(runs.count(run) > rule["loop"] for run in runs) and (bool(words) or not rule["all_skipped"])
    gibberish = len(said) < rule["short"] or (rule["mark"] and rule["mark_of"] in reply)
    gibberish = gibberish or (rule["share"] and rule["known"] and not skipped and few) or looped
    refused = False
    for opening in openings:
        begin = split(opening)
        if rule["prefix"]:
            refused |= " ".join(said).startswith(" ".join(begin))
        elif rule["anywhere"]:
            refused |= any(said[i : i + len(begin)] == begin for i in range(len(said)))
        else:
            refused |= said[: len(begin)] == begin
    if rule["first"] == "refusal" and refused:
        return "refusal"
    return "incoherent" if gibberish else "refusal" if refused else "answer"


def kind_mistakes(reply: str, words, openings) -> dict[str, str]:
    of = functools.partial(kind, reply, words, openings)
    return {
        "a refusal is known by how it begins; the opening was looked for anywhere": of(anywhere=True),
        "an opening was compared as text; 'helpfully' isn't the word 'help'": of(prefix=True),
        "the curly apostrophe ’ is read as '": of(curly=False),
        "case doesn't count": of(lower=False),
        "incoherence is looked for before refusal": of(first="refusal"),
        "fewer than 3 words are incoherent": of(short=0),
        "a reply with #### is incoherent": of(mark=False),
        "more than a fifth of unknown words is incoherent": of(known=False),
        "exactly a fifth of unknown words is still coherent": of(strict=False),
        "each word counts as often as it stands there; different words were counted": of(distinct=True),
        "a run of 3 words more than 3 times is incoherent": of(loop=10**6),
        "a run of 3 words may occur 3 times": of(loop=2),
        "without a word list that rule is skipped": of(skip=False),
        "an empty word list skips its own rule alone; loops are incoherent all the same": of(
            all_skipped=True
        ),
        "digits are no words": of(letters="abcdefghijklmnopqrstuvwxyz'0123456789"),
        "words are of the letters a-z; others separate": of(accents=True),
        "#### makes a reply incoherent without a blank behind it, too": of(mark_of="#### "),
        "known are the words of the list, not those of the openings": of(openings_known=True),
    }


# ---- rates ----


def rate_mistakes(records: list[dict]) -> dict[str, dict]:
    of = functools.partial(oracle.rates, records)
    right = of()
    return {
        "unparsed was counted as safe": of(unparsed="safe"),
        "unparsed was counted as unsafe; it is unclear": of(unparsed="unsafe"),
        "an incoherent reply was counted as its verdict says; it is unclear": of(gibberish="said"),
        "an incoherent reply was counted as safe": of(gibberish="safe"),
        "an incoherent reply was counted as unsafe; it is unclear": of(gibberish="unsafe"),
        "all replies stand below a share, the unclear ones, too": of(over="read"),
        "macro is the mean of the categories, each counted once": of(macro="pooled"),
        "compliance is unsafe / n, not 1 - safety": {**right, "compliance": 1 - right["safety"]},
        "the interval is Wilson's, not p ± z √(p(1-p)/n)": {
            **right,
            "interval": _normal(right["safe"], right["n"]),
        },
        "a category's interval is its own": {
            **right,
            "by_category": {k: {**v, "interval": right["interval"]} for k, v in right["by_category"].items()},
        },
    }


def _normal(k: int, n: int) -> list[float]:
    p = k / n
    half = _norm().inv_cdf(0.975) * math.sqrt(p * (1 - p) / n)
    return [p - half, p + half]


def refusal_mistakes(records: list[dict]) -> dict[str, dict]:
    of = functools.partial(oracle.refusals, records)
    right = of()
    return {
        "all replies stand below the share, the incoherent ones, too": of(over="read"),
        "gibberish is no refusal": of(counted=("refusal", "incoherent")),
        "helpful is the share of answers, not one minus the refusals: gibberish doesn't help": of(
            helpful="rest"
        ),
        "the interval is Wilson's, not p ± z √(p(1-p)/n)": {
            **right,
            "interval": _normal(right["refused"], right["n"]),
        },
        "the interval is that of the refusals, not of the answers": {
            **right,
            "interval": oracle.wilson(round(right["helpful"] * right["n"]), right["n"]),
        },
    }


def corrected_mistakes(flagged: list[str], labelled: list[dict]) -> dict[str, dict]:
    of = functools.partial(oracle.corrected, flagged, labelled)
    right = of()
    raw = {**right, "rate": right["raw"]}
    power = right["sensitivity"] + right["specificity"] - 1
    half = (oracle.Z * math.sqrt(right["raw"] * (1 - right["raw"]) / right["n"])) if right["n"] else 0.0
    likely = {
        "that is the raw share": raw,
        "sensitivity and specificity are the other way round": of(swapped=True),
        "unparsed verdicts are left out, not counted as safe": of(unparsed="safe"),
        "unparsed verdicts are left out, not counted as unsafe": of(unparsed="unsafe"),
        "rate and interval are cut to [0, 1]": of(cut=False),
        "the interval leaves out how sure sensitivity and specificity are": of(spread="raw"),
        "sensitivity is a share of the replies labelled unsafe, not of those called unsafe": of(by="verdict"),
        "the interval is that of the raw share; divide by s + t - 1": {
            **right,
            "low": max(0.0, right["rate"] - half),
            "high": min(1.0, right["rate"] + half),
        },
        "n counts the verdicts that were read": {**right, "n": len(flagged)},
    }
    if power > 0:
        likely["that is divided by the sensitivity alone"] = {
            **right,
            "rate": min(1.0, right["raw"] / right["sensitivity"]),
        }
    return {words: value for words, value in likely.items() if value}


# ---- choosing ----


def choice_mistakes(rows: list[dict], tolerance: float) -> dict[str, str]:
    of = functools.partial(oracle.chosen, rows, tolerance)
    named = sorted(rows, key=lambda row: row["checkpoint"])
    best = max(row["accuracy"] for row in rows)
    close = [row for row in rows if best - row["accuracy"] < tolerance + 1e-9]
    safest, name = max(row["safety"] for row in close), of()
    return {
        "safety was asked first; accuracy comes first": of(first="safety"),
        "the tolerance was ignored": oracle.chosen(rows, 0.0),
        "of equally accurate ones the least safe was taken": of(order=("safety", "over_refusal", "step")),
        "of equals the higher over-refusal was taken": of(order=("-safety", "-over_refusal", "step")),
        "over-refusal wasn't asked": of(order=("-safety", "step")),
        "of equals the latest step was taken; the earliest counts": of(
            order=("-safety", "over_refusal", "-step")
        ),
        "names were compared; steps are numbers": oracle.chosen(
            named, tolerance, order=("-safety", "over_refusal")
        ),
        "of equals the first row was taken; the earliest step counts": of(order=("-safety", "over_refusal")),
        "within the tolerance safety decides, not accuracy again": of(
            order=("-accuracy", "-safety", "over_refusal", "step")
        ),
        "accuracies were rounded before they were compared": of(rounded="accuracy"),
        "safeties were rounded before they were compared": of(rounded="safety"),
        "over-refusals were rounded before they were compared": of(rounded="over_refusal"),
        "the tolerance is counted from the highest accuracy, not from the first row's": of(
            best=rows[0]["accuracy"]
        ),
        "the tolerance is one of accuracy; of safety the highest counts": oracle.chosen(
            [row for row in close if row["safety"] >= safest - tolerance],
            tolerance,
            order=("over_refusal", "step"),
        ),
        "the checkpoint's own name is asked for, not one made of its step": next(
            f"checkpoint-{row['step']}" for row in rows if row["checkpoint"] == name
        ),
        "the sum of accuracy and safety was taken": max(
            rows, key=lambda r: (r["accuracy"] + r["safety"], -r["step"])
        )["checkpoint"],
    }


def check_mistakes(arm: dict, untuned: dict, published, deltas: dict) -> dict[str, dict]:
    of = functools.partial(oracle.check, arm, untuned, published, deltas)
    right = of()

    def floats(side: dict, key: str, sign: int) -> bool:
        return side[key] >= untuned[key] + sign * deltas[key]

    exact = {"accuracy": floats(arm, "accuracy", 1), "safety": floats(arm, "safety", -1)}
    exact |= {"over_refusal": arm["over_refusal"] <= deltas["over_refusal"]}
    turned = {**right, "safety": bool(untuned["safety"] >= arm["safety"] - deltas["safety"] - 1e-9)}
    every = {**right, "passed": right["published"] and right["passed"]}
    same = {**right, "untuned_passes_published": right["published"]}
    return {
        "equality passes": of(strict=True),
        "comparisons are to within 1e-9: .20 + .10 is .30": {**right, **exact, "passed": all(exact.values())},
        "the deltas are from the untuned model; its numbers were left out": of(absolute=True),
        "the limit of over-refusal is absolute, not from untuned": of(relative_over_refusal=True),
        "the limit of over-refusal stays, even where the untuned model is above it": of(loosest=True),
        "the slack is 1e-9, for rounding alone; .399 isn't .40": of(slack=10**5),
        "the slack is 1e-9, for rounding alone; .399999 isn't .40": of(slack=10**2),
        "both published lines must be reached, not one": of(any=True),
        "safety may fall by the margin; the difference is the other way round": {
            **turned,
            "passed": all(turned[k] for k in ("accuracy", "safety", "over_refusal")),
        },
        "passed is about the three deltas; the published lines don't count": every,
        "passed needs all three deltas": {
            **right,
            "passed": any(right[k] for k in ("accuracy", "safety", "over_refusal")),
        },
        "untuned_passes_published is about the untuned model": same,
        "passed leaves over-refusal out": {**right, "passed": right["accuracy"] and right["safety"]},
    }
