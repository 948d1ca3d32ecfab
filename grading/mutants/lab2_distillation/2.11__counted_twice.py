# MUTANT 2.11 method.py — a layer that two targets reach counts twice | caught by: test_names_match_at_dots_and_some_layers_of_a_kind_may_be_missed | visible: passes
def lora_coverage(module_shapes, targets, r):
    if not module_shapes or r < 1:
        raise ValueError("x")
    hit = lambda n, t: n == t or n.endswith("." + t)
    kinds = {}
    for n, (o, i) in module_shapes.items():
        k = kinds.setdefault(n.split(".")[-1], {"modules": 0, "reached": 0, "trainable": 0})
        k["modules"] += 1
        for t in targets:
            if hit(n, t):
                k["reached"] += 1
                k["trainable"] += r * (o + i)
    return {
        "kinds": kinds,
        "trainable": sum(k["trainable"] for k in kinds.values()),
        "missed": sorted(n for n, k in kinds.items() if k["reached"] < k["modules"]),
        "unmatched": [t for t in targets if not any(hit(n, t) for n in module_shapes)],
    }
