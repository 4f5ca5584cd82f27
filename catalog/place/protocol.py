"""Where a catalog is kept: in a folder, or in a bucket of which a folder holds as much as was needed."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from catalog.layout import Item
from catalog.place import sweep
from catalog.place.disk import content, keep, locked, save, told
from s2lookback.files import flush

Documents = Sequence[tuple[Path, Item]]
"""What is written when an item is published, in this order: the last is the commit."""

Tell = Callable[[Sequence[Path]], None]
"""Is told which items others changed, by the paths of their JSON, before they are changed here."""

UNLISTED = ".unlisted"
"""Lies in the folder of an item that was committed but may not be listed yet."""

DAY = 86_400.0
"""Seconds after which what is not named yet will not be named any more."""


class Place(Protocol):
    """Keeps the files of a catalog. Paths are below ``folder``; a part is a collection or a tile, a home an item's."""

    url: str
    """How people name it."""
    folder: Path
    """Where its files are read."""

    def look(self, part: Path, tell: Tell) -> None:
        """Let the folder hold the JSON of every item of a part as it is now."""

    def renew(self, home: Path, tell: Tell) -> None:
        """Do the same for one item, whatever was seen just now; the caller keeps others out of its home."""

    def forget(self) -> bool:
        """Believe nothing of what was seen before; tell whether there was anything to forget."""

    def bring(self, path: Path) -> None:
        """Let the folder hold another document as it is now: a listing, a record, an archived version."""

    def remember(self, paths: Sequence[Path]) -> None:
        """Let the folder hold documents that are written once, as they were at some time."""

    def folders(self, part: Path) -> list[str]:
        """Name the folders of a part, sorted, but for hidden ones."""

    def fetch(self, path: Path, asset: Mapping[str, Any], user: object) -> None:
        """Let the folder hold a file for as long as its user lives."""

    def size(self, path: Path) -> int:
        """Give the bytes of a file, be it in the folder or not; OSError where there is none."""

    def state(self, files: Sequence[str], tell: Tell) -> str:
        """Tell how files below ``folder`` look, be they there or not: whatever is done to one of them changes it."""

    def holds(self, version: Path) -> bool:
        """Tell whether files of a version are kept, of an item that was just renewed."""

    def address(self, path: Path) -> str:
        """Give the absolute href of a file."""

    def stored(self, item: Item) -> Item:
        """Say in an item where its files are kept."""

    def commit(self, documents: Documents, old: Item | None) -> bool:
        """Publish instead of an item that was just renewed; tell whether it was still as it was then."""

    def is_listed(self, home: Path) -> bool:
        """Tell whether the listings know of the item in a home."""

    def enlist(self, home: Path) -> None:
        """Note that they do."""

    def remove(self, home: Path) -> None:
        """Remove an item with all its versions, its JSON first; the caller keeps others out of its home."""

    def revise(self, path: Path, make: Callable[[bytes | None], bytes | None]) -> bool:
        """Write a document that is made from what is there, or remove it; tell whether that changed it."""

    def documents(self, folder: Path) -> list[str]:
        """Name the JSON of a folder, sorted, without its ending."""

    def drop_old(self, folder: Path, oldest: datetime) -> None:
        """Remove the JSON of a folder that was written before a time."""

    def touch(self, path: Path, since: datetime) -> None:
        """Note that an item holds what its sources held at a time."""

    def verified(self, path: Path) -> int:
        """Tell when that was, ns since 1970-01-01 UTC."""

    def collect(self, older_than: float) -> list[str]:
        """Remove what no item names and is older than this, seconds; give the hrefs of what was removed."""

    def orphans(self) -> Iterator[tuple[str, str]]:
        """Name what no item has named for a day, each after the item in whose home it lies."""


class Folder:
    """A place that is a folder: what is read is what is kept."""

    def __init__(self, root: str) -> None:
        """Name a folder, which need not be there."""
        self.folder = Path(root).absolute()
        self.url = str(self.folder)

    def look(self, part: Path, tell: Tell) -> None:
        """Do nothing: it is here."""

    def renew(self, home: Path, tell: Tell) -> None:
        """Do nothing: it is here."""

    def forget(self) -> bool:
        """Tell that nothing was remembered."""
        return False

    def bring(self, path: Path) -> None:
        """Do nothing: it is here."""

    def remember(self, paths: Sequence[Path]) -> None:
        """Do nothing: they are here."""

    def fetch(self, path: Path, asset: Mapping[str, Any], user: object) -> None:
        """Do nothing: it is here."""

    def folders(self, part: Path) -> list[str]:
        """Name the folders of a part, sorted, but for hidden ones."""
        return folders(part)

    def size(self, path: Path) -> int:
        """Give the bytes of a file."""
        return path.stat().st_size

    def state(self, files: Sequence[str], tell: Tell) -> str:
        """Tell number, size and time of change of each file, which no program can set back."""
        with told(self.folder):
            return " ".join(_look(f"{self.folder}/{file}") for file in files)

    def holds(self, version: Path) -> bool:
        """Tell whether the folder of a version is there."""
        return version.is_dir()

    def address(self, path: Path) -> str:
        """Give the absolute path of a file."""
        return str(path)

    def stored(self, item: Item) -> Item:
        """Give the item as it is: its hrefs are relative to it."""
        return item

    def commit(self, documents: Documents, old: Item | None) -> bool:
        """Write the documents in their order; the lock of the home keeps others from changing it meanwhile."""
        if old is None:
            (documents[-1][0].parent / UNLISTED).touch()
        for path, document in documents:
            save(path, document)
        return True

    def is_listed(self, home: Path) -> bool:
        """Tell whether the listings know of the item in a home."""
        return not (home / UNLISTED).exists()

    def enlist(self, home: Path) -> None:
        """Note that they do."""
        (home / UNLISTED).unlink(missing_ok=True)

    def remove(self, home: Path) -> None:
        """Remove an item with all its versions."""
        (home / f"{home.name}.json").unlink(missing_ok=True)
        flush(home)
        sweep.remove_versions(home)
        (home.parent.parent / "collection.json").unlink(missing_ok=True)  # its extent may shrink: make it anew

    def revise(self, path: Path, make: Callable[[bytes | None], bytes | None]) -> bool:
        """Write or remove a document, while others wait."""
        with told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with locked(path.parent):
                before = content(path)
                after = make(before)
                if after is not None:
                    return keep(path, after)
                path.unlink(missing_ok=True)
                return before is not None

    def documents(self, folder: Path) -> list[str]:
        """Name the JSON of a folder, sorted, without its ending."""
        return sorted(path.stem for path in folder.glob("*.json"))

    def drop_old(self, folder: Path, oldest: datetime) -> None:
        """Remove the JSON of a folder that was written before a time."""
        for path in folder.glob("*.json"):
            with told(path):
                if path.stat().st_mtime < oldest.timestamp():
                    path.unlink(missing_ok=True)

    def touch(self, path: Path, since: datetime) -> None:
        """Keep the time as that of the file."""
        os.utime(path, (since.timestamp(), since.timestamp()))

    def verified(self, path: Path) -> int:
        """Read the time of the file."""
        return path.stat().st_mtime_ns

    def collect(self, older_than: float) -> list[str]:
        """Remove stages, versions and parts that killed processes left behind."""
        return sweep.collect(self.folder, older_than)

    def orphans(self) -> Iterator[tuple[str, str]]:
        """Name them."""
        yield from ((path.parent.name, path.name) for path in sweep.orphans(self.folder, DAY))


def _look(path: str) -> str:
    try:
        seen = os.stat(path)  # noqa: PTH116 - half the time of a Path, and a night asks for every file of a tile
    except (FileNotFoundError, NotADirectoryError):
        return "-"
    return f"{seen.st_ino}.{seen.st_size}.{seen.st_ctime_ns}"


def folders(part: Path) -> list[str]:
    """Name the folders of a part on the disk, sorted, but for hidden ones."""
    with told(part):
        if not part.is_dir():
            return []
        return sorted(entry.name for entry in os.scandir(part) if entry.is_dir() and not entry.name.startswith("."))
