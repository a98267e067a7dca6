"""Which scopes an action needs: its own verb and resource, on every surface."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client

from harmonic.kernel.actions import Action
from harmonic.kernel.pages import registered
from tests.access.routes import Route, ids_of, routes
from tests.fixtures.world import client_with, make_token
from tokens.rules import RESOURCES, VERBS, is_scope

MARKDOWN = {"accept": "text/markdown"}
DRY_RUN = {"dry_run": True}
KNIFE_CARE = "Knife care"


def actions() -> Iterator[Action]:
    for page in registered().values():
        yield from page.actions
        yield from page.writes.values()


def runnable() -> list[Route]:
    """Return each action route once: a collective stands for the workspace too."""
    return [route for route in routes() if route.action is not None and route.place != "room"]


def post(client: Client, path: str) -> int:
    response = client.post(path, DRY_RUN, content_type="application/json", headers=MARKDOWN)
    is_scope_missing = 'error="insufficient_scope"' in response.get("WWW-Authenticate", "")
    return 403 if is_scope_missing else 0


def test_every_action_names_scopes_that_a_token_can_hold():
    unknown = {
        (action.name, scope)
        for action in actions()
        for scope in (action.scope, *action.other_scopes)
        if not is_scope(scope)
    }
    assert not unknown


@pytest.mark.parametrize("route", runnable(), ids=lambda route: route.pattern + route.action_name)
def test_an_action_runs_only_with_its_own_verb_and_resource(route, world):
    action = route.action
    assert action is not None
    path = route.path(ids_of(world))
    accepted = {action.scope, *action.other_scopes, f"{action.verb}:all"}
    asked = {f"{verb}:{action.resource}" for verb in VERBS}
    asked |= {f"{verb}:all" for verb in VERBS} | {f"{action.verb}:votes"} | accepted

    for scope in sorted(asked):
        client = client_with(make_token("bob", scopes=[scope]))
        is_refused = post(client, path) == 403
        assert is_refused == (scope not in accepted), (scope, path)


@pytest.mark.parametrize(
    ("scopes", "listed"),
    [
        (["create:notes"], {"confirm_read", "add_comment"}),
        (["create:confirmations"], {"confirm_read"}),
        (["update:notes"], set()),
        (["create:all"], {"confirm_read", "add_comment"}),
    ],
)
def test_the_frontmatter_lists_only_what_the_token_may_run(api, note_path, scopes, listed):
    document = api("bob", scopes=["read:notes", *scopes]).get(note_path(KNIFE_CARE)).text
    frontmatter = document.split("---")[1]
    names = {"confirm_read", "add_comment", "restore_note", "pin_note", "update_note"}

    assert {name for name in names if f"name: {name}" in frontmatter} == listed


@pytest.mark.parametrize(
    ("scopes", "settings"),
    [
        (["create:notes"], set()),
        (["update:notes"], {"pin_note"}),
        (["delete:notes"], {"delete_note"}),
        (["update:all", "delete:all"], {"pin_note", "delete_note"}),
    ],
)
def test_creating_notes_neither_pins_nor_deletes(api, note_path, scopes, settings):
    path = f"{note_path(KNIFE_CARE)}/settings"
    client = api("alice", scopes=["read:notes", *scopes])
    frontmatter = client.get(path).text.split("---")[1]

    for name in ("pin_note", "delete_note"):
        assert (f"name: {name}" in frontmatter) == (name in settings)
        assert (post(client, f"{path}/actions/{name}") == 0) == (name in settings)


def test_a_token_of_create_notes_creates_and_comments(api, note_path):
    client = api("bob", scopes=["create:notes"])
    note = note_path(KNIFE_CARE)
    sent = {"content_type": "application/json", "headers": MARKDOWN}

    created = client.post("/collectives/kitchen/note/actions/create_note", {"text": "x"}, **sent)
    commented = client.post(f"{note}/actions/add_comment", {"text": "y"}, **sent)
    edited = client.post(f"{note}/edit/actions/update_note", {"text": "z"}, **sent)

    assert (created.status_code, commented.status_code, edited.status_code) == (200, 200, 403)
    assert "update:notes" in edited.text


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("post", "/u/bob/settings/profile", "update:users"),
        ("post", "/ai-agents/pilot/settings", "update:users"),
        ("post", "/ai-agents/new", "create:users"),
        ("post", "{note}/edit", "update:notes"),
        ("post", "/collectives/kitchen/settings", "update:all"),
        ("post", "/collectives/kitchen/settings/add_ai_agent", "create:all"),
        ("delete", "/collectives/kitchen/settings/remove_ai_agent", "delete:all"),
        ("post", "/tenant-admin/settings", "update:all"),
        ("post", "/collectives", "create:all"),
    ],
)
def test_a_form_on_its_own_path_needs_the_scope_of_its_action(api, note_path, method, path, needed):
    path = path.format(note=note_path(KNIFE_CARE))
    verb = needed.partition(":")[0]
    others = [f"{other}:all" for other in VERBS if other != verb]

    refused = getattr(api("alice", scopes=others), method)(path, headers=MARKDOWN)
    passed = getattr(api("alice", scopes=[needed]), method)(path, headers=MARKDOWN)

    assert refused.status_code == 403
    assert f'scope="{needed}"' in refused["WWW-Authenticate"]
    assert f"the scope {needed}" in refused.text
    assert "WWW-Authenticate" not in passed


def test_what_no_scope_names_runs_with_all_alone(api):
    """`collectives` and `tenants` are no resources of scopes: `update:all` covers them."""
    path = "/collectives/kitchen/settings/actions/update_collective_settings"
    narrow = [f"update:{resource}" for resource in RESOURCES if resource != "all"]

    refused = api("alice", scopes=narrow).post(path, DRY_RUN, headers=MARKDOWN)

    assert refused.status_code == 403
    assert 'scope="update:all"' in refused["WWW-Authenticate"]
    assert post(api("alice", scopes=["update:all"]), path) == 0
