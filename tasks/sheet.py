"""A contact sheet of a tile: what came in and what was made of it, date by date."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from catalog.items.builders import COLLECTIONS, item_id
from catalog.items.facts import bands_of, grid_of
from catalog.store import Store
from s2lookback.errors import SceneError
from s2lookback.files import whole_file
from s2lookback.mrap.fold import NEVER
from s2lookback.pictures import SheetRow, contact_sheet, rgb
from s2lookback.raster import read_band
from tasks.history import Step, steps_before
from tasks.products import read_composite, read_pixels

MAX_ROWS = 14
"""Dates on one sheet."""


def draw_sheet(root: str, tile: str, path: Path) -> None:
    """Draw the dates of a tile that have all products; of many dates, evenly chosen ones and always the newest.

    Raises:
        SceneError: If no date has.
    """
    steps = steps_before(root, tile, datetime.max.replace(tzinfo=UTC))
    if not steps:
        raise SceneError(f"{tile}: no date of it has a composite in {root}")
    chosen = np.unique(np.linspace(len(steps) - 1, 0, min(MAX_ROWS, len(steps))).round().astype(int))
    sheet = contact_sheet([_row(Store(root), steps[index]) for index in chosen])
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as part:
        part.write_bytes(sheet)


def _row(store: Store, step: Step) -> SheetRow:
    scene, mask, composite = (store.read(href) for href in (step.scene.href, step.mask, step.composite))
    bands = bands_of(scene)
    pixels = read_pixels(store, scene, bands)
    newest = read_composite(store, composite, bands, grid_of(scene))
    age = newest.age(int(step.scene.sensed.timestamp())).astype(np.float32)
    thinned = store.sound(
        COLLECTIONS["reduced"], step.scene.tile, item_id("reduced", step.scene.tile, step.scene.sensed)
    )
    return SheetRow(
        title=str(step.scene),
        raw=rgb(pixels, bands),
        classes=read_band(store.asset(mask, "class")),
        mrap=rgb(newest.pixels.astype(np.int16, copy=False), bands),
        age=np.where(age == NEVER, np.float32(np.nan), age),
        reduced=rgb(read_pixels(store, thinned, bands) if thinned else pixels, bands),
    )
