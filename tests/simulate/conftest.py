import pytest

from s2lookback.simulate import Scenario


@pytest.fixture(scope="session")
def scenario():
    return Scenario(height=48, width=66)
