"""One unit of work: read, call one kernel, write whole or not at all, return an href. Prefect."""
