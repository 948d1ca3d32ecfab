# MUTANT 5.2 data.py — the whole reply must be the alias | caught by: test_an_alias_is_found_as_whole_words_in_order | visible: fails
def answer_matches(reply: str, aliases: Sequence[str]) -> bool:
    said = reply.split()
    for alias in aliases:
        words = alias.split()
        starts = range(1 if words in (["yes"], ["no"]) else len(said))
        if words and said == words:
            return True
    return False
