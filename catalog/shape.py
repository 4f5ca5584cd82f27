"""What JSON must have to count as an item that this catalog published: all that its readers rely on; all pure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from catalog.layout import VERSION
from s2lookback.errors import CatalogError


def check_shape(item: Mapping[str, Any], href: str) -> None:
    """Refuse JSON that lacks a part of a published item, or has another kind of it.

    A schema says more, and takes a hundred times as long: that is for those who check.

    Raises:
        CatalogError: If it does; the message names the part.
    """
    wrong = next((part for part, is_sound in _PARTS.items() if not is_sound(item.get(part))), None)
    if wrong:
        raise CatalogError(f"{href}: is no item that this catalog published, to judge by its {wrong}")


def is_time(text: object) -> bool:
    """Tell whether something is a time with its zone, as RFC 3339 writes it."""
    try:
        return isinstance(text, str) and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _is_text(part: object) -> bool:
    return isinstance(part, str)


def _are_facts(part: object) -> bool:
    return (
        isinstance(part, dict)
        and VERSION.fullmatch(str(part.get("version"))) is not None
        and _is_text(part.get("s2lookback:content"))
        and _is_recipe(part.get("s2lookback:recipe"))
        and isinstance(part.get("processing:software", {}), dict)
        and is_time(part.get("datetime"))
        and all(is_time(part[key]) for key in ("start_datetime", "end_datetime") if key in part)
    )


def _is_recipe(part: object) -> bool:
    return (
        isinstance(part, dict)
        and _is_text(part.get("stage"))
        and isinstance(part.get("settings"), dict)
        and isinstance(part.get("inputs"), dict)
        and all(map(_is_text, part["inputs"].values()))
    )


def _is_geometry(part: object) -> bool:
    return isinstance(part, dict)


def _is_box(part: object) -> bool:
    return (
        isinstance(part, list)
        and len(part) == 4
        and all(isinstance(degrees, int | float) and abs(degrees) <= 180 for degrees in part)
    )


def _are_extensions(part: object) -> bool:
    return part is None or (isinstance(part, list) and all(map(_is_text, part)))


def _are_assets(part: object) -> bool:
    return isinstance(part, dict) and all(isinstance(one, dict) and _is_text(one.get("href")) for one in part.values())


def _are_links(part: object) -> bool:
    return isinstance(part, list) and all(map(_is_link, part))


def _is_link(part: object) -> bool:
    return isinstance(part, dict) and _is_text(part.get("rel")) and _is_text(part.get("href"))


_PARTS: Mapping[str, Callable[[object], bool]] = {
    "id": _is_text,
    "collection": _is_text,
    "properties": _are_facts,
    "geometry": _is_geometry,
    "bbox": _is_box,
    "stac_extensions": _are_extensions,
    "assets": _are_assets,
    "links": _are_links,
}
