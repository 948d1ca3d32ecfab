# MUTANT 4.16 evaluate.py — None is counted as an answer | caught by: test_none_is_no_answer | visible: passes
def get_unique_preds_count(answers):
    return len(set(answers))
