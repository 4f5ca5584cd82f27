"""What it takes to make an item again: its inputs lent to another catalog, and two makings compared byte for byte."""

import copy
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.layout import Item, own_links, tile_of
from catalog.place.disk import save, told
from catalog.store import Store
from s2lookback.errors import SceneError
from s2lookback.files import checksum
from s2lookback.mrap.difference import changed_pixels

EQUAL = "equal"


@dataclass(frozen=True, slots=True)
class Reproduction:
    """An item and the same made again."""

    id: str
    version: str
    assets: Mapping[str, str]
    """Each asset to ``equal``, or to how it differs."""
    reasons: tuple[str, ...]
    """Why they may differ; empty if they do not."""

    @property
    def equal(self) -> bool:
        """True if every asset has the same bytes."""
        return all(found == EQUAL for found in self.assets.values())


def lend(store: Store, item: Item, other: Store) -> str:
    """Let another catalog stand on one version of an item, as it stands or archived; return its href there.

    Files are linked where both catalogs lie on one file system, else copied; a product is never changed in place.

    Raises:
        CatalogError: If an asset's href is not that of a file of this version.
        TransientError: If a file has gone.
    """
    version = item["properties"]["version"]
    path = Path(other.href(item["collection"], tile_of(item), item["id"]))
    lent = copy.deepcopy(item)
    lent["links"] = own_links(item)
    lent["properties"].pop("deprecated", None)
    with told(path):
        (path.parent / version).mkdir(parents=True, exist_ok=True)
        for key, asset in lent["assets"].items():
            file = store.asset(item, key)
            _share(file, path.parent / version / file.name)
            asset["href"] = f"./{version}/{file.name}"
        save(path, lent)
    return str(path)


def _share(file: Path, to: Path) -> None:
    if to.exists():
        return
    try:
        os.link(file, to)
    except OSError:  # another file system, or one that has no links
        shutil.copyfile(file, to)


def compare(store: Store, item: Item, other: Store, made: Item) -> Reproduction:
    """Compare an item with the same made again, asset by asset, and say why they may differ."""
    keys = sorted(item["assets"].keys() | made["assets"].keys())
    assets = {key: _difference(store, item, other, made, key) for key in keys}
    differ = any(found != EQUAL for found in assets.values())
    reasons = _reasons(item["properties"], made["properties"]) if differ else []
    return Reproduction(item["id"], item["properties"]["version"], assets, tuple(reasons))


def _difference(store: Store, item: Item, other: Store, made: Item, key: str) -> str:
    if key not in made["assets"]:
        return "is not made any more"
    if key not in item["assets"]:
        return "was not made then"
    then, now = store.asset(item, key), other.asset(made, key)
    with told(then):
        found = checksum(then)
    if found == made["assets"][key]["file:checksum"]:
        return EQUAL
    if found != item["assets"][key].get("file:checksum"):
        return "was damaged since it was published: its bytes are not those of its checksum"
    return _pixels(str(then), str(now)) if now.suffix == ".tif" else "differs in its bytes"


def _pixels(then: str, now: str) -> str:
    try:
        moved = changed_pixels({"": then}, {"": now})
    except SceneError as error:
        return f"differs, and cannot be compared: {error}"
    return f"differs in {moved} pixels" if moved else "has equal pixels in other bytes"


def _reasons(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    before, after = then["s2lookback:recipe"], now["s2lookback:recipe"]
    found = []
    if before["revision"] != after["revision"]:
        found.append(f"it was made by revision {before['revision']} of its stage, this is {after['revision']}")
    for kind, of in (("setting", "settings"), ("input", "inputs")):
        found += _changes(kind, before[of], after[of])
    found += _changes("program", then.get("processing:software", {}), now.get("processing:software", {}))
    return found or ["nothing that was recorded explains it"]


def _changes(kind: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    names = sorted(then.keys() | now.keys())
    return [
        f"the {kind} {name} was {then.get(name, 'absent')}, now {now.get(name, 'absent')}"
        for name in names
        if then.get(name) != now.get(name)
    ]
