# MUTANT 1.8 method.py — 'AGREEMENT' is found inside 'DISAGREEMENT' | caught by: test_every_verdict_is_read_in_every_dress | visible: fails
def parse_verdict(text):
    lines = [line for line in text.upper().splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    if "AGREEMENT" in last:
        return "PARTIAL_AGREEMENT" if "PARTIAL" in last else "FULL_AGREEMENT"
    return "INVALID" if "INVALID" in last else None
