"""Actions require the scope of their verb and resource on every surface."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from harmonic.access.access_as import access_as
from harmonic.kernel.access import TokenFacts
from harmonic.kernel.actions import Action
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.parameters.decoding import RawParams
from harmonic.kernel.pipeline import Call, no_target, perform
from harmonic.kernel.refusals import Refused
from harmonic.kernel.registry import actions
from harmonic.kernel.scopes import READ_WRITE, Scope, ScopeResource, Verb
from tests.access.routes import Route, ids_of, routes, walk
from tests.fixtures.world import World, make_token, token_client

MARKDOWN = {"accept": "text/markdown"}
DRY_RUN = {"dry_run": True}
KNIFE_CARE = "Knife care"


EVERY = [Scope(f"{verb}:{resource}") for verb in Verb for resource in ScopeResource]


def runnable() -> list[Route]:
    """Return each action route once; collectives stand for workspaces too."""
    return [route for route in routes() if route.action is not None and route.place != "room"]


def post(client: Client, path: str) -> int:
    response = client.post(path, DRY_RUN, content_type="application/json", headers=MARKDOWN)
    return 403 if is_scope_missing(response) else 0


def is_scope_missing(response) -> bool:
    return 'error="insufficient_scope"' in response.get("WWW-Authenticate", "")


def accepted(action: Action[Any]) -> set[Scope]:
    """Return every scope that alone allows an action."""
    allowed = {action.scope, *action.other_scopes}
    return allowed | {scope.whole for scope in allowed}


def cases(action: Action[Any]) -> list[tuple[list[Scope], bool]]:
    """Return lists of scopes, and whether a token with them is refused.

    A token with every scope but those that allow the action stands for each of them alone.
    """
    others = [scope for scope in EVERY if scope not in accepted(action)]
    return [(others, True), *(([scope], False) for scope in sorted(accepted(action)))]


@pytest.mark.parametrize("text", ["create:collectives", "write:notes", "notes", "create:", "x"])
def test_a_scope_that_no_token_can_hold_is_refused_at_import(text):
    with pytest.raises(ValueError, match="is not a valid"):
        Scope(text)


@pytest.mark.parametrize("route", runnable(), ids=lambda route: route.pattern + route.action_name)
def test_an_action_requires_its_own_verb_and_resource(route, world):
    action = route.action
    assert action is not None
    path = route.path(ids_of(world))

    for scopes, is_refused in cases(action):
        client = token_client(make_token("bob", scopes=scopes))
        assert (post(client, path) == 403) == is_refused, (scopes, path)


def rest_writes() -> dict[tuple[str, str], Action[Any]]:
    """Return the action of each REST write at the tenant's base, by method and route."""
    return {
        (method, pattern): action
        for pattern, view in walk(get_resolver().url_patterns)
        if pattern.startswith("api/v1")
        for method, action in getattr(view, "writes", {}).items()
    }


@pytest.mark.parametrize(("method", "pattern"), rest_writes())
def test_a_rest_write_requires_the_scope_of_its_action(method, pattern, world: World):
    action = rest_writes()[method, pattern]
    path = Route(pattern, None).path(ids_of(world))

    for scopes, is_refused in cases(action):
        client = token_client(make_token("bob", scopes=scopes))
        answer = client.generic(method, path, b"{}", content_type="application/json")
        assert is_scope_missing(answer) == is_refused, (scopes, answer.content)


# One route updates and archives a profile or an agent, by a variant of the actions that is allowed
# where the page's action is not.
VARIANTS = {(method, "api/v1/users/<str:user_id>") for method in ("PUT", "PATCH")}


def test_every_rest_write_performs_the_registered_action():
    others = {
        route for route, action in rest_writes().items() if action is not actions()[action.name]
    }

    assert len(rest_writes()) > 10
    assert others == VARIANTS


@pytest.mark.parametrize(
    ("scopes", "listed"),
    [
        (["create:notes"], {"confirm_read", "add_comment"}),
        (["create:confirmations"], {"confirm_read"}),
        (["update:notes"], set()),
        (["create:all"], {"confirm_read", "add_comment"}),
    ],
)
def test_the_frontmatter_lists_only_actions_that_the_token_allows(api, note_path, scopes, listed):
    document = api("alice", scopes=["read:notes", *scopes]).get(note_path("Compost")).text
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
def test_create_notes_neither_pins_nor_deletes(api, note_path, scopes, settings):
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
def test_a_form_on_its_own_path_requires_the_scope_of_its_action(
    api, note_path, method, path, needed
):
    path = path.format(note=note_path(KNIFE_CARE))
    others = [f"{other}:all" for other in Verb if other != Scope(needed).verb]

    refused = getattr(api("alice", scopes=others), method)(path, headers=MARKDOWN)
    passed = getattr(api("alice", scopes=[needed]), method)(path, headers=MARKDOWN)

    assert refused.status_code == 403
    assert f'scope="{needed}"' in refused["WWW-Authenticate"]
    assert f"the scope {needed}" in refused.text
    assert "WWW-Authenticate" not in passed


def test_actions_on_unnamed_resources_require_an_all_scope(api):
    """`collectives` and `tenants` are not scope resources; `update:all` covers them."""
    path = "/collectives/kitchen/settings/actions/update_collective_settings"
    narrow = [f"update:{resource}" for resource in ScopeResource if resource != "all"]

    refused = api("alice", scopes=narrow).post(path, DRY_RUN, headers=MARKDOWN)

    assert refused.status_code == 403
    assert 'scope="update:all"' in refused["WWW-Authenticate"]
    assert "A read + write token has it. You can create one at /u/alice/settings" in refused.text
    assert post(api("alice", scopes=["update:all"]), path) == 0
    assert post(api("alice", scope="write"), path) == 0


def test_an_agent_is_told_to_get_another_token_only_if_it_would_help(api, note_path):
    narrow = api("alice", agent="scout", scopes=["create:votes"])
    settings = "/collectives/kitchen/settings/actions/update_collective_settings"
    comment = f"{note_path(KNIFE_CARE)}/actions/add_comment"

    vain = narrow.post(settings, DRY_RUN, headers=MARKDOWN).text
    helped = narrow.post(comment, DRY_RUN, headers=MARKDOWN).text

    assert "Another token would not help" in vain
    assert "Your capabilities do not include 'update_collective_settings'" in vain
    assert "A read + write token has it. The person who manages you can create one" in helped
    assert post(api("alice", agent="scout", scope="write"), comment) == 0


def test_an_agent_that_may_not_post_publicly_is_told_so_with_any_token(api, world):
    agent = world.agent("scout")
    agent.may_write_publicly = False
    agent.save()
    narrow = api("alice", agent="scout", scopes=["create:votes"])

    refused = narrow.post("/note/actions/create_note", DRY_RUN, headers=MARKDOWN).text

    reason = "This agent may not post in the main collective, which the whole tenant reads."
    assert f"Another token would not help: {reason} The person who manages you" in refused


def test_a_token_that_may_not_read_is_told_that_a_read_only_token_may(api, note_path):
    writer = api("alice", scopes=["create:votes"])

    refused = writer.get(note_path(KNIFE_CARE), headers=MARKDOWN).text

    assert "The token lacks the scope read:notes. A read-only token has it." in refused


def test_performing_an_action_without_a_route_requires_its_scope(world: World):
    """Callers without routes, such as commands, run actions through `perform`."""
    token = TokenFacts(uuid4(), "narrow", ("create:votes",), timezone.now(), None, False)
    access = replace(access_as("garden", "bob", "kitchen", now=timezone.now()), token=token)

    with tenant_bound(access.tenant.id), pytest.raises(Refused) as refused:
        perform(
            Call(action=actions()["create_note"], find=no_target, raw=RawParams({"text": "x"})),
            access,
        )

    assert refused.value.code == "insufficient_scope"


def test_a_read_write_token_covers_every_action():
    held = set(READ_WRITE)

    for action in (*actions().values(), *rest_writes().values()):
        assert action.scope.whole in held, action.name
