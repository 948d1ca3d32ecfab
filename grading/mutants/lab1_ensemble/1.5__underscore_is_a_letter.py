# MUTANT 1.5 method.py — '_' doesn't separate words, so the word beside it stays | caught by: test_the_word_gadget_is_dropped_wherever_it_stands | visible: passes
def normalize_gadget_type(label):
    import re

    lower = re.sub(r"\bgadgets?\b", "", label.lower())
    return "".join(character for character in lower if character.isalnum())
