# MUTANT 5.1 data.py — keeps ASCII letters and digits only, so other scripts vanish | caught by: test_no_script_vanishes_and_nothing_real_becomes_empty | visible: fails
def normalize_answer(text: str) -> str:
    import unicodedata

    folded = unicodedata.normalize("NFKC", text).casefold()
    words = "".join(c for c in folded if c.isascii() and (c.isalnum() or c.isspace())).split()
    return " ".join([word for word in words if word not in ("a", "an", "the")] or words)
