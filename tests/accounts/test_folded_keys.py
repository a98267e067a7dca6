"""Keys of e-mail addresses and handles, which are equal for all spellings."""

from __future__ import annotations

import io
import sys
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from accounts.models import TenantUser, User
from harmonic.kernel.rendering.text import folded
from tests.fixtures.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

PASSWORD = "copper kettle on the hob"
ID = "7f000000-0000-4000-8000-0000000000aa"


# --- People ---------------------------------------------------------------------------------


def create(monkeypatch: pytest.MonkeyPatch, email: str, handle: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))
    options = ("--email", email, "--handle", handle, "--name", "Mara Lind", "--password-stdin")
    call_command("create_person", "garden", *options, stdout=io.StringIO())


@pytest.mark.parametrize(
    ("email", "handle", "sentence"),
    [
        ("Bob@EXAMPLE.com", "mara", "--email has already been taken."),
        ("bob@exampl\u212f.com", "mara", "--email has already been taken."),
        ("mara@example.com", "BOB", "--handle has already been taken."),
        ("mara@example.com", "ｂｏｂ", "--handle has already been taken."),
        ("mara@example.com", ID, "--handle must not have the form of an id."),
        ("mara@example.com", ID.upper(), "--handle must not have the form of an id."),
        ("m@" + "\ufdfa" * 15 + ".com", "mara", "--email is too long (maximum 254 characters)."),
        (f"{'m' * 250}@a.com", "mara", "--email is too long (maximum 254 characters)."),
    ],
)
def test_an_address_or_a_handle_that_has_the_key_of_another_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, email: str, handle: str, sentence: str
) -> None:
    before = User.objects.count()

    with pytest.raises(CommandError, match=sentence.replace("(", r"\(").replace(")", r"\)")):
        create(monkeypatch, email, handle)

    assert User.objects.count() == before


def test_a_new_handle_has_its_key_at_once(page: Any) -> None:
    form = {"new_handle": "Bob-Two"}
    assert page("bob").post("/u/bob/settings/profile", form).status_code == 303

    person = TenantUser.unscoped.get(tenant__subdomain="garden", handle="Bob-Two")
    assert person.handle_key == "bob-two"
    for spelling in ("bob-two", "BOB-TWO", "ｂob-two"):
        assert page("alice").get(f"/u/{spelling}").status_code == 200
    assert page("alice").get("/u/bob").status_code == 404


# --- Handles in the form of an id -----------------------------------------------------------


def test_an_agent_whose_name_is_an_id_gets_another_handle_and_can_be_stopped(
    api: Any, page: Any
) -> None:
    alice = api("alice")
    made = alice.post("/api/v1/users", {"name": ID, "generate_token": True}, "application/json")

    assert made.status_code == 200
    assert made.json()["handle"] == f"{ID}-2"
    stopped = page("alice").post(f"/ai-agents/{ID}-2/actions/stop_ai_agent")
    assert stopped.status_code == 303
    agent = api("alice").get(f"/ai-agents/{ID}-2.md")
    assert agent.status_code == 200


@pytest.mark.parametrize("sent", [ID, ID.upper()])
def test_a_handle_in_the_form_of_an_id_is_refused_on_every_surface(
    api: Any, page: Any, sent: str
) -> None:
    sentence = "ust not have the form of an id"
    writes = [
        api("alice").put("/api/v1/users/me", {"handle": sent}, "application/json"),
        api("alice").post(
            "/u/alice/settings/actions/update_profile",
            {"new_handle": sent},
            "application/json",
        ),
        page("alice").post("/u/alice/settings/profile", {"new_handle": sent}),
        api("alice").post(
            "/ai-agents/scout/settings/actions/update_ai_agent",
            {"new_handle": sent},
            "application/json",
        ),
        api("alice").post(
            "/api/v1/collectives", {"name": "Ids", "handle": sent.lower()}, "application/json"
        ),
        api("alice").post(
            "/collectives/new/actions/create_collective",
            {"name": "Ids", "handle": sent.lower()},
            "application/json",
        ),
    ]

    for response in writes:
        assert response.status_code in {400, 422}, response.request["PATH_INFO"]
        assert sentence in response.content.decode(), response.request["PATH_INFO"]
    available = page("alice").get(f"/collectives/available?handle={sent.lower()}")
    assert available.json() == {"available": False}


def test_a_subdomain_in_the_form_of_an_id_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))
    admin = ("--admin-email", "m@example.org", "--admin-handle", "mara", "--admin-name", "Mara")

    with pytest.raises(CommandError, match="must not have the form of an id"):
        call_command("create_tenant", ID, "--name", "Ids", *admin, "--password-stdin")


# --- Rows from before -----------------------------------------------------------------------


class Before:
    """The database as it was before keys were made by the application."""

    def __init__(self, apps: Any) -> None:
        self.users, self.members = (
            apps.get_model("accounts", "User"),
            apps.get_model("accounts", "TenantUser"),
        )
        self.tenant = apps.get_model("accounts", "Tenant").objects.get(subdomain="garden")
        self.now = timezone.now()

    def add(self, email: str, handle: str = "", minutes: int = 0) -> Any:
        at = self.now + timedelta(minutes=minutes)
        user = self.users.objects.create(name="Old", email=email, created_at=at, updated_at=at)
        self.members.unscoped.create(
            tenant=self.tenant,
            user=user,
            handle=handle or uuid.uuid4().hex,
            display_name="Old",
            created_at=at,
        )
        return user.id

    def migrate(self) -> None:
        MigrationExecutor(connection).migrate(leaves())


def leaves() -> Any:
    return MigrationExecutor(connection).loader.graph.leaf_nodes()


@pytest.fixture
def before(transactional_world: World) -> Iterator[Before]:
    executor = MigrationExecutor(connection)
    state = executor.migrate([("accounts", "0005_tenant_access_version")])
    old = Before(state.apps)
    yield old
    # Later migrations may have removed columns and tables that these models still have.
    for rows in (
        old.members.unscoped.filter(display_name="Old"),
        old.users.objects.filter(name="Old"),
    ):
        rows._raw_delete(rows.db)
    MigrationExecutor(connection).migrate(leaves())


@pytest.mark.django_db(transaction=True)
def test_rows_from_before_get_their_keys(before: Before, caplog: Any) -> None:
    mara = before.add("Mara@Example.org", "Mara")
    kept = before.add("kelvin@example.org", "Straße")
    renamed = before.add("later@example.org", "STRASSE", minutes=1)
    like_an_id = before.add("id@example.org", ID)
    taken = before.add("taken@example.org", f"{ID}-2", minutes=2)

    before.migrate()

    def keys(user_id: Any) -> tuple[str, str, str]:
        member = TenantUser.unscoped.select_related("user").get(user=user_id)
        return member.user.email_key, member.handle, member.handle_key

    assert keys(mara) == ("mara@example.org", "Mara", "mara")
    assert keys(kept) == ("kelvin@example.org", "Straße", "strasse")
    assert keys(renamed) == ("later@example.org", "STRASSE-2", "strasse-2")
    assert keys(like_an_id) == ("id@example.org", f"{ID}-3", f"{ID}-3")
    assert keys(taken) == ("taken@example.org", f"{ID}-2", f"{ID}-2")
    assert caplog.text.count("is now") == 2
    assert TenantUser.unscoped.get(tenant__subdomain="garden", handle="alice").handle_key == "alice"


@pytest.mark.django_db(transaction=True)
def test_two_accounts_with_one_address_stop_the_migration(before: Before) -> None:
    first = before.add("a@stra\u00dfe.example")
    second = before.add("a@strasse.example", minutes=1)

    with pytest.raises(CommandError, match=f"{first} and {second}: they have one address"):
        before.migrate()


# --- The key --------------------------------------------------------------------------------


def test_folding_a_key_changes_nothing() -> None:
    every = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]

    assert [each for each in every if folded(folded(each)) != folded(each)] == []


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("alice", "ALICE", True),
        ("alice", "ａｌｉｃｅ", True),
        ("straße", "STRASSE", True),
        ("caf\u00e9", "cafe\u0301", True),
        ("\u212aelvin", "kelvin", True),
        ("alice", "al\u0131ce", False),
        ("alice", "AL\u0130CE", False),
        ("alice", "al\u0456ce", False),
        ("cafe", "café", False),
    ],
)
def test_spellings_share_a_key_only_if_they_differ_in_case_width_or_composition(
    one: str, other: str, is_same: bool
) -> None:
    assert (folded(one) == folded(other)) is is_same
