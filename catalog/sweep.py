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
    removed = [str(part) for depth in range(5) for part in _stale(root, depth * "*/" + ".*.part", before)]
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
    removed = list(_stale(home, ".stage-*", before))
    for path in sorted(home.iterdir()):
        named = path.name == standing or (path / f"{home.name}.json").exists()
        if VERSION.fullmatch(path.name) and not named and _older(path, before):
            shutil.rmtree(path)
            removed.append(path)
    if item is None and _older(home, before):
        with suppress(OSError):  # not empty
            home.rmdir()
    return [str(path) for path in removed]


def _stale(folder: Path, pattern: str, before: float) -> Iterator[Path]:
    for path in sorted(folder.glob(pattern)):
        if _older(path, before):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
            yield path


def _older(path: Path, before: float) -> bool:
    try:
        return path.lstat().st_mtime < before
    except FileNotFoundError:  # a publisher at work has just given it its name
        return False
