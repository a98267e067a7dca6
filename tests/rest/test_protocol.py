"""HEAD, OPTIONS and the challenge of a 401, on every route of the API."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from api.v1.info import routes_at
from tests.fixtures.world import anonymous_client, make_token, token_client
from tests.rest.conftest import KITCHEN
from tests.rest.items import filled, items_at

pytestmark = pytest.mark.one_database

PLAIN = 'Bearer realm="Harmonic"'
INVALID = f'{PLAIN}, error="invalid_token", error_description="The token is not valid"'
EXPIRED = f'{PLAIN}, error="invalid_token", error_description="The token expired"'
BASES = ("api/v1", "collectives/<str:collective>/api/v1", "workspace/<str:collective>/api/v1")
ROUTES = [(each["path"], each["methods"]) for base in BASES for each in routes_at(base)]
IDS = [path for path, _ in ROUTES]


@pytest.fixture
def address(alice, world):
    """Return the path of a route with the IDs of Alice's objects."""
    token = alice.post("/api/v1/users/me/tokens", {"scopes": ["read:all"]}).json()["id"]

    def at(path: str) -> str:
        is_workspace = path.startswith("/workspace")
        handle = world.workspace("alice").handle if is_workspace else "kitchen"
        base = path.replace(":collective_handle", handle)
        prefix = base.partition("/api/v1")[0]
        ids = {"collectives": "kitchen", "users": "me", "tokens": token}
        return filled(base, {**items_at(alice, f"{prefix}/api/v1"), **ids})

    return at


@pytest.mark.parametrize(("path", "methods"), ROUTES, ids=IDS)
def test_options_lists_the_methods_without_a_token(address, path, methods):
    response = anonymous_client().options(address(path))

    read = ["HEAD"] if "GET" in methods else []
    assert (response.status_code, response.content) == (204, b"")
    assert response["Allow"] == ", ".join(sorted([*methods, *read, "OPTIONS"]))


@pytest.mark.parametrize(("path", "methods"), ROUTES, ids=IDS)
def test_head_is_get_without_a_body(alice, address, path, methods):
    where = address(path)
    head, got = alice.head(where), alice.get(where)

    assert head.content == b""
    assert head.status_code == got.status_code == (200 if "GET" in methods else 405)
    # These members contain the current time.
    varying = {"etag"} if path.endswith(("/self", "/audit")) else set()
    for name in {"content-type", "etag", "last-modified", "link", "allow", "vary"} - varying:
        assert head.get(name) == got.get(name), name


@pytest.mark.parametrize(
    ("credentials", "challenge"),
    [
        ("", PLAIN),
        ("Basic YWxpY2U6eA==", PLAIN),
        ("Token hmn_x", PLAIN),
        ("Bearer", INVALID),
        ("Bearer nonsense", INVALID),
        ("Bearer hmn_" + "0" * 42, INVALID),
        ("bearer one two", INVALID),
    ],
)
@pytest.mark.parametrize(("path", "methods"), ROUTES, ids=IDS)
def test_anonymous_requests_are_challenged(db, path, methods, credentials, challenge):
    where = re.sub(r":\w+", "x", path.replace(":collective_handle", "kitchen"))
    for method in methods:
        headers = {"authorization": credentials} if credentials else {}
        response = anonymous_client().generic(method, where, headers=headers)

        assert response.status_code == 401
        assert response["WWW-Authenticate"] == challenge


def test_token_with_another_scheme_is_401(db):
    credentials = f"Basic {make_token('alice')}"
    response = anonymous_client().get(KITCHEN, headers={"authorization": credentials})

    assert (response.status_code, response["WWW-Authenticate"]) == (401, PLAIN)


def test_expired_token_is_reported(db):
    program = token_client(make_token("alice", days=1))
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        response = program.get(KITCHEN)

    assert (response.status_code, response["WWW-Authenticate"]) == (401, EXPIRED)
    assert response.json()["code"] == "token_expired"


VERBS = {"GET": "read", "POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}
# Routes whose action has another verb than their method.
OTHER_VERBS = {
    "pin": "update",
    "unpin": "update",
    "restore": "update",
    "leave": "delete",
    "pause": "update",
    "resume": "update",
    "stop": "delete",
    "close": "update",
    "statement": "update",
}


@pytest.mark.parametrize(("path", "methods"), ROUTES, ids=IDS)
def test_a_missing_scope_is_named(rest, address, path, methods):
    narrow = rest("alice", scopes=["delete:confirmations"])
    for method in methods:
        response = narrow.client.generic(method, address(path))
        if response.status_code == 200:
            assert path.endswith(("/api/v1", "/self"))  # any live token
            continue

        verb = OTHER_VERBS.get(path.rpartition("/")[2], VERBS[method])
        # Casting a vote and changing it are one action; either scope allows it.
        verb = "create" if "/votes/" in path and verb == "update" else verb
        # Rows are part of their note.
        verb = "update" if "/table" in path and verb != "read" else verb
        assert response.status_code == 403
        assert re.fullmatch(
            rf'{PLAIN}, error="insufficient_scope", scope="{verb}:\w+"',
            response["WWW-Authenticate"],
        )
