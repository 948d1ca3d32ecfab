# MUTANT 5.2 data.py — a reply inside an alias matches too | caught by: test_nothing_matches_nothing_and_a_part_of_an_answer_is_no_answer | visible: fails
def answer_matches(reply: str, aliases: Sequence[str]) -> bool:
    said = reply.split()
    for alias in aliases:
        words = alias.split()
        starts = range(1 if words in (["yes"], ["no"]) else len(said))
        if words and any(said[i : i + len(words)] == words for i in starts):
            return True
        if said and any(words[i : i + len(said)] == said for i in range(len(words))):
            return True
    return False
