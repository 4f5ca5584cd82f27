"""A backfill: told what it costs, made where something is missing, killed anywhere and begun anew to the same bytes."""

import json
import os
import re
import shutil
import time
from dataclasses import replace
from unittest import mock

import pytest
from typer.testing import CliRunner

from catalog.store import Store
from flows.backfill import backfill
from flows.cli import app
from flows.dispatch import POLL
from s2lookback.simulate import sensing_times
from s2lookback.sources.settings import SourceSettings
from tasks.estimate import Cost, Estimate, Work, costs, estimate
from tests.faults import chain
from tests.flows.server import strike, wait_for, worker

TILE = chain.TILES[0]
COSTS = {stage: Cost(seconds, size) for stage, seconds, size in (
    ("scene", 10, 1e9), ("mask", 20, 1e7), ("mrap", 5, 2e9), ("reduced", 15, 5e8), ("model", 100, 1e6)
)}  # fmt: skip


def looked_at(root, start=None, end=None, source=None):
    asked = chain.source(TILE) if source is None else source
    with chain.without_server():
        return estimate([TILE], source=asked, root=str(root), settings=chain.SETTINGS.ingest, start=start, end=end)


def test_an_estimate_adds_up_what_each_product_costs_and_a_tile_is_never_faster_than_its_own_dates():
    work = Work(scenes=2, size=3 * 10**9, dates=6, models=1)
    assert work.seconds(COSTS) == 2 * 10 + 6 * (20 + 5 + 15) + 100
    assert work.read(COSTS) == 3e9 + 6 * (3 * 1e9 + 2 * 1e7 + 3 * 2e9)
    assert work.written(COSTS) == 2 * 1e9 + 6 * (1e7 + 2e9 + 5e8) + 1e6
    small = replace(work, dates=0, models=0)
    assert Estimate([work, small], COSTS).hours(1) == pytest.approx((360 + 20) / 3600)
    assert Estimate([work, small], COSTS).hours(10) == pytest.approx(360 / 3600)
    assert Estimate([], COSTS).hours(1) == 0
    assert Estimate([work, small], COSTS).sentence(2) == (
        "2 tiles: 4 scenes to ingest, 22 products to make; reads 60.1 GB, writes up to 19.1 GB; "
        "about 0.1 hours with 2 tiles at once"
    )
    assert "unknown, for this catalog has no record yet of the stages mask, mrap" in Estimate([work], {}).sentence(1)


@pytest.mark.flow
def test_an_estimate_counts_what_is_missing_what_a_late_scene_changes_and_nothing_that_is_there(
    tmp_path, prefect_server
):
    first, second, *_ = times = sensing_times(chain.source(TILE).scenario)
    assert looked_at(tmp_path).works == [Work(scenes=4, size=0, dates=4, models=len({d.month for d in times}))]
    asked = {"source": chain.source(TILE), "root": str(tmp_path), "settings": chain.SETTINGS}
    assert backfill([TILE], second, estimate_only=True, **asked) == []
    assert not any(tmp_path.glob("*/*/*/*.json"))
    (report,) = backfill([TILE], second, **asked)
    assert report.made["reduced"] == 3
    assert looked_at(tmp_path, second).works == [Work(0, 0, 0, 0)]
    (late,) = looked_at(tmp_path, first, first).works
    assert (late.scenes, late.dates) == (1, 4)  # every composite after it is to be made again
    found = costs(str(tmp_path), [TILE])
    assert found.keys() == {"scene", "mask", "mrap", "reduced", "model"}
    sizes = [
        sum(asset["file:size"] for asset in json.loads(path.read_text())["assets"].values())
        for path in sorted(tmp_path.glob("masks/*/*/*.json"))
    ]
    assert min(sizes) <= found["mask"].size <= max(sizes)
    # One that was killed before its last product leaves a date to do.
    reduced = next(iter(sorted(tmp_path.glob("reduced/*/*/*.json"))))
    reduced.unlink()
    assert looked_at(tmp_path, second).works[0].dates == 1


def test_an_estimate_weighs_the_files_of_the_scenes_that_are_missing(tmp_path):
    folder = tmp_path / "scenes"
    whole = folder / "S2A_MSIL2A_20250720T191921_N0511_R099_T10UFB_20250720T230000.SAFE"
    (whole / "GRANULE").mkdir(parents=True)
    (whole / "GRANULE" / "B04.jp2").write_bytes(b"1234567")
    (folder / "S2A_MSIL2A_20250725T191921_N0511_R099_T10UFB_20250725T230000.SAFE.zip").write_bytes(b"12345")
    source = SourceSettings(kind="safe", scenes=str(folder))
    assert looked_at(tmp_path / "products", source=source).works == [Work(scenes=2, size=12, dates=2, models=1)]


@pytest.mark.flow
def test_the_program_tells_what_a_backfill_costs_and_wants_a_folder_of_scenes(tmp_path, prefect_server):
    run, place = CliRunner(), ["--root", str(tmp_path / "products")]
    folder = tmp_path / "scenes"
    folder.mkdir()
    (folder / "S2A_MSIL2A_20250720T191921_N0511_R099_T10UFB_20250720T230000.SAFE.zip").write_bytes(b"12345")
    with mock.patch.dict(os.environ):
        refused = run.invoke(app, ["backfill", *place])
        assert refused.exit_code == 2
        assert "--anew" in refused.output
        told = run.invoke(app, ["backfill", "--estimate", "--scenes", str(folder), *place])
        assert "1 tile: 1 scene to ingest, 4 products to make" in told.output
        assert "nothing to do" in run.invoke(app, ["backfill", "10UFB", "--anew", *place]).output


@pytest.mark.flow
def test_a_backfill_that_is_killed_and_begun_anew_tells_less_to_do_and_ends_with_the_same_bytes(
    server, asked, undisturbed
):
    shutil.rmtree(server.products, ignore_errors=True)

    def told(run):
        wanted = {"artifacts": {"flow_run_id": {"any_": [run]}, "key": {"any_": ["backfill-estimate"]}}}
        (page,) = server.ask("/artifacts/filter", wanted)
        return page["data"]

    with worker(server, "hpc", S2LOOKBACK_PATIENCE="0") as hpc:
        first = server.trigger("backfill", tiles=[TILE], **asked)
        wait_for(lambda: list(server.products.glob("reduced/*/*/*.json")), "a first reduced scene")
        strike(hpc)
    assert told(first).startswith("1 tile: 7 scenes to ingest, 28 products to make")
    records = {path: path.read_bytes() for path in server.products.glob("executions/*/*/*.json")}
    with worker(server, "hpc", S2LOOKBACK_PATIENCE="0"):
        second = server.trigger("backfill", tiles=[TILE], **asked)
        assert server.end(second) == "COMPLETED", (server.home / "worker-hpc.log").read_text()[-3000:]
    assert told(second).startswith("1 tile: 0 scenes to ingest")
    left = re.search(r"(\d+) products to make", told(second))
    assert left
    assert 0 < int(left[1]) < 21  # of seven dates, one at least was done
    Store(str(server.products)).gc(older_than=-1)
    assert chain.tree(server.products) == undisturbed
    assert records == {path: path.read_bytes() for path in records}  # what was done was not done again


@pytest.mark.flow
def test_a_backfill_starts_no_tile_while_another_run_waits_for_its_turn(server, asked):
    server.end_all()  # what was killed is said to be at work, and a backfill gives way to it
    waiting = server.trigger("tile", tile="31UDS", **asked)
    known = {run["id"] for run in server.runs("tile")}

    def started():
        return [run for run in server.runs("tile") if run["id"] not in known]

    with worker(server, "hpc", queue="default"):  # which serves what leads, and no tile
        run = server.trigger("backfill", tiles=[TILE], **asked)
        wanted = {"artifacts": {"flow_run_id": {"any_": [run]}, "key": {"any_": ["backfill-estimate"]}}}
        wait_for(lambda: server.ask("/artifacts/filter", wanted), "an estimate")
        time.sleep(3 * POLL)
        assert started() == []
        server.cancel(waiting)
        (child,) = wait_for(started, "its tile")
        assert child["parameters"]["tile"] == TILE
        server.cancel(run)
        assert server.end(run) == "CANCELLED"
        assert server.end(child["id"]) == "CANCELLED"
