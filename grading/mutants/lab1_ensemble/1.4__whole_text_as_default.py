# MUTANT 1.4 method.py — without a key the whole text is taken | caught by: test_a_text_without_a_label_gives_none | visible: fails
def extract_gadget_type(text):
    import re

    found = re.search(r"(?<!\w)gadget[_ -]type *:([^;\n]*)", text, flags=re.IGNORECASE)
    return (found[1].strip() or None) if found else text.strip() or None
