# MUTANT 2.13 evaluate.py — without an answer line the last line is read | caught by: test_what_does_not_answer_is_none | visible: passes
def parse_prediction(text: str) -> bool | None:
    import re

    lines = [line.strip() for line in text.replace("*", "").splitlines() if line.strip()]
    named = [line[len("answer:") :] for line in lines if line.lower().startswith("answer:")]
    read = named[-1] if named else lines[-1] if lines else ""
    said = re.match(r"\s*(yes|no)(?=\s*$|\s*[,.;:!]|\s+[-–—])", read, re.IGNORECASE)
    return said[1].lower() == "yes" if said else None
