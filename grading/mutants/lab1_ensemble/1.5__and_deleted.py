# MUTANT 1.5 method.py — 'and' is deleted inside words | caught by: test_words_are_never_touched_inside | visible: fails
def normalize_gadget_type(label):
    import re

    lower = re.sub(r"(?<![^\W_])gadgets?(?![^\W_])", "", label.lower()).replace("and", "")
    return "".join(character for character in lower if character.isalnum())
