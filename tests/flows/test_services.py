"""Units, the compose file and the environment's example: what they name exists, and nothing listens to the world."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prefect.settings import Settings
from prefect.settings.legacy import _get_settings_fields

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "deployments" / "systemd").glob("*.service"))
EXAMPLE = (ROOT / "deployments" / "example.env").read_text()
NAMED = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", EXAMPLE, re.MULTILINE))
ROOMS = ("flows", "tasks", "catalog", "s2lookback", "deployments")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_service_runs_as_an_ordinary_user_and_listens_on_loopback(unit):
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign, assignment]  # systemd's names have capitals
    parser.read(unit)
    service = parser["Service"]
    assert service["User"] not in {"", "root"}
    assert service["NoNewPrivileges"] == "yes"
    assert service["Restart"] == "always"
    assert "--host 127.0.0.1" in service["ExecStart"] or "worker start" in service["ExecStart"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_a_unit(unit, tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd here: systemd-analyze not found (Debian: apt install systemd)")
    copy = tmp_path / unit.name.replace("@", "@hpc")
    copy.write_text(re.sub(r"/opt/s2lookback/.venv/bin/\w+", "/bin/true", unit.read_text()))
    told = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False)
    assert unit.name.partition(".")[0].partition("@")[0] not in told.stderr.replace(str(copy), ""), told.stderr


def test_every_setting_that_the_code_reads_is_explained():
    code = "".join(path.read_text() for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    read = set(re.findall(r"\bS2LOOKBACK_[A-Z_]*[A-Z]\b", code))
    assert read <= NAMED


def test_every_setting_of_prefect_that_is_named_exists():
    known = set(_get_settings_fields(Settings))
    named = {name for name in NAMED if name.startswith("PREFECT_")} - {"PREFECT_DATABASE_PASSWORD"}
    assert named <= known


def test_databases_listen_on_loopback_and_take_their_passwords_from_the_environment():
    compose = yaml.safe_load((ROOT / "deployments" / "compose.yaml").read_text())
    for service in compose["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        assert re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", service["environment"]["POSTGRES_PASSWORD"])
        assert re.fullmatch(r"[a-z/]+:\d+[.\d-]*", service["image"]), "a pinned version"
        name = re.search(r"[A-Z_]{3,}", service["environment"]["POSTGRES_PASSWORD"])
        assert name
        assert name[0] in NAMED
