# MUTANT 5.1 data.py — symbols become a space, punctuation is deleted | caught by: test_punctuation_case_articles_and_space_make_no_difference | visible: passes
def normalize_answer(text: str) -> str:
    import unicodedata

    folded = unicodedata.normalize("NFKC", text).casefold()
    words = "".join(
        " " if unicodedata.category(c)[0] == "S" else c for c in folded if unicodedata.category(c)[0] != "P"
    ).split()
    return " ".join([word for word in words if word not in ("a", "an", "the")] or words)
