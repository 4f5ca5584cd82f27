"""What a late, replaced, re-masked or retracted scene changes is made anew, and nothing else is."""

import random
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import pytest

from catalog.store import Store
from flows.retract import retract
from s2lookback.files import checksum_of
from s2lookback.scene import NODATA, Listing, SceneRef
from s2lookback.simulate import sensing_times, simulate_scene
from tests.faults import chain

TILE = chain.TILES[0]
DATES = 7
TIMES = sensing_times(chain.source(TILE, dates=DATES).scenario)
HIDDEN = -1
"""Content of a scene under cloud from edge to edge."""


@dataclass
class Sky:
    """A source of which every scene can come, go and change: sensing time to seed."""

    content: dict[datetime, int] = field(default_factory=dict)

    def tiles(self):
        return (TILE,)

    def list_scenes(self, tile, start=None, end=None):
        return Listing(tuple(SceneRef(tile, time, (f"{time:%Y%m%d}",), changed=2**62) for time in sorted(self.content)))

    def checksums(self, ref):
        return {ref.files[0]: checksum_of(f"{ref.sensed} {self.content[ref.sensed]}".encode())}

    def open_scene(self, ref):
        seed = self.content[ref.sensed]
        scenario = chain.source(TILE, dates=DATES, seed=max(seed, 20), cloudiness=0.3).scenario
        scene = simulate_scene(scenario, ref.sensed, chain.SETTINGS.ingest.bands)
        if seed != HIDDEN:
            return scene
        white = np.where(scene.pixels == NODATA, NODATA, 6000).astype(np.int16)
        return replace(scene, pixels=white, cloud_probability=np.full(white.shape[1:], 100, np.uint8))


@dataclass
class Archive:
    """A catalog, the sky that it follows, and the settings that it is made with."""

    root: object
    sky: Sky
    settings: object = chain.SETTINGS

    def update(self):
        return chain.run(self.root, TILE, self.settings)

    def retract(self, time):
        del self.sky.content[time]
        with chain.without_server():
            return retract(TILE, time, "", str(self.root), self.settings)

    def products(self):
        """Read every standing item: id to the bytes of its assets."""
        store = Store(str(self.root))
        return {
            item["id"]: {key: store.asset(item, key).read_bytes() for key in item["assets"]}
            for collection in store.collections()
            for item in store.items(collection, TILE)
        }

    def versions(self):
        store = Store(str(self.root))
        return {item["id"]: item["properties"]["version"] for item in store.items("mrap", TILE)}


@pytest.fixture
def rebuilt(tmp_path):
    """Offer what a catalog would be that was made from nothing under the same sky."""
    number = iter(range(100))

    def make(archive):
        fresh = replace(archive, root=tmp_path / f"rebuilt-{next(number)}")
        fresh.update()
        return fresh.products()

    return make


@pytest.fixture
def archive(tmp_path, monkeypatch):
    sky = Sky()
    monkeypatch.setattr("tasks.ingest.open_source", lambda source, settings: sky)
    return Archive(tmp_path / "catalog", sky)


def threshold(archive, value):
    mask = archive.settings.mask.model_copy(update={"threshold": value})
    archive.settings = archive.settings.model_copy(update={"mask": mask})


def change(archive, number):
    """Do one of the things that happen to an archive."""
    draw = random.Random(number)  # noqa: S311  a test, not a secret
    there = sorted(archive.sky.content)
    absent = [time for time in TIMES if time not in there]
    what = draw.choice(["late", "hidden", "replaced", "masked", "retracted"])
    if what in {"late", "hidden"} and absent:
        archive.sky.content[draw.choice(absent)] = 20 if what == "late" else HIDDEN
    elif what == "replaced":
        archive.sky.content[draw.choice(there)] = draw.randrange(21, 1000)
    elif what == "masked":
        threshold(archive, draw.choice([0.3, 0.4, 0.5, 0.6, 0.7]))
    else:
        archive.retract(draw.choice(there))
    archive.update()


@pytest.mark.parametrize("seed", [1, 5, 7])  # every kind of change is among them
def test_composites_with_a_new_version_are_exactly_those_that_a_full_rebuild_would_change(archive, rebuilt, seed):
    archive.sky.content = dict.fromkeys(TIMES[::2], 20)
    archive.update()
    changed, kept = 0, 0
    for turn in range(3):
        before, versions = archive.products(), archive.versions()
        change(archive, 100 * seed + turn)
        expected, found = rebuilt(archive), archive.products()
        both = versions.keys() & archive.versions().keys()
        renewed = {name for name in both if archive.versions()[name] != versions[name]}
        assert renewed == {name for name in both if expected[name] != before[name]}
        assert found == expected
        changed, kept = changed + len(renewed), kept + len(both - renewed)
    assert min(changed, kept) > 3
