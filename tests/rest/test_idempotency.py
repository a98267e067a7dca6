"""Idempotency keys: a repeated POST is carried out once."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from api.models import KeyedRequest
from collectives.notes.models import Note
from harmonic.kernel.refusals import Refused
from tests.fixtures.world import make_token, token_client
from tests.rest.conftest import BASE, KITCHEN, Program, error_of
from tests.rest.test_problems import PROBLEM

NOTES = f"{KITCHEN}/notes"
TOKENS = f"{BASE}/users/me/tokens"
KEY = "9f1c6f0e-1b7c"
TEXT = {"text": "Once"}


def count(text: str = "Once") -> int:
    return Note.unscoped.filter(text=text).count()


# --- Again ----------------------------------------------------------------------------------


@pytest.mark.parametrize("second", [KEY, f'"{KEY}"', f" {KEY} "])
def test_repeated_request_gets_the_same_response(alice, second):
    first = alice.post(NOTES, TEXT, Idempotency_Key=KEY)
    again = alice.post(NOTES, TEXT, Idempotency_Key=second)

    assert (again.status_code, again.content) == (first.status_code, first.content)
    for name in ("Content-Type", "Location", "ETag", "Cache-Control", "Vary", "API-Version"):
        assert again[name] == first[name]
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert count() == 1


def test_requests_without_a_key_are_not_deduplicated(alice):
    alice.post(NOTES, TEXT)
    alice.post(NOTES, TEXT)

    assert count() == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{BASE}/collectives", {"name": "Twice", "handle": "twice"}),
        (f"{BASE}/users", {"name": "Twice"}),
        ("comments", {"text": "Twice"}),
        ("confirm", {}),
    ],
)
def test_every_post_accepts_a_key(alice, note_id, path, body):
    note = f"{NOTES}/{note_id('Welcome to the kitchen')}"
    where = path if path.startswith("/") else f"{note}/{path}"
    first = alice.post(where, body, Idempotency_Key=KEY)
    again = alice.post(where, body, Idempotency_Key=KEY)

    assert first.status_code == 200
    assert (again.content, again["Idempotent-Replayed"]) == (first.content, "true")


def test_the_order_of_keys_and_the_encoding_do_not_matter(alice):
    alice.post(NOTES, {"text": "Once", "title": "A"}, Idempotency_Key=KEY)
    again = alice.post(NOTES, {"title": "A", "text": "Once"}, Idempotency_Key=KEY)

    assert again["Idempotent-Replayed"] == "true"


def test_refusals_are_replayed(alice):
    first = alice.post(NOTES, {"text": ""}, Idempotency_Key=KEY)
    again = alice.post(NOTES, {"text": ""}, Idempotency_Key=KEY)

    assert (again.status_code, again.content) == (400, first.content)
    assert again["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("accept", ["application/json", PROBLEM])
def test_replayed_error_has_the_format_of_the_repetition(alice, accept):
    first = alice.post(NOTES, {"text": ""}, Idempotency_Key=KEY, Accept=accept)
    for kind in (PROBLEM, "application/json"):
        again = alice.post(NOTES, {"text": ""}, Idempotency_Key=KEY, Accept=kind)

        assert again["Idempotent-Replayed"] == "true"
        assert again["Content-Type"].startswith(kind)
        assert ("type" in again.json()) is (kind == PROBLEM)
        assert again.json()["request_id"] == first.json()["request_id"]
        assert (again.content == first.content) is (kind == accept)


@pytest.mark.parametrize(
    "path", ["/collectives/KITCHEN/api/v1/notes", "/workspace/kitchen/api/v1/notes"]
)
def test_spellings_of_a_handle_share_a_key(alice, path):
    alice.post(NOTES, TEXT, Idempotency_Key=KEY)

    assert alice.post(path, TEXT, Idempotency_Key=KEY)["Idempotent-Replayed"] == "true"
    assert count() == 1


@pytest.mark.parametrize("prefix", ["/collectives/Kitchen", "/workspace/kitchen"])
def test_spellings_of_a_handle_share_a_key_on_pages(alice, prefix):
    alice.post("/collectives/kitchen/note/actions/create_note", TEXT, Idempotency_Key=KEY)
    again = alice.post(f"{prefix}/note/actions/create_note", TEXT, Idempotency_Key=KEY)

    assert again["Idempotent-Replayed"] == "true"
    assert count() == 1


def test_both_paths_of_the_main_collective_share_a_key(alice):
    alice.post(f"{BASE}/notes", TEXT, Idempotency_Key=KEY)
    named = alice.post("/collectives/garden/api/v1/notes", TEXT, Idempotency_Key=KEY)

    assert named["Idempotent-Replayed"] == "true"


def test_unreadable_bodies_are_compared_by_their_bytes(alice):
    send = {"content_type": "application/json", "headers": {"Idempotency-Key": KEY}}
    first = alice.client.post(NOTES, "{", **send)
    again = alice.client.post(NOTES, "{", **send)
    other = alice.client.post(NOTES, "{{", **send)

    assert [each.status_code for each in (first, again, other)] == [400, 400, 422]


def test_the_query_of_an_unreadable_body_is_compared_too(alice):
    send = {"content_type": "application/json", "headers": {"Idempotency-Key": KEY}}
    first = alice.client.post(f"{NOTES}?title=A", "{", **send)
    other = alice.client.post(f"{NOTES}?title=B", "{", **send)

    assert (first.status_code, other.status_code) == (400, 422)
    assert other.json()["code"] == "idempotency_key_reused"


# --- Something else -------------------------------------------------------------------------


@pytest.mark.parametrize("path", [NOTES, f"{NOTES}?title=B"])
def test_another_body_under_the_same_key_is_refused(alice, path):
    alice.post(NOTES, TEXT, Idempotency_Key=KEY)
    body = {"text": "Other"} if path == NOTES else TEXT
    response = alice.post(path, body, Idempotency_Key=KEY)

    assert error_of(response, 422).endswith("was used for another request.")
    assert response.json()["code"] == "idempotency_key_reused"
    assert count("Other") == 0


def test_key_is_scoped_to_user_and_path(alice, bob, rest):
    alice.post(NOTES, TEXT, Idempotency_Key=KEY)

    for program, path in ((bob, NOTES), (alice, f"{BASE}/notes"), (alice, f"{BASE}/users")):
        body = {"text": "Other", "name": "Other"}
        response = program.post(path, body, Idempotency_Key=KEY)
        assert response.status_code == 200
        assert "Idempotent-Replayed" not in response


def test_users_with_the_same_key_get_their_own_responses(alice, bob):
    first = {
        user: user.post(NOTES, TEXT, Idempotency_Key=KEY).json()["id"] for user in (alice, bob)
    }

    for user in (bob, alice):
        again = user.post(NOTES, TEXT, Idempotency_Key=KEY)
        assert again["Idempotent-Replayed"] == "true"
        assert again.json()["id"] == first[user]
    assert len(set(first.values())) == count() == 2


def test_another_token_of_the_same_user_shares_keys(alice, rest):
    alice.post(NOTES, TEXT, Idempotency_Key=KEY)

    assert rest("alice").post(NOTES, TEXT, Idempotency_Key=KEY)["Idempotent-Replayed"] == "true"
    assert count() == 1


def test_no_replay_after_access_ended(alice, rest):
    alice.post(NOTES, TEXT, Idempotency_Key=KEY)
    reader = rest("alice", scope="read")

    assert reader.post(NOTES, TEXT, Idempotency_Key=KEY).status_code == 403


@pytest.mark.parametrize("key", ["", "  ", '""', "x" * 256, "é", "a\tb", '"a'])
@pytest.mark.meets("`Idempotency-Key`")
def test_a_malformed_key_is_refused(alice, key):
    response = alice.post(NOTES, TEXT, Idempotency_Key=key)

    assert "1 to 255 printable ASCII characters" in error_of(response, 400)
    assert response.json()["code"] == "idempotency_key_invalid"
    assert count() == 0


def test_longest_key_is_accepted(alice):
    assert alice.post(NOTES, TEXT, Idempotency_Key="x" * 255).status_code == 200


def test_other_methods_ignore_the_key(alice, note_id):
    note = f"{NOTES}/{note_id('Welcome to the kitchen')}"
    for title in ("A", "B"):
        assert alice.patch(note, {"title": title}, Idempotency_Key=KEY).status_code == 200

    assert not KeyedRequest.unscoped.exists()


# --- Time -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("hours", "notes"), [(23.9, 1), (24.1, 2)])
@pytest.mark.meets("responses kept for their key")
def test_a_key_is_kept_for_a_day(alice, hours, notes):
    alice.post(NOTES, TEXT, Idempotency_Key=KEY)
    with time_machine.travel(timezone.now() + timedelta(hours=hours)):
        alice.post(NOTES, TEXT, Idempotency_Key=KEY)

    assert (count(), KeyedRequest.unscoped.count()) == (notes, 1)


def interrupted(alice: Program) -> None:
    """Store a request that was interrupted."""
    alice.post(NOTES, TEXT, Idempotency_Key=KEY)
    Note.unscoped.filter(text="Once").delete()
    KeyedRequest.unscoped.update(status=None)


def test_running_request_is_409_with_retry_after(alice):
    interrupted(alice)
    response = alice.post(NOTES, TEXT, Idempotency_Key=KEY)

    assert error_of(response, 409).endswith("is still running.")
    assert (response.json()["code"], response["Retry-After"]) == ("idempotency_in_progress", "1")
    assert count() == 0


@pytest.mark.meets("a request under a key that was cut off")
def test_interrupted_request_is_taken_over(alice):
    interrupted(alice)
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        assert alice.post(NOTES, TEXT, Idempotency_Key=KEY).status_code == 200
        again = alice.post(NOTES, TEXT, Idempotency_Key=KEY)

    assert again["Idempotent-Replayed"] == "true"
    assert count() == 1


def test_overtaken_request_is_rolled_back(alice, monkeypatch):
    """An interrupted request continues after another one took it over."""
    monkeypatch.setattr("api.idempotency.responses._store", lambda *arguments: False)
    response = alice.post(NOTES, TEXT, Idempotency_Key=KEY)

    assert error_of(response, 409).endswith("is still running.")
    assert count() == 0


def test_request_that_was_taken_over_keeps_the_claim_of_the_other(alice, monkeypatch):
    """It fails after another request took it over, which still runs."""
    other = uuid4()

    def fail(*arguments: Any, **named: Any) -> Any:
        KeyedRequest.unscoped.update(claim=other)
        raise Refused("No.", status=400, code="invalid")

    monkeypatch.setattr("api.idempotency.once.respond_and_store", fail)
    assert alice.post(NOTES, TEXT, Idempotency_Key=KEY).status_code == 400

    assert KeyedRequest.unscoped.get().claim == other


# --- What is not kept -----------------------------------------------------------------------


def test_internal_errors_are_not_stored(alice, monkeypatch):
    def fail(*arguments: Any, **named: Any) -> Any:
        raise RuntimeError("a fault")

    with monkeypatch.context() as broken:
        broken.setattr("api.v1.notes.resource.new_note", fail)
        assert alice.post(NOTES, TEXT, Idempotency_Key=KEY).status_code == 500

    assert (count(), KeyedRequest.unscoped.count()) == (0, 0)
    assert alice.post(NOTES, TEXT, Idempotency_Key=KEY).status_code == 200


def test_plaintext_of_a_token_is_never_stored(alice):
    first = alice.post(TOKENS, {"scopes": ["read:all"]}, Idempotency_Key=KEY).json()
    again = alice.post(TOKENS, {"scopes": ["read:all"]}, Idempotency_Key=KEY)
    body = again.json()

    assert (again.status_code, body["code"]) == (409, "idempotency_secret_unavailable")
    assert body["id"] == first["id"]
    assert first["token"] not in str(KeyedRequest.unscoped.values().get())
    assert alice.delete(f"{TOKENS}/{body['id']}").status_code == 200


def test_plaintext_of_a_new_agents_token_is_never_stored(alice):
    body = {"name": "Newt", "generate_token": True}
    agent = alice.post(f"{BASE}/users", body, Idempotency_Key=KEY).json()
    again = alice.post(f"{BASE}/users", body, Idempotency_Key=KEY).json()

    assert again["code"] == "idempotency_secret_unavailable"
    place = f"{BASE}/users/{agent['id']}/tokens/{again['id']}"
    assert alice.get(place).json()["token_prefix"] == agent["token"][:8]


# --- At once --------------------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_twenty_concurrent_requests_have_one_effect(transactional_world):
    plaintext = make_token("alice")
    answers: list[Any] = []
    barrier = threading.Barrier(20)

    def send() -> None:
        try:
            program = Program(token_client(plaintext))
            barrier.wait()
            answers.append(program.post(NOTES, TEXT, Idempotency_Key=KEY))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert count() == 1
    assert len(answers) == 20
    assert {each.status_code for each in answers} <= {200, 409}
    made = [each for each in answers if each.status_code == 200]
    assert len({each.content for each in made}) == 1
    assert sum("Idempotent-Replayed" not in each for each in made) == 1
