# MUTANT 2.12 method.py — a tie has no consensus but went to no | caught by: test_ties_and_silence_have_no_consensus | visible: fails
def consensus(answers: Sequence[bool | None]) -> bool | None:
    answers = list(answers)
    return next((said for said in (True, False) if 2 * answers.count(said) > len(answers)), False)
