"""The API's description: valid, true to the routes, kept in the repository, and readable."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.openapi.document import document, document_bytes
from api.openapi.objects import OBJECTS, example_of
from api.v1.describe import CODES
from api.v1.info import routes_at
from harmonic.kernel.conditional import etag_of
from tests.rest.conftest import BASE

PLACE = f"{BASE}/openapi.json"
DOCS = f"{BASE}/docs"
METHODS = {"get", "post", "put", "patch", "delete"}


def operations():
    for path, item in document()["paths"].items():
        for method in METHODS & set(item):
            yield path, method, item[method]


# --- The document ---------------------------------------------------------------------------


def test_it_is_valid():
    assert list(OpenAPIV31SpecValidator(document()).iter_errors()) == []


def test_it_is_the_one_in_the_repository():
    kept = Path(settings.BASE_DIR) / "docs" / "openapi.json"

    assert kept.read_bytes() == document_bytes(), "run manage.py describe_api and read the diff"


def test_it_describes_the_routes_and_no_others():
    described = {
        (re.sub(r"\{(\w+)\}", r":\1", f"{BASE}{path}".rstrip("/")), method.upper())
        for path, method, _ in operations()
    }
    real = {(each["path"], method) for each in routes_at("api/v1") for method in each["methods"]}

    assert described == real


@pytest.mark.parametrize(
    ("base", "server"),
    [
        ("collectives/<str:collective>/api/v1", "/collectives/{collective_handle}/api/v1"),
        ("workspace/<str:collective>/api/v1", "/workspace/{workspace_handle}/api/v1"),
    ],
)
def test_each_path_says_at_which_bases_it_is(base, server):
    word = base.partition("/")[0]
    there = {
        path
        for path, item in document()["paths"].items()
        if server in {each["url"] for each in item.get("servers", document()["servers"])}
    }
    prefix = f"/{word}/:collective_handle/api/v1"
    real = {
        re.sub(r":(\w+)", r"{\1}", each["path"].removeprefix(prefix)) or "/"
        for each in routes_at(base)
    }

    assert there == real


def test_every_operation_is_told_in_full():
    ids = [operation["operationId"] for _, _, operation in operations()]

    assert len(ids) == len(set(ids))
    for path, method, operation in operations():
        where = f"{method} {path}"
        assert operation["summary"], where
        assert {"200", "401", "403", "429", "500"} <= set(operation["responses"]), where
        answer = operation["responses"]["200"]["content"]["application/json"]
        assert answer["schema"], where
        assert answer["example"] not in (None, {}), where
        if "requestBody" in operation:
            assert operation["requestBody"]["content"]["application/json"]["schema"], where


@pytest.mark.parametrize("name", OBJECTS)
def test_examples_are_what_their_schemas_say(name):
    schema = {**OBJECTS[name], "components": {"schemas": OBJECTS}}
    checker = Draft202012Validator.FORMAT_CHECKER

    Draft202012Validator(schema, format_checker=checker).validate(example_of(OBJECTS[name]))


def test_a_bearer_token_is_the_way_in():
    assert document()["security"] == [{"bearerAuth": []}]
    assert document()["components"]["securitySchemes"]["bearerAuth"]["scheme"] == "bearer"


# --- Serving it -----------------------------------------------------------------------------


def test_anybody_may_read_it(anonymous, alice):
    response = anonymous().get(PLACE)

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json; charset=utf-8"
    assert response.content == document_bytes()
    assert response["ETag"] == etag_of(response.content)
    assert response["API-Version"] == "1.0.0"
    assert alice.get(PLACE).content == response.content


def test_it_need_not_be_read_twice(anonymous):
    tag = anonymous().get(PLACE)["ETag"]
    again = anonymous().get(PLACE, headers={"If-None-Match": tag})

    assert (again.status_code, again.content) == (304, b"")


def test_the_info_names_both(alice):
    info = alice.get(BASE).json()

    assert info["openapi"].endswith(PLACE)
    assert info["docs"].endswith(DOCS)


# --- The reference --------------------------------------------------------------------------


def test_the_reference_shows_every_operation(anonymous):
    page = anonymous().get(DOCS)
    text = page.content.decode()

    assert page.status_code == 200
    assert page["Content-Type"].startswith("text/html")
    for path, method, operation in operations():
        assert f'id="{operation["operationId"]}"' in text
        assert f"{method.upper()} {path}" in text


def test_the_reference_asks_no_other_host_and_has_no_inline_code(anonymous):
    text = anonymous().get(DOCS).content.decode()

    assert not re.search(r"""(?:src|<link[^>]*href)=["'](?:https?:)?//""", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"\s(?:style|on\w+)=", text)


@pytest.mark.parametrize("accept", ["text/html", "text/markdown"])
def test_the_reference_is_markdown_too(anonymous, accept):
    response = anonymous().get(f"{DOCS}.md", headers={"accept": accept})
    text = response.content.decode()

    assert response["Content-Type"] == "text/markdown; charset=utf-8"
    assert text.startswith("---\napp: Harmonic\n")
    for path, method, _ in operations():
        assert f"### `{method.upper()} {path}`" in text


def test_a_token_gets_the_markdown(alice):
    response = alice.client.get(DOCS)

    assert response["Content-Type"] == "text/markdown; charset=utf-8"


def test_the_reference_tells_every_code(anonymous):
    text = anonymous().get(DOCS).content.decode()

    for code in CODES:
        assert f'<dt id="{code}">' in text
