"""Responses embed only resources that the token can read at their own routes.

The routes are those of the resolver, so that a page added later is tested too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.test import Client

from collectives.notes.models import Note
from harmonic.kernel.access import AccessLevel
from harmonic.kernel.scopes import ScopeResource
from tests.access.routes import Route, ids_of, routes
from tests.fixtures.world import World, make_token, token_client

MARKDOWN, JSON = {"accept": "text/markdown"}, {"accept": "application/json"}
PINNED = "The garden opens at eight"
TOKEN_NAMES = ("nightly-backup", "pilot-backup")
# Only the security log shows whole addresses; a token's last use shows the network.
ADDRESS = "127.0.0.1"
COLLECTIVE = "Kitchen Crew"
DESCRIPTION = "Who cooks, and how."
READ_ALL = ["read:all"]
# A token's reach lists collectives; the identity of a collective is a user with its name.
COLLECTIVES_ARE_THE_SUBJECT = ("/tokens/", "api/v1/tokens/self", "api/v1/users")


@dataclass(frozen=True)
class Stage:
    """Bob with pins, tokens and security events, and the texts that reveal them."""

    ids: dict[str, str]
    # Keyed by the scope that reveals them.
    marks: dict[str, tuple[str, ...]]

    def found(self, text: str, route: Route) -> set[str]:
        """Return the scopes required by the contents of a text."""
        plain = text.replace("\\", "")
        found = {
            scope for scope, marks in self.marks.items() if any(mark in plain for mark in marks)
        }
        if route.rule and route.rule.resource == "cycles":
            # The items of a cycle need no scope of their own (rest §1.6).
            found.discard("read:notes")
        is_named_by_subject = route.place or any(
            part in route.pattern for part in COLLECTIVES_ARE_THE_SUBJECT
        )
        if COLLECTIVE in plain and not is_named_by_subject:
            found.add("read:all")
        return found


@pytest.fixture
def stage(world: World, note_path) -> Stage:
    bob = token_client(make_token("bob"))
    for note in (PINNED, "Knife care"):
        assert bob.post(f"{note_path(note)}/settings/actions/pin_note").status_code == 200
    made = [
        bob.post(
            f"/api/v1/users/{owner}/tokens",
            {"name": name, "scopes": READ_ALL},
            content_type="application/json",
        ).json()
        for owner, name in zip(("me", "pilot"), TOKEN_NAMES, strict=True)
    ]
    notes = Note.unscoped.filter(tenant=world.tenant()).values_list("title", "text")
    lines = {line for title, text in notes for line in (title, text.splitlines()[0])}
    marks = {
        "read:notes": tuple(line for line in lines if len(line) > 9),
        "read:api_tokens": (*TOKEN_NAMES, *(token["token_prefix"] for token in made)),
        "read:all": (ADDRESS, DESCRIPTION),
    }
    return Stage({**ids_of(world), "token_id": made[0]["id"]}, marks)


def answers(stage: Stage, client: Client) -> Iterator[tuple[Route, str, str]]:
    """Yield the path and the text of each response to GET."""
    for route in routes():
        if route.urlconf != "harmonic.urls" or route.rule is None:
            continue
        if route.rule.access_level == AccessLevel.PUBLIC:
            continue
        path = route.path(stage.ids)
        for headers in (MARKDOWN, JSON):
            response = client.get(path, headers=headers)
            assert response.status_code < 500
            if response.status_code == 200:
                yield route, path, response.text


def resources() -> list[str]:
    """Return the resources declared by routes, and one that none declares."""
    named = {route.rule.resource for route in routes() if route.rule and route.rule.resource}
    return sorted(named | {"cycles"})


@pytest.mark.parametrize("resource", resources())
def test_a_narrow_token_sees_no_other_resources(stage, resource):
    scope = f"read:{resource}"
    client = token_client(make_token("bob", scopes=[scope]))

    leaks = {
        (path, needed)
        for route, path, text in answers(stage, client)
        for needed in stage.found(text, route) - {scope}
    }

    assert not leaks


def test_a_token_that_reads_all_sees_everything(stage):
    client = token_client(make_token("bob", scopes=READ_ALL))

    shown = {
        (route.pattern, scope)
        for route, _, text in answers(stage, client)
        for scope in stage.found(text, route)
    }

    assert shown >= {
        ("u/<str:handle>", "read:notes"),
        ("u/<str:handle>/settings", "read:api_tokens"),
        ("ai-agents/<str:handle>/settings", "read:api_tokens"),
        ("settings/security", "read:all"),
        ("whoami", "read:all"),
        ("", "read:all"),
        ("api/v1/users", "read:notes"),
        ("api/v1/users/<str:user_id>", "read:notes"),
    }


def test_a_page_names_the_scope_of_omitted_content(stage):
    full = token_client(make_token("bob", scopes=READ_ALL))
    narrow = {
        resource.value: token_client(make_token("bob", scopes=[f"read:{resource}"]))
        for resource in ScopeResource
    }
    seen = set()
    for route, path, text in answers(stage, full):
        resource = route.rule.resource if route.rule else None
        if route.is_api or resource is None:
            continue
        for scope in stage.found(text, route) - {f"read:{resource}"}:
            less = narrow[resource].get(path, headers=MARKDOWN)
            seen.add((path, scope))
            assert less.status_code == 200
            assert f"Requires the scope `{scope}`." in less.text, (path, scope)
    assert len(seen) >= 5


def test_a_user_object_names_its_omitted_members(api):
    path = "/api/v1/users/bob"
    full = api("bob").get(path).json()
    narrow = api("bob", scopes=["read:users"]).get(path).json()
    both = api("bob", scopes=["read:users", "read:notes"]).get(path).json()

    assert "omitted" not in full
    assert both == full
    assert narrow == {**full, "pinned_items": [], "omitted": ["pinned_items"]}


def test_the_response_to_a_write_omits_the_same(api):
    narrow = api("bob", scopes=["update:users"])
    user = narrow.patch("/api/v1/users/me", {}, content_type="application/json").json()

    assert (user["pinned_items"], user["omitted"]) == ([], ["pinned_items"])


@pytest.mark.parametrize("scopes", [["read:users"], ["read:api_tokens"], ["create:all"]])
def test_the_security_log_requires_read_all(api, scopes):
    refused = api("bob", scopes=scopes).get("/settings/security", headers=MARKDOWN)

    assert refused.status_code == 403
    assert 'scope="read:all"' in refused["WWW-Authenticate"]
    assert api("bob", scopes=READ_ALL).get("/settings/security").status_code == 200


@pytest.mark.parametrize(
    ("scope", "path", "line"),
    [
        ("read:users", "/u/alice", "Omitted: pinned notes. Requires the scope `read:notes`."),
        ("read:users", "/u/alice", "Omitted: the collectives that you have in common."),
        (
            "read:users",
            "/u/bob/settings",
            "Omitted: API tokens. Requires the scope `read:api_tokens`.",
        ),
        ("read:users", "/ai-agents/pilot/settings", "Omitted: API tokens."),
        (
            "read:users",
            "/ai-agents/pilot",
            "Omitted: the agent's collectives. Requires the scope `read:all`.",
        ),
        ("read:users", "/whoami", "Omitted: your collectives. Requires the scope `read:all`."),
        ("read:notes", "/", "Omitted: your collectives. Requires the scope `read:all`."),
        ("read:notes", "/collectives/kitchen", "Omitted: the members."),
        ("read:notes", "/collectives/kitchen", "Omitted: the description."),
    ],
)
def test_a_page_names_omitted_content_in_one_line(api, page, scope, path, line):
    narrow = api("bob", scopes=[scope]).get(path, headers=MARKDOWN).text

    assert any(each.startswith(line) for each in narrow.splitlines())
    assert "Omitted:" not in api("bob").get(path, headers=MARKDOWN).text
    assert "Omitted:" not in page("bob").get(path).text
