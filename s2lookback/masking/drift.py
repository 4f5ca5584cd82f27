"""How far a scene lies from what its model learnt, told without the truth: nobody paints masks at night."""

from dataclasses import replace
from math import ceil, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2lookback.grid import Grid
from s2lookback.masking.advice import advised
from s2lookback.masking.classes import GROUND
from s2lookback.masking.evidence import cleared, weighed
from s2lookback.masking.features import features
from s2lookback.masking.histogram import Histogram, stability
from s2lookback.masking.lookback import MIN_PIXELS, Lookback, Model
from s2lookback.masking.mask import SCORED, over_views
from s2lookback.masking.method import View
from s2lookback.masking.spectrum import Layer
from s2lookback.scene import Scene
from s2lookback.settings import MaskSettings


def drift(
    model: Model,
    scene: Scene,
    reference: NDArray[np.int16] | None,
    classes: NDArray[np.uint8],
    settings: MaskSettings,
) -> dict[str, Any]:
    """Measure how far a scene lies from what its model learnt.

    Features are compared over clear pixels alone, or every cloudy day would seem a drift. Measured on every n-th row
    and column, so that ``SCORED`` pixels at most are looked at.

    Args:
        model: What the scene was masked by.
        scene: Left untouched.
        reference: As for ``classify``.
        classes: What was found, codes of ``Class``, (y, x).
        settings: ``threshold`` and ``label_threshold`` are used.

    Returns:
        ``pixels`` looked at; ``disagreement``, the share of these that the model alone would mask and what else is
        known would not, or the reverse; ``clear_pixels``; and if there are ``MIN_PIXELS`` of them ``psi``, the
        population-stability index of each feature, and ``psi_mean``.
    """
    step = max(1, ceil(sqrt(scene.grid.height * scene.grid.width / SCORED)))
    few = _thinned(scene, step)
    before = None if reference is None else reference[:, ::step, ::step]
    at_work = Lookback(model)

    def look(rows: slice, view: View) -> tuple[NDArray[np.bool_], Layer]:
        valid = few.valid[rows]
        open_ = valid & np.isin(classes[::step, ::step][rows], GROUND)
        columns = features(view.now, view.before, model.schema["bands"])[:, open_]
        return disagree(at_work.probabilities(view), view, settings)[valid], columns

    moved, columns = zip(*over_views(look, few, before, settings), strict=True)
    differing, clear = np.concatenate(moved), np.concatenate(columns, axis=1)
    told = {"pixels": differing.size, "clear_pixels": clear.shape[1]}
    share = {"disagreement": round(float(differing.mean()), 6)} if differing.size else {}
    return told | share | _moved(model, clear)


def disagree(chance: Layer, view: View, settings: MaskSettings) -> NDArray[np.bool_]:
    """Mark where a model alone would mask and what else is known would not, or the reverse: labels, light and trees.

    Args:
        chance: The model's probabilities, (cover, ...).
        view: The same pixels.
        settings: ``threshold`` is used.
    """
    told = cleared(advised(weighed(chance, view), view), view)
    return np.asarray((1 - chance[0] >= settings.threshold) != (1 - told[0] >= settings.threshold))


def _moved(model: Model, clear: Layer) -> dict[str, Any]:
    """Give how far each feature of clear pixels, (feature, pixel), lies from where it lay; nothing for too few."""
    if clear.shape[1] < MIN_PIXELS:
        return {}
    lay = [Histogram.model_validate(model.schema["distribution"][name]) for name in model.schema["features"]]
    indices = [stability(was, column) for was, column in zip(lay, clear, strict=True)]
    psi = {name: round(index, 6) for name, index in zip(model.schema["features"], indices, strict=True)}
    return {"psi": psi, "psi_mean": round(float(np.mean(indices)), 6)}


def _thinned(scene: Scene, step: int) -> Scene:
    """Take every n-th row and column of a scene."""
    a, b, c, d, e, f = scene.grid.transform
    pixels = scene.pixels[:, ::step, ::step]
    grid = Grid(scene.grid.epsg, (a * step, b * step, c, d * step, e * step, f), *pixels.shape[1:])
    scl = None if scene.scl is None else scene.scl[::step, ::step]
    percent = None if scene.cloud_probability is None else scene.cloud_probability[::step, ::step]
    return replace(scene, grid=grid, pixels=pixels, scl=scl, cloud_probability=percent)
