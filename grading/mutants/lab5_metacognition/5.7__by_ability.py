# MUTANT 5.7 method.py — compares the judgment with the ability, not with the target | caught by: test_exactly_the_wrong_judgments_are_selected_in_order | visible: passes
def select_misjudged(records: Sequence[Mapping]) -> list[Mapping]:
    words = {"can": "yes", "uncertain": "yes", "cannot": "no"}
    right = [words.get(record.get("ability"), record["target"]) for record in records]
    return [record for record, word in zip(records, right, strict=True) if record["judgment"] != word]
