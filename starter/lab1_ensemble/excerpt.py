"""Lab 1 on a text of the reader's own: every trained model answers it, and the ensemble says how sure it is.

    labs run lab1 --profile nano --seed 1 --skip_training --excerpt-file my_manual.txt
    answer(folder, config, device, "MOV copies the value ...")      # the same, from the notebook

Nobody knows the gold label of such a text, so nothing is scored: what is shown is what each model wrote, how
probable it thought its label, whether they agree, and what the judge says (with `use_judge`). Source: the
published guide (GUIDE.md), "Custom inference". Left out: texts longer than `max_input_length` tokens, which
are cut.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from labkit.data import read_jsonl
from labkit.errors import LabError

from .config import Config
from .data import RECORD, build_prompts
from .judge import judge_pairs, judgment, load_judge
from .method import check_format, ensemble_vote, extract_gadget_type, normalize_gadget_type
from .predict import generate
from .training import FINAL, load_trained


def read(path: str | None) -> str | None:
    """The text of the file, None without a path. Raises LabError: no such file, not UTF-8, or empty."""
    if path is None:
        return None
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise LabError(
            "a text file", error.strerror or "it can't be read", path, "--excerpt-file F"
        ) from None
    except UnicodeDecodeError as error:
        raise LabError("text in UTF-8", f"byte {error.start} is not", path) from None
    if not text.strip():
        raise LabError("a text file with an excerpt in it", "it is empty", path)
    return text


def answer(folder, config: Config, device, text: str) -> dict:
    """What the trained models and, with `use_judge`, the judge say about a text; also printed.

    Returns:
        `{"excerpt", "models": {name: {"text", "label", "normalized", "format", "probability"}}, "vote"}`, and
        `"judgment"` with a judge.
    """
    rows = read_jsonl(folder.file("data/train.jsonl"), RECORD)
    instruction = Counter(row["instruction"] for row in rows).most_common(1)[0][0]
    models = {}
    for name in config.members:
        entry = config.models[name]
        model, tokenizer = load_trained(entry, folder.file(f"checkpoints/{name}/{FINAL}"), device)
        [(said, probability)] = generate(
            model,
            tokenizer,
            [build_prompts(instruction, text)[entry.type]],
            kind=entry.type,
            max_new_tokens=config.max_target_length,
            batch_size=1,
            max_input_length=config.max_input_length,
        )
        label = extract_gadget_type(said)
        normalized = (normalize_gadget_type(label) or None) if label is not None else None
        known = {"text": said, "label": label, "normalized": normalized}
        models[name] = {**known, "format": check_format(said), "probability": probability}
    found: dict = {"excerpt": text, "models": models}
    found["vote"] = ensemble_vote([model["normalized"] for model in models.values()])
    if config.use_judge:
        labels = [model["label"] for model in models.values()]
        couples = [(a, b) for i, a in enumerate(labels) for b in labels[i + 1 :]]
        found["judgment"] = judgment(judge_pairs(load_judge(config, device), couples))
    show(found)
    return found


def show(found: dict) -> None:
    """Prints what `answer` found."""
    print(f"your excerpt: {found['excerpt'].strip()[:100]!r}")
    for name, model in found["models"].items():
        print(f"  {name:16} p = {model['probability']:.2f}  {model['text']!r}")
    vote = found["vote"]
    sure = "all agree" if vote["votes"] == vote["n"] else "a tie" if vote["tie"] else "not all agree"
    print(f"  vote: {vote['label']}, {vote['votes']} of {vote['n']} ({sure})")
    if "judgment" in found:
        print(f"  judge: {found['judgment']['verdict']}, {found['judgment']['explanation']!r}")
