# MUTANT 5.2 data.py — 'no' matches inside the reply, not only as its first word | caught by: test_yes_and_no_are_answers_only_at_the_beginning | visible: passes
def answer_matches(reply: str, aliases: Sequence[str]) -> bool:
    said = reply.split()
    for alias in aliases:
        words = alias.split()
        starts = range(len(said))
        if words and any(said[i : i + len(words)] == words for i in starts):
            return True
    return False
