"""What exists: STAC items, their provenance, and where they are kept. Never Prefect."""
