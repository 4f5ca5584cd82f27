"""Tiles by sensed dates: what became of each scene, as the catalog and the ledger tell."""

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalog.store import Store
from flows.cli import app
from tasks.ledger import Entry, note
from tasks.matrix import SYMBOLS, WIDEST, Fate, Matrix, in_markdown, matrix, text
from tests.faults import chain

TILE = "10UFB"
DAYS = [date(2025, 7, 20) + timedelta(days=6 * number) for number in range(4)]
SOON = datetime.now(UTC) + timedelta(hours=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("matrix")
    assert chain.run(root).made["reduced"] == 4
    return root


@pytest.fixture
def copied(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / "catalog"))


def scene(day, suffix=".zip"):
    return f"S2A_MSIL2A_{day:%Y%m%d}T191921_N0511_R099_T10UFB_20250902T000000{suffix}"


def ledger(root, outcome, name, when=SOON, tile=TILE):
    stamp = when.isoformat(timespec="seconds")
    note(str(root), [Entry(stamp, outcome, tile, name, "SceneError", "no bands", "tile", "")])


def came(root, day, *, at, run):
    """Let a scene have come at some time by some run."""
    name = f"scene-{TILE}-{day:%Y%m%d}T191921"
    (record,) = (root / "executions" / "scenes" / name).glob("*.json")
    record.write_text(json.dumps({"created": at, "seconds": 1, "host": "h", "prefect": {"flow_run": run}}))


def test_a_scene_of_which_everything_was_made_is_done(made):
    found = matrix(str(made))
    assert found.days == DAYS
    assert found.tiles == {TILE: dict.fromkeys(DAYS, Fate.DONE)}
    assert found.failing == {}


def test_a_scene_whose_products_are_not_all_there_failed(copied):
    store = Store(str(copied))
    store.retract("reduced", TILE, store.ids("reduced", TILE)[1])
    assert matrix(str(copied)).tiles[TILE][DAYS[1]] is Fate.FAILED


def test_a_scene_of_the_ledger_was_skipped_and_one_that_was_mended_since_is_done(copied):
    ledger(copied, "skipped", scene(date(2025, 7, 23)))
    ledger(copied, "skipped", f"scene of {DAYS[2]}")
    ledger(copied, "skipped", scene(DAYS[1]), when=SOON - timedelta(days=2))
    ledger(copied, "skipped", "unknown.zip")
    ledger(copied, "skipped", scene(date(2025, 8, 12)))
    ledger(copied, "skipped", scene(date(2025, 7, 23)), tile="09UYT")
    found = matrix(str(copied))
    assert found.days == sorted([*DAYS, date(2025, 7, 23), date(2025, 8, 12)])
    assert found.tiles[TILE] == dict.fromkeys(DAYS, Fate.DONE) | {
        date(2025, 8, 12): Fate.SKIPPED,
        date(2025, 7, 23): Fate.SKIPPED,
        DAYS[2]: Fate.SKIPPED,
    }
    assert found.tiles["09UYT"] == {date(2025, 7, 23): Fate.SKIPPED}


def test_a_scene_is_late_if_a_later_run_brought_it_after_a_newer_one(copied):
    for day, at, run in zip(DAYS, ("05", "03", "02", "06"), ("b", "a", "a", "c"), strict=True):
        came(copied, day, at=f"2025-09-{at}T03:00:00Z", run=run)
    fates = matrix(str(copied)).tiles[TILE]
    assert [fates[day] for day in DAYS] == [Fate.LATE, Fate.DONE, Fate.DONE, Fate.DONE]


def test_only_the_dates_that_are_asked_for_are_shown(made):
    since = datetime(2025, 7, 25, tzinfo=UTC)
    assert matrix(str(made), since=since, until=since + timedelta(days=8)).days == DAYS[1:3]


def test_a_tile_that_failed_as_a_whole_is_named_with_its_reason_until_it_is_old(copied):
    ledger(copied, "failed", "", tile="09UYT")
    ledger(copied, "failed", "", tile="09UYS", when=SOON - timedelta(days=3))
    found = matrix(str(copied))
    assert [*found.tiles] == ["09UYT", TILE]
    assert found.failing["09UYT"].endswith("SceneError: no bands")


def test_an_empty_catalog_has_an_empty_matrix(tmp_path):
    found = matrix(str(tmp_path))
    assert (found.days, found.tiles) == ([], {})
    assert "No scene came yet." in in_markdown(found)


def test_every_symbol_stands_below_its_date():
    rows = {"10UFB": {DAYS[0]: Fate.DONE, DAYS[3]: Fate.FAILED}, "9X": {DAYS[2]: Fate.SKIPPED, DAYS[1]: Fate.LATE}}
    lines = text(Matrix(DAYS, rows, {})).splitlines()
    for tile, line in zip(rows, lines[4:], strict=True):
        for day in DAYS:
            column = next(
                c for c in range(7, len(lines[0]), 2) if "".join(row[c] for row in lines[:4]) == f"{day:%m%d}"
            )
            fate = rows[tile].get(day)
            assert line[column] == (SYMBOLS[fate] if fate else "·")


def test_the_matrix_of_a_province_fits_a_page():
    days = [date(2025, 8, 1) + timedelta(days=number) for number in range(WIDEST)]
    tiles = {
        f"{zone:02d}U{letter}B": dict.fromkeys(days, Fate.LATE)
        for zone in range(10, 20)
        for letter in "ABCDEFGHJKLMNPQR"
    }
    assert len(in_markdown(Matrix(days, tiles, {}))) < 50_000


def test_the_program_prints_it_for_people_and_for_machines(made):
    told = CliRunner().invoke(app, ["matrix", "--root", f"{made}"])
    assert told.exit_code == 0
    assert "10UFB  ● ● ● ●" in told.output
    assert "could not be used" in told.output
    answer = CliRunner().invoke(app, ["matrix", "--root", f"{made}", "--json", "--since", "2025-08-01"])
    assert json.loads(answer.output) == {
        "days": ["2025-08-01", "2025-08-07"],
        "tiles": {TILE: {"2025-08-01": "done", "2025-08-07": "done"}},
        "failing": {},
    }
