# MUTANT 1.6 method.py — a semicolon in the explanation counts as a new field | caught by: test_an_answer_in_the_form_is_recognised | visible: fails
def check_format(text):
    import re

    parts = [part.strip() for part in text.split(";")]
    if len(parts) != 3:
        return False
    found = [re.match(rf"{key} *:(.*)", part, re.I | re.S) for key, part in zip(FIELDS, parts)]
    return all(bool(match and any(c.isalnum() for c in match[1])) for match in found)
