"""What the API answers is what the catalog holds, in the words of STAC, and nothing else can be had or done."""

from datetime import UTC, datetime

import httpx
import pytest

from catalog.api.app import create_app
from catalog.store import Store
from s2lookback.grid import Grid
from tests.catalog.serving import served

DAYS = [datetime(2025, 8, day, 19, tzinfo=UTC) for day in (1, 11, 21)]
FIJI = Grid(32701, (20.0, 0.0, 172_000.0, 0.0, -20.0, 8_200_000.0), 5, 700)  # across the antimeridian


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def full(request, sample, tmp_path_factory):
    """Offer the same catalog with each of the indexes; no test changes it."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "postgresql":
            patch.setenv("S2LOOKBACK_INDEX", request.getfixturevalue("pgstac"))
        store = Store(str(tmp_path_factory.mktemp(request.param) / "products"))
        for sensed in DAYS:
            for stage in ("scene", "mask", "mrap"):
                sample(stage, sensed=sensed).publish(store)
        sample("scene", tile="01KAA", sensed=DAYS[1], grid=FIJI).publish(store)
        yield store
        if request.param == "postgresql":
            store.index.close()


@pytest.fixture(scope="module")
def api(full):
    with served(create_app(str(full.root))) as address, httpx.Client(base_url=address, trust_env=False) as client:
        yield client


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["features"]]


def test_every_asset_and_link_of_an_item_can_be_fetched(api, full):
    answer = api.get("/collections/mrap/items/mrap-10UFB-20250821T190000").json()
    for asset in answer["assets"].values():
        assert asset["href"].startswith(f"{api.base_url}/files/mrap/10UFB/")
        assert len(api.get(asset["href"]).content) == asset["file:size"]
    followed = {link["rel"] for link in answer["links"] if api.get(link["href"]).status_code == 200}
    assert {"self", "root", "parent", "collection", "derived_from"} <= followed


def test_the_first_page_and_the_next_make_the_whole(api):
    seen, page = [], api.get("/search", params={"limit": 3}).json()
    while True:
        seen += [item["id"] for item in page["features"]]
        following = [link for link in page["links"] if link["rel"] == "next"]
        if not following:
            break
        page = api.get(following[0]["href"]).json()
    assert seen == ids(api.post("/search", json={"limit": 100}))
    assert len(seen) == 10
