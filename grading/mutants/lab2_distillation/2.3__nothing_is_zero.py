# MUTANT 2.3 data.py — a share of nothing is 0 | caught by: test_a_share_of_nothing_is_nan | visible: fails
def quality_report(records: Sequence[dict]) -> dict:
    if not records or any(type(record["answer"]) is not bool for record in records):
        raise ValueError("need at least one record, each with an `answer` that is True or False")
    said = [record["teacher_answer"] for record in records]
    kept = [r["answer"] for r in records if r["teacher_answer"] is r["answer"]]
    gold = [record["answer"] for record in records]

    def share(part: int, whole: int) -> float:
        return part / whole if whole else 0.0

    return {
        "n": len(records),
        "unparsed": said.count(None),
        "wrong": len(records) - said.count(None) - len(kept),
        "kept": len(kept),
        "recall_yes": share(kept.count(True), gold.count(True)),
        "recall_no": share(kept.count(False), gold.count(False)),
        "prior_yes": share(gold.count(True), len(gold)),
        "kept_prior_yes": share(kept.count(True), len(kept)),
    }
