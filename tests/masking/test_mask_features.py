import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from s2lookback.masking.features import feature_names, features
from s2lookback.masking.spectrum import Spectrum, contrast
from s2lookback.scene import NODATA

ALL = ("B12", "B11", "B09", "B08", "B8A", "B04", "B03", "B02")
INFRARED = (("B12", "B11", "B8A", "B08"), ("B12", "B11", "B09", "B08"), ("B12", "B11", "B09"))
NUMBERS = st.one_of(st.integers(-500, 15_000), st.just(NODATA))


def spectra(bands, numbers):
    now, before = np.array(numbers, np.int16).reshape(2, len(bands), 2, 3)
    return Spectrum.of(now, bands), Spectrum.of(before, bands)


@pytest.mark.parametrize("bands", [ALL, *INFRARED])
@given(data=st.data())
def test_features_of_one_pixel_follow_their_names_whatever_the_bands(bands, data):
    numbers = data.draw(hnp.arrays(np.int16, 2 * len(bands) * 6, elements=NUMBERS))
    now, before = spectra(bands, numbers)
    names = feature_names(bands)
    columns = features(now, before, bands)
    assert columns.shape == (len(names), 2, 3)
    assert columns.dtype == np.float32
    for index, name in enumerate(names):
        if name in bands:
            np.testing.assert_array_equal(columns[index], now[name])
        if name.startswith("change_B"):
            band = name.removeprefix("change_")
            a, b = np.maximum(now[band], 0), np.maximum(before[band], 0)
            np.testing.assert_allclose(columns[index], (a - b) / (a + b + 1e-3), rtol=1e-5)


def test_infrared_folders_give_no_visible_feature():
    for bands in INFRARED:
        assert not {"ndvi", "ndsi", "haze", "whiteness", "brightness"} & set(feature_names(bands))
        assert "nbr" in feature_names(bands)
    assert {"ndvi", "ndsi", "haze", "whiteness", "brightness", "nbr"} <= set(feature_names(ALL))


def test_a_pixel_never_seen_before_has_no_change():
    now, before = spectra(ALL[:4], [1000] * 24 + [NODATA] * 24)
    columns = dict(zip(feature_names(ALL[:4]), features(now, before, ALL[:4]), strict=True))
    assert np.isfinite(columns["B12"]).all()
    assert np.isnan(columns["before_B12"]).all()
    assert np.isnan(columns["change_B12"]).all()
    assert np.isnan(columns["change_nbr"]).all()


@given(hnp.arrays(np.float32, (2, 7), elements=st.floats(-0.125, 2, width=32)))
def test_a_contrast_lies_between_minus_one_and_one_and_changes_sign_with_its_order(pair):
    found = contrast(*pair)
    assert (np.abs(found) < 1).all()
    np.testing.assert_array_equal(found, -contrast(*pair[::-1]))
