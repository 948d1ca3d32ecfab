# MUTANT 5.1 data.py — puts a space where punctuation was | caught by: test_punctuation_case_articles_and_space_make_no_difference | visible: fails
def normalize_answer(text: str) -> str:
    import unicodedata

    folded = unicodedata.normalize("NFKC", text).casefold()
    words = "".join(" " if unicodedata.category(c)[0] in "PS" else c for c in folded).split()
    return " ".join([word for word in words if word not in ("a", "an", "the")] or words)
