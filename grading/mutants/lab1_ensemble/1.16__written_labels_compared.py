# MUTANT 1.16 evaluate.py — the labels as written are compared | caught by: test_full_agreement_needs_a_label_of_every_model | visible: passes
def report_record(example_id, gold_output, predictions, gadget_types, normalized_types, judgment=None):
    if len(predictions) < 2 or not predictions.keys() == gadget_types.keys() == normalized_types.keys():
        raise ValueError("need the same models, at least two, in all three dicts")
    labels = list(gadget_types.values())
    agreement = {
        "full_agreement": all(labels) and len(set(labels)) == 1,
        "gadget_types": dict(gadget_types),
        "normalized_types": dict(normalized_types),
    }
    if judgment is not None:
        agreement["semantic_agreement"] = judgment["semantic_agreement"]
        agreement["llm_judgment"] = {name: judgment[name] for name in ("verdict", "explanation")}
    return {
        "example_id": example_id,
        "gold_output": gold_output,
        "predictions": dict(predictions),
        "agreement": agreement,
    }
