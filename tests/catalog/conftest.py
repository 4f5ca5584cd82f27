"""Samples of every kind of item, a store to publish them in, and the schemas to judge them by."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from catalog.api.app import create_app
from catalog.items.builders import COLLECTIONS, Basis, item_id, mask_item, mrap_item, reduced_item, scene_item
from catalog.items.models import model_item
from catalog.layout import Item, source_link
from catalog.provenance import Recipe
from catalog.store import Request, Store
from s2lookback.footprint import outline
from s2lookback.grid import Grid
from s2lookback.masking.classes import Class
from s2lookback.scene import Acquisition
from tests.catalog.serving import served

TILE = "10UFB"
SENSED = datetime(2025, 8, 30, 19, 38, 31, tzinfo=UTC)
GRID = Grid(32610, (20.0, 0.0, 600_000.0, 0.0, -20.0, 5_600_040.0), 5, 7)
BANDS = ("B12", "B8A", "B04")
SOFTWARE = {"rasterio": "1.4.4", "lightgbm": "4.7.0", "s2lookback": "0.1.0"}
COUNTS = {Class.NO_DATA: 5, Class.CLEAR: 12, Class.THIN_CLOUD: 6, Class.THICK_CLOUD: 3, Class.SHADOW: 3, Class.SMOKE: 6}
DAYS = [datetime(2025, 8, day, 19, tzinfo=UTC) for day in (1, 11, 21)]
FIJI = Grid(32701, (20.0, 0.0, 172_000.0, 0.0, -20.0, 8_200_000.0), 5, 700)  # across the antimeridian
ABOUT = Acquisition(
    tile=TILE,
    sensed=SENSED,
    platform="sentinel-2b",
    level="L2A",
    baseline="05.11",
    relative_orbit=13,
    orbit_state="descending",
    products=("S2B_MSIL2A_20250830T193831_N0511_R013_T10UFB_20250830T230000.SAFE",),
    generated=datetime(2025, 8, 30, 23, 0, 0, tzinfo=UTC),
    sun_azimuth=165.25,
    sun_elevation=47.123456,
    view_azimuth=104.0,
    view_incidence=5.5,
    offset_removed=1000,
)


@dataclass(frozen=True)
class Sample:
    """An item, its files, and the request that it answers."""

    item: Item
    files: dict[str, bytes]
    request: Request

    def publish(self, store: Store) -> str:
        """Stage the files and publish the item."""
        with store.stage(self.request) as folder:
            for name, content in self.files.items():
                (folder / name).write_bytes(content)
            return store.publish(self.request, folder, self.item)

    def with_content(self, content: bytes, **settings: Any) -> "Sample":
        """Give the same product with other bytes, of another recipe."""
        recipe = replace(self.request.recipe, settings=settings)
        files = {name: content + name.encode() for name in self.files}
        return Sample(self.item, files, replace(self.request, recipe=recipe))


def _item(stage: str, basis: Basis) -> Item:
    if stage == "scene":
        documents = ("MTD_TL.xml", "MTD_MSIL2A.xml")
        return scene_item(basis, ABOUT, BANDS, valid_fraction=0.857143, documents=documents, cloud_cover=31.25)
    if stage == "mask":
        drift = {"pixels": 30, "clear_pixels": 12, "disagreement": 0.05, "psi": {"B12": 0.12}, "psi_mean": 0.12}
        return mask_item(basis, ABOUT, method="lookback", counts=COUNTS, drift=drift)
    if stage == "mrap":
        start = SENSED - timedelta(days=40)
        ages = {"max": 40, "median": 3}
        return mrap_item(basis, BANDS, start=start, filled_fraction=1, age_days=ages, source_count=4, seam_score=1.25)
    if stage == "reduced":
        return reduced_item(basis, ABOUT, BANDS, estimated_fraction=0.2, counts=COUNTS)
    return model_item(
        basis,
        start=SENSED - timedelta(days=90),
        features=("B12", "before_B12", "ndvi"),
        classes=(Class.CLEAR, Class.THIN_CLOUD, Class.THICK_CLOUD, Class.SHADOW),
        hyperparameters={"trees": 100, "seed": 20},
        metrics={"sensed": ["2025-08-25T19:38:31Z"], "pixels": 35, "MASKED": {"f1": 0.9}, "usual_psi": 0.08},
        champion={"id": f"model-{TILE}-202507", "winner": "challenger", "f1": {"challenger": 0.9, "champion": 0.85}},
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "products"))


@pytest.fixture(scope="session")
def sample() -> Callable[..., Sample]:
    """Offer samples by stage: of another tile, time or grid, made from published items."""

    def make(
        stage: str, *, tile: str = TILE, sensed: datetime = SENSED, grid: Grid = GRID, sources: list[Item] | None = None
    ) -> Sample:
        links = [source_link(source) for source in sources or []]
        if stage != "scene" and not links:
            digest = "ab" * 32
            stand_in = {"collection": "scenes", "id": item_id("scene", tile, sensed)}
            facts = {"grid:code": f"MGRS-{tile}", "s2lookback:content": digest}
            links = [source_link({**stand_in, "properties": facts})]
        optional = ["scl.tif", "thumbnail.png", "age.png"]
        basis = Basis(
            tile=tile,
            sensed=sensed,
            grid=grid,
            footprint=outline(grid),
            software=SOFTWARE,
            files=optional,
            sources=links,
        )
        item = _item(stage, basis)
        files = {asset["href"]: json.dumps([tile, key]).encode() for key, asset in item["assets"].items()}
        recipe = Recipe(stage, 1, {"input": "12" * 32}, {"threshold": 0.5})
        return Sample(item, files, Request(COLLECTIONS[stage], item["id"], tile, recipe))

    return make


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def full(
    request: pytest.FixtureRequest, sample: Callable[..., Sample], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """Offer ten items with each of the indexes; no test changes them."""
    store = Store(str(tmp_path_factory.mktemp(request.param) / "products"))
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "postgresql":
            patch.setenv("S2LOOKBACK_INDEX", request.getfixturevalue("pgstac"))
        assert store.index.name == request.param  # from here on it keeps this one
    for sensed in DAYS:
        for stage in ("scene", "mask", "mrap"):
            sample(stage, sensed=sensed).publish(store)
    sample("scene", tile="01KAA", sensed=DAYS[1], grid=FIJI).publish(store)
    yield store
    if request.param == "postgresql":
        store.index.close()


@pytest.fixture(scope="session")
def api(full: Store, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """Offer a client of the API over these items."""
    with pytest.MonkeyPatch.context() as patch:
        if full.index.name == "postgresql":
            patch.setenv("S2LOOKBACK_INDEX", request.getfixturevalue("pgstac"))
        app = create_app(str(full.root))
    with served(app) as address, httpx.Client(base_url=address, trust_env=False) as client:
        yield client


@pytest.fixture
def basis() -> Basis:
    """Offer what every item says."""
    links = [{"rel": "derived_from", "href": f"./{name}.json", "type": "application/geo+json"} for name in "ab"]
    return Basis(
        tile=TILE, sensed=SENSED, grid=GRID, footprint=outline(GRID), software=SOFTWARE, files=["thumbnail.png"],
        sources=links,
    )  # fmt: skip


@pytest.fixture
def tree() -> Callable[[Path], dict[str, bytes]]:
    """Offer every file below a folder, with its bytes; but not the index, which others may make anew at any time."""
    return lambda root: {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".index" not in path.parts
    }


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/catalog/golden; then read the diff")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, dict[str, Any]], None]:
    """Offer a comparison with what was published before."""

    def compare(name: str, content: dict[str, Any]) -> None:
        path = Path(__file__).parent / "golden" / f"{name}.json"
        if request.config.getoption("--update-golden", default=False):
            path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
        assert content == json.loads(path.read_text())

    return compare
