import json
import math
from dataclasses import replace

import numpy as np
import pytest

from s2lookback.masking import drift as module
from s2lookback.masking.advice import advised
from s2lookback.masking.classes import GROUND, Class
from s2lookback.masking.drift import disagree, drift
from s2lookback.masking.evidence import cleared, weighed
from s2lookback.masking.features import feature_names, features
from s2lookback.masking.histogram import Histogram, stability
from s2lookback.masking.lookback import Lookback
from s2lookback.masking.mask import classify, over_views
from s2lookback.masking.method import View
from s2lookback.masking.spectrum import Spectrum
from s2lookback.scene import NODATA


@pytest.fixture(scope="module")
def wide(paint, weather):
    """Give a day of weather, five times over."""
    return lambda day: paint(np.tile(weather(day), (2, 5)), day)


@pytest.fixture(scope="module")
def reference(ground):
    return np.tile(ground.pixels, (1, 2, 5))


@pytest.fixture(scope="module")
def ungrown(quick):
    """Grow nothing: weather that changes from pixel to pixel would leave nothing clear."""
    return quick.model_copy(update={"dilation": 0})


@pytest.fixture(scope="module")
def told(model, reference, ungrown):
    def measure(scene):
        classes = classify(scene, reference, model, ungrown).classes
        return drift(model, scene, reference, classes, ungrown)

    return measure


def test_what_is_told_is_what_counting_gives(model, wide, reference, ungrown, told):
    scene = wide(40)
    found = told(scene)
    [view] = over_views(lambda rows, view: view, scene, reference, ungrown)
    chance = Lookback(model).probabilities(view)
    differ = (chance[0] <= 0.5) != (cleared(advised(weighed(chance, view), view), view)[0] <= 0.5)
    assert found["pixels"] == scene.valid.sum()
    assert found["disagreement"] == pytest.approx(differ[scene.valid].mean(), abs=1e-6)
    clear = np.isin(classify(scene, reference, model, ungrown).classes, GROUND)
    columns = features(view.now, view.before, scene.bands)[:, clear]
    assert found["clear_pixels"] == clear.sum()
    lay = model.schema["distribution"]
    for name, column in zip(feature_names(scene.bands), columns, strict=True):
        assert found["psi"][name] == pytest.approx(stability(Histogram.model_validate(lay[name]), column), abs=1e-6)
    assert found["psi_mean"] == pytest.approx(np.mean(list(found["psi"].values())), abs=1e-6)


def test_weather_is_no_drift_but_another_ground_or_light_is(told, wide):
    usual, other = wide(40), wide(41)
    darker = replace(usual, pixels=np.where(usual.pixels == NODATA, NODATA, usual.pixels // 2).astype(np.int16))
    assert max(told(usual)["psi_mean"], told(other)["psi_mean"]) < 0.25 < told(darker)["psi_mean"]


@pytest.mark.parametrize(
    ("before", "label", "clear", "differs"),
    [
        (None, Class.NO_DATA, 0.4, False),
        (None, Class.CLEAR, 0.4, True),
        (None, Class.CLEAR, 0.1, False),
        ("forest", Class.NO_DATA, 0.6, True),
        ("forest", Class.NO_DATA, 0.1, False),
    ],
)
def test_a_model_disagrees_with_labels_and_with_trees_where_they_have_something_to_say(
    spectra, quick, before, label, clear, differs
):
    """Light is that of a veil over a forest, which the trees know where the forest was seen."""
    bands = ("B12", "B11", "B09", "B08", "B8A", "B04", "B03", "B02")
    layers = [spectra["veil"], spectra[before] if before else [np.nan] * 8]
    now, then = (
        Spectrum({band: np.float32([light]) for band, light in zip(bands, one, strict=True)}) for one in layers
    )
    chance = np.float32([clear, 1 - clear, 0, 0])[:, np.newaxis]
    assert disagree(chance, View(now, then, np.array([label], np.uint8)), quick).tolist() == [differs]


def test_a_large_scene_is_looked_at_here_and_there(told, wide, monkeypatch):
    whole = told(wide(40))
    monkeypatch.setattr(module, "SCORED", 500)
    part = told(wide(40))
    assert 200 < part["pixels"] <= 500 < whole["pixels"]
    assert part["psi_mean"] == pytest.approx(whole["psi_mean"], abs=0.3)


def test_a_scene_without_clear_pixels_tells_no_index_and_one_without_data_nothing(told, paint, reference):
    cloudy = told(paint(np.full((24, 85), "thick", "<U6"), 7))
    assert "psi" not in cloudy
    assert cloudy["disagreement"] >= 0
    assert told(paint(np.full((24, 85), "", "<U6"), 7)) == {"pixels": 0, "clear_pixels": 0}


def test_every_figure_is_a_finite_number_that_json_holds(told, wide):
    found = json.loads(json.dumps(told(wide(42)), allow_nan=False))
    assert all(math.isfinite(number) for number in [*found.pop("psi").values(), *found.values()])
