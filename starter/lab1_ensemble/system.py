"""Lab 1 on any machine: which device is used, printed as the published guide prints it, and which platform.

    device = set_up_device(force_cpu=False)         # prints the block DEVICE SETUP
    workers = data_workers("auto", 2)               # 0 on Windows: its processes can't share open files

Source: the published guide (GUIDE.md), section "Hardware detection". Left out: which device is best, which
`labkit.device` decides for all labs.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from labkit.device import pick_device

if TYPE_CHECKING:
    import torch

RULE = "=" * 80


def set_up_device(force_cpu: bool) -> torch.device:
    """CUDA, else Apple's GPU, else the CPU; the choice is printed."""
    device = pick_device(force_cpu, say=False)
    print("\n".join([RULE, f"DEVICE SETUP ({'CPU FORCED' if force_cpu else 'AUTO-DETECT'})", RULE]))
    print("\n".join([*_words(device, force_cpu), RULE]))
    return device


def _words(device: torch.device, force_cpu: bool) -> list[str]:
    import torch

    if device.type == "cuda":
        memory = torch.cuda.get_device_properties(device).total_memory / 2**30
        found = [f"✓ CUDA GPU detected: {torch.cuda.get_device_name(device)}", f"  VRAM: {memory:.1f} GB"]
        return [*found, "  Using GPU for training"]
    if device.type == "mps":
        return ["✓ Apple Silicon GPU (MPS) detected", "  Using GPU for training"]
    first = "✓ CPU asked for (--force_cpu)" if force_cpu else "✓ No GPU detected"
    slower = "  Training will be slower but will work on any hardware"
    return [first, "  Using CPU for training", slower]


def data_workers(platform: str, wanted: int) -> int:
    """Processes that load data: 0 on Windows, where each would have to start anew, else as wanted."""
    windows = platform == "windows" or (platform == "auto" and sys.platform == "win32")
    return 0 if windows else wanted
