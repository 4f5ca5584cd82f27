"""Which index a catalog has: the one beside its items, or the one that the environment names."""

import hashlib
import os
import platform
import re
from pathlib import Path

from catalog.index.protocol import FOLDER, VARIABLE, Index, copies
from catalog.place.mounts import shared_by_machines
from s2lookback.errors import CatalogError


def index_of(root: Path) -> Index:
    """Open the index of a catalog: the one the environment names, or the one beside the items.

    Beside, but for a network file system: there it lies among the copies of each machine.

    Raises:
        CatalogError: If the environment names one that there is not.
    """
    named = os.environ.get(VARIABLE, "")
    if named.startswith(("postgresql://", "postgres://")):
        from catalog.index.pgstac import PgstacIndex

        return PgstacIndex(named)
    if named:
        raise CatalogError(f"{VARIABLE} names an index of no known kind, expected postgresql://host/database")
    from catalog.index.sqlite import SqliteIndex

    if not shared_by_machines(root):
        return SqliteIndex(root / FOLDER / "items.sqlite")
    # Every machine keeps an index of its own, and finds in the catalog what the others left notes of for it.
    machine = "-".join(["sqlite", *re.findall(r"[a-z0-9]+", platform.node().lower())])[:60]
    digest = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
    return SqliteIndex(copies() / f"index-{digest}" / "items.sqlite", name=machine)
