# MUTANT 2.13 evaluate.py — what can't be read is No | caught by: test_what_does_not_answer_is_none, test_an_unreadable_last_answer_is_not_replaced_by_an_earlier_one | visible: fails
def parse_prediction(text: str) -> bool | None:
    import re

    lines = [line.strip() for line in text.replace("*", "").splitlines() if line.strip()]
    named = [line[len("answer:") :] for line in lines if line.lower().startswith("answer:")]
    read = named[-1] if named else lines[0] if lines else ""
    said = re.match(r"\s*(yes|no)(?=\s*$|\s*[,.;:!]|\s+[-–—])", read, re.IGNORECASE)
    return bool(said) and said[1].lower() == "yes"
