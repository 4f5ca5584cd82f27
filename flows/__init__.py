"""In what order, and what to do about failure. Prefect; no pixels, no files."""
