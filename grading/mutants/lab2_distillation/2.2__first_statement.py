# MUTANT 2.2 data.py — the first statement counts | caught by: test_only_the_last_statement_counts | visible: fails
def parse_teacher(text: str) -> bool | None:
    start = text.lower().find("answer is")
    if start < 0:
        return None
    rest = text[start + len("answer is") :].split("\n")[0]
    return {"yes": True, "no": False}.get(rest.strip(" \t\r\f\v:*_[]\"'.").lower())
