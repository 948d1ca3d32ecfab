# MUTANT 5.2 data.py — IndexError: takes the first word of an empty reply | caught by: test_nothing_matches_nothing_and_a_part_of_an_answer_is_no_answer | visible: passes
def answer_matches(reply: str, aliases: Sequence[str]) -> bool:
    said = reply.split()
    for alias in aliases:
        words = alias.split()
        if words in (["yes"], ["no"]):
            if said[0] == words[0]:
                return True
            continue
        starts = range(1 if words in (["yes"], ["no"]) else len(said))
        if words and any(said[i : i + len(words)] == words for i in starts):
            return True
    return False
