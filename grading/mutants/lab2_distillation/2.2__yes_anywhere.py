# MUTANT 2.2 data.py — yes is looked for anywhere behind the statement | caught by: test_a_negation_or_both_answers_are_none, test_only_the_last_statement_counts | visible: fails
def parse_teacher(text: str) -> bool | None:
    start = text.lower().rfind("answer is")
    if start < 0:
        return None
    rest = text[start + len("answer is") :].split("\n")[0]
    lower = rest.lower()
    return True if "yes" in lower else False if "no" in lower else None
