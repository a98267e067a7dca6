"""Entity tags and conditional writes (RFC 9110 §13)."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from django.utils.http import http_date, parse_http_date

from api.v1.notes.json import NoteWriter
from collectives.models import Collective
from collectives.notes.models import Note
from harmonic.kernel.http.conditional import etag_of
from tests.fixtures.world import make_token, token_client
from tests.rest.conftest import BASE, KITCHEN, Program, error_of

MINE = f"{BASE}/users/me"


@pytest.fixture
def note(alice, note_id):
    """A note of Alice's in the kitchen."""
    return f"{KITCHEN}/notes/{note_id('Welcome to the kitchen')}"


@pytest.fixture
def items(alice, note):
    """One object of each resource that Alice can update."""
    token = alice.post(f"{MINE}/tokens", {"scopes": ["read:all"]}).json()["id"]
    return [note, f"{BASE}/collectives/kitchen", MINE, f"{MINE}/tokens/{token}"]


LISTS = [
    BASE,
    f"{KITCHEN}/notes?include=created_by",
    f"{BASE}/users",
    f"{BASE}/collectives",
    f"{BASE}/collectives/kitchen/members",
    f"{MINE}/tokens",
]

# --- Reading --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", LISTS)
def test_every_read_has_the_etag_of_its_body(alice, path):
    response = alice.get(path)

    assert response["ETag"] == etag_of(response.content)
    assert response["Cache-Control"] == "private, no-cache"
    assert response["Vary"] == "Accept, Authorization, Cookie"
    assert "Last-Modified" not in response


def test_the_openapi_document_has_the_etag_of_its_body(alice):
    whole = alice.get(f"{BASE}/openapi.json")
    known = alice.client.get(f"{BASE}/openapi.json", headers={"if-none-match": whole["ETag"]})

    assert whole["ETag"] == etag_of(whole.content)
    assert (known.status_code, known.content) == (304, b"")


def test_etag_of_a_list_depends_on_the_host(api):
    client = api("alice")

    tags = {
        client.get(f"{KITCHEN}/notes", headers={"host": host})["ETag"]
        for host in ("garden.localhost", "garden.localhost:8000", "garden.localhost")
    }

    assert len(tags) == 2


def test_etag_of_a_note_list_changes_with_its_content(alice, bob, note, note_id):
    path = f"{KITCHEN}/notes"
    elsewhere = path.replace("kitchen", "galley")
    rename = Collective.unscoped.filter(handle="kitchen").update
    changes = (
        (lambda: alice.put(note, {"title": "Renamed"}), path),
        (lambda: alice.put(note, {"deadline": "2099-01-01"}), path),
        (lambda: bob.post(f"{path}/{note_id('Knife care')}/confirm"), path),
        (lambda: alice.delete(note), path),
        (lambda: bob.post(path, {"text": "One more"}), path),
        (lambda: rename(handle="galley"), elsewhere),
    )
    answers = [alice.get(path)]
    for change, place in changes:
        change()
        answers.append(alice.get(place))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == len(answers)
    assert len({answer["ETag"] for answer in answers}) == len(answers)


def test_etag_of_a_note_list_is_stable(alice, bob):
    path = f"{KITCHEN}/notes"

    assert alice.get(path)["ETag"] == alice.get(path)["ETag"] == bob.get(path)["ETag"]
    assert alice.get(f"{path}?limit=2")["ETag"] != alice.get(path)["ETag"]


def test_single_items_have_last_modified(alice, items):
    for path in items:
        response = alice.get(path)

        assert response["ETag"] == etag_of(response.content), path
        moment = datetime.fromisoformat(response.json()["updated_at"])
        assert parse_http_date(response["Last-Modified"]) == int(moment.timestamp()), path


# How nginx, Apache, Jetty and others rewrite tags when they compress.
COMPRESSED = ('W/"{}"', '"{}-gzip"', '"{}--gzip"', '"{}-br"', '"{};gzip"', 'W/"{}-gzip"')


@pytest.mark.parametrize("changed", ['"{}"', '"x", "{}"', "*", *COMPRESSED])
def test_current_copy_is_answered_with_an_empty_304(alice, note, changed):
    first = alice.get(note)
    again = alice.get(note, {"If-None-Match": changed.format(first["ETag"].strip('"'))})

    assert (again.status_code, again.content) == (304, b"")
    for name in ("ETag", "Last-Modified", "Cache-Control", "Vary", "API-Version"):
        assert again[name] == first[name]
    assert "Content-Type" not in again


def test_a_list_page_keeps_its_link_when_nothing_changed(alice):
    first = alice.get(f"{KITCHEN}/notes", limit=1)
    again = alice.get(f"{KITCHEN}/notes", {"If-None-Match": first["ETag"]}, limit=1)

    assert again.status_code == 304
    assert again["Link"] == first["Link"]


def test_a_note_list_that_the_client_has_is_not_written_again(alice, monkeypatch):
    tag = alice.get(f"{KITCHEN}/notes")["ETag"]
    monkeypatch.setattr(NoteWriter, "all", lambda *_: pytest.fail("the list was written again"))

    assert alice.get(f"{KITCHEN}/notes", {"If-None-Match": tag}).status_code == 304


def test_head_has_the_headers_of_get(alice, note):
    got, head = alice.get(note), alice.head(note)

    assert (head.status_code, head.content) == (200, b"")
    for name in ("ETag", "Last-Modified", "Content-Type", "Content-Length"):
        assert head.get(name) == got.get(name), name


def test_other_etag_gets_the_whole_response(alice, note):
    assert alice.get(note, {"If-None-Match": '"x"'}).status_code == 200


def test_if_modified_since_is_ignored(alice, bob):
    """Confirmations change a note's JSON, but not its date."""
    note = alice.post(f"{KITCHEN}/notes", {"text": "New"})["Location"]
    first = alice.get(note)
    bob.post(f"{note}/confirm")
    again = alice.get(note, {"If-Modified-Since": first["Last-Modified"]})

    assert (again.status_code, again["ETag"] == first["ETag"]) == (200, False)


def test_includes_change_the_etag(alice, note):
    assert alice.get(note)["ETag"] != alice.get(note, include="created_by")["ETag"]


def test_errors_have_no_etag(alice, note):
    assert "ETag" not in alice.get(f"{note}x")
    assert "ETag" not in alice.patch(f"{note}x", {"title": "Another"})


@pytest.mark.parametrize("method", ["put", "patch"])
def test_update_returns_the_etag_of_the_updated_object(alice, items, method):
    changes = [{"title": "A"}, {"name": "B"}, {"display_name": "C"}, {"name": "D"}]
    for path, change in zip(items, changes, strict=True):
        before = alice.get(path)["ETag"]

        changed = getattr(alice, method)(path, change)

        assert changed["ETag"] == alice.get(path)["ETag"] != before
        assert getattr(alice, method)(path, change, If_Match=changed["ETag"]).status_code == 200


def test_update_with_includes_has_no_etag(alice, note):
    """If-Match is compared with the tag of the object without includes."""
    assert "ETag" not in alice.patch(f"{note}?include=comments", {"title": "Another"})


def test_response_with_a_plaintext_has_no_etag_and_is_not_stored(alice):
    response = alice.post(f"{MINE}/tokens", {"scopes": ["read:all"]}, If_None_Match="*")

    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    assert "ETag" not in response


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{KITCHEN}/notes", {"text": "New"}),
        (f"{BASE}/collectives", {"name": "New", "handle": "new-one", "api_enabled": True}),
        (f"{BASE}/users", {"name": "Newt"}),
        (f"{BASE}/users", {"name": "Newt", "mode": "internal", "generate_token": True}),
    ],
)
def test_new_objects_have_an_etag(alice, path, body):
    made = alice.post(path, body)

    assert made["ETag"] == alice.get(made["Location"])["ETag"]


def test_new_objects_with_includes_have_no_etag(alice):
    plain = alice.post(f"{KITCHEN}/notes", {"text": "X"})
    more = alice.post(f"{KITCHEN}/notes?include=created_by", {"text": "X"})

    assert "ETag" in plain
    assert "ETag" not in more


# --- Changing -------------------------------------------------------------------------------


def test_update_with_the_current_etag_succeeds(alice, items):
    for path in items:
        tag = alice.get(path)["ETag"]

        assert alice.patch(path, {}, If_Match=tag).status_code == 200, path
        assert alice.put(path, {}, If_Match="*").status_code == 200, path


def test_update_with_another_etag_is_412(alice, items):
    for path in items:
        before = alice.get(path).content
        response = alice.patch(
            path, {"title": "X", "name": "X", "display_name": "X"}, If_Match='"x"'
        )

        assert error_of(response, 412).startswith("The item has changed since"), path
        assert response.json()["code"] == "precondition_failed"
        assert alice.get(path).content == before


@pytest.mark.parametrize("path", ["{note}/comments", "{kitchen}/notes"], ids=["comment", "note"])
def test_post_ignores_if_match(alice, note, path):
    where = path.format(note=note, kitchen=KITCHEN)

    assert alice.post(where, {"text": "X"}, If_Match='"x"').status_code == 200
    assert alice.patch(note, {"title": "X"}, If_Match='"x"').status_code == 412


@pytest.mark.parametrize("changed", COMPRESSED)
def test_etag_rewritten_by_a_compressing_proxy_is_accepted(alice, note, changed):
    tag = changed.format(alice.get(note)["ETag"].strip('"'))

    assert alice.patch(note, {"title": "X"}, If_Match=tag).status_code == 200
    assert alice.patch(note, {"title": "Y"}, If_Match=tag).status_code == 412


def test_etag_of_a_response_with_includes_does_not_match(alice, note):
    tag = alice.get(note, include="comments")["ETag"]

    assert alice.patch(note, {"title": "X"}, If_Match=tag).status_code == 412


def test_query_of_the_write_does_not_affect_if_match(alice, note):
    tag = alice.get(note)["ETag"]

    assert alice.patch(f"{note}?include=comments", {"title": "X"}, If_Match=tag).status_code == 200


def test_delete_checks_if_match(alice, note):
    assert error_of(alice.delete(note, If_Match='"x"'), 412)
    assert alice.get(note).status_code == 200
    assert alice.delete(note, If_Match=alice.get(note)["ETag"]).status_code == 200
    assert alice.get(note).status_code == 404


def test_deleting_a_token_or_an_agent_checks_if_match(alice, world):
    made = alice.post(f"{BASE}/users", {"name": "Newt"})
    token = alice.post(f"{MINE}/tokens", {"scopes": ["read:all"]})

    for path in (made["Location"], token["Location"]):
        assert alice.delete(path, If_Match='"x"').status_code == 412
        assert alice.delete(path, If_Match=alice.get(path)["ETag"]).status_code == 200


def test_update_checks_if_unmodified_since(alice, note):
    date = alice.get(note)["Last-Modified"]
    old = http_date(parse_http_date(date) - 1)

    assert alice.patch(note, {"title": "X"}, If_Unmodified_Since=old).status_code == 412
    assert alice.patch(note, {"title": "X"}, If_Unmodified_Since=date).status_code == 200


def test_last_modified_changes_with_an_update(alice, note):
    date = alice.get(note)["Last-Modified"]
    with time_machine.travel(timezone.now() + timedelta(seconds=5)):
        alice.patch(note, {"title": "X"})
        response = alice.patch(note, {"title": "Y"}, If_Unmodified_Since=date)

    assert response.status_code == 412


def test_missing_permission_is_reported_before_a_failed_precondition(bob, note):
    assert error_of(bob.patch(note, {"title": "X"}, If_Match='"x"'), 403) == "Unauthorized"


def test_missing_object_is_reported_before_a_failed_precondition(alice):
    response = alice.patch(f"{KITCHEN}/notes/00000000", {"title": "X"}, If_Match='"x"')

    assert error_of(response, 404) == "Note not found"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_concurrent_updates_with_one_etag_succeed_once(transactional_world):
    plaintext = make_token("alice")
    note = Note.unscoped.get(title="Welcome to the kitchen").id
    path = f"{KITCHEN}/notes/{note}"
    tag = Program(token_client(plaintext)).get(path)["ETag"]
    statuses: list[int] = []

    def change(number: int) -> None:
        try:
            program = Program(token_client(plaintext))
            response = program.patch(path, {"title": f"Title {number}"}, If_Match=tag)
            statuses.append(response.status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=change, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200] + [412] * 7
