"""Writes a simulated series to a folder: ``python3 -m s2lookback.simulate --family boreal --out scenes``.

As products in ESA's format (``--what safe``, or ``zip``), or as plain arrays with the truth beside them
(``--what arrays``): one ``.npz`` a date.
"""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from s2lookback.bands import BANDS
from s2lookback.simulate.families import DEVELOPMENT
from s2lookback.simulate.product import write_safe
from s2lookback.simulate.series import Observation, plain, series


def main() -> None:
    """Write what is asked for."""
    parser = argparse.ArgumentParser(prog="python3 -m s2lookback.simulate", description="Write simulated scenes.")
    families = {family.name: family for family in DEVELOPMENT}
    parser.add_argument("--family", choices=families, default="boreal", help="kind of ground, sky and season")
    parser.add_argument("--seed", type=int, default=1, help="of landscape, weather and fire")
    parser.add_argument("--dates", type=int, default=14, help="scenes, five days apart")
    parser.add_argument("--height", type=int, default=240, help="rows of 20 m")
    parser.add_argument("--width", type=int, default=321, help="columns of 20 m")
    parser.add_argument("--label-noise", type=float, help="mean share of wrong labels; else what processors get wrong")
    parser.add_argument("--level", choices=("L1C", "L2A"), default="L2A")
    parser.add_argument("--what", choices=("safe", "zip", "arrays"), default="safe")
    parser.add_argument("--out", type=Path, required=True, help="folder, made where it does not exist")
    asked = vars(parser.parse_args())
    family, out, what = families[asked.pop("family")], asked.pop("out"), asked.pop("what")
    out.mkdir(parents=True, exist_ok=True)
    try:
        for observation in series(family, **asked, bands=tuple(BANDS)):
            if what == "arrays":
                write_arrays(observation, out)
            else:
                write_safe(observation.scene, out, packed=what == "zip")
    except (ValueError, FileExistsError) as error:
        parser.error(str(error))


def write_arrays(observation: Observation, folder: Path) -> Path:
    """Write a date as plain arrays: reflectance (y, x, band), labels, angles, and all of the truth; return the file."""
    scene, about = observation.scene, observation.scene.about
    layers: dict[str, Any] = {
        "reflectance": plain(scene),
        "bands": np.array(scene.bands),
        "sun": np.array([about.sun_azimuth, about.sun_elevation]),
        "view": np.array([about.view_azimuth, about.view_incidence]),
        "transform": np.array(scene.grid.transform),
        "epsg": np.array(scene.grid.epsg),
        **asdict(observation.truth),
    }
    if scene.scl is not None:
        layers |= {"scl": scene.scl, "cloud_probability": scene.cloud_probability}
    path = folder / f"T{about.tile}_{about.sensed:%Y%m%dT%H%M%S}.npz"
    np.savez_compressed(path, **layers)
    return path


if __name__ == "__main__":
    main()
