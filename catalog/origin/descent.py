"""Where an item comes from, back to the scenes, and what was made from it: as a graph of exact versions."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from catalog.layout import Item, sources_of, tile_of
from catalog.origin.replaced import versions
from catalog.search import find_item
from catalog.store import Store
from s2lookback.errors import CatalogError

MOST = 20_000
"""Items of the largest graph that is drawn: ten years of a tile are about half of it."""

Key = tuple[str, str]
"""An item's id and the digest of its content: one exact version."""


class State(StrEnum):
    """Whether the version that was used is still the one that a search finds."""

    STANDS = "stands"
    REPLACED = "replaced"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Node:
    """One version of an item, and what it was made from."""

    key: Key
    state: State
    item: Item | None
    """None where it is gone."""
    sources: tuple[Key, ...] = ()
    """Newest first."""

    @property
    def id(self) -> str:
        """The item's id."""
        return self.key[0]


Graph = dict[Key, Node]
"""Every version that was found, the item that was asked for first."""


def ancestors(store: Store, item: Item, depth: int | None = None) -> Graph:
    """Trace an item back to the scenes that it was made from, through the very versions that were used.

    Args:
        store: Where to look.
        item: An item as it stands.
        depth: Steps to go back; None for all.

    Raises:
        CatalogError: If the graph is larger than any that this catalog makes.
    """
    found: Graph = {}
    waiting = deque([(key_of(item), 0)])
    while waiting:
        key, steps = waiting.popleft()
        if key in found:
            continue
        node = _node(store, key)
        found[key] = node
        if len(found) > MOST:
            raise CatalogError(f"{item['id']}: goes back to more than {MOST} items")
        if depth is None or steps < depth:
            waiting.extend((source, steps + 1) for source in node.sources)
    return found


def descendants(store: Store, item: Item) -> Graph:
    """Find every item that stands and was made from an item, or from one that was; its sources are those among them."""
    made_from = {key_of(one): (one, sources_of(one)) for one in _tile(store, tile_of(item))}
    children: dict[Key, list[Key]] = {}
    for key, (_, sources) in made_from.items():
        for source in sources:
            children.setdefault(source, []).append(key)
    reached = {key_of(item): item}
    waiting = deque(reached)
    while waiting:
        for child in children.get(waiting.popleft(), []):
            if child not in reached:
                reached[child] = made_from[child][0]
                waiting.append(child)
    return {
        key: Node(key, State.STANDS, one, tuple(source for source in sources_of(one) if source in reached))
        for key, one in reached.items()
    }


def key_of(item: Item) -> Key:
    """Name the exact version that an item is."""
    return str(item["id"]), str(item["properties"].get("s2lookback:content", ""))


def edges(graph: Mapping[Key, Node]) -> Iterator[tuple[Key, Key]]:
    """Give the pairs of a version and one that it was made from, both of them in the graph."""
    for key, node in graph.items():
        yield from ((key, source) for source in node.sources if source in graph)


def _node(store: Store, key: Key) -> Node:
    try:
        item = find_item(store, key[0])
        every: Iterable[Item] = versions(store, item)
        used = next((one for one in every if key_of(one) == key), None)
    except CatalogError:  # it was retracted or damaged since, or never was
        return Node(key, State.GONE, None)
    if used is None:
        return Node(key, State.GONE, None)
    state = State.STANDS if key_of(item) == key else State.REPLACED
    return Node(key, state, used, sources_of(used))


def _tile(store: Store, tile: str) -> Iterator[Item]:
    for collection in store.collections():
        yield from store.items(collection, tile)
