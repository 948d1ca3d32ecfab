# MUTANT 1.9 method.py — two unread verdicts (None) are consistent | caught by: test_an_unread_order_leaves_no_verdict_and_other_words_are_refused | visible: passes
def combine_verdicts(ab, ba):
    for verdict in (ab, ba):
        if verdict is not None and verdict not in VERDICTS:
            raise ValueError("no verdict")
    good = {"FULL_AGREEMENT", "PARTIAL_AGREEMENT"}
    consistent = ab == ba
    agreement = ab in good and ba in good
    verdict = ab if consistent else "PARTIAL_AGREEMENT" if agreement else None
    return {"verdict": verdict, "consistent": consistent, "semantic_agreement": agreement}
