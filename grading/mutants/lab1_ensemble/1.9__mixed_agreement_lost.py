# MUTANT 1.9 method.py — full and partial together are no agreement | caught by: test_full_and_partial_support_partial_agreement | visible: passes
def combine_verdicts(ab, ba):
    for verdict in (ab, ba):
        if verdict is not None and verdict not in VERDICTS:
            raise ValueError("no verdict")
    good = {"FULL_AGREEMENT", "PARTIAL_AGREEMENT"}
    consistent = ab is not None and ab == ba
    agreement = consistent and ab in good
    verdict = ab if consistent else "PARTIAL_AGREEMENT" if agreement else None
    return {"verdict": verdict, "consistent": consistent, "semantic_agreement": agreement}
