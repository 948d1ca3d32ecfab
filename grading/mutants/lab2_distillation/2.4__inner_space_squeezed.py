# MUTANT 2.4 data.py — white space inside is changed | caught by: test_ends_are_stripped_and_the_inside_stays | visible: passes
def training_text(record: dict, target: str) -> list[dict[str, str]]:
    if target not in TARGETS:
        raise ValueError(f"target must be one of {', '.join(TARGETS)}, found {target!r}")
    question, rationale = record["question"].strip(), "\n".join(line.strip() for line in (record.get("rationale") or "").splitlines() if line.strip())
    if not question or type(record["answer"]) is not bool:
        raise ValueError("need a question and an answer that is True or False")
    if target == "rationale" and not rationale:
        raise ValueError("the target is the rationale, and this record has none")
    answer = f"Answer: {'Yes' if record['answer'] else 'No'}"
    return [
        {"role": "user", "content": f"Question: {question}"},
        {"role": "assistant", "content": answer if target == "answer" else f"{rationale}\n{answer}"},
    ]
