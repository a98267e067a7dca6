"""The commands `suspend` and `unsuspend`."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import TenantUser, User
from tests.fixtures.world import PASSWORD, World, anonymous_client, make_token, token_client
from tests.security.conftest import Seen, markdown

pytestmark = pytest.mark.django_db

REASON = "Spam in every collective"
SURFACES = ["/whoami", "/whoami.md", "/api/v1/notes"]


def run(command: str, *words: str) -> str:
    out = io.StringIO()
    call_command(command, *words, stdout=out)
    return out.getvalue()


def sign_in(email: str) -> Any:
    form = {"email": email, "password": PASSWORD}
    return anonymous_client().post("/login", form, headers={"accept": "text/html"})


def test_a_suspended_person_cannot_sign_in_and_learns_who_can_lift_the_suspension(
    world: World, page: Any
):
    bob = page("bob")

    printed = run("suspend", "BOB@example.com", "--reason", REASON)

    assert "Bob is suspended." in printed
    signed_out = bob.get("/whoami")
    assert signed_out.status_code == 302
    assert signed_out["Location"].startswith("/login")
    refused = sign_in("bob@example.com")
    assert refused.status_code == 403
    assert "can explain the suspension and lift it" in refused.text


@pytest.mark.parametrize("path", SURFACES)
def test_tokens_of_a_suspended_person_and_their_agents_are_refused(world: World, path: str):
    own, agents = make_token("alice"), make_token("alice", agent="scout")

    printed = run("suspend", "alice@example.com")

    assert f"scout ({world.user('scout').id})" in printed
    for token in (own, agents):
        assert token_client(token).get(path).status_code == 401


def test_a_suspension_applies_in_every_tenant(world: World, page: Any):
    there = page("alice", tenant="summit")
    assert there.get("/whoami").status_code == 200

    run("suspend", "alice@example.com")

    assert there.get("/whoami").status_code == 302


def test_a_suspension_affects_no_other_account(world: World, page: Any):
    run("suspend", "bob@example.com")

    assert page("carol").get("/whoami").status_code == 200
    assert token_client(make_token("alice", agent="scout")).get("/whoami").status_code == 200


def test_lifting_a_suspension_allows_signing_in_and_restores_no_token(world: World):
    token = make_token("bob")
    run("suspend", "bob@example.com")

    printed = run("unsuspend", "bob@example.com")

    assert "no longer suspended" in printed
    assert sign_in("bob@example.com").status_code == 303
    assert token_client(token).get("/whoami").status_code == 401
    assert token_client(make_token("bob")).get("/whoami").status_code == 200


def test_agents_stay_suspended_until_unsuspended_individually(world: World):
    run("suspend", "alice@example.com")
    scout = str(world.user("scout").id)
    with pytest.raises(CommandError, match="First lift the suspension"):
        run("unsuspend", scout)

    printed = run("unsuspend", "alice@example.com")

    assert f"manage.py unsuspend {scout}" in printed
    assert world.user("scout").suspended_at
    run("unsuspend", scout)
    assert token_client(make_token("alice", agent="scout")).get("/whoami").status_code == 200


def test_suspending_an_agent_does_not_suspend_its_parent(world: World):
    token = make_token("alice", agent="scout")

    run("suspend", str(world.user("scout").id), "--reason", REASON)

    assert token_client(token).get("/whoami").status_code == 401
    assert world.user("alice").suspended_at is None


def test_a_suspension_is_logged_in_every_tenant(world: World, page: Any, seen: Seen):
    tenants = TenantUser.unscoped.filter(user=world.user("alice"), archived_at=None).count()

    run("suspend", "alice@example.com", "--reason", REASON)
    run("unsuspend", "alice@example.com")

    suspended = seen("user_suspended")
    about = [(row.subject_id, row.data["reason"]) for row in suspended]
    assert about.count((world.user("alice").id, REASON)) == tenants > 1
    assert (world.user("scout").id, f"Parent user suspended: {REASON}") in about
    assert {row.data["with"] for row in suspended} == {"command"}
    assert len(seen("user_unsuspended")) == tenants
    log = markdown(page("alice"), "/tenant-admin/security")
    assert f"Alice was suspended: {REASON}" in log.replace("\\", "")
    assert "The suspension of Alice was lifted" in log


def test_a_suspension_without_a_reason_says_so(world: World, seen: Seen):
    run("suspend", "bob@example.com", "--reason", "  ")

    assert {row.data["reason"] for row in seen("user_suspended")} >= {"No reason provided"}


def test_suspending_the_last_tenant_admin_warns_the_operator(world: World):
    of_a_member = run("suspend", "bob@example.com")
    of_the_admin = run("suspend", "alice@example.com")

    assert "no active tenant admin" not in of_a_member
    assert "Garden Cooperative has no active tenant admin." in of_the_admin


@pytest.mark.parametrize(
    ("command", "account", "sentence"),
    [
        ("suspend", "nobody@example.com", "No person or agent has"),
        ("suspend", "00000000-0000-4000-8000-000000000001", "No person or agent has"),
        ("unsuspend", "bob@example.com", "Bob is not suspended."),
    ],
)
def test_a_command_for_an_unknown_account_changes_nothing(
    world: World, seen: Seen, command: str, account: str, sentence: str
):
    before = list(User.objects.exclude(suspended_at=None))

    with pytest.raises(CommandError, match=sentence):
        run(command, account)

    assert list(User.objects.exclude(suspended_at=None)) == before
    assert seen() == []


def test_suspending_twice_is_refused(world: World):
    run("suspend", "bob@example.com", "--reason", REASON)

    with pytest.raises(CommandError, match="Bob has been suspended since"):
        run("suspend", "bob@example.com")

    assert world.user("bob").suspended_reason == REASON


def test_the_identity_of_a_collective_cannot_be_suspended(world: World):
    identity = User.objects.filter(user_type="collective_identity").first()
    assert identity is not None

    with pytest.raises(CommandError, match="No person or agent"):
        run("suspend", identity.email)
