# MUTANT 2.10 method.py — a hint inside another word (hinterland) counts | caught by: test_the_hint_is_removed_and_nothing_else | visible: passes
def rationalise(record: dict, reply: str, said: bool | None) -> dict | None:
    if type(record["answer"]) is not bool:
        raise ValueError(f"{record['qid']}: the answer must be True or False, found {record['answer']!r}")
    import re

    if said is not record["answer"]:
        return None
    lines = [line.strip() for line in reply.splitlines()]
    kept = [line for line in lines if line and not re.search(r"hint", line, re.IGNORECASE)]
    if not kept:
        return None
    fields = {name: record[name] for name in ("qid", "question", "answer")}
    return {**fields, "rationale": "\n".join(kept), "rationalised": True}
