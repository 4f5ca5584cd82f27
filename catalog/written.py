"""Items that are written from outside: JSON for files that lie in the catalog already, held to the law of all others.

An item that exists is complete. So whoever writes one puts its files below the root first, in the folder that the hash
of their content names; what is written is the commit. Nothing is taken on trust: sizes and checksums are measured.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

from catalog import listing
from catalog.audit import problems
from catalog.index import upkeep
from catalog.index.places import bounds
from catalog.index.protocol import QueryError, reach
from catalog.items.builders import COLLECTIONS
from catalog.items.extensions import EXTENSIONS, used
from catalog.items.schema import own
from catalog.layout import Item, folder_of, tile_of
from catalog.origin.descent import descendants, key_of
from catalog.place.disk import locked, told
from catalog.provenance import Recipe, content_digest, require_complete
from catalog.shape import check_shape
from catalog.store import Store
from s2lookback.errors import CatalogError

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_TIMES = ("datetime", "start_datetime", "end_datetime")
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
"""Control characters and halves of characters: PostgreSQL and UTF-8 know no way to write them."""

_LARGEST = 2**53
"""Beyond it JSON readers disagree on what an integer is."""


class RefusedError(CatalogError):
    """What was written is no item that this catalog can hold: the writer must change it."""


class ConflictError(CatalogError):
    """What was written contradicts what is there."""


def write(store: Store, item: Item, *, old: Item | None) -> None:
    """Take in an item whose files lie in the folder of its version, whole or not at all.

    Args:
        store: Where to.
        item: Hrefs as in the catalog's own files: ``./<version>/<file>``, and relative to the item's JSON.
        old: The item that it replaces; None if it is new.

    Raises:
        RefusedError: If it is not such an item.
        ConflictError: If what stands is not ``old``.
    """
    whole = _checked(store, item)
    collection, tile, name = whole["collection"], tile_of(whole), whole["id"]
    home = store.root / folder_of(collection, tile, name)
    with told(home):
        with locked(home), upkeep.noted(store, (collection, name)):
            store.renew(home)
            if store.known(collection, tile, name) != old:
                raise ConflictError(f"{name}: {'is there already' if old is None else 'has changed meanwhile'}")
            for problem in problems(store, whole, deep=False):  # swept since they were hashed
                raise ConflictError(f"{name}: {problem.reason}")
            if not store.stand(whole, old, {}):
                raise ConflictError(f"{name}: has changed meanwhile")
        listing.enter(store, whole)


def remove(store: Store, item: Item) -> None:
    """Take out an item that nothing was made from, with its files.

    Raises:
        ConflictError: If another item says that it was made from it.
    """
    made = sorted(name for name, _ in descendants(store, item).keys() - {key_of(item)})
    if made:
        raise ConflictError(f"{item['id']}: {made[0]} was made from it; `s2lookback retract` makes that anew")
    store.retract(item["collection"], tile_of(item), item["id"])


def _checked(store: Store, item: Item) -> Item:
    """Check what the item says of itself, and its files; give it with the extensions that it uses."""
    try:
        _check_values(item)
        check_shape(item, str(item.get("id")))
        folder_of(item["collection"], tile_of(item), item["id"])
        if COLLECTIONS.get(item["id"].partition("-")[0]) != item["collection"]:
            raise RefusedError(f"{item['id']}: is no id of an item of {item['collection']}")
        _check_place(item)
        require_complete(item)
        Recipe.from_dict(item["properties"]["s2lookback:recipe"])
        for fault in own().faults(item):
            raise RefusedError(f"{item['id']}: {fault}")
        _check_files(store, item)
        named = {*item.get("stac_extensions", ()), *used(item["properties"], item["assets"]), EXTENSIONS["version"]}
        return store.place.stored({**item, "stac_extensions": sorted(named)})
    except (CatalogError, QueryError) as error:
        raise error if isinstance(error, RefusedError) else RefusedError(str(error)) from error
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise RefusedError(f"{str(item.get('id'))[:80]}: is no item ({type(error).__name__}: {error})") from error


def _check_values(content: Any) -> None:
    """Refuse what one of the two indexes, or a reader of JSON, would change or not take."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            _check_values(key)
            _check_values(value)
    elif isinstance(content, list):
        for value in content:
            _check_values(value)
    elif content is None:
        raise RefusedError("holds a null: leave out what is not known")
    elif isinstance(content, str) and _UNSAFE.search(content):
        raise RefusedError("holds a control character")
    elif isinstance(content, int | float) and not (math.isfinite(content) and abs(content) <= _LARGEST):
        raise RefusedError("holds a number that is not finite or above 2^53")


def _check_place(item: Item) -> None:
    """Refuse an outline that is no polygon, a box of another outline, or times that the indexes would answer apart."""
    if item.get("type") != "Feature" or item["geometry"].get("type") not in {"Polygon", "MultiPolygon"}:
        raise RefusedError(f"{item['id']}: expected a Feature whose geometry is a Polygon or a MultiPolygon")
    west, south, east, north = bounds(item["geometry"])
    if len(item["bbox"]) != 4 or not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise RefusedError(f"{item['id']}: expected an outline on the Earth, and a box of four numbers")
    if not (item["bbox"][1] <= south + 1e-6 and north <= item["bbox"][3] + 1e-6):
        raise RefusedError(f"{item['id']}: the box does not hold the outline")
    times = [item["properties"][name] for name in _TIMES if name in item["properties"]]
    if not all(_TIME.fullmatch(time) for time in times):
        raise RefusedError(f"{item['id']}: expected times in whole seconds, like 2025-08-30T19:38:31Z")
    start, end = reach(item)
    if not start <= end or item["properties"].get("end_datetime", times[0]) != times[0]:
        raise RefusedError(f"{item['id']}: expected a range of time that ends at its datetime")


def _check_files(store: Store, item: Item) -> None:
    """Refuse an item whose files are not there, whole, its own, and all that its version names."""
    name, facts = item["id"], item["properties"]
    files = {}
    for key, asset in item["assets"].items():
        path = store.asset(item, key)
        if asset["href"] != f"./{facts['version']}/{path.name}" or path.is_symlink() or not path.is_file():
            raise RefusedError(f"{name}: asset {key} has no file {asset['href'][:80]!r} in the folder of its version")
        files[path.name] = asset["file:checksum"]
    for problem in problems(store, item, deep=True):
        raise RefusedError(f"{name}: {problem.reason}")
    content = content_digest(files)
    if (facts["s2lookback:content"], facts["version"]) != (content, content[:12]):
        raise RefusedError(f"{name}: its files make version {content[:12]}, but it says {facts['version']}")
