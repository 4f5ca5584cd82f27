"""STAC Browser over the catalog, as a person uses it: find by area and date, look, and click back to the scene."""

import json
import re
import shutil
import subprocess
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright
from starlette.middleware.cors import CORSMiddleware
from starlette.staticfiles import StaticFiles

from catalog.api.app import create_app
from catalog.api.browser import add_browser
from s2lookback.mrap.fold import DAY
from s2lookback.pictures import thumbnail
from s2lookback.raster import write_band
from s2lookback.scene import NODATA, SCALE
from tests.catalog.conftest import BANDS, GRID, SENSED
from tests.catalog.serving import served

HERE = Path(__file__).parents[2]
BUILD = HERE / ".cache" / "browser"
DAYS = [SENSED + timedelta(days=5 * number) for number in range(3)]
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
WAIT = 60_000
"""Milliseconds: a busy machine is no fault of the code."""


@pytest.fixture(scope="module")
def browser_build():
    """Build the browser, unless it was built from the same release and the same patches before; or skip, saying so."""
    if not Path(CHROMIUM).exists() or shutil.which("npm") is None:
        pytest.skip(
            f"no browser can be built and driven here: {CHROMIUM} and npm are needed (Debian: apt install chromium npm)"
        )
    subprocess.run([HERE / "deployments/browser/build.sh", BUILD], check=True, timeout=900)
    return BUILD


@pytest.fixture
def address(store, sample, tmp_path, browser_build):
    """Serve three dates of scenes and composites, green in the upper half and red in the lower."""
    for day in DAYS:
        scene = store.read(with_pixels(sample("scene", sensed=day), tmp_path, day).publish(store))
        with_pixels(sample("mrap", sensed=day, sources=[scene]), tmp_path, day).publish(store)
    application = create_app(str(store.root))
    add_browser(application, browser_build)
    with served(application) as address:
        yield address


@pytest.fixture
def addresses(store, sample, tmp_path, browser_build):
    """Serve the catalog's folder as files and no more, and the browser elsewhere, told in its config.js where."""
    scene = store.read(with_pixels(sample("scene"), tmp_path, SENSED).publish(store))
    with_pixels(sample("mrap", sources=[scene]), tmp_path, SENSED).publish(store)
    files = FastAPI()
    files.add_middleware(CORSMiddleware, allow_origins=["*"], allow_headers=["Range"])
    files.mount("/", StaticFiles(directory=store.root))
    build = shutil.copytree(browser_build, tmp_path / "browser")
    with served(files) as catalog:
        said = (build / "config.js").read_text()
        assert said.count("`${window.location.origin}/`") == 1
        (build / "config.js").write_text(said.replace("`${window.location.origin}/`", f'"{catalog}/catalog.json"'))
        application = FastAPI()
        add_browser(application, build)
        with served(application) as address:
            yield address, catalog


def with_pixels(made, folder, day):
    """Give a sample rasters that can be seen."""
    upper = np.arange(GRID.height)[:, None] < 2
    for number, band in enumerate(BANDS):
        values = np.where(upper, 2000 if number == 1 else 30, 2000 if number == 0 else 30) * np.ones(GRID.shape)
        path = folder / f"{band}.tif"
        write_band(path, values.astype(np.int16), GRID, nodata=NODATA, description=band, scale=SCALE, continuous=True)
        made.files[path.name] = path.read_bytes()
    if "sensed.tif" in made.files:
        sensed = np.full(GRID.shape, int(day.timestamp()) // DAY, np.uint16)
        write_band(folder / "sensed.tif", sensed, GRID, nodata=0, description="sensed")
        made.files["sensed.tif"] = (folder / "sensed.tif").read_bytes()
    made.files["thumbnail.png"] = thumbnail(np.full((*GRID.shape, 3), 90, np.uint8))
    return made


@pytest.fixture
def page(address):
    with opened(address) as page:
        yield page


@contextmanager
def opened(address, *others):
    """Open a page that may ask nobody else."""
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = chromium.new_page(viewport={"width": 1280, "height": 1000}, base_url=address)
        page.set_default_timeout(WAIT)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        yield page
        outside = [url for url in asked if not url.startswith((address, *others, "blob:", "data:"))]
        chromium.close()
        assert not outside


def test_found_by_area_and_date_opened_and_followed_back_to_the_scene(page: Page, address):
    page.goto("/browser/search")
    dates = page.locator("input[name=date]")
    dates.click()
    dates.fill("2025-09-01 00:00:00 ~ 2025-09-06 00:00:00")
    dates.press("Enter")
    page.mouse.click(640, 130)  # closes the calendar
    draw_box(page, 0.3, 0.25)
    page.locator(".filter-collection .multiselect").first.click()
    page.get_by_role("option", name="Most recent available pixels").click()
    with page.expect_request(lambda request: request.url.endswith("/search") and request.method == "POST") as sent:
        page.get_by_role("button", name="Submit").click()
    asked = json.loads(sent.value.post_data)
    assert asked["collections"] == ["mrap"]
    west, south, east, north = asked["bbox"]
    assert -180 < west < -121.6 < east < 0 < south < 50.5 < north
    found = page.get_by_role("link", name="mrap-10UFB-20250904T193831").last
    expect(found).to_be_visible(timeout=WAIT)
    expect(page.get_by_text("mrap-10UFB-20250830T193831")).to_have_count(0)  # the later one holds pixels of then
    found.click()
    expect(page.get_by_role("heading", name="mrap-10UFB-20250904T193831")).to_be_visible(timeout=WAIT)
    page.get_by_role("link", name="scene-10UFB-20250904T193831").click()
    expect(page.get_by_role("heading", name="scene-10UFB-20250904T193831")).to_be_visible(timeout=WAIT)
    expect(page.get_by_text("sentinel-2b")).to_be_visible(timeout=WAIT)


def draw_box(page: Page, right, down):
    """Choose an area by a click on the map of the search, at shares of its width and height: the box lies around it."""
    page.get_by_text("Filter by spatial extent").click()
    area = page.locator(".filter-bbox .map").first
    expect(area.locator("canvas").first).to_be_visible(timeout=WAIT)
    place = area.bounding_box()
    page.mouse.click(place["x"] + right * place["width"], place["y"] + down * place["height"])
    expect(page.get_by_text("Click inside the bounding box to remove it.")).to_be_visible(timeout=WAIT)


def test_found_by_a_property_that_the_form_offers(page: Page, store, sample):
    sample("mask").publish(store)
    page.goto("/browser/search")
    page.get_by_role("button", name="Add filter").click()
    page.get_by_role("menuitem", name="Cloud, percent of the valid pixels").click()
    chosen = page.locator(".queryable-group")
    chosen.locator("input.value").fill("31")
    chosen.locator(".op .dropdown-toggle").click()
    chosen.get_by_role("menuitem", name="less than").first.click()
    with page.expect_request(lambda request: request.url.endswith("/search") and request.method == "POST") as sent:
        page.get_by_role("button", name="Submit").click()
    asked = json.loads(sent.value.post_data)["filter"]
    assert asked == {"op": "and", "args": [{"op": "<", "args": [{"property": "eo:cloud_cover"}, 31]}]}
    expect(page.get_by_role("link", name="mask-10UFB-20250830T193831").last).to_be_visible(timeout=WAIT)
    expect(page.get_by_text("scene-10UFB-")).to_have_count(0)  # of 31.25 % cloud


def test_an_area_drawn_beyond_the_antimeridian_is_answered(page: Page):
    page.goto("/browser/search")
    draw_box(page, 0.01, 0.3)
    with page.expect_response(lambda answer: answer.url.endswith("/search")) as received:
        page.get_by_role("button", name="Submit").click()
    assert received.value.status == 200
    west, _, east, _ = json.loads(received.value.request.post_data)["bbox"]
    assert west < -180 < east


def test_the_classes_of_a_mask_are_told_with_their_colours(page: Page, store, sample):
    sample("mask").publish(store)
    page.goto("/browser/collections/masks/items/mask-10UFB-20250830T193831")
    page.get_by_role("button", name="What each pixel is").click()
    for title in ("thin cloud", "cloud shadow", "active fire"):
        row = page.locator("tr", has_text=re.compile(title, re.IGNORECASE)).first
        expect(row).to_be_visible(timeout=WAIT)
        expect(row.locator("[style*=color]").first).to_be_visible()
    legend = page.locator(".metadata-table", has_text="Active fire")
    hidden = legend.evaluate("box => [box.scrollHeight - box.clientHeight, box.scrollWidth - box.clientWidth]")
    assert hidden == [0, 0]  # seen whole, at one look


def test_the_map_shows_the_bands_as_the_item_says(page: Page):
    page.goto("/browser/collections/mrap/items/mrap-10UFB-20250830T193831")
    green_above_red(page)


def green_above_red(page: Page):
    """Wait until the map shows the bands of the samples, north up."""
    for _ in range(WAIT // 1000):
        page.wait_for_timeout(1000)
        pixels = seen(page)
        green, red = (pixels[..., 1] > 150) & (pixels[..., 0] < 60), (pixels[..., 0] > 150) & (pixels[..., 1] < 60)
        if min(green.sum(), red.sum()) > 500:
            break
    assert min(green.sum(), red.sum()) > 500
    assert np.argwhere(green)[:, 0].mean() < np.argwhere(red)[:, 0].mean()  # north is up


def seen(page: Page) -> np.ndarray:
    """Take what the map shows, RGB."""
    with Image.open(BytesIO(page.locator(".map").first.screenshot())) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def test_a_folder_of_files_is_browsed_without_our_api(addresses):
    with opened(*addresses) as page:
        page.goto("/browser/")
        for name in ("Most recent available pixels", "mrap of tile 10UFB", "mrap-10UFB-20250830T193831"):
            page.get_by_role("link", name=name, exact=True).last.click()
        expect(page.get_by_role("heading", name="mrap-10UFB-20250830T193831")).to_be_visible(timeout=WAIT)
        green_above_red(page)
        page.get_by_role("link", name="scene-10UFB-20250830T193831").click()
        expect(page.get_by_text("sentinel-2b")).to_be_visible(timeout=WAIT)


@pytest.mark.parametrize(
    "path", ["..%2f..%2fbuild.sh", "../build.sh", "%2e%2e/.built", "a" * 2000, "x%00y", "img/../../x"]
)
def test_nothing_but_the_build_is_served(path, address):
    answer = httpx.get(f"{address}/browser/{path}", trust_env=False)
    assert "npm" not in answer.text
    assert answer.status_code in {200, 404, 414}
    assert answer.status_code != 200 or '<div id="stac-browser">' in answer.text
