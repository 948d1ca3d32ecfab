# MUTANT 2.12 method.py — unread attempts don't count | caught by: test_more_than_half_of_all_attempts_is_needed | visible: fails
def consensus(answers: Sequence[bool | None]) -> bool | None:
    answers = [said for said in answers if said is not None]
    return next((said for said in (True, False) if 2 * answers.count(said) > len(answers)), None)
