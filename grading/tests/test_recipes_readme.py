"""Each lab's recipe writes its own section of data/README.md; together they name every file."""

import hashlib

import pytest

from grading.recipes.readme import put_section
from labkit.course import load_course, project_root


def test_sections_are_replaced_in_place_and_new_ones_appended(tmp_path):
    path = tmp_path / "README.md"
    put_section(path, "# Data\n\nhead\n")
    put_section(path, "## Lab 1\n\nfirst\n")
    put_section(path, "## Lab 10\n\nother\n")
    put_section(path, "# Data\n\nnew head\n")
    put_section(path, "## Lab 1\n\nsecond\n")
    assert path.read_text("utf-8") == "# Data\n\nnew head\n\n## Lab 1\n\nsecond\n\n## Lab 10\n\nother\n"


@pytest.mark.parametrize("lab", load_course().labs, ids=lambda lab: lab.key)
def test_the_data_readme_names_every_file_of_a_lab_with_its_hash(lab):
    data = project_root() / "data"
    text = (data / "README.md").read_text(encoding="utf-8")
    files = sorted((data / lab.package).glob("*.jsonl"))
    assert files, f"no data of {lab.package}"
    for path in files:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert f"`{lab.package}/{path.name}`" in text and digest in text, path.name


def test_a_section_put_twice_changes_nothing(tmp_path):
    path = tmp_path / "README.md"
    put_section(path, "# Data\n\n| a | b |\n")
    before = path.read_bytes()
    put_section(path, "# Data\n\n| a | b |\n")
    assert path.read_bytes() == before
