import numpy as np
import pytest

from s2lookback.masking.reference import unveiled
from s2lookback.masking.spectrum import VISIBLE, Spectrum


@pytest.mark.parametrize("name", ["forest", "field", "lake", "snow", "burn", "shade"])
def test_ground_seen_through_clean_air_stays_as_it_is(spectra, name):
    before = full(spectra[name])
    for band, layer in unveiled(before).layers.items():
        np.testing.assert_array_equal(layer, before[band])


def test_forest_seen_through_smoke_becomes_forest(spectra):
    clean, forest = unveiled(full(spectra["smoke"])), full(spectra["forest"])
    for band in VISIBLE:
        assert abs(clean[band][0] - forest[band][0]) < 0.02
    assert clean["B12"][0] == full(spectra["smoke"])["B12"][0]


def test_a_muddy_lake_is_not_taken_for_forest():
    muddy = full((0.013, 0.016, 0.04, 0.04, 0.04, 0.09, 0.11, 0.085))
    assert unveiled(muddy)["B02"][0] == muddy["B02"][0]


def test_without_visible_bands_nothing_is_done(spectra):
    infrared = Spectrum({band: layer for band, layer in full(spectra["smoke"]).layers.items() if band not in VISIBLE})
    assert unveiled(infrared) is infrared


def full(values):
    bands = ("B12", "B11", "B09", "B08", "B8A", "B04", "B03", "B02")
    return Spectrum({band: np.float32([value]) for band, value in zip(bands, values, strict=True)})
