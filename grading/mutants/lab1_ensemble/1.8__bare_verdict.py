# MUTANT 1.8 method.py — a line with the bare verdict is accepted | caught by: test_a_reply_without_a_verdict_is_none_and_never_a_default | visible: passes
def parse_verdict(text):
    import re

    lines = [line for line in text.splitlines() if line.strip()]
    last = lines[-1].strip(" \t\r*`").removesuffix(".").strip(" \t\r*`") if lines else ""
    found = re.fullmatch(rf"(?:VERDICT:\s*)?({'|'.join(VERDICTS)})", last, re.IGNORECASE)
    return found[1].upper() if found else None
