# MUTANT 5.2 data.py — the alias's words may stand apart and in any order | caught by: test_an_alias_is_found_as_whole_words_in_order | visible: passes
def answer_matches(reply: str, aliases: Sequence[str]) -> bool:
    said = reply.split()
    for alias in aliases:
        words = alias.split()
        starts = range(1 if words in (["yes"], ["no"]) else len(said))
        if words and (set(words) <= set(said) if words not in (["yes"], ["no"]) else said[:1] == words):
            return True
    return False
