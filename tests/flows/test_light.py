"""Light that is matched on demand: beside the composite, not in it, and applied by the export."""

import json
import os
from datetime import UTC, datetime
from unittest import mock

import numpy as np
import pytest
from typer.testing import CliRunner

from catalog.items.facts import bands_of
from catalog.store import Store
from flows.cli import app
from flows.tile import tile as update
from s2lookback.envi import read_header, read_pixels
from s2lookback.mrap import light_table, match
from s2lookback.settings import MaskSettings, MrapSettings, Settings
from s2lookback.simulate import sensing_times
from tasks.history import steps_before

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("prefect_server")]
TILE = "10UFB"
EVER = datetime(2100, 1, 1, tzinfo=UTC)


def made(root, source, scenario, **settings):
    """Run the first dates of the tile; give the newest composite."""
    asked = Settings(mrap=MrapSettings(**settings), mask=MaskSettings(method="rules"))
    update(TILE, source=source, root=str(root), settings=asked, end=sensing_times(scenario)[5])
    return Store(str(root)), [step.composite for step in steps_before(str(root), TILE, EVER)]


def export(root, item, folder, *options):
    arguments = ["export", item["id"], "--root", str(root), "--out", str(folder), "--bands", "B12,B8A", *options]
    with mock.patch.dict(os.environ):  # which the program sets up for itself
        return CliRunner().invoke(app, arguments)


def test_lines_are_published_and_the_export_applies_them(tmp_path, source, scenario, monkeypatch):
    monkeypatch.setattr(light_table, "OVERLAP", 100)
    monkeypatch.setattr(match, "MIN_STABLE", 50)
    store, composites = made(tmp_path / "on", source, scenario, adjust_lighting=True)
    plain, others = made(tmp_path / "off", source, scenario)
    for href, other in zip(composites, others, strict=True):
        observed, expected = store.read(href), plain.read(other)
        for key in (*bands_of(observed), "source", "sensed", "count", "doubt"):
            assert observed["assets"][key]["file:checksum"] == expected["assets"][key]["file:checksum"]
    newest = store.read(composites[-1])
    rows = json.loads(store.asset(newest, "sources").read_text())
    lines = {row["source"]: row["light"] for row in rows if "light" in row}
    told = newest["properties"]["s2lookback:light"]
    assert told["matched"] == sum(bool(one["lines"]) for one in lines.values()) > 0
    assert sum(told.values()) == len(lines)
    for folder, options in (("plain", ()), ("relit", ("--relight",))):
        assert export(tmp_path / "on", newest, tmp_path / folder, *options).exit_code == 0
    (before, after), flags = (
        [read_pixels(read_header(tmp_path / folder / f"{newest['id']}.bin")) for folder in ("plain", "relit")],
        read_pixels(read_header(tmp_path / "relit" / f"{newest['id']}_estimated.bin"))[0],
    )
    assert (before[:, flags == 1] != after[:, flags == 1]).any()
    np.testing.assert_array_equal(before[:, flags == 0], after[:, flags == 0])


def test_where_no_light_was_matched_there_is_none_to_apply(tmp_path, source, scenario):
    store, composites = made(tmp_path / "off", source, scenario)
    answer = export(tmp_path / "off", store.read(composites[-1]), tmp_path / "relit", "--relight")
    assert answer.exit_code == 1
    assert "no light was matched" in " ".join(answer.output.split())
