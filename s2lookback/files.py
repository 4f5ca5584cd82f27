"""Whole files or none, and what their bytes hash to."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
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
