"""Which place an address names: a folder, or a bucket."""

from catalog.place.protocol import Folder, Place


def place_of(root: str) -> Place:
    """Open the place that a path or an s3:// address names.

    Raises:
        CatalogError: If it is an address of another form.
    """
    if "://" not in root:
        return Folder(root)
    from catalog.place.remote import remote_of

    return remote_of(root)
