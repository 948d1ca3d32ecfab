# MUTANT 1.16 evaluate.py — models without a label are left out of the agreement | caught by: test_full_agreement_needs_a_label_of_every_model | visible: passes
def report_record(example_id, gold_output, predictions, gadget_types, normalized_types, judgment=None):
    if len(predictions) < 2 or not predictions.keys() == gadget_types.keys() == normalized_types.keys():
        raise ValueError("models")
    labels = list(normalized_types.values())
    agreement = {
        "full_agreement": len({label for label in labels if label}) == 1,
        "gadget_types": dict(gadget_types),
        "normalized_types": dict(normalized_types),
    }
    if judgment is not None:
        agreement["semantic_agreement"] = judgment["semantic_agreement"]
        agreement["llm_judgment"] = {key: judgment[key] for key in ("verdict", "explanation")}
    return {
        "example_id": example_id,
        "gold_output": gold_output,
        "predictions": dict(predictions),
        "agreement": agreement,
    }
