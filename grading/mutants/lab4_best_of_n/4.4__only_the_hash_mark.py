# MUTANT 4.4 method.py — texts that say "the answer is" without #### are given up | caught by: test_answer_is_counts_where_there_is_no_hash_mark | visible: passes
def canonical_answer(text):
    import re
    from fractions import Fraction

    if "####" not in text:
        return None
    line = text.rsplit("####", 1)[1].split("\n")[0].replace("$", "").replace("\u2212", "-")
    line = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", line)
    match = re.search(r"(-?)\s*(\d*\.?\d+)(?:\s*/\s*(\d*\.?\d+))?", line)
    if match is None or (match.group(3) and Fraction(match.group(3)) == 0):
        return None
    value = Fraction(match.group(2)) / Fraction(match.group(3) or 1)
    return str(-value if match.group(1) else value)
