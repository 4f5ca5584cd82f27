"""What killed processes and retracted items leave behind, and how it is removed."""

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from catalog.disk import load, locked, told
from catalog.layout import TILE, VERSION
from s2lookback.errors import CatalogError


def collect(root: Path, older_than: float) -> list[str]:
    """Remove what no item names and is older than ``older_than`` seconds; return the hrefs of what was removed.

    The folder of an item whose JSON is damaged is left as it is: nobody can tell what it names.
    """
    before = time.time() - older_than
    removed = [str(part) for depth in ("", "*/", "*/*/") for part in _stale(root, f"{depth}.*.part", before)]
    for home in sorted(path for path in root.glob("*/*/*") if path.is_dir() and TILE.fullmatch(path.parent.name)):
        with told(home), locked(home):
            removed += _collect_item(home, before)
    return removed


def remove_versions(home: Path) -> None:
    """Remove every version of an item, and its folder where no other process is at work in it."""
    for path in home.iterdir():
        if VERSION.fullmatch(path.name):
            shutil.rmtree(path)
    with suppress(OSError):  # another process has a stage there
        home.rmdir()


def _collect_item(home: Path, before: float) -> list[str]:
    try:
        item = load(home / f"{home.name}.json")
        standing = None if item is None else item["properties"]["version"]
    except (CatalogError, KeyError, TypeError):
        return []
    orphans = [
        path
        for path in _old(home, before)
        if path.name != standing and VERSION.fullmatch(path.name) and not (path / f"{home.name}.json").exists()
    ]
    removed = [path for what in (".*.part", "*/.*.part", ".stage-*") for path in _stale(home, what, before)]
    for path in orphans:
        shutil.rmtree(path)
    if item is None and home.stat().st_mtime < before:
        with suppress(OSError):  # not empty
            home.rmdir()
    return [str(path) for path in [*removed, *orphans]]


def _old(folder: Path, before: float) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.lstat().st_mtime < before)


def _stale(folder: Path, pattern: str, before: float) -> Iterator[Path]:
    for path in sorted(folder.glob(pattern)):
        if path.lstat().st_mtime < before:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
            yield path
