"""The truth: authors write here; `starter/` and `notebooks/` are built from it. Never released."""
