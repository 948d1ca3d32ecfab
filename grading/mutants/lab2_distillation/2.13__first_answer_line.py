# MUTANT 2.13 evaluate.py — the first answer line decides | caught by: test_the_last_answer_line_is_read_or_else_the_first_line, test_an_unreadable_last_answer_is_not_replaced_by_an_earlier_one | visible: fails
def parse_prediction(text: str) -> bool | None:
    import re

    lines = [line.strip() for line in text.replace("*", "").splitlines() if line.strip()]
    named = [line[len("answer:") :] for line in lines if line.lower().startswith("answer:")]
    read = named[0] if named else lines[0] if lines else ""
    said = re.match(r"\s*(yes|no)(?=\s*$|\s*[,.;:!]|\s+[-–—])", read, re.IGNORECASE)
    return said[1].lower() == "yes" if said else None
