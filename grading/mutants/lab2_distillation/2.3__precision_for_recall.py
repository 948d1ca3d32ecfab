# MUTANT 2.3 data.py — divides by what the teacher said | caught by: test_every_count_and_share_is_that_of_the_records | visible: fails
def quality_report(records: Sequence[dict]) -> dict:
    if not records or any(type(record["answer"]) is not bool for record in records):
        raise ValueError("need at least one record, each with an `answer` that is True or False")
    said = [record["teacher_answer"] for record in records]
    kept = [r["answer"] for r in records if r["teacher_answer"] is r["answer"]]
    gold = [record["answer"] for record in records]

    def share(part: int, whole: int) -> float:
        return part / whole if whole else float("nan")

    return {
        "n": len(records),
        "unparsed": said.count(None),
        "wrong": len(records) - said.count(None) - len(kept),
        "kept": len(kept),
        "recall_yes": share(kept.count(True), said.count(True)),
        "recall_no": share(kept.count(False), said.count(False)),
        "prior_yes": share(gold.count(True), len(gold)),
        "kept_prior_yes": share(kept.count(True), len(kept)),
    }
