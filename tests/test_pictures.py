from io import BytesIO
from threading import Thread

import numpy as np
import pytest
from matplotlib.image import imread
from PIL import Image, UnidentifiedImageError

from s2lookback.masking.classes import MEANINGS, Class
from s2lookback.pictures import (
    SheetRow,
    age_image,
    bands_to_show,
    class_image,
    contact_sheet,
    panels,
    probability_image,
    rgb,
    stamp,
    thumbnail,
)
from s2lookback.scene import NO_PERCENT, NODATA

SHAPE = (5, 8)


def decode(png):
    assert png.startswith(b"\x89PNG")
    return np.rint(imread(BytesIO(png))[..., :3] * 255).astype(np.uint8)


def some_image(shape=SHAPE, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3)).astype(np.uint8)


def some_row(title="2025-07-03", age=3.0):
    classes = np.arange(40).reshape(SHAPE).astype(np.uint8) % 10
    ages = np.full(SHAPE, age, np.float32)
    ages[0, 0] = np.nan
    return SheetRow(title, some_image(), classes, some_image(seed=1), ages, some_image(seed=2))


def test_bcs_display_limits_are_black_and_full():
    low, high = (1028, 1048, 1067), (3049, 3638, 2290)
    pixels = np.array([[[a - 1000, b - 1000, -300, 16000]] for a, b in zip(low, high, strict=True)], np.int16)
    np.testing.assert_array_equal(rgb(pixels, ("B12", "B11", "B09"))[0, :, 0], [0, 255, 0, 255])
    np.testing.assert_array_equal(rgb(pixels, ("B12", "B11", "B09"))[0, :2], [[0, 0, 0], [255, 255, 255]])


@pytest.mark.real
def test_a_real_fire_is_red_or_yellow_in_false_colour(realdata):
    file = realdata / "bcgov_wps_research" / "G90292_20230514.bin"
    numbers = np.fromfile(file, "<f4").reshape(3, 400, 400)
    image = rgb((numbers - 1000).astype(np.int16), ("B12", "B11", "B09"))
    flames = numbers[0] > 6000
    assert flames.sum() > 20
    assert (image[flames, 0] == 255).all()
    land = image[numbers[0] < 2500]
    assert 60 < land[:, 0].mean() < 200
    assert (land[:, 0] == 255).mean() < 0.01


def test_a_brighter_pixel_is_never_shown_darker_and_nodata_is_grey():
    ramp = np.sort(np.random.default_rng(0).integers(-500, 9000, (3, 1, 50)), axis=2).astype(np.int16)
    ramp[:, 0, 0] = NODATA
    image = rgb(ramp, ("B04", "B03", "B02"))
    assert (np.diff(image[0, 1:].astype(int), axis=0) >= 0).all()
    assert len(set(image[0, 0])) == 1
    assert 20 < image[0, 0, 0] < 90


def test_the_named_bands_are_red_green_and_blue_in_that_order():
    pixels = np.zeros((3, *SHAPE), np.int16)
    pixels[1] = 9000
    image = rgb(pixels, ("B03", "B04", "B02"), ("B04", "B03", "B02"))
    np.testing.assert_array_equal(image[2, 3], [255, 0, 0])


@pytest.mark.parametrize(
    ("bands", "shown"),
    [
        (("B02", "B03", "B04", "B09", "B11", "B12"), ("B12", "B11", "B09")),
        (("B02", "B03", "B04", "B08"), ("B04", "B03", "B02")),
        (("B02", "B04", "B8A", "B09", "B11", "B12"), ("B12", "B8A", "B04")),
        (("B08", "B11", "B12"), ("B12", "B08", "B11")),
        (("B05", "B06", "B07"), ("B05", "B06", "B07")),
        (("B05", "B07"), ("B05", "B07", "B07")),
        (("B05",), ("B05", "B05", "B05")),
    ],
)
def test_three_bands_to_look_at_are_always_found(bands, shown):
    assert bands_to_show(bands) == shown


def test_a_band_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="B09"):
        rgb(np.zeros((1, *SHAPE), np.int16), ("B12",), ("B12", "B12", "B09"))


def test_classes_have_the_colours_of_their_meanings():
    image = class_image(np.array([[*Class, 77]], np.uint8))
    for code in Class:
        assert bytes(image[0, code]).hex().upper() == MEANINGS[code].color
    np.testing.assert_array_equal(image[0, -1], [255, 0, 255])


def test_older_pixels_are_darker_and_the_unseen_grey():
    image = age_image(
        np.array([[0, 10, 20, 90, np.nan]], np.float32), np.array([[True, True, True, True, False]]), oldest=20.0
    )
    brightness = image[0].astype(int).sum(1)
    assert brightness[0] > brightness[1] > brightness[2] == brightness[3]
    assert len(set(image[0, 4])) == 1


def test_likelier_pixels_are_brighter_and_the_unknown_grey():
    image = probability_image(np.array([[0, 50, 100, NO_PERCENT]], np.uint8))
    brightness = image[0].astype(int).sum(1)
    assert brightness[0] < brightness[1] < brightness[2]
    assert len(set(image[0, 3])) == 1


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((5, 8), (160, 256)),
        ((32, 20), (256, 160)),
        ((300, 200), (256, 171)),
        ((9, 2000), (1, 256)),
        ((1, 1), (256, 256)),
    ],
)
def test_a_thumbnail_fits_its_square(shape, expected):
    assert decode(thumbnail(some_image(shape))).shape[:2] == expected


def test_a_tiny_image_grows_by_repeating_pixels_and_a_large_one_keeps_its_mean():
    image = some_image()
    np.testing.assert_array_equal(decode(thumbnail(image))[::32, ::32], image)
    large = some_image((512, 384))
    shrunk = decode(thumbnail(large))
    blocks = large.reshape(256, 2, 192, 2, 3).astype(float).mean((1, 3))
    assert np.abs(shrunk - blocks).max() <= 1.0
    assert shrunk.mean() == pytest.approx(large.mean(), abs=0.6)


def test_a_contact_sheet_shows_a_row_a_date():
    one, three = contact_sheet([some_row()]), contact_sheet([some_row(f"2025-07-{day:02}") for day in (3, 8, 13)])
    assert decode(three).shape[1] == decode(one).shape[1]
    assert decode(three).shape[0] > decode(one).shape[0] + 200


def test_a_sheet_on_which_nothing_was_ever_seen_can_be_drawn():
    assert decode(contact_sheet([some_row(age=np.nan)])).std() > 0


@pytest.mark.parametrize("count", [2, 3, 4])
def test_panels_stand_side_by_side(count):
    png = panels([some_image(seed=seed) for seed in range(count)], [f"panel {seed}" for seed in range(count)])
    assert decode(png).shape[1] == 630 * count


def test_a_title_too_few_is_refused():
    with pytest.raises(ValueError, match="shorter"):
        panels([some_image(), some_image()], ["one"])


def test_the_same_pixels_give_the_same_bytes_in_any_thread_and_tell_nothing_else():
    drawn = []
    row = some_row()
    threads = [Thread(target=lambda: drawn.append(contact_sheet([row]))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(drawn) == 3
    assert len(set(drawn)) == 1
    for png in (drawn[0], thumbnail(row.raw), panels([row.raw, row.mrap], ["a", "b"])):
        assert not any(tag in png for tag in (b"Software", b"tIME", b"Creation", b"matplotlib"))


def test_a_stamp_is_small_and_shows_the_same():
    gradient = np.linspace(0, 255, 90 * 120).reshape(90, 120).astype(np.uint8)
    image = np.stack([gradient, gradient[::-1], np.full((90, 120), 30, np.uint8)], axis=-1)
    small = Image.open(BytesIO(stamp(thumbnail(image, 240), 60)))
    assert small.size == (60, 45)
    assert len(small.convert("RGB").getcolors()) <= 64
    assert np.abs(np.asarray(small.convert("RGB"), float) - image[::2, ::2]).mean() < 10


def test_what_is_no_png_makes_no_stamp():
    with pytest.raises(UnidentifiedImageError):
        stamp(b"GIF89a", 60)
