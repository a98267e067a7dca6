"""The root of the API, and its documentation in parts."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qsl

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.openapi.document import METHODS, document, document_bytes
from api.openapi.selection import resource_names
from harmonic.kernel.http.conditional import etag_of
from tests.blind.overhead import beside_the_routes
from tests.rest.conftest import BASE, KITCHEN, error_of

OPENAPI, DOCS = f"{BASE}/openapi.json", f"{BASE}/docs"
# Characters in a token, as pages estimate it.
CHARACTERS = 4
ROOT_TOKENS, PART_TOKENS = 900, 8_000


def tokens(response) -> float:
    return len(response.content.decode()) / CHARACTERS


# --- The root -------------------------------------------------------------------------------


@pytest.mark.parametrize("base", [BASE, KITCHEN])
def test_the_root_has_at_most_900_tokens_beside_its_routes(alice, base):
    assert beside_the_routes(alice.get(base).content.decode()) <= ROOT_TOKENS


@pytest.mark.parametrize("base", [BASE, KITCHEN])
def test_the_root_names_every_list_with_all_its_filters(alice, base):
    info = alice.get(base).json()

    assert {each["path"] for each in info["lists"]} <= {each["path"] for each in info["routes"]}
    for each in info["lists"]:
        path = re.sub(r":\w+", "{id}", each["path"].rpartition("/api/v1")[2])
        operation = next(
            item["get"]
            for described, item in document()["paths"].items()
            if re.sub(r"\{\w+\}", "{id}", described) == path
        )
        named = {one["name"] for one in operation["parameters"] if one.get("in") == "query"}
        assert named == {*each["filters"], *info["paging"]} | (named & {"include"})


def test_the_root_names_every_route_that_is_a_list(alice):
    lists = {each["path"].rpartition("/")[2] for each in alice.get(BASE).json()["lists"]}

    of_items = {"notes", "comments", "decisions", "options", "votes", "commitments", "participants"}
    assert lists == {*of_items, "search", "collectives", "members", "users", "tokens"}


@pytest.mark.parametrize("base", [BASE, KITCHEN])
def test_the_examples_of_the_root_work(alice, note_id, base):
    ids = {
        "note_id": note_id("The garden opens at eight" if base == BASE else "Knife care"),
        "collective_id": "kitchen",
        "user_id": "me",
        "collective_handle": "kitchen",
    }
    for each in alice.get(base).json()["lists"]:
        assert each["example"]
        if not ids.keys() >= set(re.findall(r":(\w+)", each["path"])):
            continue  # below an item of another kind
        path = re.sub(r":(\w+)", lambda name: ids[name[1]], each["path"])
        response = alice.get(path, **dict(parse_qsl(each["example"])))
        assert response.status_code == 200, response.content


def test_the_parts_that_the_root_names_can_be_read(alice, anonymous):
    for url in alice.get(BASE).json()["parts"]:
        path = url.removeprefix("http://garden.localhost")
        assert anonymous().get(path).status_code == 200


@pytest.mark.parametrize(
    ("base", "visibility"), [(BASE, "public"), (KITCHEN, "shared"), ("workspace", "private")]
)
def test_the_root_says_who_can_read_what_is_written_here(alice, world, base, visibility):
    if base == "workspace":
        base = f"/workspace/{world.workspace('alice').handle}/api/v1"
    world.collective("kitchen")

    response = alice.get(base)

    assert response.status_code == 200, response.content
    assert response.json()["visibility"] == visibility


# --- The description in parts ---------------------------------------------------------------


@pytest.mark.parametrize("name", resource_names())
def test_the_openapi_document_of_one_resource_has_at_most_8000_tokens(anonymous, name):
    response = anonymous().get(f"{OPENAPI}?resources={name}")

    assert response.status_code == 200
    assert tokens(response) <= PART_TOKENS
    assert response["ETag"] == etag_of(response.content)


@pytest.mark.parametrize("names", [["notes"], ["users", "tokens"], resource_names()])
def test_a_part_is_valid_and_has_every_operation_of_its_resources(anonymous, names):
    part = anonymous().get(OPENAPI, {"resources": ", ".join(names)}).json()

    assert list(OpenAPIV31SpecValidator(part).iter_errors()) == []
    assert operations(part) == {each for each in operations(document()) if each[2] in names}
    assert {tag["name"] for tag in part["tags"]} == set(names)


def operations(whole):
    return {
        (path, method, item[method]["tags"][0], item[method]["operationId"])
        for path, item in whole["paths"].items()
        for method in METHODS
        if method in item
    }


def test_a_part_has_no_component_that_it_does_not_use(anonymous):
    part = anonymous().get(f"{OPENAPI}?resources=notes").json()
    text = json.dumps(part)

    for kind, components in part["components"].items():
        if kind != "securitySchemes":
            for name in components:
                assert f'"#/components/{kind}/{name}"' in text


def test_an_unknown_resource_is_refused_with_those_that_exist(anonymous):
    response = anonymous().get(f"{OPENAPI}?resources=notes,note")

    assert error_of(response, 400) == f"resources must be one of: {', '.join(resource_names())}"


def test_the_reference_in_json_is_the_openapi_document(anonymous):
    by_suffix = anonymous().get(f"{DOCS}.json")
    by_header = anonymous().get(DOCS, headers={"accept": "application/json"})

    assert by_suffix.content == by_header.content == document_bytes()
    assert by_suffix["Content-Type"] == "application/json; charset=utf-8"


def test_the_reference_is_read_in_parts_too(anonymous):
    whole = anonymous().get(f"{DOCS}.md").content.decode()
    part = anonymous().get(f"{DOCS}.md?sections=notes").content.decode()

    assert "`GET /notes`" in part
    assert "`GET /users`" not in part
    assert len(part) < len(whole) / 2
