"""ESA's own products, ``.SAFE`` folders or zips of them, as a source of scenes."""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain, groupby
from operator import attrgetter
from pathlib import Path
from typing import TypeVar

from s2lookback.errors import SceneError, TransientError
from s2lookback.files import checksum, last_change
from s2lookback.scene import Listing, Rejected, Scene, SceneRef
from s2lookback.settings import IngestSettings
from s2lookback.sources.imagery import choose_members, read_product
from s2lookback.sources.manifest import require_whole
from s2lookback.sources.merge import merge_scenes
from s2lookback.sources.product import is_zip, name_of, open_product

Part = TypeVar("Part")

log = logging.getLogger(__name__)

_NAME = re.compile(
    r"S2[A-Z]_MSI(?P<level>L1C|L2A)_(?P<sensed>[0-9]{8}T[0-9]{6})(_N[0-9]{4})?_R[0-9]{3}"
    r"_T(?P<tile>[0-9]{2}[A-Z]{3})_[0-9]{8}T[0-9]{6}"
)


@dataclass(frozen=True, slots=True)
class _Named:
    """A product as its file name describes it."""

    href: str
    name: str
    tile: str
    sensed: datetime
    level: str


class SafeSource:
    """SAFE products in a folder, or in its sub-folders one level down; a single product is a source too."""

    def __init__(self, folder: str, *, settings: IngestSettings) -> None:
        self.folder = folder
        self.settings = settings

    def tiles(self) -> tuple[str, ...]:
        """Name every tile of which there is a product, sorted."""
        return tuple(sorted({found.tile for found in self._products if isinstance(found, _Named)}))

    def list_scenes(self, tile: str, start: datetime | None = None, end: datetime | None = None) -> Listing:
        """List the acquisitions of a tile by sensing time, both ends included, from file names alone.

        Of one acquisition, L2A goes before L1C, and a zip, which checks its own bytes,
        before the folder of the same product; what is passed over is listed as rejected.

        Raises:
            TransientError: If the folder itself cannot be listed.
        """
        found = self._products
        rejected = [product for product in found if isinstance(product, Rejected)]
        of_tile = [product for product in found if isinstance(product, _Named) and product.tile == tile]
        scenes = []
        for sensed, group in groupby(sorted(of_tile, key=attrgetter("sensed", "href")), attrgetter("sensed")):
            if (start and sensed < start) or (end and sensed > end):
                continue
            used, passed_over = _choose([*group])
            rejected += passed_over
            scenes.append(SceneRef(tile, sensed, used, max(map(last_change, map(Path, used)))))
        return Listing(tuple(scenes), tuple(sorted(rejected, key=attrgetter("href"))))

    def unfinished(self, ref: SceneRef) -> str:
        """Say which product is not whole yet: a zip without its end, a folder without all that its manifest lists."""
        try:
            for href in ref.files:
                require_whole(href)
        except SceneError as error:
            return str(error)
        return ""

    def checksums(self, ref: SceneRef) -> Mapping[str, str]:
        """Hash each zip, and of each folder every file that the scene is read from.

        Raises:
            SceneError: If no product can be opened, or a file has gone or cannot be read.
        """
        inputs = dict(chain.from_iterable(_of_parts(ref, self._inputs)))
        try:
            return {name: checksum(inputs[name]) for name in sorted(inputs)}
        except OSError as error:
            raise SceneError(f"{error.filename}: cannot be read ({error.strerror})") from error

    def open_scene(self, ref: SceneRef) -> Scene:
        """Read one scene on its 20 m grid; of several products the newest wins wherever it has data.

        Raises:
            SceneError: If no product can be used; one that cannot, beside one that can, is left out with a warning.
        """
        return merge_scenes(_of_parts(ref, lambda href: self._open_part(href, ref)))

    @cached_property
    def _products(self) -> list[_Named | Rejected]:
        """Look into the folder once for as long as it is open: it may hold years of every tile."""
        return [_parse(path) for path in _candidates(Path(self.folder))]

    def _inputs(self, href: str) -> list[tuple[str, Path]]:
        if is_zip(href):
            return [(Path(href).name, Path(href))]
        product = open_product(href)
        members = set(choose_members(product, self.settings.bands).values())
        return [(f"{Path(href).name}/{member}", Path(href, product.members[member])) for member in members]

    def _open_part(self, href: str, ref: SceneRef) -> Scene:
        scene = read_product(open_product(href), self.settings)
        if (scene.about.tile, scene.about.sensed) != (ref.tile, ref.sensed):
            raise SceneError(
                f"{href}: its metadata says tile {scene.about.tile} at {scene.about.sensed.isoformat()}, "
                f"its name {ref.tile} at {ref.sensed.isoformat()}"
            )
        return scene


def _of_parts(ref: SceneRef, read: Callable[[str], Part]) -> list[Part]:
    """Read every product of a scene; warn of those that cannot be used, and give up where none can."""
    parts, reasons = [], []
    for href in ref.files:
        try:
            parts.append(read(href))
        except SceneError as error:
            reasons.append(str(error))
    if not parts:
        raise SceneError("; ".join(reasons))
    for reason in reasons:
        log.warning("%s %s: left out one of its products: %s", ref.tile, ref.sensed.isoformat(), reason)
    return parts


def _candidates(folder: Path) -> list[Path]:
    """Find what looks like a product by its suffix, in a folder and its sub-folders; or the folder itself."""
    if _is_product(folder):
        return [folder]
    try:
        entries = sorted(folder.iterdir())
        inner = [path for entry in entries if not _is_product(entry) for path in _inside(entry)]
    except OSError as error:
        raise TransientError(f"{folder}: cannot be listed ({error})") from error
    return [entry for entry in entries if _is_product(entry)] + inner


def _inside(folder: Path) -> list[Path]:
    """Find the products in a sub-folder; none in a file, or in a folder that is not ours to read."""
    try:
        return sorted(filter(_is_product, folder.iterdir()))
    except (NotADirectoryError, FileNotFoundError):
        return []
    except PermissionError:
        log.warning("%s: passed over, it may not be read", folder)
        return []


def _is_product(path: Path) -> bool:
    return path.suffix.lower() in {".safe", ".zip"}


def _parse(path: Path) -> _Named | Rejected:
    name = name_of(str(path))
    match = _NAME.fullmatch(name)
    if not match:
        return Rejected(str(path), f"{path.name} is not named as a Sentinel-2 product of one tile")
    try:
        sensed = datetime.strptime(match["sensed"], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return Rejected(str(path), f"{match['sensed']} is no time")
    return _Named(str(path), name, match["tile"], sensed, match["level"])


def _choose(products: list[_Named]) -> tuple[tuple[str, ...], list[Rejected]]:
    """Choose what one acquisition is read from, and say of the rest why not."""
    level = max(product.level for product in products)
    used: dict[str, _Named] = {}
    passed_over = []
    for product in sorted(products, key=lambda each: (not is_zip(each.href), each.href)):
        if product.level != level:
            passed_over.append(Rejected(product.href, f"{level} of the same acquisition is read instead"))
        elif product.name in used:
            passed_over.append(Rejected(product.href, f"{used[product.name].href} is the same product"))
        else:
            used[product.name] = product
    return tuple(sorted(product.href for product in used.values())), passed_over
