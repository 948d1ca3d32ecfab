"""Lab 4 solved a second time, by other means than solutions/ uses: what passes there must pass here.

Each function stands in for the solutions' one of the same name, so its imports are in its body. If a hidden
test fails on one of them, the test asks for more than the docstring says.
"""


def encode_function(examples, tokenizer, max_length):
    from .data import build_gsm_prompt

    def row(question, answer):
        prompt = tokenizer.encode(build_gsm_prompt(question, tokenizer), add_special_tokens=False)
        ids = [*prompt, *tokenizer.encode(answer, add_special_tokens=False), tokenizer.eos_token_id]
        labels = [token if place >= len(prompt) else -100 for place, token in enumerate(ids)]
        return ids[:max_length], labels[:max_length], [1] * min(len(ids), max_length)

    rows = [row(*pair) for pair in zip(examples["question"], examples["answer"], strict=True)]
    return {name: [r[i] for r in rows] for i, name in enumerate(("input_ids", "labels", "attention_mask"))}


def load_and_prepare_train_dataset(path, tokenizer, encode, max_length, limit=None, seed=0):
    from datasets import load_dataset

    raw = load_dataset("json", data_files=str(path), split="train", keep_in_memory=True)
    encoded = raw.map(
        encode,
        batched=True,
        batch_size=7,
        fn_kwargs={"tokenizer": tokenizer, "max_length": max_length},
        remove_columns=raw.column_names,
    )
    usable = encoded.filter(lambda labels: max(labels) >= 0, input_columns="labels").shuffle(seed=seed)
    return usable if limit is None else usable.take(min(limit, usable.num_rows))


def build_trainer(model, tokenizer, train_dataset, training_args):
    from transformers import DataCollatorForSeq2Seq, Trainer

    return Trainer(
        model,
        training_args,
        DataCollatorForSeq2Seq(tokenizer, model),
        train_dataset,
        processing_class=tokenizer,
    )


def canonical_answer(text):
    import re
    from decimal import Decimal
    from fractions import Fraction

    marker = "####" if "####" in text else "answer is"
    _, found, tail = (text if marker == "####" else text.lower()).rpartition(marker)
    if not found:
        return None
    line = (tail.splitlines() or [""])[0].translate({ord("$"): None, 0x2212: "-"})
    number = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)?(?:(?<=\d)\.\d+|(?<!\d)\.\d+)?"
    for match in re.finditer(rf"(-?)\s*({number})(?:\s*/\s*({number}))?", line):
        sign, top, bottom = match.groups()
        if not top:
            continue
        value, under = (Fraction(Decimal((part or "1").replace(",", ""))) for part in (top, bottom))
        return None if under == 0 else str((-1 if sign else 1) * value / under)
    return None


def generate_samples_batched(
    model, tokenizer, questions, *, n, max_new_tokens, temperature, top_p=1.0, batch_size, seed
):
    import copy

    import torch

    from .data import build_gsm_prompt

    left, training, state = copy.deepcopy(tokenizer), model.training, torch.get_rng_state()
    left.padding_side = "left"
    stops = model.generation_config.eos_token_id
    stops = {left.eos_token_id, *([stops] if isinstance(stops, int) else stops or [])}
    drawing = {"do_sample": False}
    if temperature > 0:
        drawing = {"do_sample": True, "temperature": temperature, "top_p": top_p, "top_k": 0}
    model.eval()
    torch.manual_seed(seed)
    samples = []
    try:
        for start in range(0, len(questions), batch_size):
            prompts = [
                build_gsm_prompt(q, left) for q in questions[start : start + batch_size] for _ in range(n)
            ]
            batch = left(prompts, padding=True, add_special_tokens=False, return_tensors="pt")
            with torch.no_grad():
                ids = model.generate(
                    input_ids=batch["input_ids"],
                    attention_mask=batch["attention_mask"],
                    max_new_tokens=max_new_tokens,
                    pad_token_id=left.pad_token_id,
                    eos_token_id=list(stops),
                    **drawing,
                )
            width = batch["input_ids"].shape[1]
            texts = [left.decode(row[width:], skip_special_tokens=True) for row in ids]
            samples += [texts[i : i + n] for i in range(0, len(texts), n)]
    finally:
        model.train(training)
        torch.set_rng_state(state)
    return samples


def score_samples_batched(reward_model, tokenizer, questions, samples, *, batch_size):
    import torch

    training = reward_model.training
    reward_model.eval()
    try:
        result = []
        for question, group in zip(questions, samples, strict=True):
            rewards = []
            for sample in group:  # one at a time: nothing to pad
                turns = [{"role": "user", "content": question}, {"role": "assistant", "content": sample}]
                text = tokenizer.apply_chat_template(turns, tokenize=False)
                ids = tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
                with torch.no_grad():
                    rewards.append(reward_model(input_ids=ids).logits.item())
            result.append(rewards)
        return result
    finally:
        reward_model.train(training)


def majority_vote(answers):
    votes = [answer for answer in answers if answer is not None]
    return max(votes, key=votes.count, default=None)


def expected_vote_accuracy(answers, gold):
    import statistics

    if gold is None:
        raise ValueError("gold is None")
    tied = statistics.multimode(answer for answer in answers if answer is not None)
    return tied.count(gold) / len(tied) if tied else 0.0


def best_of_n(answers, rewards):
    if any(reward != reward for reward in rewards):
        raise ValueError("a reward is NaN")
    ranked = sorted(zip(rewards, range(0, -len(rewards), -1), answers, strict=True), key=lambda row: row[:2])
    return ranked[-1][2] if ranked else None


def weighted_vote(answers, rewards, temperature=1.0):
    import math

    import numpy as np

    if not np.isfinite(rewards).all():
        raise ValueError("rewards must be finite")
    voters = [i for i, answer in enumerate(answers) if answer is not None]
    if not voters:
        return None
    scaled = np.array([rewards[i] for i in voters]) / temperature
    weights = np.exp(scaled - scaled.max())
    names = list(dict.fromkeys(answers[i] for i in voters))
    sums = [
        math.fsum(w for i, w in zip(voters, weights, strict=True) if answers[i] == name) for name in names
    ]
    return names[int(np.argmax(sums))]


def pass_at_k(n, c, k):
    import math
    from fractions import Fraction

    if not 1 <= k <= n or not 0 <= c <= n:
        raise ValueError("need 1 <= k <= n and 0 <= c <= n")
    if c <= k:  # the fewer factors
        miss = math.prod((Fraction(n - k - i, n - i) for i in range(c)), start=Fraction(1))
    else:
        miss = math.prod((Fraction(n - c - i, n - i) for i in range(k)), start=Fraction(1))
    return float(1 - miss)


def maj_at_k(answers, gold, k, score, *, resamples=200, seed=0):
    import random
    import statistics

    if gold is None or not 1 <= k <= len(answers) or resamples < 1:
        raise ValueError("gold is None, or k or resamples out of range")
    draw = random.Random(seed)
    places = range(len(answers))
    rounds = 1 if k == len(answers) else resamples
    return statistics.fmean(
        score([answers[i] for i in sorted(draw.sample(places, k))], gold) for _ in range(rounds)
    )


def best_of_n_kl_bound(n):
    import math

    if n < 1:
        raise ValueError("n must be at least 1")
    return math.log(n) - 1 + 1 / n


def check_majority_failure(answers, gold, vote):
    if gold is None:
        raise ValueError("gold is None")
    return any(answer == gold for answer in answers) and vote(answers) != gold


def check_bon_failure(answers, rewards, gold):
    import numpy as np

    if gold is None:
        raise ValueError("gold is None")
    return answers.count(gold) > 0 and answers[int(np.argmax(rewards))] != gold


def get_unique_preds_count(answers):
    return len(dict.fromkeys(answer for answer in answers if answer is not None))


def overoptimisation_curve(correct, rewards, ns):
    import math

    if any(not 1 <= n <= len(row) for row in rewards for n in ns):
        raise ValueError("n out of range")
    if any(math.isnan(reward) for row in rewards for reward in row):
        raise ValueError("a reward is NaN")

    def item(right, row, n):
        left, total, chance = len(row), 0.0, 1.0  # chance: none of the better samples is in the subset
        for i in sorted(range(len(row)), key=lambda i: (-row[i], i)):
            total += chance * (n / left) * right[i]
            chance *= max(0.0, 1 - n / left)
            left -= 1
        return total

    return [sum(item(c, r, n) for c, r in zip(correct, rewards, strict=True)) / len(correct) for n in ns]
