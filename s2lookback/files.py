"""Whole files or none, what their bytes hash to, and folders that change while they are listed."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import iglob
from pathlib import Path

SHA2_256 = "1220"
"""Multihash prefix of a SHA-256 digest of 32 bytes, as the STAC file extension wants it."""


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Offer a temporary name beside ``path``; on success flush it and give it its name, else remove it.

    A reader never meets half a file, and a killed writer leaves at most a
    ``.part`` file that the next writer of the same name replaces.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        flush(part)
        part.replace(path)
        flush(path.parent)
    finally:
        part.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Force a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def checksum(path: str | Path) -> str:
    """Hash a file: sha2-256 multihash, hexadecimal."""
    with Path(path).open("rb") as file:
        return SHA2_256 + hashlib.file_digest(file, "sha256").hexdigest()


def checksum_of(content: bytes) -> str:
    """Hash bytes: sha2-256 multihash, hexadecimal."""
    return SHA2_256 + hashlib.sha256(content).hexdigest()


def matching(folder: Path, pattern: str) -> list[Path]:
    """List what has such a name below a folder, sorted, hidden names too.

    What goes away meanwhile, or may not be read, is passed over: ``Path.glob`` stops there.
    """
    return sorted(folder / name for name in iglob(pattern, root_dir=folder, include_hidden=True))  # noqa: PTH207


def looks(path: Path) -> Iterator[os.stat_result]:
    """Look at a file, or at a folder and all in it, but behind links; what goes away meanwhile is passed over."""
    below = (Path(above, name) for above, folders, files in os.walk(path) for name in (*folders, *files))
    with suppress(OSError):
        yield path.stat()
    for one in below:
        with suppress(OSError):
            yield one.lstat()


def last_change(path: Path) -> int:
    """Tell when a file, or anything in a folder, last changed, ns; 0 where there is nothing."""
    return max((seen.st_ctime_ns for seen in looks(path)), default=0)
