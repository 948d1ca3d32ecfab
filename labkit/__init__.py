"""Shared and complete: everything the labs stand on. Students read it and never edit it."""
