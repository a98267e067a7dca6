"""Writes are decided by the permissions, the target and the time of their transaction.

Each test changes something after the request was decided first and before its transaction
begins, where a concurrent change by another person would be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Tenant, TenantUser, User
from collectives.events.models import CONFIRMED, Event
from collectives.models import Collective, CollectiveMember
from collectives.notes.models import Note
from tests.fixtures.rows import change
from tests.fixtures.world import World, make_token, token_client
from tokens.models import ApiToken

Change = Callable[[World], Any]
BEGINS = ("BEGIN", "SAVEPOINT")
JSON = "application/json"


@contextmanager
def before_the_write(change: Callable[[], Any]) -> Iterator[list[bool]]:
    """Apply `change` once, just before the next transaction; yield whether it was applied."""
    done: list[bool] = []

    def execute(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(BEGINS) and not done:
            done.append(True)
            change()
        return run(sql, params, many, context)

    with connection.execute_wrapper(execute):
        yield done


# --- What may end a right -------------------------------------------------------------------


def delete_token(world: World) -> None:
    ApiToken.unscoped.filter(owner=world.person("bob")).update(deleted_at=timezone.now())


def revoke_tokens(world: World) -> None:
    User.objects.filter(id=world.user("bob").id).update(tokens_revoked_at=timezone.now())


def end_membership(world: World) -> None:
    CollectiveMember.unscoped.filter(
        collective=world.collective("kitchen"), person=world.person("bob")
    ).update(archived_at=timezone.now())


def leave_tenant(world: World) -> None:
    TenantUser.unscoped.filter(id=world.person("bob").id).update(archived_at=timezone.now())


def suspend(world: World) -> None:
    User.objects.filter(id=world.user("bob").id).update(suspended_at=timezone.now())


def revoke_sessions(world: World) -> None:
    later = timezone.now() + timedelta(seconds=1)
    User.objects.filter(id=world.user("bob").id).update(sessions_revoked_at=later)


def sign_out(world: World) -> None:
    Session.objects.all().delete()


def switch_tenant_off(world: World) -> None:
    Tenant.objects.filter(subdomain="garden").update(is_api_enabled=False)


def switch_collective_off(world: World) -> None:
    Collective.unscoped.filter(handle="kitchen").update(is_api_enabled=False)


def archive_collective(world: World) -> None:
    Collective.unscoped.filter(handle="kitchen").update(archived_at=timezone.now())


def suspend_tenant(world: World) -> None:
    Tenant.objects.filter(subdomain="garden").update(suspended_at=timezone.now())


FOR_TOKENS: dict[Change, tuple[int, str]] = {
    delete_token: (401, "Unauthorized"),
    revoke_tokens: (401, "Unauthorized"),
    suspend: (401, "Unauthorized"),
    leave_tenant: (401, "Unauthorized"),
    end_membership: (403, "You are not a member of this collective"),
    switch_tenant_off: (403, "API not enabled for this tenant"),
    switch_collective_off: (403, "API not enabled for this collective"),
    archive_collective: (403, "This collective is deactivated."),
    suspend_tenant: (403, "Tenant suspended"),
}
FOR_SESSIONS: dict[Change, int] = {
    revoke_sessions: 303,
    sign_out: 303,
    suspend: 303,
    leave_tenant: 403,
    end_membership: 403,
    archive_collective: 403,
    suspend_tenant: 403,
}
SURFACES = {
    "REST": ("/collectives/kitchen/api/v1/notes", {"text": "Too late"}),
    "Markdown": ("/collectives/kitchen/note/actions/create_note", {"text": "Too late"}),
}


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("change", FOR_TOKENS, ids=lambda change: change.__name__)
def test_a_token_whose_right_ends_before_the_write_writes_nothing(
    world: World, change: Change, surface: str
):
    path, body = SURFACES[surface]
    client = token_client(make_token("bob"))

    with before_the_write(lambda: change(world)) as done:
        response = client.post(path, body, content_type=JSON)

    status, sentence = FOR_TOKENS[change]
    assert done
    assert response.status_code == status
    assert sentence in response.text.replace("\\", "")
    assert not Note.unscoped.filter(text="Too late").exists()


@pytest.mark.parametrize("change", FOR_SESSIONS, ids=lambda change: change.__name__)
def test_a_session_whose_right_ends_before_the_write_writes_nothing(
    world: World, page: Any, change: Change
):
    bob = page("bob")

    with before_the_write(lambda: change(world)) as done:
        response = bob.post("/collectives/kitchen/note/actions/create_note", {"text": "Too late"})

    assert done
    assert response.status_code == FOR_SESSIONS[change]
    assert not Note.unscoped.filter(text="Too late").exists()


def test_a_token_that_expires_before_the_write_writes_nothing(world: World):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client = token_client(make_token("bob", days=1))
        with before_the_write(lambda: clock.shift(timedelta(days=1, seconds=1))):
            response = client.post(*SURFACES["REST"], content_type=JSON)

    assert (response.status_code, response.json()["error"]) == (401, "Token expired")


@pytest.mark.parametrize("surface", ["REST", "Markdown"])
def test_a_token_deleted_before_the_write_creates_no_token(world: World, surface: str):
    path, body = {
        "REST": ("/api/v1/users/me/tokens", {"name": "heir", "scopes": ["read:all"]}),
        "Markdown": ("/u/bob/settings/tokens/new/actions/create_api_token", {"name": "heir"}),
    }[surface]
    client = token_client(make_token("bob"))

    with before_the_write(lambda: delete_token(world)):
        response = client.post(path, body, content_type=JSON)

    assert response.status_code == 401
    assert not ApiToken.unscoped.filter(name="heir").exists()


# --- Roles and capabilities -----------------------------------------------------------------


def take_role(world: World, handle: str = "alice") -> None:
    CollectiveMember.unscoped.filter(
        collective=world.collective("kitchen"), person=world.person(handle)
    ).update(is_admin=False)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("patch", "/api/v1/collectives/kitchen", {"name": "Mine"}),
        (
            "post",
            "/collectives/kitchen/settings/actions/update_collective_settings",
            {"name": "Mine"},
        ),
        (
            "post",
            "/collectives/kitchen/members/actions/remove_member",
            {"user_handle": "erin"},
        ),
    ],
    ids=["REST", "settings", "members"],
)
def test_an_admin_who_lost_the_role_before_the_write_changes_nothing(
    world: World, method: str, path: str, body: dict[str, str]
):
    client = token_client(make_token("alice"))
    before = list(CollectiveMember.unscoped.values_list("id", "archived_at").order_by("id"))

    with before_the_write(lambda: take_role(world)):
        response = getattr(client, method)(path, body, content_type=JSON)

    assert response.status_code == 403
    assert world.collective("kitchen").name == "Kitchen Crew"
    after = list(CollectiveMember.unscoped.values_list("id", "archived_at").order_by("id"))
    assert after == before


def test_an_agent_whose_capability_was_withdrawn_before_the_write_writes_nothing(world: World):
    agent = world.agent("scout")
    client = token_client(make_token("alice", agent="scout"))

    with before_the_write(lambda: change(agent, capability_names=[])):
        response = client.post(*SURFACES["REST"], content_type=JSON)

    assert response.status_code == 403
    assert response.json()["error"] == "Your capabilities do not include 'create_note'"


# --- The target -----------------------------------------------------------------------------


@pytest.mark.parametrize("surface", SURFACES)
def test_an_agent_of_a_suspended_human_is_refused(world: World, surface: str):
    path, body = SURFACES[surface]
    client = token_client(make_token("alice", agent="scout"))
    assert client.get("/whoami").status_code == 200
    suspend_alice(world)
    assert world.user("scout").suspended_at is None

    read, written = client.get("/whoami"), client.post(path, body, content_type=JSON)

    assert (read.status_code, written.status_code) == (401, 401)
    assert not Note.unscoped.filter(text="Too late").exists()


@pytest.mark.parametrize("surface", SURFACES)
def test_an_agent_whose_human_was_suspended_before_the_write_writes_nothing(
    world: World, surface: str
):
    path, body = SURFACES[surface]
    client = token_client(make_token("alice", agent="scout"))

    with before_the_write(lambda: suspend_alice(world)) as done:
        response = client.post(path, body, content_type=JSON)

    assert done
    assert response.status_code == 401
    assert not Note.unscoped.filter(text="Too late").exists()


def suspend_alice(world: World) -> None:
    """Suspend only Alice's account, without revoking her agents' tokens."""
    User.objects.filter(id=world.user("alice").id).update(suspended_at=timezone.now())


def deactivate_scout(world: World) -> None:
    TenantUser.unscoped.filter(id=world.person("scout").id).update(archived_at=timezone.now())


@pytest.mark.parametrize("surface", ["REST", "Markdown", "HTML"])
def test_an_agent_deactivated_before_the_write_gets_no_token(world: World, page: Any, surface: str):
    path, body = {
        "REST": (f"/api/v1/users/{world.user('scout').id}/tokens", {"scopes": ["read:all"]}),
        "Markdown": ("/u/scout/settings/tokens/new/actions/create_api_token", {"name": "late"}),
        "HTML": ("/u/scout/settings/tokens", {"api_token[name]": "late"}),
    }[surface]
    client = page("alice") if surface == "HTML" else token_client(make_token("alice"))
    kind: dict[str, Any] = {} if surface == "HTML" else {"content_type": JSON}

    with before_the_write(lambda: deactivate_scout(world)) as done:
        response = client.post(path, body, **kind)

    assert done
    assert response.status_code == 403
    assert not ApiToken.unscoped.filter(owner=world.person("scout")).exists()


@pytest.mark.parametrize(
    ("method", "below", "body"),
    [
        ("post", "/confirm", {}),
        ("post", "/comments", {"text": "Too late"}),
        ("patch", "", {"title": "Too late"}),
        ("delete", "", {}),
    ],
)
def test_a_note_deleted_before_the_write_is_not_changed(
    world: World, method: str, below: str, body: dict[str, str]
):
    note = world.note("Knife care")
    client = token_client(make_token("bob"))
    moment = timezone.now()

    with before_the_write(lambda: Note.unscoped.filter(id=note.id).update(deleted_at=moment)):
        response = getattr(client, method)(
            f"/collectives/kitchen/api/v1/notes/{note.id}{below}", body, content_type=JSON
        )

    assert response.status_code == 404
    note.refresh_from_db()
    assert (note.title, note.deleted_at) == ("Knife care", moment)
    assert not Note.unscoped.filter(text="Too late").exists()


# --- The time -------------------------------------------------------------------------------


def test_a_confirmation_does_not_cover_a_later_edit(world: World):
    note = world.note("Knife care")
    path = f"/collectives/kitchen/api/v1/notes/{note.id}"
    bob = token_client(make_token("bob"))

    def confirm() -> None:
        Event.unscoped.create(
            tenant_id=note.tenant_id,
            item_id=note.id,
            actor=world.user("alice"),
            subject="note",
            verb=CONFIRMED,
            happened_at=timezone.now(),
        )

    with before_the_write(confirm):
        assert bob.patch(path, {"text": "Changed"}, content_type=JSON).status_code == 200

    confirmed = Event.unscoped.filter(item=note, actor=world.user("alice"), verb=CONFIRMED)
    note.refresh_from_db()
    latest = confirmed.order_by("-happened_at").first()
    assert latest is not None
    assert latest.happened_at < note.updated_at


def test_the_stored_time_is_that_of_the_transaction(world: World):
    client = token_client(make_token("bob"))
    moments = []

    with before_the_write(lambda: moments.append(timezone.now())):
        made = client.post(*SURFACES["REST"], content_type=JSON).json()

    assert Note.unscoped.get(id=made["id"]).created_at > moments[0]


# --- What it costs --------------------------------------------------------------------------


def statements(client: Client, path: str, body: dict[str, str]) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert client.post(path, body, content_type=JSON).status_code == 200
    skipped = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
    return [
        each["sql"] for each in captured.captured_queries if not each["sql"].startswith(skipped)
    ]


def test_deciding_again_takes_one_query(world: World):
    client = token_client(make_token("bob"))
    path, body = SURFACES["REST"]
    client.post(path, body, content_type=JSON)

    found = statements(client, path, body)

    # Two lookups, the item, the note, its entry in the search index, the event, and the author's
    # storage of the day.
    verbs = [sql.split()[0] for sql in found]
    assert verbs == ["SELECT", "SELECT", *["INSERT"] * 4, "UPDATE"]
