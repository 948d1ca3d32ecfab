"""Shared and complete: everything the labs stand on. Students read it and never edit it."""

import logging
import os

# Before torch loads its OpenMP: a thread that waits sleeps instead of spinning. On a laptop whose cores are
# also wanted by a browser, 40 training steps took 30 s this way and 131 s with spinning threads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# bitsandbytes warns on import when an optional kernel, which it would download, is missing; it has its own.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
