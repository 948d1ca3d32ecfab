# MUTANT 2.11 method.py — a target is found inside a name | caught by: test_fused_layers_are_missed_and_said_so, test_names_match_at_dots_and_some_layers_of_a_kind_may_be_missed | visible: fails
def lora_coverage(module_shapes: Mapping[str, Sequence[int]], targets: Sequence[str], r: int) -> dict:
    if not module_shapes or r < 1:
        raise ValueError(f"need at least one linear layer and r >= 1, found {len(module_shapes)} and {r}")
    def hits(name: str, target: str) -> bool:
        return name.endswith(target)

    kinds: dict[str, dict] = {}
    for name, (rows, columns) in module_shapes.items():
        reached = any(hits(name, target) for target in targets)
        kind = kinds.setdefault(name.split(".")[-1], {"modules": 0, "reached": 0, "trainable": 0})
        kind["modules"] += 1
        kind["reached"] += reached
        kind["trainable"] += r * (rows + columns) * reached
    return {
        "kinds": kinds,
        "trainable": sum(kind["trainable"] for kind in kinds.values()),
        "missed": sorted(name for name, kind in kinds.items() if kind["reached"] < kind["modules"]),
        "unmatched": [t for t in targets if not any(hits(name, t) for name in module_shapes)],
    }
