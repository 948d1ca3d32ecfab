# MUTANT 4.4 method.py — the number goes through a float: 0.1 and long numbers come out wrong | caught by: test_decimals_and_fractions_of_one_value_are_one_answer, test_signs_zeros_and_long_numbers_are_exact | visible: passes
def canonical_answer(text):
    import re
    from fractions import Fraction

    if "####" in text:
        tail = text.rsplit("####", 1)[1]
    elif re.search("answer is", text, re.IGNORECASE):
        tail = re.split("answer is", text, flags=re.IGNORECASE)[-1]
    else:
        return None
    line = tail.split("\n")[0].replace("$", "").replace("\u2212", "-")
    line = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", line)
    match = re.search(r"(-?)\s*(\d*\.?\d+)(?:\s*/\s*(\d*\.?\d+))?", line)
    if match is None or (match.group(3) and float(match.group(3)) == 0):
        return None
    value = Fraction(float(match.group(2))) / Fraction(float(match.group(3) or 1))
    return str(-value if match.group(1) else value)
