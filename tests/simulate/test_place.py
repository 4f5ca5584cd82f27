import re

import pytest
from pydantic import ValidationError

from s2lookback.simulate import Scenario
from s2lookback.simulate.place import tile_corner

PUBLISHED = {
    # tile: EPSG code and upper left corner as ESA's products state them (there in multiples of 60 m)
    "01WCP": (32601, 300000, 7400040),
    "46RER": (32646, 499980, 3100020),
    "11SLT": (32611, 300000, 3800040),
    "22HBD": (32722, 199980, 5900020),
    "07HFE": (32707, 600000, 6500020),
    "01KAB": (32701, 99960, 8200000),
    "33XWJ": (32633, 499980, 8900040),
}


@pytest.mark.parametrize("tile", PUBLISHED)
def test_a_tile_lies_where_the_producer_says(tile):
    epsg, west, north = tile_corner(tile)
    assert epsg == PUBLISHED[tile][0]
    assert abs(west - PUBLISHED[tile][1]) < 60
    assert abs(north - PUBLISHED[tile][2]) < 60


@pytest.mark.real
def test_a_tile_lies_where_every_real_product_says(realdata):
    checked = 0
    for path in realdata.glob("safe_stactools/**/MTD_TL.xml"):
        text = path.read_text()
        tile = re.search(r"_T(\d{2}[A-Z]{3})_N", text)
        corner = re.search(r"<ULX>(\d+)</ULX>\s*<ULY>(\d+)</ULY>", text)
        if tile and corner:
            _, west, north = tile_corner(tile[1])
            assert abs(west - int(corner[1])) < 60, path
            assert abs(north - int(corner[2])) < 60, path
            checked += 1
    assert checked >= 5


@pytest.mark.parametrize("tile", ["10UJB", "10UFI", "61UFB", "10IFB", "10ufb", "T10UFB", "../UFB"])
def test_a_tile_that_does_not_exist_is_refused(tile):
    with pytest.raises(ValidationError):
        Scenario(tile=tile)


@pytest.mark.parametrize(("height", "width"), [(240, 320), (8, 3000), (5490, 9)])
def test_the_grid_lies_inside_its_tile(height, width):
    scenario = Scenario(height=height, width=width)
    epsg, left, top = tile_corner(scenario.tile)
    west, south, east, north = scenario.grid.bounds
    assert scenario.grid.epsg == epsg
    assert left <= west < east <= left + 109_800
    assert top - 109_800 <= south < north <= top
