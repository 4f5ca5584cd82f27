"""The hrefs of what is served: absolute, where those on the disk are relative to the file that they stand in."""

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from catalog.items.collections import NAMES
from catalog.layout import GEOJSON, ID, JSON, Item, Link, folder_of, link, own_links
from s2lookback.errors import CatalogError

FILES = "files"
"""Below this path of the API lie the files of the catalog."""

TOPS = {*NAMES, "executions", "catalog.json"}
"""What lies below the root and may be served."""

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_SAFE = ("https://", "http://", "s3://")
_ITEM = re.compile(r"([a-z][a-z0-9-]*)/[0-9A-Z]{5}/([a-zA-Z0-9-]+)/\2\.json")
_SERVED = re.compile(r"collections/([a-z][a-z0-9-]*)/items/([a-zA-Z0-9-]+)")
_PLACES = {"self", "root", "parent", "collection", "items", "child", "item"}


def served_item(item: Item, base: str) -> Item:
    """Make every href of an item absolute, or of those parts of it that were asked for.

    Links to items and collections lead to the API's own; what an href names that may not be served is left out.
    ``base`` is where the API is, with a slash at its end.
    """
    place = f"{base}collections/{item.get('collection')}"
    folder = _folder(item)
    served = dict(item)
    if "assets" in item:
        assets = {key: _with_href(asset, folder, base) for key, asset in item["assets"].items()}
        served["assets"] = {key: asset for key, asset in assets.items() if asset is not None}
    if "links" in item:
        found = [_with_href(one, folder, base) for one in item["links"] if one["rel"] not in _PLACES]
        own = [
            link("self", f"{place}/items/{item.get('id')}", GEOJSON),
            link("root", base, JSON),
            link("parent", place, JSON),
            link("collection", place, JSON),
        ]
        served["links"] = [*own, *(one for one in found if one is not None)]
    return served


def own_item(item: Item, base: str) -> Item:
    """Undo ``served_item``: what a client got, changed and sends back becomes an item as the catalog keeps it.

    Raises:
        CatalogError: If an href leads to no place that an item may name.
    """
    links = [_own_link(one, base) for one in own_links(item) if one["rel"] not in _PLACES]
    place = f"{base}{FILES}/{_folder(item)}/"
    assets = {key: {**one, "href": _below(str(one["href"]), place)} for key, one in item["assets"].items()}
    return {**item, "assets": assets, "links": links}


def _below(href: str, place: str) -> str:
    return f"./{href.removeprefix(place)}" if href.startswith(place) else href


def _own_link(one: Mapping[str, Any], base: str) -> dict[str, Any]:
    href = str(one["href"])
    served = _SERVED.fullmatch(href.removeprefix(base)) if href.startswith(base) else None
    if served and ID.fullmatch(served[2]):
        href = f"../../../{folder_of(served[1], served[2].split('-')[1], served[2])}/{served[2]}.json"
    kept = _ITEM.fullmatch(href.removeprefix("../../../")) if href.startswith("../../../") else None
    if one["rel"] == "derived_from" and kept:
        return {**one, "href": href, "title": kept[2]}
    if one["rel"] == "derived_from" or not (kept or href.startswith(("https://", base))):
        raise CatalogError(f"{href[:80]!r}: is no href of an item of this catalog, nor of anything by https")
    return {**one, "href": href}


def resolved_again(item: Item, base: str) -> Item:
    """Undo what stac-fastapi's backend for pgSTAC makes of relative links: it takes them for relative to the API."""
    links = [{**one, "href": _relative(str(one["href"]), base)} for one in item.get("links", [])]
    return {**item, "links": links} if "links" in item else item


def _relative(href: str, base: str) -> str:
    if not href.startswith(base):
        return href
    rest = href.removeprefix(base)
    return f"../../../{rest}" if rest.partition("/")[0] in TOPS else f"./{rest}"


def _folder(item: Item) -> str:
    """Name the folder of an item's JSON, below the root; the root itself where its parts do not say."""
    stage_tile = str(item.get("id")).split("-")
    try:
        return folder_of(str(item.get("collection")), stage_tile[1] if len(stage_tile) > 1 else "", str(item.get("id")))
    except CatalogError:  # an index that others write to as well
        return "."


def served_collection(collection: Mapping[str, Any], base: str) -> dict[str, Any]:
    """Make every href of a collection absolute."""
    place = f"{base}collections/{collection['id']}"
    links = [
        link("self", place),
        link("root", base),
        link("parent", base),
        link("items", f"{place}/items", GEOJSON),
        link("http://www.opengis.net/def/rel/ogc/1.0/queryables", f"{place}/queryables", "application/schema+json"),
    ]
    found = [_with_href(one, str(collection["id"]), base) for one in collection["links"] if one["rel"] not in _PLACES]
    return {**collection, "links": [*links, *(one for one in found if one is not None)]}


def _with_href(part: Mapping[str, Any], folder: str, base: str) -> dict[str, Any] | None:
    href = _absolute(str(part["href"]), folder, base)
    return None if href is None else {**part, "href": href}


def _absolute(href: str, folder: str, base: str) -> str | None:
    if _ABSOLUTE.match(href):
        return href if href.startswith(_SAFE) else None
    path = posixpath.normpath(posixpath.join(folder, href))
    if path.startswith((".", "/")):
        return None
    item = _ITEM.fullmatch(path)
    if item and item[1] in NAMES:
        return f"{base}collections/{item[1]}/items/{item[2]}"
    return f"{base}{FILES}/{path}"


def paging_link(rel: str, href: str, *, method: str, body: Mapping[str, Any] | None = None) -> Link:
    """Link to another page of an answer."""
    more: dict[str, Any] = {"method": method} if body is None else {"method": method, "body": dict(body)}
    return {**link(rel, href, GEOJSON), **more}
