"""A picture that is drawn as an item's `renders` say is the picture that we draw ourselves."""

import re
from datetime import UTC, datetime, timedelta

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from catalog.items.renders import age_render, band_renders, class_render
from s2lookback.bands import DEFAULT_BANDS
from s2lookback.display import OLDEST
from s2lookback.masking.classes import Class
from s2lookback.pictures import age_image, class_image, rgb
from s2lookback.scene import NODATA

SHAPE = (3, 5)
SENSED = datetime(2025, 8, 30, 19, 38, 31, tzinfo=UTC)
DAY = (SENSED - datetime(1970, 1, 1, tzinfo=UTC)).days


def drawn(render, rasters):
    """Draw as a server of tiles would that knows nothing of us: stretch each asset, then brighten."""
    channels = []
    for asset, (low, high) in zip(render["assets"], render["rescale"], strict=True):
        channels.append(np.clip((rasters[asset].astype(float) - low) / (high - low), 0, 1))
    formula = re.fullmatch(r"gamma ([RGB]+) ([0-9.]+)", render.get("color_formula", "gamma RGB 1.0"))
    for channel in formula[1]:
        channels["RGB".index(channel)] **= 1 / float(formula[2])
    return np.rint(255 * np.stack(channels, -1))


@pytest.mark.parametrize("name", ["true-color", "swir", "swir-bc"])
@given(st.data())
def test_bands_are_stretched_as_in_our_pictures(name, data):
    render = band_renders(DEFAULT_BANDS)[name]
    pixels = data.draw(arrays(np.int16, (len(DEFAULT_BANDS), *SHAPE), elements=st.integers(-500, 12_000)))
    expected = rgb(pixels, DEFAULT_BANDS, tuple(render["assets"]))
    found = drawn(render, dict(zip(DEFAULT_BANDS, pixels, strict=True)))
    assert np.abs(found - expected).max() <= 1
    assert render["nodata"] == NODATA


def test_a_picture_whose_bands_are_missing_is_not_promised():
    assert list(band_renders(("B12", "B8A", "B04"))) == ["swir"]
    assert band_renders(("B12",)) == {}


def test_classes_have_the_colours_of_our_pictures():
    colours = class_render()["class"]["colormap"]
    codes = np.array([list(Class)], np.uint8)
    found = [colours[str(code)][:3] for code in codes.ravel()]
    assert found == class_image(codes)[0].tolist()
    assert [code for code, colour in colours.items() if colour[3] == 0] == ["0"]


@pytest.mark.parametrize("groups", [{"": ("B12",)}, {"": ("B12",), "-visible": ("B04", "B02")}])
def test_age_is_told_from_the_day_a_pixel_was_sensed(groups):
    renders = age_render(SENSED, groups)
    assert list(renders) == [f"age{suffix}" for suffix in groups]
    for suffix, render in zip(groups, renders.values(), strict=True):
        assert render["assets"] == [f"sensed{suffix}"]
        sensed = np.array([[DAY, DAY - 7, DAY - 59, DAY - 400]], np.uint16)
        day, minus, asset = re.fullmatch(rf"(\d+)(-)(sensed{suffix}_b1)", render["expression"]).groups()
        assert (minus, asset) == ("-", f"sensed{suffix}_b1")
        age = int(day) - sensed.astype(float)
        (low, high), *others = render["rescale"]
        assert not others
        found = matplotlib.colormaps[render["colormap_name"]](np.clip((age - low) / (high - low), 0, 1), bytes=True)
        expected = age_image(age.astype(np.float32), sensed > 0, oldest=OLDEST)
        assert np.abs(found[..., :3].astype(int) - expected).max() <= 1


def test_the_day_is_that_of_the_sensing_time_in_utc():
    days = [age_render(SENSED + timedelta(hours=hours), {"": ()})["age"]["expression"] for hours in (4, 5)]
    assert days == [f"{DAY}-sensed_b1", f"{DAY + 1}-sensed_b1"]
