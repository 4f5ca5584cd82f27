"""The features of the methods that come trained, against their definitions, and the models as they are delivered."""

import json
import math
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from s2lookback.errors import SceneError
from s2lookback.masking import pretrained
from s2lookback.masking.classes import COVERS
from s2lookback.masking.method import View
from s2lookback.masking.methods import delivered
from s2lookback.masking.pretrained import FOLDER, KINDS, Pretrained, bands_for, forest_of, model_name, read_card
from s2lookback.masking.spectral import FOUR, SIX, spectral_features, spectral_names
from s2lookback.masking.spectrum import Spectrum
from s2lookback.masking.temporal import temporal_features, temporal_names

MODELS_OF_REVISION = {
    "advice": "b9de7413",
    "background": "cfbb5d92",
    "spectral-four": "c20bb068",
    "spectral": "90353212",
    "temporal-four": "820bba2f",
    "temporal": "fa357b9d",
}

NAMES = ("B02", "B03", "B04", "B8A", "B11", "B12")
SHAPE = (6, 2, 3)
SPECTRA = hnp.arrays(np.float32, SHAPE, elements=st.floats(-0.125, 1.5, width=32))
MODELS = [model_name(method, bands) for method in KINDS for bands in (SIX, FOUR)]


def spectrum(layers):
    return Spectrum(dict(zip(NAMES, layers, strict=True)))


def nd(a, b):
    a, b = max(a, 0), max(b, 0)
    return (a - b) / (a + b + 1e-3)


def ratio(a, b):
    a, b = max(a, 0), max(b, 0)
    return (2 * (a * a + b * b) + 1.5 * b + 0.5 * a) / (a + b + 0.5)


def slowest(now, before):
    """Compute the temporal features of one pixel, word by word."""
    pairs = [(i, j) for i in range(6) for j in range(i + 1, 6)]
    told = [nd(now[i], now[j]) for i, j in pairs]
    told += [max(now[i], 1e-3) * math.log(max(now[j], 1e-3)) for i in (0, 1, 2) for j in (3, 4, 5)]
    lengths = math.sqrt(sum(a * a for a in now) * sum(b * b for b in before))
    told += [1 - sum(a * b for a, b in zip(now, before, strict=True)) / max(lengths, 1e-6)]
    told += [math.dist(now, before)]
    sums = sum(a + b for a, b in zip(now, before, strict=True))
    apart = sum(abs(a - b) for a, b in zip(now, before, strict=True))
    each = sum(abs(a + b) for a, b in zip(now, before, strict=True))
    assert each >= abs(sums) - 1e-9
    told += [apart / max(each, 1e-3)]
    return told + [ratio(now[i], now[j]) - ratio(before[i], before[j]) for i, j in pairs]


@given(SPECTRA, SPECTRA)
def test_features_are_what_they_are_defined_as(now, before):
    found = temporal_features(spectrum(now), spectrum(before), SIX)
    assert len(found) == len(temporal_names(SIX))
    for y, x in np.ndindex(SHAPE[1:]):
        expected = slowest(now[:, y, x].astype(float), before[:, y, x].astype(float))
        assert found[:, y, x] == pytest.approx(expected, abs=2e-3, rel=2e-3)


@given(SPECTRA)
def test_the_spectral_method_sees_no_reference(now):
    names = spectral_names(SIX)
    found = spectral_features(spectrum(now), spectrum(now + 1), SIX)
    assert len(found) == len(names)
    assert (found == temporal_features(spectrum(now), spectrum(now), SIX)[: len(names)]).all()


@given(SPECTRA)
def test_what_did_not_change_is_at_no_distance(now):
    now = np.maximum(now, 0.01)
    same = temporal_features(spectrum(now), spectrum(now), SIX)[len(spectral_names(SIX)) :]
    assert same == pytest.approx(np.zeros_like(same), abs=1e-5)


def test_without_a_reference_only_the_spectrum_speaks():
    now, never = np.full(SHAPE, 0.2, np.float32), np.full(SHAPE, np.nan, np.float32)
    found = temporal_features(spectrum(now), spectrum(never), SIX)
    count = len(spectral_names(SIX))
    assert np.isfinite(found[:count]).all()
    assert np.isnan(found[count:]).all()


@pytest.mark.parametrize("name", [*MODELS, "background"])
def test_a_model_is_small_and_is_the_one_that_its_card_tells_of(name):
    assert (FOLDER / f"{name}.txt").stat().st_size < 300_000
    card = read_card(name)
    assert card.classes == tuple(cover.name for cover in COVERS)
    assert card.families == ("valley", "boreal", "alpine", "prairie", "coast", "autumn")
    assert forest_of(name).classes == len(COVERS)


@pytest.mark.parametrize("method", KINDS)
@pytest.mark.parametrize("bands", [SIX, FOUR])
def test_a_model_knows_the_features_of_its_method(method, bands):
    assert read_card(model_name(method, bands)).features == KINDS[method].names(bands)


@pytest.mark.parametrize("method", KINDS)
@given(now=SPECTRA, before=SPECTRA)
def test_probabilities_sum_to_one(method, now, before):
    view = View(spectrum(now), spectrum(before), np.zeros(SHAPE[1:], np.uint8))
    chance = Pretrained(method, NAMES).probabilities(view)
    assert chance.shape == (len(COVERS), *SHAPE[1:])
    assert chance.sum(axis=0) == pytest.approx(np.ones(SHAPE[1:]), abs=1e-5)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Give a copy of the delivered models to be spoilt."""
    folder = tmp_path / "models"
    shutil.copytree(FOLDER, folder)
    monkeypatch.setattr(pretrained, "FOLDER", folder)
    forest_of.cache_clear()
    yield folder
    forest_of.cache_clear()


def test_a_model_that_was_changed_is_refused(elsewhere):
    path = elsewhere / "spectral.txt"
    path.write_text(path.read_text().replace("leaf_value=", "leaf_value=9", 1))
    with pytest.raises(SceneError, match=r"spectral\.txt: its SHA-256 is .*install it again"):
        forest_of("spectral")


def test_a_card_that_is_none_is_refused(elsewhere):
    path = elsewhere / "spectral.json"
    path.write_text(json.dumps({"features": 3}))
    with pytest.raises(SceneError, match=r"spectral\.json: .*expected the card of a model"):
        forest_of("spectral")


def test_the_bands_choose_the_model():
    assert bands_for("spectral", ("B12", "B11", "B04", "B03", "B02", "B08")) == SIX
    assert bands_for("spectral", ("B11", "B04", "B03", "B02", "B08")) == FOUR
    with pytest.warns(UserWarning, match="for want of B12: it"):
        Pretrained("spectral", ("B11", "B04", "B03", "B02", "B08"))
    with pytest.raises(SceneError, match="B8A or B08"):
        bands_for("spectral", ("B02", "B03", "B04", "B09"))


def test_what_made_a_mask_can_be_named():
    for advised in ("rules", "lookback"):
        assert delivered(advised, NAMES) == {"name": "advice", "sha256": read_card("advice").sha256}
        assert delivered(advised, NAMES[1:]) == {}
    assert delivered("temporal", NAMES) == {"name": "temporal", "sha256": read_card("temporal").sha256}
    assert delivered("spectral", ("B02", "B03", "B04", "B08"))["name"] == "spectral-four"
    assert delivered("background", NAMES)["name"] == "background"
    assert delivered("s2cloudless", NAMES).keys() == {"name", "version"}


def test_the_revision_of_masks_is_raised_with_the_models():
    """A recipe does not name the models that come with the program: its revision must."""
    found = {path.stem: read_card(path.stem).sha256[:8] for path in sorted(FOLDER.glob("*.json"))}
    assert found == MODELS_OF_REVISION, "models changed: raise REVISION of tasks/mask.py, then write them down here"
