"""Methods that come trained: trees learnt once, on simulated scenes, that serve any tile."""

import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from s2lookback.errors import SceneError
from s2lookback.masking.classes import COVERS
from s2lookback.masking.forest import Forest
from s2lookback.masking.method import View
from s2lookback.masking.spectral import FOUR, SIX, spectral_features, spectral_names
from s2lookback.masking.spectrum import NIR, Layer, Spectrum
from s2lookback.masking.temporal import temporal_features, temporal_names
from s2lookback.masking.trees import digest_of, read_trees

FOLDER = Path(__file__).parent / "models"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a method that comes trained sees of a pixel."""

    names: Callable[[Sequence[str]], tuple[str, ...]]
    features: Callable[[Spectrum, Spectrum, Sequence[str]], Layer]


KINDS = {"spectral": Kind(spectral_names, spectral_features), "temporal": Kind(temporal_names, temporal_features)}


class Card(BaseModel):
    """What is told of a trained model beside its trees."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    features: tuple[str, ...]
    classes: tuple[str, ...]
    sha256: str
    """Of the text of the model."""
    families: tuple[str, ...]
    """Kinds of simulated scenes that it was trained on."""
    seeds: tuple[int, ...]
    samples: int
    """Pixels that it was trained on."""
    parameters: dict[str, int | float | str | bool]
    lightgbm: str


class Pretrained:
    """A method that comes trained, at work on scenes of some bands."""

    def __init__(self, name: str, bands: Sequence[str]) -> None:
        """Choose the trees that the bands suffice for.

        Raises:
            SceneError: If they suffice for none.
        """
        self.name = name
        self._bands = bands_for(name, bands)
        if self._bands == FOUR:
            lacking = " ".join(band for band in SIX[len(FOUR) :] if band not in bands)
            sentence = f"{name} goes by four bands for want of {lacking}: it takes more snow and smoke for cloud"
            warnings.warn(sentence, stacklevel=2)
        self._model = model_name(name, self._bands)

    def probabilities(self, view: View) -> Layer:
        """Give the probability of each class of ``COVERS``, (cover, ...)."""
        return chance_of(self._model, KINDS[self.name].features(view.now, view.before, self._bands))


def chance_of(model: str, columns: Layer) -> Layer:
    """Give the probability of each class of ``COVERS``, (cover, ...), by features of pixels, (feature, ...)."""
    chance = forest_of(model).probabilities(columns.reshape(len(columns), -1))
    return chance.astype(np.float32).reshape(len(COVERS), *columns.shape[1:])


def bands_for(name: str, bands: Sequence[str]) -> tuple[str, ...]:
    """Choose what a method goes by: six bands, or four where there is no more.

    Raises:
        SceneError: If the scene lacks one of the four.
    """
    there = {*bands, *(["nir"] if set(NIR[:2]) & set(bands) else [])}
    if there.issuperset(SIX):
        return SIX
    if there.issuperset(FOUR):
        return FOUR
    needed = " ".join("B8A or B08" if band == "nir" else band for band in SIX if band not in there)
    raise SceneError(f"the scene has the bands {' '.join(bands) or 'none'}, expected for {name} also {needed}")


def model_name(method: str, bands: Sequence[str]) -> str:
    """Name the file of a model, without its ending."""
    return method if tuple(bands) == SIX else f"{method}-four"


@lru_cache(maxsize=8)
def forest_of(name: str) -> Forest:
    """Read the trees of a model that comes with the program.

    Raises:
        SceneError: If its text is not the one that its card tells of.
    """
    text = (FOLDER / f"{name}.txt").read_text()
    card = read_card(name)
    found = digest_of(text)
    if found != card.sha256:
        raise SceneError(f"{name}.txt: its SHA-256 is {found[:12]}…, expected {card.sha256[:12]}…; install it again")
    trees = read_trees(text, card.features, len(card.classes))
    return Forest.of(trees, len(card.features), len(card.classes))


def read_card(name: str) -> Card:
    """Read what is told of a model that comes with the program.

    Raises:
        SceneError: If it is not of this version.
    """
    try:
        return Card.model_validate(json.loads((FOLDER / f"{name}.json").read_text()))
    except ValidationError as error:
        raise SceneError(f"{name}.json: {error.errors()[0]['msg']}, expected the card of a model") from error
