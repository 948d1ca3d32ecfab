# MUTANT 4.14 evaluate.py — a question without any right sample counts as a failure of the vote | caught by: test_without_a_right_sample_the_vote_has_not_failed | visible: passes
def check_majority_failure(answers, gold, vote):
    if gold is None:
        raise ValueError("gold is None")
    return vote(list(answers)) != gold
