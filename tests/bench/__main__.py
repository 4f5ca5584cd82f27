"""Runs the measurements: ``python -m tests.bench`` all of them, ``python -m tests.bench mrap --help`` one."""

import sys

from tests.bench import catalog, masks, mrap

MEASUREMENTS = {"catalog": catalog.main, "masks": masks.main, "mrap": mrap.main}

if __name__ == "__main__":
    name, *options = sys.argv[1:] or [""]
    for chosen in MEASUREMENTS if not name else [name]:
        MEASUREMENTS[chosen](options)
