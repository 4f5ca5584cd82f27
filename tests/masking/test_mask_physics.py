import numpy as np
import pytest
import rasterio
from scipy import ndimage

from s2lookback.masking.classes import Class
from s2lookback.masking.fire import active_fire, fresh_burn, protected
from s2lookback.masking.method import View
from s2lookback.masking.physics import darkened, lit, snow, snow_alone, water
from s2lookback.masking.rules import decide
from s2lookback.masking.smoke import smoky
from s2lookback.masking.spectrum import Spectrum

ALL = ("B12", "B11", "B09", "B08", "B8A", "B04", "B03", "B02")
SUBSETS = (ALL, ("B12", "B11", "B8A", "B08"), ("B12", "B11", "B09", "B08"), ("B12", "B11", "B09"))

SOIL = ((0.15, 0.20, 0.18), (0.25, 0.30, 0.25))  # wet and dry


@pytest.fixture(params=SUBSETS, ids=" ".join)
def pixel(request, spectra):
    """Give the spectrum of one pixel by its name, in some bands."""

    def of(name):
        layers = dict(zip(ALL, spectra[name], strict=True))
        return Spectrum({band: np.array([layers[band]], np.float32) for band in request.param})

    return of


def test_fire_is_the_only_thing_that_glows(pixel, spectra):
    assert [name for name in spectra if active_fire(pixel(name))] == ["fire"]


def test_snow_and_water_are_told_apart_from_all_else(pixel, spectra):
    assert [name for name in spectra if snow(pixel(name))] == ["snow"]
    assert [name for name in spectra if water(pixel(name))] == ["lake"]


def test_only_forest_that_burnt_or_burns_is_a_fresh_burn(pixel, spectra):
    assert [name for name in spectra if fresh_burn(pixel(name), pixel("forest"))] == ["burn", "fire"]
    assert protected(view(pixel("fire"), pixel("forest"))) == Class.ACTIVE_FIRE


def test_an_old_burn_is_no_fresh_one(pixel):
    assert not fresh_burn(pixel("burn"), pixel("burn"))


def test_ground_that_lost_its_snow_is_no_fresh_burn(pixel):
    assert not fresh_burn(pixel("field"), pixel("snow"))


def test_only_shade_is_forest_with_less_light(pixel, spectra):
    changes = [name for name in spectra if name != "lake"]
    assert [name for name in changes if darkened(pixel(name), pixel("forest"))] == ["shade"]


def test_smoke_is_seen_through_only_where_the_short_waves_are_unchanged(spectra):
    def full(name):
        return Spectrum({band: np.float32([value]) for band, value in zip(ALL, spectra[name], strict=True)})

    assert [name for name in spectra if smoky(view(full(name), full("forest")))] == ["smoke"]


def test_without_a_reference_nothing_changed(pixel, spectra):
    never = Spectrum({band: np.full(1, np.nan, np.float32) for band in pixel("forest").layers})
    for name in spectra:
        assert not darkened(pixel(name), never)
        assert protected(view(pixel(name), never))[0] == (Class.ACTIVE_FIRE if name == "fire" else Class.NO_DATA)


def view(now, before, label=Class.NO_DATA):
    return View(now, before, np.array([label], np.uint8))


def rule(now, before, label):
    return decide(view(now, before, label))[0]


ICE_CLOUD = dict(zip(ALL, (0.10, 0.10, 0.56, 0.56, 0.56, 0.58, 0.59, 0.60), strict=True))


@pytest.mark.parametrize(
    ("before", "label", "covers"),
    [
        ("field", Class.CLEAR, (Class.THICK_CLOUD,)),
        ("field", Class.NO_DATA, (Class.THICK_CLOUD,)),
        ("field", Class.SNOW, (Class.CLEAR,)),
        ("snow", Class.CLEAR, (Class.CLEAR, Class.SHADOW)),
    ],
)
def test_what_ice_cloud_and_snow_both_can_be_is_snow_only_where_something_else_says_so(spectra, before, label, covers):
    now, ground = (
        Spectrum({band: np.float32([value]) for band, value in zip(ALL, values, strict=True)})
        for values in (ICE_CLOUD.values(), spectra[before])
    )
    assert rule(now, ground, label) in covers
    assert snow(now).all()
    assert not snow_alone(now).any()


def test_without_blue_a_label_of_clear_stands_against_a_crop_and_not_against_an_opaque_cloud(spectra):
    bands = ("B12", "B11", "B8A")
    crop = Spectrum({band: np.float32([value]) for band, value in zip(bands, (0.08, 0.2, 0.5), strict=True)})
    cloud = Spectrum({band: np.float32([ICE_CLOUD[band]]) for band in bands})
    field = Spectrum({band: np.float32([spectra["field"][ALL.index(band)]]) for band in bands})
    assert rule(crop, field, Class.CLEAR) == Class.CLEAR
    assert rule(cloud, field, Class.CLEAR) == Class.THICK_CLOUD


def test_burns_fields_and_light_are_no_shadow(pixel, spectra):
    assert lit(pixel("forest"), pixel("shade"))
    assert lit(pixel("burn"), pixel("forest"))
    assert lit(pixel("lake"), pixel("lake"))
    assert not lit(pixel("shade"), pixel("forest"))
    assert not lit(pixel("shade"), Spectrum({band: layer * np.nan for band, layer in pixel("forest").layers.items()}))


def test_without_blue_a_clear_label_stands_against_brightening(spectra):
    bands = ("B12", "B11", "B8A")
    wet, dry = (Spectrum({band: np.float32([v]) for band, v in zip(bands, of, strict=True)}) for of in SOIL)
    assert rule(dry, wet, Class.CLEAR) == Class.CLEAR
    assert rule(dry, wet, Class.NO_DATA) == Class.THIN_CLOUD


def test_rules_find_the_cloud_and_the_shadow_that_labels_missed(pixel):
    assert rule(pixel("thick"), pixel("forest"), Class.NO_DATA) == Class.THICK_CLOUD
    assert rule(pixel("veil"), pixel("forest"), Class.NO_DATA) == Class.THIN_CLOUD
    assert rule(pixel("shade"), pixel("forest"), Class.CLEAR) == Class.SHADOW
    assert rule(pixel("forest"), pixel("forest"), Class.CLEAR) == Class.CLEAR


def test_a_label_is_believed_no_further_than_light_allows(pixel):
    never = Spectrum({band: layer * np.nan for band, layer in pixel("forest").layers.items()})
    for label in (Class.THIN_CLOUD, Class.THICK_CLOUD, Class.SHADOW):
        assert rule(pixel("forest"), pixel("forest"), label) == Class.CLEAR
        assert rule(pixel("forest"), never, label) == label


@pytest.mark.real
def test_a_real_fire_glows_in_a_few_places_and_its_smoke_and_snow_in_none(realdata):
    with rasterio.open(realdata / "bcgov_wps_research" / "G90292_20230514.bin") as raster:
        numbers = raster.read()
    now = Spectrum.of((numbers - 1000).astype(np.int16), ("B12", "B11", "B09"))
    hot = active_fire(now)
    assert hot[now["B12"] > 1].all()
    assert (now["B12"][hot] > 2 * now["B11"][hot]).all()
    assert 50 < hot.sum() < 70
    assert ndimage.label(ndimage.binary_dilation(hot, np.ones((5, 5))))[1] < 10
