# MUTANT 1.6 method.py — a value of punctuation only is accepted | caught by: test_a_missing_misplaced_or_empty_field_is_not_the_form | visible: passes
def check_format(text):
    import re

    parts = [part.strip() for part in text.split(";")]
    keyed = [re.match(r"(gadget_type|location|explanation) *:", part, re.I) for part in parts]
    if tuple(key[1].lower() for key in keyed if key) != FIELDS or None in keyed[:3]:
        return False
    return all(key.string[key.end() :].strip() != "" for key in keyed[:3])
