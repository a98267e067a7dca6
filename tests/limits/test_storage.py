"""The limit of text stored by a person and their agents in a day."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.test import override_settings

from accounts.models import StoredBytes
from accounts.storage import MEGABYTE, limit
from collectives.notes.models import Note
from tests.fixtures.world import World, make_token, token_client
from tests.limits.conftest import KITCHEN, REST, post

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

HALF = "x" * (MEGABYTE // 2)
NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
SENTENCE = (
    "You and your agents can store 1 MB a day. This would exceed the limit, so nothing was saved."
)


@pytest.fixture(autouse=True)
def one_megabyte(request: pytest.FixtureRequest) -> Any:
    """Allow a megabyte a day, without what the demo world stored."""
    is_transactional = "transactional_world" in request.fixturenames
    request.getfixturevalue("transactional_db" if is_transactional else "db")
    StoredBytes.objects.all().delete()
    with override_settings(LIMIT_STORAGE=1):
        yield


def stored(world: World, handle: str) -> int:
    rows = StoredBytes.objects.filter(user=world.user(handle))
    return sum(rows.values_list("bytes", flat=True))


@pytest.mark.meets("bytes that one person stores in a day")
def test_a_write_beyond_the_limit_is_refused_on_every_surface(
    api: Any, page: Any, world: World
) -> None:
    with time_machine.travel(NOON, tick=False):
        bob, browser = api("bob"), page("bob")
        for _ in range(2):
            assert post(bob, f"{REST}/notes", {"text": HALF}).status_code == 200

        rest = post(bob, f"{REST}/notes", {"text": "One more"})
        action = post(bob, f"{KITCHEN}/note/actions/create_note", {"text": "One more"})
        form = browser.post(f"{KITCHEN}/note", {"text": "One more"})

    assert [each.status_code for each in (rest, action, form)] == [429] * 3
    assert rest.json()["error"] == SENTENCE
    assert rest.json()["code"] == "storage_limit"
    assert rest["Retry-After"] == action["Retry-After"] == str(12 * 3600 + 1)
    assert SENTENCE in action.content.decode()
    assert SENTENCE in form.content.decode()
    # The form keeps the typed text.
    assert "One more</textarea>" in form.content.decode()
    assert stored(world, "bob") == limit()
    assert not Note.unscoped.filter(text="One more").exists()


def test_exactly_the_limit_can_be_stored(api: Any) -> None:
    bob = api("bob")

    for text in (HALF, HALF[1:]):
        assert post(bob, f"{REST}/notes", {"text": text}).status_code == 200
    assert post(bob, f"{REST}/notes", {"text": "xx"}).status_code == 429
    assert post(bob, f"{REST}/notes", {"text": "x"}).status_code == 200


def test_storage_is_counted_in_bytes_not_characters(api: Any, world: World) -> None:
    post(api("bob"), f"{REST}/notes", {"text": "€ä", "title": "a"})

    assert stored(world, "bob") == 6


def test_a_person_and_their_agents_share_one_count(api: Any, world: World) -> None:
    alice, scout, bob = api("alice"), api("alice", agent="scout"), api("bob")
    post(alice, f"{REST}/notes", {"text": HALF})
    post(scout, f"{REST}/notes", {"text": HALF})

    for client, status in ((alice, 429), (scout, 429), (bob, 200)):
        assert post(client, f"{REST}/notes", {"text": "One more"}).status_code == status
    assert stored(world, "scout") == 0


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "/notes/{}/comments", {"text": HALF}),
        ("patch", "/notes/{}", {"text": HALF}),
        ("post", "/notes", {"title": "Short", "text": HALF}),
    ],
)
def test_every_write_of_text_counts(
    api: Any, world: World, note: Note, method: str, path: str, body: dict[str, str]
) -> None:
    alice = api("alice")
    Note.unscoped.filter(id=note.id).update(created_by=world.user("alice"))

    response = getattr(alice, method)(f"{REST}{path.format(note.id)}", body, "application/json")

    assert response.status_code == 200
    assert stored(world, "alice") == sum(map(len, body.values()))


def test_reads_refused_writes_and_dry_runs_do_not_count(api: Any, world: World, note: Note) -> None:
    bob = api("bob")

    assert bob.get(f"{REST}/notes/{note.id}").status_code == 200
    assert post(bob, f"{REST}/notes", {"text": " "}).status_code == 400
    rehearsed = post(bob, f"{KITCHEN}/note/actions/create_note", {"text": "Later", "dry_run": True})

    assert rehearsed.status_code == 200
    assert stored(world, "bob") == 0


def test_a_stored_response_counts_too(api: Any, world: World) -> None:
    response = post(api("bob"), f"{REST}/notes", {"text": "x"}, **{"Idempotency-Key": "k"})

    assert stored(world, "bob") == 1 + len(response.content)


def test_a_refused_write_can_be_repeated_under_its_key(api: Any) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        bob, key = api("bob", days=3), {"Idempotency-Key": "k"}
        for _ in range(2):
            post(bob, f"{REST}/notes", {"text": HALF})
        assert post(bob, f"{REST}/notes", {"text": "More"}, **key).status_code == 429

        clock.move_to(datetime(2026, 6, 11, tzinfo=UTC))
        again = post(bob, f"{REST}/notes", {"text": "More"}, **key)

    assert again.status_code == 200
    assert "Idempotent-Replayed" not in again


def test_the_count_resets_the_next_day(api: Any, world: World) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        bob = api("bob", days=3)
        for _ in range(2):
            post(bob, f"{REST}/notes", {"text": HALF})
        clock.move_to(datetime(2026, 6, 10, 23, 59, 59, tzinfo=UTC))
        assert post(bob, f"{REST}/notes", {"text": "More"})["Retry-After"] == "2"

        clock.move_to(datetime(2026, 6, 11, tzinfo=UTC))
        assert post(bob, f"{REST}/notes", {"text": "More"}).status_code == 200

    assert stored(world, "bob") == 4
    assert StoredBytes.objects.filter(user=world.user("bob")).count() == 1


@pytest.mark.parametrize("day", ["the first write of the day", "a later one"])
def test_concurrent_writes_never_exceed_the_limit(transactional_world: World, day: str) -> None:
    at_once, size = 8, MEGABYTE // 8 + 1
    tokens = [make_token("alice"), make_token("alice", agent="scout")]
    barrier = Barrier(at_once)
    if day == "a later one":
        post(token_client(tokens[0]), f"{REST}/notes", {"text": "x"})

    def write(number: int) -> int:
        client = token_client(tokens[number % 2])
        barrier.wait()
        try:
            statuses = [
                post(client, f"{REST}/notes", {"text": "y" * size}).status_code for _ in range(5)
            ]
            return statuses.count(200)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(at_once) as pool:
        written = sum(pool.map(write, range(at_once)))

    assert written == 7
    assert Note.unscoped.filter(text="y" * size).count() == 7
    assert stored(transactional_world, "alice") <= limit()
