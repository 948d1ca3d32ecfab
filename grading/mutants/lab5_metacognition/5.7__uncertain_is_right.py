# MUTANT 5.7 method.py — uncertain is treated as right | caught by: test_exactly_the_wrong_judgments_are_selected_in_order | visible: passes
def select_misjudged(records: Sequence[Mapping]) -> list[Mapping]:
    return [record for record in records if record["judgment"] != record["target"] and "uncertain" not in (record["judgment"], record["target"])]
