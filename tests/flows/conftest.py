"""A Prefect server of the tests' own, and tiny tiles to run the flows on."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from prefect.testing.utilities import prefect_test_harness

from flows.tile import tile as update
from s2lookback.settings import MaskSettings, Settings
from s2lookback.simulate import Scenario
from s2lookback.sources.settings import SourceSettings
from tests.faults import chain
from tests.flows.server import Server, serving

os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """Start one embedded server for all flows."""
    with prefect_test_harness(server_startup_timeout=180):
        yield


@pytest.fixture(scope="session")
def scenario() -> Scenario:
    """Give a tile of 36 by 52 pixels that burns: seven dates, four in July and three in August."""
    start = datetime(2025, 7, 14, 19, 19, 21, tzinfo=UTC)
    return Scenario(height=36, width=52, dates=7, start=start, ignition_day=8)


@pytest.fixture(scope="session")
def source(scenario) -> SourceSettings:
    return SourceSettings(kind="simulated", scenario=scenario)


@pytest.fixture(scope="session")
def settings() -> Settings:
    """Train early, on few pixels."""
    return Settings(mask=MaskSettings(min_training_scenes=3, training_lag=0, sample_size=500, trees=8))


@pytest.fixture(scope="session")
def shared(tmp_path_factory) -> Iterator[Server]:
    """Start a server as an agency would, deploy everything, stop it at the end."""
    with serving(tmp_path_factory.mktemp("prefect"), "--tiles", "2") as served:
        yield served


@pytest.fixture(scope="module")
def server(shared) -> Iterator[Server]:
    """Lend the server to one file of tests; what that leaves at work, waiting or crashed ends with it."""
    yield shared
    shared.end_all()


@pytest.fixture(scope="session")
def asked(source, settings):
    """Give what is asked for in a form."""
    return {"source": source.model_dump(mode="json"), "settings": settings.model_dump(mode="json")}


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, source, settings):
    """Run the tile in this process."""
    root = tmp_path_factory.mktemp("undisturbed")
    with chain.without_server():
        assert update("10UFB", source=source, root=str(root), settings=settings).made["model"] == 1
    return chain.tree(root)
