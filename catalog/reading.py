"""What exists, read: in a folder or a bucket, whichever holds it."""

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from catalog import layout
from catalog.index import upkeep
from catalog.index.chosen import index_of
from catalog.index.protocol import Index
from catalog.items import collections
from catalog.layout import Item
from catalog.place.chosen import place_of
from catalog.place.disk import content, load, parsed, told
from catalog.place.protocol import folders
from catalog.shape import check_shape
from s2lookback.errors import CatalogError


class Reader:
    """A STAC catalog in a folder or a bucket, which any number of processes may read while others publish."""

    def __init__(self, root: str, host: str = "s2lookback") -> None:
        """Open a catalog, which need not exist yet.

        Args:
            root: Path of its folder, or s3://bucket/prefix; ``self.root`` then is a folder that holds what was needed.
            host: Is named as provider of new collections.
        """
        self.place = place_of(root)
        self.root = self.place.folder
        self.host = host
        self.scratch: tuple[list[str], Index] | None = None

    @cached_property
    def _home(self) -> Path:
        """Where the root really is: to follow its links anew for each file was a fifth of a night without news."""
        return self.root.resolve()

    @cached_property
    def index(self) -> Index:
        """The index that answers searches; see ``catalog.index.upkeep.current``, which lets it know everything."""
        return index_of(self.root)

    def read(self, href: str) -> Item:
        """Read an item.

        Raises:
            CatalogError: If it is not there, damaged, or outside the catalog.
        """
        path = self._inside(href.removeprefix(f"{self.place.url}/"))
        self.look(path.parent.parent)
        item = self.document(path)
        if item is None:
            raise CatalogError(f"{href}: there is no such item")
        check_shape(item, href)
        return item

    def item(self, collection: str, tile: str, name: str) -> Item | None:
        """Read an item as it stands; None where there is none."""
        self.look(self._path(collection, tile, name).parent.parent)
        return self.known(collection, tile, name)

    def known(self, collection: str, tile: str, name: str) -> Item | None:
        """Read an item as it stood when the catalog was last looked at."""
        path = self._path(collection, tile, name)
        item = load(path)
        if item is not None:
            check_shape(item, str(path))
            if (item["collection"], layout.tile_of(item), item["id"]) != (collection, tile, name):
                raise CatalogError(
                    f"{path}: holds {item['id']} of {item['collection']}, expected {name} of {collection}"
                )
        return item

    def sound(self, collection: str, tile: str, name: str) -> Item | None:
        """Read an item as it stands; a damaged one counts as none, for `check` to tell, and to be made again."""
        self.look(self._path(collection, tile, name).parent.parent)
        return self.known_sound(collection, tile, name)

    def known_sound(self, collection: str, tile: str, name: str) -> Item | None:
        """Read an item as ``known`` does; a damaged one counts as none."""
        try:
            return self.known(collection, tile, name)
        except CatalogError:
            return None

    def items(self, collection: str, tile: str | None = None) -> Iterator[Item]:
        """Read the items of a collection, or of one tile of it, sorted by id; those that are damaged are left out."""
        for square in self.tiles(collection) if tile is None else [tile]:
            for name in self.ids(collection, square):
                item = self.sound(collection, square, name)
                if item is not None:
                    yield item

    def href(self, collection: str, tile: str, name: str) -> str:
        """Tell where an item is, or would be."""
        return f"{self.root}/{layout.folder_of(collection, tile, name)}/{name}.json"

    def collections(self) -> list[str]:
        """Name the collections that hold something, sorted."""
        paths = {name: self.root / name / "collection.json" for name in sorted(collections.NAMES)}
        return [name for name, path in paths.items() if self.content(path) is not None]

    def collection(self, name: str) -> dict[str, Any] | None:
        """Read what a collection says of itself; None where it holds nothing, or is damaged."""
        layout.check_collection(name)
        return self.listing(self.root / name / "collection.json")

    def tiles(self, collection: str) -> list[str]:
        """Name the tiles of a collection, sorted."""
        layout.check_collection(collection)
        return [name for name in self.place.folders(self.root / collection) if layout.TILE.fullmatch(name)]

    def ids(self, collection: str, tile: str) -> list[str]:
        """Name the items of a tile, sorted."""
        layout.check_tile(tile)
        layout.check_collection(collection)
        self.look(self.root / collection / tile)
        return _ids(self.root / collection / tile)

    def places(self) -> Iterator[tuple[str, str, str]]:
        """Name collection, tile and id of every item, sorted, be it listed or not."""
        for collection in sorted(collections.NAMES):
            part = self.root / collection
            self.look(part)  # as a whole: to list each tile of a province by itself takes hundreds of requests more
            for tile in filter(layout.TILE.fullmatch, folders(part)):
                yield from ((collection, tile, name) for name in _ids(part / tile))

    def document(self, path: Path) -> dict[str, Any] | None:
        """Read the JSON at a path below ``root``; None where there is none."""
        text = self.content(path)
        return None if text is None else parsed(text, path)

    def content(self, path: Path) -> bytes | None:
        """Read a small file at a path below ``root``; None where there is none."""
        self.place.bring(path)
        return content(path)

    def listing(self, path: Path) -> dict[str, Any] | None:
        """Read a listing; a damaged one counts as none, for it can be made again."""
        try:
            return self.document(path)
        except CatalogError:
            return None

    def look(self, part: Path | None = None) -> None:
        """See what others published in a part of the catalog, or in all of it."""
        for one in [self.root / name for name in collections.NAMES] if part is None else [part]:
            self.place.look(one, self._tell)

    def asset(self, item: Item, key: str) -> Path:
        """Give the absolute path of an asset, of the item as it stands or of an archived one, to be read from it.

        From a bucket it is fetched, and stays for as long as this store is open.

        Raises:
            CatalogError: If the item has no such asset, its href is not that of a file in its version's folder, or
                the bucket holds other bytes.
        """
        path = self._file(item, key)
        self.place.fetch(path, item["assets"][key], self)
        return path

    def bring(self, path: Path, user: object) -> None:
        """Let a published file at a path below ``root`` be there, to be read for as long as its user lives."""
        version, home = path.parent, path.parent.parent
        part = self.root.joinpath(*path.relative_to(self.root).parts[:2])
        if part.parent.name in collections.NAMES and layout.TILE.fullmatch(part.name):
            self.look(part)
        item = self.document(home / f"{home.name}.json") if layout.VERSION.fullmatch(version.name) else None
        if item is not None and item["properties"]["version"] != version.name:
            item = self.document(version / f"{home.name}.json")
        named = (
            []
            if item is None
            else [key for key, one in item["assets"].items() if one["href"].endswith(f"/{path.name}")]
        )
        if item is not None and named:
            self.place.fetch(self._file(item, named[0]), item["assets"][named[0]], user)
        elif not layout.VERSION.fullmatch(version.name) or path.name == f"{home.name}.json":
            self.place.bring(path)

    def state(self, files: Sequence[str]) -> str:
        """Tell how files of items look, each named relative to ``root``: whatever is done to one of them changes it."""
        return self.place.state(files, self._tell)

    def size(self, item: Item, key: str) -> int:
        """Give the bytes that an asset has; OSError where it is missing."""
        return self.place.size(self._file(item, key))

    def address(self, item: Item, key: str) -> str:
        """Give the absolute href of an asset: a path, or s3://bucket/key."""
        return self.place.address(self._file(item, key))

    def record_of(self, item: Item) -> Path:
        """Tell where it is kept who made this version of an item, when and in what time."""
        layout.folder_of(item["collection"], layout.tile_of(item), item["id"])
        folder = self.root / "executions" / str(item["collection"]) / str(item["id"])
        return folder / f"{item['properties']['version']}.json"

    def verified(self, href: str) -> int:
        """Tell when an item was last known to hold what its sources held, ns since 1970-01-01 UTC."""
        with told(href):
            return self.place.verified(self._inside(href))

    def _file(self, item: Item, key: str) -> Path:
        check_shape(item, str(item.get("id")))
        if key not in item["assets"]:
            raise CatalogError(f"{item['id']}: has no asset {key!r}, only {', '.join(item['assets'])}")
        version, href = item["properties"]["version"], str(item["assets"][key].get("href"))
        file = layout.check_file(href.removeprefix("./").removeprefix(f"{version}/"), item["id"])
        folder = self._path(item["collection"], layout.tile_of(item), item["id"]).parent
        return self._inside(folder / version / file)

    def _tell(self, changed: Sequence[Path]) -> None:
        upkeep.learn(self, [(path.parent.parent.parent.name, path.parent.name) for path in changed])

    def _path(self, collection: str, tile: str, name: str) -> Path:
        return self.root / layout.folder_of(collection, tile, name) / f"{name}.json"

    def _inside(self, href: str | Path) -> Path:
        path = self.root / href
        if not path.resolve().is_relative_to(self._home):
            raise CatalogError(f"{href}: is not below {self.root}")
        return path


def _ids(folder: Path) -> list[str]:
    names = [name for name in folders(folder) if layout.ID.fullmatch(name)]
    # A Path takes three times as long, and every night asks for every item of a tile.
    return [name for name in names if os.path.isfile(f"{folder}/{name}/{name}.json")]  # noqa: PTH113
