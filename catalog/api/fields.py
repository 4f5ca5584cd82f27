"""The fields extension: which parts of an item an answer holds."""

from collections.abc import Iterable, Mapping
from typing import Any

from stac_fastapi.extensions.fields.request import PostFieldsExtension

_ALWAYS = {"id", "collection"}


def with_fields(item: dict[str, Any], fields: PostFieldsExtension | None) -> dict[str, Any]:
    """Keep of an item what a question asked for."""
    if fields is None or not (fields.include or fields.exclude):
        return item
    return chosen(item, fields.include or (), fields.exclude or ())


def chosen(item: Mapping[str, Any], include: Iterable[str], exclude: Iterable[str]) -> dict[str, Any]:
    """Keep the parts of an item that are included and not excluded; what is included by name wins.

    Args:
        item: The item, left untouched.
        include: Paths as ``properties.eo:cloud_cover``; none keeps all.
        exclude: Paths.
    """
    wanted = set(include)
    within = {path.rsplit(".", depth)[0] for path in wanted for depth in range(path.count(".") + 1)}
    unwanted = set(exclude) - wanted - within - _ALWAYS
    kept: dict[str, Any] = {}
    for path in sorted(wanted | _ALWAYS) if wanted else sorted(item):
        _copy(item, kept, path.split("."))
    for path in sorted(unwanted):
        _remove(kept, path.split("."))
    return kept


def _copy(source: Mapping[str, Any], target: dict[str, Any], path: list[str]) -> None:
    name, *rest = path
    if name not in source:
        return
    if not rest:
        target[name] = source[name]
    elif isinstance(source[name], Mapping):
        inner = target.setdefault(name, {})
        if inner is not source[name]:  # the whole of it is there already
            _copy(source[name], inner, rest)


def _remove(target: dict[str, Any], path: list[str]) -> None:
    name, *rest = path
    if not rest:
        target.pop(name, None)
    elif isinstance(target.get(name), Mapping):
        target[name] = dict(target[name])
        _remove(target[name], rest)
