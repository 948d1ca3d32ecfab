# MUTANT 1.6 method.py — text before the first key is accepted | caught by: test_a_missing_misplaced_or_empty_field_is_not_the_form | visible: passes
def check_format(text):
    import re

    field = r"[^;]*[^\W_][^;]*"
    keys = rf"(?<!\w)gadget_type *:{field};\s*location *:{field};\s*explanation *:{field}"
    found = re.search(keys, text, re.I)
    if not found:
        return False
    return not re.search(r";\s*(gadget_type|location|explanation) *:", text[found.end() :], re.I)
