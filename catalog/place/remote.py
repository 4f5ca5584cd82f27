"""A place that is a bucket: it holds the truth, and a folder of this machine as much of it as was needed.

What the folder says is never ahead of the bucket: a product is put there first, its files before its JSON, and only
then stands here. So whoever is killed leaves nothing to be finished, and the folder may be removed at any time.
"""

import hashlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from catalog.index.protocol import copies
from catalog.layout import Item
from catalog.place import sweep
from catalog.place.bucket import Bucket, md5_of
from catalog.place.copied import Copied
from catalog.place.disk import LARGEST, locked, told, written
from catalog.place.mirror import AT_ONCE, Mirror
from catalog.place.objects import Homes, by_home, home_of, left_in, leftovers
from catalog.place.protocol import DAY, UNLISTED, Documents, Tell
from catalog.place.storage import stored
from s2lookback.errors import CatalogError
from s2lookback.files import matching

FRESH = 5.0
"""Seconds for which what was listed is believed; what is not found, or is to be replaced, is looked at anew."""


class Remote(Mirror):
    """A prefix of a bucket, and the folder with a copy of it; the threads of a process share one."""

    def __init__(self, bucket: Bucket, folder: Path) -> None:
        """Name both; nothing is asked of the bucket yet."""
        super().__init__(bucket, folder)
        self._copied = Copied(folder)
        self._there: Homes = {}
        self._looked: dict[str, float] = {}
        """When a part was listed last, seconds of this machine's clock."""

    def look(self, part: Path, tell: Tell) -> None:
        """List a part, and read every item of it that has another ETag than its copy."""
        name, now = self._key(part), time.monotonic()
        if name.count("/") > 1 or any(
            now - self._looked.get(one, -FRESH) < FRESH for one in (name, name.partition("/")[0])
        ):
            return
        there = by_home(self.bucket.listing(name))
        gone = {home for home in self._there if home.startswith(f"{name}/")} - there.keys()
        self._there.update(there)
        for home in gone:
            self._there.pop(home, None)
        copied = matching(part, "*/*.json" if "/" in name else "*/*/*.json")
        homes = {*there, *(self._key(path.parent) for path in copied if path.stem == path.parent.name)}
        self._read([home for home in sorted(homes) if not self._is_copied(home)], tell)
        self._looked[name] = now

    def renew(self, home: Path, tell: Tell) -> None:
        """List an item, and read it where it has another ETag than its copy."""
        name = self._key(home)
        self._there[name] = by_home(self.bucket.listing(name)).get(name, {})
        if not self._is_copied(name):
            tell([self._json(name)])
            self._read_one(name)

    def forget(self) -> bool:
        """Believe no listing of before."""
        believed = bool(self._looked)
        self._looked.clear()
        return believed

    def folders(self, part: Path) -> list[str]:
        """Name the folders of a part, sorted, but for hidden ones."""
        return [name for name in self.bucket.folders(self._key(part)) if not name.startswith(".")]

    def fetch(self, path: Path, asset: Mapping[str, Any], user: object) -> None:
        """Copy a file, if a copy is not there, and keep it for as long as its user lives.

        Raises:
            CatalogError: If the bucket holds other bytes than the asset says.
        """
        self._copied.use(path.parts[-4], user)
        self._copied.take(path, asset, lambda part: self.bucket.download(self._key(path), part))

    def size(self, path: Path) -> int:
        """Give the bytes of a file as it was listed, or is there now."""
        key = self._key(path)
        seen = self._there.get(home_of(key), {}).get(key) or self.bucket.seen(key)
        if seen is None:
            raise FileNotFoundError(f"{self.url}/{key} is not there")
        return seen.size

    def state(self, files: Sequence[str], tell: Tell) -> str:
        """Tell ETag and size of each object as it was listed."""
        for part in sorted({"/".join(file.split("/")[:2]) for file in files}):
            self.look(self.folder / part, tell)
        seen = [self._there.get("/".join(file.split("/")[:3]), {}).get(file) for file in files]
        return " ".join(f"{one.etag}.{one.size}" if one else "-" for one in seen)

    def holds(self, version: Path) -> bool:
        """Tell whether files of a version were listed."""
        key = self._key(version)
        return any(one.startswith(f"{key}/") for one in self._there.get(key.rpartition("/")[0], {}))

    def stored(self, item: Item) -> Item:
        """Say in an item in which bucket its files are."""
        return stored(item, self._storage)

    def commit(self, documents: Documents, old: Item | None) -> bool:
        """Put the files of an item's version, then the documents in their order, and only then copy these.

        Each is put only if it is as it was listed; and should a sweeper have taken a file meanwhile, it is put again.
        """
        path, item = documents[-1]
        home, contents = self._key(path.parent), [(one, written(document)) for one, document in documents]
        for one, text in contents:
            if len(text) > LARGEST:
                raise CatalogError(f"{one}: would have {len(text)} bytes, and no more than {LARGEST} are read back")
        sizes = self._put_files(path.parent, item, old)
        if old is None:
            self.bucket.write(f"{home}/{UNLISTED}", b"", "text/plain")
        for one, text in contents:
            seen = self._there[home].get(self._key(one))
            if not (seen and seen.holds(text)) and not self._put(one, text, seen.etag if seen else None):
                return False
        self._there[home] = there = by_home(self.bucket.listing(home)).get(home, {})
        if any(key not in there or there[key].size != size for key, size in sizes.items()):
            return False
        for one, text in contents:
            self._copy(one, text)
        self._copied.grew(sum(sizes.values()))
        return True

    def is_listed(self, home: Path) -> bool:
        """Tell whether the listings know of an item."""
        name = self._key(home)
        return f"{name}/{UNLISTED}" not in self._there.get(name, {})

    def enlist(self, home: Path) -> None:
        """Note that they do."""
        name = self._key(home)
        if self._there.get(name, {}).pop(f"{name}/{UNLISTED}", None):
            self.bucket.remove([f"{name}/{UNLISTED}"])

    def remove(self, home: Path) -> None:
        """Remove the JSON of an item, then whatever else is in its home; there, and here."""
        name = self._key(home)
        self.bucket.remove([self._key(self._json(name))])
        self._json(name).unlink(missing_ok=True)
        self.bucket.remove(list(self.bucket.listing(name)))
        self._there.pop(name, None)
        sweep.remove_versions(home)

    def collect(self, older_than: float) -> list[str]:
        """Remove what no item names, each after another look at its item; and what is left over in the copy."""
        before, removed = datetime.now(UTC) - timedelta(seconds=older_than), list[str]()
        for home, left in leftovers(self.bucket, before):
            there = by_home(self.bucket.listing(home)).get(home, {})
            keys = [key for key in left_in(self.bucket, home, there, before) if key in left]
            self.bucket.remove(keys)
            removed += [f"{self.url}/{key}" for key in keys]
        sweep.collect(self.folder, older_than)
        return removed

    def orphans(self) -> Iterator[tuple[str, str]]:
        """Name what no item has named for a day."""
        for home, left in leftovers(self.bucket, datetime.now(UTC) - timedelta(seconds=DAY)):
            yield from ((home.rpartition("/")[2], key.removeprefix(f"{home}/")) for key in left)

    def _read(self, homes: list[str], tell: Tell) -> None:
        """Read items while nobody of this machine changes them."""

        def one(home: str) -> None:
            folder = self.folder / home
            with told(folder):
                folder.mkdir(parents=True, exist_ok=True)
                with locked(folder):
                    self._read_one(home)

        tell([self._json(home) for home in homes])
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(one, homes))

    def _read_one(self, home: str) -> None:
        path = self._json(home)
        self._copy(path, self._newer(path)[0])

    def _is_copied(self, home: str) -> bool:
        """Tell whether the copy of an item's JSON has the ETag that was listed."""
        path = self._json(home)
        seen = self._there.get(home, {}).get(self._key(path))
        there = path.is_file()
        return there == (seen is not None) and (seen is None or seen.holds(path.read_bytes()))

    def _put_files(self, home: Path, item: Item, old: Item | None) -> dict[str, int]:
        """Put the files of a version, but for whole ones of a version that stands; give their sizes."""
        version, there = home / item["properties"]["version"], self._there.get(self._key(home), {})
        named = old is not None and old["properties"]["version"] == version.name

        def put(asset: Mapping[str, Any]) -> tuple[str, int]:
            path = version / str(asset["href"]).rpartition("/")[2]
            key = self._key(path)
            if not (named and key in there and there[key].etag == md5_of(path)):
                self.bucket.upload(path, key, asset)
            return key, int(asset["file:size"])

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(pool.map(put, item["assets"].values()))

    @cached_property
    def _storage(self) -> dict[str, str]:
        return self.bucket.storage()


def remote_of(url: str) -> Remote:
    """Open the place that an s3:// address names, one for all who ask in this process.

    Raises:
        CatalogError: If it is not of the form s3://bucket/prefix.
    """
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
    return _opened(url, endpoint, copies(), os.getpid())


@lru_cache(maxsize=8)
def _opened(url: str, endpoint: str, place: Path, _process: int) -> Remote:
    bucket = Bucket(url)
    digest = hashlib.sha256(f"{endpoint} {bucket.url}".encode()).hexdigest()[:16]
    return Remote(bucket, place / f"{bucket.name}-{digest}")
