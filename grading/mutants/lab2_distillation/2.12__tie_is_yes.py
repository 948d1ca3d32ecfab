# MUTANT 2.12 method.py — exactly half is enough | caught by: test_ties_and_silence_have_no_consensus | visible: fails
def consensus(answers: Sequence[bool | None]) -> bool | None:
    answers = list(answers)
    return next((said for said in (True, False) if answers and 2 * answers.count(said) >= len(answers)), None)
