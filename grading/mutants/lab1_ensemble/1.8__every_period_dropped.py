# MUTANT 1.8 method.py — more than one final period is dropped | caught by: test_no_verdict_hides_inside_other_words | visible: passes
def parse_verdict(text):
    import re

    lines = [line for line in text.splitlines() if line.strip()]
    last = lines[-1].strip(" \t\r*`.") if lines else ""
    found = re.fullmatch(rf"VERDICT:\s*({'|'.join(VERDICTS)})", last, re.IGNORECASE)
    return found[1].upper() if found else None
