"""The world that Lab 1's data come from: sides apart, labels consistent, files as generated."""

import collections
import itertools
import json
import re

import pytest

from grading.recipes.lab1 import corpus, judge, relations, tasks, world
from grading.recipes.lab1.lexicon import label_table, lexicon, relation
from labkit.models import load_tokenizer
from solutions.lab1_ensemble.method import normalize_gadget_type

OUTPUT = re.compile(r"gadget_type: ([^;]+); location: ([^;]+); explanation: ([^;]+)")
NEAR = 0.5  # two excerpts that share half their masked words would be one excerpt told twice
MODELS = ("nano-flan", "nano-gpt", "nano-flan-wide", "nano-judge")


@pytest.fixture(scope="module")
def files() -> dict[str, list[dict]]:
    return world.build_files()


@pytest.fixture(scope="module")
def rows(files) -> dict[str, list[dict]]:
    made = collections.defaultdict(list)
    for row in files["weird_machine_gadgets.jsonl"]:
        made[row["split"]].append(row)
    return made


def test_there_are_enough_rows_frames_and_types(rows):
    assert len(rows["train"]) >= 600 and len(world.frames("train")) >= 150
    assert len(rows["validation"]) >= 400 and len(world.frames("validation")) >= 40
    for side in rows.values():
        per_type = collections.Counter(row["type"] for row in side)
        assert set(per_type) == set(lexicon()) and len(per_type) >= 8
        assert min(per_type.values()) == max(per_type.values()), (
            "every type equally often: chance is 1 / types"
        )
        assert {row["family"] for row in side} == set(world.FAMILIES)


def test_every_type_has_synonyms_and_two_levels_of_abstraction():
    for kind in lexicon().values():
        assert len(kind.seen[""]) >= 3 and kind.canonical in kind.seen[""]
        special = [names for concept, names in kind.seen.items() if concept]
        assert len(special) >= 4 and all(len(names) >= 2 for names in special), kind.key
        assert all(kind.unseen[concept] for concept in kind.seen), (
            f"{kind.key}: every concept has held-out names"
        )


def test_the_sides_share_no_frame_no_run_of_13_words_and_no_near_duplicate():
    drawn = {side: world.draw(side, 4, "near", plain=True) for side in ("train", "validation", "dev")}
    for one, two in itertools.combinations(drawn, 2):
        assert not {r["frame"] for r in drawn[one]} & {r["frame"] for r in drawn[two]}
        runs = set().union(*(world.ngrams(row["input"]) for row in drawn[one]))
        firsts = {side: {r["frame"]: r for r in drawn[side]}.values() for side in (one, two)}
        for row in drawn[two]:
            assert not runs & world.ngrams(row["input"]), row
        for a, b in itertools.product(firsts[one], firsts[two]):
            assert world.jaccard(a["input"], b["input"]) < NEAR, (a["frame"], b["frame"])


def test_masking_finds_the_same_frame_with_other_numbers_and_names(rows):
    """The control of the test above: two draws of one frame do count as near-duplicates."""
    groups = collections.defaultdict(list)
    for row in rows["train"]:
        groups[row["frame"]].append(row["input"])
    alike = [world.jaccard(a, b) for a, b, *_ in groups.values()]
    assert sorted(alike)[len(alike) // 10] > NEAR
    shared = sum(bool(world.ngrams(a) & world.ngrams(b)) for a, b, *_ in groups.values())
    assert shared > 0.7 * len(groups)


def test_outputs_have_three_fields_and_a_label_of_the_row_s_type(rows):
    for row in itertools.chain(*rows.values()):
        label = OUTPUT.fullmatch(row["output"])[1]
        kind, concept = label_table()[label]
        assert kind == row["type"] and label in lexicon()[kind].seen[concept], row
        assert not re.search(r"[{}|]", OUTPUT.fullmatch(row["output"])[2]), "a slot was left"


def test_locations_are_grounded_in_the_excerpt(rows):
    """Every name or number of location and explanation stands in the excerpt."""
    for row in itertools.chain(*rows.values()):
        tail = row["output"].partition("; location: ")[2]
        for word in re.findall(r"\w*[A-Z\d_]\w+|\w*\d\w*", tail):
            assert word in row["input"], (word, row)


def test_excerpts_hardly_ever_hold_their_type_s_own_name(rows):
    """The type is read from what the excerpt means. A tag list that says "access: Read/Write" may do so."""
    names = {key: normalize_gadget_type(kind.canonical) for key, kind in lexicon().items()}
    every = list(itertools.chain(*rows.values()))
    telling = [row for row in every if names[row["type"]] in normalize_gadget_type(row["input"])]
    assert len(telling) < 0.03 * len(every), {row["frame"] for row in telling}


def test_excerpts_are_distinct_and_words_alone_do_not_give_the_type_away(rows):
    texts = [row["input"] for side in rows.values() for row in side]
    assert len(texts) == len(set(texts))
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    bag = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=10, max_iter=1000))
    masked = {
        side: [" ".join(world.words(row["input"])) for row in side_rows] for side, side_rows in rows.items()
    }
    bag.fit(masked["train"], [row["type"] for row in rows["train"]])
    right = bag.score(masked["validation"], [row["type"] for row in rows["validation"]])
    assert 0.3 < right < 0.95, (
        "validation frames share some words with training frames, but not all that matters"
    )


def test_relations_follow_from_the_lexicon():
    assert relation("BOOL tag", "Read/Write gadget") == "related"
    assert relation("Latch gadget", "State/Latch gadget") == "same"
    assert relation("BOOL tag", "Latch bit") == "related", "read/write and state border on each other"
    assert relation("Watchdog", "Base64 decoder") == "different"
    for a, b in itertools.combinations(list(label_table())[::7], 2):
        assert relation(a, b) == relation(b, a)


def test_unseen_pairs_use_labels_that_no_seen_pair_has(files):
    names = {side: {label for label, _, _ in relations.labels(side)} for side in ("seen", "unseen")}
    assert not names["seen"] & names["unseen"]
    plain = {side: {normalize_gadget_type(name) for name in names[side]} for side in names}
    assert not plain["seen"] & plain["unseen"], "not in another spelling either"
    for row in files["label_relations.jsonl"]:
        other = plain["seen" if row["split"] == "unseen" else "unseen"]
        assert not {normalize_gadget_type(row["a"]), normalize_gadget_type(row["b"])} & other, row
    counts = collections.Counter((row["split"], row["relation"]) for row in files["label_relations.jsonl"])
    assert all(counts[side, name] >= 60 for side in ("seen", "unseen") for name in relations.VERDICTS)


def test_the_judge_s_lessons_hold_no_unseen_label():
    unseen = {normalize_gadget_type(label) for label, _, _ in relations.labels("unseen")}
    taught = [prompt for prompt, _ in itertools.islice(judge.rows(judge.Judging()), 6000) if prompt]
    for prompt in taught:
        strings = re.findall(r"^Label [AB]: (.*)$", prompt, flags=re.M)
        spoken = {normalize_gadget_type(re.sub(r"^(the|a) ", "", text)) for text in strings}
        assert len(strings) == 2 and not spoken & unseen, prompt


def test_the_corpus_and_the_tasks_hold_no_frame_and_no_answer_format(rows):
    runs = set().union(*(world.ngrams(row["input"], 8) for side in rows.values() for row in side))
    text = list(itertools.islice(corpus.documents(7), 2000))
    text += [f"{a} {b}" for a, b in itertools.islice(tasks.examples(7), 2000)]
    for document in text:
        assert not runs & world.ngrams(document, 8), document
        assert "gadget_type" not in document and "explanation:" not in document


def test_generation_is_deterministic_and_the_committed_files_are_what_it_makes(files):
    for name, made in files.items():
        written = (world.DATA / name).read_text(encoding="utf-8")
        assert written == world.as_jsonl(made), f"{name}: run python -m grading.recipes.lab1 world"
    assert world.build_rows() == files["weird_machine_gadgets.jsonl"]


@pytest.mark.parametrize("name", MODELS)
def test_the_models_share_one_tokenizer_whose_pad_is_not_its_end(name):
    tokenizer = load_tokenizer(name)
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    assert tokenizer.get_vocab() == load_tokenizer("nano-flan").get_vocab()
    text = "gadget_type: Read/Write gadget; location: rung 12; explanation: moves 0x3F00\n"
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids) == text and tokenizer.eos_token_id not in ids


def test_every_recorded_prediction_belongs_to_a_validation_row(rows):
    lines = (world.DATA / "records_small.jsonl").read_text(encoding="utf-8").splitlines()
    golds = {row["output"] for row in rows["validation"]}
    for record in map(json.loads, lines):
        assert record["gold"] in golds and set(record["judge"]) == {"ab", "ba"}
        assert list(record["predictions"]) == ["nano-gpt", "nano-flan", "nano-flan-wide"]


def test_a_frame_with_a_missing_line_is_named():
    with pytest.raises(ValueError, match=r"'memory\.isa\.half'"):
        world.parse_frames("== memory.isa.half\nOnly an excerpt about {reg}.\n")


def test_a_label_that_the_lexicon_lacks_is_named():
    with pytest.raises(ValueError, match="'Teapot'"):
        world.parse_frames("== memory.isa.pot | Teapot\nAn excerpt.\nplace :: reason\n")
