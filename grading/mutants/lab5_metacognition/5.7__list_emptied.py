# MUTANT 5.7 method.py — changes the list that it is given | caught by: test_exactly_the_wrong_judgments_are_selected_in_order | visible: passes
def select_misjudged(records: Sequence[Mapping]) -> list[Mapping]:
    records[:] = [record for record in records if record["judgment"] != record["target"]]
    return list(records)
