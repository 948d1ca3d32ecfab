# MUTANT 4.14 evaluate.py — a gold of None equals unread answers | caught by: test_the_vote_sees_every_answer_and_gold_is_never_none | visible: passes
def check_majority_failure(answers, gold, vote):
    return gold in answers and vote(list(answers)) != gold
