# MUTANT 3.10 data.py — a line end behind the last line is cut off and accepted | caught by: test_only_the_last_line_of_a_final_text_is_flipped | visible: passes
def build_pairs(records, seed):
    def flipped(final: str) -> str:
        final = final.rstrip()
        body, _, last = final.rpartition("\n")
        other = {"Answer: Yes": "Answer: No", "Answer: No": "Answer: Yes"}.get(last)
        if other is None:
            raise ValueError(f"expected a last line 'Answer: Yes' or 'Answer: No', found {last!r}")
        return final[: len(final) - len(last)] + other

    pairs = []
    for record in records:
        if type(record["answer"]) is not bool:
            raise ValueError(f"answer must be True or False, found {record['answer']!r}")
        if record["teacher_answer"] is not record["answer"]:
            continue
        wrong = record["draft_answer"] is not record["answer"]
        rejected = record["draft"] if wrong else flipped(record["final"])
        if rejected == record["final"]:
            continue
        question, draft = record["question"].strip(), record["draft"].strip()
        pairs.append(
            {
                "qid": record["qid"],
                "prompt": f"Question: {question}\nStudent draft: {draft}",
                "chosen": record["final"],
                "rejected": rejected,
                "source": "wrong_draft" if wrong else "flipped_answer",
            }
        )
    random.Random(seed).shuffle(pairs)
    return pairs
