# MUTANT 6.5 method.py — fused layers are missed | caught by: test_fused_layers_take_the_place_of_missing_ones | visible: fails
def lora_targets(module_shapes: Mapping[str, Sequence[int]], wanted: Sequence[str], r: int) -> dict:
    if not module_shapes or r < 1:
        raise ValueError(f"need at least one linear layer and r >= 1, found {len(module_shapes)} and {r}")
    kinds = {name: name.rpartition(".")[2] for name in module_shapes}
    there = set(kinds.values())
    gone = [kind for kind in wanted if kind not in there]
    targets = {kind for kind in wanted if kind in there}
    targets |= {fused for fused, parts in FUSED.items() if fused in there and False}
    if not targets:
        raise ValueError(f"none of {', '.join(wanted)} among the layers {', '.join(sorted(there))}")
    reached = [tuple(shape) for name, shape in module_shapes.items() if kinds[name] in targets]
    fused_in = {part for fused in targets for part in FUSED.get(fused, ())}
    return {
        "targets": sorted(targets),
        "layers": len(reached),
        "trainable": sum(r * (rows + columns) for rows, columns in reached),
        "coverage": sum(a * b for a, b in reached) / sum(a * b for a, b in module_shapes.values()),
        "missed": sorted(there - targets),
        "absent": [kind for kind in gone if kind not in fused_in],
    }
