# MUTANT 5.2 data.py — an empty alias matches everything | caught by: test_nothing_matches_nothing_and_a_part_of_an_answer_is_no_answer | visible: fails
def answer_matches(reply: str, aliases: Sequence[str]) -> bool:
    said = reply.split()
    for alias in aliases:
        words = alias.split()
        starts = range(1 if words in (["yes"], ["no"]) else len(said))
        if not words or any(said[i : i + len(words)] == words for i in starts):
            return True
    return False
