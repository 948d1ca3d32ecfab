"""Which device a run uses, said aloud: CUDA, else Apple's MPS, else the CPU.

Example:
    device = pick_device(force_cpu=config.force_cpu)     # prints "Device: CPU (no GPU found)"
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def pick_device(force_cpu: bool = False, say: bool = True) -> torch.device:
    """The best device of this machine, or the CPU when forced; says which and why unless `say` is false."""
    import torch

    if force_cpu:
        name, words = "cpu", "CPU (asked for)"
    elif torch.cuda.is_available():
        name, words = "cuda", f"CUDA GPU, {torch.cuda.get_device_name()}"
    elif torch.backends.mps.is_available():
        name, words = "mps", "Apple GPU (MPS)"
    else:
        name, words = "cpu", "CPU (no GPU found)"
    if say:
        print(f"Device: {words}")
    return torch.device(name)
