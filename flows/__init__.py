"""In what order, and what to do about failure. Prefect; no pixels, no files."""

from s2lookback.cores import share_cores

share_cores()  # before any flow imports numpy
