"""What a run shows in Prefect's pages: pictures, facts and places of its products; nothing where no server keeps it."""

import re
from base64 import b64decode
from io import BytesIO
from types import SimpleNamespace
from uuid import uuid4

import httpx
import numpy as np
import pytest
from PIL import Image
from prefect.client.orchestration import get_client
from prefect.client.schemas.sorting import ArtifactSort

from catalog.store import Store
from flows.nightly import nightly
from flows.progress import Page
from flows.tile import tile as update
from tasks.entry import facts_of, link_to, picture_of, spoken
from tasks.shown import LARGEST, _cut, begin_bar, show
from tests.faults import chain

pytestmark = pytest.mark.flow
TILE = "10UFB"


@pytest.fixture(scope="module")
def run(tmp_path_factory, prefect_server, source, settings):
    """Run a tile under a server; give the catalog, the report, and the pages that the run left, newest first."""
    root = tmp_path_factory.mktemp("shown")
    with get_client(sync_client=True) as client:
        others = {page.id for page in client.read_artifacts(sort=ArtifactSort.CREATED_DESC, limit=200)}
        report = update(TILE, source=source, root=str(root), settings=settings)
        pages = client.read_artifacts(sort=ArtifactSort.CREATED_DESC, limit=200)
    return root, report, [page for page in pages if page.id not in others]


def newest(root, collection):
    return list(Store(str(root)).items(collection, TILE))[-1]


def test_every_product_that_a_run_made_has_a_page_named_like_it(run):
    root, report, pages = run
    found = [page.description.partition(":")[0] for page in pages if page.type == "markdown" and page.key is None]
    made = [
        spoken(item["id"]) for name in Store(str(root)).collections() for item in Store(str(root)).items(name, TILE)
    ]
    assert sorted(found) == sorted(made)
    assert len(made) == report.made.total()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mrap-10UFB-20250830T193831", "mrap 10UFB 2025-08-30"),
        ("model-10UFB-202508", "model 10UFB 2025-08"),
        ("model-10UFB-20250816", "model 10UFB 2025-08-16"),
    ],
)
def test_a_product_is_named_by_its_day(name, words):
    assert spoken(name) == words


def test_every_task_run_is_named_like_what_it_makes(run):
    with get_client(sync_client=True) as client:
        names = {one.name for one in client.read_task_runs(limit=200)}
    made = {
        spoken(item["id"]) for name in Store(str(run[0])).collections() for item in Store(str(run[0])).items(name, TILE)
    }
    assert made <= names
    assert not {name for name in names if re.search(r"-[0-9a-f]{3}$", name)}  # Prefect's own names end so


def test_a_stage_shows_how_far_it_is_and_ends_at_all(run):
    _, report, pages = run
    bars = {page.description: page.data for page in pages if page.type == "progress"}
    total = report.made["scene"]
    assert {text.partition(":")[0] for text in bars} == {"10UFB ingest", "10UFB products"}
    assert all(re.search(rf": {total} of {total} \(\d{{4}}-\d\d-\d\d\)$", text) for text in bars)
    assert set(bars.values()) == {100}


def test_the_page_of_a_tile_shows_the_newest_date_in_five_pictures(run):
    _, _, pages = run
    (page,) = [page for page in pages if page.key == "tile-10ufb"]
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)"', page.data)
    sizes = [Image.open(BytesIO(b64decode(picture))).size for picture in pictures]
    assert len(sizes) == 5
    assert all(60 < width <= 116 and height < width for width, height in sizes)
    assert len(page.data) < 60_000


def test_a_night_leaves_its_summary_its_matrix_and_a_full_bar(run, source, settings):
    nightly(source=source, root=str(run[0]), settings=settings)
    with get_client(sync_client=True) as client:
        pages = client.read_artifacts(sort=ArtifactSort.CREATED_DESC, limit=20)
    summary = next(page for page in pages if page.key == "nightly-summary")
    assert summary.description.startswith("1 tile: 1 done, 0 failed · scenes: none new")
    assert "Nothing: every tile is up to date." in summary.data
    assert f"{TILE}  ● ●" in next(page for page in pages if page.key == "nightly-matrix").data
    (bar,) = [page for page in pages if page.type == "progress" and page.description.startswith("tiles")]
    assert (bar.description, bar.data) == (f"tiles: 1 of 1 ({TILE})", 100)


def test_a_page_that_is_too_long_is_cut_at_a_line():
    cut = _cut("a line\n" * 40_000)
    assert len(cut) <= LARGEST
    assert cut.endswith(f"a line\n\n(the rest is left out: more than {LARGEST} characters)")


def test_a_server_that_does_not_answer_fails_no_run(monkeypatch):
    def silent(**_):
        raise httpx.ConnectTimeout("silent")

    said = []
    monkeypatch.setattr("tasks.shown.watched", lambda: True)
    monkeypatch.setattr("tasks.shown.get_client", silent)
    monkeypatch.setattr(
        "tasks.shown.get_run_logger", lambda: SimpleNamespace(warning=lambda *words: said.append(words))
    )
    show("text", "description")
    assert begin_bar("bar") is None
    assert len(said) == 2


def test_a_bar_is_moved_now_and_then_and_at_its_end(monkeypatch):
    moved, clock = [], iter([0, 1, 31, 31, 32, 33])
    monkeypatch.setattr("flows.progress.begin_bar", lambda text: uuid4())
    monkeypatch.setattr("flows.progress.move_bar", lambda bar, percent, text: moved.append((percent, text)))
    monkeypatch.setattr("flows.progress.time", SimpleNamespace(monotonic=lambda: next(clock)))
    page = Page("10UFB products", 4)
    for day in ("a", "b", "c", "d"):
        page.step(day)
    assert moved == [(50, "10UFB products: 2 of 4 (b)"), (100, "10UFB products: 4 of 4 (d)")]


def test_a_picture_is_that_of_the_product(run):
    store, item = Store(str(run[0])), newest(run[0], "masks")
    (encoded,) = re.findall(r"base64,([^\"]+)", picture_of(store, item))
    shown = np.asarray(Image.open(BytesIO(b64decode(encoded))).convert("RGB"), float)
    there = Image.open(store.asset(item, "thumbnail")).convert("RGB")
    there.thumbnail(shown.shape[1::-1])
    assert np.abs(shown - np.asarray(there, float)).mean() < 4


def test_with_an_address_pictures_and_items_are_linked_there(run, monkeypatch):
    store, item = Store(str(run[0])), newest(run[0], "mrap")
    monkeypatch.setenv("S2LOOKBACK_API", "https://stac.example/catalog")
    name, version = item["id"], item["properties"]["version"]
    assert f'src="https://stac.example/catalog/files/mrap/10UFB/{name}/{version}/age.png"' in picture_of(
        store, item, "age"
    )
    assert link_to(store, item) == f"[item](https://stac.example/catalog/collections/mrap/items/{name})"
    monkeypatch.setenv("S2LOOKBACK_BROWSER", "/opt/browser")
    assert f"[browser](https://stac.example/catalog/browser/collections/mrap/items/{name})" in link_to(store, item)


@pytest.mark.parametrize("address", ["", "javascript:alert(1)", "stac.example"])
def test_without_a_usable_address_the_file_is_named(run, monkeypatch, address):
    store, item = Store(str(run[0])), newest(run[0], "mrap")
    monkeypatch.setenv("S2LOOKBACK_API", address)
    assert link_to(store, item) == f"`{store.href('mrap', TILE, item['id'])}`"


def test_facts_are_those_of_the_pixels(run):
    mask = newest(run[0], "masks")
    clear = round(100 * mask["properties"]["s2lookback:clear_fraction"])
    assert facts_of(mask)[0] == f"{clear} % clear"


def test_without_a_server_nothing_is_shown(tmp_path, monkeypatch):
    monkeypatch.setattr("tasks.shown.get_client", lambda **_: pytest.fail("a server was asked"))
    assert chain.run(tmp_path).made["mrap"] == 4
