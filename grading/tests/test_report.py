"""The report comes from results.json alone, says what a student needs, and no submission can script it."""

import csv
import io
import re
from html.parser import HTMLParser

import pytest

from grading.report import groups, render_csv, render_html, write
from grading.results import load
from grading.tests.sample_results import HINT, half_done
from labkit.errors import LabError

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}</style></html>\x1b[2J\u202e"


class Tags(HTMLParser):
    """Every tag with its attributes, and whether they nest."""

    VOID = ("meta", "br", "img", "link", "input")

    def __init__(self):
        super().__init__()
        self.tags, self.open, self.unbalanced = [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)


def parsed(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    return tags


def test_the_files_are_written_beside_results_json(tmp_path):
    half_done(tmp_path)
    page, table = write(tmp_path / "results.json")
    assert page == tmp_path / "report.html" and table == tmp_path / "results.csv"
    assert page.read_text(encoding="utf-8") == render_html(load(tmp_path / "results.json"))


def test_a_student_finds_points_mistake_and_next_command(tmp_path):
    page = render_html(half_done(tmp_path))
    text = re.sub(r"<[^>]+>", "", page)
    assert "of 85 points" in text and HINT in text and "labs check 4.7" in text
    assert "starter/lab4_best_of_n/method.py, majority_vote; section 7 of the notebook" in text


def test_each_todo_has_its_points(tmp_path):
    found = {group.id: (group.earned, group.possible) for group in groups(half_done(tmp_path))}
    assert found["4.1"] == (5, 5) and found["4.7"] == (2, 4) and found["4.9"] == (0, 3)
    assert found["4.V1"] == (3, 3) and found["4.W1"] == (0, 5)


def test_rows_that_say_the_same_are_read_once(tmp_path):
    page = render_html(half_done(tmp_path))
    assert page.count("best_of_n: todo in plain words") == 1
    [check] = next(group for group in groups(half_done(tmp_path)) if group.id == "4.9").checks
    assert check.expected == "2 checks wait for your code" and check.possible == 3


def test_the_page_is_one_file_without_scripts_or_outside_links(tmp_path):
    tags = parsed(render_html(half_done(tmp_path)))
    assert not tags.unbalanced and not tags.open
    assert not {"script", "link", "img", "iframe", "form"} & {tag for tag, _ in tags.tags}
    links = [attributes["href"] for tag, attributes in tags.tags if tag == "a"]
    assert links and all(link.startswith("#t4.") for link in links)
    assert {"#" + attributes["id"] for _, attributes in tags.tags if "id" in attributes} >= set(links)


def test_hostile_text_stays_text(tmp_path):
    results = half_done(tmp_path, written=HOSTILE)
    run = results.extra_data.model_copy(update={"submission": HOSTILE + ".zip", "notes": [HOSTILE]})
    results = results.model_copy(update={"extra_data": run, "output": HOSTILE})
    page = render_html(results)
    tags = parsed(page)
    assert not {"script", "img"} & {tag for tag, _ in tags.tags} and not tags.unbalanced
    assert "&lt;script&gt;" in page and "{{ 7*7 }}" in page
    assert "\x1b" not in page and "\u202e" not in page
    assert not any(name.startswith("on") for _, attributes in tags.tags for name in attributes)


def test_a_long_answer_is_cut(tmp_path):
    page = render_html(half_done(tmp_path, written="word " * 100_000))
    assert "characters cut" in page and len(page) < 100_000


def test_the_table_has_one_line_a_row_and_no_formula(tmp_path):
    results = half_done(tmp_path, written='=HYPERLINK("http://x","y")')
    rows = list(csv.DictReader(io.StringIO(render_csv(results))))
    assert len(rows) == len(results.tests) == 42
    assert sum(float(row["score"] or 0) for row in rows) == results.score
    assert {row["score"] for row in rows if row["kind"] == "written"} == {""}
    assert all(row["message"].startswith("'=") for row in rows if row["kind"] == "written")


def test_a_grader_failure_is_said_without_its_text(tmp_path):
    results = half_done(tmp_path)
    run = results.extra_data.model_copy(update={"staff": "KeyError in hidden/test_x.py", "complete": False})
    page = render_html(results.model_copy(update={"extra_data": run}))
    assert "not your" in page and "Grading stopped early" in page and "KeyError" not in page


def test_another_json_is_refused_with_its_key(tmp_path):
    (tmp_path / "results.json").write_text('{"score": 1}', encoding="utf-8")
    with pytest.raises(LabError, match="execution_time"):
        write(tmp_path / "results.json")
