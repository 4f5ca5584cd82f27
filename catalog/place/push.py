"""A catalog put into a bucket, as a static STAC catalog that anyone may read while it is written.

Item by item: the files of a version, confirmed; then its record and the versions that it replaced; the item's JSON
last, and only if it is still as it was listed. Then the listing of the tile, then what is gone is removed; the
collections and the root come in the end. A bucket is listed before the catalog is read, so what is put there is never
older than what was seen there. Of two pushers the slower yields; whoever is killed is followed by one that finishes.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from catalog import audit, layout
from catalog.items import collections
from catalog.items.builders import COLLECTIONS
from catalog.layout import GEOJSON, JSON, Item
from catalog.place.bucket import Bucket, Seen
from catalog.place.disk import load, written
from catalog.place.protocol import Folder
from catalog.place.storage import stored
from catalog.store import Store
from s2lookback.errors import CatalogError, TransientError

UNCHANGED, YIELDED = "unchanged", "yielded"

_KEY = re.compile(
    rf"[a-z-]+/{layout.TILE.pattern}/(?P<id>{layout.ID.pattern})/((?P=id)\.json|{layout.VERSION.pattern}/[^/]+)"
    rf"|executions/[a-z-]+/(?P<made>{layout.ID.pattern})/{layout.VERSION.pattern}\.json"
)
_STAGES = {name: stage for stage, name in COLLECTIONS.items()}
_OLD = timedelta(days=1)
"""After which a file that no item names is no other pusher's who is still at work."""
_TRIES = 10


@dataclass(frozen=True, slots=True)
class Step:
    """What became of an item."""

    item: str
    """Id."""
    done: str
    """``pushed``, ``unchanged``, ``removed``, ``yielded`` to another pusher, or ``damaged``: it was left as it is."""
    reason: str = ""


@dataclass(slots=True)
class _Shelf:
    """A tile of a collection in the bucket."""

    collection: str
    tile: str
    there: Mapping[str, Seen]
    """What was listed of it, by key."""
    kept: set[str] = field(default_factory=set)
    """Keys of what the catalog holds of it."""

    @property
    def folder(self) -> str:
        return f"{self.collection}/{self.tile}"

    @property
    def catalog(self) -> str:
        return f"{self.folder}/catalog.json"

    def item(self, name: str) -> str:
        """Give the key of an item's JSON."""
        return f"{self.folder}/{name}/{name}.json"

    def keep(self, name: str) -> None:
        """Leave all that belongs to an item as it is."""
        self.kept.update(key for key in self.there if _owner(key) == name)

    def listing(self, there: Iterable[str], gone: Iterable[str]) -> dict[str, Any]:
        """List the items whose JSON is there and stays."""
        names = {name for key in there if (name := _owner(key)) and key == self.item(name)}
        return layout.tile_catalog(self.collection, self.tile, sorted(names.difference(gone)))


def push(store: Store, bucket: Bucket) -> Iterator[Step]:
    """Let a bucket hold what a catalog holds; give what became of each item, as it happens.

    A prefix of a bucket belongs to one catalog: what bears the name of an item, and is not in the catalog, is removed.
    Whatever else lies there is left alone.

    Raises:
        CatalogError: If the catalog holds nothing, or the bucket refuses.
        TransientError: If the bucket cannot be reached now; run it again.
    """
    if not isinstance(store.place, Folder):
        raise CatalogError(f"{store.place.url}: lies in a bucket already; what is pushed lies on a disk")
    if not store.collections():
        raise CatalogError(f"{store.root}: holds nothing, and a bucket is not emptied by mistake")
    storage, shelved = bucket.storage(), dict[str, set[str]]()
    for name in collections.NAMES:
        shelved[name] = {*store.tiles(name), *filter(layout.TILE.fullmatch, bucket.folders(name))}
        for tile in sorted(shelved[name]):
            yield from _push_tile(store, bucket, _shelf(bucket, name, tile), storage)
    for name in store.collections():
        _settle(bucket, f"{name}/collection.json", partial(_collection, store, bucket, name, shelved[name]))
    _settle(bucket, "catalog.json", lambda: layout.root_catalog(_held(bucket)))


def _shelf(bucket: Bucket, collection: str, tile: str) -> _Shelf:
    records = bucket.listing(f"executions/{collection}", f"{_STAGES[collection]}-{tile}-")
    return _Shelf(collection, tile, {**bucket.listing(f"{collection}/{tile}"), **records})


def _push_tile(store: Store, bucket: Bucket, shelf: _Shelf, storage: Mapping[str, str]) -> Iterator[Step]:
    """Put the items of a tile into the bucket, list them, and remove what is gone: the items, then their files."""
    still = True
    for name in store.ids(shelf.collection, shelf.tile):
        step = _push_item(store, bucket, shelf, name, storage)
        still &= step.done == UNCHANGED
        yield step
    gone = [name for key in shelf.there if (name := _owner(key)) and key == shelf.item(name) and key not in shelf.kept]
    seen = shelf.there.get(shelf.catalog)
    if not (still and seen and seen.holds(written(shelf.listing(shelf.there, gone)))):
        _settle(bucket, shelf.catalog, lambda: shelf.listing(bucket.listing(shelf.folder), gone))
    bucket.remove([shelf.item(name) for name in gone])
    bucket.remove(list(_unnamed(shelf, gone)))
    yield from (Step(name, "removed") for name in gone)


def _push_item(store: Store, bucket: Bucket, shelf: _Shelf, name: str, storage: Mapping[str, str]) -> Step:
    """Put an item with all its versions into the bucket, its files first."""
    try:
        item = store.item(shelf.collection, shelf.tile, name)
        if item is None:
            return Step(name, YIELDED, "it was retracted meanwhile")
        versions = {**_archived(store, shelf, name), shelf.item(name): item}
        missing = [one for version in versions.values() for one in _missing(store, shelf, version)]
        records = _records(store, shelf, name)
    except CatalogError as error:
        shelf.keep(name)
        return Step(name, "damaged", str(error))
    documents = {**records, **{key: stored(one, storage) for key, one in versions.items()}}
    shelf.kept.update(documents)
    try:
        for key, path, asset in missing:
            bucket.upload(path, key, asset)
    except CatalogError:
        if store.item(shelf.collection, shelf.tile, name) == item:
            raise
        return Step(name, YIELDED, "it changed meanwhile")
    step = _commit(store, bucket, shelf, item, documents)
    return Step(name, "pushed") if missing and step.done == UNCHANGED else step


def _commit(store: Store, bucket: Bucket, shelf: _Shelf, item: Item, documents: Mapping[str, dict[str, Any]]) -> Step:
    """Write the JSON of an item, its own last: this is the commit."""
    done = UNCHANGED
    for key, document in documents.items():
        content, before = written(document), shelf.there.get(key)
        if before and before.holds(content):
            continue
        if store.item(shelf.collection, shelf.tile, item["id"]) != item:
            return Step(item["id"], YIELDED, "it changed meanwhile")
        if not bucket.put(
            key, content, before.etag if before else None, GEOJSON if document.get("type") == "Feature" else JSON
        ):
            return Step(item["id"], YIELDED, "another pusher was faster")
        done = "pushed"
    if done != UNCHANGED and store.item(shelf.collection, shelf.tile, item["id"]) is None:
        bucket.remove([shelf.item(item["id"])])
        return Step(item["id"], YIELDED, "it was retracted meanwhile")
    return Step(item["id"], done)


def _archived(store: Store, shelf: _Shelf, name: str) -> dict[str, Item]:
    """Read the versions that an item replaced, by key."""
    home = store.root / shelf.folder / name
    found = [path for path in sorted(home.glob(f"*/{name}.json")) if layout.VERSION.fullmatch(path.parent.name)]
    return {f"{shelf.folder}/{name}/{path.parent.name}/{path.name}": store.read(str(path)) for path in found}


def _records(store: Store, shelf: _Shelf, name: str) -> dict[str, dict[str, Any]]:
    """Read who made an item and its versions, by key."""
    folder = f"executions/{shelf.collection}/{name}"
    read = {f"{folder}/{path.name}": load(path) for path in sorted((store.root / folder).glob("*.json"))}
    return {key: facts for key, facts in read.items() if facts is not None and _owner(key) == name}


def _missing(store: Store, shelf: _Shelf, version: Item) -> list[tuple[str, Path, Mapping[str, Any]]]:
    """List the files of a version that the bucket has not: key, path and asset of each.

    Raises:
        CatalogError: If one of them is not what the item says; the bucket gets none of them then.
    """
    home = f"{shelf.folder}/{version['id']}/{version['properties']['version']}"
    files = [(store.asset(version, name), asset) for name, asset in version["assets"].items()]
    shelf.kept.update(f"{home}/{path.name}" for path, _ in files)
    sizes = {key: seen.size for key, seen in shelf.there.items()}
    missing = [
        (key, path, asset) for path, asset in files if sizes.get(key := f"{home}/{path.name}") != asset.get("file:size")
    ]
    problem = next(audit.problems(store, version, deep=True), None) if missing else None
    if problem:
        raise CatalogError(problem.reason)
    return missing


def _unnamed(shelf: _Shelf, gone: Sequence[str]) -> Iterator[str]:
    """Name what belongs to no item: of those gone all, of others only what no other pusher can be about to name.

    A pusher who replaces an item that is gone notices it; one who puts it there for the first time could not.
    """
    old = datetime.now(UTC) - _OLD
    for key, seen in shelf.there.items():
        name = _owner(key)
        if name and key != shelf.item(name) and key not in shelf.kept and (name in gone or seen.changed < old):
            yield key


def _owner(key: str) -> str:
    """Read which item an object belongs to; nothing where its name is none that this module gives."""
    match = _KEY.fullmatch(key)
    return (match["id"] or match["made"]) if match else ""


def _collection(store: Store, bucket: Bucket, name: str, shelved: Collection[str]) -> dict[str, Any]:
    """Describe a collection, with the tiles that are listed: these, and what another pusher brought meanwhile."""
    whole = store.collection(name)
    if whole is None:
        raise CatalogError(f"{name}: its collection.json is damaged; `s2lookback catalog rebuild` mends it")
    tiles = [tile for tile in bucket.folders(name) if tile in shelved or bucket.seen(f"{name}/{tile}/catalog.json")]
    return collections.linked(whole, tiles)


def _held(bucket: Bucket) -> list[str]:
    """Name the collections that are there; one that holds nothing any more stays, so that no link ever breaks."""
    return [name for name in sorted(collections.NAMES) if bucket.seen(f"{name}/collection.json")]


def _settle(bucket: Bucket, key: str, make: Callable[[], dict[str, Any]]) -> None:
    """Write a listing; make it again where another pusher wrote it meanwhile."""
    for _ in range(_TRIES):
        before, content = bucket.seen(key), written(make())
        if (before and before.holds(content)) or bucket.put(key, content, before.etag if before else None, JSON):
            return
    raise TransientError(f"{bucket.url}/{key}: changes faster than it can be written")
