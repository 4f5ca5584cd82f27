"""Where the index lies: beside the items, but for a file system that several machines share."""

import pytest

from catalog.index.chosen import index_of
from catalog.index.upkeep import current
from catalog.place.mounts import shared_by_machines
from catalog.search import search
from catalog.store import Store

MOUNTS = r"""/dev/sda1 / ext4 rw 0 0
server:/vol /data nfs4 rw,relatime 0 0
/dev/sdb1 /data/scratch xfs rw 0 0
server:/home /home\040of\040all cifs rw 0 0
sshfs#x /mnt/far fuse.sshfs rw 0 0
broken
"""


@pytest.mark.parametrize(
    ("folder", "shared"),
    [
        ("/srv/products", False),
        ("/data/products", True),
        ("/data", True),
        ("/database", False),
        ("/data/scratch/products", False),
        ("/home of all/products", True),
        ("/mnt/far/x", True),
    ],
)
def test_a_network_file_system_is_told_by_the_innermost_mount(folder, shared, tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    assert shared_by_machines(type(tmp_path)(folder), mounts) == shared
    assert not shared_by_machines(type(tmp_path)(folder), tmp_path / "not there")


def test_each_machine_has_its_own_index_of_a_shared_folder_and_none_misses_an_item(
    store, sample, tmp_path, monkeypatch
):
    monkeypatch.setattr("catalog.index.chosen.shared_by_machines", lambda _: True)
    stores = []
    for machine in ("node-1", "NODE_2"):
        monkeypatch.setattr("platform.node", lambda machine=machine: machine)
        monkeypatch.setenv("S2LOOKBACK_CACHE", str(tmp_path / machine))
        stores.append(Store(str(store.root)))
        current(stores[-1])
    assert [one.index.name for one in stores] == ["sqlite-node-1", "sqlite-node-2"]
    for turn, tile in enumerate(("10UFB", "10UGB", "10UEB")):
        sample("scene", tile=tile).publish(stores[turn % 2])
    stores[0].retract("scenes", "10UGB", sample("scene", tile="10UGB").item["id"])
    for one in stores:
        assert [item["properties"]["grid:code"] for item in search(one)] == ["MGRS-10UEB", "MGRS-10UFB"]
    assert not list(store.root.rglob("*.sqlite*"))


def test_a_folder_of_one_machine_keeps_its_index_beside_the_items(store):
    assert index_of(store.root).path == store.root / ".index" / "items.sqlite"
