from datetime import UTC, datetime, timedelta
from itertools import product

import numpy as np
import pytest

from s2lookback.bands import BANDS
from s2lookback.masking.classes import Class
from s2lookback.scene import NO_PERCENT, NODATA
from s2lookback.simulate import Scenario, sensing_times, simulate_scene, truth
from s2lookback.simulate.cloud import clouds

SHADY = (Class.THIN_CLOUD, Class.THICK_CLOUD, Class.SHADOW)


@pytest.fixture(scope="module")
def series(scenario):
    return [(simulate_scene(scenario, sensed), truth(scenario, sensed)) for sensed in sensing_times(scenario)]


def test_a_scene_depends_on_the_seed_and_its_date_alone(scenario, series):
    longer = scenario.model_copy(update={"dates": 30})
    for number in (9, 2):
        scene = simulate_scene(longer, sensing_times(longer)[number])
        np.testing.assert_array_equal(scene.pixels, series[number][0].pixels)
        np.testing.assert_array_equal(scene.scl, series[number][0].scl)
        assert scene.metadata == series[number][0].metadata


def test_another_seed_or_date_is_another_scene(scenario, series):
    other = scenario.model_copy(update={"seed": 21})
    sensed = sensing_times(scenario)
    assert (simulate_scene(other, sensed[1]).pixels != series[1][0].pixels).mean() > 0.9
    assert (series[13][0].pixels != series[1][0].pixels).mean() > 0.9


def test_a_band_is_the_same_whatever_other_bands_are_asked_for(scenario):
    last = sensing_times(scenario)[-1]
    np.testing.assert_array_equal(
        truth(scenario, last, ("B8A",)).surface[0], truth(scenario, last, ("B12", "B8A")).surface[1]
    )


def test_every_band_can_be_made(scenario):
    scene = simulate_scene(scenario, sensing_times(scenario)[1], tuple(BANDS))
    assert scene.pixels.shape == (13, 48, 66)
    assert scene.pixels.dtype == np.int16


def test_a_pixel_lacks_data_everywhere_or_nowhere(series):
    edges = 0
    for scene, real in series:
        outside = ~scene.valid
        np.testing.assert_array_equal((scene.pixels == NODATA).all(0), outside)
        np.testing.assert_array_equal((scene.pixels == NODATA).any(0), outside)
        np.testing.assert_array_equal(real.classes == Class.NO_DATA, outside)
        np.testing.assert_array_equal(scene.scl == 0, outside)
        np.testing.assert_array_equal(scene.cloud_probability == NO_PERCENT, outside)
        assert scene.cloud_probability[scene.valid].max() <= 100
        edges += 0.05 < outside.mean() < 0.6
    assert edges >= 2


def test_one_scene_is_almost_all_outside_and_can_be_switched_off(scenario, series):
    assert max((~scene.valid).mean() for scene, _ in series) > 0.85
    whole = scenario.model_copy(update={"swath_edge": False})
    assert simulate_scene(whole, sensing_times(whole)[8]).valid.all()


def test_a_clear_view_shows_the_ground(series):
    clear_dates = [1, 9, 13]
    for number in clear_dates:
        scene, real = series[number]
        clear = real.classes == Class.CLEAR
        assert clear.mean() > 0.4
        difference = (scene.pixels - real.surface)[:, clear]
        assert np.abs(np.median(difference, axis=1)).max() < 200
        assert np.abs(difference).mean() < 200


def test_thick_cloud_is_brighter_than_its_ground_and_shadow_darker(series):
    for scene, real in series:
        # Haze and thin cloud brighten some of what is shaded.
        red = list(scene.bands).index("B04")
        nir = list(scene.bands).index("B8A")
        thick = (real.classes == Class.THICK_CLOUD) & (real.surface[red] < 3000)
        shadow = (real.classes == Class.SHADOW) & (real.surface[nir] > 1000)
        if thick.sum() > 20:
            assert (scene.pixels[red] - real.surface[red])[thick].min() > 0
        if shadow.sum() > 20:
            assert (scene.pixels[nir] < real.surface[nir])[shadow].mean() > 0.9


def test_shadows_lie_away_from_the_sun_by_the_height_of_their_clouds():
    scenario = Scenario(height=100, width=120, fire=False, swath_edge=False, seed=3)
    sensed = next(when for when in sensing_times(scenario) if broken_without_cirrus(scenario, when))
    about, real = simulate_scene(scenario, sensed).about, truth(scenario, sensed)
    rows, columns = best_shift(real.cloud_optical_depth > 1.5, real.classes == Class.SHADOW)
    height = clouds(scenario, sensed)[0].height / 20
    length = height / np.tan(np.radians(about.sun_elevation))
    parallax = height * np.tan(np.radians(about.view_incidence))
    azimuth = np.radians(about.sun_azimuth)
    # The sky repeats at the grid's edges, so shifts are counted modulo its size.
    assert abs((rows - length * np.cos(azimuth) + 50) % 100 - 50) < parallax + 3
    assert abs((columns + length * np.sin(azimuth) + 60) % 120 - 60) < parallax + 3
    assert length > 2 * parallax


def broken_without_cirrus(scenario, sensed):
    low, high = clouds(scenario, sensed)
    return not high.depth.any() and 0.1 < (low.depth > 1).mean() < 0.4


def best_shift(cloud, shadow):
    """Find the rows and columns by which clouds must be moved to cover the shadows best."""

    def agreement(shift):
        moved = np.roll(cloud, shift, (0, 1)) & ~cloud
        return (moved & shadow).sum() / (moved | shadow).sum()

    return max(product(range(-50, 50, 2), range(-60, 60, 2)), key=agreement)


def test_active_fire_outshines_everything_beyond_two_micrometres(series):
    scene, real = series[13]
    b12, b11 = scene.pixels[0], scene.pixels[1]
    flames = real.classes == Class.ACTIVE_FIRE
    assert flames.any()
    assert np.median(b12[flames]) > 2 * np.median(b12[real.classes == Class.CLEAR])
    assert (b12 > b11)[flames].mean() > 0.8


def test_a_burn_loses_near_infrared_and_gains_short_wave_infrared(series):
    before, after = series[1][1].surface, series[13][1].surface
    burnt = (series[13][1].classes == Class.FRESH_BURN) & (before[3] > 1000)
    assert burnt.sum() > 20
    assert np.median(after[3][burnt]) < 0.6 * np.median(before[3][burnt])
    assert np.median(after[0][burnt]) > 1.5 * np.median(before[0][burnt])


def test_all_classes_occur_in_the_default_series():
    scenario = Scenario(height=120, width=160)
    seen = set()
    for sensed in sensing_times(scenario):
        seen |= set(np.unique(truth(scenario, sensed).classes))
    assert seen == {int(code) for code in Class}


def test_the_weak_labels_are_wrong_for_a_tenth_to_a_fifth_of_the_pixels():
    wrong = total = missed = thin = 0
    scenario = Scenario(height=120, width=160)
    for sensed in sensing_times(scenario):
        scene, real = simulate_scene(scenario, sensed), truth(scenario, sensed)
        masked = np.isin(real.classes, SHADY)
        labelled = np.isin(scene.scl, (3, 8, 9, 10))
        wrong += (masked != labelled)[scene.valid].sum()
        total += scene.valid.sum()
        rim = real.classes == Class.THIN_CLOUD
        thin += rim.sum()
        missed += (rim & (scene.cloud_probability < 50)).sum()
    assert 0.08 < wrong / total < 0.20
    assert missed / thin > 0.5


def test_the_weak_labels_are_right_about_thick_cloud(series):
    for scene, real in series:
        thick = real.cloud_optical_depth > 15
        if thick[scene.valid].sum() > 50:
            assert (scene.cloud_probability[thick & scene.valid] >= 50).mean() > 0.8


def test_the_facts_of_a_scene_fit_together(scenario, series):
    about = [scene.about for scene, _ in series]
    assert {fact.platform for fact in about} == {"sentinel-2a", "sentinel-2b"}
    assert {fact.relative_orbit for fact in about} == {13, 113}
    assert all(130 < fact.sun_azimuth < 180 and 40 < fact.sun_elevation < 65 for fact in about)
    assert [fact.sensed for fact in about] == list(sensing_times(scenario))
    assert scenario.model_validate_json(series[0][0].metadata["scenario.json"]) == scenario


def test_a_time_without_a_scene_is_refused(scenario):
    with pytest.raises(ValueError, match="none of its 14 sensing times"):
        simulate_scene(scenario, scenario.start + timedelta(days=2))
    with pytest.raises(ValueError, match="none of its 14 sensing times"):
        truth(scenario, scenario.start - timedelta(days=5))


def test_times_are_utc_in_whole_seconds():
    scenario = Scenario(start=datetime.fromisoformat("2025-07-01T12:00:00.750-07:00"))
    assert sensing_times(scenario)[0] == datetime(2025, 7, 1, 19, tzinfo=UTC)
