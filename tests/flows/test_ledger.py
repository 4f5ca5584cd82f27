"""The ledger of what went wrong: whole lines whoever writes, bounded, and a way to try again."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.nightly import nightly
from flows.rerun import rerun
from s2lookback.errors import CatalogError, SceneError
from s2lookback.settings import MaskSettings, Settings
from s2lookback.sources.simulated import SimulatedSource
from tasks import ledger
from tasks.account import account, accounted
from tasks.ledger import Entry, entries, note
from tests.faults import chain
from tests.flows.server import ROOT

ENTRY = Entry(
    when="2025-09-02T10:00:00+00:00",
    outcome="skipped",
    tile="10UFB",
    scene="S2A.zip",
    error="SceneError",
    message="holds no pixel",
    flow="tile",
    run="",
)
SEEN = replace(ENTRY, first=ENTRY.when)


def test_entries_are_read_as_they_were_noted_and_found_by_time_class_and_tile(tmp_path):
    root = str(tmp_path)
    failed = replace(
        ENTRY, when="2025-09-03T10:00:00+00:00", outcome="failed", tile="09UYT", error="KeyError", scene=""
    )
    note(root, [ENTRY])
    note(root, [])
    note(root, [failed])
    failed = replace(failed, first=failed.when)
    assert entries(root) == [SEEN, failed]
    assert entries(root, since=datetime(2025, 9, 3, tzinfo=UTC)) == [failed]
    assert entries(root, errors=["SceneError"]) == [SEEN]
    assert entries(root, tile="09UYT") == [failed]
    assert entries(str(tmp_path / "elsewhere")) == []


def test_what_stays_bad_keeps_one_line_that_counts_its_nights(tmp_path):
    root = str(tmp_path)
    nights = [f"2025-09-{day:02}T10:00:00+00:00" for day in (2, 3, 3, 5)]
    other = replace(ENTRY, scene="S2B.zip")
    for when in nights:
        note(root, [replace(ENTRY, when=when, run=when), *([other] if when == nights[0] else [])])
    assert entries(root) == [
        replace(other, first=nights[0]),
        replace(ENTRY, when=nights[-1], run=nights[-1], first=nights[0], nights=3),
    ]
    note(root, [replace(ENTRY, when=nights[-1], message="holds 3 bands")])  # another reason is another entry
    assert [(one.message, one.nights) for one in entries(root)[1:]] == [("holds no pixel", 3), ("holds 3 bands", 1)]


def test_a_ledger_of_before_nights_were_counted_is_read_and_counted_on(tmp_path):
    file = tmp_path / ledger.FILE
    file.parent.mkdir()
    old = {name: value for name, value in asdict(ENTRY).items() if name not in {"first", "nights"}}
    file.write_text(json.dumps(old) + "\n")
    note(str(tmp_path), [replace(ENTRY, when="2025-09-04T10:00:00+00:00")])
    (entry,) = entries(str(tmp_path))
    assert (entry.first, entry.nights) == (ENTRY.when, 2)


@pytest.mark.parametrize(
    "line", [b"[1]\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n", b'{"when": 1}\n', b"x" * 500_000, b'{"when": "2025']
)
def test_a_line_of_nonsense_is_passed_over(tmp_path, line):
    note(str(tmp_path), [ENTRY])
    with (tmp_path / ledger.FILE).open("ab") as file:
        file.write(line)
    assert entries(str(tmp_path)) == [SEEN]
    later = replace(ENTRY, scene="\udcff.zip")  # a name that is no text
    note(str(tmp_path), [later])
    assert entries(str(tmp_path)) == [SEEN, replace(later, first=later.when)]


def test_a_ledger_is_bounded_and_so_is_each_entry(tmp_path, monkeypatch):
    monkeypatch.setattr(ledger, "LARGEST", 20_000)
    for number in range(100):
        note(str(tmp_path), [replace(ENTRY, scene=str(number), message="ä" * 10_000)])
    (file,) = (tmp_path / "executions").iterdir()
    assert file.stat().st_size <= 20_000
    found = entries(str(tmp_path))
    assert len(found) > 1
    assert {len(one.message) for one in found} == {ledger.LONGEST}
    assert [int(one.scene) for one in found] == list(range(100 - len(found), 100))


def test_four_writers_at_once_lose_no_entry(tmp_path):
    code = (
        "import sys; from tasks.ledger import Entry, note\n"
        "for n in range(50): note(sys.argv[1], [Entry(*[f'{sys.argv[2]}-{n}'] * 8)])"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, tmp_path, str(one)], cwd=ROOT) for one in range(4)]
    assert [one.wait(120) for one in writers] == [0] * 4
    assert {one.scene for one in entries(str(tmp_path))} == {f"{one}-{n}" for one in range(4) for n in range(50)}


def test_a_tile_notes_the_scene_that_it_leaves_out_once_and_goes_on(tmp_path, monkeypatch):
    opened = SimulatedSource.open_scene

    def refuse_one(self, ref):
        if ref.sensed == first.sensed:
            raise SceneError("its bands are torn")
        return opened(self, ref)

    tile = chain.TILES[0]
    first = SimulatedSource(chain.source(tile).scenario, settings=chain.SETTINGS.ingest).list_scenes(tile).scenes[0]
    monkeypatch.setattr(SimulatedSource, "open_scene", refuse_one)
    report = chain.run(tmp_path)
    assert report.made["mrap"] == 3
    (entry,) = entries(str(tmp_path))
    assert (entry.outcome, entry.error, entry.message) == ("skipped", "SceneError", "its bands are torn")
    monkeypatch.undo()
    assert chain.run(tmp_path).made["scene"] == 1
    assert len(entries(str(tmp_path))) == 1


def test_a_bug_is_noted_with_its_class_and_raised(tmp_path):
    with pytest.raises(ZeroDivisionError), chain.without_server(), accounted(str(tmp_path), "10UFB"):
        raise ZeroDivisionError("division by zero")
    (entry,) = entries(str(tmp_path))
    assert (entry.outcome, entry.error, entry.tile, entry.scene) == ("failed", "ZeroDivisionError", "10UFB", "")


def test_an_account_that_is_damaged_or_asks_for_another_folder_is_refused(tmp_path):
    run = "00000000-0000-0000-0000-000000000007"
    assert account(str(tmp_path), run) is None
    path = tmp_path / "executions" / "runs" / f"{run}.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"tile": 7}')
    with pytest.raises(CatalogError, match="no account of a run"):
        account(str(tmp_path), run)
    with pytest.raises(ValueError, match="badly formed"):
        account(str(tmp_path), "../../passwd")


@pytest.mark.flow
def test_a_night_with_a_bug_does_every_other_tile_and_then_fails_loudly(tmp_path, prefect_server, source, monkeypatch):
    quick = Settings(mask=MaskSettings(method="rules"))

    def broken(self, ref):
        raise KeyError("B12")

    monkeypatch.setattr(SimulatedSource, "open_scene", broken)
    end = chain.source("10UFB").scenario.start
    with pytest.raises(RuntimeError, match=r"1 of 2 tiles failed by a bug: 10UFB: failed: 'B12'"):
        nightly(source=source, root=str(tmp_path), settings=quick, tiles=["10UFB", "31UDS"], end=end)
    assert {(one.tile, one.error) for one in entries(str(tmp_path))} == {("10UFB", "KeyError")}
    monkeypatch.undo()

    # The day after, what failed is tried again, and nothing else.
    since = datetime.now(UTC) - timedelta(days=1)
    asked = {"source": source, "root": str(tmp_path), "settings": quick}
    assert rerun(since=since, errors=["SceneError"], **asked) == []
    (report,) = rerun(since=since, errors=["KeyError"], **asked)
    assert report.tile == "10UFB"
    assert report.made["mrap"] >= 1


@pytest.mark.flow
def test_the_program_lists_the_ledger_and_tries_again(tmp_path, prefect_server):
    run = CliRunner()
    with mock.patch.dict(os.environ):
        note(str(tmp_path), [ENTRY, replace(ENTRY, error="KeyError", message="a bug")])
        listed = run.invoke(app, ["ledger", "--root", str(tmp_path), "--error", "SceneError", "--json"])
        assert [one["message"] for one in json.loads(listed.output)] == ["holds no pixel"]
        assert "a bug" in run.invoke(app, ["ledger", "--root", str(tmp_path), "--since", "2025-09-02"]).output
        assert "nothing failed" in run.invoke(app, ["ledger", "--root", str(tmp_path), "--since", "2 days"]).output
        scenes = ["--scenes", str(tmp_path), "--root", str(tmp_path)]
        assert "names no tile" in run.invoke(app, ["rerun", "--failed", "--since", "2 days", *scenes]).output
        assert run.invoke(app, ["rerun", "--error", "KeyError", *scenes]).exit_code == 2
        tried = run.invoke(app, ["rerun", "--failed", "--since", "2025-09-01", *scenes])
        assert tried.exit_code == 1  # the tile fails again, for the folder holds no scene
        assert "10UFB: failed" in tried.output
