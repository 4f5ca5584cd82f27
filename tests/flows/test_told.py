"""What is worth telling a person, and that it is told once when it begins and once when it is over."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.logging import disable_run_logger

from catalog.store import Store
from s2lookback.errors import CatalogError
from tasks.watch import DISK, census, drift, every_minutes
from tasks.watch_rules import PREFIX, Finding, WatchSettings, fewer_scenes, hidden_ground, low_disk, size
from tasks.watch_tell import FILE, message, message_over, note_night, remembered, tell

NOW = datetime(2025, 8, 30, 11, tzinfo=UTC)
SETTINGS = WatchSettings()
DAY = timedelta(days=1)


class Server:
    """Stands for Prefect's, and keeps what it is sent; refuses while it is ``away``."""

    def __init__(self):
        self.events, self.away = [], False

    def request(self, method, path, *, json):
        assert (method, path) == ("POST", "/events")
        if self.away:
            raise httpx.ConnectError("no server")
        self.events += json
        return self

    def read_events(self, *_, **__):
        raise httpx.ConnectError("no server")

    def raise_for_status(self):
        pass

    def told(self):
        return [(one["event"], one["payload"]["about"]) for one in self.events]


@pytest.fixture
def server():
    with disable_run_logger():
        yield Server()


def passes(every, until=NOW, days=100):
    """Give a tile's sensing times, one each so many days."""
    return [until - DAY * (one * every + 0.5) for one in range(int(days / every))]


@given(st.lists(st.floats(0, 120), max_size=60), st.integers(2, 20), st.integers(3, 8))
def test_a_census_has_fallen_if_the_newest_window_holds_less_than_half_of_the_median_of_those_before(
    ages, days, windows
):
    sensed = [NOW - DAY * age for age in ages]
    counts = []
    for back in range(windows + 1):
        begin, end = NOW - (back + 1) * days * DAY, NOW - back * days * DAY
        if sensed and min(sensed) <= begin:
            counts.append(len([one for one in sensed if begin < one <= end]))
    fell = len(counts) >= 4 and median(counts[1:]) >= 2 and counts[0] < 0.5 * median(counts[1:])
    settings = WatchSettings(census_days=days, census_windows=windows)
    assert (fewer_scenes("10UFB", sensed, NOW, settings) is not None) == fell


def test_a_tile_that_gets_no_more_scenes_is_told_and_one_that_lost_a_pass_is_not():
    assert fewer_scenes("10UFB", passes(2.5), NOW, SETTINGS) is None
    assert fewer_scenes("10UFB", passes(2.5)[1:], NOW, SETTINGS) is None
    found = fewer_scenes("10UFB", passes(2.5, NOW - 9 * DAY), NOW, SETTINGS)
    assert found.sentence() == "10UFB: 1 scene in 10 days, the newest of 2025-08-20; expected about 4"


def test_a_tile_that_one_satellite_of_two_serves_no_more_is_not_told():
    one_of_two = [*passes(5, days=10), *passes(2.5, NOW - 10 * DAY)]
    assert fewer_scenes("10UFB", one_of_two, NOW, SETTINGS) is None


def test_a_new_tile_and_an_archive_are_not_told():
    assert fewer_scenes("10UFB", passes(2.5, NOW - 10 * DAY, days=20), NOW, SETTINGS) is None
    assert fewer_scenes("10UFB", passes(2.5, NOW - 400 * DAY), NOW, SETTINGS) is None
    assert fewer_scenes("10UFB", [], NOW, SETTINGS) is None


def test_a_tile_is_told_that_shows_no_clear_ground_for_long_and_used_to():
    found = hidden_ground("10UFB", [0.01, 0.03, 0, 0, 0.02], [0.4, 0.5, 0.6, 0.1, 0.9], SETTINGS)
    assert found.sentence() == (
        "10UFB: of 5 scenes in 30 days the clearest shows 3% of the ground; expected 12% or more, for 50% is usual"
    )
    assert hidden_ground("10UFB", [0.01, 0.3, 0, 0, 0.02], [0.4, 0.5, 0.6, 0.1, 0.9], SETTINGS) is None
    assert hidden_ground("10UFB", [0.01] * 4, [0.5] * 9, SETTINGS) is None
    assert hidden_ground("10UFB", [0.01] * 9, [0.01] * 9, SETTINGS) is None


@given(
    st.integers(1, 10**15),
    st.floats(0, 1),
    st.lists(st.integers(0, 10**14), max_size=8),
    st.floats(0, 1),
    st.booleans(),
)
def test_a_disk_is_low_if_it_has_no_room_for_the_share_or_for_the_nights_to_come(total, part, used, share, told):
    free, grown = int(total * part), 0
    for one in range(1, len(used)):
        grown = max(grown, used[one] - used[one - 1])
    needed = max(share * total, 3 * grown) * (1.1 if told else 1)
    settings = WatchSettings(disk_share=share, disk_nights=3)
    found = low_disk("/data", total=total, free=free, used=used, told=told, settings=settings)
    assert (found is not None) == (free < needed)


def test_a_low_disk_says_how_much_is_free_and_how_much_a_night_takes():
    used = [90 * 10**12, 91 * 10**12, 93 * 10**12]
    found = low_disk("/data", total=10**14, free=3 * 10**12, used=used, told=False, settings=SETTINGS)
    assert found.sentence() == "/data: 3 TB of 100 TB are free; a night takes up to 2 TB; expected 5 TB or more"


def test_sizes_are_written_as_a_person_says_them():
    assert [size(one) for one in (0, 999, 1234, 5e6, 2.5e9, 1e12, 5e15)] == [
        "0 bytes", "999 bytes", "1.23 kB", "5 MB", "2.5 GB", "1 TB", "5e+03 TB",
    ]  # fmt: skip


def test_what_is_wrong_is_told_once_and_once_when_it_is_over(server, tmp_path):
    store, low = Store(str(tmp_path)), Finding("/data", "full", "room")
    for findings in ([], [low], [low], [low], [], []):
        tell(server, store, DISK, findings)
    assert server.told() == [("s2lookback.disk", ["/data"]), ("s2lookback.disk.over", ["/data"])]


def test_each_tile_is_told_when_it_joins_those_that_were_told(server, tmp_path):
    first, second = Finding("10UFA", "dark"), Finding("10UFB", "dark")
    for findings in ([first], [first, second], [second], [first, second]):
        tell(server, Store(str(tmp_path)), DISK, findings)
    assert [(event.removeprefix("s2lookback.disk"), about) for event, about in server.told()] == [
        ("", ["10UFA"]), ("", ["10UFB"]), (".over", ["10UFA"]), ("", ["10UFA"]),
    ]  # fmt: skip


def test_of_what_nothing_can_be_said_nothing_is_told(server, tmp_path):
    tell(server, Store(str(tmp_path)), DISK, [Finding("tile 10UFB", "Failed")])
    tell(server, Store(str(tmp_path)), DISK, [], undecided={"tile 10UFB"})
    assert server.told() == [("s2lookback.disk", ["tile 10UFB"])]


def test_what_the_server_did_not_take_is_told_again(server, tmp_path):
    server.away = True
    with pytest.raises(httpx.ConnectError):
        tell(server, Store(str(tmp_path)), DISK, [Finding("/data", "full")])
    server.away = False
    tell(server, Store(str(tmp_path)), DISK, [Finding("/data", "full")])
    assert server.told() == [("s2lookback.disk", ["/data"])]


def test_what_keeps_the_watch_from_its_work_fails_nothing(server, tmp_path, monkeypatch):
    server.away = True
    every_minutes(server, str(tmp_path))
    every_minutes(server, str(tmp_path / "nowhere"))
    monkeypatch.setenv("S2LOOKBACK_WATCH_DISK_SHARE", "much")
    every_minutes(server, str(tmp_path))
    assert server.told() == []


def test_a_folder_that_cannot_be_written_is_named(server, tmp_path):
    (tmp_path / "executions").write_text("in the way")
    with pytest.raises(CatalogError, match=r"executions/watch/state.json: cannot be read or written"):
        tell(server, Store(str(tmp_path)), DISK, [Finding("/data", "full")])


@pytest.mark.parametrize("text", ["{", "[]", '{"told": 3}', '{"told": {"s2lookback.disk": {"/data": {}}}}'])
def test_a_damaged_memory_tells_again_rather_than_never(server, tmp_path, text):
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_text(text)
    tell(server, Store(str(tmp_path)), DISK, [Finding("/data", "full")])
    assert server.told() == [("s2lookback.disk", ["/data"])]
    assert list(remembered(Store(str(tmp_path))).told[DISK.event]) == ["/data"]


def test_the_last_nights_are_remembered_beside_what_was_told(server, tmp_path):
    tell(server, Store(str(tmp_path)), DISK, [Finding("/data", "full")])
    for used in range(12):
        note_night(Store(str(tmp_path)), used, last=5)
    kept = remembered(Store(str(tmp_path)))
    assert kept.nights == [7, 8, 9, 10, 11]
    assert kept.told[DISK.event].keys() == {"/data"}


def test_a_message_says_what_was_found_what_was_expected_and_what_to_do_next():
    found = [Finding(f"10UF{letter}", "1 scene", "about 4") for letter in "ABCDEFGHJKLMNP"]
    lines = message(DISK, found).splitlines()
    assert lines[:2] == ["Disks that are nearly full (14):", "10UFA: 1 scene; expected about 4"]
    assert lines[-2:] == ["… and 2 more", f"Next: {DISK.step}."]
    assert message_over(DISK, {"/data": "2025-08-30 11:00 UTC"}).splitlines() == [
        "Over: Disks that are nearly full (1):",
        "/data, since 2025-08-30 11:00 UTC",
    ]


def test_a_setting_is_read_from_the_environment_and_one_that_makes_no_sense_is_named(monkeypatch):
    monkeypatch.setenv("S2LOOKBACK_WATCH_CENSUS_DAYS", "5")
    assert WatchSettings.of_environment() == WatchSettings(census_days=5)
    monkeypatch.setenv("S2LOOKBACK_WATCH_DISK_SHARE", "5")
    with pytest.raises(CatalogError, match=r"S2LOOKBACK_WATCH_DISK_SHARE: found '5'; Input should be less than"):
        WatchSettings.of_environment()


def test_the_example_of_an_environment_names_each_setting_as_it_is_delivered(monkeypatch):
    text = (Path(__file__).parents[2] / "deployments" / "example.env").read_text()
    named = dict(re.findall(r"^(S2LOOKBACK_WATCH_[A-Z_]+)=(.+)$", text, re.MULTILINE))
    assert {name.removeprefix(PREFIX).lower() for name in named} == WatchSettings.model_fields.keys()
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    assert WatchSettings.of_environment() == WatchSettings()


def listed(root, collection, stage, sensed, facts=None, links=()):
    """Put items there as far as the watch reads them."""
    for one in sensed:
        name = f"{stage}-10UFB-{one:%Y%m%dT%H%M%S}"
        recipe = {"stage": stage, "inputs": {}, "settings": {}}
        about = {"grid:code": "MGRS-10UFB", "version": "0" * 12, "datetime": one.isoformat()}
        about |= {"s2lookback:content": "0" * 64, "s2lookback:recipe": recipe}
        item = {
            "id": name,
            "collection": collection,
            "geometry": {"type": "Polygon"},
            "bbox": [-122, 50, -121, 51],
            "assets": {},
            "links": [*links],
            "properties": about | (facts or {}),
        }
        folder = root / collection / "10UFB" / name
        folder.mkdir(parents=True)
        (folder / f"{name}.json").write_text(json.dumps(item))


def test_the_census_is_read_from_the_catalog(tmp_path):
    listed(tmp_path, "scenes", "scene", passes(2.5, NOW - 9 * DAY))
    found = census(Store(str(tmp_path)), SETTINGS, NOW)
    assert [one.about for one in found] == ["10UFB"]
    assert census(Store(str(tmp_path)), SETTINGS, NOW - 9 * DAY) == []


def test_ground_that_stays_hidden_is_read_from_the_masks(tmp_path):
    listed(tmp_path, "scenes", "scene", passes(2.5))
    listed(tmp_path, "masks", "mask", passes(2.5, days=30), {"s2lookback:clear_fraction": 0.02})
    listed(tmp_path, "masks", "mask", passes(2.5, NOW - 30 * DAY), {"s2lookback:clear_fraction": 0.4})
    (found,) = census(Store(str(tmp_path)), SETTINGS, NOW)
    assert found.found == "of 12 scenes in 30 days the clearest shows 2% of the ground"
    assert census(Store(str(tmp_path)), SETTINGS, NOW - 30 * DAY) == []


def test_a_catalog_without_models_has_none_that_is_stale(tmp_path):
    listed(tmp_path, "masks", "mask", passes(10))
    assert drift(Store(str(tmp_path))) == []


def test_a_model_that_no_longer_knows_the_ground_is_told_with_its_figures(tmp_path):
    model = "model-10UFB-20250801T000000"
    listed(tmp_path, "models", "model", [datetime(2025, 8, 1, tzinfo=UTC)], {"s2lookback:metrics": {"usual_psi": 0.1}})
    made = {"rel": "derived_from", "href": "model.json", "title": model}
    far = {"s2lookback:drift": {"psi_mean": 0.4, "disagreement": 0.05}}
    listed(tmp_path, "masks", "mask", passes(5, days=30), far, [made])
    (found,) = drift(Store(str(tmp_path)))
    assert found.sentence() == "10UFB: clear ground lies 0.40 from where it lay in the training, up to 0.25 is usual"
