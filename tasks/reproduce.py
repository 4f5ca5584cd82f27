"""Make a published product again, from its recorded recipe and the very inputs it was made from, in another catalog."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from tempfile import TemporaryDirectory
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from catalog.items.facts import sensed_of
from catalog.layout import tile_of
from catalog.origin.replaced import versions
from catalog.origin.reproduction import Reproduction, compare, lend
from catalog.provenance import Recipe
from catalog.search import find_item
from catalog.store import Store
from s2lookback.errors import CatalogError, SceneError
from s2lookback.settings import IngestSettings, MaskSettings, MrapSettings, ReduceSettings
from s2lookback.sources.settings import SourceSettings, open_source
from tasks.history import Arrival, Step
from tasks.ingest import ingest_scene
from tasks.mask import masked
from tasks.mrap import folded
from tasks.place import source_of
from tasks.products import Item, bands_content_of, content_of
from tasks.reduce import reduced
from tasks.relief import ELEVATION
from tasks.train import model_of

Settings = TypeVar("Settings", bound=BaseModel)

_BANDS = "#bands"


@contextmanager
def bench(root: str, name: str) -> Iterator[tuple[Item, str]]:
    """Offer an item, and the root of a passing catalog that stands on nothing but what the item was made from.

    It lies where the system keeps temporary files; ``TMPDIR`` says where.

    Raises:
        CatalogError: If there is no such item, its recipe was tampered with, or an input is no longer kept.
    """
    store = Store(root)
    item = find_item(store, name)
    recipe = Recipe.from_dict(item["properties"]["s2lookback:recipe"])
    with TemporaryDirectory(prefix="s2lookback-") as folder:
        if recipe.stage != "scene":  # its inputs are the producer's files
            for used in _items(recipe.inputs):
                lend(store, _input(store, used, recipe.inputs[used]), Store(folder))
        yield item, folder


def remake(item: Item, root: str, source: SourceSettings) -> str:
    """Make a product again in the catalog at ``root``, which holds its inputs; return its href.

    Raises:
        CatalogError: If its settings are none that this program knows.
        SceneError: If the producer's files of a scene are not at hand, or have changed.
    """
    recipe = Recipe.from_dict(item["properties"]["s2lookback:recipe"])
    if recipe.stage == "scene":
        return _scene(item, recipe, root, source)
    if recipe.stage == "model":
        return _model(item, recipe, root)
    return _product(item, recipe, root)


def verdict(item: Item, root: str, made: str, bench_root: str) -> Reproduction:
    """Compare an item with the same made again."""
    other = Store(bench_root)
    return compare(Store(root), item, other, other.read(made))


def _input(store: Store, name: str, digest: str) -> Item:
    """Find the very version that was used; of a composite that was looked at, one with the same bands."""
    for one in versions(store, find_item(store, name.removesuffix(_BANDS))):
        if (bands_content_of(one) if name.endswith(_BANDS) else content_of(one)) == {name: digest}:
            return one
    raise CatalogError(f"{name}: the version {digest[:12]} that was used is no longer kept")


def _scene(item: Item, recipe: Recipe, root: str, source: SourceSettings) -> str:
    source, sensed = source_of(source), sensed_of(item)
    settings = _settings(IngestSettings, {name: value for name, value in recipe.settings.items() if name != "files"})
    opened = open_source(source, settings)
    found = [ref for ref in opened.list_scenes(tile_of(item), sensed, sensed).scenes if ref.sensed == sensed]
    if not found:
        raise SceneError(f"{item['id']}: {source.scenes or source.kind} holds no scene of that second")
    if dict(opened.checksums(found[0])) != dict(recipe.inputs):
        raise SceneError(f"{item['id']}: its files hold something else than what it was made from")
    return ingest_scene(found[0], source=source, root=root, settings=settings).href


def _product(item: Item, recipe: Recipe, root: str) -> str:
    """Make a product of one scene."""
    made_from = _hrefs(Store(root), recipe.inputs)
    masks, composites, models = (made_from[stage] for stage in ("mask", "mrap", "model"))
    scene = _by_time(Store(root), made_from["scene"])[sensed_of(item)]  # a background has others beside it
    before, model = next(iter(composites), None), next(iter(models), None)
    arrival = Arrival(tile_of(item), sensed_of(item), scene)
    if recipe.stage == "mask":
        return masked(arrival, before, model, root, _settings(MaskSettings, recipe.settings)).href
    if recipe.stage == "mrap":
        return folded(arrival, masks[0], before, root, _settings(MrapSettings, recipe.settings)).href
    step = Step(arrival, before, masks[0], composite="")
    return reduced(step, root, _settings(ReduceSettings, recipe.settings)).href


def _model(item: Item, recipe: Recipe, root: str) -> str:
    """Train a model on its scenes, each judged against the newest composite before it, and beside its champion."""
    store, made_from = Store(root), _hrefs(Store(root), recipe.inputs)
    scenes, composites = (_by_time(store, made_from[stage]) for stage in ("scene", "mrap"))
    steps = []
    for sensed, href in scenes.items():
        before = [time for time in composites if time < sensed]
        reference = composites[before[-1]] if before else None
        steps.append(Step(Arrival(tile_of(item), sensed, href), reference, mask="", composite=""))
    champion = next(iter(made_from["model"]), None)
    return model_of(steps, sensed_of(item), champion, root, _settings(MaskSettings, recipe.settings)).href


def _hrefs(store: Store, inputs: Mapping[str, str]) -> dict[str, list[str]]:
    """Find the inputs of a recipe, by stage."""
    found: dict[str, list[str]] = {"scene": [], "mask": [], "mrap": [], "model": []}
    for name in _items(inputs):
        item = find_item(store, name.removesuffix(_BANDS))
        found[name.partition("-")[0]].append(store.href(item["collection"], tile_of(item), item["id"]))
    return found


def _items(inputs: Mapping[str, str]) -> list[str]:
    """Name the inputs that lie in the catalog: all but heights of the ground, which this machine has or lacks."""
    return [name for name in inputs if name != ELEVATION]


def _by_time(store: Store, hrefs: list[str]) -> dict[datetime, str]:
    return dict(sorted((sensed_of(store.read(href)), href) for href in hrefs))


def _settings(kind: type[Settings], recorded: Mapping[str, object]) -> Settings:
    try:
        return kind.model_validate(dict(recorded))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CatalogError(f"it was made with the setting {where}, which is not known here: {first['msg']}") from error
