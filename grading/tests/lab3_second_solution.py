"""Lab 3 solved a second time, by other means than solutions/ uses: what passes there must pass here.

Each function stands in for the solutions' one of the same name, so its imports are in its body. If a hidden
test fails on one of them, the test asks for more than the docstring says.
"""


def completion_logps(logits, input_ids, completion_mask):
    import torch

    if logits.dim() != 3 or logits.shape[:2] != input_ids.shape or input_ids.shape != completion_mask.shape:
        raise ValueError("shapes")
    flags = completion_mask.bool()
    scores = logits if logits.dtype == torch.float64 else logits.to(torch.float32)
    totals = []
    for row in range(input_ids.shape[0]):
        places = [t for t in range(1, input_ids.shape[1]) if flags[row, t]]
        before = scores[row, [t - 1 for t in places]]
        words = input_ids[row, places].long()
        totals.append(
            -torch.nn.functional.cross_entropy(before, words, reduction="sum") if places else before.sum()
        )
    return torch.stack(totals)


def dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    import torch

    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)  # noqa: F821
    logits = beta * ((policy_chosen - policy_rejected) - (ref_chosen - ref_rejected))
    return torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))


def implicit_rewards(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    import torch

    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)  # noqa: F821
    with torch.no_grad():
        both = [beta * (a - b) for a, b in ((policy_chosen, ref_chosen), (policy_rejected, ref_rejected))]
        gap = torch.sub(*both)
        right = torch.where(gap > 0, torch.ones_like(gap), torch.zeros_like(gap))
    return {"accuracy": right, "margin": gap, "rejected": both[1], "chosen": both[0]}


def cal_dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    import torch

    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)  # noqa: F821
    c, r = policy_chosen - ref_chosen, policy_rejected - ref_rejected
    mse = torch.nn.functional.mse_loss
    targets = torch.full_like(c, 0.5 / beta)
    return torch.nn.functional.softplus(r - c).mean() + mse(c, targets) + mse(r, -targets)


def dr_dpo_loss(losses, beta_prime=1.0):
    import torch

    if losses.dim() != 1 or losses.numel() == 0 or not beta_prime > 0:
        raise ValueError("losses")
    if beta_prime == float("inf"):
        return torch.mean(losses)
    lowest = losses.min()
    return lowest - beta_prime * torch.log(torch.exp((lowest - losses) / beta_prime).mean())


def centred_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    import torch

    _check_pairs(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=beta)  # noqa: F821
    gaps = torch.stack([policy_chosen, -policy_rejected, -ref_chosen, ref_rejected]).sum(0)
    logits = beta * (gaps - gaps.sum() / gaps.numel())
    return torch.logaddexp(torch.zeros_like(logits), -logits).mean()


def drop_noisiest(scores, share):
    from decimal import Decimal

    if not 0 <= share < 1:
        raise ValueError("share")
    if any(score != score for score in scores):
        raise ValueError("NaN")
    left = list(range(len(scores)))
    for _ in range(int(Decimal(repr(float(share))) * len(scores))):
        worst = max(scores[i] for i in left)
        left.remove(max(i for i in left if scores[i] == worst))
    return left


def beta_schedule(epoch, margins=(), margins_beta=None):
    import statistics

    if epoch < 1 or (len(margins) and (margins_beta is None or margins_beta <= 0)):
        raise ValueError("epoch or margins")
    beta, calibrated, robust = {1: (0.05, False, False), 2: (0.1, True, False), 3: (0.1, True, False)}.get(
        epoch, (0.1, False, True)
    )
    gap = statistics.fmean(margins) / margins_beta if len(margins) else None
    return {"log_ratio_gap": gap, "beta": beta, "robust": robust, "calibrated": calibrated}


def reference_logps(model, batch, mode, logps):
    import copy

    import torch

    adapters = list(getattr(model, "peft_config", {}))
    if mode not in {"self", "ref", "disabled"} or (mode == "disabled" and not adapters):
        raise ValueError("mode")
    if mode == "ref" and "ref" not in adapters:
        raise ValueError("no ref")
    other = copy.deepcopy(model).eval()  # the model itself is never touched
    if mode == "ref":
        other.set_adapter("ref")
    if mode == "disabled":
        other = other.unload()
    with torch.no_grad():
        logits = other(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        return logps(logits, batch["input_ids"], batch["completion_mask"])


def build_pairs(records, seed):
    import numpy as np

    found = []
    for record in records:
        gold = record["answer"]
        if gold is not True and gold is not False:
            raise ValueError("answer")
        if record["teacher_answer"] is None or record["teacher_answer"] != gold:
            continue
        lines = record["final"].split("\n")
        if record["draft_answer"] is not None and record["draft_answer"] == gold:
            if lines[-1] not in ("Answer: Yes", "Answer: No"):
                raise ValueError("last line")
            lines[-1] = "Answer: No" if lines[-1].endswith("Yes") else "Answer: Yes"
            rejected, source = "\n".join(lines), "flipped_answer"
        else:
            rejected, source = record["draft"], "wrong_draft"
        prompt = "Question: " + record["question"].strip() + "\nStudent draft: " + record["draft"].strip()
        pair = {"prompt": prompt, "chosen": record["final"], "rejected": rejected}
        if rejected != record["final"]:
            found.append({**pair, "source": source, "qid": record["qid"]})
    order = np.random.default_rng(seed).permutation(len(found))
    return [found[i] for i in order]


def match_pairs(pairs, length, form, max_gap, seed):
    import numpy as np

    if max_gap < 0:
        raise ValueError("max_gap")
    gaps = [length(pair["chosen"]) - length(pair["rejected"]) for pair in pairs]
    fits = [
        i
        for i, pair in enumerate(pairs)
        if abs(gaps[i]) <= max_gap and form(pair["chosen"]) == form(pair["rejected"])
    ]
    rng = np.random.default_rng(seed)
    sides = [[i for i in fits if np.sign(gaps[i]) == sign] for sign in (1, -1)]
    few = min(map(len, sides))
    stay = {i for side in sides for i in rng.permutation(side)[:few]} | {i for i in fits if gaps[i] == 0}
    return [dict(pair, kind="matched") for i, pair in enumerate(pairs) if i in stay]


def shuffle_drafts(drafts, seed):
    import numpy as np

    if len(drafts) < 2:
        raise ValueError("too few")
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(len(drafts))
        if (order != np.arange(len(drafts))).all():
            return [drafts[i] for i in order]


def reward_accuracy(margins, chosen_lengths, rejected_lengths):
    import numpy as np

    if not len(margins) == len(chosen_lengths) == len(rejected_lengths) > 0:
        raise ValueError("lists")
    if np.isnan(margins).any():
        raise ValueError("NaN")
    accuracy = float(np.mean(np.array(margins) > 0))
    longer = float(np.mean((np.sign(np.subtract(chosen_lengths, rejected_lengths)) + 1) / 2))
    control = 0.5 + abs(longer - 0.5)
    return {
        "n": len(margins),
        "above_control": accuracy - control,
        "accuracy": accuracy,
        "length_control": control,
    }


def integrated_gradients(f, x, baseline, steps):
    import torch

    if x.shape != baseline.shape or steps < 1:
        raise ValueError("shapes")
    x, baseline = x.detach(), baseline.detach()
    slopes = []
    for k in range(steps):
        share = (2 * k + 1) / (2 * steps)
        point = torch.lerp(baseline, x, share).requires_grad_()
        f(point).backward()
        slopes.append(point.grad)
    return torch.stack(slopes).mean(0) * (x - baseline)


def lift(attribution, draft_mask):
    import numpy as np

    if attribution.dim() != 2 or attribution.shape[0] != len(draft_mask):
        raise ValueError("shapes")
    mass = np.abs(attribution.detach().numpy().sum(1))
    flags = np.array(draft_mask, dtype=bool)
    if flags.sum() == 0 or mass.sum() == 0:
        raise ValueError("no share")
    return float(mass[flags].sum() / mass.sum() / flags.mean())


def win_rate(ab, ba):
    known = {"first": 1, "second": -1, "tie": 0, None: None}
    if len(ab) != len(ba) or not ab or any(v not in known for v in [*ab, *ba]):
        raise ValueError("verdicts")
    scores = [(known[a], None if known[b] is None else -known[b]) for a, b in zip(ab, ba, strict=True)]
    read = [pair for pair in scores if None not in pair]
    wins, losses = read.count((1, 1)), read.count((-1, -1))
    same = sum(a == b for a, b in read)
    n = len(ab)
    return {
        "n": n,
        "wins": wins,
        "losses": losses,
        "ties": len(read) - wins - losses,
        "unparsed": n - len(read),
        "win_rate": 0.5 + (wins - losses) / (2 * n),
        "consistent": same / len(read) if read else float("nan"),
    }
