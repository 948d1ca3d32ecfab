"""Each lab's recipe writes its own section of data/README.md and leaves the others'."""

from grading.recipes.readme import put_section


def test_sections_are_replaced_in_place_and_new_ones_appended(tmp_path):
    path = tmp_path / "README.md"
    put_section(path, "# Data\n\nhead\n")
    put_section(path, "## Lab 1\n\nfirst\n")
    put_section(path, "## Lab 10\n\nother\n")
    put_section(path, "# Data\n\nnew head\n")
    put_section(path, "## Lab 1\n\nsecond\n")
    assert path.read_text("utf-8") == "# Data\n\nnew head\n\n## Lab 1\n\nsecond\n\n## Lab 10\n\nother\n"


def test_a_section_put_twice_changes_nothing(tmp_path):
    path = tmp_path / "README.md"
    put_section(path, "# Data\n\n| a | b |\n")
    before = path.read_bytes()
    put_section(path, "# Data\n\n| a | b |\n")
    assert path.read_bytes() == before
