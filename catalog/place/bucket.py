"""The catalog's edge to a bucket: listings, conditional writes, checked uploads, and what its errors mean.

Credentials and endpoint come from the environment, as every program that speaks S3 reads them, and are told to nobody.
"""

import base64
import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from catalog.place.disk import LARGEST
from s2lookback.errors import CatalogError, TransientError
from s2lookback.files import SHA2_256

_URL = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/[A-Za-z0-9_][A-Za-z0-9._=-]{0,254})*)/?")
_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "412", "409"}
"""What a server answers to a conditional write when the object is not as it was."""
_SAME = {"304", "NotModified"}
"""What a server answers when an object is as it is known."""
_PASSING = {"InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout", "500", "502", "503", "504"}
"""What a server answers when it may answer better later."""
_WHERE = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_ACCESS_KEY_ID")
_PART = 50 * 2**20
"""Bytes of a part of an upload; a file below twice as much goes in one piece."""
_MD5 = re.compile(r"[0-9a-f]{32}")
_MOST = 1000
"""Objects that one request removes at most."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An object as a listing tells of it."""

    size: int
    etag: str
    """Without quotes: the MD5 of the content, but for parts and for keys of the server's own."""
    changed: datetime

    def holds(self, content: bytes) -> bool:
        """Tell whether it is known to have this content."""
        return self.etag == _md5(content)


class Bucket:
    """A prefix of a bucket; objects are named relative to it."""

    def __init__(self, url: str) -> None:
        """Name a bucket; nothing is asked of it yet.

        Raises:
            CatalogError: If the URL is not of the form s3://bucket/prefix.
        """
        named = _URL.fullmatch(url)
        if not named:  # and it is not repeated here: somebody may have put a password into it
            raise CatalogError("the URL of the bucket is not of the form s3://bucket/prefix")
        self.name, self.prefix = named[1], named[2].removeprefix("/")
        self.url = f"s3://{self.name}/{self.prefix}".rstrip("/")

    def storage(self) -> dict[str, str]:
        """Say where the objects are, as a scheme of the storage extension.

        Raises:
            CatalogError: If the endpoint's address holds a password, for it would be published.
        """
        with _told(self.url):
            meta = self._files.s3.meta
        endpoint = urlsplit(str(meta.endpoint_url))
        if endpoint.username or endpoint.password or endpoint.query:
            raise CatalogError("the endpoint's address holds a user or a query, expected only https://host:port")
        if endpoint.hostname and endpoint.hostname.endswith(".amazonaws.com"):
            platform = {"type": "aws-s3", "platform": "https://{bucket}.s3.{region}.amazonaws.com"}
        else:
            platform = {"type": "custom-s3", "platform": endpoint.geturl()}
        region = {"region": str(meta.region_name)} if meta.region_name else {}
        return {**platform, "bucket": self.name, **region}

    def listing(self, folder: str, start: str = "") -> dict[str, Seen]:
        """List what lies in a folder and below, or what of it has a name that starts so."""
        found = [one for page in self._pages(folder, start) for one in page.get("Contents", [])]
        below = len(self._key(""))
        return {one["Key"][below:]: _seen(one["Size"], one["ETag"], one["LastModified"]) for one in found}

    def folders(self, folder: str) -> list[str]:
        """Name the folders in a folder, sorted."""
        pages = self._pages(folder, Delimiter="/")
        return sorted(one["Prefix"].split("/")[-2] for page in pages for one in page.get("CommonPrefixes", []))

    def seen(self, key: str) -> Seen | None:
        """Look at one object; None where there is none."""
        head = self._head(key)
        return None if head is None else _seen(head["ContentLength"], head["ETag"], head["LastModified"])

    def get(self, key: str, known: bytes | None = None) -> tuple[bytes, str] | None:
        """Read a small object and its ETag, but not again where it holds what is known; None where there is none.

        Raises:
            CatalogError: If it is larger than any JSON of a catalog.
        """
        condition = {} if known is None else {"IfNoneMatch": f'"{_md5(known)}"'}
        with _told(f"{self.url}/{key}"):
            try:
                content, etag = self._body(key, **condition)
            except FileNotFoundError:
                return None
            except OSError as error:
                if known is None or _code(error) not in _SAME:
                    raise
                return known, _md5(known)
        if len(content) > LARGEST:
            raise CatalogError(f"{self.url}/{key}: is larger than {LARGEST} bytes, which no JSON of this catalog is")
        return content, etag.strip('"')

    def download(self, key: str, path: Path) -> None:
        """Write an object into a file, which may be left torn where this fails."""
        with _told(f"{self.url}/{key}"):
            self._files.get_file(self._path(key), str(path))

    def write(self, key: str, content: bytes, media_type: str) -> None:
        """Write an object, whatever it holds."""
        with _told(f"{self.url}/{key}"):
            self._call("put_object", key, Body=content, ContentType=media_type)

    def put(self, key: str, content: bytes, before: str | None, media_type: str) -> bool:
        """Write an object if it still has its ETag, or is still not there; tell whether it holds this content now."""
        condition = {"IfNoneMatch": "*"} if before is None else {"IfMatch": f'"{before}"'}
        with _told(f"{self.url}/{key}"):
            try:
                self._call("put_object", key, Body=content, ContentType=media_type, **condition)
            except OSError as error:
                if _code(error) not in _TAKEN:
                    raise
                # Another was faster, or an answer was lost and this was asked twice: what counts is what is there.
                now = self.seen(key)
                return now is not None and now.holds(content)
        return True

    def upload(self, path: Path, key: str, asset: Mapping[str, Any]) -> None:
        """Write a file, and have the bucket confirm that it holds all of it.

        Raises:
            CatalogError: If it does not hold what the asset says.
        """
        digest = str(asset["file:checksum"]).removeprefix(SHA2_256)
        expected = base64.b64encode(bytes.fromhex(digest)).decode()
        with _told(f"{self.url}/{key}"):
            self._files.put_file(
                str(path),
                self._path(key),
                chunksize=_PART,
                ContentType=str(asset.get("type", "application/octet-stream")),
                **({"ChecksumSHA256": expected} if path.stat().st_size < 2 * _PART else {}),
            )
        head = self._head(key)
        if head is None or head["ContentLength"] != asset["file:size"] or not _same(head, expected, path):
            raise CatalogError(f"{self.url}/{key}: does not hold the bytes that were uploaded")

    def remove(self, keys: Sequence[str]) -> None:
        """Remove objects; one that is gone already is no error."""
        for first in range(0, len(keys), _MOST):
            some = [{"Key": self._key(key)} for key in keys[first : first + _MOST]]
            with _told(f"{self.url}/{keys[first]}"):
                done = self._files.call_s3("delete_objects", Bucket=self.name, Delete={"Objects": some, "Quiet": True})
            if done.get("Errors"):
                code = done["Errors"][0].get("Code", "no reason given")
                raise CatalogError(f"{self.url}: {len(done['Errors'])} objects could not be removed ({code})")

    @cached_property
    def _files(self) -> Any:
        with _told(self.url):
            return _client(os.getpid(), *(os.environ.get(name, "") for name in _WHERE))

    def _pages(self, folder: str, start: str = "", **asked: str) -> Iterator[Mapping[str, Any]]:
        further: dict[str, str] | None = {}
        while further is not None:
            with _told(f"{self.url}/{folder}"):
                page: Mapping[str, Any] = self._files.call_s3(
                    "list_objects_v2", Bucket=self.name, Prefix=f"{self._key(folder)}/{start}", **asked, **further
                )
            yield page
            token = page.get("NextContinuationToken")
            further = {"ContinuationToken": token} if token else None

    def _call(self, method: str, key: str, **more: Any) -> Any:
        return self._files.call_s3(method, Bucket=self.name, Key=self._key(key), **more)

    def _body(self, key: str, **asked: str) -> tuple[bytes, str]:
        """Read an object as far as a JSON may reach, and one byte more."""
        from fsspec.asyn import sync  # type: ignore[import-untyped]  # it has no types

        async def read() -> tuple[bytes, str]:
            answer = await self._files._call_s3("get_object", Bucket=self.name, Key=self._key(key), **asked)
            async with answer["Body"] as body:
                return await body.read(LARGEST + 1), str(answer["ETag"])

        found: tuple[bytes, str] = sync(self._files.loop, read)
        return found

    def _head(self, key: str) -> Mapping[str, Any] | None:
        with _told(f"{self.url}/{key}"):
            try:
                head: Mapping[str, Any] = self._call("head_object", key, ChecksumMode="ENABLED")
            except FileNotFoundError:
                return None
        return head

    def _key(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key

    def _path(self, key: str) -> str:
        return f"{self.name}/{self._key(key)}"


@lru_cache(maxsize=4)
def _client(_process: int, *_where: str) -> Any:
    """Connect as the environment says; a second is the price, and a fork cannot share it."""
    from s3fs import S3FileSystem  # type: ignore[import-untyped]  # it has no types

    return S3FileSystem(use_listings_cache=False, skip_instance_cache=True)


def _seen(size: int, etag: str, changed: datetime) -> Seen:
    return Seen(int(size), etag.strip('"'), changed)


def md5_of(path: Path) -> str:
    """Hash a file as an ETag does."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _same(head: Mapping[str, Any], expected: str, path: Path) -> bool:
    """Compare what the server says of an object with a file; true where it says nothing that can be compared."""
    if "ChecksumSHA256" in head:
        return bool(head["ChecksumSHA256"] == expected)
    etag = str(head["ETag"]).strip('"')
    if not _MD5.fullmatch(etag) or "aws:kms" in str(head.get("ServerSideEncryption")):
        return True
    return md5_of(path) == etag


def _code(error: BaseException) -> str:
    """Name an error by what the server called it: its own words may hold more than should be told."""
    answer = getattr(error.__cause__, "response", None)
    code = answer.get("Error", {}).get("Code") if isinstance(answer, dict) else None
    return str(code or type(error).__name__)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Say in one sentence what the bucket refused, and whether waiting may help."""
    try:
        from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]  # it has no types
        from botocore.exceptions import ConnectionError as Unreachable
        from s3fs.core import S3_RETRYABLE_ERRORS  # type: ignore[import-untyped]  # it has no types
    except ModuleNotFoundError as error:
        raise CatalogError(f"{what}: needs {error.name}: pip install 's2lookback[s3]'") from error
    try:
        yield
    except (*S3_RETRYABLE_ERRORS, Unreachable) as error:
        raise TransientError(f"{what}: the bucket cannot be reached ({type(error).__name__})") from error
    except BotoCoreError as error:
        raise CatalogError(f"{what}: the bucket cannot be used ({type(error).__name__})") from error
    except OSError as error:
        kind = TransientError if _code(error) in _PASSING else CatalogError
        raise kind(f"{what}: cannot be read or written ({_code(error)})") from error
