"""Refusals of the access middleware: what they say to people and to agents."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Tenant
from collectives.models import Collective, CollectiveMember
from tests.fixtures.rows import change, member
from tests.fixtures.world import ClientFor, TokenFor, World, make_token, token_client
from tokens.models import ApiToken

KITCHEN = "/collectives/kitchen"
NOTES = f"{KITCHEN}/api/v1/notes"
REPRESENTATION = {"x-representation-session-id": "12345678"}


@pytest.mark.parametrize("token", ["nonsense", "hmn_" + "0" * 42])
def test_an_invalid_token_is_unauthorized(db: None, token: str) -> None:
    answer = token_client(token).get(NOTES)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.json()["error"] == "Unauthorized"


def mistyped(make: TokenFor) -> str:
    return make("alice")[:-1]


def revoked(make: TokenFor) -> str:
    plaintext = make("alice")
    ApiToken.unscoped.update(deleted_at=timezone.now())
    return plaintext


def foreign(make: TokenFor) -> str:
    return make("alice", tenant="summit")


def expired(make: TokenFor) -> str:
    return make("alice", at=timezone.now() - timedelta(days=2), days=1)


@pytest.mark.parametrize("make_invalid", [mistyped, revoked, foreign])
@pytest.mark.parametrize("path", [NOTES, "/whoami.md"])
def test_an_agent_with_an_invalid_token_is_told_to_ask_its_human(
    token_for: TokenFor, make_invalid: Callable[[TokenFor], str], path: str
) -> None:
    text = token_client(make_invalid(token_for)).get(path).content.decode()

    assert "mistyped or revoked, or it may belong to another community" in text
    assert "Agents cannot create tokens: ask your human for one." in text


@pytest.mark.parametrize("path", [NOTES, "/whoami.md"])
def test_an_agent_with_an_expired_token_is_told_to_ask_its_human(
    token_for: TokenFor, path: str
) -> None:
    text = token_client(expired(token_for)).get(path).content.decode()

    assert "Token expired" in text
    assert "Agents cannot create tokens: ask your human for one." in text
    assert "another community" not in text


@pytest.mark.parametrize("authorization", ["", "Bearer nonsense", "Basic YTpi"])
@pytest.mark.parametrize("path", [NOTES, "/whoami.json", "/whoami.md"])
def test_every_401_leads_to_whoami_help_and_the_actions(
    anonymous: ClientFor, path: str, authorization: str
) -> None:
    answer = anonymous().get(path, headers={"authorization": authorization})
    first_lines = answer.content.decode().splitlines()[:25]

    assert answer.status_code == 401
    for target in ("/whoami", "/help", "/actions"):
        assert target in "\n".join(first_lines)


def test_a_person_is_told_where_to_join(world: World, api: ClientFor) -> None:
    answer = api("carol").get(NOTES).json()

    assert answer["code"] == "not_a_member"
    assert "/collectives/kitchen/join" in answer["hint"]


def test_an_agent_is_told_that_agents_do_not_join(world: World, api: ClientFor) -> None:
    rows: Any = CollectiveMember.unscoped.filter(person=world.person("scout"))
    rows.filter(collective=world.collective("kitchen")).update(archived_at=timezone.now())

    answer = api("alice", agent="scout").get(NOTES).json()

    assert answer["code"] == "not_a_member"
    assert answer["hint"].startswith("Agents do not join collectives.")


def test_former_members_of_the_main_collective_reach_only_pages_of_the_tenant(
    world: World, api: ClientFor
) -> None:
    bob = api("bob")
    change(member(world, "bob", "garden"), archived_at=timezone.now())

    assert [bob.get(path).status_code for path in ("/whoami", "/api/v1/users/me")] == [200, 200]
    assert [bob.get(path).status_code for path in ("/api/v1/notes", "/note")] == [403, 403]
    assert bob.get("/api/v1/notes").json()["code"] == "not_a_member"


# --- Their order ----------------------------------------------------------------------------

Faults = list[tuple[Callable[[], Any], str]]


def faults_of(world: World, token: ApiToken) -> Faults:
    """Return what removes each fault of a request, and the code of its refusal, in order."""
    tenant, kitchen = world.tenant(), world.collective("kitchen")
    later = timezone.now() + timedelta(days=1)
    return [
        (lambda: change(tenant, suspended_at=None), "tenant_suspended"),
        (lambda: change(token, expires_at=later), "token_expired"),
        (lambda: change(token, token_type="rest"), "mcp_only"),
        (lambda: change(tenant, is_api_enabled=True), "api_disabled_tenant"),
        (lambda: change(member(world, "bob"), archived_at=None), "not_a_member"),
        (lambda: change(kitchen, is_api_enabled=True), "api_disabled_collective"),
        (lambda: None, "format_refused"),
        (lambda: change(token, scopes=["read:notes", "read:all"]), "insufficient_scope"),
        (lambda: None, "representation_invalid"),
        (lambda: change(kitchen, archived_at=None), "collective_archived"),
    ]


@pytest.mark.parametrize("path", [NOTES, KITCHEN], ids=["REST", "Markdown"])
def test_a_request_with_several_faults_is_refused_for_the_first(world: World, path: str) -> None:
    program = token_client(make_token("bob", scopes=["read:users"]))
    token = ApiToken.unscoped.get(owner=world.person("bob"))
    now = timezone.now()
    change(token, expires_at=now, token_type="mcp")
    Tenant.objects.filter(id=token.tenant_id).update(suspended_at=now, is_api_enabled=False)
    CollectiveMember.unscoped.filter(id=member(world, "bob").id).update(archived_at=now)
    Collective.unscoped.filter(handle="kitchen").update(is_api_enabled=False, archived_at=now)
    headers = {"accept": "text/html", **REPRESENTATION}

    for remove, code in faults_of(world, token):
        if code == "format_refused" and path == NOTES:  # REST responds in JSON whatever is asked
            continue
        answer = program.get(path, headers=headers)
        assert answer.status_code == (401 if code == "token_expired" else 403)
        assert code in answer.text
        remove()
        headers = {
            "format_refused": {"accept": "*/*", **REPRESENTATION},
            "representation_invalid": {"accept": "*/*"},
        }.get(code, headers)

    assert program.get(path, headers=headers).status_code == 200


@pytest.mark.parametrize("name", ["x-representation-session-id", "x-representing-user"])
def test_no_caller_can_represent_another(api: ClientFor, page: Any, name: str) -> None:
    program, browser = api("bob"), page("bob")

    for client, path in ((program, NOTES), (program, KITCHEN), (browser, KITCHEN)):
        answer = client.get(path, headers={name: "12345678"})
        assert answer.status_code == 403
        assert "Invalid representation session ID" in answer.text


def test_a_public_page_ignores_representation(api: ClientFor) -> None:
    assert api("bob").get("/help", headers=REPRESENTATION).status_code == 200


# --- Deactivated collectives ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("handle", "hint"),
    [
        ("alice", "Its settings are at /collectives/kitchen/settings."),
        (
            "bob",
            "An admin of the collective can open its settings at /collectives/kitchen/settings.",
        ),
    ],
)
def test_a_deactivated_collective_names_its_settings(
    world: World, api: ClientFor, handle: str, hint: str
) -> None:
    Collective.unscoped.filter(handle="kitchen").update(archived_at=timezone.now())

    answer = api(handle).get(NOTES).json()

    assert (answer["code"], answer["hint"]) == ("collective_archived", hint)


def test_an_archived_workspace_leads_to_no_settings(
    world: World, api: ClientFor, page: Any
) -> None:
    workspace = world.workspace("bob")
    change(workspace, archived_at=timezone.now())
    path = f"/workspace/{workspace.handle}"

    answer, shown = api("bob").get(f"{path}/api/v1/notes"), page("bob").get(path)

    assert (answer.status_code, answer.json()["code"]) == (403, "collective_archived")
    assert answer.json()["hint"].startswith("A private workspace becomes available again when")
    assert shown.status_code == 403
    assert f"{path}/settings" not in shown.text


# --- Methods and headers --------------------------------------------------------------------


@pytest.mark.parametrize("path", [NOTES, KITCHEN])
def test_an_unknown_method_needs_the_scope_of_a_write(api: ClientFor, path: str) -> None:
    reader, writer = api("bob", scope="read"), api("bob")

    refused, passed = (client.generic("PROPFIND", path) for client in (reader, writer))

    assert refused.status_code == 403
    assert 'scope="create:' in refused["WWW-Authenticate"]
    assert passed.status_code in {404, 405}


def test_a_blank_authorization_header_is_none(page: Any) -> None:
    assert page("bob").get("/whoami", headers={"authorization": " "}).status_code == 200
