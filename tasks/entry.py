"""A published product as a person sees it: what it is, how much of it is clear, a picture, and where to find it."""

import os
from base64 import b64encode
from typing import Any

from catalog.api.hrefs import served_item
from catalog.layout import sources_of, tile_of
from catalog.store import Store
from s2lookback.pictures import stamp

Item = dict[str, Any]

WIDTH = 116
"""Pixels across of a picture: five stand side by side on a page of Prefect."""

ALONE = 160
"""Pixels across of a picture that stands alone."""


def spoken(name: str) -> str:
    """Name a product by its id as people do: ``mrap 10UFB 2025-08-30``; a model by its month, or the day it is from."""
    stage, tile, time = name.split("-")
    return f"{stage} {tile} {'-'.join(filter(None, (time[:4], time[4:6], time[6:8])))}"


def facts_of(item: Item) -> list[str]:
    """Say what a product's pixels are like."""
    facts = item["properties"]
    if item["collection"] == "mrap":
        ages = facts["s2lookback:age_days"]
        old = [("half", "p50"), ("95 %", "p95")] if {"p50", "p95"} <= ages.keys() else []
        filled, scenes = _percent(facts["s2lookback:filled_fraction"], 100), facts["s2lookback:source_count"]
        return [
            f"{filled} filled",
            f"from {scenes} scenes",
            *(f"{share} at most {ages[p]} days old" for share, p in old),
        ]
    if item["collection"] == "models":
        scenes = len(sources_of(item))
        return [f"from {scenes} scenes", f"{_percent(facts['s2lookback:metrics'].get('agreement', 0), 100)} agreement"]
    shares = {
        "clear": facts.get("s2lookback:clear_fraction", 0) * 100,
        "estimated": facts.get("s2lookback:estimated_fraction", 0) * 100,
        "cloud": facts.get("eo:cloud_cover", 0),
        "shadow": facts.get("s2lookback:shadow_cover", 0),
        "smoke": facts.get("s2lookback:smoke_cover", 0),
        "snow": facts.get("eo:snow_cover", 0),
    }
    return [f"{_percent(share, 1)} {name}" for name, share in shares.items() if share] or ["no cloud"]


def headline(item: Item) -> str:
    """Sum a product up in a line."""
    return f"{spoken(item['id'])}: {', '.join(facts_of(item))}"


def _percent(number: float, scale: float) -> str:
    percent = scale * number
    return "under 1 %" if 0 < percent < 0.5 else f"{percent:.0f} %"


def picture_of(store: Store, item: Item, key: str = "thumbnail", width: int = WIDTH) -> str:
    """Give the HTML of a picture: by its address where the API has one, else with its bytes; empty where it is not."""
    if key not in item["assets"]:
        return ""
    title = spoken(item["id"]) if key == "thumbnail" else f"{key} of {spoken(item['id'])}"
    return f'<img src="{_address(store, item, key, width)}" width="{width}" alt="{title}">'


def _address(store: Store, item: Item, key: str, width: int) -> str:
    base = api()
    if base:
        return str(served_item(item, base)["assets"][key]["href"])
    small = stamp(store.asset(item, key).read_bytes(), width)
    return f"data:image/png;base64,{b64encode(small).decode()}"


def link_to(store: Store, item: Item) -> str:
    """Lead to an item: in the browser or the API whose address is known, else name its file."""
    base = api()
    if not base:
        return f"`{store.href(item['collection'], tile_of(item), item['id'])}`"
    place = f"collections/{item['collection']}/items/{item['id']}"
    pages = [f"[browser]({base}browser/{place})"] if os.environ.get("S2LOOKBACK_BROWSER") else []
    return " · ".join([*pages, f"[item]({base}{place})"])


def api() -> str:
    """Give the address of the STAC API as people's browsers reach it, with a slash at its end; empty where none is."""
    address = os.environ.get("S2LOOKBACK_API", "").rstrip("/")
    return f"{address}/" if address.startswith(("http://", "https://")) else ""


def entry(store: Store, item: Item) -> str:
    """Show a product and where it is; ``headline`` says the rest."""
    return "\n\n".join(filter(None, [picture_of(store, item, width=ALONE), link_to(store, item)]))
