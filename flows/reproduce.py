"""One product made again and compared."""

from prefect import flow, get_run_logger

from catalog.origin.reproduction import Reproduction
from flows.parameters import Catalog, Item, Source
from s2lookback.sources.settings import SourceSettings
from tasks.place import root_of
from tasks.reproduce import bench, remake, verdict


@flow(name="reproduce", flow_run_name="reproduce {item}")
def reproduce(item: Item, root: Catalog = "", source: Source = None) -> Reproduction:
    """Make a published product again, from its recorded recipe and inputs, and compare it byte for byte.

    The catalog is not touched: what is made lies in a passing catalog of its own.

    Args:
        item: Id of the product, as in mrap-10UFB-20250830T193831.
        root: Folder of the catalog. Empty: the one that the worker's environment names.
        source: Where a scene's files are. None: in the folder that the worker's environment names.
    """
    root = root_of(root)
    with bench(root, item) as (published, passing):
        found = verdict(published, root, remake(published, passing, source or SourceSettings()), passing)
    log = get_run_logger()
    log.info("%s: %s", item, "equal in every byte" if found.equal else "; ".join(found.reasons))
    return found
