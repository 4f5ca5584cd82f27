"""What a product is made from, and what it is: two digests that no clock, host or order of arrival can change."""

import hashlib
import json
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from s2lookback.errors import CatalogError

_DIGEST = re.compile(r"(1220)?[0-9a-f]{64}")
"""SHA-256 in hexadecimal, bare or as a multihash."""

_PROGRAMS = ("s2lookback", "numpy", "scipy", "rasterio", "lightgbm", "zstandard", "prefect")


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that determines a product: equal recipes give equal bytes."""

    stage: str
    """Which stage makes it: ``mask``."""
    revision: int
    """Raised by hand when the stage's code gives other bytes from the same inputs."""
    inputs: Mapping[str, str]
    """Name of each input (never a folder) to the digest of its content."""
    settings: Mapping[str, Any]
    """How it is made; plain JSON. A setting that is none is left out: databases of items drop nulls."""

    def __post_init__(self) -> None:
        for name, digest in self.inputs.items():
            if not _DIGEST.fullmatch(digest):
                raise CatalogError(f"recipe of {self.stage}: input {name} has digest {digest!r}, expected SHA-256")
        plain = _without_nulls(json.loads(canonical(dict(self.settings))))
        object.__setattr__(self, "inputs", dict(sorted(self.inputs.items())))
        object.__setattr__(self, "settings", plain)

    @property
    def digest(self) -> str:
        """Hash of the whole recipe: SHA-256, hexadecimal."""
        return digest_of(self._facts())

    def to_dict(self) -> dict[str, Any]:
        """Write it down, its digest included."""
        return {"digest": self.digest, **self._facts()}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> "Recipe":
        """Read it back.

        Raises:
            CatalogError: If a fact is missing, or the digest is not that of the facts.
        """
        try:
            recipe = cls(
                stage=str(facts["stage"]),
                revision=int(facts["revision"]),
                inputs=dict(facts["inputs"]),
                settings=dict(facts["settings"]),
            )
            stated = facts["digest"]
        except (KeyError, TypeError, ValueError) as error:
            raise CatalogError(f"a recipe cannot be read: {error!r}") from error
        if stated != recipe.digest:
            raise CatalogError(f"a recipe of {recipe.stage} says its digest is {stated}, but it is {recipe.digest}")
        return recipe

    def _facts(self) -> dict[str, Any]:
        return {
            "stage": self.stage,
            "revision": self.revision,
            "inputs": dict(self.inputs),
            "settings": dict(self.settings),
        }


def _without_nulls(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _without_nulls(value) for key, value in content.items() if value is not None}
    return content


def canonical(content: Any) -> bytes:
    """Write JSON in the one form that is hashed: keys sorted, no blanks, ASCII, no NaN."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def digest_of(content: Any) -> str:
    """Hash JSON in its canonical form: SHA-256, hexadecimal."""
    return hashlib.sha256(canonical(content)).hexdigest()


def content_digest(files: Mapping[str, str]) -> str:
    """Hash what a product consists of, whatever it was made from: file name to checksum of every asset."""
    return digest_of(dict(files))


def software() -> dict[str, str]:
    """Give the version of every program that shapes a product, sorted by name."""
    import rasterio

    found = {name: version(name) for name in _PROGRAMS}
    return dict(sorted({**found, "gdal": rasterio.__gdal_version__, "python": platform.python_version()}.items()))


def require_complete(item: Mapping[str, Any]) -> None:
    """Refuse an item that does not say everything about its making.

    Raises:
        CatalogError: If its recipe has no input, a program has no version, an asset no checksum, or a product that
            is made from items names none of them with its content.
    """
    facts, sources = item["properties"], [one for one in item["links"] if one["rel"] == "derived_from"]
    lacks = {
        "an input in its recipe": not facts["s2lookback:recipe"]["inputs"],
        "the versions of its programs": not facts.get("processing:software"),
        "a checksum of every asset": not all(asset.get("file:checksum") for asset in item["assets"].values()),
        "a link to what it is derived from": not sources and item["collection"] != "scenes",
        "the content of every source": not all(_DIGEST.fullmatch(one.get("s2lookback:content", "")) for one in sources),
    }
    missing = [name for name, lack in lacks.items() if lack]
    if missing:
        raise CatalogError(f"{item['id']}: provenance is incomplete, it lacks {' and '.join(missing)}")
