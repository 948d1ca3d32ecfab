# MUTANT 2.2 data.py — an answer on the next line is taken | caught by: test_a_negation_or_both_answers_are_none | visible: fails
def parse_teacher(text: str) -> bool | None:
    start = text.lower().rfind("answer is")
    if start < 0:
        return None
    rest = text[start + len("answer is") :].strip(" :\n\r\t").split("\n")[0]
    return {"yes": True, "no": False}.get(rest.strip(" \t\r\f\v:*_[]\"'.").lower())
