"""The store: what exists, in a folder or a bucket. The item JSON is the commit; every listing is derived from it."""

import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from catalog import audit, collections, layout, listing, upkeep
from catalog.audit import Problem
from catalog.disk import content, load, locked, parsed, told, told_full, written
from catalog.index import Index, index_of
from catalog.layout import Item
from catalog.place import folders, place_of
from catalog.provenance import Recipe, require_complete
from catalog.version import documents, measured, settle
from s2lookback.errors import CatalogError, TransientError
from s2lookback.files import flush

_STAGE = ".stage-"
_TRIES = 10


@dataclass(frozen=True, slots=True)
class Request:
    """A product that is wanted."""

    collection: str
    id: str
    tile: str
    recipe: Recipe

    def __post_init__(self) -> None:
        layout.folder_of(self.collection, self.tile, self.id)


class Store:
    """A STAC catalog in a folder or a bucket; any number of processes may read and publish at once."""

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
        """The index that answers searches; see ``catalog.upkeep.current``, which lets it know everything."""
        return index_of(self.root)

    def find(self, request: Request) -> str | None:
        """Give the href of the item if it was made from this recipe and none of its assets is missing or cut short.

        Sizes are compared, not bytes. A damaged item counts as absent: making it again mends it.
        """
        item = self._made_from(request)
        if item is None and self.place.forget():  # another machine may have made it just now
            item = self._made_from(request)
        if item is None:
            return None
        path = self._path(request.collection, request.tile, request.id)
        if not self.place.is_listed(path.parent):  # its publisher was killed between the commit and the listing
            listing.enter(self, item)
        return str(path)

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
        layout.check_shape(item, href)
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
            layout.check_shape(item, str(path))
            if (item["collection"], layout.tile_of(item), item["id"]) != (collection, tile, name):
                raise CatalogError(
                    f"{path}: holds {item['id']} of {item['collection']}, expected {name} of {collection}"
                )
        return item

    def items(self, collection: str, tile: str | None = None) -> Iterator[Item]:
        """Read the items of a collection, or of one tile of it, sorted by id."""
        for square in self.tiles(collection) if tile is None else [tile]:
            for name in self.ids(collection, square):
                item = self.item(collection, square, name)
                if item is not None:
                    yield item

    def href(self, collection: str, tile: str, name: str) -> str:
        """Tell where an item is, or would be."""
        return str(self._path(collection, tile, name))

    def collections(self) -> list[str]:
        """Name the collections that hold something, sorted."""
        paths = {name: self.root / name / "collection.json" for name in sorted(collections.NAMES)}
        return [name for name, path in paths.items() if self.content(path) is not None]

    def collection(self, name: str) -> dict[str, Any] | None:
        """Read what a collection says of itself; None where it holds nothing, or is damaged."""
        layout.check_collection(name)
        return self.listing(self.root / name / "collection.json")

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

    def keep(self, path: Path, facts: Mapping[str, Any]) -> None:
        """Write a JSON at a path below ``root`` that is no item, whole or not at all."""
        self.place.revise(path, lambda _: written(dict(facts)))

    def look(self, part: Path | None = None) -> None:
        """See what others published in a part of the catalog, or in all of it."""
        for one in [self.root / name for name in collections.NAMES] if part is None else [part]:
            self.place.look(one, self._tell)

    def tiles(self, collection: str) -> list[str]:
        """Name the tiles of a collection, sorted."""
        layout.check_collection(collection)
        return [name for name in self.place.folders(self.root / collection) if layout.TILE.fullmatch(name)]

    def ids(self, collection: str, tile: str) -> list[str]:
        """Name the items of a tile, sorted."""
        layout.check_tile(tile)
        layout.check_collection(collection)
        folder = self.root / collection / tile
        self.look(folder)
        names = [name for name in folders(folder) if layout.ID.fullmatch(name)]
        return [name for name in names if (folder / name / f"{name}.json").is_file()]

    def places(self) -> Iterator[tuple[str, str, str]]:
        """Name collection, tile and id of every item, sorted, be it listed or not."""
        for collection in sorted(collections.NAMES):
            for tile in self.tiles(collection):
                yield from ((collection, tile, name) for name in self.ids(collection, tile))

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

    def size(self, item: Item, key: str) -> int:
        """Give the bytes that an asset has; OSError where it is missing."""
        return self.place.size(self._file(item, key))

    def address(self, item: Item, key: str) -> str:
        """Give the absolute href of an asset: a path, or s3://bucket/key."""
        return self.place.address(self._file(item, key))

    def _file(self, item: Item, key: str) -> Path:
        layout.check_shape(item, str(item.get("id")))
        if key not in item["assets"]:
            raise CatalogError(f"{item['id']}: has no asset {key!r}, only {', '.join(item['assets'])}")
        version, href = item["properties"]["version"], str(item["assets"][key].get("href"))
        file = layout.check_file(href.removeprefix("./").removeprefix(f"{version}/"), item["id"])
        folder = self._path(item["collection"], layout.tile_of(item), item["id"]).parent
        return self._inside(folder / version / file)

    @contextmanager
    def stage(self, request: Request) -> Iterator[Path]:
        """Offer a private folder for a product's files; what is not published when it is left is removed."""
        home = self._path(request.collection, request.tile, request.id).parent
        folder = home / f"{_STAGE}{uuid.uuid4().hex}"
        with told(folder):
            folder.mkdir(parents=True)
        try:
            with told_full(folder):
                yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(
        self, request: Request, folder: Path, item: Mapping[str, Any], replaced: Mapping[str, Any] | None = None
    ) -> str:
        """Publish the files of a stage under an item, whole or not at all; return the item's href.

        Equal content gets no new version: at most the item's facts are refreshed.

        Args:
            request: What was wanted.
            folder: The stage, with every file that the item's assets name and no other.
            item: As a builder of ``catalog.items`` gives it; asset hrefs are bare file names.
            replaced: What to tell of the difference, should it replace another version.

        Raises:
            CatalogError: If a file is missing, empty or unnamed, provenance is incomplete, or the catalog is read-only.
            TransientError: If the disk is full or fails.
        """
        path = self._path(request.collection, request.tile, request.id)
        with told(path):
            whole, files = self._measured(request, folder, item)
            for file in files:
                flush(folder / file)
            flush(folder)
            with locked(path.parent), upkeep.noted(self, (request.collection, request.id)):
                settle(folder, path.parent / whole["properties"]["version"], files)
                self._commit(path.parent, request, whole, replaced or {})
            listing.enter(self, whole)
        return str(path)

    def record_execution(self, item_href: str, facts: Mapping[str, Any]) -> None:
        """Keep who made an item, when and in what time, beside the products: it is no part of them."""
        item = self.read(item_href)
        folder = self.root / "executions" / str(item["collection"]) / str(item["id"])
        self.keep(folder / f"{item['properties']['version']}.json", facts)

    def touch(self, href: str, since: datetime) -> None:
        """Note that an item holds what its sources held at a time: that before the first byte of them was read."""
        with told(href):
            self.place.touch(self._inside(href), since)

    def verified(self, href: str) -> int:
        """Tell when an item was last known to hold what its sources held, ns since 1970-01-01 UTC."""
        with told(href):
            return self.place.verified(self._inside(href))

    def retract(self, collection: str, tile: str, name: str) -> None:
        """Take an item out of the catalog with all its versions; the JSON goes first."""
        path = self._path(collection, tile, name)
        self.look(path.parent.parent)
        if not path.parent.is_dir():
            return
        with told(path), locked(path.parent), upkeep.noted(self, (collection, name)):
            self.place.remove(path.parent)
        with told(path):
            listing.refresh(self, collection, tile, None)

    def gc(self, older_than: float = 86_400.0) -> list[str]:
        """Remove what no item names and is older than this, seconds: stages, versions and parts of killed processes."""
        return self.place.collect(older_than)

    def check(self, *, deep: bool = False) -> list[Problem]:
        """List the items that cannot be read and the assets that are missing or cut short; deep: or have changed."""
        return list(audit.check(self, self.places(), deep=deep))

    def relist(self) -> None:
        """Make every listing anew from the items."""
        listing.relist(self)

    def stand(self, item: Item, old: Item | None, facts: Mapping[str, Any]) -> bool:
        """Let an item stand instead of the one that stood when its home was renewed: this is the commit.

        The caller keeps others out of its home; tells whether no other machine was faster.
        """
        home = self._path(item["collection"], layout.tile_of(item), item["id"]).parent
        kept = old is not None and self.place.holds(home / old["properties"]["version"])
        return self.place.commit(documents(home, item, old, facts, kept=kept), new=old is None)

    def renew(self, home: Path) -> None:
        """See what became of an item just now; the caller keeps others out of its home."""
        self.place.renew(home, self._tell)

    def _tell(self, changed: Sequence[Path]) -> None:
        upkeep.learn(self, [(path.parent.parent.parent.name, path.parent.name) for path in changed])

    def _path(self, collection: str, tile: str, name: str) -> Path:
        return self.root / layout.folder_of(collection, tile, name) / f"{name}.json"

    def _inside(self, href: str | Path) -> Path:
        path = self.root / href
        if not path.resolve().is_relative_to(self._home):
            raise CatalogError(f"{href}: is not below {self.root}")
        return path

    def _measured(self, request: Request, folder: Path, item: Mapping[str, Any]) -> tuple[Item, dict[str, str]]:
        """Fill in what the files tell, and refuse what is not exactly the product that was wanted."""
        home = self._path(request.collection, request.tile, request.id).parent
        if folder.parent != home or not folder.name.startswith(_STAGE):
            raise CatalogError(f"{folder}: is no stage of {request.id}")
        if (item["collection"], item["id"], layout.tile_of(item)) != (request.collection, request.id, request.tile):
            raise CatalogError(f"{request.id}: was wanted, but the item is {item['id']} of {item['collection']}")
        whole, files = measured(folder, item, request.recipe)
        require_complete(whole)
        return self.place.stored(whole), files

    def _made_from(self, request: Request) -> Item | None:
        """Read the item that stands if it is what is wanted, whole."""
        self.look(self.root / request.collection / request.tile)
        item = self._standing(request)
        if item is None or item["properties"].get("s2lookback:recipe") != request.recipe.to_dict():
            return None
        return None if any(audit.problems(self, item, deep=False)) else item

    def _standing(self, request: Request) -> Item | None:
        """Read the item that stands; a damaged one counts as none, for it can be made again."""
        try:
            return self.known(request.collection, request.tile, request.id)
        except CatalogError:
            return None

    def _commit(self, home: Path, request: Request, item: Item, facts: Mapping[str, Any]) -> None:
        """Let an item stand; where another machine was faster, see what it published and do it again."""
        for _ in range(_TRIES):
            self.renew(home)
            if self.stand(item, self._standing(request), facts):
                return
        raise TransientError(f"{item['id']}: changes faster than it can be written")
