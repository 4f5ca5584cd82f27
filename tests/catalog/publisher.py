"""A process that publishes, to be killed or raced by the tests; it needs nothing of the test run.

publisher.py crash <template> <copies> <content>   one copy of the template for each step, killed before that step
publisher.py race <root> <rounds> <content>...     publish the contents in turn, and on while <root>.racing is there
publisher.py retract <root>                        retract, as long as <root>.racing is there
"""

import os
import shutil
import sys
import time
from itertools import cycle
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


def race(root: str, rounds: int, contents: list[str]) -> None:
    """Publish the contents in turn, so many times or, as long as the file of the race is there, more often."""
    racing = Path(f"{root}.racing")
    for turn, content in enumerate(cycle(contents)):
        if turn >= rounds and not racing.exists():
            return
        publish(Store(root), content)


def retract(root: str) -> None:
    """Retract what others publish, as long as the file of the race is there."""
    while Path(f"{root}.racing").exists():
        Store(root).retract("scenes", "10UFB", ID)
        time.sleep(0.05)


if __name__ == "__main__":
    match sys.argv[1:]:
        case "crash", template, copies, content:
            crash(Path(template), Path(copies), content)
        case "race", root, rounds, *contents:
            race(root, int(rounds), contents)
        case "retract", root:
            retract(root)
