import numpy as np
import pytest

from s2lookback.masking.classes import Class
from s2lookback.simulate import families, series
from s2lookback.simulate.season import greenness

NOW = np.zeros((2, 3), np.float32)


@pytest.mark.parametrize("family", [families.BOREAL, families.PRAIRIE, families.AUTUMN], ids=lambda family: family.name)
def test_plants_green_up_in_spring_and_fade_in_autumn(family):
    year = np.array([greenness(family, NOW, day)[0, 0] for day in range(1, 366)])
    spring, autumn = family.season
    assert year[round(spring)] == pytest.approx(0.5, abs=0.05)
    assert year[round(autumn)] == pytest.approx(0.5, abs=0.05)
    assert year.max() > 0.9
    assert year[0] < 0.05
    top = year.argmax()
    assert (np.diff(year[:top]) >= -1e-6).all()
    assert (np.diff(year[top:]) <= 1e-6).all()


def test_a_late_place_is_as_an_early_one_was_before():
    late = np.full((2, 3), 9.0, np.float32)
    np.testing.assert_allclose(greenness(families.PRAIRIE, late, 139), greenness(families.PRAIRIE, NOW, 130), atol=1e-6)


def test_crops_sprout_through_the_series_and_leaves_fall_in_autumn():
    bands = ("B04", "B8A")

    def vegetation(family, number):
        red, infrared = [*series(family, 2, height=60, width=82, bands=bands)][number].truth.surface.astype(float)
        return np.median((infrared - red) / (infrared + red))

    assert vegetation(families.PRAIRIE, 13) > vegetation(families.PRAIRIE, 1) + 0.2
    assert vegetation(families.AUTUMN, 8) < vegetation(families.AUTUMN, 0) - 0.1


def test_snow_comes_down_the_mountains_in_autumn():
    observations = [*series(families.ALPINE, 2, height=60, width=82, dates=14)]
    first, last = observations[1].truth, observations[13].truth
    assert (last.classes == Class.SNOW).sum() > 2 * (first.classes == Class.SNOW).sum()
    bare = first.elevation[first.classes == Class.CLEAR].mean()
    assert last.elevation[last.classes == Class.SNOW].mean() > bare


def test_the_haze_differs_from_date_to_date():
    clear = [one for one in series(families.PRAIRIE, 7, height=48, width=66, bands=("B02",)) if is_clear(one)]
    lifts = [np.median((one.scene.pixels - one.truth.surface)[0][one.truth.classes == Class.CLEAR]) for one in clear]
    assert len(lifts) >= 3
    assert np.ptp(lifts) > 20


def is_clear(one):
    return (one.truth.cloud_optical_depth == 0).all() and one.scene.valid.all()


def test_the_light_differs_from_date_to_date_in_all_bands_together():
    bands = ("B11", "B12")
    clear = [one for one in series(families.PRAIRIE, 7, height=48, width=66, bands=bands) if is_clear(one)]
    ground = [one.truth.classes == Class.CLEAR for one in clear]
    ratios = np.array(
        [
            np.median(one.scene.pixels[:, where] / one.truth.surface[:, where], axis=1)
            for one, where in zip(clear, ground, strict=True)
        ]
    )
    assert np.ptp(ratios[:, 0]) > 0.015
    assert np.corrcoef(ratios.T)[0, 1] > 0.3
