# MUTANT 4.4 method.py — no answer gives an empty text, which equals other empty texts | caught by: test_no_answer_is_none_and_nothing_else | visible: fails
def canonical_answer(text):
    import re
    from fractions import Fraction

    if "####" in text:
        tail = text.rsplit("####", 1)[1]
    elif re.search("answer is", text, re.IGNORECASE):
        tail = re.split("answer is", text, flags=re.IGNORECASE)[-1]
    else:
        return ""
    line = tail.split("\n")[0].replace("$", "").replace("\u2212", "-")
    line = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", line)
    match = re.search(r"(-?)\s*(\d*\.?\d+)(?:\s*/\s*(\d*\.?\d+))?", line)
    if match is None or (match.group(3) and Fraction(match.group(3)) == 0):
        return ""
    value = Fraction(match.group(2)) / Fraction(match.group(3) or 1)
    return str(-value if match.group(1) else value)
