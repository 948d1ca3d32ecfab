# MUTANT 4.16 evaluate.py — one is subtracted for None, also when there is none | caught by: test_every_different_answer_counts_once | visible: fails
def get_unique_preds_count(answers):
    return max(0, len(set(answers)) - 1)
