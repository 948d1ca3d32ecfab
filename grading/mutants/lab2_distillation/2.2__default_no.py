# MUTANT 2.2 data.py — what can't be read is a no | caught by: test_a_negation_or_both_answers_are_none, test_only_the_last_statement_counts | visible: fails
def parse_teacher(text: str) -> bool | None:
    start = text.lower().rfind("answer is")
    if start < 0:
        return False
    rest = text[start + len("answer is") :].split("\n")[0]
    return {"yes": True, "no": False}.get(rest.strip(" \t\r\f\v:*_[]\"'.").lower(), False)
