"""One scene out of several products of one acquisition."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from s2lookback.errors import GridMismatchError, SceneError
from s2lookback.scene import NO_PERCENT, Scene

_NO_CLASS = 0
"""No data in Sen2Cor's scene classification."""


def merge_scenes(scenes: Sequence[Scene]) -> Scene:
    """Merge partial granules and reprocessings of one acquisition; the newest processing wins wherever it has data.

    The order in which they are given does not matter: processing is ordered by
    baseline, then by product name. Facts are those of the newest; the metadata of an
    older one is kept under its product's name where the newest has a document so called.

    Raises:
        GridMismatchError: If they do not lie on one grid.
        SceneError: If they do not carry the same bands.
    """
    ordered = sorted(scenes, key=lambda scene: (scene.about.baseline or "", scene.about.products))
    merged = ordered[0]
    for newer in ordered[1:]:
        _check(merged, newer)
        merged = _lay_over(merged, newer)
    return merged


def _check(older: Scene, newer: Scene) -> None:
    names = " and ".join(", ".join(scene.about.products) or "an unnamed product" for scene in (older, newer))
    if older.grid != newer.grid:
        raise GridMismatchError(f"{names} of one acquisition lie on different grids: {older.grid}, {newer.grid}")
    if older.bands != newer.bands:
        raise SceneError(f"{names} of one acquisition carry different bands: {older.bands}, {newer.bands}")


def _lay_over(older: Scene, newer: Scene) -> Scene:
    wins = newer.valid
    kept = {
        name if name not in newer.metadata else ".".join((*older.about.products, name)): content
        for name, content in older.metadata.items()
    }
    return Scene(
        about=replace(newer.about, products=older.about.products + newer.about.products),
        grid=newer.grid,
        bands=newer.bands,
        pixels=np.where(wins, newer.pixels, older.pixels),
        cloud_probability=_choose(wins, newer.cloud_probability, older.cloud_probability, NO_PERCENT),
        scl=_choose(wins, newer.scl, older.scl, _NO_CLASS),
        metadata=kept | dict(newer.metadata),
    )


def _choose(
    wins: NDArray[np.bool_], newer: NDArray[np.uint8] | None, older: NDArray[np.uint8] | None, absent: int
) -> NDArray[np.uint8] | None:
    """Take what belongs to the winning pixel; ``absent`` where that one's product has none."""
    if newer is None and older is None:
        return None
    nothing = np.full(wins.shape, absent, np.uint8)
    return np.where(wins, nothing if newer is None else newer, nothing if older is None else older)
