"""What a bucket tells of is brought into the folder of scenes, and the event of the documentation starts its tile."""

import json
import os
import re
import subprocess

import pytest

from tests.flows.server import ROOT

LANDED = ROOT / "deployments" / "landed.sh"


def product(tile):
    return f"S2B_MSIL2A_20250830T193829_N0511_R142_T{tile}_20250830T230000.SAFE.zip"


def notification(*keys, event="ObjectCreated:Put", bucket="scenes-of-ours"):
    """Write what S3 sends, as far as it is read; keys come quoted."""
    s3 = [{"bucket": {"name": bucket}, "object": {"key": key, "size": 5}} for key in keys]
    return json.dumps({"Records": [{"eventName": event, "s3": one} for one in s3]})


@pytest.fixture
def told(tmp_path):
    """Offer a function that tells the script; a bucket's client stands in that knows keys with 2025 in them."""
    (tmp_path / "scenes").mkdir()
    (tmp_path / "bin").mkdir()
    client = tmp_path / "bin" / "aws"
    client.write_text('#!/bin/sh\ncase $4 in s3://scenes-of-ours/*2025*) echo "$4" >"$5" ;; *) exit 1 ;; esac\n')
    client.chmod(0o755)

    def tell(message, **environment):
        own = {"PATH": f"{client.parent}:{os.environ['PATH']}", "S2LOOKBACK_SCENES": f"{tmp_path / 'scenes'}"}
        own |= {"PREFECT_API_URL": "http://127.0.0.1:9/api"} | environment
        done = subprocess.run([LANDED], input=message, env=own, capture_output=True, text=True, check=False)
        return done.returncode, sorted(path.name for path in (tmp_path / "scenes").iterdir())

    return tell


def test_products_are_brought_whatever_the_server_says(told):
    keys = [f"year%3D2025/{product('10UFB')}", product("09UYT")]
    assert told(notification(*keys)) == (0, sorted(map(product, ("10UFB", "09UYT"))))


@pytest.mark.parametrize(
    "key",
    ["notes.zip", f"$(id)/{product('10UFB')}", f"a%0Ascenes-of-ours+{product('10UFB')}", f"{product('10UFB')}/x"],
)
def test_nothing_but_a_product_is_brought(told, key):
    assert told(notification(key)) == (0, [])


def test_what_was_removed_is_not_brought_nor_what_stands_in_no_bucket(told):
    assert told(notification(product("10UFB"), event="ObjectRemoved:Delete")) == (0, [])
    assert told(notification(product("10UFB"), bucket="--endpoint x")) == (0, [])


def test_an_object_that_cannot_be_had_and_a_message_that_is_none_fail_so_that_they_are_told_again(told):
    assert told(notification(product("10UFB").replace("2025", "2024"))) == (1, [])
    assert told("{}") == (1, [])


@pytest.mark.flow
def test_the_events_of_the_script_and_of_the_documentation_start_their_tiles(server, told):
    known = {run["id"] for run in server.runs("tile")}
    page = (ROOT / "docs" / "orchestration.md").read_text()
    (block,) = re.findall(r"```sh\n(curl [^`]*)```", page)
    shell = {**server.environment, "PATH": os.environ["PATH"]}
    subprocess.run(["sh", "-ec", block.replace("curl", "curl --fail").replace("10UFB", "31UDS")], env=shell, check=True)
    access = {name: shell[name] for name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING")}
    assert told(notification(product("32TLS")), **access) == (0, [product("32TLS")])
    runs = server.started("tile", known, 2)
    for run in runs:
        server.cancel(run["id"])
    assert sorted(run["parameters"]["tile"] for run in runs) == ["31UDS", "32TLS"]
