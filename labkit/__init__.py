"""Shared and complete: everything the labs stand on. Students read it and never edit it."""

import logging
import os

# Before torch loads its OpenMP: a thread that waits soon sleeps instead of spinning. On two cores that other
# programs want too, 38 training steps took 31 s so and 131 s with spinning; on free ones 13 s either way.
os.environ.setdefault("GOMP_SPINCOUNT", "2000")

# bitsandbytes warns on import when an optional kernel, which it would download, is missing; it has its own.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
