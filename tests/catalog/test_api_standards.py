"""The API is what STAC's own tools expect, whichever index answers, and survives what it never expected."""

import json
import warnings
from datetime import UTC, datetime

import pystac_client
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.index.protocol import instant
from catalog.search import search

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of packages that it needs and that were renamed; it still judges
    from stac_api_validator import validations

CONFORMS = ["core", "collections", "features", "item-search", "filter", "item-search#sort", "item-search#fields"]
SQUARE = {"type": "Polygon", "coordinates": [[[-122, 50], [-121, 50], [-121, 51], [-122, 51], [-122, 50]]]}


ODD = [
    # What the validator finds amiss, and the specification does not.
    ('body={"fields": null}', "asks for all fields"),
    ("response contained 'properties.eo:cloud_cover', but should have been excluded", "nobody excluded it"),
    ("response contained fewer than 5 fields ['collection', 'id', 'properties']", "no others were asked for"),
    ('"collections": "masks"} had unexpected status code 400', "a list is asked for, and a text sent"),
]


def test_the_validator_of_stac_apis_finds_no_error(api, second_opinion, monkeypatch):
    class Offline:
        def __init__(self, **_options):
            self.message = ""

        def validate_dict(self, content):
            second_opinion(content)
            return True

    monkeypatch.setattr(validations, "StacValidate", Offline)
    monkeypatch.setattr(validations, "stac_check", lambda *_given, **_named: None)  # a linter that needs the network
    nothing = validations.QueryConfig(*[None] * len(validations.QueryConfig.__dataclass_fields__))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it walks with what pystac will drop
        _, errors = validations.validate_api(
            root_url=f"{api.base_url}/", ccs_to_validate=CONFORMS, collection="masks", geometry=json.dumps(SQUARE),
            auth_bearer_token=None, auth_query_parameter=None, fields_nested_property="properties.eo:cloud_cover",
            validate_pagination=True, query_config=nothing, transaction_collection=None, headers=None,
            open_assets_urls=False,
        )  # fmt: skip
    found = [error for _, error in errors.errors]
    assert [error for error in found if not any(odd in error for odd, _ in ODD)] == []


def test_pystac_client_finds_what_search_finds(api, full):
    client = pystac_client.Client.open(str(api.base_url))
    assert sorted(one.id for one in client.get_collections()) == full.collections()
    query = {"collections": ["scenes"], "bbox": [-123, 49, -120, 52], "datetime": "2025-08-05/2025-08-31", "limit": 1}
    found = list(client.search(**query).items())
    expected = search(full, collections=["scenes"], tile="10UFB", start=datetime(2025, 8, 5, tzinfo=UTC))
    assert [item.id for item in found] == [item["id"] for item in expected]
    for item in found:
        assert client.get_collection("scenes").get_item(item.id).properties == item.properties
        assert all(asset.href.startswith(f"{api.base_url}/files/scenes/") for asset in item.assets.values())
    made_from = next(client.search(collections=["mrap"], max_items=1).items()).get_single_link("derived_from")
    assert made_from.resolve_stac_object().target.collection_id == "scenes"


DAYS = [f"2025-08-{day}T{time}Z" for day in ("01", "11", "21") for time in ("18:59:59", "19:00:00", "19:00:01")]


@settings(max_examples=30)
@given(
    question=st.fixed_dictionaries(
        {},
        optional={
            "collections": st.lists(st.sampled_from(["scenes", "masks", "models"]), min_size=1, unique=True),
            "bbox": st.sampled_from(
                [[179.9, -17, -179.9, -16], [-122, 50, -121, 51], [-180, -90, 180, 90], [0, 0, 1, 1]]
            ),
            "start": st.sampled_from(DAYS),
            "end": st.sampled_from(DAYS),
            "tile": st.sampled_from(["10UFB", "01KAA"]),
            "max_cloud_cover": st.sampled_from([0, 30, 31.25, 100]),
            "limit": st.integers(1, 11),
        },
    )
)
def test_the_api_answers_as_search_does(api, full, question):
    asked = {name: question[name] for name in ("collections", "bbox", "limit") if name in question}
    conditions = [
        *([("=", "grid:code", f"MGRS-{question['tile']}")] if "tile" in question else []),
        *([("<=", "eo:cloud_cover", question["max_cloud_cover"])] if "max_cloud_cover" in question else []),
        *([(">=", "datetime", {"timestamp": question["start"]})] if "start" in question else []),
        *([("<=", "datetime", {"timestamp": question["end"]})] if "end" in question else []),
    ]
    if conditions:
        terms = [{"op": operator, "args": [{"property": name}, value]} for operator, name, value in conditions]
        asked["filter"] = {"op": "and", "args": terms} if len(terms) > 1 else terms[0]
    answer = api.post("/search", json={"limit": 100, **asked})
    assert answer.status_code == 200, answer.text
    times = {name: instant(question[name]) for name in ("start", "end") if name in question}
    expected = search(full, **{**question, **times})
    assert [essence(item) for item in answer.json()["features"]] == [essence(item) for item in expected]


def essence(item):
    """Take of an item what does not say where it lies."""
    return {name: item[name] for name in ("id", "collection", "geometry", "bbox", "properties")}


def test_nothing_that_its_own_description_allows_breaks_the_api(api):
    described = schemathesis.openapi.from_dict(api.get("/api").json())
    described.config.update(base_url=str(api.base_url))
    tried = 0
    for found in described.get_all_operations():
        operation = found.ok()

        @settings(max_examples=15, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def survives(case):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # of pydantic models of geometries, at odd boxes
                answer = case.call()
            assert answer.status_code < 500, f"{case.as_curl_command()}: {answer.text}"

        survives()
        tried += 1
    assert tried > 8
