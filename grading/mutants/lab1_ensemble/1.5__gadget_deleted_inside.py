# MUTANT 1.5 method.py — 'gadget' is deleted inside longer words | caught by: test_words_are_never_touched_inside | visible: passes
def normalize_gadget_type(label):
    lower = label.lower().replace("gadgets", "").replace("gadget", "")
    return "".join(character for character in lower if character.isalnum())
