"""Keeps an index true to the items, whoever is killed when.

Before an item changes, its publisher leaves a note for every index that the catalog has; once its own index knows, it
takes that note away. A search first reads the items that notes are left of, so that none is missed: not those of a
publisher who was killed, not those that came while the index was being made, not those of a worker that keeps another.
"""

import logging
import os
import re
import uuid
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from catalog.index.protocol import FOLDER, Index, Key
from catalog.index.sqlite import SqliteIndex
from catalog.layout import ID, Item, folder_of, tile_in
from catalog.place.disk import busy, locked, shared, told
from s2lookback.errors import CatalogError, TransientError
from s2lookback.files import flush

if TYPE_CHECKING:  # the store tells what it publishes to this module
    from catalog.reading import Reader
    from catalog.store import Store

_LOG = logging.getLogger(__name__)
_NOTE = re.compile(r"([a-z0-9-]+)_([a-zA-Z0-9-]+)_[0-9a-f]{32}")
_TRIES = 10


@contextmanager
def noted(store: "Store", key: Key) -> Iterator[None]:
    """Tell the index what became of an item while this was entered; should that fail, the next search does it.

    The caller keeps others from changing the item meanwhile.
    """
    index = store.index
    folder = _folder(store, index)
    folder.mkdir(parents=True, exist_ok=True)
    if not index.filled() and not store.collections():
        _begin(store, index)
    note, *_ = [_note(one, key) for one in (folder, *_others(folder))]
    yield
    try:
        with shared(folder) as free:  # or the index is just being made anew
            if free and index.filled():
                _sync(store, index, [key])
                note.unlink(missing_ok=True)
    except (CatalogError, TransientError) as error:
        _LOG.warning("%s of %s will be found later: %s", key[1], key[0], error)


def learn(store: "Reader", keys: Sequence[Key]) -> None:
    """Note for the index that lies here what others are found to have changed, before it is changed here."""
    if not keys or not isinstance(store.index, SqliteIndex):  # whoever published it told a server's index
        return
    folder = _folder(store, store.index)
    with told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for key in keys:
            _note_path(folder, key).touch()
        flush(folder)


def describe(store: "Store", collection: Mapping[str, Any]) -> None:
    """Tell the index what a collection says of itself now; should that fail, the next of its items tells it."""
    try:
        if store.index.filled():
            store.index.describe([collection])
    except (CatalogError, TransientError) as error:
        _LOG.warning("%s will be described later: %s", collection["id"], error)


def current(store: "Store") -> Index:
    """Give the index with all that was published: caught up, or filled where it never was or is damaged."""
    if isinstance(store.index, SqliteIndex):
        store.look()
    if _writable(_folder(store, store.index)):
        catch_up(store, store.index)
        return store.index
    if store.index.filled() and not _notes(store, store.index):
        return store.index
    return _scratch(store)


def catch_up(store: "Store", index: Index) -> None:
    """Read the items that notes are left of; fill the index where it never was, or is damaged."""
    if not index.filled():
        rebuild(store, index)
    _settle(store, index, _notes(store, index))


def rebuild(store: "Store", index: Index, items: Iterable[Item] | None = None) -> int:
    """Make an index anew from the items; return how many there are.

    Args:
        store: Whose items.
        index: What is filled.
        items: ``readable(store)``, if the caller watches them pass.
    """
    folder = _folder(store, index)
    with told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        before = _notes(store, index)
        with locked(folder):
            count = index.refill(readable(store) if items is None else items)
            index.describe(filter(None, map(store.collection, store.collections())))
    _settle(store, index, before)
    return count


def readable(store: "Store") -> Iterator[Item]:
    """Read every item; one that is damaged is left out, for `check` to tell."""
    for collection, tile, name in store.places():
        item = store.known_sound(collection, tile, name)
        if item is not None:
            yield item


def _begin(store: "Store", index: Index) -> None:
    """Make the index of a catalog that holds nothing yet."""
    try:
        with locked(_folder(store, index)):
            if not store.collections() and not index.filled():
                index.refill([])
    except (CatalogError, TransientError) as error:
        _LOG.warning("the index will be made later: %s", error)


def _settle(store: "Store", index: Index, notes: Sequence[Path]) -> None:
    """Take over the items that notes are left of, and take away those notes whose writers are done or dead."""
    named = {path: _NOTE.fullmatch(path.name) for path in notes}
    keys = {path: (found[1], found[2]) for path, found in named.items() if found and ID.fullmatch(found[2])}
    done = [path for path, key in keys.items() if not _at_work(store, key)]
    if keys:
        _sync(store, index, sorted(set(keys.values())))
    for path in done:
        path.unlink(missing_ok=True)


def _sync(store: "Store", index: Index, keys: Sequence[Key]) -> None:
    """Let the index hold what the items say now; read again afterwards, for another may have been faster."""
    for _ in range(_TRIES):
        read = {key: store.known_sound(key[0], tile_in(key[1]), key[1]) for key in keys}
        index.upsert(item for item in read.values() if item is not None)
        index.delete(key for key, item in read.items() if item is None)
        keys = [key for key, item in read.items() if store.known_sound(key[0], tile_in(key[1]), key[1]) != item]
        if not keys:
            return
    raise TransientError(f"{keys[0][1]}: changes faster than the index can be told")


def _at_work(store: "Store", key: Key) -> bool:
    folder = store.root / folder_of(key[0], tile_in(key[1]), key[1])
    with told(folder):
        return folder.is_dir() and busy(folder)


def _folder(store: "Reader", index: Index) -> Path:
    """Where the notes for an index lie."""
    return store.root / FOLDER / index.name


def _others(folder: Path) -> list[Path]:
    """Where the notes for the other indexes of the catalog lie."""
    return sorted(one for one in folder.parent.iterdir() if one.is_dir() and one != folder)


def _note_path(folder: Path, key: Key) -> Path:
    return folder / f"{key[0]}_{key[1]}_{uuid.uuid4().hex}"


def _note(folder: Path, key: Key) -> Path:
    path = _note_path(folder, key)
    path.touch()
    flush(folder)
    return path


def _notes(store: "Store", index: Index) -> list[Path]:
    folder = _folder(store, index)
    with told(folder):
        return sorted(folder.iterdir()) if folder.is_dir() else []


def _writable(folder: Path) -> bool:
    there = next(one for one in (folder, *folder.parents) if one.is_dir())
    return os.access(there, os.W_OK)


def _scratch(store: "Store") -> Index:
    """Make an index elsewhere for a catalog that cannot be written; it lasts as long as the store is open."""
    state = [path.name for path in _notes(store, store.index)]
    if store.scratch is None or store.scratch[0] != state:
        home = mkdtemp(prefix="s2lookback-")
        weakref.finalize(store, rmtree, home, ignore_errors=True)
        index = SqliteIndex(Path(home) / "items.sqlite")
        index.refill(readable(store))
        store.scratch = (state, index)
    return store.scratch[1]
