# MUTANT 1.9 method.py — the verdict of the first order is taken | caught by: test_orders_that_say_the_same_are_consistent_and_others_are_not, test_full_and_partial_support_partial_agreement | visible: fails
def combine_verdicts(ab, ba):
    for verdict in (ab, ba):
        if verdict is not None and verdict not in VERDICTS:
            raise ValueError("no verdict")
    good = {"FULL_AGREEMENT", "PARTIAL_AGREEMENT"}
    consistent = ab is not None and ab == ba
    agreement = ab in good and ba in good
    verdict = ab
    return {"verdict": verdict, "consistent": consistent, "semantic_agreement": agreement}
