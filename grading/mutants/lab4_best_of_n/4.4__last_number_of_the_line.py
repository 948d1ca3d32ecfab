# MUTANT 4.4 method.py — the last number behind #### is taken, so "15 of 20 apples" reads 20 | caught by: test_the_last_hash_mark_decides | visible: passes
def canonical_answer(text):
    import re
    from fractions import Fraction

    if "####" in text:
        tail = text.rsplit("####", 1)[1]
    elif re.search("answer is", text, re.IGNORECASE):
        tail = re.split("answer is", text, flags=re.IGNORECASE)[-1]
    else:
        return None
    line = tail.split("\n")[0].replace("$", "").replace(",", "").replace("\u2212", "-")
    found = re.findall(r"-?\d*\.?\d+(?:\s*/\s*\d+)?", line)
    if not found:
        return None
    top, _, bottom = found[-1].partition("/")
    return str(Fraction(top.strip()) / Fraction(bottom.strip() or 1)) if int(bottom or 1) else None
