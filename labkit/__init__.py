"""Shared and complete: everything the labs stand on. Students read it and never edit it."""

import logging

# bitsandbytes warns on import when an optional kernel, which it would download, is missing; it has its own.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
