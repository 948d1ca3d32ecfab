# MUTANT 1.5 method.py — letters beyond a to z are dropped | caught by: test_only_letters_and_digits_stay_in_lower_case | visible: passes
def normalize_gadget_type(label):
    import re

    words = re.findall(r"[^\W_]+", label.lower())
    kept = "".join(word for word in words if word not in ("gadget", "gadgets"))
    return re.sub(r"[^a-z0-9]", "", kept)
