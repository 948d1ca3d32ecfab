# MUTANT 2.4 data.py — the rationale stands in the prompt and in the target | caught by: test_the_rationale_is_the_target_and_never_in_the_prompt | visible: fails
def training_text(record: dict, target: str) -> list[dict[str, str]]:
    if target not in TARGETS:
        raise ValueError(f"target must be one of {', '.join(TARGETS)}, found {target!r}")
    question, rationale = record["question"].strip(), (record.get("rationale") or "").strip()
    if not question or type(record["answer"]) is not bool:
        raise ValueError("need a question and an answer that is True or False")
    if target == "rationale" and not rationale:
        raise ValueError("the target is the rationale, and this record has none")
    answer = f"Answer: {'Yes' if record['answer'] else 'No'}"
    return [
        {"role": "user", "content": f"Question: {question}\n{rationale}" if target == "rationale" else f"Question: {question}"},
        {"role": "assistant", "content": answer if target == "answer" else f"{rationale}\n{answer}"},
    ]
