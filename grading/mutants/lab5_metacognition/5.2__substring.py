# MUTANT 5.2 data.py — a substring inside a word matches | caught by: test_an_alias_is_found_as_whole_words_in_order | visible: fails
def answer_matches(reply: str, aliases: Sequence[str]) -> bool:
    said = reply.split()
    for alias in aliases:
        words = alias.split()
        if words and said and (" ".join(words) in reply if words not in (["yes"], ["no"]) else said[0] in words):
            return True
    return False
