"""Scenes out of BC's ENVI folders: images, and masks of the same sensing time."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from s2lookback.envi import EnviHeader, read_header, read_pixels
from s2lookback.envi_header import header_of
from s2lookback.errors import SceneError
from s2lookback.files import checksum, checksum_of, last_change
from s2lookback.scene import NO_PERCENT, NODATA, Acquisition, Listing, Rejected, Scene, SceneRef
from s2lookback.settings import IngestSettings
from s2lookback.sources.envi_offset import check_offset, find_bands, folder_begins, folder_offset
from s2lookback.sources.envi_pairs import (
    Pair,
    is_shadow,
    mask_scales,
    pair_folders,
    read_image,
    read_probability,
    read_shadow,
    tile_of,
)
from s2lookback.sources.merge import merge_scenes
from s2lookback.sources.offset import OFFSET

__all__ = ["EnviSource", "Pair", "mask_scales", "pair_folders", "read_image", "read_probability", "read_shadow"]

_SHADOW = 3
"""Cloud shadow in Sen2Cor's scene classification."""


class EnviSource:
    """Reads folders of ENVI images and of masks, paired by sensing time.

    The offset ``auto`` and the units of the masks are decided from the pixels of the
    folders, once for each source: see ``envi_offset`` and ``mask_scales``.

    Args:
        images: Folder of images, or several.
        masks: Folders of masks, or a folder of such folders; those named after shadow are no cloud.
        settings: Bands and offset.
        tile: MGRS square of images whose names tell none.
    """

    def __init__(
        self,
        images: Sequence[str] | str,
        masks: Sequence[str] = (),
        *,
        settings: IngestSettings,
        tile: str | None = None,
    ) -> None:
        self._images = _paths(images)
        self._masks = _paths(masks)
        self._settings = settings
        self._tile = tile

    def tiles(self) -> tuple[str, ...]:
        """Name every tile of which there is at least one scene, sorted."""
        pairs, _ = pair_folders(self._images, self._masks)
        return tuple(sorted({tile for pair in pairs if (tile := self._tile_of(pair.image.path))}))

    def list_scenes(self, tile: str, start: datetime | None = None, end: datetime | None = None) -> Listing:
        """List the scenes of a tile, by sensing time, both ends included; never read a pixel.

        Raises:
            SceneError: If a folder is missing or holds no image at all.
        """
        pairs, rejected = pair_folders(self._images, self._masks)
        rejected += [_tileless(pair) for pair in pairs if self._tile_of(pair.image.path) is None]
        return Listing(
            tuple(
                _ref(pair, tile)
                for pair in pairs
                if self._tile_of(pair.image.path) == tile and _within(pair.sensed, start, end)
            ),
            tuple(
                sorted((bad for bad in rejected if self._tile_of(bad.href) in (None, tile)), key=lambda bad: bad.href)
            ),
        )

    def unfinished(self, ref: SceneRef) -> str:
        """Say nothing: an image that has not the size that its header gives is not listed as a scene."""
        return ""

    def checksums(self, ref: SceneRef) -> Mapping[str, str]:
        """Hash what the scene is read from, and what its folders decided: the offset and the units of the masks.

        Masks bear the name of their folder, which tells cloud from shadow and keeps
        apart those that are named alike.

        Raises:
            SceneError: If a file has gone or cannot be read.
        """
        try:
            files = {self._name(Path(file)): checksum(file) for file in ref.files}
        except OSError as error:
            raise SceneError(f"{error.filename}: cannot be read to hash it ({error.strerror})") from error
        return files | {"decided by folder": checksum_of(self._decided(ref).encode())}

    def open_scene(self, ref: SceneRef) -> Scene:
        """Read one scene, harmonised; the images of one sensing time are merged, newer processing over older.

        Raises:
            SceneError: If it cannot be used; the message names the file, what was found and what was expected.
        """
        pair = self._pair(ref)
        percent, shadow = self._percent(pair), self._shadow(pair)
        return merge_scenes([self._part(image, ref, percent, shadow) for image in (*pair.parts, pair.image)])

    def _tile_of(self, path: str) -> str | None:
        return tile_of(path) or self._tile

    def _name(self, file: Path) -> str:
        return file.name if file.parent in self._images else f"{file.parent.name}/{file.name}"

    def _pair(self, ref: SceneRef) -> Pair:
        headers = [read_header(file) for file in ref.files if not file.endswith(".hdr")]
        images = [header for header in headers if Path(header.path).parent in self._images]
        masks = [header for header in headers if Path(header.path).parent not in self._images]
        if not images:
            raise SceneError(f"{ref.tile} {ref.sensed}: found no image among its files, expected one in {self._images}")
        return Pair(sensed=ref.sensed, image=images[-1], parts=tuple(images[:-1]), masks=tuple(masks))

    def _decided(self, ref: SceneRef) -> str:
        folders = sorted({Path(file).parent for file in ref.files})
        facts = (self._folder_offset(each) if each in self._images else self._scales.get(str(each)) for each in folders)
        return ", ".join(map(str, facts))

    @cached_property
    def _pairs(self) -> list[Pair]:
        return pair_folders(self._images, self._masks)[0]

    @cached_property
    def _scales(self) -> dict[str, float]:
        return mask_scales(self._pairs)

    @cached_property
    def _begins(self) -> dict[Path, float]:
        images = (image for pair in self._pairs for image in (*pair.parts, pair.image))
        return folder_begins(images, self._settings.bands)

    def _part(
        self, image: EnviHeader, ref: SceneRef, percent: NDArray[np.uint8] | None, shadow: NDArray[np.uint8] | None
    ) -> Scene:
        if image.grid is None:
            raise SceneError(f"{image.path}: found no grid, expected map info and a CRS with an EPSG code")
        bands = find_bands(image, self._settings.bands)
        numbers = _numbers(image, [*bands.values()])
        offset = self._offset(image, numbers)
        return Scene(
            about=_acquisition(image, ref, offset),
            grid=image.grid,
            bands=tuple(bands),
            pixels=_reflectance(numbers, offset),
            cloud_probability=percent,
            scl=shadow,
            metadata=_document(image),
        )

    def _folder_offset(self, folder: Path) -> int:
        if self._settings.offset != "auto":
            return OFFSET if self._settings.offset == "present" else 0
        return folder_offset(folder, self._begins.get(folder, np.inf))

    def _offset(self, image: EnviHeader, numbers: NDArray[np.float32]) -> int:
        folder = Path(image.path).parent
        offset = self._folder_offset(folder)
        if self._settings.offset == "auto":
            check_offset(image, numbers, offset, self._begins[folder])
        return offset

    def _percent(self, pair: Pair) -> NDArray[np.uint8] | None:
        if all(map(is_shadow, pair.masks)):
            return None
        probability = read_probability(pair, self._scales)
        return np.where(np.isnan(probability), NO_PERCENT, np.rint(probability * 100)).astype(np.uint8)

    def _shadow(self, pair: Pair) -> NDArray[np.uint8] | None:
        if not any(map(is_shadow, pair.masks)):
            return None
        return np.where(read_shadow(pair, self._scales) >= 0.5, np.uint8(_SHADOW), np.uint8(0))


def _paths(folders: Sequence[str] | str) -> tuple[Path, ...]:
    return tuple(Path(folder) for folder in ((folders,) if isinstance(folders, str) else folders))


def _within(sensed: datetime, start: datetime | None, end: datetime | None) -> bool:
    return (start is None or start <= sensed) and (end is None or sensed <= end)


def _tileless(pair: Pair) -> Rejected:
    reason = f"{pair.image.path}: found no tile, expected a name with a field such as T09UYU, or the setting tile"
    return Rejected(pair.image.path, reason)


def _ref(pair: Pair, tile: str) -> SceneRef:
    data = [Path(header.path) for header in (*pair.parts, pair.image, *pair.masks)]
    files = sorted({*data, *(header for path in data if (header := header_of(path)))})
    return SceneRef(tile, pair.sensed, tuple(map(str, files)), max(map(last_change, files)))


def _numbers(image: EnviHeader, bands: list[int]) -> NDArray[np.float32]:
    numbers = read_pixels(image)[bands]
    most = np.nanmax(numbers, initial=-np.inf)
    if 0 < most <= 2:
        raise SceneError(f"{image.path}: found numbers up to {most:.3g}, expected digital numbers, reflectance × 10000")
    return numbers


def _reflectance(numbers: NDArray[np.float32], offset: int) -> NDArray[np.int16]:
    """Round digital numbers to int16 reflectance × 10 000; a pixel without one band is without all."""
    valid = np.isfinite(numbers).all(axis=0)
    pixels = np.empty(numbers.shape, np.int16)
    for into, band in zip(pixels, numbers, strict=True):  # one band at a time: a tile of four is 480 MB
        rounded = np.clip(np.rint(band - np.float32(offset)), NODATA + 1, np.iinfo(np.int16).max)
        into[:] = np.where(valid, rounded, NODATA)
    return pixels


def _acquisition(image: EnviHeader, ref: SceneRef, offset: int) -> Acquisition:
    name = Path(image.path).stem
    platform, level, baseline, orbit = (
        _field(pattern, name) for pattern in (r"^S2([A-D])_", r"_MSI(L1C|L2A)_", r"_N(\d{4})_", r"_R(\d{3})_")
    )
    return Acquisition(
        tile=ref.tile,
        sensed=ref.sensed,
        platform=f"sentinel-2{platform.lower()}" if platform else None,
        level=level,
        baseline=f"{baseline[:2]}.{baseline[2:]}" if baseline else None,
        relative_orbit=int(orbit) if orbit else None,
        products=(name,),
        offset_removed=offset,
    )


def _field(pattern: str, name: str) -> str | None:
    found = re.search(pattern, name)
    return found[1] if found else None


def _document(image: EnviHeader) -> dict[str, bytes]:
    """Keep the header of an image as it was."""
    header = header_of(Path(image.path))
    return {header.name: header.read_bytes()} if header else {}
