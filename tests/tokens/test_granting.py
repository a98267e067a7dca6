"""A token has at least one scope, and none that its creator lacks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from accounts.models import TenantUser, User
from harmonic.kernel.refusals import Invalid, Problem
from tests.fixtures.world import make_token
from tests.tokens.test_rotate import rotate
from tokens.models import ApiToken

MARKDOWN = {"accept": "text/markdown"}
JSON = "application/json"
NEW_AGENT = {"name": "Rota Bot", "mode": "external", "generate_token": True}
SENTENCE = (
    "Cannot grant scope(s) the creating token does not have:"
    " read:all, create:all, update:all, delete:all"
)
SURFACES = ["/api/v1/users", "/ai-agents/new/actions/create_ai_agent", "/ai-agents/new"]


def counts() -> tuple[int, int, int]:
    return User.objects.count(), TenantUser.unscoped.count(), ApiToken.unscoped.count()


@pytest.mark.parametrize("path", SURFACES)
def test_generate_token_needs_a_scope_to_grant(api, path):
    """If the token is refused, the agent is not created either."""
    narrow = api("alice", scopes=["create:users", "read:notes"])
    before = counts()

    refused = narrow.post(path, NEW_AGENT, content_type=JSON, headers=MARKDOWN)

    assert refused.status_code == 403
    assert SENTENCE in refused.text.replace("\\", "")
    assert "create:users, read:notes" in refused.text
    assert counts() == before


@pytest.mark.parametrize("path", SURFACES)
def test_an_agent_without_a_token_needs_only_create_users(api, path):
    narrow = api("alice", scopes=["create:users"])
    body = {**NEW_AGENT, "generate_token": False}

    made = narrow.post(path, body, content_type=JSON, headers=MARKDOWN)

    assert made.status_code == 200
    assert TenantUser.unscoped.filter(handle="rota-bot").exists()


@pytest.mark.parametrize("path", SURFACES)
def test_a_generated_token_has_only_scopes_of_its_creator(api, path):
    narrow = api("alice", scopes=["create:users", "read:all", "update:notes"])

    made = narrow.post(path, NEW_AGENT, content_type=JSON, headers=MARKDOWN)

    assert made.status_code == 200
    assert ApiToken.unscoped.get(owner__handle="rota-bot").scopes == ["read:all"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/u/bob/settings/tokens/new/actions/create_api_token", {"name": "x"}),
        ("/u/bob/settings/tokens", {"name": "x", "read_write": "write"}),
        ("/api/v1/users/me/tokens", {"name": "x", "scopes": ["read:all"]}),
    ],
)
def test_no_token_is_created_with_scopes_that_its_creator_lacks(api, path, body):
    narrow = api("bob", scopes=["create:api_tokens"])
    before = counts()

    refused = narrow.post(path, body, content_type=JSON, headers=MARKDOWN)

    assert refused.status_code == 403
    assert "Cannot grant scope" in refused.text
    assert counts() == before


def test_rotating_a_token_requires_its_scopes(api):
    before = counts()

    refused = rotate(api("alice", scopes=["create:api_tokens"]), make_token("alice"))

    assert refused.status_code == 403
    # Only the two tokens of this test were created.
    assert counts() == (*before[:2], before[2] + 2)


@pytest.mark.parametrize("scopes", [[], None])
def test_a_token_without_scopes_is_refused(api, scopes):
    body = {"name": "x"} if scopes is None else {"name": "x", "scopes": scopes}

    refused = api("bob").post("/api/v1/users/me/tokens", body, content_type=JSON)

    assert refused.status_code == 400
    assert refused.json()["error"] == "Scopes can't be blank"


def test_the_rule_refuses_a_token_without_scopes(world):
    with pytest.raises(Invalid) as refused:
        make_token("bob", scopes=[])

    assert refused.value.problems == (Problem("scopes", "blank"),)


@pytest.mark.postgres
def test_the_database_refuses_a_live_token_without_scopes(world):
    make_token("bob")
    rows = ApiToken.unscoped.filter(owner__handle="bob")

    with pytest.raises(IntegrityError), transaction.atomic():
        rows.update(scopes=[])
    assert rows.update(scopes=["read:notes"]) == 1
    assert rows.update(scopes=[], deleted_at=world.now) == 1


@contextmanager
def no_constraint() -> Iterator[None]:
    """Suspend the constraint on scopes; the rollback of the test restores it."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = ON")
            yield
            cursor.execute("PRAGMA ignore_check_constraints = OFF")
        else:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE tokens_apitoken DROP CONSTRAINT token_has_scopes")
            yield


@pytest.mark.postgres
def test_the_migration_deletes_live_tokens_without_scopes(world):
    migration = import_module("tokens.migrations.0005_end_tokens_without_scopes")
    make_token("bob")
    make_token("alice")
    rows = ApiToken.unscoped.filter(owner__handle="bob")
    with no_constraint():
        rows.update(scopes=[])

    migration.end_tokens_without_scopes(apps, None)

    assert rows.get().deleted_at is not None
    assert ApiToken.unscoped.get(owner__handle="alice").deleted_at is None
