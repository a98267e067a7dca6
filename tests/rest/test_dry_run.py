"""Dry runs: every write can be checked without being made."""

from __future__ import annotations

import pytest

from accounts.models import SecurityEvent
from api.models import KeyedRequest
from api.openapi.build import served
from tests.access.contents import contents
from tests.fixtures.rows import make_invite
from tests.reminders.rows import deliver_after, remind
from tests.rest.conftest import BASE, KITCHEN, error_of
from tests.rest.items import INSIDE, filled, items_at
from tokens.models import ApiToken

WRITES = {each.id: each for each in served() if each.method != "get"}
# The bodies of writes that require one.
BODIES = {
    "create_note": {"text": "Sharpen weekly."},
    "create_comment": {"text": "Ten strokes."},
    "update_note": {"title": "Sharper"},
    "create_row": {"values": {"Item": "Steel"}},
    "update_row": {"values": {"Item": "Iron"}},
    "update_table": {"operations": [{"action": "add_row", "values": {"Item": "Steel"}}]},
    "create_decision": {"question": "Which pots?"},
    "create_decision_comment": {"text": "Ten strokes."},
    "update_decision": {"question": "Which pans?"},
    "create_option": {"title": "Steel"},
    "update_option": {"title": "Iron"},
    "cast_vote": {"option_title": "Copper", "accepted": False},
    "cast_option_vote": {"accepted": False},
    "cast_participant_vote": {"option_title": "Copper", "accepted": False},
    "update_vote": {"accepted": False},
    "update_option_vote": {"accepted": False},
    "update_participant_vote": {"accepted": False},
    "state_decision": {"text": "Copper it is."},
    "create_commitment": {"title": "Scrub", "critical_mass": 2},
    "create_commitment_comment": {"text": "Ten strokes."},
    "update_commitment": {"title": "Scrub again"},
    "create_collective": {"name": "Tools", "handle": "tools"},
    "update_collective": {"name": "Tools"},
    "create_ai_agent": {"name": "Rota Bot", "generate_token": True},
    "update_user": {"display_name": "Renamed"},
    "create_token": {"name": "ci", "scopes": ["read:all"]},
    "rename_token": {"name": "renamed"},
}

# Alice is a member of the kitchen already, and its last admin.
CALLERS = {"join_collective": "carol", "leave_collective": "bob"}


@pytest.fixture
def addresses(alice):
    """Return the URL of each write in the demo world, by operation."""
    body = {"name": "spare", "scopes": ["read:all"]}
    token = alice.post(f"{BASE}/users/me/tokens", body).json()["id"]
    # Only an agent without content can be deleted.
    alice.post(f"{BASE}/users", {"name": "Spare"})
    items = items_at(alice, KITCHEN)
    found = {}
    for name, write in WRITES.items():
        user = "me" if "token" in write.path else "spare"
        ids = {**items, "collectives": "kitchen", "users": user, "tokens": str(token)}
        base = KITCHEN if write.path.split("/")[1] in INSIDE else BASE
        found[name] = base + filled(write.path, ids)
    return found


def send(program, write, path, body):
    if write.method == "delete":
        return program.delete(path)
    return getattr(program, write.method)(path, body)


@pytest.mark.parametrize("name", sorted(WRITES))
def test_a_dry_run_answers_like_the_write_and_changes_nothing(rest, world, addresses, name):
    program = rest(CALLERS.get(name, "alice"))
    body = BODIES.get(name.removesuffix("_by_put"), {})
    if name == "join_collective":
        body = {"code": make_invite(world)}
    if name == "state_decision":
        program.post(addresses["close_decision"], {})
    if name == "acknowledge_note":
        reminder = remind("alice")
        deliver_after(hours=2)
        addresses[name] = f"{KITCHEN}/notes/{reminder[-8:]}/acknowledge"
    write, before = WRITES[name], contents()

    response = send(program, write, f"{addresses[name]}?dry_run=true", body)

    assert response.status_code == 200, response.content
    assert response.json()["dry_run"] is True
    assert b"hmn_" not in response.content.replace(b'"token_prefix":"hmn_', b"")
    assert "Location" not in response
    assert contents() == before


def test_a_dry_run_is_refused_like_the_write(bob, carol, note_id):
    path = f"{KITCHEN}/notes/{note_id('Welcome to the kitchen')}?dry_run=true"

    assert error_of(bob.delete(path), 403) == "You are not authorized to delete this content"
    assert error_of(bob.post(f"{KITCHEN}/notes?dry_run=true", {}), 400).startswith("Validation")
    assert error_of(carol.post(f"{KITCHEN}/notes?dry_run=true", {"text": "x"}), 403)


@pytest.mark.parametrize("value", ["", "false", "0"])
def test_a_write_with_dry_run_off_is_made(alice, note_id, value):
    path = f"{KITCHEN}/notes/{note_id('Knife care')}"

    assert alice.delete(f"{path}?dry_run={value}").json() == {"message": "Note deleted"}
    assert alice.get(path).status_code == 404


def test_dry_run_counts_in_the_body_too(alice):
    answer = alice.post(f"{KITCHEN}/notes", {"text": "Sharpen weekly.", "dry_run": True}).json()

    assert answer["dry_run"] is True
    assert alice.get(f"{KITCHEN}/notes/{answer['id']}").status_code == 404


@pytest.mark.parametrize("method", ["post", "delete"])
def test_a_dry_run_that_is_no_boolean_is_refused(alice, note_id, method):
    path = f"{KITCHEN}/notes" + (f"/{note_id('Knife care')}" if method == "delete" else "")

    response = getattr(alice, method)(f"{path}?dry_run=perhaps")

    assert "Dry run must be true or false" in error_of(response, 400)
    assert response.json()["code"] == "invalid"


@pytest.mark.parametrize("path", ["/notes", "/notes/{id}", ""])
def test_a_read_has_no_dry_run(alice, note_id, path):
    response = alice.get(f"{KITCHEN}{path.format(id=note_id('Knife care'))}?dry_run=true")

    assert error_of(response, 400) == "dry_run is not a parameter of this route"


def test_a_dry_run_does_not_use_up_an_idempotency_key(alice):
    path, body = f"{KITCHEN}/notes", {"text": "Sharpen weekly."}

    alice.post(f"{path}?dry_run=true", body, idempotency_key="k1")
    assert not KeyedRequest.unscoped.exists()
    made = alice.post(path, body, idempotency_key="k1")

    assert made.status_code == 200
    assert "dry_run" not in made.json()


def test_the_security_log_has_no_dry_run(alice):
    before = SecurityEvent.unscoped.count()
    alice.post(f"{BASE}/users/me/tokens?dry_run=true", {"name": "ci", "scopes": ["read:all"]})

    assert SecurityEvent.unscoped.count() == before
    assert not ApiToken.unscoped.filter(name="ci").exists()
