"""The background method: its median, its clusters, the trees it asks and the cut that its forest makes."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from s2lookback.errors import SceneError
from s2lookback.masking.background import FEATURES, Background, background_of, nearest
from s2lookback.masking.classes import MASKED
from s2lookback.masking.hollstein import TREES, decided
from s2lookback.masking.kmeans import clusters_of
from s2lookback.masking.mask import classify
from s2lookback.masking.method import View
from s2lookback.masking.spectrum import Spectrum
from s2lookback.scene import NODATA
from s2lookback.settings import MaskSettings
from s2lookback.simulate.families import DEVELOPMENT
from s2lookback.simulate.series import series

NOON = datetime(2025, 8, 1, 19, tzinfo=UTC)
HOLLSTEIN = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B8A", "B10", "B11", "B12")
SHAPE = (3, 4)


@pytest.fixture(scope="module")
def observations():
    return list(series(DEVELOPMENT[1], 9202, height=40, width=52, dates=7))


@given(hnp.arrays(np.int16, (5, 2, 3, 4), elements=st.sampled_from([NODATA, -3, 0, 7, 900, 32767])))
def test_the_background_is_the_median_of_what_there_is(stack):
    found = background_of([*stack])
    for place in np.ndindex(stack.shape[1:]):
        seen = sorted(int(value) for value in stack[(slice(None), *place)] if value != NODATA)
        assert found[place] == (seen[(len(seen) - 1) // 2] if seen else NODATA)


def test_without_images_there_is_no_background():
    assert background_of([]) is None


@given(st.sets(st.integers(-40, 40), max_size=12), st.integers(1, 6), st.booleans())
def test_the_nearest_images_are_chosen(days, number, future):
    settings = MaskSettings(number_of_images=number, allow_future=future)
    dates = [NOON + timedelta(days=day) for day in days]
    chosen = nearest(NOON, dates, settings)
    there = [date for date in dates if date < NOON or (future and date > NOON)]
    assert chosen == sorted(chosen)
    assert len(chosen) == min(number, len(there))
    left = [abs(date - NOON) for date in there if date not in chosen]
    assert all(abs(date - NOON) <= min(left, default=timedelta.max) for date in chosen)


def test_another_piece_of_the_same_overpass_is_no_background():
    assert nearest(NOON, [NOON - timedelta(hours=17), NOON, NOON - timedelta(days=1)], MaskSettings()) == [
        NOON - timedelta(days=1)
    ]


def tree1(b):
    return (
        (b["B03"] < 0.325 and b["B8A"] < 0.166 and b["B10"] > 0.011)
        or (b["B03"] > 0.325 and b["B11"] < 0.267 and b["B04"] < 0.674)
        or (b["B03"] > 0.325 and b["B11"] > 0.267 and b["B07"] < 1.544)
    )


def tree2(b):
    return (b["B8A"] > 0.156 and b["B03"] < 0.333 and b["B10"] / max(b["B02"], 1e-3) > 0.065) or (
        b["B8A"] > 0.156 and b["B03"] > 0.333 and b["B06"] / max(b["B11"], 1e-3) < 4.292
    )


def tree3(b):
    return (
        (0.051 < b["B8A"] < 0.181 and b["B12"] < 0.097 and b["B10"] > 0.011)
        or (b["B8A"] > 0.181 and b["B01"] < 0.331 and b["B10"] < 0.012 and b["B02"] > 0.271)
        or (b["B8A"] > 0.181 and b["B01"] < 0.331 and b["B10"] > 0.012)
        or (b["B8A"] > 0.181 and b["B01"] > 0.331 and b["B11"] < 0.239 and b["B02"] < 0.711)
        or (b["B8A"] > 0.181 and b["B01"] > 0.331 and b["B11"] > 0.239 and b["B05"] < 1.393)
    )


LIGHT = hnp.arrays(np.float32, (len(HOLLSTEIN), *SHAPE), elements=st.floats(0, 1.625, width=16))


@given(LIGHT)
def test_the_trees_are_those_of_hollstein(layers):
    said = decided(Spectrum(dict(zip(HOLLSTEIN, layers, strict=True))))
    assert len(said) == len(TREES)
    for y, x in np.ndindex(SHAPE):
        bands = {band: float(value) for band, value in zip(HOLLSTEIN, layers[:, y, x], strict=True)}
        assert said[:, y, x].tolist() == [tree1(bands), tree2(bands), tree3(bands)]


@given(LIGHT, st.sets(st.sampled_from(HOLLSTEIN), max_size=len(HOLLSTEIN) - 1))
def test_a_tree_that_lacks_a_band_says_what_it_would_whatever_that_band_were_or_nothing(layers, lost):
    whole = decided(Spectrum(dict(zip(HOLLSTEIN, layers, strict=True))))
    kept = {band: layer for band, layer in zip(HOLLSTEIN, layers, strict=True) if band not in lost}
    said = decided(Spectrum(kept))
    assert ((said == whole) | np.isnan(said)).all()


def test_a_tree_without_all_its_bands_says_nothing():
    assert np.isnan(decided(Spectrum({"B09": np.ones(SHAPE, np.float32)}))).all()


def test_clusters_are_those_that_points_lie_in():
    random = np.random.default_rng(3)
    middles = np.array([[0.1, 0.9], [0.5, 0.1], [0.9, 0.8]])
    members = random.integers(0, 3, 600)
    points = (middles[members] + random.normal(0, 0.02, (600, 2))).T
    found = clusters_of(points, 3, seed=1).nearest(points)
    for number in range(3):
        assert len(np.unique(found[members == number])) == 1
    assert len(np.unique(found)) == 3


@given(hnp.arrays(np.float64, (2, 30), elements=st.floats(0, 1).map(lambda value: round(value, 2))), st.integers(1, 6))
def test_every_point_is_in_the_cluster_whose_centre_is_nearest(points, count):
    clusters = clusters_of(points, count, seed=2)
    assert 1 <= len(clusters.centres) <= count
    scaled = (points.T - clusters.mean) / clusters.deviation
    away = ((scaled[:, None] - clusters.centres[None]) ** 2).sum(axis=2)
    chosen = away[np.arange(30), clusters.nearest(points)]
    assert chosen == pytest.approx(away.min(axis=1))


def test_the_same_seed_finds_the_same_clusters():
    points = np.random.default_rng(4).random((3, 50))
    one, other = (clusters_of(points, 5, seed=7) for _ in range(2))
    assert (one.centres == other.centres).all()


def test_a_higher_cut_lets_more_through(observations):
    """The forest gives shares, not yes and no: each step of the cut moves pixels."""
    scene = observations[5].scene
    background = background_of([one.scene.pixels for one in observations[:5]])
    shares = []
    for threshold in (0.05, 0.2, 0.29, 0.5, 0.8, 0.95):
        settings = MaskSettings(method="background", threshold=threshold, opening=0, dilation=0)
        shares.append(float(np.isin(classify(scene, background, None, settings).classes, MASKED).mean()))
    assert shares == sorted(shares, reverse=True)
    assert len(set(shares)) >= 5


def test_the_features_of_a_pixel_do_not_depend_on_what_else_is_viewed(observations):
    scene = observations[5].scene
    background = background_of([one.scene.pixels for one in observations[:5]])
    method = Background(scene, background, MaskSettings())

    def view(rows):
        now, before = (Spectrum.of(pixels[:, rows], scene.bands) for pixels in (scene.pixels, background))
        return View(now, before, np.zeros(now.nir.shape, np.uint8))

    whole, part = method.features(view(slice(None))), method.features(view(slice(11, 23)))
    assert len(whole) == len(FEATURES)
    np.testing.assert_array_equal(whole[:, 11:23], part)


def test_without_a_background_the_trees_decide_alone(observations):
    scene = observations[5].scene
    mask = classify(scene, None, None, MaskSettings(method="background"))
    assert mask.method == "background"
    assert (mask.classes[scene.valid] > 0).all()


def test_a_scene_without_visible_bands_is_refused(paint, weather):
    scene = paint(weather(1), 1, bands=("B12", "B11", "B08"))
    with pytest.raises(SceneError, match="expected for background also B02 B03 B04"):
        Background(scene, None, MaskSettings())
