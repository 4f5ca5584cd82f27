"""A version: the files of a stage, measured, and the folder that bears the name of their content."""

import copy
import errno
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from catalog.items.extensions import EXTENSIONS, used
from catalog.layout import Item, archived, check_file, own_links, predecessor_link, replaced_link, structural_links
from catalog.provenance import Recipe, content_digest
from s2lookback.errors import CatalogError
from s2lookback.files import checksum, flush


def measured(folder: Path, item: Mapping[str, Any], recipe: Recipe) -> tuple[Item, dict[str, str]]:
    """Fill in what the files of a stage tell: size and checksum of each, and the version that they make together.

    Returns:
        The item, and the checksum of every file by name.

    Raises:
        CatalogError: If a file is missing, empty or named by no asset.
    """
    whole = copy.deepcopy(dict(item))
    files: dict[str, str] = {}
    for key, asset in whole["assets"].items():
        name = check_file(asset["href"], whole["id"])
        path = folder / name
        if path.is_symlink() or not path.is_file() or not path.stat().st_size:
            raise CatalogError(f"{whole['id']}: asset {key} has no file {name}, or an empty one")
        asset["file:size"] = path.stat().st_size
        asset["file:checksum"] = files[name] = checksum(path)
    unnamed = sorted({path.name for path in folder.iterdir()} - files.keys())
    if unnamed:
        raise CatalogError(f"{whole['id']}: no asset names the files {', '.join(unnamed)}")
    content = content_digest(files)
    for asset in whole["assets"].values():
        asset["href"] = f"./{content[:12]}/{asset['href']}"
    facts = {"version": content[:12], "s2lookback:content": content, "s2lookback:recipe": recipe.to_dict()}
    whole["properties"].update(facts)
    whole["stac_extensions"] = sorted({EXTENSIONS["version"], *used(whole["properties"], whole["assets"])})
    return whole, files


def settle(stage: Path, version: Path, files: Mapping[str, str]) -> None:
    """Give a stage the name of its version; where that is there already, replace the files in it that are damaged."""
    try:
        stage.rename(version)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
            raise
        for name, digest in files.items():
            if not (version / name).is_file() or checksum(version / name) != digest:
                (stage / name).replace(version / name)
        shutil.rmtree(stage)
        flush(version)
    flush(version.parent)


def documents(
    home: Path, item: Item, old: Item | None, facts: Mapping[str, Any], *, kept: bool
) -> list[tuple[Path, Item]]:
    """Give what is written to let an item stand: the archived one that stood, if another version, and the item last.

    Args:
        home: The item's folder.
        item: With all that it says but where it lies.
        old: The item that stands; None where there is none.
        facts: What to tell of the difference between the two.
        kept: Whether the files of the old version are still there.
    """
    version, path = item["properties"]["version"], home / f"{item['id']}.json"
    found: list[tuple[Path, Item]] = []
    predecessor = None
    if old is not None and old["properties"]["version"] == version:
        predecessor = replaced_link(old)
    elif old is not None and kept:
        predecessor = predecessor_link(item, old["properties"]["version"], facts)
        found = [(home / old["properties"]["version"] / path.name, archived(old))]
    links = [*structural_links(item, version, predecessor), *own_links(item)]
    return [*found, (path, {**item, "links": links})]
