# MUTANT 5.2 data.py — a word ends where a regular expression says so, not at spaces | caught by: test_an_alias_is_found_as_whole_words_in_order | visible: passes
def answer_matches(reply: str, aliases: Sequence[str]) -> bool:
    import re

    for alias in aliases:
        pattern = rf"\b{re.escape(alias)}\b"
        hit = re.match(pattern, reply) if alias in ("yes", "no") else re.search(pattern, reply)
        if alias and reply and hit:
            return True
    return False
