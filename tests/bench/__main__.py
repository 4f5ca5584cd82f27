"""Runs the measurements: ``python -m tests.bench`` all of them, ``python -m tests.bench mrap --help`` one."""

import sys

from tests.bench import bucket, catalog, masks, mrap, nightly

MEASUREMENTS = {
    "bucket": bucket.main,
    "catalog": catalog.main,
    "masks": masks.main,
    "mrap": mrap.main,
    "nightly": nightly.main,
}

if __name__ == "__main__":
    name, *options = sys.argv[1:] or [""]
    for chosen in MEASUREMENTS if not name else [name]:
        MEASUREMENTS[chosen](options)
