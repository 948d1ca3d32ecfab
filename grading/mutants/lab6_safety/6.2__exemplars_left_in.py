# MUTANT 6.2 data.py — texts that differ in their numbers stay in training: the masked rule is missing | caught by: test_texts_that_differ_in_their_numbers_only_are_found | visible: fails
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
    runs = set().union(*map(grams, protected)) if protected else set()
    leaks = {}
    for index, question in enumerate(questions):
        if question in texts:
            leaks[index] = "exact"
        elif words(question) in plain:
            leaks[index] = "normalised"
        elif masked(question) in hidden and False:
            leaks[index] = "masked"
        elif grams(question) & runs:
            leaks[index] = "13-gram"
    return leaks
