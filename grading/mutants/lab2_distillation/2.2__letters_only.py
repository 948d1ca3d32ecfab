# MUTANT 2.2 data.py — everything but letters is removed, so that 'No. 1' is NO, not only at the ends | caught by: test_a_negation_or_both_answers_are_none | visible: passes
def parse_teacher(text):
    import re

    t = text.lower()
    i = t.rfind("answer is")
    if i < 0:
        return None
    return {"yes": True, "no": False}.get(re.sub("[^a-z/ ]", "", t[i + 9 :].split("\n")[0]).strip())
