"""The objects of a bucket, by the item that they belong to: read from their names alone."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from catalog.items.collections import NAMES
from catalog.layout import ID, TILE, VERSION
from catalog.place.bucket import Bucket, Seen
from catalog.place.disk import parsed
from catalog.place.protocol import UNLISTED
from s2lookback.errors import CatalogError

Homes = dict[str, dict[str, Seen]]
"""What was listed, by the folder of the item and by key."""

_HOME = rf"[a-z-]+/{TILE.pattern}/(?P<id>{ID.pattern})"
_KEY = re.compile(
    rf"(?P<home>{_HOME})/((?P=id)\.json|{re.escape(UNLISTED)}|(?P<version>{VERSION.pattern})/[A-Za-z0-9][A-Za-z0-9._-]*)"
)


def by_home(listed: Mapping[str, Seen]) -> Homes:
    """Sort objects by the item that they belong to; what has no name that this catalog gives is left out."""
    found: Homes = {}
    for key, seen in listed.items():
        match = _KEY.fullmatch(key)
        if match:
            found.setdefault(match["home"], {})[key] = seen
    return found


def home_of(key: str) -> str:
    """Name the folder of the item that an object belongs to; nothing where it is none of an item."""
    match = _KEY.fullmatch(key)
    return match["home"] if match else ""


def leftovers(bucket: Bucket, before: datetime) -> Iterator[tuple[str, list[str]]]:
    """Name what no item names and came before a time, by the folder of the item."""
    for collection in sorted(NAMES):
        for home, there in by_home(bucket.listing(collection)).items():
            left = left_in(bucket, home, there, before)
            if left:
                yield home, left


def left_in(bucket: Bucket, home: str, there: Mapping[str, Seen], before: datetime) -> list[str]:
    """Name what an item does not name; nothing where its JSON is damaged, for nobody can tell what that named."""
    if not list(_unnamed(home, there, None, before)):
        return []
    found = bucket.get(f"{home}/{home.rpartition('/')[2]}.json")
    try:
        standing = None if found is None else str(parsed(found[0], home)["properties"]["version"])
    except (CatalogError, KeyError, TypeError):
        return []
    return list(_unnamed(home, there, standing, before))


def _unnamed(home: str, there: Mapping[str, Seen], standing: str | None, before: datetime) -> Iterator[str]:
    """Name the objects of versions that neither stand nor are archived, and came before a time."""
    name = home.rpartition("/")[2]
    for key, seen in there.items():
        match = _KEY.fullmatch(key)
        version = match["version"] if match else None
        left = version not in {None, standing} and f"{home}/{version}/{name}.json" not in there
        if (left or (standing is None and key == f"{home}/{UNLISTED}")) and seen.changed < before:
            yield key
