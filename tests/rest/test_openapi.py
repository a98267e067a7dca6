"""The OpenAPI document: valid, complete, up to date, and served with its reference."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.core.checks import run_checks
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.codes import CODES
from api.openapi.build import built
from api.openapi.document import document, document_bytes, resolved
from api.operations import OPERATIONS
from api.v1.info import routes_at
from api.v1.notes.resource import Confirmations
from collectives.models import Collective
from collectives.notes.models import Note
from harmonic.kernel.access import CollectiveKind, UserType
from harmonic.kernel.http.conditional import etag_of
from tests.rest.conftest import BASE, KITCHEN
from tests.rest.headers import api_headers, described

pytestmark = pytest.mark.one_database

ROOT = Path(settings.BASE_DIR)
PLACE = f"{BASE}/openapi.json"
DOCS = f"{BASE}/docs"
METHODS = {"get", "post", "put", "patch", "delete"}
JSON = "application/json"


def operations():
    for path, item in document()["paths"].items():
        for method in sorted(METHODS & set(item)):
            yield path, method, item[method]


# --- The document ---------------------------------------------------------------------------


def test_document_is_valid():
    assert list(OpenAPIV31SpecValidator(document()).iter_errors()) == []


def test_document_is_up_to_date():
    assert document_bytes() == built(), "run manage.py describe_api and read the diff"


def test_document_describes_exactly_the_routes():
    named = {
        (re.sub(r"\{(\w+)\}", r":\1", f"{BASE}{path}".rstrip("/")), method.upper())
        for path, method, _ in operations()
    }
    real = {(each["path"], method) for each in routes_at("api/v1") for method in each["methods"]}

    assert named == real


@pytest.mark.parametrize(
    ("base", "server"),
    [
        ("collectives/<str:collective>/api/v1", "/collectives/{collective_handle}/api/v1"),
        ("workspace/<str:collective>/api/v1", "/workspace/{workspace_handle}/api/v1"),
    ],
)
def test_each_path_lists_its_bases(base, server):
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


def test_every_operation_is_complete():
    ids = [operation["operationId"] for _, _, operation in operations()]

    assert len(ids) == len(set(ids))
    for path, method, operation in operations():
        where = f"{method} {path}"
        assert operation["summary"], where
        always = {"200", "400", "401", "403", "404", "429", "500"}
        assert always <= set(operation["responses"]), where
        answer = operation["responses"]["200"]["content"]["application/json"]
        assert answer["schema"], where
        assert answer["example"] not in (None, {}), where
        if "requestBody" in operation:
            assert operation["requestBody"]["content"]["application/json"]["schema"], where


def contents():
    """Return every schema with an example: of responses and of bodies."""
    return [
        pytest.param(part["content"][JSON], id=f"{operation['operationId']} {name}")
        for _, _, operation in operations()
        for name, part in (
            ("answer", operation["responses"]["200"]),
            ("body", operation.get("requestBody")),
        )
        if part
    ]


def errors_in(schema, value):
    whole = {**schema, "components": document()["components"]}
    checker = Draft202012Validator.FORMAT_CHECKER
    return list(Draft202012Validator(whole, format_checker=checker).iter_errors(value))


@pytest.mark.parametrize("content", contents())
def test_examples_match_their_schemas(content):
    assert errors_in(content["schema"], content["example"]) == []


# --- For client generators -----------------------------------------------------------------


def schemas_within(value, keys=()):
    """Yield every schema of the document, with its path."""
    if isinstance(value, dict):
        yield keys, value
        for key, each in value.items():
            if key not in {"example", "examples"}:
                yield from schemas_within(each, (*keys, key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from schemas_within(each, (*keys, number))


def test_every_enumeration_and_object_is_a_component():
    nameless = [
        keys
        for keys, schema in schemas_within(document())
        if ("enum" in schema or "properties" in schema) and keys[:-1] != ("components", "schemas")
    ]

    assert nameless == []


def test_components_have_plain_names():
    names = document()["components"]["schemas"]

    assert [name for name in names if not re.fullmatch("([A-Z][a-z]+)+", name)] == []


def test_every_body_is_a_named_component():
    names = {
        content[JSON]["schema"]["$ref"].removeprefix("#/components/schemas/")
        for content in bodies().values()
    }

    assert names == set(
        "NoteCreate NoteUpdate CommentCreate CollectiveCreate CollectiveUpdate AiAgentCreate"
        " TableUpdate RowCreate RowUpdate"
        " CollectiveJoin UserUpdate TokenCreate TokenRename TokenRotate"
        " DecisionCreate DecisionUpdate DecisionClose DecisionState DecisionCommentCreate"
        " OptionCreate OptionUpdate VoteCast VoteUpdate OptionVoteCast OptionVoteUpdate"
        " ParticipantVoteCast ParticipantVoteUpdate"
        " CommitmentCreate CommitmentUpdate CommitmentJoin CommitmentCommentCreate".split()
    )


def test_only_null_is_an_alternative():
    for keys, schema in schemas_within(document()):
        for each in ("anyOf", "oneOf", "allOf"):
            kinds = [option.get("type") for option in schema.get(each, ())]
            assert not kinds or (len(kinds) == 2 and kinds[1] == "null"), keys


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("CollectiveTempo", Collective.TEMPOS),
        ("CollectiveSynchronizationMode", Collective.MODES),
        ("CollectiveType", CollectiveKind),
        ("NoteEditAccess", Note.EditAccess.values),
        ("NoteSubtype", Note.Subtype.values),
        ("UserType", UserType),
        ("ErrorCode", CODES),
    ],
)
def test_enumerations_are_the_choices_of_the_code(name, words):
    assert document()["components"]["schemas"][name]["enum"] == list(words)


def test_document_has_a_license():
    assert document()["info"]["license"]["name"]


@pytest.mark.parametrize("part", ["operation", "__doc__", "__annotations__"])
def test_a_function_that_is_not_described_fails_the_system_check(monkeypatch, part):
    def found():
        return [each.msg for each in run_checks() if each.id == "api.E001"]

    assert found() == []

    if part == "operation":
        monkeypatch.delitem(OPERATIONS, Confirmations.create)
    else:
        monkeypatch.setattr(Confirmations.create, part, {} if part == "__annotations__" else None)

    assert found() == ["api.v1.notes.resource.Confirmations.create is not described."]


# --- Errors ---------------------------------------------------------------------------------

# Codes of pages that the API never uses.
OF_PAGES = {
    "gone",
    "model_unavailable",
    "unknown_client",
    "conflict",  # what stands where a conflict names no code; all name one
    "csrf_failed",
    "duplicate",
    "format_refused",
    "not_acceptable",
    "reverification_required",
    "suspended",
}


def sources() -> Iterator[ast.Module]:
    for room in ("harmonic", "accounts", "tokens", "collectives", "api"):
        for file in (ROOT / room).rglob("*.py"):
            if not {"migrations", "management"} & set(file.parts):
                yield ast.parse(file.read_text())


def codes_raised() -> set[str]:
    """Return the codes in the source.

    They are arguments `code`, attributes of refusals, or the third argument of `Denied`.
    """
    nodes = [node for module in sources() for node in ast.walk(module)]
    given = [value for node in nodes if isinstance(node, ast.Call) for value in given_to(node)]
    declared = [
        value
        for node in nodes
        if isinstance(node, ast.Assign)
        for value in assigned(node.targets[0], node.value)
    ]
    return {str(each.value) for each in [*given, *declared] if isinstance(each, ast.Constant)}


def given_to(call: ast.Call) -> Iterator[ast.expr]:
    yield from (each.value for each in call.keywords if each.arg == "code" and is_word(each.value))
    if isinstance(call.func, ast.Name) and call.func.id == "Denied":
        yield from call.args[2:3]


def assigned(target: ast.expr, value: ast.expr) -> Iterator[ast.expr]:
    if isinstance(target, ast.Name) and target.id == "code" and is_word(value):
        yield value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for name, each in zip(target.elts, value.elts, strict=True):
            yield from assigned(name, each)


def is_word(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and bool(value.value)


def test_documented_codes_are_those_raised():
    assert set(CODES) == codes_raised() - OF_PAGES


def refusals():
    for status, response in document()["components"]["responses"].items():
        for kind, content in response.get("content", {}).items():
            yield int(status), kind, content


@pytest.mark.parametrize(("status", "kind", "content"), list(refusals()))
def test_error_examples_match_their_status(status, kind, content):
    shown = {name: each["value"] for name, each in content["examples"].items()}

    assert set(shown) == {name for name, code in CODES.items() if code.status == status}
    for name, value in shown.items():
        assert (value["code"], value["status"]) == (name, status)
        assert errors_in(content["schema"], value) == []


@pytest.mark.parametrize("accept", ["application/json", "application/problem+json"])
def test_error_example_equals_a_real_response(alice, accept):
    answer = alice.post(f"{KITCHEN}/notes", {}, accept=accept)
    content = document()["components"]["responses"]["400"]["content"][accept]
    example = content["examples"]["invalid"]["value"]

    body = answer.json()
    told_apart = {"request_id": body["request_id"]}
    if "type" in body:
        told_apart["type"] = f"http://garden.localhost/api/v1/docs#{body['code']}"
    assert {**example, **told_apart} == body


# --- Statuses, bodies, headers --------------------------------------------------------------


def calls():
    return [
        pytest.param(method, path, operation, id=f"{method} {path}")
        for path, method, operation in operations()
    ]


@pytest.mark.parametrize(("method", "path", "operation"), calls())
@pytest.mark.parametrize(
    ("query", "host", "status"),
    [("?x=%00", "garden.localhost", 400), ("", "nowhere.localhost", 404)],
)
def test_common_error_statuses_are_documented(alice, method, path, operation, query, host, status):
    where = BASE + re.sub(r"\{\w+\}", "x", path) + query

    answer = alice.client.generic(method.upper(), where, headers={"host": host})

    assert answer.status_code == status
    assert str(status) in operation["responses"]


def bodies():
    return {
        operation["operationId"]: operation["requestBody"]["content"]
        for _, _, operation in operations()
        if "requestBody" in operation
    }


@pytest.mark.parametrize("name", bodies())
def test_bodies_are_described_as_json_only(name):
    assert set(bodies()[name]) == {JSON}


def test_every_encoding_of_a_body_creates_a_note(alice, world):
    parent = world.note("Knife care").id
    params = {"text": "Sharp.", "commentable_type": "Note", "commentable_id": str(parent)}
    program, where = alice.client, f"{KITCHEN}/notes"

    answers = [
        program.post(where, params, content_type="application/json"),
        program.post(where, {"note": params}, content_type="application/json"),
        program.post(where, urlencode(params), "application/x-www-form-urlencoded"),
        program.post(where, params),
        program.post(where, {f"note[{name}]": value for name, value in params.items()}),
    ]

    assert [answer.status_code for answer in answers] == [200] * 5
    assert {answer.json()["commentable_id"] for answer in answers} == {str(parent)}
    assert errors_in(bodies()["create_note"][JSON]["schema"], params) == []


def offered(operation_id):
    properties = resolved(bodies()[operation_id][JSON]["schema"])["properties"]
    return [
        (name, value)
        for name, each in properties.items()
        for value in resolved(each).get("enum", [None])
    ]


@pytest.mark.parametrize(("name", "value"), offered("create_note"))
def test_documented_values_of_a_note_are_accepted(alice, world, name, value):
    parent = {"commentable_type": "Note", "commentable_id": str(world.note("Knife care").id)}
    needs_a_parent = value in {"comment", "Note"} or name == "commentable_id"
    given = {} if value is None else {name: value}
    by_subtype: dict[str, dict[str, Any]] = {
        "table": {"table_data": {}},
        "reminder": {"scheduled_for": "3d"},
    }
    needed = by_subtype.get(value, {})

    answer = alice.post(
        f"{KITCHEN}/notes",
        {"text": "Sharp.", **(parent if needs_a_parent else {}), **needed, **given},
    )

    assert answer.status_code == 200, answer.content


@pytest.mark.parametrize("name", ["create_collective", "update_note"])
def test_documented_values_of_other_bodies_are_accepted(alice, name):
    where, method, params = {
        "create_collective": (f"{BASE}/collectives", "post", {"name": "Tools"}),
        "update_note": ("", "put", {}),
    }[name]
    where = where or f"{BASE}/notes/{alice.post(f'{BASE}/notes', {'text': 'A'}).json()['id']}"

    for number, (param, value) in enumerate(offered(name)):
        sent = {**params, "handle": f"tools-{number}"} if method == "post" else params
        answer = getattr(alice, method)(where, sent if value is None else {**sent, param: value})
        assert answer.status_code == 200, answer.content


# Operation, status, request headers, and response headers besides the common ones.
TOLD = [
    ("get", "/notes", 200, {}, {"ETag", "Link"}),
    ("get", "/notes", 401, {"authorization": ""}, {"WWW-Authenticate"}),
    ("post", "/notes", 200, {}, {"Location", "ETag"}),
    ("post", "/notes", 200, {"idempotency-key": "told"}, {"Idempotent-Replayed"}),
    ("post", "/notes", 400, {"idempotency-key": "refused"}, {"Idempotent-Replayed"}),
    ("post", "/users/{user_id}/tokens", 409, {"idempotency-key": "secret"}, set()),
    ("get", "/users/{id}", 200, {}, {"ETag", "Last-Modified"}),
    ("get", "/users/{id}", 304, {"if-none-match": "*"}, {"ETag", "Last-Modified"}),
    ("get", "/tokens/self", 200, {}, {"ETag"}),
    ("get", "/", 200, {}, {"ETag"}),
    ("patch", "/users/{id}", 412, {"if-match": '"old"'}, set()),
    ("delete", "/users/{id}", 403, {}, set()),
]
EVERYWHERE = {
    "API-Version",
    "RateLimit",
    "RateLimit-Policy",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Request-Id",
}
SENT = {200: {"text": "A note.", "scopes": ["read:all"]}, 409: {"scopes": ["read:all"]}}


@pytest.mark.parametrize(("method", "path", "status", "headers", "there"), TOLD)
def test_every_header_is_described(alice, method, path, status, headers, there):
    where = BASE + re.sub(r"\{\w+\}", "me", path)
    body = SENT.get(status, {}) if method != "get" else None

    def sent():
        send = getattr(alice.client, method)
        return send(where, body, content_type="application/json", headers=headers)

    answer = (sent(), sent())[-1] if "idempotency-key" in headers else sent()

    assert answer.status_code == status, answer.content
    assert EVERYWHERE | there <= api_headers(answer) <= described(method, path, status)


def test_missing_scope_is_named_in_a_header(rest):
    answer = rest("alice", scopes=["read:notes"]).post(f"{BASE}/notes", {"text": "No."})

    assert 'scope="create:notes"' in answer["WWW-Authenticate"]
    assert "WWW-Authenticate" in described("post", "/notes", 403)


def test_rate_limited_response_has_retry_after(alice, settings):
    settings.LIMIT_REQUESTS, settings.LIMIT_LOOPBACK = 1, True

    answer = [alice.get(BASE), alice.get(BASE)][-1]

    assert answer.status_code == 429
    assert {"Retry-After", "X-Request-Id"} <= api_headers(answer) <= described("get", "/", 429)


# --- Authentication -------------------------------------------------------------------------


def test_authentication_is_a_bearer_token():
    assert document()["security"] == [{"bearerAuth": []}]
    assert document()["components"]["securitySchemes"]["bearerAuth"]["scheme"] == "bearer"


# --- Serving --------------------------------------------------------------------------------


def test_document_is_public(anonymous, alice):
    response = anonymous().get(PLACE)

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json; charset=utf-8"
    assert response.content == document_bytes()
    assert response["ETag"] == etag_of(response.content)
    assert response["API-Version"] == "1.0.0"
    assert alice.get(PLACE).content == response.content


def test_the_server_does_not_import_pydantic():
    program = (
        "import sys; from harmonic.wsgi import application; from django.urls import get_resolver;"
        " get_resolver().url_patterns; print('pydantic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)

    assert done.stdout.strip() == "False", done.stderr


def test_document_has_an_etag(anonymous):
    tag = anonymous().get(PLACE)["ETag"]
    again = anonymous().get(PLACE, headers={"If-None-Match": tag})

    assert (again.status_code, again.content) == (304, b"")


def test_info_links_to_document_and_reference(alice):
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


def test_reference_loads_nothing_from_other_hosts_and_has_no_inline_code(anonymous):
    text = anonymous().get(DOCS).content.decode()

    assert not re.search(r"""(?:src|<link[^>]*href)=["'](?:https?:)?//""", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"\s(?:style|on\w+)=", text)


@pytest.mark.parametrize("accept", ["text/html", "text/markdown"])
def test_reference_is_available_as_markdown(anonymous, accept):
    response = anonymous().get(f"{DOCS}.md", headers={"accept": accept})
    text = response.content.decode()

    assert response["Content-Type"] == "text/markdown; charset=utf-8"
    assert text.startswith("---\napp: Harmonic\n")
    for path, method, _ in operations():
        assert f"### `{method.upper()} {path}`" in text


def test_token_gets_the_reference_as_markdown(alice):
    response = alice.client.get(DOCS)

    assert response["Content-Type"] == "text/markdown; charset=utf-8"


def test_reference_lists_every_code(anonymous):
    text = anonymous().get(DOCS).content.decode()

    for code in CODES:
        assert f'<tr id="{code}">' in text
