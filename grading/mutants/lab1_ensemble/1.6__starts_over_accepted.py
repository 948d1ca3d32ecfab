# MUTANT 1.6 method.py — an answer that starts over is accepted | caught by: test_an_answer_that_starts_over_is_not_the_form | visible: passes
def check_format(text):
    import re

    parts = [part.strip() for part in text.split(";")]
    if len(parts) < 3:
        return False
    found = [re.match(rf"{key} *:(.*)", part, re.I | re.S) for key, part in zip(FIELDS, parts)]
    return all(match and any(c.isalnum() for c in match[1]) for match in found)
