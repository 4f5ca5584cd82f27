"""The matrix as a picture: every square has the colour of its legend, for any number of tiles and dates, to any eye."""

from datetime import date, timedelta
from io import BytesIO
from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image
from typer.testing import CliRunner

from flows.cli import app
from tasks.matrix import LEGEND, NOTHING, SYMBOLS, Fate, Matrix
from tasks.matrix_picture import CELL, COLOURS, picture
from tests.faults import chain

EYES = {
    "as most": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
"""Linear red, green and blue as eyes see them. Source: Machado, Oliveira and Fernandes 2009, table of severity 1.0."""
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
"""Linear red, green and blue of sRGB to CIE XYZ. Source: IEC 61966-2-1."""


def some(tiles, dates, failing=0):
    """Give tiles whose fates follow each other from date to date, and from tile to tile."""
    days = [date(2025, 7, 20) + timedelta(days=number) for number in range(dates)]
    fates = [Fate.FAILED, Fate.DONE, None, Fate.LATE, Fate.SKIPPED]
    names = [f"{10 + number // 100}U{number % 100:02}" for number in range(tiles)]
    rows = {
        name: {day: fate for column, day in enumerate(days) if (fate := fates[(row + column) % len(fates)])}
        for row, name in enumerate(names)
    }
    return Matrix(days, rows, dict.fromkeys(names[:failing], "no bands"))


def drawn(found):
    with Image.open(BytesIO(picture(found))) as image:
        return np.asarray(image.convert("RGB"))


def colour(image, x, y):
    """Read the colour of a square beside its mark; squares are counted from the upper left, after the margin."""
    return tuple(image[int((y + 1.15) * CELL), int((x + 1.15) * CELL)])


@pytest.mark.parametrize(("tiles", "dates", "failing"), [(1, 1, 0), (3, 7, 1), (160, 30, 2)])
def test_every_square_has_the_colour_of_the_legend(tiles, dates, failing):
    found = some(tiles, dates, failing)
    image = drawn(found)
    legend = {symbol: colour(image, 0, y) for y, symbol in enumerate(LEGEND, 1)}
    assert len({*legend.values()}) == len(LEGEND)
    top = len(LEGEND) + 4 + bool(failing)
    for y, fates in enumerate(found.tiles.values(), top):
        for x, day in enumerate(found.days, 4):
            assert colour(image, x, y) == legend[SYMBOLS[fates[day]] if day in fates else NOTHING]


def test_a_tile_is_one_square_down_and_a_date_one_across():
    assert drawn(some(160, 30)).shape == (2768, 576, 3)
    assert drawn(some(161, 29)).shape == (2768 + CELL, 576 - CELL, 3)
    assert drawn(some(1, 1)).shape == drawn(some(1, 3)).shape == (192, 368, 3)  # as wide as the legend


def test_the_name_of_a_tile_that_failed_as_a_whole_is_red_and_no_other_is():
    first = len(LEGEND) + 5
    names = drawn(some(3, 7, failing=1))[(first + 1) * CELL :, CELL : 4 * CELL].astype(int)
    red = (names[..., 0] - names[..., 1]) > 60
    assert [bool(red[row * CELL : (row + 1) * CELL].any()) for row in range(3)] == [True, False, False]


@pytest.mark.parametrize("eye", EYES)
def test_no_two_colours_look_alike_to_any_eye(eye):
    """By CIE 1976; two surfaces side by side differ clearly from about 10 on."""

    def seen(name):
        shown = np.array(to_rgb(name))
        linear = np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)
        share = (XYZ @ np.clip(EYES[eye] @ linear, 0, 1)) / XYZ.sum(axis=1)
        x, y, z = np.where(share > 216 / 24389, np.cbrt(share), (24389 / 27 * share + 16) / 116)
        return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])

    apart = {(one, other): np.linalg.norm(seen(one) - seen(other)) for one, other in combinations(COLOURS.values(), 2)}
    assert min(apart.values()) > 20


def test_the_same_matrix_gives_the_same_bytes_and_one_without_dates_is_drawn():
    assert picture(some(3, 7)) == picture(some(3, 7))
    assert drawn(some(2, 0, failing=2)).shape == (14 * CELL, 368, 3)


def test_the_program_draws_it_and_says_where(tmp_path):
    chain.run(tmp_path / "catalog", dates=2)
    asked = ["matrix", "--root", f"{tmp_path / 'catalog'}", "--png"]
    told = CliRunner().invoke(app, [*asked, f"{tmp_path / 'matrix.png'}"])
    assert told.output.strip() == f"{tmp_path / 'matrix.png'}"
    with Image.open(tmp_path / "matrix.png") as image:
        assert image.size == (368, 192)
    refused = CliRunner().invoke(app, [*asked, f"{tmp_path / 'nowhere' / 'matrix.png'}"])
    assert refused.exit_code == 1
    assert "cannot be read or written" in refused.output
