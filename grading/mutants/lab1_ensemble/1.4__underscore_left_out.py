# MUTANT 1.4 method.py — the sign inside the key can be left out | caught by: test_the_key_is_found_in_its_spellings_and_only_as_a_word | visible: passes
def extract_gadget_type(text):
    import re

    found = re.search(r"(?<!\w)gadget[_ -]?type *:([^;\n\r]*)", text, flags=re.IGNORECASE)
    return (found[1].strip() or None) if found else None
