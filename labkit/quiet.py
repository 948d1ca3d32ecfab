"""Words of the libraries that nobody who takes the course can act on: left unsaid, in one place.

Example:
    leave_unsaid()      # `labkit.models` does this before it loads anything

Each entry says why it is noise. Errors, and warnings that aren't listed, are shown. Left out: silencing by
kind alone, which would hide what matters.
"""

from __future__ import annotations

import os
import sys
import warnings

# (beginning of the message as a regular expression, its kind)
KNOWN: tuple[tuple[str, type[Warning]], ...] = (
    # TRL 1.16 and PEFT 0.21 use names that transformers 5.23 is about to rename
    (".*gradient_checkpointing", FutureWarning),
)


def leave_unsaid() -> None:
    """Ignore the `KNOWN` warnings from now on, and the bars of `datasets`, whose sets are small here."""
    for message, kind in KNOWN:
        warnings.filterwarnings("ignore", message=message, category=kind)
    if "datasets" in sys.modules:
        sys.modules["datasets"].disable_progress_bars()
    else:
        os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
