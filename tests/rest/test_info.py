"""The root of a base: its routes, and the caller."""

from __future__ import annotations

import re

import pytest
from django.urls import get_resolver

from api.v1.info import _routes
from collectives.items.registry import KINDS
from tests.rest.conftest import BASE, KITCHEN

KEYS = (
    "name version routes openapi docs tenant collective user token visibility lists paging parts"
).split()
SHARED = {
    "": ["GET"],
    "/join": ["POST"],
    "/cycles": ["GET"],
    "/cycles/:id": ["GET"],
    "/leave": ["POST"],
    "/notes": ["GET", "POST"],
    "/notes/:id": ["DELETE", "GET", "PATCH", "PUT"],
    "/notes/:note_id/acknowledge": ["POST"],
    "/notes/:note_id/comments": ["GET", "POST"],
    "/notes/:note_id/confirm": ["POST"],
    "/notes/:note_id/pin": ["POST"],
    "/notes/:note_id/restore": ["POST"],
    "/notes/:note_id/table": ["GET", "PATCH", "PUT"],
    "/notes/:note_id/table/rows": ["POST"],
    "/notes/:note_id/table/rows/:id": ["DELETE", "GET", "PATCH", "PUT"],
    "/notes/:note_id/unpin": ["POST"],
    "/search": ["GET"],
}
COLLECTIVES = {
    "/collectives": ["GET", "POST"],
    "/collectives/:collective_id/members": ["GET"],
    "/collectives/:id": ["GET", "PATCH", "PUT"],
}
TENANT = {
    **SHARED,
    **COLLECTIVES,
    "/tokens/self": ["GET"],
    "/users": ["GET", "POST"],
    "/users/:id": ["DELETE", "GET", "PATCH", "PUT"],
    "/users/:user_id/pause": ["POST"],
    "/users/:user_id/resume": ["POST"],
    "/users/:user_id/stop": ["POST"],
    "/users/:user_id/tokens": ["GET", "POST"],
    "/users/:user_id/tokens/:id": ["DELETE", "GET", "PATCH", "PUT"],
    "/users/:user_id/tokens/:token_id/rotate": ["POST"],
}


def assert_listed(found: list[dict[str, object]], expected: list[dict[str, object]]) -> None:
    """Compare routes, without those of kinds of items that this file does not cover."""
    others = [each for each in KINDS if each != "notes"]
    kinds = re.compile(rf".*/api/v1/({'|'.join(others)})(/|$)") if others else None
    assert [row for row in found if not (kinds and kinds.match(str(row["path"])))] == expected


def listed(prefix: str, below: dict[str, list[str]]) -> list[dict[str, object]]:
    return [{"path": f"{prefix}{path}", "methods": below[path]} for path in sorted(below)]


def test_info_identifies_the_caller(rest, world):
    program = rest("alice", agent="scout", scope="read")
    info = program.get(KITCHEN).json()

    assert list(info) == KEYS
    assert (info["name"], info["version"]) == ("Harmonic API", "1.0.0")
    assert (info["tenant"], info["collective"]) == ("garden", "kitchen")
    assert info["user"] == {"id": str(world.user("scout").id), "handle": "scout"}
    assert list(info["token"]) == ["id", "name", "scopes", "expires_at"]
    assert info["token"]["scopes"] == ["read:all"]


def test_routes_of_the_tenants_base(alice):
    info = alice.get(BASE).json()

    assert info["collective"] == "garden"
    assert_listed(info["routes"], listed(BASE, TENANT))


def test_routes_of_a_collectives_base(alice):
    prefix = "/collectives/:collective_handle/api/v1"

    assert_listed(alice.get(KITCHEN).json()["routes"], listed(prefix, SHARED))


def test_routes_of_a_workspaces_base(alice, world):
    info = alice.get(f"/workspace/{world.workspace('alice').handle}/api/v1").json()

    prefix = "/workspace/:collective_handle/api/v1"
    assert_listed(info["routes"], listed(prefix, {**SHARED, **COLLECTIVES}))


def test_every_route_of_the_api_is_listed_somewhere(alice, world):
    bases = (BASE, KITCHEN, f"/workspace/{world.workspace('alice').handle}/api/v1")
    shown = {
        (re.sub(r":\w+", ":x", route["path"]), *route["methods"])
        for base in bases
        for route in alice.get(base).json()["routes"]
    }
    real = {
        (re.sub(r"<\w+:\w+>", ":x", f"/{route}"), *sorted(verbs))
        for route, verbs in _routes(get_resolver().url_patterns)
        if re.search(r"(^|/)api/v1(/|$)", route)
    }

    assert shown == real


@pytest.mark.parametrize("scopes", [["create:votes"], ["read:all"]])
def test_any_active_token_reads_the_info(rest, scopes):
    assert rest("bob", scopes=scopes).get(BASE).status_code == 200
