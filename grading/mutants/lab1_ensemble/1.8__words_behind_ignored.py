# MUTANT 1.8 method.py — words behind the verdict are ignored | caught by: test_no_verdict_hides_inside_other_words | visible: fails
def parse_verdict(text):
    import re

    lines = [line for line in text.splitlines() if line.strip()]
    last = lines[-1].strip(" \t\r*`") if lines else ""
    found = re.match(rf"VERDICT:\s*({'|'.join(VERDICTS)})\b", last, re.IGNORECASE)
    return found[1].upper() if found else None
