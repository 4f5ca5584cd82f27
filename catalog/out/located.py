"""Items whose assets can be opened from anywhere: by a path, or in a bucket."""

from catalog.layout import Item
from catalog.store import Store


def located(store: Store, item: Item) -> Item:
    """Copy an item with the absolute hrefs of its assets.

    Raises:
        CatalogError: If an asset's href is not that of a file in its version's folder.
    """
    assets = {key: {**asset, "href": store.address(item, key)} for key, asset in item["assets"].items()}
    return {**item, "assets": assets}
