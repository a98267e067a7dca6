"""Actions that require reverification in a session of more than an hour, and others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import TenantUser
from tests.fixtures.rows import KITCHEN, is_member
from tests.fixtures.world import make_token, token_client
from tests.rules.test_tokens import path_of, row_of
from tokens.models import ApiToken

USERS = "/tenant-admin/users"
# Actions that create, show, widen or extend a credential, or administer the tenant.
SENSITIVE = {
    "create_api_token": ("/u/alice/settings/tokens/new", {"name": "New"}),
    "rotate_api_token": ("{token}", {}),
    "create_ai_agent": ("/ai-agents/new", {"name": "New"}),
    "update_ai_agent": ("/ai-agents/scout/settings", {"name": "New"}),
    "resume_ai_agent": ("/ai-agents/scout", {}),
    "update_tenant_settings": ("/tenant-admin/settings", {"name": "New"}),
    "update_tenant_roles": (f"{USERS}/bob", {"role": "admin", "grant": "true"}),
    "remove_from_tenant": (f"{USERS}/bob", {}),
}


@pytest.fixture
def old_session(page):
    """Return Alice's browser, signed in almost two hours ago."""
    return page("alice", at=timezone.now() - timedelta(hours=1, minutes=50))


def state() -> list:
    """Return the state that the sensitive actions would change."""
    people = TenantUser.unscoped.order_by("id").values("display_name", "is_admin", "archived_at")
    names = TenantUser.unscoped.order_by("id").values_list("tenant__name", flat=True)
    return [list(people), list(names), ApiToken.unscoped.count()]


@pytest.mark.rule("proof.asked")
@pytest.mark.parametrize("name", SENSITIVE)
def test_an_old_session_must_reverify_before_a_sensitive_action(old_session, name):
    token = make_token("alice")
    where, params = SENSITIVE[name]
    before = state()

    answer = old_session.post(
        f"{where.format(token=path_of('alice', token))}/actions/{name}", params
    )

    assert answer.headers["Location"].startswith("/reverify")
    assert state() == before


@pytest.mark.rule("proof.not-asked")
def test_an_old_session_can_revoke_a_token(old_session):
    token = make_token("alice")

    old_session.post(f"{path_of('alice', token)}/actions/delete_api_token")

    assert row_of(token).deleted_at is not None


@pytest.mark.rule("proof.not-asked")
def test_an_old_session_can_revoke_the_tokens_of_an_agent_and_deactivate_it(world, old_session):
    token = make_token("alice", agent="scout")
    settings = "/ai-agents/scout/settings/actions"

    old_session.post(f"{settings}/stop_ai_agent")
    assert token_client(token).get("/whoami").status_code == 401

    old_session.post(f"{settings}/deactivate_ai_agent")
    assert world.person("scout").archived_at is not None


@pytest.mark.rule("proof.not-asked")
def test_an_old_session_can_remove_a_member(world, old_session):
    old_session.post(f"{KITCHEN}/members/actions/remove_member", {"user_handle": "bob"})

    assert not is_member(world, "bob")
