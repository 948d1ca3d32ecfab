# MUTANT 1.6 method.py — the three words are looked for anywhere | caught by: test_a_missing_misplaced_or_empty_field_is_not_the_form | visible: fails
def check_format(text):
    return all(key in text.lower() for key in ("gadget_type", "location", "explanation"))
