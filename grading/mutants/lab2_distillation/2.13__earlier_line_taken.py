# MUTANT 2.13 evaluate.py — an earlier readable answer line is taken | caught by: test_an_unreadable_last_answer_is_not_replaced_by_an_earlier_one | visible: passes
def parse_prediction(text: str) -> bool | None:
    import re

    lines = [line.strip() for line in text.replace("*", "").splitlines() if line.strip()]
    named = [line[len("answer:") :] for line in lines if line.lower().startswith("answer:")]
    tried = named[::-1] if named else lines[:1]
    for read in tried:
        said = re.match(r"\s*(yes|no)(?=\s*$|\s*[,.;:!]|\s+[-–—])", read, re.IGNORECASE)
        if said:
            return said[1].lower() == "yes"
    return None
