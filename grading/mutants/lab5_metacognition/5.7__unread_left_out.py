# MUTANT 5.7 method.py — an unread judgment is left out | caught by: test_exactly_the_wrong_judgments_are_selected_in_order | visible: fails
def select_misjudged(records: Sequence[Mapping]) -> list[Mapping]:
    return [record for record in records if record["judgment"] is not None and record["judgment"] != record["target"]]
