# MUTANT 2.10 method.py — a reply of which nothing is left without its hint is learned | caught by: test_only_a_reply_that_ends_in_gold_is_learned | visible: passes
def rationalise(record: dict, reply: str, said: bool | None) -> dict | None:
    if type(record["answer"]) is not bool:
        raise ValueError(f"{record['qid']}: the answer must be True or False, found {record['answer']!r}")
    import re

    if said is not record["answer"]:
        return None
    lines = [line.strip() for line in reply.splitlines()]
    kept = [line for line in lines if line and not re.search(r"\bhints?\b", line, re.IGNORECASE)]
    fields = {name: record[name] for name in ("qid", "question", "answer")}
    return {**fields, "rationale": "\n".join(kept), "rationalised": True}
