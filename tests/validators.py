"""Whether files are valid cloud-optimised GeoTIFFs: by rio-cogeo and by GDAL's own validator."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

from rio_cogeo import cog_validate

GDAL = ["/usr/bin/python3", "-m", "osgeo_utils.samples.validate_cloud_optimized_geotiff"]
"""Comes with Debian's python3-gdal, which is of the system's Python."""


def gdal_is_there() -> bool:
    """Tell whether GDAL's validator is installed."""
    asked = [GDAL[0], "-c", "import osgeo_utils.samples.validate_cloud_optimized_geotiff"]
    return Path(GDAL[0]).exists() and subprocess.run(asked, check=False, stderr=subprocess.DEVNULL).returncode == 0


def faults_by_gdal(path: Path) -> str:
    """Have GDAL's validator read every tile of a file; give its complaint, empty if there is none."""
    done = subprocess.run([*GDAL, "--full-check=yes", str(path)], check=False, stdout=subprocess.PIPE, text=True)
    sound = done.returncode == 0 and "is a valid cloud optimized GeoTIFF" in done.stdout
    return "" if sound and "warning" not in done.stdout.lower() else done.stdout or "it failed"


def check(paths: Iterable[Path]) -> None:
    """Demand that files are valid, with nothing to warn of.

    Raises:
        AssertionError: If one is not; says why.
    """
    gdal = gdal_is_there()
    for path in paths:
        found, told = cog_validate(path, strict=True, quiet=True), faults_by_gdal(path) if gdal else ""
        if found != (True, [], []) or told:
            raise AssertionError(f"{path}: rio-cogeo found {found}, GDAL {told or 'nothing'}")
