"""Prefect's own pages, as the duty officer uses them: a form is opened, filled in and submitted, and products come."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Response, expect, sync_playwright

from catalog.store import Store
from tests.flows.server import SECRET, Server, wait_for, worker

pytestmark = pytest.mark.flow
CHROMIUM = "/usr/bin/chromium"
WAIT = 120_000
"""Milliseconds: a busy machine is no fault of the code."""
TILE = "10UFB"
SENSED = ["20250628T191921", "20250703T191921", "20250708T191921", "20250713T191921", "20250718T191921"]


@pytest.fixture(scope="module")
def officer(server) -> Iterator[Page]:
    """Log in, in a province eight hours from where days are counted, while a worker of each pool waits."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no browser can be driven here: {CHROMIUM} is needed (Debian: apt install chromium)")
    shutil.rmtree(server.products, ignore_errors=True)
    with worker(server, "hpc"), worker(server, "gpu"), sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        address = server.environment["PREFECT_API_URL"].removesuffix("/api")
        page = chromium.new_page(
            viewport={"width": 1100, "height": 1300}, base_url=address, timezone_id="America/Vancouver"
        )
        page.set_default_timeout(WAIT)
        page.goto("/")
        page.locator("input").fill(f"tests:{SECRET}")
        page.get_by_role("button", name="Login").click()
        page.get_by_role("link", name="Deployments").click()
        yield page
        chromium.close()


def open_form(page: Page, name: str) -> None:
    """Go the way that a person goes: deployments, the one of that name, run it with what I say.

    The page writes a search into its address twice, and the second time leads back to the list whoever had left it by
    then: so the link is followed by its address.
    """
    page.get_by_role("link", name="Deployments").first.click()
    page.get_by_placeholder("Search deployments").fill(name)
    found = page.locator("a[href*='/deployments/deployment/']")
    expect(found).to_have_count(1, timeout=WAIT)
    page.goto(str(found.get_attribute("href")))
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Custom run").click()
    page.get_by_role("heading", name="Parameters").wait_for()
    page.locator("form label").get_by_text("(Optional)").first.wait_for()  # the fields come after their heading


def field(page: Page, title: str) -> Locator:
    """Find what belongs to one parameter."""
    label = page.get_by_text(re.compile(rf"^{title}( \(Optional\))?$"))
    return page.locator("div.group").filter(has=label).last


def fill_day(page: Page, title: str, day: str) -> None:
    found = field(page, title)
    if found.get_by_role("tab", name="Day").count():
        found.get_by_role("tab", name="Day").click()
    found.get_by_text("Pick a date").click()
    page.get_by_placeholder("yyyy-MM-dd").fill(day)
    page.get_by_placeholder("yyyy-MM-dd").press("Enter")
    page.keyboard.press("Escape")
    expect(page.get_by_placeholder("yyyy-MM-dd")).to_have_count(
        0, timeout=WAIT
    )  # or it takes the next click for its own


def fill_tile(page: Page, tile: str) -> None:
    field(page, "Tile").locator("textarea").fill(tile)


def add_tile(page: Page, tile: str) -> None:
    field(page, "Tiles").get_by_role("button", name="Add item").click()
    field(page, "Tiles").locator("textarea").last.fill(tile)


def simulate(page: Page, dates: int) -> None:
    """Ask for small simulated scenes, five days apart, instead of those of a folder."""
    field(page, "Scenes").first.get_by_role("tab", name="Others").click()
    page.get_by_role("button", name="Select Kind").click()
    page.get_by_role("option", name="simulated").click()
    for title, number in (("Height", 36), ("Width", 52), ("Dates", dates)):
        page.get_by_label(f"{title} (Optional)", exact=True).fill(f"{number}")


def press_submit(page: Page) -> Response:
    with page.expect_response(lambda answer: answer.url.endswith("/create_flow_run")) as awaited:
        page.get_by_role("button", name="Submit").click()
    return awaited.value


def submit(page: Page, server: Server, name: str) -> dict[str, object]:
    """Submit a form; give the run that came of it, at its end."""
    before = {run["id"] for run in server.runs(name)}
    answer = press_submit(page)
    for _ in range(5):
        if answer.status != 503:  # SQLite was busy, the page says so: a person presses again
            break
        page.wait_for_timeout(2000)
        answer = press_submit(page)
    assert answer.status == 201, answer.text()
    (new,) = wait_for(lambda: {run["id"] for run in server.runs(name)} - before, "a run")
    assert server.end(new) == "COMPLETED", server.run(new)["state"]["message"]
    return server.run(new)


def made(server: Server, collection: str) -> list[str]:
    """List when the products of a collection were sensed."""
    return [name.rpartition("-")[2] for name in Store(str(server.products)).ids(collection, TILE)]


@pytest.fixture(scope="module")
def night(officer, server) -> dict[str, object]:
    """Fill in the form of a night of one tile and five dates, submit it, wait for its end."""
    open_form(officer, "nightly")
    add_tile(officer, TILE)
    fill_day(officer, "Last day", "2025-07-18")
    simulate(officer, 7)
    return submit(officer, server, "nightly")


def test_a_night_makes_the_products_of_its_tiles_up_to_the_last_day_included(night, server):
    assert night["parameters"]["end"] == "2025-07-18", "the day that was picked, wherever the browser is"
    assert night["parameters"]["tiles"] == [TILE]
    assert str(night["name"]).startswith("nightly 20")
    assert made(server, "scenes") == made(server, "masks") == made(server, "mrap") == made(server, "reduced") == SENSED


def test_a_tile_is_brought_up_to_date(night, officer, server):
    open_form(officer, "tile")
    fill_tile(officer, TILE)
    fill_day(officer, "Last day", "2025-07-23")
    simulate(officer, 7)
    assert submit(officer, server, "tile")["name"] == f"tile {TILE}"
    assert made(server, "mrap") == [*SENSED, "20250723T191921"]


def test_a_model_is_trained_for_the_month_of_a_day(night, officer, server):
    open_form(officer, "train")
    fill_tile(officer, TILE)
    fill_day(officer, "Day", "2025-08-15")
    assert submit(officer, server, "train")["name"] == f"train {TILE} 2025-08"
    assert made(server, "models")


def test_a_backfill_mends_what_was_damaged_on_its_day(night, officer, server):
    damaged = next((server.products / "masks" / TILE).glob(f"*{SENSED[1]}/*/class.tif"))
    whole = damaged.read_bytes()
    damaged.write_bytes(bytes(len(whole)))
    open_form(officer, "backfill")
    add_tile(officer, TILE)
    fill_day(officer, "First day", "2025-07-03")
    fill_day(officer, "Last day", "2025-07-03")
    field(officer, "Make anew").get_by_role("switch").click()
    submit(officer, server, "backfill")
    assert damaged.read_bytes() == whole


def test_a_tile_that_is_none_is_refused_beside_the_field_that_says_what_one_looks_like(officer, server):
    before = len(server.runs("tile"))
    open_form(officer, "tile")
    fill_tile(officer, "Vancouver")
    while press_submit(officer).status == 503:
        officer.wait_for_timeout(2000)
    expect(field(officer, "Tile")).to_contain_text("'Vancouver' does not match", timeout=WAIT)
    expect(field(officer, "Tile")).to_contain_text("MGRS square without the T, as in 10UFB.")
    expect(officer.get_by_text("Error creating flow run: Validation failed for field 'tile'")).to_be_visible()
    assert len(server.runs("tile")) == before


@pytest.mark.parametrize("day", ["2025-02-31", "30/08/2025", "yesterday"])
def test_a_day_that_is_none_is_not_taken_up(officer, day):
    open_form(officer, "train")
    fill_day(officer, "Day", day)
    expect(field(officer, "Day")).to_contain_text("Pick a date")


def test_a_form_shows_what_people_change_and_folds_the_settings_away(officer):
    open_form(officer, "nightly")
    shown = officer.locator("form label").all_inner_texts()
    titles = ["Tiles", "First day", "Last day", "Tiles at once", "Scenes", "Catalog", "Settings"]
    assert [text.removesuffix(" (Optional)") for text in shown if "(Optional)" in text] == titles
    field(officer, "Settings").get_by_role("tab", name="Others").click()
    for title in ("Ingest", "Mask", "Composite", "Reduce"):
        expect(officer.get_by_text(f"{title} (Optional)", exact=True)).to_be_visible()
    expect(officer.get_by_label("Threshold (Optional)", exact=True)).to_have_value("0.5")
