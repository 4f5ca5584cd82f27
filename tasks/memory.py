"""What earlier runs found right, known again by how its files look; whoever loses it loses time and nothing else."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from catalog.index.protocol import FOLDER
from catalog.place.disk import content, keep, told
from catalog.provenance import digest_of
from catalog.store import Store
from s2lookback.errors import CatalogError, TransientError

_LOG = logging.getLogger(__name__)

Files = dict[str, list[str]]
"""The files of items, by the folder of each item."""


@dataclass(frozen=True, slots=True)
class Look:
    """How some items looked at one moment."""

    state: str
    """Digest of what they rest on, of their JSON, and of their files: whatever is done to one of them changes it."""
    files: Files


@dataclass(frozen=True, slots=True)
class _Known:
    look: Look
    facts: dict[str, Any]


_KNOWN = TypeAdapter(dict[str, _Known])


class Memory:
    """Facts by name, each good for as long as what it was learnt from looks as it did then."""

    def __init__(self, store: Store, name: str) -> None:
        """Open a memory; one that is not there, or damaged, remembers nothing."""
        self._store = store
        self._path = store.root / FOLDER / f"{name}.json"
        self._before = _read(self._path)
        self._now = dict(self._before)

    def recall(self, name: str, basis: str, homes: Sequence[str]) -> tuple[Look, Mapping[str, Any] | None]:
        """Look at items, before anyone verifies them; give what was noted of a name, if all looks as it did then.

        Args:
            name: Of what is remembered.
            basis: Whatever else it rests on.
            homes: Folders of the items that it rests on, relative to the root; an item may be missing.
        """
        documents = self._store.state([document_of(home) for home in homes])  # before they are read: see `note`
        known = self._before.get(name)
        if known is not None and known.look == self._look(basis, documents, known.look.files):
            return known.look, known.facts
        return self._look(basis, documents, self._files(homes)), None

    def note(self, name: str, look: Look, **facts: Any) -> None:
        """Remember facts that were verified since a look; unless the items name other files now than were looked at."""
        if look.files == self._files(list(look.files)):
            self._now[name] = _Known(look, facts)

    def keep(self) -> None:
        """Keep what is remembered, where it can be written."""
        if self._now == self._before:
            return
        try:
            with told(self._path):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                keep(self._path, _KNOWN.dump_json(self._now), lasting=False)
        except (CatalogError, TransientError) as error:
            _LOG.warning("the next run will verify again what this one did: %s", error)

    def _look(self, basis: str, documents: str, files: Files) -> Look:
        seen = self._store.state([f"{home}/{file}" for home, some in files.items() for file in some])
        return Look(digest_of([basis, documents, seen]), files)

    def _files(self, homes: Sequence[str]) -> Files:
        return {home: sorted(self._named(home)) for home in homes}

    def _named(self, home: str) -> set[str]:
        """Name the files that an item names, relative to its folder; none for one that is missing or damaged."""
        collection, tile, name = home.split("/")
        item = self._store.sound(collection, tile, name)
        return set() if item is None else {str(one["href"]).removeprefix("./") for one in item["assets"].values()}


def document_of(home: str) -> str:
    """Name the JSON of the item in a folder."""
    return f"{home}/{home.rpartition('/')[2]}.json"


def _read(path: Path) -> dict[str, _Known]:
    try:
        return _KNOWN.validate_json(content(path) or b"{}")
    except (CatalogError, TransientError, ValidationError):
        return {}
