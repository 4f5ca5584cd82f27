"""Whether a product is there whole: a folder by what its manifest lists, a zip by the directory at its end."""

from pathlib import Path, PurePosixPath
from urllib.parse import unquote
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from s2lookback.errors import SceneError
from s2lookback.sources.product import Product, is_zip, open_product

NAME = "manifest.safe"
MAX_BYTES = 16 * 2**20
"""Bytes of the largest manifest that is read; that of a multi-tile product of 2015 has a few."""


def require_whole(href: str) -> None:
    """Demand that every file of a product is there with the size that its manifest gives.

    A zip is written to its end before its directory is, and a product without a manifest tells nothing; neither is
    looked into any further.

    Raises:
        SceneError: If it cannot be opened, or a file is missing or has another size.
    """
    product = open_product(href)
    if is_zip(href) or NAME not in product.members:
        return
    for member, size in _listed(product).items():
        path = Path(href, product.members.get(member, member))
        found = path.stat().st_size if member in product.members and path.is_file() else None
        if found != size:
            raise SceneError(f"{href}: {member} has {found or 'no'} bytes, expected {size} by its manifest")


def _listed(product: Product) -> dict[str, int]:
    """Read the sizes of files, by their path in the product, as far as the manifest gives them."""
    try:
        root = fromstring(product.read(NAME, MAX_BYTES))
        streams = [(stream.get("size"), stream.find("fileLocation")) for stream in root.iter("byteStream")]
        return {
            PurePosixPath(unquote(place.get("href", ""))).as_posix(): int(size)
            for size, place in streams
            if size and place is not None
        }
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise SceneError(f"{product.href}: {NAME} cannot be read ({error})") from error
