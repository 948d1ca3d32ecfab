# MUTANT 1.4 method.py — an empty first label is skipped | caught by: test_the_first_key_decides_even_when_its_label_is_empty | visible: passes
def extract_gadget_type(text):
    import re

    found = re.search(r"(?<!\w)gadget[_ -]type *:[^\S\n]*([^;\s][^;\n]*)", text, flags=re.IGNORECASE)
    return (found[1].strip() or None) if found else None
