# MUTANT 4.14 evaluate.py — the vote doesn't see the samples without an answer | caught by: test_the_vote_sees_every_answer_and_gold_is_never_none | visible: passes
def check_majority_failure(answers, gold, vote):
    if gold is None:
        raise ValueError("gold is None")
    read = [answer for answer in answers if answer is not None]
    return gold in read and vote(read) != gold
