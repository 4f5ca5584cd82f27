from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

import s2lookback
from s2lookback.bands import BANDS
from s2lookback.masking.classes import Class
from s2lookback.simulate import Scenario, families, plain, scenario_of, series, truth
from s2lookback.simulate.scenario import sensing_times

SIZE = {"height": 48, "width": 66}
PHYSICAL = [family for family in families.FAMILIES.values() if family.physical]
JUDGES = {"tests/bench/mask_series.py"}
"""What may name the unseen family: the scoring at the end."""


@pytest.fixture(scope="module", params=PHYSICAL, ids=lambda family: family.name)
def seen(request):
    return request.param, list(series(request.param, 3, **SIZE))


def test_nothing_but_the_final_scoring_names_the_unseen_family():
    root = Path(s2lookback.__file__).parents[1]
    named = set()
    for room in ("s2lookback", "catalog", "tasks", "flows", "tests"):
        for path in (root / room).rglob("*.py"):
            where = path.relative_to(root).as_posix()
            words = path.read_text()
            if not where.startswith(("s2lookback/simulate/", "tests/simulate/")) and (
                "families.UNSEEN" in words or f'"{families.UNSEEN.name}"' in words
            ):
                named.add(where)
    assert named <= JUDGES


def test_the_unseen_family_is_none_of_those_for_development():
    assert families.UNSEEN not in families.DEVELOPMENT
    assert len({family.layout for family in families.FAMILIES.values()}) == len(families.FAMILIES)
    for family in families.DEVELOPMENT:
        assert family.char != families.UNSEEN.char
        assert not set(family.decks) & set(families.UNSEEN.decks)
    assert not any(deck.texture == "cells" for family in families.DEVELOPMENT for deck in family.decks)


def test_a_family_is_the_same_each_time_and_date_by_date(seen):
    family, observations = seen
    scenario = scenario_of(family, 3, **SIZE)
    sensed = sensing_times(scenario)[9]
    again = truth(scenario, sensed)
    np.testing.assert_array_equal(again.classes, observations[9].truth.classes)
    np.testing.assert_array_equal(again.surface, observations[9].truth.surface)
    assert observations[9].scene.about.sensed == sensed


def test_a_band_is_the_same_whatever_other_bands_are_asked_for(seen):
    family, observations = seen
    *_, last = series(family, 3, **SIZE, dates=3, bands=("B04", "B10"))
    red = observations[2].scene.bands.index("B04")
    np.testing.assert_array_equal(last.scene.pixels[0], observations[2].scene.pixels[red])


def test_a_clear_view_shows_the_ground(seen):
    _, observations = seen
    scene, real = observations[1].scene, observations[1].truth
    clear = real.classes == Class.CLEAR
    assert clear.sum() > 300
    assert np.abs(np.median((scene.pixels - real.surface)[:, clear], axis=1)).max() < 500


def test_every_family_burns_and_is_clouded(seen):
    _, observations = seen
    counts = np.bincount(np.concatenate([one.truth.classes.ravel() for one in observations]), minlength=10)
    for what in (Class.THICK_CLOUD, Class.SHADOW, Class.ACTIVE_FIRE, Class.FRESH_BURN, Class.WATER):
        assert counts[what] > 0, what


def test_heights_stand_where_there_is_cloud_and_nowhere_else(seen):
    for one in seen[1]:
        np.testing.assert_array_equal(one.truth.cloud_height > 0, one.truth.cloud_optical_depth > 0)
        assert (one.truth.cirrus_optical_depth <= one.truth.cloud_optical_depth + 1e-5).all()


def test_shadow_from_outside_is_shadow(seen):
    for one in seen[1]:
        assert (one.truth.classes[one.truth.shadow_from_outside] == Class.SHADOW).all()


def test_a_plain_array_has_bands_last_and_nothing_outside_the_swath():
    *_, last = series(families.COAST, 2, **SIZE, dates=3)
    array = plain(last.scene)
    assert array.shape == (48, 66, 8)
    assert array.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(array).any(-1), ~last.scene.valid)
    np.testing.assert_allclose(array[last.scene.valid], last.scene.pixels[:, last.scene.valid].T / 10_000, atol=1e-6)


def test_level_1c_sees_the_air_and_only_cirrus_at_1375_nm():
    bands = ("B02", "B04", "B10", "B12")
    toa, boa = (
        [next(iter(series(families.BOREAL, 5, **SIZE, dates=1, bands=bands, level=level)))] for level in ("L1C", "L2A")
    )
    above, below = toa[0].scene, boa[0].scene
    low = toa[0].truth.cirrus_optical_depth == 0
    assert above.about.level == "L1C"
    assert above.scl is None
    assert np.median(above.pixels[2][low]) < 30
    assert set(BANDS) >= set(bands)
    clear = (boa[0].truth.classes == Class.CLEAR) & above.valid
    if clear.sum() > 50:
        lift = np.median((above.pixels - below.pixels)[:, clear], axis=1)
        assert lift[0] > 200
        assert abs(lift[3]) < 100


def test_the_valley_has_no_level_1c():
    with pytest.raises(ValueError, match="valley: has no air"):
        next(series(families.VALLEY, 1, **SIZE, level="L1C"))


def test_an_unknown_family_is_refused():
    with pytest.raises(ValidationError, match="no such family"):
        Scenario(family="moon")


def test_a_recipe_tells_the_family_and_the_noise_but_stays_as_it_was_without():
    assert "family" not in Scenario().recipe
    assert "label_noise" not in Scenario().recipe
    assert '"family":"coast"' in scenario_of(families.COAST, 1).recipe
    assert '"label_noise":0.1' in Scenario(label_noise=0.1).recipe


def test_a_family_sets_place_season_and_weather_unless_they_are_given():
    coast = Scenario(family="coast")
    assert (coast.tile, coast.start, coast.cloudiness) == ("10UDC", families.COAST.start, 0.5)
    assert Scenario(family="coast", cloudiness=0.1).cloudiness == 0.1
    assert Scenario(family="valley") == Scenario()
    assert Scenario.model_validate_json(coast.recipe) == coast


@pytest.mark.parametrize("family", PHYSICAL, ids=lambda family: family.name)
@pytest.mark.parametrize("shape", [(8, 9), (31, 17)])
def test_a_scene_may_be_of_any_shape(family, shape):
    height, width = shape
    for one in series(family, 1, height=height, width=width, dates=6, bands=("B12", "B02")):
        assert one.scene.pixels.shape == (2, height, width)
        assert np.isfinite(one.truth.cloud_optical_depth).all()
