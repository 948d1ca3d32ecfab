# MUTANT 5.2 data.py — an alias matches at the end of a longer word | caught by: test_an_alias_is_found_as_whole_words_in_order | visible: passes
def answer_matches(reply: str, aliases: Sequence[str]) -> bool:
    for alias in aliases:
        if alias in ("yes", "no"):
            if reply.split()[:1] == [alias]:
                return True
        elif alias and f"{alias} " in f"{reply} ":
            return True
    return False
