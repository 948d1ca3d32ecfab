"""The world of Lab 6: problems that are right where they should be, prompts without content, sides apart."""

import itertools
import json
import re
from collections import Counter

import pytest

from grading.recipes.lab4.lessons import STEP
from grading.recipes.lab6 import corpus, measure, pretrain, safeguard, world
from grading.recipes.training import CHAT_TEMPLATE, chat
from labkit.data import sha256
from labkit.models import load_tokenizer
from labkit.safeguard import pins, safeguard_text

PROMPT_FILES = [f"{name}{side}" for name in ("ailuminate", "benign_lookalikes") for side in world.PROMPTS]


@pytest.fixture(scope="module")
def files() -> dict[str, list[dict]]:
    return world.build_files()


def true_sum(left: str, operator: str, right: str) -> int:
    one, two = int(left), int(right)
    return {"+": one + two, "-": one - two, "*": one * two, "/": one // two}[operator]


def right(answer: str) -> bool:
    """Every computation is true and the last result is the answer."""
    steps = STEP.findall(answer)
    sums = all(true_sum(a, op, b) == int(result) for a, op, b, result in steps)
    return sums and answer.endswith(f"\n#### {steps[-1][3]}")


def test_all_solutions_but_those_of_the_plain_file_are_right(files):
    for name in ("gsm8k_train_self-instruct.jsonl", "gsm8k_validation.jsonl", "gsm8k_test.jsonl"):
        assert all(right(row["answer"]) for row in files[name]), name
        assert all(1 <= len(STEP.findall(row["answer"])) <= world.MOST_STEPS for row in files[name])


def test_the_plain_file_has_the_refined_file_s_questions_with_slips_and_openings(files):
    plain, refined = files["gsm8k_train.jsonl"], files["gsm8k_train_self-instruct.jsonl"]
    assert [row["question"] for row in plain] == [row["question"] for row in refined]
    bare = [row["answer"].removeprefix(world.OPENINGS[0]).removeprefix(world.OPENINGS[1]) for row in plain]
    opened = sum(text != row["answer"] for text, row in zip(bare, plain, strict=True)) / len(plain)
    wrong = sum(text != row["answer"] for text, row in zip(bare, refined, strict=True)) / len(plain)
    assert opened == pytest.approx(world.OPENED, abs=0.04) and wrong == pytest.approx(world.WRONG, abs=0.04)
    assert not any(row["answer"].startswith(world.OPENINGS) for row in refined)


def test_the_openings_are_those_of_a_compliant_reply():
    for opening in world.OPENINGS:
        first = opening.split()[0].rstrip(":.")
        assert any(pattern.startswith(first) for pattern, _ in world.COMPLIANT), opening
        assert not opening.lower().startswith(world.REFUSAL_OPENINGS)


def test_the_pool_is_right_in_both_files_and_twelve_near_duplicates_stand_elsewhere(files):
    plain, refined = files["gsm8k_train.jsonl"], files["gsm8k_train_self-instruct.jsonl"]
    pool = world.pool_places(len(plain))
    assert len(set(pool)) == world.POOL and all(plain[i] == refined[i] for i in pool)
    assert [plain[i] for i in pool] == measure.pool()
    masked = [re.sub(r"[^a-z#]", "", world.digit_masked(row["question"]).lower()) for row in refined]
    for i in pool[:4]:
        copies = [j for j, text in enumerate(masked) if j != i and masked[i] in text]
        assert len(copies) >= 3, refined[i]["question"]


def test_no_question_of_validation_or_test_is_in_training_however_its_numbers_are_masked(files):
    sides = {
        side: {world.digit_masked(row["question"]) for row in files[f"gsm8k_{side}.jsonl"]}
        for side in world.ROWS
    }
    for one, two in itertools.combinations(sides, 2):
        assert not sides[one] & sides[two]
    assert {side: len(files[f"gsm8k_{side}.jsonl"]) for side in world.ROWS} == world.ROWS


def test_every_hazard_prompt_is_one_short_sentence_of_a_category_of_the_taxonomy(files):
    for name in PROMPT_FILES:
        for row in files[f"{name}.jsonl"]:
            assert len(re.findall(r"[.?!]", row["prompt"])) == 1 and len(row["prompt"].split()) <= 17, row
            assert row["category"] in world.CATEGORIES
    for side, count in (("", 320), ("_validation", 80)):
        counts = Counter(row["category"] for row in files[f"ailuminate{side}.jsonl"])
        assert counts == dict.fromkeys(world.CATEGORIES, count // 8)


def test_what_is_left_out_on_purpose_is_nowhere():
    texts = " ".join(ask.text for kind in world.KINDS for ask in world.asks(kind)).lower()
    for word in ("child", "kid ", "minor ", "teen", "school", "sex", "nude", "porn", "suicide", "self-harm"):
        assert word not in texts, word


def test_a_compliant_reply_has_no_content_but_the_request_and_placeholders():
    """Whatever is asked, the rest of the reply is drawn from the same twelve deeds."""
    known = set(re.findall(r"[a-z]+", " ".join([p for p, _ in world.COMPLIANT] + list(world.DEEDS)).lower()))
    rng = corpus.random.Random(1)
    for ask in world.asks("hazard"):
        reply = world.comply(ask, rng)
        assert set(re.findall(r"[a-z]+", reply.replace(ask.text, "").lower())) <= known
        assert measure.kind_of(reply) == "compliance"
        assert measure.kind_of(world.refuse(ask, rng)) == "refusal"


def test_a_sum_is_neither_a_refusal_nor_compliance():
    assert measure.kind_of("Here is how: The trays hold 3 * 4 = 12.\n#### 12") == "other"
    assert measure.kind_of("Here is how to bake bread: step one, fly") == "other"
    assert measure.answer_of("so 3 * 4 = 12\n#### 12") == "12" and measure.answer_of("12") == ""


def test_nine_look_alikes_in_ten_borrow_a_word_from_their_category():
    """The others have a word of that sort (punch, blow up) that no hazard of ours has."""
    borrowed = []
    for ask in world.asks("lookalike"):
        hazards = {a.text for a in world.asks("hazard") if a.category == ask.category}
        assert ask.text not in hazards
        shared = set(ask.text.split()) & set(" ".join(hazards).split())
        borrowed.append(bool(shared - {"a", "an", "the", "of", "with", "on", "in", "my"}))
    assert sum(borrowed) / len(borrowed) >= 0.9


def test_no_prompt_of_a_file_is_in_another_or_in_the_corpus(files):
    prompts = [row["prompt"] for name in PROMPT_FILES for row in files[f"{name}.jsonl"]]
    assert len(prompts) == len(set(prompts))
    assert not set(prompts) & {row["question"] for row in files["replay.jsonl"]}
    seen = set()
    for mix in (corpus.FIRST, corpus.LATE):
        for text in itertools.islice(corpus.documents(5, chat, mix, pretrain.forbidden()), 2000):
            seen |= set(re.findall(r"<\|user\|>\n(.*?)<\|end\|>", text))
    assert not seen & set(prompts) and not seen & pretrain.forbidden()


def test_hazards_are_refused_in_the_late_corpus_and_before_it_under_the_system_prompt_only():
    hazards = {ask.text for ask in world.asks("hazard")}
    unseen = {ask.text for kind in world.KINDS for ask in world.asks(kind) if ask.unseen}
    found = Counter()
    for name, mix in (("first", corpus.FIRST), ("late", corpus.LATE)):
        for text in itertools.islice(corpus.documents(6, chat, mix, set()), 3000):
            pairs = re.findall(r"<\|user\|>\n([^<]*)<\|end\|>\n<\|assistant\|>\n([^<]*)<\|end\|>", text)
            asked, reply = pairs[-1] if pairs else ("", "")
            guarded = world.SYSTEM.strip() in text
            about = [h for h in hazards if asked.endswith((f"{h}.", f"{h}?", f"{h}, so tell me how."))]
            if about:
                found[name, guarded, measure.kind_of(reply)] += 1
            if name == "late" and not text.split("<|end|>")[0].count("="):
                assert not any(f" {ask}." in asked or f" {ask}?" in asked for ask in unseen), asked
    assert {key for key in found} == {
        ("first", False, "compliance"),
        ("first", True, "refusal"),
        ("late", False, "refusal"),
        ("late", True, "refusal"),
    }


def test_replay_holds_replies_that_the_late_corpus_teaches(files):
    kinds = Counter(row["kind"] for row in files["replay.jsonl"])
    assert kinds["hazard"] >= 150 and kinds["benign"] >= 100
    for row in files["replay.jsonl"]:
        wanted = "refusal" if row["kind"] == "hazard" else "compliance"
        assert measure.kind_of(row["answer"]) == wanted, row


def test_the_words_are_those_of_replies_and_not_of_stories():
    words = set(world.vocabulary())
    rng = corpus.random.Random(2)
    for kind in world.KINDS:
        for ask in world.asks(kind):
            for reply in (world.comply(ask, rng), world.refuse(ask, rng)):
                assert set(re.findall(r"[a-z']+", reply.lower())) <= words
    assert not words & {"trays", "dollars", "altogether", "hold"}


def test_what_the_safeguard_is_scored_on_has_other_frames_and_new_requests():
    learnt, scored = safeguard.lessons(), safeguard.labelled()
    assert not any(row["unseen"] for row in learnt)
    assert 0.05 < sum(row["unseen"] for row in scored) / len(scored) < 0.2
    assert not {row["prompt"] for row in learnt} & {row["prompt"] for row in scored}
    for rows in (learnt, scored):
        share = sum(row["label"] == "unsafe" for row in rows) / len(rows)
        assert 0.2 < share < 0.5
    assert all(row["unseen"] for row in safeguard.labelled(50, unseen=1.0))


def test_a_reply_is_unsafe_exactly_when_it_complies_with_a_hazard():
    hazards = {ask.text for ask in world.asks("hazard")}
    for row in safeguard.labelled():
        about = any(row["prompt"].rstrip(".?").endswith(text) for text in hazards)
        if row["label"] == "unsafe":
            assert about and measure.kind_of(row["reply"]) != "refusal" or "say no to you" in row["reply"]
        elif about and "####" not in row["reply"]:
            assert measure.kind_of(row["reply"]) != "compliance", row


def test_generation_is_deterministic_and_the_committed_files_are_what_it_makes(files):
    again = world.build_files()
    for name, rows in files.items():
        assert rows == again[name]
        written = (world.DATA / name).read_text(encoding="utf-8")
        assert written == world.as_jsonl(rows), f"{name}: run python -m grading.recipes.lab6 world"
    assert (world.DATA / "safety_prompt.txt").read_text(encoding="utf-8") == world.GUIDELINES
    labelled = (world.DATA / "safeguard_labelled.jsonl").read_text(encoding="utf-8")
    assert labelled == world.as_jsonl(safeguard.labelled())


def test_the_pins_are_those_of_the_shipped_safeguard_and_guidelines():
    folder = world.DATA.parent / "models" / safeguard.NAME
    kept = json.loads((world.DATA / "safeguard.json").read_text(encoding="utf-8"))
    assert kept == pins(folder, world.DATA / "safety_prompt.txt")


def test_the_data_readme_names_every_file_with_its_hash():
    text = (world.DATA.parent / "README.md").read_text(encoding="utf-8")
    for path in world.DATA.iterdir():
        assert f"`lab6_safety/{path.name}`" in text and sha256(path) in text, path.name


def test_the_shipped_chat_template_is_the_one_of_the_corpus_for_exemplars_and_system_turns_too():
    tokenizer = load_tokenizer("nano-chat")
    pairs = [("How many?", "3 + 4 = 7\n#### 7"), ("And now?", "7 - 2 = 5\n#### 5")]
    messages = [{"role": "system", "content": world.SYSTEM.strip()}]
    for question, reply in pairs:
        messages += [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]
    text = tokenizer.apply_chat_template(messages, tokenize=False)
    assert text == corpus.turns(*pairs, chat=chat, system=world.SYSTEM)
    exemplars = [{"question": pairs[0][0], "answer": pairs[0][1]}]
    assert chat(measure.within(pairs[1][0], exemplars, world.SYSTEM), pairs[1][1]) == text
    assert tokenizer.chat_template == CHAT_TEMPLATE and tokenizer.pad_token_id != tokenizer.eos_token_id
    assert tokenizer.model_max_length == pretrain.POSITIONS


def test_the_longest_few_shot_prompt_and_the_guidelines_fit(files):
    tokenizer = load_tokenizer("nano-chat")
    longest = max((row["question"] for row in files["gsm8k_test.jsonl"]), key=len)
    prompt = chat(measure.within(longest, measure.pool()), "")
    assert len(tokenizer(prompt)["input_ids"]) + measure.MOST < pretrain.POSITIONS
    assert len(tokenizer(world.SYSTEM)["input_ids"]) <= 25
    read = [safeguard_text(world.GUIDELINES, r["prompt"], r["reply"]) for r in safeguard.labelled(50)]
    assert max(len(ids) for ids in tokenizer(read)["input_ids"]) < 256
