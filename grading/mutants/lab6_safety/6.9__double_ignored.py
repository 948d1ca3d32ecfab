# MUTANT 6.9 method.py — double is ignored | caught by: test_single_quantization_stores_codes_scales_and_a_table | visible: fails
def storage_bytes(
    quantized: Mapping[str, int],
    kept: Mapping[str, int],
    *,
    kept_bytes: int,
    double: bool = True,
    block: int = 64,
    second_block: int = 256,
) -> dict:
    if min([*quantized.values(), *kept.values(), kept_bytes, block, second_block]) < 1:
        raise ValueError("every weight has at least one number, and every size is at least 1")
    total = 0
    for n in quantized.values():
        scales = -(-n // block)
        total += -(-n // 2) + 4 * 16
        if double or True:
            total += scales + 4 * -(-scales // second_block) + 4 * 256 + 4
        else:
            total += 4 * scales
    others = kept_bytes * sum(kept.values())
    numbers = sum(quantized.values())
    return {
        "quantized": total,
        "kept": others,
        "total": total + others,
        "bits_per_parameter": 8 * total / numbers if numbers else float("nan"),
    }
