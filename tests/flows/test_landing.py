"""Scenes that land: taken once they are whole, by one run a tile however many land and whoever looks."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from typer.testing import CliRunner

from flows.cli import app
from flows.dispatch import start
from flows.tile import tile as update
from s2lookback.settings import IngestSettings, MaskSettings, Settings
from s2lookback.sources.settings import SourceSettings
from tasks import ingest, landing
from tasks.landing import look, settled
from tests.faults import chain
from tests.flows.server import SECRET, worker

LATELY = datetime.now(UTC).replace(hour=19, minute=19, second=21, microsecond=0) - timedelta(days=20)
SETTINGS = Settings(ingest=IngestSettings(bands=("B12", "B11", "B8A", "B04")), mask=MaskSettings(method="rules"))


@pytest.fixture
def folder(tmp_path):
    """Give an empty folder of scenes."""
    (tmp_path / "scenes").mkdir()
    return tmp_path / "scenes"


@pytest.fixture
def land(tmp_path, folder, make_safe, zip_of):
    """Offer a function that lets a scene land, or its first bytes only."""

    def scene(tile, day, *, share=1.0):
        sensed = f"{LATELY + timedelta(days=day):%Y%m%dT%H%M%S}"
        packed = zip_of(make_safe(tile=tile, sensed=sensed, epsg=32600 + int(tile[:2]), folder=f"outside-{tile}-{day}"))
        content = packed.read_bytes()
        target = folder / packed.name
        target.write_bytes(content[: int(share * len(content))])
        return target, content

    return scene


def seen(folder, root, *tiles):
    source = SourceSettings(kind="safe", scenes=str(folder))
    with chain.without_server():
        return look(tiles, source=source, root=str(root), settings=SETTINGS)


def test_a_tile_is_taken_once_its_files_are_whole_and_the_same_at_two_looks(tmp_path, folder, land):
    land("10UFB", 0)
    cut, whole = land("09UYT", 0, share=0.5)
    first = seen(folder, tmp_path / "products")
    assert set(first) == {"10UFB", "09UYT"}
    assert settled(first, seen(folder, tmp_path / "products")).keys() == {"10UFB"}
    cut.write_bytes(whole)
    second = seen(folder, tmp_path / "products")
    assert settled(first, second).keys() == {"10UFB"}  # whole, but it has just changed
    assert settled(second, seen(folder, tmp_path / "products")).keys() == {"10UFB", "09UYT"}


def test_a_scene_that_lands_beside_others_makes_another_state_and_nothing_else_does(tmp_path, folder, land):
    land("10UFB", 0)
    first = seen(folder, tmp_path)
    land("09UYT", 1)
    assert settled(first, seen(folder, tmp_path)) == {"10UFB": first["10UFB"].state}
    land("10UFB", 5)
    second = seen(folder, tmp_path)
    assert settled(first, second) == {}
    assert second["10UFB"].state != first["10UFB"].state
    assert seen(folder, tmp_path, "09UYT").keys() == {"09UYT"}


def test_what_never_becomes_whole_holds_its_tile_up_for_an_hour_and_no_longer(tmp_path, folder, land, monkeypatch):
    land("10UFB", 0)
    land("10UFB", 5, share=0.5)
    first = seen(folder, tmp_path)
    assert settled(first, seen(folder, tmp_path)) == {}
    assert "cannot be opened as a product" in first["10UFB"].unfinished[0]
    monkeypatch.setattr(landing, "STUCK", timedelta(0))
    assert settled(first, seen(folder, tmp_path)).keys() == {"10UFB"}


def test_what_the_catalog_holds_has_not_landed_nor_has_what_was_sensed_long_ago(tmp_path, folder, land, monkeypatch):
    monkeypatch.setattr(ingest, "COARSE", timedelta(0))  # what landed within a second of being read is read again
    land("10UFB", 0)
    land("09UYT", -40)
    assert seen(folder, tmp_path / "products").keys() == {"10UFB"}
    with chain.without_server():
        source = SourceSettings(kind="safe", scenes=str(folder))
        update("10UFB", source=source, root=str(tmp_path / "products"), settings=SETTINGS)
    assert seen(folder, tmp_path / "products") == {}


@pytest.mark.flow
def test_without_a_server_the_program_does_what_landed(tmp_path, folder, land, prefect_server):
    settings = tmp_path / "settings.json"
    settings.write_text(SETTINGS.model_dump_json())
    call = ["landing", "--scenes", str(folder), "--root", str(tmp_path / "products"), "--settle", "0"]
    land("10UFB", 0)
    land("09UYT", 0, share=0.5)
    with mock.patch.dict(os.environ):
        assert "brought up to date: 10UFB" in CliRunner().invoke(app, [*call, "--settings", str(settings)]).output
    assert [path.name for path in tmp_path.glob("products/reduced/*") if path.is_dir()] == ["10UFB"]


@pytest.mark.flow
def test_a_burst_starts_one_run_a_tile_and_two_watchers_start_nothing_twice(server, folder, land):
    shutil.rmtree(server.products, ignore_errors=True)
    settings = SETTINGS.model_dump(mode="json")
    asked = {"source": {"kind": "safe", "scenes": str(folder)}, "settings": settings, "settle": 1}
    known = {run["id"] for run in server.runs("tile")}

    def started():
        return [run["parameters"]["tile"] for run in server.runs("tile") if run["id"] not in known]

    for day in range(4):
        land("10UFB", day)
    cut, whole = land("09UYT", 0, share=0.5)
    with worker(server, "hpc"):
        for _ in range(2):
            assert server.end(server.trigger("landing", **asked)) == "COMPLETED"
            assert started() == ["10UFB"]
        cut.write_bytes(whole)
        assert server.end(server.trigger("landing", **asked)) == "COMPLETED"
        assert sorted(started()) == ["09UYT", "10UFB"]
        for run in server.runs("tile"):
            assert run["id"] in known or server.end(run["id"]) == "COMPLETED"
        assert len(list(server.products.glob("mrap/10UFB/*/*.json"))) == 4
        assert server.end(server.trigger("landing", **asked)) == "COMPLETED"
        assert len(started()) == 2


@pytest.mark.flow
def test_who_asks_at_the_same_time_for_the_same_is_given_the_same_run(server):
    address = {PREFECT_API_URL: server.environment["PREFECT_API_URL"], PREFECT_API_AUTH_STRING: f"tests:{SECRET}"}

    def ask(key):
        with temporary_settings(address):
            return start(update, {"tile": "31UDS", "settings": SETTINGS}, key=key).id

    known = {run["id"] for run in server.runs("tile")}
    with ThreadPoolExecutor(8) as watchers:
        found = list(watchers.map(ask, ["31UDS:a"] * 8))
    assert len({*found}) == 1
    assert ask("31UDS:b") not in found
    runs = [run for run in server.runs("tile") if run["id"] not in known and run["parameters"]["tile"] == "31UDS"]
    assert len(runs) == 2
    for run in runs:
        server.cancel(run["id"])


@pytest.mark.flow
def test_a_hundred_events_of_one_tile_start_one_run_after_the_last_of_them(server):
    known = {run["id"] for run in server.runs("tile")}
    began = datetime.now(UTC)
    events = [
        {
            "event": "s2lookback.scene.landed",
            "resource": {"prefect.resource.id": f"s2lookback.tile.{tile}", "s2lookback.tile": tile},
            "occurred": (began + timedelta(milliseconds=number)).isoformat(),
            "id": f"00000000-0000-0000-0000-{began:%m%d%H%M%S}{number:02}",
            "payload": {},
        }
        for number, tile in enumerate(["10UFB"] * 80 + ["09UYT"] * 19 + ["nonsense"])
    ]
    with server.client() as client:
        assert client.post("/events", json=events).status_code == 204
    runs = server.started("tile", known, 2)
    for run in runs:
        server.cancel(run["id"])
    assert sorted(run["parameters"]["tile"] for run in runs) == ["09UYT", "10UFB"]
    for run in runs:  # what landed meanwhile is there when the run begins
        assert datetime.fromisoformat(run["expected_start_time"]) >= began + timedelta(seconds=60)
