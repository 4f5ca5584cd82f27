"""The store: what exists, in a folder or a bucket. The item JSON is the commit; every listing is derived from it."""

import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from catalog import audit, layout, listing
from catalog.audit import Problem
from catalog.index import upkeep
from catalog.layout import Item
from catalog.place.disk import locked, told, told_full, written
from catalog.provenance import Recipe, require_complete
from catalog.reading import Reader
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


class Store(Reader):
    """A STAC catalog; any number of processes may read and publish at once."""

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

    def keep(self, path: Path, facts: Mapping[str, Any]) -> None:
        """Write a JSON at a path below ``root`` that is no item, whole or not at all."""
        self.place.revise(path, lambda _: written(dict(facts)))

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
            item: As a builder of ``catalog.items.builders`` gives it; asset hrefs are bare file names.
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
        self.keep(self.record_of(self.read(item_href)), facts)

    def touch(self, href: str, since: datetime) -> None:
        """Note that an item holds what its sources held at a time: that before the first byte of them was read."""
        with told(href):
            self.place.touch(self._inside(href), since)

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
        return self.place.commit(documents(home, item, old, facts, kept=kept), old)

    def renew(self, home: Path) -> None:
        """See what became of an item just now; the caller keeps others out of its home."""
        self.place.renew(home, self._tell)

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
        item = self.standing(request)
        if item is None or item["properties"].get("s2lookback:recipe") != request.recipe.to_dict():
            return None
        return None if any(audit.problems(self, item, deep=False)) else item

    def standing(self, request: Request) -> Item | None:
        """Read the item that stands where a product is wanted; a damaged one counts as none."""
        return self.known_sound(request.collection, request.tile, request.id)

    def _commit(self, home: Path, request: Request, item: Item, facts: Mapping[str, Any]) -> None:
        """Let an item stand; where another machine was faster, see what it published and do it again."""
        for _ in range(_TRIES):
            self.renew(home)
            if self.stand(item, self.standing(request), facts):
                return
        raise TransientError(f"{item['id']}: changes faster than it can be written")
