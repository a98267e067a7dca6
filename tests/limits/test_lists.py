"""Lists are limited in rows and bytes, with a link to the next page."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.http import paging
from api.http.paging import LIST_BYTES, MAX_LIMIT
from api.v1.item_lists import LIMIT
from collectives.events.models import Event
from collectives.items import queries
from collectives.items.models import Pin
from collectives.models import Collective, CollectiveMember
from collectives.notes.models import Note
from harmonic.kernel.http.numbered import PER_PAGE
from tests.limits.conftest import KITCHEN, REST, Write

pytestmark = pytest.mark.django_db

BIG = "x" * 200_000


def links(response: Any) -> dict[str, str]:
    return {rel: url for url, rel in re.findall(r'<([^>]+)>; rel="(\w+)"', response["Link"])}


def pages_of(client: Any, path: str, rel: str = "next") -> list[Any]:
    """Return the pages of a list, following its links from `path`."""
    shown = [client.get(path)]
    while rel in links(shown[-1]):
        shown.append(client.get(links(shown[-1])[rel].removeprefix("http://garden.localhost")))
    assert all(each.status_code == 200 for each in shown)
    return shown


def ids(response: Any) -> list[str]:
    return [row["id"] for row in response.json()]


# --- Bytes ----------------------------------------------------------------------------------


@pytest.mark.meets("bytes of text in a list of notes")
@pytest.mark.parametrize(
    "query", ["limit=200", "sort_by=updated_at-asc", "filters=closed", "q=x&limit=200"]
)
def test_a_list_of_long_notes_ends_early_with_a_next_link(
    api: Any, write_notes: Write, query: str
) -> None:
    write_notes(12, BIG)
    bob = api("bob")

    shown = pages_of(bob, f"{REST}/notes?{query}")
    back = pages_of(bob, links(shown[-1])["prev"].removeprefix("http://garden.localhost"), "prev")

    assert max(len(each.content) for each in shown) < LIST_BYTES + 10_000
    assert len(shown) >= 3
    every = [each for response in shown for each in ids(response)]
    assert len(every) == len(set(every))
    assert len([each for each in shown for row in each.json() if row["text"] == BIG]) == 12
    before = [each for response in reversed(back) for each in ids(response)]
    assert before + ids(shown[-1]) == every


def test_a_note_longer_than_a_page_is_a_page_of_its_own(api: Any, write_notes: Write) -> None:
    write_notes(2, "€" * 1_000_000)

    pages = [page.json() for page in pages_of(api("bob"), f"{REST}/notes")]

    assert [len(page) for page in pages if any("€" in row["text"] for row in page)] == [1, 1]


@pytest.mark.meets("rows of a list of notes without `limit`")
def test_comments_are_listed_in_pages_of_fifty(api: Any, note: Note, comment_on: Write) -> None:
    comment_on(note, 120)

    shown = pages_of(api("bob"), f"{REST}/notes/{note.id}/comments")

    assert [len(each.json()) for each in shown] == [LIMIT, LIMIT, 20]
    assert [row["text"] for each in shown for row in each.json()] == [
        f"Comment {number}" for number in range(120)
    ]


def test_a_page_of_long_comments_ends_early(api: Any, note: Note, comment_on: Write) -> None:
    comment_on(note, 12, BIG + "{}")

    shown = pages_of(api("bob"), f"{REST}/notes/{note.id}/comments")

    assert max(len(each.content) for each in shown) < LIST_BYTES + 10_000
    assert sum(len(each.json()) for each in shown) == 12


@pytest.mark.parametrize("path", [f"{REST}/notes", f"{KITCHEN}.md", KITCHEN, "/u/alice.md"])
def test_texts_that_are_not_shown_are_not_fetched(
    api: Any, page: Any, write_notes: Write, path: str
) -> None:
    write_notes(60, BIG)
    client = page("bob") if path == KITCHEN else api("bob")

    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200

    whole = [
        q["sql"] for q in captured.captured_queries if '"notes_note"."text" AS "text"' in q["sql"]
    ]
    # Only the REST list fetches whole texts, for the rows shown, by their short IDs.
    assert all('"items_item"."truncated_id" IN (' in sql for sql in whole)
    assert bool(whole) is (path == f"{REST}/notes")


@pytest.mark.meets("bytes of JSON in a list")
@pytest.mark.parametrize("name", ["collectives", "users", "users/me/tokens", "members"])
def test_every_other_list_ends_early_too(
    api: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(paging, "LIST_BYTES", 1_000)
    alice = api("alice")
    for number in range(5):
        body = json.dumps({"name": f"C{number}", "handle": f"c-{number}"})
        alice.post("/api/v1/collectives", body, "application/json")
        token = json.dumps({"name": f"T{number}", "scopes": ["read:all"]})
        alice.post("/api/v1/users/me/tokens", token, "application/json")
    path = "/api/v1/collectives/garden/members" if name == "members" else f"/api/v1/{name}"
    monkeypatch.setattr(paging, "LIST_BYTES", 10**6)
    whole = ids(alice.get(path))
    monkeypatch.setattr(paging, "LIST_BYTES", 1_000)

    shown = pages_of(alice, path)

    back = pages_of(alice, links(shown[-1])["prev"].removeprefix("http://garden.localhost"), "prev")

    assert len(shown) > 1
    assert [each for response in shown for each in ids(response)] == whole
    before = [each for response in reversed(back) for each in ids(response)]
    assert before + ids(shown[-1]) == whole


# --- Rows -----------------------------------------------------------------------------------


@pytest.mark.meets("rows of a list with `limit`")
@pytest.mark.parametrize(("limit", "status"), [(MAX_LIMIT, 200), (MAX_LIMIT + 1, 400)])
def test_the_limit_of_a_list_has_a_maximum(api: Any, limit: int, status: int) -> None:
    response = api("bob").get(f"{REST}/notes?limit={limit}")

    assert response.status_code == status
    assert status == 200 or response.json()["error"] == f"limit must be at most {MAX_LIMIT}"


@pytest.mark.meets("rows of a list that is given whole")
def test_an_unpaginated_list_is_cut_with_a_next_link(
    api: Any, monkeypatch: pytest.MonkeyPatch, world: Any
) -> None:
    world_members = CollectiveMember.unscoped.filter(
        collective=world.collective("kitchen"), archived_at=None
    ).count()
    kitchen = world.collective("kitchen")
    defaults = paging.page_from.__defaults__
    assert defaults == (paging.WHOLE,)
    monkeypatch.setattr(paging.page_of, "__defaults__", (2,))

    shown = pages_of(api("alice"), f"/api/v1/collectives/{kitchen.id}/members")

    assert [len(each.json()) for each in shown[:-1]] == [2] * (len(shown) - 1)
    assert sum(len(each.json()) for each in shown) == world_members


@pytest.mark.meets("rows of each kind in a response")
@pytest.mark.parametrize("path", ["notes", "notes/{}"])
def test_included_objects_are_cut_and_named(
    api: Any, note: Note, comment_on: Write, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(queries, "INCLUDED", 20)
    comment_on(note, 19)
    asked = f"{REST}/{path.format(note.id)}?include=comments,history_events"
    bob = api("bob")

    def shown() -> Any:
        answer = bob.get(asked).json()
        return (
            next(row for row in answer if row["id"] == str(note.id)) if path == "notes" else answer
        )

    Note.unscoped.filter(parent__isnull=False).exclude(root=note.id).delete()
    assert len(shown()["comments"]) == 19
    assert "comments" not in shown().get("incomplete", [])
    comment_on(note, 2, at=30)
    assert len(shown()["comments"]) == 20
    assert "comments" in shown()["incomplete"]
    like = Event.unscoped.filter(item=note).first()
    assert like is not None
    for _ in range(30):
        like.id = uuid.uuid4()
        Event.unscoped.bulk_create([like])
    assert "history_events" in shown()["incomplete"]


@pytest.mark.meets("bytes of text in included comments and pins")
def test_included_comments_are_cut_by_size(api: Any, note: Note, comment_on: Write) -> None:
    comment_on(note, 12, BIG + "{}")

    response = api("bob").get(f"{REST}/notes/{note.id}?include=comments")

    assert len(response.content) < queries.LIST_BYTES + 20_000
    assert 0 < len(response.json()["comments"]) < 12
    assert response.json()["incomplete"] == ["comments"]


@pytest.mark.parametrize("path", ["users", "users/bob"])
def test_pins_on_long_notes_are_cut_by_size(
    api: Any, world: Any, write_notes: Write, path: str
) -> None:
    main, bob = world.collective("garden"), world.person("bob")
    pinned = write_notes(12, BIG)
    Note.unscoped.filter(id__in=[each.id for each in pinned]).update(collective=main)
    Pin.unscoped.filter(person=bob).delete()
    Pin.unscoped.bulk_create(
        Pin(
            tenant_id=main.tenant_id,
            collective=main,
            person=bob,
            item_id=each.id,
            pinned_at=world.now,
        )
        for each in pinned
    )
    client, blind = api("carol"), api("carol", scopes=["read:users"])

    def shown(reader: Any) -> Any:
        if path != "users":
            return reader.get(f"/api/v1/{path}").json()
        rows = [row for each in pages_of(reader, "/api/v1/users") for row in each.json()]
        return next(row for row in rows if row["handle"] == "bob")

    assert 0 < len(shown(client)["pinned_items"]) < 12
    assert shown(client)["incomplete"] == ["pinned_items"]
    assert len(json.dumps(shown(client))) < queries.LIST_BYTES + 50_000
    assert shown(blind)["pinned_items"] == []
    assert "incomplete" not in shown(blind)


# --- Pages ----------------------------------------------------------------------------------


@pytest.mark.meets("rows of a numbered page")
@pytest.mark.parametrize("form", ["", ".md"])
def test_a_long_list_of_collectives_is_numbered(api: Any, page: Any, world: Any, form: str) -> None:
    bob = world.person("bob")
    tenant = bob.tenant
    rows = [
        Collective(
            tenant=tenant,
            name=f"Number {n:03}",
            handle=f"number-{n:03}",
            kind="standard",
            timezone="UTC",
            created_at=world.now,
            updated_at=world.now,
            created_by_id=bob.user_id,
        )
        for n in range(PER_PAGE + 20)
    ]
    Collective.unscoped.bulk_create(rows)
    CollectiveMember.unscoped.bulk_create(
        CollectiveMember(tenant=tenant, collective=row, person=bob, created_at=world.now)
        for row in rows
    )
    client = api("bob") if form else page("bob")

    first = client.get(f"/collectives{form}").content.decode()
    second = client.get("/collectives?page=2").content.decode()

    names = [re.findall(r"Number \d{3}", each) for each in (first, second)]
    assert len(set(names[0])) <= PER_PAGE
    assert len(set(names[0]) | set(names[1])) == PER_PAGE + 20
    assert not set(names[0]) & set(names[1])
    assert "/collectives?page=2" in first


@pytest.mark.meets("events in the history of a page")
def test_a_page_shows_the_latest_events(page: Any, note: Note) -> None:
    like = Event.unscoped.filter(item=note).order_by("-happened_at").first()
    assert like is not None
    for _ in range(queries.HISTORY_SHOWN + 5):
        like.id = uuid.uuid4()
        Event.unscoped.bulk_create([like])

    bob, path = page("bob"), f"{KITCHEN}/n/{note.truncated_id}"
    total = Event.unscoped.filter(item=note).count()
    for suffix in ("", ".md"):
        lines = [
            bob.get(f"{path}{suffix}?page={number}")
            .text.partition("History")[2]
            .partition("## Comments")[0]
            .count(like.done)
            for number in (1, 2)
        ]
        assert lines[0] == queries.HISTORY_SHOWN
        assert 0 < lines[1] <= total - queries.HISTORY_SHOWN
    assert f"History ({total})" in bob.get(path).text
    assert f"{path}?page=2" in bob.get(f"{path}.md").text
