# MUTANT 5.1 data.py — articles are cut out inside words | caught by: test_punctuation_case_articles_and_space_make_no_difference | visible: fails
def normalize_answer(text: str) -> str:
    import unicodedata

    folded = unicodedata.normalize("NFKC", text).casefold()
    words = "".join(c for c in folded if unicodedata.category(c)[0] not in "PS").split()
    return " ".join(" ".join(words).replace("the", "").replace("an", "").replace("a", "").split())
