# MUTANT 5.2 data.py — only the first alias is tried | caught by: test_an_alias_is_found_as_whole_words_in_order | visible: fails
def answer_matches(reply: str, aliases: Sequence[str]) -> bool:
    said = reply.split()
    for alias in aliases[:1]:
        words = alias.split()
        starts = range(1 if words in (["yes"], ["no"]) else len(said))
        if words and any(said[i : i + len(words)] == words for i in starts):
            return True
    return False
