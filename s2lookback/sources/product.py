"""The files of one SAFE product: a folder, or a zip that is read in place."""

import os
import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from s2lookback.errors import SceneError

MAX_MEMBERS = 20_000
"""Most files in a product; a multi-tile one of 2015 has a few thousand."""

_UNREADABLE = (OSError, BadZipFile, RuntimeError, EOFError, ValueError, struct.error, zlib.error)
"""What a folder or a damaged zip raises when it is listed or read."""


@dataclass(frozen=True, slots=True)
class Product:
    """One product and the files it holds."""

    href: str
    members: Mapping[str, str]
    """Path inside the product, to name inside the folder or zip; sorted."""

    @property
    def name(self) -> str:
        """ESA's name of it, without suffix."""
        return name_of(self.href)

    def find(self, *patterns: str) -> str | None:
        """Find the member that fits the first of the patterns that any fits, or None.

        Raises:
            SceneError: If several fit one pattern.
        """
        for pattern in patterns:
            found = [member for member in self.members if re.fullmatch(pattern, member, re.IGNORECASE)]
            if len(found) > 1:
                raise SceneError(f"{self.href}: {' and '.join(found[:2])}, expected one such file")
            if found:
                return found[0]
        return None

    def read(self, member: str, limit: int) -> bytes:
        """Read a member whole; a zip checks its bytes against their CRC.

        Raises:
            SceneError: If it cannot be read, lies outside the product or has more than ``limit`` bytes.
        """
        read = _read_zipped if is_zip(self.href) else _read_file
        try:
            return read(self.href, self.members[member], limit)
        except _UNREADABLE as error:
            raise SceneError(f"{self.href}: {member} cannot be read ({error})") from error


def name_of(href: str) -> str:
    """Give ESA's name of a product: without ``.SAFE``, ``.zip`` and the prefix that some mirrors add."""
    return re.sub(r"^esa_|(\.safe)?(\.zip)?$", "", Path(href).name, flags=re.IGNORECASE)


def is_zip(href: str) -> bool:
    """Tell a zip from a folder by its name."""
    return href.lower().endswith(".zip")


def open_product(href: str) -> Product:
    """List the files of a product.

    Raises:
        SceneError: If it cannot be listed, names files outside itself, or is not one product.
    """
    try:
        names = _zipped_names(href) if is_zip(href) else _file_names(href)
    except _UNREADABLE as error:
        raise SceneError(f"{href}: cannot be opened as a product ({error})") from error
    if len(names) > MAX_MEMBERS:
        raise SceneError(f"{href}: holds {len(names)} files, expected at most {MAX_MEMBERS}")
    tops = [name for name in names if re.fullmatch(r"(.*/)?MTD_MSIL(1C|2A)\.xml", name, re.IGNORECASE)]
    if len(tops) != 1:
        raise SceneError(
            f"{href}: holds {len(tops)} product documents (MTD_MSIL1C.xml or MTD_MSIL2A.xml), expected one"
        )
    root = tops[0][: -len("MTD_MSIL2A.xml")]
    return Product(href, {name.removeprefix(root): name for name in sorted(names) if name.startswith(root)})


def _zipped_names(href: str) -> list[str]:
    with ZipFile(href) as archive:
        entries = archive.infolist()
    for entry in entries:
        if entry.filename.startswith("/") or "\\" in entry.filename or ".." in PurePosixPath(entry.filename).parts:
            raise ValueError(f"it names {entry.filename[:80]!r}, which leaves the product")
    return [entry.filename for entry in entries if not entry.filename.endswith("/")]


def _file_names(href: str) -> list[str]:
    if not Path(href).is_dir():
        raise NotADirectoryError(f"expected a folder or a .zip: {href}")
    return [
        Path(folder, file).relative_to(href).as_posix() for folder, _, files in os.walk(href) for file in files
    ]  # os.walk follows no links to folders


def _read_zipped(href: str, name: str, limit: int) -> bytes:
    with ZipFile(href) as archive:
        entry = archive.getinfo(name)
        if entry.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
            raise BadZipFile(f"compression method {entry.compress_type}, expected deflate or none")
        _check_size(entry.file_size, limit)
        return archive.read(entry)


def _read_file(href: str, name: str, limit: int) -> bytes:
    path = Path(href, name).resolve()
    if not path.is_relative_to(Path(href).resolve()) or not path.is_file():
        raise OSError(f"expected a file inside the product, found {path}")
    _check_size(path.stat().st_size, limit)
    return path.read_bytes()


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise OSError(f"{size} bytes, expected at most {limit}")
