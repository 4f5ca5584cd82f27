"""Where the files of an item are kept, in the words of the storage extension."""

from collections.abc import Mapping

from catalog.items.extensions import EXTENSIONS
from catalog.layout import Item

_SCHEME = "bucket"
"""Names the place of the assets within an item."""


def stored(item: Item, storage: Mapping[str, str]) -> Item:
    """Say in an item where its assets are; their hrefs stay relative."""
    return {
        **item,
        "stac_extensions": sorted({*item["stac_extensions"], EXTENSIONS["storage"]}),
        "properties": {**item["properties"], "storage:schemes": {_SCHEME: dict(storage)}},
        "assets": {key: {**asset, "storage:refs": [_SCHEME]} for key, asset in item["assets"].items()},
    }
