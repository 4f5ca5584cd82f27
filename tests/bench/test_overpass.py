"""The orbit's model against real scenes: of a place whose angles it was fitted to, and of places that it never saw."""

import json
import re
from datetime import UTC, datetime, timedelta

import netCDF4
import numpy as np
import pytest

from tests.bench.overpass import CYCLE, EARTH, HALF_SWATH, A, B, C, across, passes, points, tracks_over
from tests.bench.province import nights, tiles

START = datetime(2025, 7, 1, tzinfo=UTC)


def offsets(times, predicted):
    """Give seconds from each real time to the nearest predicted pass."""
    ahead = np.array([(one.sensed - START).total_seconds() for one in predicted])
    return np.array([np.abs(ahead - (time - START).total_seconds()).min() for time in times])


def during(times, tile):
    return passes([tile], [A, B], min(times) - timedelta(days=1), max(times) + timedelta(days=1))


@pytest.mark.real
def test_every_real_date_of_a_tile_in_belgium_is_predicted(realdata):
    (path,) = realdata.glob("worldcereal/*/S2_L2A_20m*.nc")
    with netCDF4.Dataset(path) as series:
        stamps = netCDF4.num2date(series["timestamp"][:], series["timestamp"].units, only_use_cftime_datetimes=False)
    times = [datetime(*one.timetuple()[:6], tzinfo=UTC) for one in stamps]
    assert len(times) == 118
    predicted = during(times, "31UDS")
    assert {one.track for one in predicted} == {51, 94}
    late = offsets(times, predicted)
    assert late.max() < 600  # until 2018 a date was named by the start of its strip
    assert (late < 10).sum() >= 6


@pytest.mark.real
def test_every_real_date_of_a_place_in_slovenia_is_predicted(realdata):
    stamps = json.loads((realdata / "eolearn_TestEOPatch" / "timestamps.json").read_text())
    times = [datetime.fromisoformat(stamp).replace(tzinfo=UTC) for stamp in stamps]
    assert (offsets(times, during(times, "33TWM")) < 600).all()


@pytest.mark.real
def test_granules_all_over_the_world_lie_in_the_swath_of_their_own_track(realdata):
    named = re.compile(r"(S2[AB])_MSIL.._(\d{8}T\d{6})_(?:N\d{4}_)?R(\d{3})_T(\w{5})")
    found = {named.search(path.name).groups() for path in realdata.rglob("S2*") if named.search(path.name)}
    assert len(found) >= 8
    for satellite, sensed, track, tile in found:
        time = datetime.strptime(sensed, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        edge = across(points(tile, 100), int(track))[0].min()
        assert edge < HALF_SWATH + 5, f"{tile} is {edge:.0f} km from track {track}"  # 43MDV has but a corner, of 9 km
        flown = passes([tile], [A if satellite == "S2A" else B], time - CYCLE / 4, time + CYCLE / 4)
        if edge < HALF_SWATH - 10:
            (ours,) = (one for one in flown if one.track == int(track))
            assert abs((ours.sensed - time).total_seconds()) < 1500  # a product is named by the start of its strip


def test_a_tile_is_seen_on_each_of_its_tracks_once_in_ten_days_by_each_satellite():
    tracks = {track for _, track, _, _ in tracks_over("10UFB")}
    first, second = (passes(["10UFB"], [B, C], START + n * CYCLE, START + (n + 1) * CYCLE) for n in (0, 1))
    assert sorted(one.track for one in first) == sorted([*tracks, *tracks])
    assert [one.sensed + CYCLE for one in first] == [one.sensed for one in second]
    assert all(17 <= one.sensed.hour <= 20 for one in first)  # about 10:30 by the sun


def test_the_distance_to_a_track_is_the_least_to_any_of_its_points():
    places = points("09UYT", 2)
    found, _ = across(places, 13)
    assert found.shape == (4,)
    apart = EARTH * np.radians(np.ptp(places[:, 1]))
    assert np.abs(np.subtract.outer(found, found)).max() < 2 * apart  # places that are near lie at near distances
    assert all(0 < one[2] <= 1 for one in tracks_over("09UYT"))
    assert max(one[2] for one in tracks_over("09UYT")) == 1
    assert HALF_SWATH == 145


def test_the_province_has_about_as_many_tiles_as_its_people_count_and_each_night_half_of_them_are_seen():
    names = tiles()
    assert 130 <= len(names) <= 170
    assert {"10UFB", "09UYT"} <= set(names)
    found = passes(names, [B, C], START, START + CYCLE)
    each = nights(found, 10)
    assert sum(map(len, each.values())) == len(found)
    assert all(len({one.tile for one in night}) > len(names) / 3 for night in each.values())
    assert {one.tile for one in found} == set(names)
