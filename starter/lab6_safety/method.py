"""Lab 6 method: what LoRA reaches, and what NF4 does to a weight: sixteen numbers, and how to count bytes.

    lora_targets({"layers.0.self_attn.q_proj": (128, 128), …}, WANTED, r=16)       # 6.5
    table = nf4_table()                                         # 6.6  [-1.0, -0.6962, …, 0.0, …, 0.7230, 1.0]
    codes, absmax = quantize_nf4(weights, table)                # 6.7
    dequantize_nf4(codes, absmax, table, weights.shape)         # 6.8  near the weights
    storage_bytes({"q_proj": 16384}, {"embed": 163840}, kept_bytes=4)      # 6.9

QLoRA keeps the base in 4 bits and trains small matrices beside it. Nothing here is used for training:
bitsandbytes does that; these functions say what it does. Source: Dettmers et al. 2023 (arXiv 2305.14314).
Left out: double quantization of the block scales themselves (counted in 6.9, not computed).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# Kinds of linear layers that the published guide looks for.
WANTED = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
# One layer that does the work of several: Phi-3's.
FUSED = {"qkv_proj": ("q_proj", "k_proj", "v_proj"), "gate_up_proj": ("gate_proj", "up_proj")}


def lora_targets(module_shapes: Mapping[str, Sequence[int]], wanted: Sequence[str], r: int) -> dict:
    """Which kinds of linear layers of *this* model to hand to LoRA, and a report of what they cover.

    A layer's kind is its name behind the last dot. A kind is a target if it is wanted, or if it is fused
    (`FUSED`) and does the work of a wanted one that this model doesn't have as a layer of its own: of a
    Phi-3, which has `qkv_proj` and no `q_proj`, "q_proj" finds `qkv_proj`. A library takes a list of
    which some names match and says nothing about the others; so here everything is reported.

    LoRA adds two matrices to a layer of shape (out, in), r x in and out x r.

    Args:
        module_shapes: full name of every linear layer -> (out, in).
        wanted: kinds, without repetitions.
        r: the rank, at least 1.
    Returns:
        - `targets`: the kinds to hand over, sorted, each of which the model has;
        - `layers`: how many layers these are; `trainable`: numbers that LoRA trains in them;
        - `coverage`: the share of the weights (out x in, over all layers given) that lies in these layers;
        - `missed`: the kinds that the model has and that are no targets, sorted;
        - `absent`: the wanted kinds that the model has neither by themselves nor in a fused layer, in
          their order.
    Raises:
        ValueError: no layers, r below 1, or not a single target: LoRA would train nothing.
    Source: Hu et al. 2021 (arXiv 2106.09685), section 4; PEFT, `LoraConfig.target_modules`.
    """
    if not module_shapes or r < 1:
        raise ValueError(f"need at least one linear layer and r >= 1, found {len(module_shapes)} and {r}")
    # TODO 6.5: the kinds that there are; the wanted ones, and the fused ones in the place of those missing.
    # ---- your code for 6.5 starts here ----
    raise NotImplementedError("TODO 6.5 lora_targets: see notebooks/lab6_safety.ipynb, section 5")
    # ---- ends here ----


def nf4_table(offset: float = 0.9677083) -> list[float]:
    """The sixteen values of 4-bit NormalFloat, from -1 to 1, ascending, with an exact 0.

    Weights are roughly normal, so the values are quantiles of the standard normal distribution, with ppf
    its quantile function (the inverse of its distribution function):

    - 8 positive ones: ppf at 8 evenly spaced points from `offset` down towards 0.5, which is the ninth and
      isn't taken (at 0.5 ppf is 0);
    - 7 negative ones: minus ppf at 7 evenly spaced points from `offset` down towards 0.5, the eighth;
    - 0 itself.

    All are divided by the largest. So the halves aren't mirror images: both end at 1, but one has 8 steps and
    the other 7.

    Args:
        offset: the outermost quantile, above 0.5 and below 1.
    Returns:
        16 floats.
    Raises:
        ValueError: offset outside (0.5, 1).
    Source: Dettmers et al. 2023, section 3 and appendix E.
    """
    if not 0.5 < offset < 1:
        raise ValueError(f"offset must lie between 0.5 and 1, found {offset}")
    # TODO 6.6: 8 quantiles, 7 quantiles and 0; divide by the largest; sort.
    # ---- your code for 6.6 starts here ----
    raise NotImplementedError("TODO 6.6 nf4_table: see notebooks/lab6_safety.ipynb, section 6")
    # ---- ends here ----


def quantize_nf4(weights, table: Sequence[float], block: int = 64):
    """A weight matrix as codes of 4 bits, and one scale for each block of it.

    The weights are read row by row as one long list and cut into blocks of `block` (the last may be
    shorter). A block's scale `absmax` is the largest absolute value in it; each weight divided by the scale
    is replaced by the index of the nearest table value. In a block of zeros the scale is 0, and the codes are
    the index of the table's 0. Which of two values that are equally near is taken isn't asked about.

    Args:
        weights: a float tensor of any shape, at least one weight, all finite. It stays as it is.
        table: ascending values from -1 to 1, 0 among them, at most 256.
        block: weights a block, at least 1.
    Returns:
        `(codes, absmax)`: a uint8 tensor (n,) with an index of the table for each of the n weights (not two
        packed into a byte), and a float32 tensor (⌈n / block⌉,).
    Raises:
        ValueError: no weights, a weight that isn't finite, or block below 1.
    Source: Dettmers et al. 2023, section 2, block-wise k-bit quantization.
    """
    import torch

    if block < 1 or weights.numel() == 0 or not bool(torch.isfinite(weights).all()):
        raise ValueError("need block >= 1 and at least one weight, all of them finite")
    # TODO 6.7: fill the last block with zeros, divide by the blocks' scales, find the nearest value.
    # ---- your code for 6.7 starts here ----
    raise NotImplementedError("TODO 6.7 quantize_nf4: see notebooks/lab6_safety.ipynb, section 7")
    # ---- ends here ----


def dequantize_nf4(codes, absmax, table: Sequence[float], shape: Sequence[int], block: int = 64):
    """The weights that codes and scales stand for: the table's value times the scale of its block.

    Args:
        codes: uint8 tensor (n,), as from 6.7.
        absmax: float32 tensor (⌈n / block⌉,).
        table: what the codes are indices of.
        shape: of the weights; n is its product.
        block: weights a block.
    Returns:
        A float32 tensor of this shape.
    Raises:
        ValueError: as many codes as the shape asks for, or as many scales as there are blocks, aren't there.
    Source: Dettmers et al. 2023, section 2.
    """
    import math

    n = math.prod(shape)
    if codes.numel() != n or absmax.numel() != -(-n // block):
        raise ValueError(
            f"{codes.numel()} codes and {absmax.numel()} scales don't fit the shape {tuple(shape)}"
        )
    # TODO 6.8: look the codes up, and multiply each by its own block's scale.
    # ---- your code for 6.8 starts here ----
    raise NotImplementedError("TODO 6.8 dequantize_nf4: see notebooks/lab6_safety.ipynb, section 8")
    # ---- ends here ----


def storage_bytes(
    quantized: Mapping[str, int],
    kept: Mapping[str, int],
    *,
    kept_bytes: int,
    double: bool = True,
    block: int = 64,
    second_block: int = 256,
) -> dict:
    """How many bytes a model takes with some of its weights in 4 bits: everything that is stored, counted.

    For *each* quantized weight of n numbers there are

    - the codes, two to a byte: ⌈n / 2⌉ bytes;
    - its scales, b = ⌈n / block⌉ of them: 4 bytes each; or, quantized themselves (`double`), 1 byte each, and
      4 bytes for each of their ⌈b / second_block⌉ blocks;
    - its tables: the 16 values of the codes, 4 bytes each; and with `double` also the 256 values of the
      scales' own code, 4 bytes each, and their mean, 4 bytes.

    For large weights this comes to 4 + 32/64 = 4.5 bits a number, with `double` to
    4 + 8/64 + 32/(64 · 256) = 4.127; a small weight pays for its tables. What isn't quantized (embeddings,
    norms, biases, LoRA's matrices) takes `kept_bytes` a number.

    Args:
        quantized: name of a weight -> how many numbers it has, at least 1 each; may be empty.
        kept: the same for weights that stay as they are; may be empty.
        kept_bytes: bytes a number of those, 4 for float32, 2 for bfloat16.
        double: whether the scales are quantized, too.
        block: numbers a scale.
        second_block: scales a second scale.
    Returns:
        `{"quantized", "kept", "total", "bits_per_parameter"}`: bytes, whole numbers; and 8 · quantized bytes
        / the numbers quantized (NaN if there is none).
    Raises:
        ValueError: a weight of fewer than one number, or kept_bytes, block or second_block below 1.
    Source: Dettmers et al. 2023, section 3, double quantization; the tables as bitsandbytes stores them.
    """
    if min([*quantized.values(), *kept.values(), kept_bytes, block, second_block]) < 1:
        raise ValueError("every weight has at least one number, and every size is at least 1")
    # TODO 6.9: codes, scales and tables, weight by weight; then what stays as it is.
    # ---- your code for 6.9 starts here ----
    raise NotImplementedError("TODO 6.9 storage_bytes: see notebooks/lab6_safety.ipynb, section 9")
    # ---- ends here ----
