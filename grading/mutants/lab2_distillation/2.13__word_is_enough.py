# MUTANT 2.13 evaluate.py — the word at the beginning is enough | caught by: test_what_does_not_answer_is_none | visible: fails
def parse_prediction(text: str) -> bool | None:
    import re

    lines = [line.strip() for line in text.replace("*", "").splitlines() if line.strip()]
    named = [line[len("answer:") :] for line in lines if line.lower().startswith("answer:")]
    read = named[-1] if named else lines[0] if lines else ""
    said = re.match(r"\s*(yes|no)\b", read, re.IGNORECASE)
    return said[1].lower() == "yes" if said else None
