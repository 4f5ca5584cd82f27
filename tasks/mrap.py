"""Fold a scene into its tile's composite."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from prefect import task

from catalog.audit import problems
from catalog.items.builders import item_id, mrap_item
from catalog.items.facts import bands_of, grid_of, sensed_of
from catalog.origin.replaced import causes
from catalog.store import Request, Store
from s2lookback.display import OLDEST
from s2lookback.errors import CatalogError, SceneError
from s2lookback.mrap.difference import changed_pixels
from s2lookback.mrap.engine import Observation, Summary, fold_files
from s2lookback.mrap.fold import DAY
from s2lookback.mrap.light_table import match_files
from s2lookback.mrap.match import Match
from s2lookback.mrap.policy import Group, groups_of
from s2lookback.mrap.quality import seam_score
from s2lookback.mrap.tile import DOUBT, RASTERS, SENSED, SOURCE
from s2lookback.pictures import age_image, bands_to_show, rgb, thumbnail
from s2lookback.raster import read_preview
from s2lookback.settings import MrapSettings
from tasks.history import Arrival
from tasks.policy import POLICY, Product, named, unless_published
from tasks.products import basis, content_of, publish, request_for

REVISION = 3
"""Raised whenever the same inputs and settings give other bytes."""


def folded(
    scene: Arrival, mask: str, reference: str | None, root: str, settings: MrapSettings, *, again: bool = False
) -> Product:
    """Give the composite up to a scene, from the one before it; made only if the catalog lacks it."""
    store = Store(root)
    inputs = content_of(store.read(scene.href)) | content_of(store.read(mask))
    inputs |= content_of(store.read(reference)) if reference else {}
    wanted = request_for("mrap", REVISION, scene.tile, scene.sensed, inputs, settings.model_dump(mode="json"))
    return unless_published(
        composite_scene, wanted, root, again=again, scene=scene.href, mask=mask, reference=reference, settings=settings
    )


@task(task_run_name=named, **POLICY)
def composite_scene(
    wanted: Request, *, root: str, scene: str, mask: str, reference: str | None, settings: MrapSettings
) -> str:
    """Fold a scene into the composite before it, publish what comes out, return its href."""
    started, store = datetime.now(UTC), Store(root)
    sources = [store.read(href) for href in (scene, mask, reference) if href]
    sensed, bands = sensed_of(sources[0]), bands_of(sources[0])
    groups = groups_of(bands, settings)
    for earlier in sources[2:]:
        _check_groups(earlier, groups)
    with store.stage(wanted) as folder:
        summaries = {group.suffix: _fold(folder, store, sources, group) for group in groups}
        seen = np.logical_or.reduce([summary.seen for summary in summaries.values()])
        matches = _matches(folder, store, sources, groups[0])
        table = _sources(summaries, matches, wanted.tile)
        (folder / "sources.json").write_text(json.dumps(table, indent=1))
        _draw(folder, bands, int(sensed.timestamp()))
        described = mrap_item(
            basis(wanted, sensed, grid_of(sources[0]), folder, seen, sources),
            bands,
            start=datetime.fromtimestamp(table[-1]["source"], UTC) if table else sensed,
            filled_fraction=float(seen.mean()),
            age_days=_ages(summaries, int(sensed.timestamp())),
            source_count=len(table),
            seam_score=_seams(folder, groups[0]),
            groups={group.suffix: group.bands for group in groups},
            light=Counter("refused" if match.refused else "matched" for match in matches.values()),
        )
        return publish(store, wanted, folder, described, started, _difference(store, wanted, folder, described))


def _check_groups(before: dict[str, Any], groups: list[Group]) -> None:
    """Demand that every band of the composite before goes by the source that it is to go by."""
    wanted = {name: f"{SOURCE}{group.suffix}" for group in groups for name in group.bands}
    there = before["assets"]
    others = [
        name for name, key in wanted.items() if name in there and there[name].get(f"s2lookback:{SOURCE}", SOURCE) != key
    ]
    if others:
        raise CatalogError(
            f"{before['id']}: {', '.join(others)} do not go by the source that the setting groups asks for; "
            "`s2lookback tile` folds every scene anew"
        )


def _fold(folder: Path, store: Store, sources: list[dict[str, Any]], group: Group) -> Summary:
    """Fold a group of bands of a scene, by its mask, into the composite before it, if there is one."""
    date, before = _inputs(store, sources, group)
    return fold_files(folder, date, before, group.settings, suffix=group.suffix)


def _inputs(store: Store, sources: list[dict[str, Any]], group: Group) -> tuple[Observation, dict[str, str] | None]:
    """Name the files of a scene and its mask, and those of the composite before it."""
    scene, mask, *reference = sources
    doubt, second = str(store.asset(mask, "probability")), int(sensed_of(scene).timestamp())
    date = Observation(second, _files(store, scene, group.bands), str(store.asset(mask, "class")), doubt)
    names = (*group.bands, *(name + group.suffix for name in (*RASTERS, DOUBT)))
    return date, _files(store, reference[0], names) if reference else None


def _matches(folder: Path, store: Store, sources: list[dict[str, Any]], group: Group) -> dict[int, Match]:
    """Match the light of earlier scenes to that of the newest, if the settings ask for it."""
    date, before = _inputs(store, sources, group)
    if before is None or not group.settings.adjust_lighting:
        return {}
    return match_files(before, date, str(folder / f"{SOURCE}.tif"))


def _difference(store: Store, wanted: Request, folder: Path, item: dict[str, Any]) -> dict[str, Any]:
    """Say how many pixels differ from the version that stands, and why; nothing where none stands."""
    old = store.standing(wanted)
    if old is None or any(problems(store, old, deep=False)):
        return {}
    names = [key for key in old["assets"] if (folder / f"{key}.tif").is_file()]
    try:
        moved = changed_pixels(_files(store, old, names), {key: str(folder / f"{key}.tif") for key in names})
    except SceneError:  # its bytes were damaged: what they were cannot be told, and this mends them
        return {}
    new = {**item, "properties": {**item["properties"], "s2lookback:recipe": wanted.recipe.to_dict()}}
    return {"s2lookback:changed_pixels": moved, "s2lookback:cause": "; ".join(causes(store, old, new))}


def _files(store: Store, item: dict[str, Any], keys: Iterable[str]) -> dict[str, str]:
    return {key: str(store.asset(item, key)) for key in keys}


def _seams(folder: Path, group: Group) -> float | None:
    """Score the seams of the band that is shown first, short-wave infrared if it is there, by its overview."""
    names = (bands_to_show(group.bands)[0], SOURCE + group.suffix)
    return seam_score(*(read_preview(folder / f"{name}.tif", 512) for name in names))


def _draw(folder: Path, bands: tuple[str, ...], second: int) -> None:
    """Draw the composite and its age from their overviews."""
    shown = bands_to_show(bands)
    pixels = np.stack([read_preview(folder / f"{name}.tif", 256) for name in shown])
    (folder / "thumbnail.png").write_bytes(thumbnail(rgb(pixels, shown)))
    sensed = read_preview(folder / f"{SENSED}.tif", 512).astype(np.float32)
    picture = age_image(second // DAY - sensed, sensed > 0, oldest=OLDEST)
    (folder / "age.png").write_bytes(thumbnail(picture, 512))


def _sources(summaries: Mapping[str, Summary], matches: Mapping[int, Match], tile: str) -> list[dict[str, Any]]:
    """List every scene that supplies pixels, newest first, to which group of bands how many, and its light."""
    supplied = {f"pixels{suffix}": summary.sources for suffix, summary in summaries.items()}
    return [
        {
            "source": second,
            "scene": item_id("scene", tile, datetime.fromtimestamp(second, UTC)),
            **{key: pixels.get(second, 0) for key, pixels in supplied.items()},
            **({"light": asdict(matches[second])} if second in matches else {}),
        }
        for second in sorted(set().union(*supplied.values()), reverse=True)
    ]


def _ages(summaries: Mapping[str, Summary], second: int) -> dict[str, int]:
    """Sum up the ages of the pixels that were seen, of every group of bands, days."""
    supplied = Counter[int]()
    for summary in summaries.values():
        supplied.update(summary.sources)
    if not supplied:
        return {}
    newest_first = sorted(supplied, reverse=True)
    ages = [second // DAY - source // DAY for source in newest_first]
    pixels = np.cumsum([supplied[source] for source in newest_first])
    low, median, high, top = (ages[np.searchsorted(pixels, share * pixels[-1])] for share in (0, 0.5, 0.95, 1))
    return {"min": low, "p50": median, "p95": high, "max": top}
