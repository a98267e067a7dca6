"""Long responses are not stored for idempotency keys; they are read again."""

from __future__ import annotations

from typing import Any

import pytest

from api.models import KeyedRequest
from collectives.notes.models import Note
from harmonic.kernel.http.methods import REPLAYED
from tests.limits.conftest import KITCHEN, REST, post
from tests.markdown.reading import read

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

KEY = {"Idempotency-Key": "0b5c"}
LONG = "x" * KeyedRequest.KEPT_BYTES
KEPT = ("Content-Type", "Location", "ETag", "Cache-Control", "Vary", "API-Version")


def kept() -> int:
    return sum(len(row.body) for row in KeyedRequest.unscoped.all())


@pytest.mark.meets("bytes of a response kept for its key")
@pytest.mark.parametrize("text", [LONG[:-2_000], LONG])
@pytest.mark.parametrize("path", ["notes", "notes/{}/comments"])
def test_a_long_response_is_repeated_without_being_stored(
    api: Any, note: Note, text: str, path: str
) -> None:
    bob, where = api("bob"), f"{REST}/{path.format(note.id)}"

    first = post(bob, where, {"text": text}, **KEY)
    again = post(bob, where, {"text": text}, **KEY)

    assert first.status_code == 200
    assert (again.status_code, again.content) == (200, first.content)
    assert [again[name] for name in KEPT] == [first[name] for name in KEPT]
    assert again["Idempotent-Replayed"] == "true"
    assert "Last-Modified" not in again
    assert Note.unscoped.filter(text=text).count() == 1
    assert kept() == (0 if text == LONG else len(first.content.decode()))


def test_a_repeated_response_includes_the_same_objects(api: Any) -> None:
    bob, where = api("bob"), f"{REST}/notes?include=history_events,created_by"

    first = post(bob, where, {"text": LONG}, **KEY)
    again = post(bob, where, {"text": LONG}, **KEY)

    assert again.content == first.content
    assert again.json()["created_by"]["handle"] == "bob"


def test_a_repeated_long_response_shows_the_current_state(api: Any) -> None:
    bob = api("bob")
    made = post(bob, f"{REST}/notes", {"text": LONG}, **KEY).json()
    Note.unscoped.filter(id=made["id"]).update(text="Edited")

    again = post(bob, f"{REST}/notes", {"text": LONG}, **KEY)
    read = bob.get(f"{REST}/notes/{made['id']}")

    assert (again.status_code, again.json()) == (200, read.json())
    assert again["ETag"] == read["ETag"]


def test_a_repeated_long_response_of_a_deleted_note_is_404(api: Any) -> None:
    bob = api("bob")
    made = post(bob, f"{REST}/notes", {"text": LONG}, **KEY).json()
    assert bob.delete(f"{REST}/notes/{made['id']}").status_code == 200

    again = post(bob, f"{REST}/notes", {"text": LONG}, **KEY)

    assert again.status_code == 404
    assert again.json()["error"] == "The object that this request created no longer exists."
    assert Note.unscoped.filter(text=LONG).count() == 1


def test_a_conditional_header_of_the_second_request_is_ignored(api: Any) -> None:
    bob = api("bob")
    first = post(bob, f"{REST}/notes", {"text": LONG}, **KEY)

    again = post(bob, f"{REST}/notes", {"text": LONG}, **KEY, **{"If-None-Match": first["ETag"]})

    assert (again.status_code, again.content) == (200, first.content)


def test_a_long_response_without_a_location_is_not_carried_out_twice(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KeyedRequest, "KEPT_BYTES", 10)
    bob, path = api("bob"), f"{KITCHEN}/note/actions/create_note"

    first = post(bob, path, {"text": "Once"}, **KEY)
    again = post(bob, path, {"text": "Once"}, **KEY)

    assert first.status_code == 200
    assert again.status_code == 409
    assert "its response was too long to be stored" in again.content.decode()
    assert read(again.content.decode()).fields["code"] == "idempotency_answer_not_kept"
    assert Note.unscoped.filter(text="Once").count() == 1
    assert kept() == 0


def test_a_long_refusal_is_evaluated_again(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeyedRequest, "KEPT_BYTES", 10)
    bob = api("bob")

    answers = [post(bob, f"{REST}/notes", {"text": ""}, **KEY) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert not any(answer.has_header(REPLAYED) for answer in answers)
    assert not KeyedRequest.unscoped.exists()
