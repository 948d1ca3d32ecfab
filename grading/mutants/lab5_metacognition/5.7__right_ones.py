# MUTANT 5.7 method.py — those judged rightly are selected | caught by: test_exactly_the_wrong_judgments_are_selected_in_order | visible: fails
def select_misjudged(records: Sequence[Mapping]) -> list[Mapping]:
    return [record for record in records if record["judgment"] == record["target"]]
