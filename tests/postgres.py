"""A private PostgreSQL for the tests, one a session, made with the script that operators use."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

SCRIPT = Path(__file__).parents[1] / "deployments" / "postgres.sh"
HASTY = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=40 -c shared_buffers=64MB"


@contextmanager
def running(options: str = HASTY) -> Iterator[str]:
    """Start a cluster in a folder of its own; give the address of an empty database, and stop it at the end."""
    folder = tempfile.mkdtemp(prefix="s2lookback-postgres-")  # not below pytest's, which only root may enter
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    try:
        environment = {**os.environ, "POSTGRES_OPTIONS": options}
        subprocess.run([SCRIPT, "start", folder, str(port)], check=True, env=environment, stdout=subprocess.DEVNULL)
        yield Path(folder, "address").read_text().strip()
    finally:
        subprocess.run([SCRIPT, "stop", folder], check=False)
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgresql() -> None:
    """Skip, saying so, where PostgreSQL is not installed."""
    if not any(Path("/usr/share/postgresql").glob("*/extension/postgis.control")):
        pytest.skip("no PostgreSQL with PostGIS here (Debian: apt install postgresql postgresql-postgis)")


@pytest.fixture(scope="session")
def cluster(postgresql: None) -> Iterator[str]:
    """Offer a running PostgreSQL."""
    with running() as address:
        yield address


@pytest.fixture(scope="session")
def pgstac_template(cluster: str) -> str:
    """Prepare pgSTAC once; databases of the tests are copies of this one."""
    from catalog.index.pgstac import PgstacIndex

    address = _database(cluster, "prepared")
    index = PgstacIndex(address)
    index.prepare()
    index.close()
    return address


@pytest.fixture(scope="session")
def pgstac(cluster: str, pgstac_template: str) -> str:
    """Offer the address of a database with pgSTAC, for the catalog that many tests share."""
    return _database(cluster, "shared", template=urlsplit(pgstac_template).path[1:])


@pytest.fixture(scope="session")
def another_pgstac(cluster: str, pgstac_template: str) -> Callable[[str], str]:
    """Offer to make a database with pgSTAC that holds nothing, of a name."""
    return lambda name: _database(cluster, name, template=urlsplit(pgstac_template).path[1:])


@pytest.fixture
def empty_pgstac(cluster: str, pgstac_template: str, request: pytest.FixtureRequest) -> str:
    """Offer the address of a database with pgSTAC that holds nothing."""
    name = f"test_{abs(hash(request.node.nodeid))}"
    return _database(cluster, name, template=urlsplit(pgstac_template).path[1:])


def _database(cluster: str, name: str, template: str = "template1") -> str:
    with psycopg.connect(cluster, autocommit=True) as base:
        base.execute(f"CREATE DATABASE {name} TEMPLATE {template}")  # type: ignore[call-overload]
    address = urlsplit(cluster)._replace(path=f"/{name}").geturl()
    with psycopg.connect(cluster, autocommit=True) as base:
        base.execute(f"ALTER DATABASE {name} SET search_path = pgstac, public")  # type: ignore[call-overload]
    return address
