"""The small documents of a bucket, listings and records above all, and the copies that a folder holds of them."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path, PurePosixPath

from catalog.layout import GEOJSON, JSON
from catalog.place.bucket import Bucket
from catalog.place.disk import content, keep, load, told, written
from s2lookback.errors import CatalogError, TransientError

AT_ONCE = 8
"""Objects that are read or written at the same time."""

_TRIES = 50
"""Times that a document is made again where others wrote it meanwhile: each time, one of them succeeds."""


class Mirror:
    """The documents of a prefix of a bucket; each is read again only where it has another ETag than its copy."""

    def __init__(self, bucket: Bucket, folder: Path) -> None:
        """Name the bucket and the folder; nothing is asked of the bucket yet."""
        self.bucket, self.folder, self.url = bucket, folder, bucket.url

    def bring(self, path: Path) -> None:
        """Read a document where it has another ETag than its copy; items are looked at."""
        if path == self._json(self._key(path.parent)):
            return
        self._copy(path, self._newer(path)[0])

    def remember(self, paths: Sequence[Path]) -> None:
        """Read documents of which there is no copy yet; a copy is believed, for they are written once."""
        missing = [path for path in paths if not path.is_file()]
        if missing:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(self.bring, missing))

    def address(self, path: Path) -> str:
        """Give the s3:// address of a file."""
        return f"{self.url}/{self._key(path)}"

    def revise(self, path: Path, make: Callable[[bytes | None], bytes | None]) -> bool:
        """Write or remove a document if it is still what it was made from; else make it again."""
        for _ in range(_TRIES):
            before, etag = self._newer(path)
            after = make(before)
            if after is None and before is not None:
                self.bucket.remove([self._key(path)])
            if after is None or after == before or self._put(path, after, etag):
                self._copy(path, after)
                return after != before
        raise TransientError(f"{self.address(path)}: changes faster than it can be written")

    def documents(self, folder: Path) -> list[str]:
        """Name the JSON of a folder, sorted, without its ending."""
        paths = map(PurePosixPath, self.bucket.listing(self._key(folder)))
        return sorted(path.stem for path in paths if path.suffix == ".json")

    def drop_old(self, folder: Path, oldest: datetime) -> None:
        """Remove the JSON of a folder that was written before a time."""
        there = self.bucket.listing(self._key(folder))
        old = [key for key, seen in there.items() if key.endswith(".json") and seen.changed < oldest]
        self.bucket.remove(old)
        for path in folder.glob("*.json"):
            if self._key(path) not in there or self._key(path) in old:
                path.unlink(missing_ok=True)

    def touch(self, path: Path, since: datetime) -> None:
        """Keep the time among the records of the item's making: an object has no time that can be set."""
        self.revise(self._verified(path), lambda _: written({"verified": since.isoformat()}))

    def verified(self, path: Path) -> int:
        """Read the time; that of the epoch where none was noted."""
        record = self._verified(path)
        self.bring(record)
        facts = load(record)
        try:
            return 0 if facts is None else int(datetime.fromisoformat(facts["verified"]).timestamp() * 1e6) * 1000
        except (KeyError, TypeError, ValueError) as error:
            raise CatalogError(f"{self.address(record)}: tells no time of verification") from error

    def _newer(self, path: Path) -> tuple[bytes | None, str | None]:
        """Read a document and its ETag, from its copy where that is as it is there; nothing where it is not there."""
        found = self.bucket.get(self._key(path), content(path))
        return found or (None, None)

    def _copy(self, path: Path, text: bytes | None) -> None:
        """Let the copy of a document be as it is there."""
        with told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink(missing_ok=True)
            else:
                keep(path, text, lasting=False)

    def _put(self, path: Path, text: bytes, etag: str | None) -> bool:
        return self.bucket.put(self._key(path), text, etag, GEOJSON if b'"Feature"' in text[:80] else JSON)

    def _json(self, home: str) -> Path:
        return self.folder / home / f"{home.rpartition('/')[2]}.json"

    def _verified(self, path: Path) -> Path:
        """Where it is noted when an item was verified."""
        return self.folder / "executions" / path.parts[-4] / path.parts[-2] / "verified.json"

    def _key(self, path: Path) -> str:
        try:
            return path.relative_to(self.folder).as_posix()
        except ValueError as error:
            raise CatalogError(f"{path}: is not below {self.folder}") from error
