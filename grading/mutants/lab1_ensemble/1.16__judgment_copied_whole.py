# MUTANT 1.16 evaluate.py — llm_judgment holds more keys than the published ones | caught by: test_a_judgment_stands_beside_the_strings_and_changes_nothing_else | visible: passes
def report_record(example_id, gold_output, predictions, gadget_types, normalized_types, judgment=None):
    if len(predictions) < 2 or not predictions.keys() == gadget_types.keys() == normalized_types.keys():
        raise ValueError("models")
    labels = list(normalized_types.values())
    agreement = {
        "full_agreement": all(labels) and len(set(labels)) == 1,
        "gadget_types": dict(gadget_types),
        "normalized_types": dict(normalized_types),
    }
    if judgment is not None:
        agreement["semantic_agreement"] = judgment["semantic_agreement"]
        agreement["llm_judgment"] = dict(judgment)
    return {
        "example_id": example_id,
        "gold_output": gold_output,
        "predictions": dict(predictions),
        "agreement": agreement,
    }
