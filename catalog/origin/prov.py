"""The making of items in the words of W3C PROV, as PROV-JSON.

Source: The PROV-JSON Serialization, W3C Member Submission, 24 April 2013; PROV-DM, W3C Recommendation, 30 April 2013.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from catalog.layout import Item
from catalog.origin.descent import Graph, Key, Node
from catalog.origin.replaced import execution
from catalog.store import Store

_PREFIXES = {
    "item": "https://s2lookback.example/item/",
    "making": "https://s2lookback.example/making/",
    "recipe": "https://s2lookback.example/recipe/",
    "file": "https://s2lookback.example/file/",
    "agent": "https://s2lookback.example/agent/",
    "s2lookback": "https://s2lookback.example/terms/",
}
"""Names, not addresses: nothing is fetched from them."""

Document = dict[str, dict[str, Any]]


def prov_document(store: Store, graph: Graph) -> Document:
    """Write a graph of versions as PROV-JSON: entities, the activities that made them, and who and what did.

    Each version is an entity, its making an activity with the recipe as plan; of a scene the producer's files are
    entities too. Times are those of the execution records and stand only where there is one.
    """
    document: Document = {"prefix": dict(_PREFIXES)}
    for node in graph.values():
        _add(document, "entity", _entity(node.key), _facts(node))
        if node.item is not None:
            _add_making(document, node, node.item, execution(store, node.item))
    return document


def _add_making(document: Document, node: Node, item: Item, record: Mapping[str, Any]) -> None:
    recipe = item["properties"]["s2lookback:recipe"]
    entity, making = _entity(node.key), _entity(node.key, "making")
    plan = f"recipe:{recipe['digest']}"
    _add(document, "activity", making, {"prov:type": _kind(f"s2lookback:{recipe['stage']}"), **_times(record)})
    _add(document, "entity", plan, {"prov:type": _kind("prov:Plan")})
    _relate(document, "wasGeneratedBy", entity=entity, activity=making)
    for source in _used(document, node, recipe["inputs"]):
        _relate(document, "used", activity=making, entity=source)
        _relate(document, "wasDerivedFrom", generatedEntity=entity, usedEntity=source, activity=making)
    for agent, facts in _agents(item["properties"]).items():
        _add(document, "agent", agent, facts)
        _relate(document, "wasAssociatedWith", activity=making, agent=agent, plan=plan)


def _used(document: Document, node: Node, inputs: Mapping[str, str]) -> list[str]:
    """Name what was read: other items, and what is none, as of a scene the producer's files."""
    items = {source[0] for source in node.sources}
    for source in node.sources:
        _add(document, "entity", _entity(source), {"prov:label": source[0]})
    others = [(name, digest) for name, digest in inputs.items() if name.partition("#")[0] not in items]
    files = {f"file:{quote(name, safe='')}.{digest[-12:]}": (name, digest) for name, digest in others}
    for entity, (name, digest) in files.items():
        _add(document, "entity", entity, {"prov:label": name, "s2lookback:sha256": digest})
    return [*map(_entity, node.sources), *files]


def _facts(node: Node) -> dict[str, Any]:
    state = {"prov:label": node.id, "s2lookback:content": node.key[1], "s2lookback:state": node.state.value}
    if node.item is None:
        return state
    return {"prov:type": _kind(f"s2lookback:{node.item['collection']}"), **state}


def _times(record: Mapping[str, Any]) -> dict[str, str]:
    if "created" not in record:
        return {}
    end = datetime.fromisoformat(str(record["created"]))
    start = end - timedelta(seconds=float(record.get("seconds", 0)))
    return {"prov:startTime": start.isoformat(), "prov:endTime": end.isoformat()}


def _agents(facts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    facility = str(facts.get("processing:facility", "unknown"))
    software = facts.get("processing:software", {})
    agents = {f"agent:{quote(facility, safe='')}": {"prov:type": _kind("prov:Organization"), "prov:label": facility}}
    for name, version in software.items():
        facts = {"prov:type": _kind("prov:SoftwareAgent"), "prov:label": name, "s2lookback:version": version}
        agents[f"agent:{quote(f'{name}-{version}', safe='')}"] = facts
    return agents


def _kind(name: str) -> dict[str, str]:
    return {"$": name, "type": "prov:QUALIFIED_NAME"}


def _entity(key: Key, prefix: str = "item") -> str:
    name, content = key
    return f"{prefix}:{quote(name, safe='')}" + (f".{quote(content[:12], safe='')}" if content else "")


def _add(document: Document, kind: str, name: str, facts: Mapping[str, Any]) -> None:
    """Declare something; what is said of it twice is said once."""
    document.setdefault(kind, {}).setdefault(name, {}).update(facts)


def _relate(document: Document, kind: str, **parts: str) -> None:
    known = document.setdefault(kind, {})
    known[f"_:{kind}{len(known) + 1}"] = {f"prov:{role}": name for role, name in parts.items()}
