"""What killed processes and retracted items leave behind, and how it is removed."""

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from catalog.layout import TILE, VERSION
from catalog.place.disk import load, locked, told
from s2lookback.errors import CatalogError
from s2lookback.files import matching


def collect(root: Path, older_than: float) -> list[str]:
    """Remove what no item names and is older than ``older_than`` seconds; return the hrefs of what was removed.

    The folder of an item whose JSON is damaged is left as it is: nobody can tell what it names.
    """
    before = time.time() - older_than
    removed = [_removed(part) for part in _parts(root, before)]
    for home in _homes(root):
        with told(home), suppress(FileNotFoundError), locked(home):  # another process has just removed it
            removed += [_removed(path) for path in _unnamed(home, before)]
            if not (home / f"{home.name}.json").exists() and _older(home, before):
                with suppress(OSError):  # not empty
                    home.rmdir()
    return removed


def orphans(root: Path, older_than: float) -> Iterator[Path]:
    """List what ``collect`` would remove."""
    before = time.time() - older_than
    yield from _parts(root, before)
    for home in _homes(root):
        yield from _unnamed(home, before)


def remove_versions(home: Path) -> None:
    """Remove every version of an item, and its folder where no other process is at work in it."""
    for path in home.iterdir():
        if VERSION.fullmatch(path.name):
            shutil.rmtree(path)
    with suppress(OSError):  # another process has a stage there
        home.rmdir()


def _homes(root: Path) -> list[Path]:
    return [path for path in matching(root, "*/*/*") if path.is_dir() and TILE.fullmatch(path.parent.name)]


def _parts(root: Path, before: float) -> list[Path]:
    """List files that were never finished."""
    found = [part for depth in range(5) for part in matching(root, depth * "*/" + ".*.part")]
    return [part for part in found if _older(part, before)]


def _unnamed(home: Path, before: float) -> list[Path]:
    """List stages, and the versions of an item that neither stand nor are archived."""
    try:
        item = load(home / f"{home.name}.json")
        standing = None if item is None else item["properties"]["version"]
    except (CatalogError, KeyError, TypeError):
        return []
    versions = [path for path in matching(home, "*") if VERSION.fullmatch(path.name) and path.name != standing]
    unnamed = [path for path in versions if not (path / f"{home.name}.json").exists()]
    return [path for path in sorted([*matching(home, ".stage-*"), *unnamed]) if _older(path, before)]


def _removed(path: Path) -> str:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    return str(path)


def _older(path: Path, before: float) -> bool:
    try:
        return path.lstat().st_mtime < before
    except FileNotFoundError:  # a publisher at work has just given it its name
        return False
