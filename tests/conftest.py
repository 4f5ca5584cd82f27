"""What every test may ask for."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")  # a busy machine is no fault of the code

pytest_plugins = ("tests.safe_tree", "tests.schemas", "tests.postgres", "tests.buckets")

REALDATA = Path(os.environ.get("S2_REALDATA", Path(__file__).parents[2] / "shared" / "realdata"))


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Give the folder of real data, or skip, saying so."""
    if not REALDATA.is_dir():
        pytest.skip(f"real data absent: {REALDATA} is not a folder (set S2_REALDATA)")
    return REALDATA
