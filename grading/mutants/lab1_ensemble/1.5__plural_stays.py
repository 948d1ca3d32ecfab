# MUTANT 1.5 method.py — the plural 'gadgets' stays | caught by: test_the_word_gadget_is_dropped_wherever_it_stands | visible: passes
def normalize_gadget_type(label):
    import re

    return "".join(word for word in re.findall(r"[^\W_]+", label.lower()) if word != "gadget")
