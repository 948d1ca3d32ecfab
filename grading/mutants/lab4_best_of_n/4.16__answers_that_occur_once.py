# MUTANT 4.16 evaluate.py — only answers that occur once are counted | caught by: test_every_different_answer_counts_once | visible: fails
def get_unique_preds_count(answers):
    return sum(answers.count(answer) == 1 for answer in answers if answer is not None)
