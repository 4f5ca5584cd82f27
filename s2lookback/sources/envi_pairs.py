"""Images and masks of ENVI folders, paired by sensing time, and masks read in one unit."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from s2lookback.envi import EnviHeader, band_of, find_images, read_header, read_pixels, sample_rows, sensed_of
from s2lookback.errors import SceneError
from s2lookback.scene import Rejected

_TILE = re.compile(r"(?:^|_)T(\d{2}[A-Z]{3})(?=_|$)")
_BASELINE = re.compile(r"_N(\d{4})_")
_PROCESSED = re.compile(r"_T\d{2}[A-Z]{3}_(\d{8}T\d{6})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The images of one sensing time and tile, and every mask of that moment."""

    sensed: datetime
    image: EnviHeader
    """The newest processing, which wins wherever it has data."""
    parts: tuple[EnviHeader, ...] = ()
    """Further images of the moment, oldest processing first: an older processing, or another datastrip."""
    masks: tuple[EnviHeader, ...] = ()

    @property
    def tile(self) -> str | None:
        """MGRS square that the image's name tells, without the leading T."""
        return tile_of(self.image.path)


def tile_of(path: str | Path) -> str | None:
    """Tell the MGRS square a file name names: ``09UYU``; None where it names none."""
    found = _TILE.search(Path(path).stem)
    return found[1] if found else None


def pair_folders(
    images: Path | Sequence[Path], masks: Path | Sequence[Path] | None = None
) -> tuple[list[Pair], list[Rejected]]:
    """Pair images and masks whose sensing times are equal to the second, in order of time and tile.

    An image without a mask is a pair without one. An image of which one mask cannot be
    used is rejected: without that mask its clouds would be taken for clear.

    Args:
        images: Folder of images, or several.
        masks: Folder of masks, a folder of such folders, or several of either.

    Raises:
        SceneError: If a folder is missing or holds no image with a header.
    """
    headers, rejected = _read_headers([path for folder in _listed(images) for path in _filled(folder)])
    mask_headers, bad_masks = _read_headers([path for folder in _listed(masks) for path in _mask_files(folder)])
    at_moment = _by_moment(mask_headers)
    pairs = []
    for members in _by_tile(headers):
        sensed = _sensed(members[-1])
        found = [mask for mask in at_moment.get(sensed, ()) if _may_be(tile_of(members[-1].path), mask.path)]
        pair = Pair(sensed=sensed, image=members[-1], parts=tuple(members[:-1]), masks=tuple(found))
        reason = _unusable(pair, bad_masks)
        rejected += [Rejected(member.path, reason) for member in members if reason]
        pairs += [] if reason else [pair]
    return sorted(pairs, key=lambda pair: (pair.sensed, pair.image.path)), rejected + bad_masks


def mask_scales(pairs: Sequence[Pair]) -> dict[str, float]:
    """Decide what the numbers of each mask folder are multiplied with to be 0-1: 1, 0.01 or 1/255.

    One folder has one unit, decided from evenly spaced rows of all its masks together: a
    percent raster whose greatest number is 1 stays percent when any other exceeds 1.
    Numbers to 1 are probabilities or binary, to 100 percent, to 255 bytes; 255 and
    nothing else above 100 is binary when nothing lies between, else it cannot be told.

    Returns:
        Folder, as in the paths of the masks, to factor.

    Raises:
        SceneError: If the unit of a folder cannot be told.
    """
    tops: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
    for mask in sorted({mask.path: mask for pair in pairs for mask in pair.masks}.values(), key=lambda mask: mask.path):
        tops[_folder(mask)].append(np.unique(sample_rows(mask, zero_is_nodata=False)))
    return {folder: _unit(folder, np.concatenate(found)) for folder, found in tops.items()}


def read_image(pair: Pair) -> NDArray[np.float32]:
    """Read the image of a pair, its parts laid under it: digital numbers, float32 (band, y, x), NaN for no data.

    Raises:
        SceneError: If a file cannot be read.
    """
    pixels = read_pixels(pair.image)
    for part in reversed(pair.parts):
        pixels = np.where(np.isnan(pixels).any(axis=0), read_pixels(part), pixels)
    return pixels


def read_probability(pair: Pair, scales: Mapping[str, float]) -> NDArray[np.float32]:
    """Read the greatest cloud probability that any mask tells, 0-1, float32 (y, x); shadow folders do not count.

    NaN, never clear, where no mask says anything.

    Args:
        pair: An image and its masks.
        scales: As ``mask_scales`` gave them.

    Raises:
        SceneError: If a mask cannot be read, has an unknown unit or numbers outside it.
    """
    return _greatest(pair, [mask for mask in pair.masks if not is_shadow(mask)], scales)


def read_shadow(pair: Pair, scales: Mapping[str, float]) -> NDArray[np.float32]:
    """Read the greatest probability of cloud shadow, as ``read_probability``, from folders named after shadow."""
    return _greatest(pair, [mask for mask in pair.masks if is_shadow(mask)], scales)


def is_shadow(mask: EnviHeader) -> bool:
    """Tell whether a mask lies in a folder named after shadow, and so is none of cloud."""
    return "shadow" in Path(mask.path).parent.name.lower()


def _listed(folders: Path | Sequence[Path] | None) -> Sequence[Path]:
    if folders is None:
        return ()
    return (folders,) if isinstance(folders, Path) else folders


def _filled(folder: Path) -> list[Path]:
    found = find_images(folder)
    if not found:
        raise SceneError(f"{folder}: found no ENVI image, expected .bin files with their .hdr beside them")
    return found


def _mask_files(folder: Path) -> list[Path]:
    own = find_images(folder)
    below = [path for inner in sorted(folder.iterdir()) if inner.is_dir() for path in find_images(inner)]
    return own + below or _filled(folder)


def _read_headers(paths: Sequence[Path]) -> tuple[list[EnviHeader], list[Rejected]]:
    headers, rejected = [], []
    for path in paths:
        try:
            header = read_header(path)
            _sensed(header)
            headers.append(header)
        except SceneError as error:
            rejected.append(Rejected(str(path), str(error)))
    return headers, rejected


def _sensed(header: EnviHeader) -> datetime:
    if header.sensed is None:
        raise SceneError(f"{header.path}: found no sensing time, expected one in its header or name")
    return header.sensed


def _by_moment(headers: Sequence[EnviHeader]) -> dict[datetime, list[EnviHeader]]:
    groups = defaultdict(list)
    for header in headers:
        groups[_sensed(header)].append(header)
    return groups


def _by_tile(headers: Sequence[EnviHeader]) -> list[list[EnviHeader]]:
    """Group headers by sensing time and tile, the oldest processing first."""
    groups = defaultdict(list)
    for header in sorted(headers, key=_processed):
        groups[header.sensed, tile_of(header.path)].append(header)
    return list(groups.values())


def _processed(header: EnviHeader) -> tuple[str, str, str]:
    name = Path(header.path).stem
    baseline, processed = _BASELINE.search(name), _PROCESSED.search(name)
    return baseline[1] if baseline else "", processed[1] if processed else "", name


def _may_be(tile: str | None, path: str) -> bool:
    return tile is None or tile_of(path) in (None, tile)


def _unusable(pair: Pair, bad_masks: Sequence[Rejected]) -> str | None:
    """Say why a pair cannot be used: a mask of its moment is broken, or a file does not fit the image."""
    for bad in bad_masks:
        if _name_says(bad.href) == pair.sensed and _may_be(pair.tile, bad.href):
            return f"{pair.image.path}: its mask cannot be used ({bad.reason})"
    for other in (*pair.parts, *pair.masks):
        if not _fits(pair.image, other):
            return f"{other.path}: {_place(other)} does not fit {_place(pair.image)} of {Path(pair.image.path).name}"
    for part in pair.parts:
        if [*map(band_of, part.band_names)] != [*map(band_of, pair.image.band_names)]:
            return f"{part.path}: bands {part.band_names} are not those of {Path(pair.image.path).name}"
    return None


def _name_says(href: str) -> datetime | None:
    try:
        return sensed_of(href, {}, ())
    except SceneError:
        return None


def _fits(one: EnviHeader, other: EnviHeader) -> bool:
    if (one.height, one.width) != (other.height, other.width):
        return False
    if one.grid is None or other.grid is None:
        return True
    close = abs(one.grid.transform[0]) / 100  # a text header rounds; a hundredth of a pixel is no shift
    apart = (abs(a - b) for a, b in zip(one.grid.bounds, other.grid.bounds, strict=True))
    return one.grid.epsg == other.grid.epsg and max(apart) < close


def _place(header: EnviHeader) -> str:
    where = f" in EPSG:{header.grid.epsg} at {header.grid.bounds}" if header.grid else ""
    return f"a raster of {header.height} × {header.width} pixels{where}"


def _folder(mask: EnviHeader) -> str:
    return str(Path(mask.path).parent)


def _unit(folder: str, found: NDArray[np.float32]) -> float:
    known = found[(found >= 0) & (found <= 255)]  # a file with other numbers is refused when it is read
    greatest = known.max(initial=0)
    if greatest <= 100:
        return 1.0 if greatest <= 1 else 0.01
    between = known[(known > 0) & (known < 255)].max(initial=0)
    if 0 < between <= 100:
        raise SceneError(f"{folder}: found mask numbers to {between:g} and {greatest:g}, expected 0-1, 0-100 or 0-255")
    return 1 / 255


def _greatest(pair: Pair, masks: Sequence[EnviHeader], scales: Mapping[str, float]) -> NDArray[np.float32]:
    greatest = np.full((pair.image.height, pair.image.width), np.nan, np.float32)
    for probability in _probabilities(masks, scales):
        np.fmax(greatest, probability, out=greatest)
    return greatest


def _probabilities(masks: Sequence[EnviHeader], scales: Mapping[str, float]) -> Iterator[NDArray[np.float32]]:
    for mask in masks:
        if mask.bands != 1:
            raise SceneError(f"{mask.path}: found {mask.bands} bands, expected a mask of one")
        if _folder(mask) not in scales:
            raise SceneError(f"{mask.path}: the unit of its folder is unknown, expected one of {', '.join(scales)}")
        probability = read_pixels(mask, zero_is_nodata=False)[0] * np.float32(scales[_folder(mask)])
        least, most = np.nanmin(probability, initial=0), np.nanmax(probability, initial=0)
        if least < 0 or most > 1.001:
            raise SceneError(f"{mask.path}: found probabilities from {least:.3g} to {most:.3g}, expected 0 to 1")
        yield np.minimum(probability, np.float32(1))
