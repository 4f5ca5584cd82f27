"""The files of products that a machine copied from a bucket: as many as it has room for, and those at work."""

import fcntl
import os
import uuid
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from typing import Any

from catalog.layout import TILE, VERSION
from catalog.place.disk import told
from s2lookback.errors import CatalogError
from s2lookback.files import checksum, matching

VARIABLE = "S2LOOKBACK_CACHE_GB"
"""Environment variable: how many gigabytes of products a copy holds, but for those at work."""

_USUAL = 100.0
_USED = ".used"
"""Below the copy: a folder of each tile, which is locked by whoever reads its files."""


class Copied:
    """The copied files of products below a folder."""

    def __init__(self, folder: Path) -> None:
        """Name the folder, which need not be there.

        Raises:
            CatalogError: If the environment gives no number of gigabytes.
        """
        self.folder = folder
        self._most = _bytes(os.environ.get(VARIABLE, ""))
        self._unseen = self._most
        """Bytes that came since what there is was last counted; at first, nobody knows."""
        self._users: weakref.WeakKeyDictionary[object, set[str]] = weakref.WeakKeyDictionary()

    def use(self, tile: str, user: object) -> None:
        """Keep the files of a tile for as long as an object lives."""
        held = self._users.setdefault(user, set())
        if tile not in held:
            weakref.finalize(user, os.close, self._open(tile, fcntl.LOCK_SH))
            held.add(tile)

    def take(self, path: Path, asset: Mapping[str, Any], download: Callable[[Path], None]) -> None:
        """Let a file be here, whole: it is downloaded where it is not.

        Raises:
            CatalogError: If other bytes come than the asset says.
        """
        size, digest = asset.get("file:size"), asset.get("file:checksum")
        with told(path):
            if path.is_file() and path.stat().st_size == size:
                os.utime(path)
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
            try:
                download(part)
                if part.stat().st_size != size or checksum(part) != digest:
                    raise CatalogError(f"{path.parts[-3]}: the bytes of {path.name} do not hash to {digest}")
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
            self.grew(path.stat().st_size)

    def grew(self, size: int) -> None:
        """Take note of more bytes; every twentieth of what may be, remove what was not read for longest."""
        self._unseen += size
        if self._unseen >= self._most / 20:
            self._unseen = 0
            self._make_room()

    def _make_room(self) -> None:
        found = [(seen, path) for path in matching(self.folder, "*/*/*/*/*") if (seen := _asset(path))]
        left = sum(seen.st_size for seen, _ in found) - self._most
        free: dict[str, int | None] = {}
        try:
            for seen, path in sorted(found, key=lambda one: (one[0].st_mtime_ns, one[1])):
                tile = path.parts[-4]
                if left <= 0:
                    break
                if tile not in free:
                    free[tile] = self._taken(tile)
                if free[tile] is not None:
                    path.unlink(missing_ok=True)
                    left -= seen.st_size
        finally:
            for handle in filter(None, free.values()):
                os.close(handle)

    def _taken(self, tile: str) -> int | None:
        """Keep others from using a tile; None where somebody does."""
        with suppress(BlockingIOError):
            return self._open(tile, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return None

    def _open(self, tile: str, lock: int) -> int:
        folder = self.folder / _USED / tile
        with told(folder):
            folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, lock)
        except BlockingIOError:
            os.close(handle)
            raise
        except OSError:  # a file system without locks: what is in use is only what was read just now
            pass
        return handle


def _asset(path: Path) -> os.stat_result | None:
    """Look at a file of a version; None for anything else, and for what another process has just removed."""
    _, tile, name, version, file = path.parts[-5:]
    if not (TILE.fullmatch(tile) and VERSION.fullmatch(version)) or file == f"{name}.json":
        return None
    try:
        seen = path.stat()
    except FileNotFoundError:
        return None
    return seen if S_ISREG(seen.st_mode) else None


def _bytes(gigabytes: str) -> float:
    try:
        most = float(gigabytes or _USUAL)
    except ValueError:
        most = -1.0
    if not most >= 0:
        raise CatalogError(f"{VARIABLE} is {gigabytes!r}, expected a number of gigabytes, as in 100")
    return most * 1e9
