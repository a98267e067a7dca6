"""The events recorded in the security log."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from harmonic.kernel.operations import audit
from tests.fixtures.world import PASSWORD, World, anonymous_client, make_token
from tests.security.conftest import act, facts
from tokens.models import ApiToken

pytestmark = pytest.mark.django_db

TOKENS = "/u/alice/settings/tokens"


# --- What is written down -------------------------------------------------------------------


def test_signing_in_and_out_is_logged_with_account_and_address(seen: Any, world: World) -> None:
    browser = anonymous_client()

    browser.post("/login", {"email": "bob@example.com", "password": PASSWORD})
    browser.post("/logout")

    signed_in, signed_out = seen()
    assert (signed_in.event, signed_out.event) == ("login_success", "logout")
    assert signed_in.user_id == signed_in.subject_id == world.user("bob").id
    assert signed_in.tenant_id == world.tenant().id
    assert signed_in.ip == "127.0.0.1"
    assert signed_in.request_id
    assert signed_in.severity == "info"


def test_a_wrong_password_is_logged_for_the_account(seen: Any, world: World) -> None:
    for email in ("bob@example.com", "nobody@example.com"):
        anonymous_client().post("/login", {"email": email, "password": "wrong"})

    known, unknown = seen("login_failure")
    assert known.user_id is None
    assert known.subject_id == world.user("bob").id
    assert unknown.subject_id is None
    assert facts(known) == {"reason": "invalid_credentials"}
    assert known.severity == "warning"


def test_the_lifecycle_of_a_token_is_logged_with_its_names(
    seen: Any, page: Any, world: World
) -> None:
    alice = page("alice")
    alice.post(f"{TOKENS}/new/actions/create_api_token", {"name": "deploy script"})
    token = ApiToken.unscoped.get(name="deploy script")

    alice.post(f"{TOKENS}/{token.id}/actions/rename_api_token", {"name": "ci"})
    alice.post(f"{TOKENS}/{token.id}/actions/delete_api_token")

    made, renamed, deleted = seen()
    assert facts(made) == {
        "token_id": str(token.id),
        "name": "deploy script",
        "masked": f"{token.token_prefix}*********",
        "scopes": ["read:all"],
        "expires_at": token.expires_at.isoformat(),
    }
    assert facts(renamed) == {
        "token_id": str(token.id),
        "name": "ci",
        "old_name": "deploy script",
    }
    assert facts(deleted) == {"token_id": str(token.id), "name": "ci"}
    assert deleted.user_id == deleted.subject_id == world.user("alice").id


def test_an_action_is_logged_only_when_it_took_effect(
    seen: Any, page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("tokens.actions.Outcome", fail)
    alice = page("alice")
    alice.raise_request_exception = False

    answer = alice.post(f"{TOKENS}/new/actions/create_api_token", {"name": "never made"})

    assert answer.status_code == 500
    assert seen("token_created") == []


# --- What is not ----------------------------------------------------------------------------


def test_no_row_contains_secrets_or_user_text(seen: Any, page: Any, api: Any) -> None:
    plaintext = make_token("bob")
    note = act(api("bob"), "/note/actions/create_note", title="A title", text="The snapshot")
    path = re.findall(r"/n/[0-9a-f]{8}", note.content.decode())[0]

    page("alice").post(f"{TOKENS}/new/actions/create_api_token", {"name": f"was {plaintext}"})
    act(api("alice"), f"{path}/settings/actions/delete_note")

    kept = json.dumps([row.data for row in seen()])
    assert plaintext not in kept
    assert "hmn_[filtered]" in kept
    assert "The snapshot" not in kept


def test_refused_reads_write_nothing_and_refused_writes_one_row_a_minute(
    seen: Any, api: Any
) -> None:
    bob = api("bob", scope="read")

    for _ in range(3):
        bob.get("/collectives/treasury")
    assert seen("permission_denied") == []

    for _ in range(3):
        act(bob, "/note/actions/create_note", text="text")
    [row] = seen("permission_denied")
    assert facts(row) == {"code": "insufficient_scope", "method": "POST"}


def test_the_base_domain_and_internal_tokens_are_not_logged(seen: Any) -> None:
    anonymous_client("").get("/help/nothing-there")
    audit.record("permission_denied", method="POST")

    assert seen() == []


def test_a_failing_sink_fails_no_request_and_is_logged(
    page: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(event: audit.AuditEvent) -> None:
        raise OSError("no room")

    monkeypatch.setattr("harmonic.kernel.operations.audit._sinks", [fail])

    with caplog.at_level(logging.ERROR, "harmonic.audit"):
        answer = page("alice").post("/logout")

    assert answer.status_code == 303
    assert "audit_sink_failed" in caplog.text


# --- Where it is reached --------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/settings/security", "/tenant-admin/security"])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_the_log_pages_refuse_writes(page: Any, path: str, method: str) -> None:
    assert getattr(page("alice"), method)(path).status_code == 405


def test_only_one_module_accesses_the_rows() -> None:
    root = Path(settings.BASE_DIR)
    rooms = ("accounts", "tokens", "collectives", "harmonic", "api")
    sources = [path for room in rooms for path in (root / room).rglob("*.py")]

    naming = {
        str(path.relative_to(root))
        for path in sources
        if "SecurityEvent" in path.read_text() and "migrations" not in path.parts
    }

    assert naming == {"accounts/models.py", "accounts/security.py"}
