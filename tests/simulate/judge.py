"""Prints the tables of docs/simulator.md: ``python -m tests.simulate.judge``.

What a cloud detector trained on real scenes makes of the simulated ones, and how wrong the simulated labels are.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from s2cloudless import S2PixelCloudDetector

from s2lookback.masking.classes import MASKED, MEANINGS, Class
from s2lookback.simulate import plain, series
from s2lookback.simulate.families import DEVELOPMENT
from s2lookback.simulate.family import Family

SEEDS = (1, 2)
SIZE = {"height": 96, "width": 120}
L1C_BANDS = ("B01", "B02", "B04", "B05", "B08", "B8A", "B09", "B10", "B11", "B12")
HIDING = (3, 8, 9, 10)
CLOUDS = (8, 9, 10)

Pixels = NDArray[np.uint8]


def detected(family: Family) -> tuple[Pixels, NDArray[np.bool_]]:
    """Give the truth of all pixels of a family inside the swath, and whether s2cloudless calls them cloud."""
    detector = S2PixelCloudDetector(threshold=0.4, average_over=0, dilation_size=0)
    truth, cloudy = [], []
    for seed in SEEDS:
        for one in series(family, seed, **SIZE, bands=L1C_BANDS, level="L1C"):
            probability = detector.get_cloud_probability_maps(np.nan_to_num(plain(one.scene))[None])[0]
            truth.append(one.truth.classes[one.scene.valid])
            cloudy.append(probability[one.scene.valid] > 0.4)
    return np.concatenate(truth), np.concatenate(cloudy)


def labelled(family: Family) -> tuple[Pixels, Pixels]:
    """Give the truth of all pixels of a family inside the swath, and their SCL."""
    found = [one for seed in SEEDS for one in series(family, seed, **SIZE, bands=("B04",))]
    truth = np.concatenate([one.truth.classes[one.scene.valid] for one in found])
    return truth, np.concatenate([one.scene.scl[one.scene.valid] for one in found if one.scene.scl is not None])


def mistakes(truth: Pixels, scl: Pixels) -> Mapping[str, float]:
    """Measure how labels err, as shares."""
    cloud, hidden, shadow = np.isin(scl, CLOUDS), np.isin(scl, HIDING), scl == 3
    return {
        "wrong about being hidden": float((np.isin(truth, MASKED) != hidden).mean()),
        "thin cloud not labelled": float((~hidden)[truth == Class.THIN_CLOUD].mean()),
        "shadow: recall": float(shadow[truth == Class.SHADOW].mean()),
        "shadow: precision": float((truth == Class.SHADOW)[shadow].mean()),
        "smoke called cloud": float(cloud[truth == Class.SMOKE].mean()),
        "fresh burn called shadow": float(shadow[truth == Class.FRESH_BURN].mean()),
        "snow called cloud": float(cloud[truth == Class.SNOW].mean()) if (truth == Class.SNOW).any() else np.nan,
    }


def shown(share: float) -> str:
    """Write a share; a dash where there is nothing to share."""
    return "–" if np.isnan(share) else f"{share:.2f}"


def rows() -> Iterator[str]:
    """Write both tables, line by line."""
    physical = [family for family in DEVELOPMENT if family.physical]
    heads = [f"| {{}} | {' | '.join(family.name for family in chosen)} |" for chosen in (physical, DEVELOPMENT)]
    detections = [detected(family) for family in physical]
    yield heads[0].format("called cloud by s2cloudless")
    yield "| --- |" + " ---: |" * len(physical)
    for code in sorted(set(Class) - {Class.NO_DATA}):
        shares = [cloudy[truth == code].mean() if (truth == code).any() else np.nan for truth, cloudy in detections]
        yield f"| {MEANINGS[code].title} | " + " | ".join(map(shown, shares)) + " |"
    errors = [mistakes(*labelled(family)) for family in DEVELOPMENT]
    yield ""
    yield heads[1].format("labels")
    yield "| --- |" + " ---: |" * len(DEVELOPMENT)
    for name in errors[0]:
        yield f"| {name} | " + " | ".join(shown(error[name]) for error in errors) + " |"


def main() -> None:
    """Print the tables."""
    console = Console(width=160, highlight=False)
    for line in rows():
        console.print(line)


if __name__ == "__main__":
    main()
