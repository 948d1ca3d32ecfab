# MUTANT 2.4 data.py — an answer of None is taught as No | caught by: test_a_record_without_answer_or_chain_is_refused | visible: fails
def training_text(record: dict, target: str) -> list[dict[str, str]]:
    if target not in TARGETS:
        raise ValueError(f"target must be one of {', '.join(TARGETS)}, found {target!r}")
    question, rationale = record["question"].strip(), (record.get("rationale") or "").strip()
    if not question:
        raise ValueError("need a question and an answer that is True or False")
    if target == "rationale" and not rationale:
        raise ValueError("the target is the rationale, and this record has none")
    answer = f"Answer: {'Yes' if record['answer'] else 'No'}"
    return [
        {"role": "user", "content": f"Question: {question}"},
        {"role": "assistant", "content": answer if target == "answer" else f"{rationale}\n{answer}"},
    ]
