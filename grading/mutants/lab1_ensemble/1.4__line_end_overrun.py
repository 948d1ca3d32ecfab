# MUTANT 1.4 method.py — the label runs on over the line end | caught by: test_a_label_ends_at_the_semicolon_or_at_its_line | visible: fails
def extract_gadget_type(text):
    import re

    found = re.search(r"(?<!\w)gadget[_ -]type *:([^;]*)", text, flags=re.IGNORECASE)
    return (found[1].strip() or None) if found else None
