# MUTANT 1.4 method.py — the last key is read, not the first | caught by: test_the_first_key_decides_even_when_its_label_is_empty | visible: passes
def extract_gadget_type(text):
    import re

    found = re.findall(r"(?<!\w)gadget[_ -]type *:([^;\n]*)", text, flags=re.IGNORECASE)
    return (found[-1].strip() or None) if found else None
