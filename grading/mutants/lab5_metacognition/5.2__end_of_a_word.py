# MUTANT 5.2 data.py — an alias at the end of a word counts, not only whole words | caught by: test_an_alias_is_found_as_whole_words_in_order | visible: passes
def answer_matches(reply: str, aliases: Sequence[str]) -> bool:
    said = reply.split()
    for alias in aliases:
        words = alias.split()
        starts = range(1 if words in (["yes"], ["no"]) else len(said))
        if words and any(said[i : i + len(words)] == words or (alias not in ("yes", "no") and said[i].endswith(alias)) for i in starts if i < len(said)):
            return True
    return False
