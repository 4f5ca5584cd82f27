"""Thin cloud made thinner, in a small world whose surface under the cloud is known."""

from dataclasses import dataclass

import numpy as np
import pytest

from s2lookback.errors import GridMismatchError, SceneError
from s2lookback.masking.classes import Class
from s2lookback.reduce_cloud.regression import reduce_scene
from s2lookback.scene import NODATA
from s2lookback.settings import ReduceSettings

BANDS = ("B12", "B11", "B8A", "B04", "B02")
SHAPE = (36, 47)
FOREST = np.array([700, 1500, 2900, 350, 250])
MEADOW = np.array([1300, 2300, 3600, 600, 400])
BURN = np.array([2400, 2100, 1000, 700, 550])
VEIL = np.array([900, 1300, 2600, 2900, 3100])
"""What a cloud that lets nothing through would show."""
SETTINGS = ReduceSettings(min_samples=100, sample_share=1)


@dataclass
class World:
    """A scene with a veil over its left third, and what is beneath."""

    surface: np.ndarray
    pixels: np.ndarray
    classes: np.ndarray
    composite: np.ndarray

    def reduce(self, **changes):
        arguments = {"pixels": self.pixels, "classes": self.classes, "composite": self.composite} | changes
        return reduce_scene(**arguments, bands=BANDS, settings=SETTINGS)

    def error(self, pixels, where):
        return np.abs(pixels - self.surface)[:, where].mean()


def world(*, veil=(0.1, 0.5), light=0.85, noise=60, burn=None) -> World:
    random = np.random.default_rng(7)
    share = random.random(SHAPE)
    before = FOREST[:, None, None] * share + MEADOW[:, None, None] * (1 - share)
    surface = light * before + random.normal(0, noise, (len(BANDS), *SHAPE))
    if burn is not None:
        surface[:, burn] = BURN[:, None] + random.normal(0, noise, (len(BANDS), np.count_nonzero(burn)))
    thickness = np.zeros(SHAPE)
    thickness[:, :16] = random.uniform(*veil, (SHAPE[0], 16))
    pixels = surface * (1 - thickness) + VEIL[:, None, None] * thickness
    classes = np.where(thickness > 0, Class.THIN_CLOUD, Class.CLEAR).astype(np.uint8)
    composite = before + random.normal(0, noise, before.shape)
    return World(surface, *(np.rint(pixels).astype(np.int16), classes, np.rint(composite).astype(np.int16)))


def test_under_a_veil_the_estimate_is_nearer_to_the_surface_than_raw_pixels_and_composite():
    scene = world()
    reduced = scene.reduce()
    thin = reduced.estimated
    assert reduced.used
    assert np.count_nonzero(thin) > 500
    estimate, raw, pasted = (scene.error(pixels, thin) for pixels in (reduced.pixels, scene.pixels, scene.composite))
    assert estimate < 0.7 * min(raw, pasted)


def test_the_reported_errors_are_those_under_the_veil():
    scene = world()
    reduced = scene.reduce()
    for index, band in enumerate(BANDS):
        if band in reduced.coefficients:
            truth = np.abs(reduced.pixels - scene.surface)[index, reduced.estimated]
            assert 0.5 < np.percentile(truth, 68) / reduced.errors[band].estimate < 1.5


def test_the_uncertainty_holds_about_two_thirds_of_the_errors():
    scene = world()
    reduced = scene.reduce()
    chosen = [BANDS.index(band) for band in reduced.coefficients]
    error = np.sqrt(np.square(reduced.pixels - scene.surface)[chosen].mean(axis=0))
    held = (error <= reduced.uncertainty)[reduced.estimated].mean()
    assert 0.5 < held < 0.9


def test_only_thin_cloud_is_touched_and_every_estimate_is_flagged():
    scene = world()
    scene.pixels[:, 3, 4] = scene.composite[:, 5, 6] = NODATA
    reduced = scene.reduce()
    touched = (reduced.pixels != scene.pixels).any(axis=0)
    assert not (touched & ~reduced.estimated).any()
    assert not (reduced.estimated & (scene.classes != Class.THIN_CLOUD)).any()
    assert not reduced.estimated[3, 4]
    assert not reduced.estimated[5, 6]
    np.testing.assert_array_equal(reduced.uncertainty > 0, reduced.estimated)
    assert (reduced.pixels[:, 3, 4] == NODATA).all()
    assert (reduced.pixels.dtype, reduced.uncertainty.dtype) == (np.int16, np.uint16)


@pytest.mark.parametrize("code", [code for code in Class if code is not Class.THIN_CLOUD])
def test_no_other_class_is_ever_estimated(code):
    scene = world()
    scene.classes[:, :2] = code
    estimated = scene.reduce().estimated
    assert estimated[:, 2:16].all()
    assert not estimated[:, :2].any()


def test_a_burn_beneath_thin_cloud_is_left_as_it_was_seen():
    burn = np.zeros(SHAPE, np.bool_)
    burn[10:22, 4:12] = burn[5:9, 30:40] = True
    scene = world(burn=burn, veil=(0.05, 0.35))
    reduced = scene.reduce()
    beneath = burn & (scene.classes == Class.THIN_CLOUD)
    assert reduced.used
    assert np.count_nonzero(reduced.estimated & beneath) == 0
    np.testing.assert_array_equal(reduced.pixels[:, burn], scene.pixels[:, burn])
    assert np.count_nonzero(reduced.estimated) > 300


def test_even_where_all_that_is_veiled_has_burnt_no_pixel_is_turned_back():
    scene = world(burn=np.broadcast_to(np.arange(SHAPE[1]) < 16, SHAPE), veil=(0.05, 0.3))
    reduced = scene.reduce()
    assert not reduced.used
    np.testing.assert_array_equal(reduced.pixels, scene.pixels)


def test_a_cloud_that_is_none_is_not_improved_into_the_composite():
    reduced = world(veil=(1e-9, 2e-9)).reduce()
    assert not reduced.used
    assert reduced.errors
    assert "in no band" in reduced.reason


def test_where_nothing_changed_the_composite_is_better_than_an_estimate():
    scene = world(light=1, noise=0)
    reduced = scene.reduce()
    assert not reduced.used
    np.testing.assert_array_equal(reduced.pixels, scene.pixels)


def test_a_composite_that_holds_the_scene_already_is_refused_in_effect():
    scene = world()
    folded = np.where(scene.classes == Class.CLEAR, scene.pixels, scene.composite)
    assert not scene.reduce(composite=folded).used


@pytest.mark.parametrize("missing", [Class.CLEAR, Class.THIN_CLOUD])
def test_too_few_pixels_are_refused_with_their_number(missing):
    scene = world()
    scene.classes[scene.classes == missing] = Class.THICK_CLOUD
    scene.classes[0, :7] = missing
    reduced = scene.reduce()
    assert not reduced.used
    assert not reduced.uncertainty.any()
    assert "found 7 thin" in reduced.reason or "and 7 clear" in reduced.reason
    assert "expected 100 of each" in reduced.reason


def test_the_same_input_gives_the_same_bytes_and_arguments_stay_untouched():
    scene, again = world(), world()
    first, second = scene.reduce(), again.reduce()
    assert first.pixels.tobytes() == second.pixels.tobytes()
    assert first.coefficients == second.coefficients
    np.testing.assert_array_equal(scene.pixels, world().pixels)
    np.testing.assert_array_equal(scene.composite, world().composite)
    np.testing.assert_array_equal(scene.classes, world().classes)


def test_without_short_wave_infrared_a_burn_cannot_be_told_and_the_scene_is_refused():
    scene = world()
    with pytest.raises(SceneError, match="a burn is told by one of"):
        reduce_scene(scene.pixels[2:], scene.classes, scene.composite[2:], bands=BANDS[2:], settings=SETTINGS)


def test_shapes_that_disagree_are_refused():
    scene = world()
    with pytest.raises(GridMismatchError, match="disagree"):
        scene.reduce(composite=scene.composite[:, :-1])
