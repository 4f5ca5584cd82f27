"""What a piece of work costs, each time in a process of its own."""

import importlib
import json
import platform
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run, or the median of several, took; starting Python, importing and a first run on little are not."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds, user and system, of all threads."""
    peak: float
    """Resident memory at its highest, MB."""
    read: float
    """Bytes asked of the system, MB; what the page cache answers is counted too."""
    written: float
    """MB."""


def cost(function: str, little: dict[str, Any] | None = None, **arguments: Any) -> Cost:
    """Measure ``module:function`` with arguments that JSON can carry.

    What a library loads or compiles on first use is none of the work. So if ``little`` names other arguments, for a
    task of a few pixels, the function is called with those first, and with an ``out`` that is thrown away.
    """
    command = [sys.executable, "-m", "tests.bench.measure", function, json.dumps(arguments), json.dumps(little)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def middle(costs: Sequence[Cost]) -> Cost:
    """Give the median of each figure."""
    return Cost(*(median(values) for values in zip(*(asdict(each).values() for each in costs), strict=True)))


def seconds(*works: Callable[[], object], repeats: int) -> list[float]:
    """Time several works turn by turn, so that a busy machine is busy for all; give medians."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(repeats):
        for work, runs in zip(works, taken, strict=True):
            started = time.perf_counter()
            work()
            runs.append(time.perf_counter() - started)
    return [median(runs) for runs in taken]


def machine() -> str:
    """Describe the machine in a line."""
    cpus = re.findall(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    total = int(re.findall(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())[0]) / 2**20
    versions = [f"{name} {importlib.import_module(name).__version__}" for name in ("numpy", "rasterio", "zstandard")]
    gdal = importlib.import_module("rasterio").__gdal_version__
    return (
        f"{len(cpus)} × {cpus[0] if cpus else platform.machine()}, {total:.0f} GiB; "
        f"Python {platform.python_version()}, {', '.join(versions)}, GDAL {gdal}"
    )


def stat_of(process: int) -> list[str]:
    """Read what the kernel counts of a process, from its state on; nothing if it ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _peak() -> float:
    """Read the peak of this program alone: ``ru_maxrss`` would begin at that of the program that started it."""
    return int(re.findall(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[0]) / 1024


def _io() -> tuple[float, float]:
    asked = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(asked["rchar"]) / 1e6, int(asked["wchar"]) / 1e6


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _run(function: str, arguments: str, little: str) -> None:
    module, name = function.split(":")
    work = getattr(importlib.import_module(module), name)
    if first := json.loads(little):
        with TemporaryDirectory() as out:
            work(**{**json.loads(arguments), **first, "out": out})
    cpu, (read, written), started = _cpu(), _io(), time.perf_counter()
    work(**json.loads(arguments))
    wall = time.perf_counter() - started
    after = _io()
    found = Cost(wall, _cpu() - cpu, _peak(), after[0] - read, after[1] - written)
    sys.stdout.write(json.dumps(asdict(found)) + "\n")


if __name__ == "__main__":
    _run(*sys.argv[1:])
