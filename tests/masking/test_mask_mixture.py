import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2lookback.masking.mixture import CLOUD, NOISE, SKY, UNSTEADY, unmix
from s2lookback.masking.spectrum import Spectrum

BANDS = ("B02", "B03", "B04", "B8A", "B11", "B12")
FOREST = (0.03, 0.05, 0.03, 0.28, 0.14, 0.07)
FIELD = (0.07, 0.10, 0.12, 0.29, 0.25, 0.18)
SOME = (BANDS, BANDS[2:], BANDS[3:])


def spectrum(values, bands=BANDS):
    return Spectrum({b: np.float32([v]) for b, v in zip(BANDS, values, strict=True) if b in bands})


def per_band(table):
    return np.array([table["nir" if band == "B8A" else band] for band in BANDS])


def mixed(ground, cloud, lost, kind="water"):
    ground = np.array(ground)
    return ground + cloud * (per_band(CLOUD[kind]) - ground) - lost * ground * (1 - per_band(SKY))


@pytest.mark.parametrize("bands", SOME, ids=" ".join)
@pytest.mark.parametrize("ground", [FOREST, FIELD], ids=["forest", "field"])
@given(cloud=st.floats(0, 0.6), lost=st.floats(0, 1), kind=st.sampled_from(["water", "ice"]))
def test_what_was_mixed_is_found_again(bands, ground, cloud, lost, kind):
    found = unmix(spectrum(mixed(ground, cloud, lost, kind), bands), spectrum(ground, bands))
    # Two bands of short waves and one of near infrared let water and ice be mistaken for each other.
    assert found.misfit[0] < 1e-2
    if bands == BANDS:
        assert found.cloud[0] == pytest.approx(cloud, abs=2e-3)
        assert found.lost[0] == pytest.approx(lost, abs=2e-2)
        assert found.red[0] == pytest.approx(cloud, abs=2e-2)


@given(st.lists(st.floats(0.005, 0.6), min_size=6, max_size=6))
def test_the_fit_is_the_best_of_all_that_light_allows(today):
    found = unmix(spectrum(today), spectrum(FOREST))
    sigma = per_band(NOISE) + UNSTEADY * np.array(FOREST)
    tries = [
        (((np.array(today) - mixed(FOREST, cloud, lost, kind)) / sigma) ** 2).sum()
        for kind in CLOUD
        for cloud in np.linspace(0, 1.2, 41)
        for lost in np.linspace(0, 1, 21)
    ]
    assert found.misfit[0] <= min(tries) * 1.001 + 1e-3
    assert 0 <= found.lost[0] <= 1
    assert found.cloud[0] >= 0


def test_unchanged_ground_is_no_mixture():
    found = unmix(spectrum(FOREST), spectrum(FOREST))
    assert (found.cloud[0], found.lost[0], found.smoke[0]) == (0, 0, 0)
    assert found.change[0] == 0


def test_burnt_ground_is_explained_by_neither_cloud_nor_shadow():
    burnt = (0.04, 0.05, 0.05, 0.09, 0.15, 0.16)
    assert unmix(spectrum(burnt), spectrum(FOREST)).misfit[0] > 10


def test_thin_blue_over_unchanged_infrared_is_smoke_rather_than_cloud():
    smoke = (0.12, 0.11, 0.07, 0.28, 0.14, 0.07)
    found = unmix(spectrum(smoke), spectrum(FOREST))
    assert found.smoke_misfit[0] < found.misfit[0]
    assert found.smoke[0] >= 0.2


def test_ground_never_seen_gives_nothing_to_compare():
    found = unmix(spectrum(FIELD), spectrum([np.nan] * 6))
    assert np.isnan([found.cloud[0], found.lost[0], found.misfit[0]]).all()
    assert (found.smoke[0], found.smoke_misfit[0]) == (0, np.inf)


@pytest.mark.parametrize("ground", [0.0, 0.9, 1.3])
def test_black_and_white_ground_give_numbers_too(ground):
    found = unmix(spectrum([0.3] * 6), spectrum([ground] * 6))
    assert np.isfinite([found.cloud[0], found.red[0], found.lost[0], found.misfit[0]]).all()


def test_without_blue_no_smoke_is_tried():
    found = unmix(spectrum(FIELD, BANDS[3:]), spectrum(FOREST, BANDS[3:]))
    assert (found.smoke[0], found.smoke_misfit[0]) == (0, np.inf)
    assert found.red[0] == found.cloud[0]
