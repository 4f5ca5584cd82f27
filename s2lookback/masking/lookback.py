"""The look-back classifier: gradient-boosted trees, trained tile by tile on weak labels."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, FiniteFloat, ValidationError, field_validator

from s2lookback.bands import BANDS
from s2lookback.errors import SceneError
from s2lookback.masking.classes import COVERS, MASKED, Class
from s2lookback.masking.features import feature_names, features
from s2lookback.masking.forest import Forest
from s2lookback.masking.histogram import Histogram, histogram, stability
from s2lookback.masking.method import View
from s2lookback.masking.spectrum import Layer
from s2lookback.masking.trees import digest_of, read_trees
from s2lookback.settings import MaskSettings

logger = logging.getLogger(__name__)

MIN_PIXELS = 50
"""Samples of a class below which a model does not learn it: a leaf alone takes 20."""

_FIXED: dict[str, Any] = {
    "objective": "multiclass",
    "max_bin": 127,  # of eight simulated seasons F1 .967; with 63 .963, with 255 .966 in a tenth more time
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,  # recorded in the text; tiles are what is trained side by side
    "verbosity": -1,
}


@dataclass(frozen=True, slots=True)
class Sample:
    """Pixels of one scene to learn from."""

    tile: str
    sensed: datetime
    bands: tuple[str, ...]
    """What the features were computed from."""
    features: NDArray[np.float32]
    """(pixel, feature), in the order of ``feature_names``."""
    labels: NDArray[np.uint8]
    """Codes of ``Class``, (pixel)."""


@dataclass(frozen=True, slots=True)
class Model:
    """A trained classifier as it is published."""

    text: str
    """LightGBM's own text format."""
    schema: Mapping[str, Any]
    """What goes in and comes out: ``bands``, ``features``, ``classes``; what it learnt from: ``tiles``, ``scenes``,
    ``settings``, ``lightgbm``; where the features of clear pixels lay: ``distribution``, and how far from that nine of
    ten scenes of the training lay: ``usual_psi``; and which text it belongs to: ``sha256``."""


class _Schema(BaseModel):
    """What is read of the schema of a model; the rest is for people."""

    bands: list[str] = Field(max_length=len(BANDS))
    features: list[str]
    classes: list[str]
    tiles: list[str]
    distribution: dict[str, Histogram]
    usual_psi: FiniteFloat
    sha256: str

    @field_validator("classes")
    @classmethod
    def _ordered(cls, classes: list[str]) -> list[str]:
        if len(classes) < 2 or classes != [cover.name for cover in COVERS if cover.name in classes]:
            raise ValueError(f"classes must be two or more of {[cover.name for cover in COVERS]} in this order")
        return classes


class Lookback:
    """A model at work."""

    name = "lookback"

    def __init__(self, model: Model) -> None:
        self._bands = tuple(model.schema["bands"])
        self._places = [COVERS.index(Class[name]) for name in model.schema["classes"]]
        names, classes = model.schema["features"], len(self._places)
        self._forest = Forest.of(read_trees(model.text, names, classes), len(names), classes)

    def probabilities(self, view: View) -> Layer:
        """Give the probability of each class of ``COVERS``, (cover, ...); 0 for one the model never learnt.

        Raises:
            SceneError: If the scene lacks a band of the model.
        """
        if not view.now.has(*self._bands):
            raise SceneError(
                f"the scene has the bands {' '.join(view.now.layers)}, expected those of the model: "
                f"{' '.join(self._bands)}"
            )
        columns = features(view.now, view.before, self._bands)
        chance = np.zeros((len(COVERS), *view.labels.shape), np.float32)
        found = self._forest.probabilities(columns.reshape(len(columns), -1))
        chance[self._places] = found.reshape(len(found), *view.labels.shape)
        return chance


def train(samples: Sequence[Sample], settings: MaskSettings, bands: Sequence[str]) -> Model:
    """Train a model; the same samples give the same text, in whatever order they come.

    Snow and water are learnt as clear. A class with fewer than ``MIN_PIXELS`` samples is left out.

    Raises:
        SceneError: If the samples were made from other bands, or fewer than two classes with clear among them are left.
    """
    strange = [sample for sample in samples if sample.bands != tuple(bands)]
    if strange:
        raise SceneError(f"a sample of {strange[0].sensed:%Y-%m-%d} has bands {strange[0].bands}, expected {bands}")
    ordered = sorted(samples, key=lambda one: (one.sensed, one.labels.tobytes(), one.features.tobytes()))
    labels = np.concatenate([cover_of(sample.labels) for sample in ordered] or [np.empty(0, np.uint8)])
    counts = {cover: int((labels == cover).sum()) for cover in COVERS}
    classes = [cover for cover in COVERS if counts[cover] >= MIN_PIXELS]
    if len(classes) < 2 or Class.CLEAR not in classes:
        found = ", ".join(f"{count} of {cover.name}" for cover, count in counts.items())
        raise SceneError(f"too few samples to train on: {found}, expected {MIN_PIXELS} of CLEAR and of one more class")
    learnt = np.isin(labels, classes)
    rows = np.concatenate([sample.features for sample in ordered])[learnt]
    text = _boost(rows, np.searchsorted(classes, labels[learnt]), len(classes), settings, feature_names(bands))
    return Model(text, _schema(text, ordered, classes, settings, bands))


def cover_of(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Reduce labels to ``COVERS``: snow, water and whatever else shows its surface is clear."""
    hidden = np.isin(labels, (*MASKED, Class.NO_DATA))
    return np.where(hidden, labels, np.uint8(Class.CLEAR))


def _boost(
    rows: NDArray[np.float32], targets: NDArray[np.intp], classes: int, settings: MaskSettings, names: Sequence[str]
) -> str:
    parameters = _FIXED | {"num_class": classes, "num_leaves": settings.leaves, "seed": settings.seed}
    data = lightgbm.Dataset(rows, targets, feature_name=list(names), params=parameters)
    booster = lightgbm.train(parameters, data, num_boost_round=settings.trees)
    return str(booster.model_to_string())


def _schema(
    text: str, samples: Sequence[Sample], classes: Sequence[Class], settings: MaskSettings, bands: Sequence[str]
) -> dict[str, Any]:
    names = feature_names(bands)
    open_ = [sample.features[cover_of(sample.labels) == Class.CLEAR].T for sample in samples]
    lay = {name: histogram(column) for name, column in zip(names, np.concatenate(open_, axis=1), strict=True)}
    return {
        "bands": list(bands),
        "features": list(names),
        "classes": [cover.name for cover in classes],
        "settings": settings.model_dump(mode="json"),
        "tiles": sorted({sample.tile for sample in samples}),
        "scenes": [f"{sample.sensed:%Y-%m-%dT%H:%M:%SZ}" for sample in samples],
        "lightgbm": lightgbm.__version__,
        "distribution": {name: was.model_dump(mode="json") for name, was in lay.items()},
        "usual_psi": _usual_psi(lay, open_),
        "sha256": digest_of(text),
    }


def _usual_psi(lay: Mapping[str, Histogram], open_: Sequence[Layer]) -> float:
    """Give how far nine of ten scenes lie from all of them, from the features, (feature, pixel), of each."""
    means = [
        np.mean([stability(was, column) for was, column in zip(lay.values(), columns, strict=True)])
        for columns in open_
        if columns.shape[1] >= MIN_PIXELS
    ]
    return round(float(np.quantile(means, 0.9, method="higher")), 6) if means else 0.0


def warn_of_strange(model: Model, tile: str) -> None:
    """Warn where a model has learnt nothing from a tile; it tells covers apart there all the same."""
    tiles = model.schema["tiles"]
    if tile not in tiles:
        logger.warning("%s: the model was not trained there but on %s: expect more mistakes", tile, " ".join(tiles))


def load_model(text: str, schema: Mapping[str, Any]) -> Model:
    """Take a model from outside, after checking that text and schema are whole and belong together.

    Raises:
        SceneError: If they do not.
    """
    try:
        told = _Schema.model_validate(schema)
    except ValidationError as error:
        raise SceneError(f"the schema of the model is not one: {error.errors()[0]['msg']}") from error
    if list(feature_names(told.bands)) != told.features:
        raise SceneError(
            f"the model has the features {' '.join(told.features)[:200]}, "
            f"expected those of its bands {' '.join(told.bands)[:100]}"
        )
    if sorted(told.distribution) != sorted(told.features):
        raise SceneError(
            f"the schema of the model tells where {len(told.distribution)} of its features lay, not of all"
        )
    found = digest_of(text)
    if found != told.sha256:
        raise SceneError(
            f"the text of the model has the SHA-256 {found[:12]}…, its schema belongs to {told.sha256[:12]}…: "
            "take both from one model, or train it again"
        )
    read_trees(text, told.features, len(told.classes))
    return Model(text, dict(schema))
