# MUTANT 1.5 method.py — the underscore stays in the label | caught by: test_only_letters_and_digits_stay_in_lower_case | visible: passes
def normalize_gadget_type(label):
    import re

    words = re.findall(r"\w+", label.lower())
    return "".join(word for word in words if word not in ("gadget", "gadgets"))
