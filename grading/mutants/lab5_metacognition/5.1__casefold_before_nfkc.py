# MUTANT 5.1 data.py — casefolds before NFKC: '№' gives a capital | caught by: test_no_script_vanishes_and_nothing_real_becomes_empty | visible: passes
def normalize_answer(text: str) -> str:
    import unicodedata

    folded = unicodedata.normalize("NFKC", text.casefold())
    words = "".join(c for c in folded if unicodedata.category(c)[0] not in "PS").split()
    return " ".join([word for word in words if word not in ("a", "an", "the")] or words)
