"""A server of buckets for the tests, and what lies in one as the server keeps it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from aiobotocore.client import AioBaseClient
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem

from catalog.place.bucket import Bucket
from catalog.store import Store

KEY, SECRET = "AKIAOURKEY", "our+secret/word"
REGION = "ca-central-1"
WRITES = {"PutObject", "DeleteObjects"}
Watch = Callable[[Callable[[str, bool], None]], None]


class KilledError(Exception):
    """Stands for the end of a process."""


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def files(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> S3FileSystem:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    return S3FileSystem(use_listings_cache=False, skip_instance_cache=True)


@pytest.fixture
def bucket(files: S3FileSystem) -> Bucket:
    name = f"products-{uuid4().hex}"
    files.call_s3("create_bucket", Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return Bucket(f"s3://{name}/bc/2025")


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Offer to be told of every request: its name, and whether it was answered."""
    send = AioBaseClient._make_api_call

    def watch(tell: Callable[[str, bool], None]) -> None:
        async def told(self, operation_name, api_params):
            tell(operation_name, False)
            answer = await send(self, operation_name, api_params)
            tell(operation_name, True)
            return answer

        monkeypatch.setattr(AioBaseClient, "_make_api_call", told)

    return watch


def contents(bucket: Bucket) -> dict[str, bytes]:
    """Give every object, with its content, as the server keeps it."""
    keys = s3_backends[DEFAULT_ACCOUNT_ID]["global"].buckets[bucket.name].keys
    return {name.removeprefix(f"{bucket.prefix}/"): key.value for name, key in keys.items()}


@pytest.fixture
def machine(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Store]:
    """Offer machines that know nothing yet, and believe nothing that they listed a moment ago."""
    monkeypatch.setattr("catalog.place.remote.FRESH", 0.0)
    number = iter(range(1000))

    def start() -> Store:
        monkeypatch.setenv("S2LOOKBACK_CACHE", str(tmp_path / f"machine-{next(number)}"))
        return Store(bucket.url)

    return start
