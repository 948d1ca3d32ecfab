# MUTANT 1.6 method.py — a line end in the explanation is refused | caught by: test_an_answer_in_the_form_is_recognised | visible: passes
def check_format(text):
    import re

    keyed = [re.match(r"(gadget_type|location|explanation) *:", part.strip(), re.I) for part in text.split(";")]
    if tuple(key[1].lower() for key in keyed if key) != FIELDS or None in keyed[:3] or "\n" in text:
        return False
    return all(any(c.isalnum() for c in key.string[key.end() :]) for key in keyed[:3])
