# MUTANT 2.10 method.py — all fields of the record stay | caught by: test_the_hint_is_removed_and_nothing_else, test_the_new_record_holds_five_fields_and_the_old_one_stays | visible: fails
def rationalise(record: dict, reply: str, said: bool | None) -> dict | None:
    if type(record["answer"]) is not bool:
        raise ValueError(f"{record['qid']}: the answer must be True or False, found {record['answer']!r}")
    import re

    if said is not record["answer"]:
        return None
    lines = [line.strip() for line in reply.splitlines()]
    kept = [line for line in lines if line and not re.search(r"\bhints?\b", line, re.IGNORECASE)]
    if not kept:
        return None
    fields = dict(record)
    return {**fields, "rationale": "\n".join(kept), "rationalised": True}
