"""How many cores a job may use, and one number of threads for every library in it."""

import os

SETTING = "S2LOOKBACK_CPUS"
"""Environment variable that says how many; Slurm's ``SLURM_CPUS_PER_TASK`` says it where this does not."""

LIBRARIES = (
    "OMP_NUM_THREADS",  # LightGBM and torch
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "GDAL_NUM_THREADS",
)


def cores() -> int:
    """Give the number of cores: as the job was told, else those that this process may run on."""
    for name in (SETTING, "SLURM_CPUS_PER_TASK"):
        told = os.environ.get(name, "")
        if told.isdecimal() and int(told) > 0:
            return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share_cores() -> None:
    """Tell every library to start no more threads than there are cores; what the environment says already stands.

    It must be called before numpy is imported, which reads this once.
    """
    for name in LIBRARIES:
        os.environ.setdefault(name, str(cores()))


THREADS = min(8, cores())
"""Parts of a raster that one job works on side by side; eight at most, since the memory of each adds up."""
