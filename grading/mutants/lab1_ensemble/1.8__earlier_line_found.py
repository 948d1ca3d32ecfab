# MUTANT 1.8 method.py — a verdict in an earlier line is found | caught by: test_only_the_last_line_counts | visible: passes
def parse_verdict(text):
    import re

    found = None
    for line in text.splitlines():
        clean = line.strip(" \t\r*`").removesuffix(".").strip(" \t\r*`")
        match = re.fullmatch(rf"VERDICT:\s*({'|'.join(VERDICTS)})", clean, re.IGNORECASE)
        found = match[1].upper() if match else found
    return found
