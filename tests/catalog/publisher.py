"""A process that publishes, to be killed or raced by the tests; it needs nothing of the test run.

publisher.py crash <template> <copies> <content>   one copy of the template for each step, killed before that step
publisher.py race <root> <rounds> <content>...     publish the contents in turn
"""

import os
import shutil
import sys
from pathlib import Path

from catalog.provenance import Recipe
from catalog.store import Request, Store

ID = "scene-10UFB-20250830T193831"
FILES = ("B12.tif", "B11.tif")
STEPS = {"sqlite3.connect", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree"}
WRITES = os.O_WRONLY | os.O_RDWR


def request(content: str) -> Request:
    """Want the product of a content."""
    return Request("scenes", ID, "10UFB", Recipe("scene", 1, {"input": "12" * 32}, {"content": content}))


def publish(store: Store, content: str) -> str:
    """Publish a scene of two small files."""
    item = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": ID,
        "collection": "scenes",
        "geometry": {"type": "Polygon", "coordinates": [[[-122, 50], [-121, 50], [-121, 51], [-122, 50]]]},
        "bbox": [-122, 50, -121, 51],
        "properties": {
            "datetime": "2025-08-30T19:38:31Z",
            "grid:code": "MGRS-10UFB",
            "processing:software": {"s2lookback": "0.1.0"},
        },
        "assets": {name[:3]: {"href": name, "type": "image/tiff"} for name in FILES},
        "links": [],
    }
    with store.stage(request(content)) as folder:
        for name in FILES:
            (folder / name).write_text(content * 9 + name)
        return store.publish(request(content), folder, item)


def die_before(step: int) -> None:
    """Have this process killed before its ``step``-th change to the disk."""
    left = step

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        opened = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES
        if event in STEPS or opened:
            left -= 1
            if left < 0:
                os._exit(9)

    sys.addaudithook(count)


def crash(template: Path, copies: Path, content: str) -> None:
    """Kill one publisher before each of its steps, every one in a copy of its own."""
    step, status = 0, 9
    while status:
        root = copies / f"{step:03}"
        shutil.copytree(template, root, symlinks=True)
        child = os.fork()
        if child == 0:
            die_before(step)
            publish(Store(str(root)), content)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        step += 1


if __name__ == "__main__":
    if sys.argv[1] == "crash":
        crash(Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
    else:
        for turn in range(int(sys.argv[3])):
            publish(Store(sys.argv[2]), sys.argv[4:][turn % len(sys.argv[4:])])
