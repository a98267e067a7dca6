"""Safe writes: idempotency keys, preconditions and dry runs."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import SecurityEvent
from collectives.notes.models import Note
from harmonic.kernel.database.tenancy import tenant_bound
from tests.fixtures.world import World
from tests.markdown.reading import read
from tokens.models import ApiToken

pytestmark = pytest.mark.django_db

CREATE = "/collectives/kitchen/note/actions/create_note"
MAKE_TOKEN = "/u/alice/settings/tokens/new/actions/create_api_token"


def send(client: Any, path: str, body: dict[str, Any], **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(path, body, content_type="application/json", headers=named)


def notes(title: str) -> int:
    return Note.unscoped.filter(title=title).count()


# --- Idempotency keys -----------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".md", ".json"])
def test_a_repeated_request_with_the_same_key_runs_once(api: Any, suffix: str) -> None:
    alice, body = api("alice"), {"title": "Once", "text": "x"}
    first = send(alice, CREATE + suffix, body, idempotency_key="k1")
    again = send(alice, CREATE + suffix, body, idempotency_key="k1")

    assert first.status_code == again.status_code == 200
    assert again.content == first.content
    assert again["Content-Type"] == first["Content-Type"]
    assert ("Idempotent-Replayed" in first, again["Idempotent-Replayed"]) == (False, "true")
    assert notes("Once") == 1


def test_a_refusal_is_replayed(api: Any) -> None:
    alice = api("alice")
    first = send(alice, CREATE, {"text": ""}, idempotency_key="k1")
    again = send(alice, CREATE, {"text": ""}, idempotency_key="k1")

    assert first.status_code == again.status_code == 422
    assert again.content == first.content
    read(again.content.decode())


def test_a_key_is_bound_to_parameters_path_and_user(api: Any) -> None:
    alice = api("alice")
    send(alice, CREATE, {"title": "First", "text": "x"}, idempotency_key="k1")
    other = send(alice, CREATE, {"title": "Second", "text": "x"}, idempotency_key="k1")
    elsewhere = send(
        alice, "/note/actions/create_note", {"title": "First", "text": "x"}, idempotency_key="k1"
    )
    bobs = send(api("bob"), CREATE, {"title": "First", "text": "x"}, idempotency_key="k1")

    assert other.status_code == 422
    assert "was used for another request" in read(other.content.decode()).fields["error"]
    assert elsewhere.status_code == bobs.status_code == 200
    assert (notes("First"), notes("Second")) == (3, 0)


def test_users_with_the_same_key_get_their_own_responses(api: Any) -> None:
    users, sent = [api("alice"), api("bob")], {"title": "First", "text": "x"}
    first = [send(user, CREATE, sent, idempotency_key="k1").content for user in users]

    again = [send(user, CREATE, sent, idempotency_key="k1") for user in reversed(users)]

    assert [answer["Idempotent-Replayed"] for answer in again] == ["true", "true"]
    assert [answer.content for answer in again] == first[::-1]
    assert notes("First") == 2


def test_a_malformed_key_is_refused(api: Any) -> None:
    response = send(api("alice"), CREATE, {"text": "x"}, idempotency_key="k" * 256)

    assert response.status_code == 400
    assert "Idempotency-Key" in response.content.decode()


def test_a_token_is_not_shown_again_for_a_repeated_key(api: Any, world: World) -> None:
    alice, body = api("alice"), {"name": "keyed"}
    first = send(alice, MAKE_TOKEN, body, idempotency_key="k1")
    again = send(alice, MAKE_TOKEN, body, idempotency_key="k1")

    made = ApiToken.unscoped.get(name="keyed")
    assert first.status_code == 200
    assert "hmn_" in first.content.decode()
    assert again.status_code == 409
    assert "shown only once" in read(again.content.decode()).fields["error"]
    assert read(again.content.decode()).fields["code"] == "idempotency_secret_unavailable"
    assert str(made.id) in again.content.decode()


# --- Preconditions --------------------------------------------------------------------------


def test_if_match_refuses_a_write_on_a_changed_page(api: Any, note_path: Any) -> None:
    alice, path = api("alice"), f"{note_path('Welcome to the kitchen')}/edit"
    seen = alice.get(f"{path}.md")["ETag"]
    change = f"{path}/actions/update_note"

    first = send(alice, change, {"title": "Sharper"}, if_match=seen)
    second = send(alice, change, {"title": "Blunter"}, if_match=seen)

    assert first.status_code == 200
    assert second.status_code == 412
    assert "has changed since" in read(second.content.decode()).fields["error"]
    assert (notes("Sharper"), notes("Blunter")) == (1, 0)


def test_if_match_star_matches_any_page(api: Any, note_path: Any) -> None:
    change = f"{note_path('Welcome to the kitchen')}/edit/actions/update_note"

    assert send(api("alice"), change, {"title": "Sharper"}, if_match="*").status_code == 200


def test_the_tag_of_another_person_does_not_match(api: Any, note_path: Any) -> None:
    path = note_path("Knife care")
    seen = api("bob").get(f"{path}.md")["ETag"]

    response = send(api("alice"), f"{path}/actions/add_comment", {"text": "x"}, if_match=seen)

    assert response.status_code == 412


# --- Dry runs -------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["query", "body"])
def test_a_dry_run_reports_the_result_and_changes_nothing(api: Any, where: str) -> None:
    alice, body = api("alice"), {"title": "Rehearsed", "text": "x"}
    path = CREATE + ("?dry_run=true" if where == "query" else "")
    response = send(alice, path, {**body, "dry_run": True} if where == "body" else body)

    document = read(response.content.decode())
    assert response.status_code == 200
    assert document.fields["title"] == "Dry Run: create_note"
    assert "Nothing was changed." in response.content.decode()
    assert "Ignored" not in response.content.decode()
    assert notes("Rehearsed") == 0


def test_a_dry_run_is_marked_in_json(api: Any) -> None:
    response = send(api("alice"), f"{CREATE}.json?dry_run=1", {"text": "x"})

    assert response.json()["dry_run"] is True
    assert response.json()["resource"] is None


def test_a_dry_run_is_refused_like_the_action(api: Any) -> None:
    invalid = send(api("alice"), f"{CREATE}?dry_run=true", {"text": ""})
    forbidden = send(api("alice", scope="read"), f"{CREATE}?dry_run=true", {"text": "x"})

    assert (invalid.status_code, forbidden.status_code) == (422, 403)


def test_a_dry_run_of_a_new_token_shows_no_token_and_leaves_no_event(
    api: Any, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    alice = api("alice")
    caplog.clear()
    with tenant_bound(world.tenant().id):
        before = SecurityEvent.objects.count()
    response = send(alice, f"{MAKE_TOKEN}?dry_run=true", {"name": "rehearsed"})

    assert response.status_code == 200
    assert "hmn_" not in response.content.decode()
    assert not ApiToken.unscoped.filter(name="rehearsed").exists()
    assert [line for line in caplog.messages if line == "token_created"] == []
    with tenant_bound(world.tenant().id):
        assert SecurityEvent.objects.count() == before


@pytest.mark.parametrize(("word", "status", "made"), [("false", 200, 1), ("perhaps", 422, 0)])
def test_dry_run_must_be_a_boolean(api: Any, word: str, status: int, made: int) -> None:
    response = send(api("alice"), f"{CREATE}?dry_run={word}", {"title": "Word", "text": "x"})

    assert response.status_code == status
    assert notes("Word") == made


# --- Descriptions ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", [CREATE, "/collectives/new/actions/create_collective", MAKE_TOKEN])
def test_the_description_of_a_write_names_the_options_for_safe_writes(api: Any, path: str) -> None:
    body = api("alice").get(path).content.decode()

    [line] = [line for line in body.split("\n") if "Idempotency-Key" in line]
    assert "`If-Match`" in line
    assert "`dry_run=true`" in line
