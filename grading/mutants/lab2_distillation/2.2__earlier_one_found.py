# MUTANT 2.2 data.py — an earlier readable statement is taken when the last isn't readable | caught by: test_only_the_last_statement_counts | visible: passes
def parse_teacher(text: str) -> bool | None:
    import re

    found = None
    for rest in re.split("answer is", text, flags=re.IGNORECASE)[1:]:
        said = {"yes": True, "no": False}.get(rest.split("\n")[0].strip(" \t\r\f\v:*_[]\"'.").lower())
        found = found if said is None else said
    return found
