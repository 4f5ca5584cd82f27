"""Where everything lies below the root, which names are allowed there, and the links that say so; all pure.

catalog.json
<collection>/collection.json
<collection>/<tile>/catalog.json                  lists the items of a tile
<collection>/<tile>/<id>/<id>.json                the item as it stands
<collection>/<tile>/<id>/<version>/…              its assets, and its JSON once another version stands
executions/<collection>/<id>/<version>.json       who made it, when and in what time
"""

import copy
import re
from collections.abc import Iterable, Mapping
from typing import Any

from s2lookback.errors import CatalogError

Item = dict[str, Any]
Link = dict[str, str]

JSON = "application/json"
GEOJSON = "application/geo+json"
STAC_VERSION = "1.1.0"

TILE = re.compile(r"[0-9]{2}[C-HJ-NP-X][A-HJ-NP-Z][A-HJ-NP-V]")
VERSION = re.compile(r"[0-9a-f]{12}")
ID = re.compile(r"[a-z]+-([0-9A-Z]{5})-[0-9]{6,8}(T[0-9]{6})?")
_COLLECTION = re.compile(r"[a-z][a-z0-9-]{0,30}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")

_STRUCTURE = {"self", "root", "parent", "collection", "processing-execution", "predecessor-version", "latest-version"}
"""Links that the store makes; whoever builds an item leaves them to it."""


def folder_of(collection: str, tile: str, name: str) -> str:
    """Name the folder of an item, by its id, relative to the root.

    Raises:
        CatalogError: If a name is not of the form that keeps it below the root.
    """
    check_collection(collection)
    check_tile(tile)
    named = ID.fullmatch(name)
    if not named or named[1] != tile:
        raise CatalogError(f"{name!r} is no id of an item of tile {tile}, expected <stage>-{tile}-<time>")
    return f"{collection}/{tile}/{name}"


def check_collection(collection: str) -> None:
    """Refuse the name of a collection that is not of the form that keeps it below the root."""
    if not _COLLECTION.fullmatch(collection) or collection == "executions":
        raise CatalogError(f"{collection!r} is no name of a collection, expected lower case letters and dashes")


def check_tile(tile: str) -> None:
    """Refuse the name of a tile that is no MGRS square."""
    if not TILE.fullmatch(tile):
        raise CatalogError(f"{tile!r} is no MGRS square, expected one like 10UFB")


def check_file(file: object, name: str) -> str:
    """Refuse the href of an asset of item ``name`` that is anything but a bare file name."""
    if not isinstance(file, str) or not _FILE.fullmatch(file) or file == f"{name}.json":
        raise CatalogError(f"{name}: asset href {file!r} is not a bare file name")
    return file


def tile_of(item: Mapping[str, Any]) -> str:
    """Read which tile an item belongs to."""
    return str(item.get("properties", {}).get("grid:code", "")).removeprefix("MGRS-")


def tile_in(name: str) -> str:
    """Read the tile in the id of an item."""
    return name.split("-")[1]


def link(rel: str, href: str, media_type: str = JSON, **more: str) -> Link:
    """Write a link."""
    return {"rel": rel, "href": href, "type": media_type, **more}


def source_link(source: Mapping[str, Any]) -> Link:
    """Link an item to one that it is made from, with the content that one had."""
    path = folder_of(str(source["collection"]), tile_of(source), str(source["id"]))
    content = str(source["properties"]["s2lookback:content"])
    return link(
        "derived_from",
        f"../../../{path}/{source['id']}.json",
        GEOJSON,
        title=str(source["id"]),
        **{"s2lookback:content": content},
    )


def sources_of(item: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Name what an item was made from, by id and content, newest first; a link without either names what is nowhere."""
    links = [one for one in item["links"] if one["rel"] == "derived_from"]
    names = {(str(one.get("title", one.get("href"))), str(one.get("s2lookback:content", ""))) for one in links}
    return tuple(sorted(names, key=lambda key: (key[0].rpartition("-")[2], key), reverse=True))


def structural_links(item: Mapping[str, Any], version: str, predecessor: Link | None) -> list[Link]:
    """Link an item to its place in the catalog, to the record of its making, and to the version that it replaced."""
    links = [
        link("root", "../../../catalog.json"),
        link("parent", "../catalog.json"),
        link("collection", "../../collection.json"),
        link(
            "processing-execution",
            f"../../../executions/{item['collection']}/{item['id']}/{version}.json",
            title="Who made it, when and in what time",
        ),
    ]
    return [*links, predecessor] if predecessor else links


def predecessor_link(item: Mapping[str, Any], version: str, facts: Mapping[str, Any]) -> Link:
    """Link an item to the version that it replaced, telling how it differs."""
    return link("predecessor-version", f"./{version}/{item['id']}.json", GEOJSON, title=f"Version {version}", **facts)


def own_links(item: Mapping[str, Any]) -> list[Link]:
    """Give the links that say what an item is, without those that say where it lies."""
    return [one for one in item.get("links", []) if one["rel"] not in _STRUCTURE]


def predecessor_of(item: Mapping[str, Any]) -> str | None:
    """Read which version an item replaced."""
    replaced = replaced_link(item)
    return str(replaced["href"]).split("/")[1] if replaced else None


def replaced_link(item: Mapping[str, Any]) -> Link | None:
    """Read the link to the version that an item replaced."""
    return next((one for one in item["links"] if one["rel"] == "predecessor-version"), None)


def archived(item: Item) -> Item:
    """Rewrite an item for the folder of its own version, once another version stands."""
    old = copy.deepcopy(item)
    for asset in old["assets"].values():
        asset["href"] = "./" + str(asset["href"]).rsplit("/", 1)[-1]
    for one in old["links"]:
        if not re.match(r"[a-z][a-z0-9+.-]*://", one["href"]):
            one["href"] = "../" + one["href"].removeprefix("./")
    old["links"].append(link("latest-version", f"../{item['id']}.json", GEOJSON))
    old["properties"]["deprecated"] = True
    return old


def tile_catalog(collection: str, tile: str, names: Iterable[str]) -> dict[str, Any]:
    """List the items of a tile."""
    links = [link("root", "../../catalog.json"), link("parent", "../collection.json")]
    links += [link("item", f"./{name}/{name}.json", GEOJSON) for name in names]
    return _catalog(f"{collection}-{tile}", f"{collection} of tile {tile}", links)


def root_catalog(collections: Iterable[str]) -> dict[str, Any]:
    """List the collections."""
    links = [link("root", "./catalog.json")]
    links += [link("child", f"./{name}/collection.json") for name in collections]
    return _catalog("s2lookback", "Sentinel-2 scenes, masks, most recent available pixels and reduced scenes", links)


def _catalog(name: str, description: str, links: list[Link]) -> dict[str, Any]:
    return {
        "type": "Catalog",
        "stac_version": STAC_VERSION,
        "id": name,
        "title": description,
        "description": description,
        "links": links,
    }
