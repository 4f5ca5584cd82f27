"""Items whose assets can be opened from anywhere on this machine."""

from catalog.layout import Item
from catalog.store import Store


def located(store: Store, item: Item) -> Item:
    """Copy an item with the absolute paths of its assets.

    Raises:
        CatalogError: If an asset's href is not that of a file in its version's folder.
    """
    assets = {key: {**asset, "href": str(store.asset(item, key))} for key, asset in item["assets"].items()}
    return {**item, "assets": assets}
