"""Where an item comes from: the very versions that were used, told as graph, as picture, and as PROV."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from catalog.layout import sources_of
from catalog.origin.descent import State, ancestors, descendants, edges, key_of
from catalog.origin.drawing import MAX_ROWS, draw
from catalog.origin.prov import prov_document
from catalog.origin.replaced import execution
from s2lookback.errors import CatalogError

QUALIFIED = re.compile(r"[A-Za-z][A-Za-z0-9]*:([A-Za-z0-9_.~-]|%[0-9A-F]{2})*[A-Za-z0-9_~-]")
RELATIONS = {
    "wasGeneratedBy": {"prov:entity": "entity", "prov:activity": "activity"},
    "used": {"prov:activity": "activity", "prov:entity": "entity"},
    "wasDerivedFrom": {"prov:generatedEntity": "entity", "prov:usedEntity": "entity", "prov:activity": "activity"},
    "wasAssociatedWith": {"prov:activity": "activity", "prov:agent": "agent", "prov:plan": "entity"},
}
FIRST = datetime(2025, 8, 1, 19, 38, 31, tzinfo=UTC)


@pytest.fixture
def series(store, sample):
    """Publish scenes, masks and composites of three dates, each composite made from the one before it."""

    def publish(stage, number, *sources):
        made = sample(stage, sensed=FIRST + timedelta(days=5 * number), sources=[store.read(one) for one in sources])
        return made.publish(store)

    hrefs, before = [], []
    for number in range(3):
        scene = publish("scene", number)
        mask = publish("mask", number, scene, *before)
        before = [publish("mrap", number, scene, mask, *before)]
        hrefs.append((scene, mask, before[0]))
    return hrefs


def test_a_composite_goes_back_to_every_scene(store, series):
    graph = ancestors(store, store.read(series[2][2]))
    assert next(iter(graph))[0] == "mrap-10UFB-20250811T193831"
    times = [f"{FIRST + timedelta(days=days):%Y%m%dT%H%M%S}" for days in (0, 5, 10)]
    assert {name for name, _ in graph} == {
        f"{stage}-10UFB-{time}" for stage in ("scene", "mask", "mrap") for time in times
    }
    assert len(list(edges(graph))) == (3 + 2) + (3 + 3 + 2)  # of masks: scenes, composites; of composites: masks too
    assert {node.state for node in graph.values()} == {State.STANDS}


def test_depth_counts_steps(store, series):
    newest = store.read(series[2][2])
    assert [len(ancestors(store, newest, depth)) for depth in (0, 1, 2)] == [1, 4, 7]


def test_what_was_made_from_a_scene_is_found_whatever_lies_between(store, series):
    graph = descendants(store, store.read(series[1][0]))
    assert sorted(name for name, _ in graph) == [
        "mask-10UFB-20250806T193831",
        "mask-10UFB-20250811T193831",
        "mrap-10UFB-20250806T193831",
        "mrap-10UFB-20250811T193831",
        "scene-10UFB-20250806T193831",
    ]


def test_forward_and_backward_tell_the_same_edges(store, series):
    forward = set(edges(descendants(store, store.read(series[0][0]))))
    backward = set(edges(ancestors(store, store.read(series[2][2]))))
    reached = {made for made, _ in forward} | {source for _, source in forward}
    assert forward == {(made, source) for made, source in backward if {made, source} <= reached}


def test_a_version_that_was_replaced_is_still_followed(store, series, sample):
    scene = store.read(series[0][0])
    before = key_of(scene)
    sample("scene", sensed=FIRST).with_content(b"other").publish(store)
    graph = ancestors(store, store.read(series[0][2]))
    assert graph[before].state is State.REPLACED
    assert key_of(graph[before].item) == before
    assert key_of(store.read(series[0][0])) not in graph


def test_an_item_that_is_gone_is_named(store, series):
    store.retract("scenes", "10UFB", "scene-10UFB-20250801T193831")
    graph = ancestors(store, store.read(series[0][2]))
    gone = [node for node in graph.values() if node.state is State.GONE]
    assert [(node.id, node.item, node.sources) for node in gone] == [("scene-10UFB-20250801T193831", None, ())]


@pytest.mark.parametrize(
    "link",
    [
        {"title": "../../etc/passwd", "s2lookback:content": "0" * 64},
        {"title": "scene-10UFB-20250801T193831"},
        {"title": ["x"], "s2lookback:content": {"x": 1}},
        {},
    ],
)
def test_a_hostile_link_leads_nowhere(store, series, link):
    item = store.read(series[0][2])
    known = set(sources_of(item))
    item["links"].append({"rel": "derived_from", "href": "file:///etc/passwd", **link})
    Path(series[0][2]).write_text(json.dumps(item))
    graph = ancestors(store, item)
    (hostile,) = set(graph[key_of(item)].sources) - known
    assert graph[hostile].state is State.GONE
    assert prov_document(store, graph)["entity"]
    assert draw(graph, ".svg")


def test_items_that_were_made_from_each_other_end_somewhere(store, series):
    scene, mrap = store.read(series[0][0]), store.read(series[0][2])
    path = store.root / "scenes/10UFB" / scene["id"] / f"{scene['id']}.json"
    content = mrap["properties"]["s2lookback:content"]
    loop = {"rel": "derived_from", "href": "./x.json", "title": mrap["id"], "s2lookback:content": content}
    path.write_text(json.dumps({**scene, "links": [*scene["links"], loop]}))
    assert key_of(mrap) in ancestors(store, mrap)
    assert key_of(mrap) in descendants(store, store.read(str(path)))


def test_the_picture_is_one_and_always_the_same(store, series, tmp_path):
    graph = ancestors(store, store.read(series[2][2]))
    for suffix in (".png", ".svg"):
        assert draw(graph, suffix) == draw(graph, suffix)
    (tmp_path / "lineage.png").write_bytes(draw(graph, ".png"))
    with Image.open(tmp_path / "lineage.png") as picture:
        assert min(picture.size) > 200
    drawn = draw(graph, ".svg").decode()
    assert all(key[1][:7] in drawn for key in graph)


def test_a_picture_that_cannot_be_drawn_is_refused(store, series, sample):
    graph = ancestors(store, store.read(series[2][2]))
    with pytest.raises(CatalogError, match=r"'\.gif' is no kind of picture, expected \.png or \.svg"):
        draw(graph, ".gif")
    node = next(iter(graph.values()))
    many = {(f"scene-10UFB-2025{number:04}T000000", "0"): node for number in range(MAX_ROWS + 1)}
    with pytest.raises(CatalogError, match="61 sensing times do not fit"):
        draw(many, ".png")


def test_prov_keeps_to_its_rules(store, series):
    for mrap in (series[0][2], series[2][2]):
        item = store.read(mrap)
        store.record_execution(mrap, {"created": "2026-01-02T03:04:05Z", "seconds": 1.5})
        require_prov(prov_document(store, ancestors(store, item)))


def require_prov(document):
    """Demand what PROV-JSON and PROV-DM demand of the parts that we write."""
    assert document.keys() <= {"prefix", "entity", "activity", "agent", *RELATIONS}
    prefixes = document["prefix"].keys() | {"prov", "xsd"}
    for kind in ("entity", "activity", "agent"):
        for name, facts in document[kind].items():
            assert QUALIFIED.fullmatch(name), name
            assert name.partition(":")[0] in prefixes
            for key, value in facts.items():
                assert key.partition(":")[0] in prefixes
                assert isinstance(value, str) or value.keys() == {"$", "type"}
            times = [facts[name] for name in ("prov:startTime", "prov:endTime") if name in facts]
            assert times == sorted(times)
            assert all(datetime.fromisoformat(time).tzinfo for time in times)
    for relation, roles in RELATIONS.items():
        for name, parts in document[relation].items():
            assert name.startswith("_:")
            assert parts.keys() == roles.keys()
            assert all(parts[role] in document[kind] for role, kind in roles.items()), parts
    made = [parts["prov:entity"] for parts in document["wasGeneratedBy"].values()]
    assert len(made) == len(set(made))  # nothing is made twice
    used = {tuple(parts.values()) for parts in document["used"].values()}
    makers = {parts["prov:entity"]: parts["prov:activity"] for parts in document["wasGeneratedBy"].values()}
    for parts in document["wasDerivedFrom"].values():
        assert makers[parts["prov:generatedEntity"]] == parts["prov:activity"]
        assert (parts["prov:activity"], parts["prov:usedEntity"]) in used


def test_prov_tells_the_whole_graph_and_nothing_else(store, series):
    graph = ancestors(store, store.read(series[2][2]))
    document = prov_document(store, graph)
    keys = {f"item:{name}.{content[:12]}": (name, content) for name, content in graph}
    told = {
        (keys[parts["prov:generatedEntity"]], keys[parts["prov:usedEntity"]])
        for parts in document["wasDerivedFrom"].values()
        if parts["prov:usedEntity"].startswith("item:")
    }
    assert told == set(edges(graph))
    files = [parts for parts in document["wasDerivedFrom"].values() if parts["prov:usedEntity"].startswith("file:")]
    assert sum(parts["prov:generatedEntity"].startswith("item:scene-") for parts in files) == 3
    names = {agent["prov:label"] for agent in document["agent"].values()}
    assert names == {"s2lookback", "rasterio", "lightgbm"}


def test_prov_knows_no_time_where_no_record_was_kept(store, series):
    item = store.read(series[0][0])
    assert execution(store, item) == {}
    (activity,) = prov_document(store, ancestors(store, item))["activity"].values()
    assert set(activity) == {"prov:type"}
