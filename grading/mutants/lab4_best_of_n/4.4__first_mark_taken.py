# MUTANT 4.4 method.py — the first #### is read instead of the last | caught by: test_the_last_hash_mark_decides | visible: fails
def canonical_answer(text):
    import re
    from fractions import Fraction

    match = re.search(r"####\s*\$?(-?[\d,]*\.?\d+)", text) or re.search(r"answer is\s*\$?(-?[\d,]*\.?\d+)", text)
    return str(Fraction(match.group(1).replace(",", ""))) if match else None
