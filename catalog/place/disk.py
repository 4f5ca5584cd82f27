"""The catalog's edge to the disk: bounded reads, whole writes, locks, and what its errors mean."""

import errno
import fcntl
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from s2lookback.errors import CatalogError, TransientError
from s2lookback.files import flush

LARGEST = 8 * 2**20
"""Bytes of the largest JSON that is read: a tile of 40 000 items still fits."""

_FULL = {errno.ENOSPC, errno.EDQUOT}
_PASSING = _FULL | {errno.EIO, errno.ESTALE, errno.EAGAIN, errno.EBUSY, errno.ETIMEDOUT, errno.EMFILE, errno.ENFILE}
"""What waiting may mend: a full disk, a network file system that hiccups, too many open files."""


@contextmanager
def told(what: str | Path) -> Iterator[None]:
    """Say in one sentence what the file system refused, and whether waiting may help."""
    try:
        yield
    except OSError as error:
        kind = TransientError if error.errno in _PASSING else CatalogError
        raise kind(f"{what}: cannot be read or written ({error.strerror or error})") from error


@contextmanager
def told_full(what: str | Path) -> Iterator[None]:
    """Say in one sentence that the disk is full; every other error is not the catalog's."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise TransientError(f"{what}: cannot be written ({error.strerror})") from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder; a killed process lets go of it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems have no locks. Every write below is whole and may be repeated, so what is lost
        # then is the order of two simultaneous publishers, not the catalog.
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def shared(folder: Path) -> Iterator[bool]:
    """Keep out whoever wants a folder for himself; tell whether somebody has it so already."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        yield _taken(handle, fcntl.LOCK_SH)
    finally:
        os.close(handle)


def busy(folder: Path) -> bool:
    """Tell whether another process keeps a folder locked now."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        return not _taken(handle, fcntl.LOCK_EX)
    finally:
        os.close(handle)


def _taken(handle: int, lock: int) -> bool:
    """Take a lock without waiting; tell whether it could be had."""
    try:
        fcntl.flock(handle, lock | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def load(path: Path) -> dict[str, Any] | None:
    """Read a JSON object; None where there is no such file.

    Raises:
        CatalogError: If it is too large, damaged, or not an object.
    """
    text = content(path)
    return None if text is None else parsed(text, path)


def content(path: Path) -> bytes | None:
    """Read a small file, or the beginning of a larger one; None where there is none."""
    with told(path):
        try:
            with path.open("rb") as file:
                return file.read(LARGEST + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None


def parsed(text: bytes, where: str | Path) -> dict[str, Any]:
    """Read a JSON object that stands somewhere.

    Raises:
        CatalogError: If it is too large, damaged, or not an object.
    """
    if len(text) > LARGEST:
        raise CatalogError(f"{where}: is larger than {LARGEST} bytes, which no JSON of this catalog is")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CatalogError(f"{where}: is damaged, expected JSON ({error})") from error
    if not isinstance(found, dict):
        raise CatalogError(f"{where}: holds {type(found).__name__}, expected a JSON object")
    return found


def written(content: dict[str, Any]) -> bytes:
    """Give the bytes that a JSON object is kept as."""
    return (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def save(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON object, whole or not at all; a file that says the same already is not touched."""
    keep(path, written(content))


def keep(path: Path, text: bytes, *, lasting: bool = True) -> bool:
    """Write a small file, whole or not at all; tell whether it said something else.

    What may be torn by a power cut, since it is read again then, need not be ``lasting``: that saves two flushes.
    """
    if len(text) > LARGEST:
        raise CatalogError(f"{path}: would have {len(text)} bytes, and no more than {LARGEST} are read back")
    if path.is_file() and path.read_bytes() == text:
        return False
    # A name of its own for every writer: two of them never write into one file.
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        part.write_bytes(text)
        if lasting:
            flush(part)
        part.replace(path)
        if lasting:
            flush(path.parent)
    finally:
        part.unlink(missing_ok=True)
    return True
