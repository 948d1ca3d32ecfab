# MUTANT 3.10 data.py — a second record of the same question gives no pair | caught by: test_the_order_is_random_but_repeatable_and_bad_records_are_refused | visible: passes
def build_pairs(records, seed):
    def flipped(final: str) -> str:
        body, _, last = final.rpartition("\n")
        other = {"Answer: Yes": "Answer: No", "Answer: No": "Answer: Yes"}.get(last)
        if other is None:
            raise ValueError(f"expected a last line 'Answer: Yes' or 'Answer: No', found {last!r}")
        return final[: len(final) - len(last)] + other

    pairs, done = [], set()
    for record in records:
        if type(record["answer"]) is not bool:
            raise ValueError(f"answer must be True or False, found {record['answer']!r}")
        if record["teacher_answer"] is not record["answer"]:
            continue
        wrong = record["draft_answer"] is not record["answer"]
        rejected = record["draft"] if wrong else flipped(record["final"])
        if record["question"] in done:
            continue
        done.add(record["question"])
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
