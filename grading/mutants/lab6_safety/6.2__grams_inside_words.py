# MUTANT 6.2 data.py — 13 words are looked for as text, so that 'pen' is in 'pens' | caught by: test_thirteen_words_in_a_row_are_a_leak | visible: passes
def find_leaks(questions: Sequence[str], protected: Sequence[str]) -> dict[int, str]:
    import re

    def words(text: str) -> tuple[str, ...]:
        return tuple("".join(c if c.isalnum() else " " for c in text.lower()).split())

    def masked(text: str) -> tuple[str, ...]:
        first, *rest = (words(piece) for piece in re.split(r"[0-9]+(?:[.,][0-9]+)*", text))
        return sum((("#", *piece) for piece in rest), first)

    def grams(text: str) -> set[tuple[str, ...]]:
        found = words(text)
        return {found[i : i + 13] for i in range(len(found) - 12)}

    texts, plain = set(protected), {words(text) for text in protected} - {()}
    hidden = {masked(text) for text in protected} - {()}
    runs = [" ".join(words(text)) for text in protected]
    leaks = {}
    for index, question in enumerate(questions):
        if question in texts:
            leaks[index] = "exact"
        elif words(question) in plain:
            leaks[index] = "normalised"
        elif masked(question) in hidden:
            leaks[index] = "masked"
        elif any(" ".join(gram) in run for gram in grams(question) for run in runs):
            leaks[index] = "13-gram"
    return leaks
