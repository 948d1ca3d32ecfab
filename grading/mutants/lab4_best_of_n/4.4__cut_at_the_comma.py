# MUTANT 4.4 method.py — a number is cut at its thousands comma | caught by: test_commas_dollars_units_and_periods_change_nothing | visible: fails
def canonical_answer(text):
    import re
    from fractions import Fraction

    tail = text.rsplit("####", 1)[1] if "####" in text else text.rsplit("answer is", 1)[1:]
    tail = tail if isinstance(tail, str) else "".join(tail)
    match = re.search(r"-?\d+(\.\d+)?", tail.split("\n")[0].replace("$", ""))
    return str(Fraction(match.group())) if match else None
