"""Actions that require recent verification: those that create or widen a credential.

The actions come from the routes. The names below are those of the specification: a new action
that asks, or one that forgets to, shows here.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from harmonic.kernel.actions import Action
from harmonic.kernel.refusals import Proof
from tests.access.routes import ids_of, routes
from tests.fixtures.world import World, anonymous_client, make_token, sign_in, token_client
from tokens.models import ApiToken

# Actions that create, show, widen or prolong a credential.
OF_CREDENTIALS = {
    "create_api_token",
    "rotate_api_token",
    "connect_ai_agent",
    "create_ai_agent",
    "update_ai_agent",
    "resume_ai_agent",
}
# Tenant administration always requires verification (`docs/architecture.md`, Sessions).
OF_ADMINISTRATION = {
    "update_tenant_settings",
    "update_tenant_roles",
    "remove_from_tenant",
    "retry_sidekiq_job",
    "review_report",
}
CLOSING = {
    "delete_api_token",
    "stop_ai_agent",
    "pause_ai_agent",
    "deactivate_ai_agent",
    "leave_collective",
}


def actions() -> dict[str, Action[Any]]:
    return {route.action.name: route.action for route in routes() if route.action is not None}


def stale(handle: str) -> Client:
    """Return a browser that signed in more than an hour ago."""
    browser = anonymous_client(raise_request_exception=False)
    sign_in(browser, handle, "garden", timezone.now() - timedelta(minutes=61))
    return browser


def asked_for_proof(handle: str, ids: dict[str, str]) -> set[str]:
    """Return the actions that require verification of a stale session."""
    browser, asked = stale(handle), set()
    for route in routes():
        if route.action is None:
            continue
        place = transaction.savepoint()
        response = browser.post(route.path(ids), {"name": "x", "new_handle": ""})
        if response.get("Location", "").startswith("/reverify"):
            asked.add(route.action.name)
        transaction.savepoint_rollback(place)
    return asked


def test_exactly_the_sensitive_actions_require_verification(world: World):
    make_token("bob")
    ids = ids_of(world)

    asked = asked_for_proof("bob", ids) | asked_for_proof("alice", ids)

    assert asked == OF_CREDENTIALS | OF_ADMINISTRATION


def test_each_sensitive_action_declares_its_proof():
    sensitive = {name for name, action in actions().items() if action.proof != Proof.NONE}

    assert sensitive == OF_CREDENTIALS | OF_ADMINISTRATION


def test_revoking_actions_never_require_verification():
    assert actions().keys() >= CLOSING
    assert not any(actions()[name].proof for name in CLOSING)


@pytest.mark.parametrize("path", ["/ai-agents/new/actions/create_ai_agent", "/ai-agents/new"])
def test_a_stale_session_creates_no_agent_and_no_token(world: World, path: str):
    before = ApiToken.unscoped.count()

    response = stale("alice").post(path, {"name": "Newt", "generate_token": "true"})

    assert response["Location"].startswith("/reverify?scope=api_tokens")
    assert not User.objects.filter(name="Newt").exists()
    assert ApiToken.unscoped.count() == before


def test_the_form_for_a_new_agent_requires_verification_first(world: World):
    assert stale("alice").get("/ai-agents/new")["Location"].startswith("/reverify")


def test_a_program_with_a_stale_session_is_told_where_to_verify(world: World):
    response = stale("alice").post(
        "/ai-agents/new/actions/create_ai_agent",
        {"name": "Newt"},
        headers={"accept": "text/markdown"},
    )

    assert response.status_code == 403
    assert "/reverify" in response.text


def test_a_token_never_requires_verification(world: World):
    alice = token_client(make_token("alice"))

    made: Any = alice.post(
        "/ai-agents/new/actions/create_ai_agent", {"name": "Newt"}, content_type="application/json"
    )

    assert made.status_code == 200


def test_every_checkbox_of_an_interrupted_form_is_resent(world: World):
    browser = stale("alice")
    sent = {"name": "Scout", "capabilities[]": ["", "create_note", "vote"]}

    asked = browser.post("/ai-agents/scout/settings/actions/update_ai_agent", sent)
    proven = browser.post(
        "/reverify",
        {"scope": "api_tokens", "then": "/reverify/replay", "password": "harmonic-demo-password"},
    )
    form = browser.get(proven["Location"]).text

    assert asked["Location"].startswith("/reverify")
    assert 'value="create_note"' in form
    assert 'value="vote"' in form
