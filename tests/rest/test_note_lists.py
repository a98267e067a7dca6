"""Lists of notes: filters, order, pagination."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import chain
from urllib.parse import unquote

import pytest
import time_machine

from harmonic.demo.reminders import REMINDERS
from harmonic.demo.tables import TABLES
from tests.rest.conftest import BASE, KITCHEN, error_of
from tests.rest.test_notes import KEYS

NOTES = f"{KITCHEN}/notes"
# Statements for a list of notes, and further ones for what it includes.
QUERIES, INCLUDED = 5, 5


def titles(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [note["title"] for note in response.json()]


def links(response) -> dict[str, str]:
    return {rel: url for url, rel in re.findall(r'<([^>]+)>; rel="(\w+)"', response["Link"])}


# --- What is in them ------------------------------------------------------------------------


def test_a_list_is_a_bare_array_of_plain_notes_newest_first(alice):
    notes = alice.get(NOTES).json()

    assert all(list(note) == KEYS for note in notes)
    assert {note["subtype"] for note in notes} == {"text", "table", "reminder"}
    created = [note["created_at"] for note in notes]
    assert created == sorted(created, reverse=True)
    assert notes[0]["title"] == "Tea is out"


def test_list_has_only_notes_of_its_collective(alice):
    assert titles(alice.get(f"{BASE}/notes")) == ["The garden opens at eight"]
    assert "Treasury basics" not in titles(alice.get(NOTES))


def test_deleted_notes_are_not_listed(bob, note_id):
    bob.delete(f"{NOTES}/{note_id('Knife care')}")

    assert "Knife care" not in titles(bob.get(NOTES))


@pytest.mark.parametrize("include", ["", "history_events,comments,created_by"])
def test_list_takes_a_constant_number_of_queries(
    alice, include, django_assert_max_num_queries, django_assert_num_queries
):
    # A reminder with a comment, since its time and comments are in other tables.
    flour = REMINDERS[0].title
    reminder = alice.get(NOTES, subtype="reminder").json()[0]["id"]
    alice.post(f"{NOTES}/{reminder}/comments", {"text": "Ordered."})
    # A search asks the index first.
    with django_assert_max_num_queries(QUERIES + 1 + bool(include) * INCLUDED) as few:
        assert titles(alice.get(NOTES, include=include, q=flour, limit=1)) == [flour]
    with django_assert_num_queries(len(few) - 1):
        assert len(alice.get(NOTES, include=include, limit=200).json()) > 2


@pytest.mark.parametrize("word", ["bob", "@bob", "BOB", "{id}"])
def test_notes_are_filtered_by_author(alice, world, word):
    asked = word.format(id=world.user("bob").id)
    notes = alice.get(NOTES, created_by=asked).json()

    assert {note["created_by_id"] for note in notes} == {str(world.user("bob").id)}


def test_created_by_me_is_the_caller(scout, world):
    notes = scout.get(NOTES, created_by="me").json()

    assert {note["created_by_id"] for note in notes} == {str(world.user("scout").id)}


def test_notes_are_filtered_by_subtype(alice):
    comments = alice.get(NOTES, subtype="comment").json()

    assert {note["subtype"] for note in comments} == {"comment"}
    both = alice.get(NOTES, subtype="post, comment").json()
    assert {note["subtype"] for note in both} == {"text", "comment"}
    tables = alice.get(NOTES, subtype="table").json()
    assert [note["title"] for note in tables] == [each.title for each in TABLES]
    assert alice.get(f"{BASE}/notes", subtype="table").json() == []


def test_notes_are_filtered_by_parent(alice, note_id):
    welcome = note_id("Welcome to the kitchen")
    notes = alice.get(NOTES, commentable=f"Note:{welcome[:8]}").json()

    assert len(notes) == 2
    assert {note["commentable_id"] for note in notes} == {welcome}


def test_time_filters_are_exclusive(alice, world):
    moment = world.note("Knife care").created_at
    after = titles(alice.get(NOTES, created_after=moment.isoformat()))
    before = titles(alice.get(NOTES, created_before=moment.isoformat()))

    assert "Knife care" not in after + before
    assert "Compost" in after
    assert "Rota" in before
    assert "Rota" not in after


def test_notes_are_filtered_by_update(alice, world):
    edited = world.note("Oven on the left is slow")
    moment = edited.created_at + timedelta(hours=1)

    assert edited.title in titles(alice.get(NOTES, updated_after=moment.isoformat()))
    assert edited.title not in titles(alice.get(NOTES, updated_before=moment.isoformat()))


def test_notes_are_filtered_by_status(alice, note_id):
    alice.put(f"{NOTES}/{note_id('Welcome to the kitchen')}", {"deadline": "2099-01-01"})

    assert titles(alice.get(NOTES, status="open")) == ["Welcome to the kitchen"]
    assert "Welcome to the kitchen" not in titles(alice.get(NOTES, status="closed"))


@pytest.mark.parametrize("moment", ["created_at", "updated_at", "deadline"])
def test_notes_are_sorted(alice, moment):
    for direction, is_reversed in (("asc", False), ("desc", True)):
        notes = alice.get(NOTES, sort_by=f"{moment}-{direction}").json()
        values = [note[moment] for note in notes]
        assert values == sorted(values, reverse=is_reversed)


def test_time_shown_in_the_response_is_excluded(alice):
    made = alice.post(NOTES, {"text": "Just now"}).json()

    for bound in ("created_after", "created_before", "updated_after", "deadline_after"):
        moment = made[bound.partition("_")[0] + ("_at" if "deadline" not in bound else "")]
        assert made["title"] not in titles(alice.get(NOTES, **{bound: moment}))


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("knife", {"Knife care"}),
        ("KNIFE care", {"Knife care"}),
        ('"ife ca"', {"Knife care"}),
        ("knife -care", set()),
        ('knife -"ife x"', {"Knife care"}),
        ("quince -knife", {"Übergröße und Übergrösse"}),
        ("100% _nothing_ \\", set()),
        ("nothing of the kind", set()),
        ("überGRÖSSE", {"Übergröße und Übergrösse"}),
    ],
)
def test_notes_are_searched(alice, q, found):
    alice.post(NOTES, {"title": "Übergröße und Übergrösse", "text": "quince"})

    assert set(titles(alice.get(NOTES, q=q))) == found


def test_notes_are_filtered_by_filters(alice, bob, world):
    made = bob.post(NOTES, {"text": "Of Bob"}).json()
    bob.put(f"{NOTES}/{made['id']}", {"deadline": "2099-01-01"})
    everything = titles(alice.get(NOTES))
    mine = titles(alice.get(NOTES, filters="mine"))
    edited = [TABLES[0].title, "Oven on the left is slow"]
    moment = alice.get(NOTES, q="knife").json()[0]["created_at"]

    assert sorted(mine + titles(alice.get(NOTES, filters="not_mine"))) == sorted(everything)
    assert titles(alice.get(NOTES, filters="none")) == everything
    assert titles(alice.get(NOTES, filters="open, not_mine")) == ["Of Bob"]
    assert "Of Bob" not in titles(alice.get(NOTES, filters="closed"))
    assert titles(alice.get(NOTES, filters="updated")) == ["Of Bob", *edited]
    assert titles(alice.get(NOTES, filters="created_by:bob")) == titles(
        alice.get(NOTES, created_by="bob")
    )
    assert titles(alice.get(NOTES, filters="created_by:nobody")) == []
    assert titles(alice.get(NOTES, filters=f"created_at:{moment}")) == ["Knife care"]
    later = titles(alice.get(NOTES, filters=f"created_at>{moment}"))
    earlier = titles(alice.get(NOTES, filters=f"created_at<{moment}"))
    assert sorted([*later, *earlier, "Knife care"]) == sorted(everything)


def test_notes_are_filtered_by_cycle(alice, world):
    made = alice.post(NOTES, {"text": "Today's"}).json()
    alice.put(f"{NOTES}/{made['id']}", {"deadline": "2099-01-01"})
    today = titles(alice.get(NOTES, cycle="today"))

    assert "Today's" in today
    assert "Today's" in titles(alice.get(NOTES, cycle="2-weeks-from-now"))
    assert titles(alice.get(NOTES, cycle="yesterday", q="Today's")) == []
    assert titles(alice.get(NOTES, cycle="0-days-ago")) == today


def test_filters_combine_and_paginate(alice):
    for number in range(5):
        alice.post(NOTES, {"text": f"Batch {number}"})
    asked = {"q": "batch", "filters": "mine", "cycle": "today", "limit": 2, "count": "true"}
    first = alice.get(NOTES, **asked)
    second = alice.get(NOTES, cursor=unquote(cursor_of(first)), **asked)

    assert titles(first) + titles(second) == ["Batch 4", "Batch 3", "Batch 2", "Batch 1"]
    assert first["X-Total-Count"] == "5"


# --- Several collectives --------------------------------------------------------------------


def test_scope_all_covers_the_callers_collectives_with_the_api_enabled(alice, carol, world):
    notes = alice.get(f"{BASE}/notes", scope="all", limit=200).json()

    shown = {note["title"]: note["path"] for note in notes}
    assert {"The garden opens at eight", "Knife care"} <= set(shown)
    assert not {"Treasury basics", "Board minutes", "Workshop safety"} & set(shown)
    assert shown["Knife care"].startswith("/collectives/kitchen/n/")
    assert shown["The garden opens at eight"].startswith("/n/")
    assert titles(carol.get(f"{BASE}/notes", scope="all")) == [
        "The garden opens at eight",
        "Board minutes",
    ]


def test_scope_all_includes_the_own_workspace(alice, bob, world):
    handle = world.workspace("alice").handle
    alice.post(f"/workspace/{handle}/api/v1/notes", {"title": "Mine alone", "text": "x"})

    assert titles(alice.get(f"{BASE}/notes", scope="all"))[0] == "Mine alone"
    assert titles(alice.get(f"{BASE}/notes", collective=handle)) == ["Mine alone"]
    assert titles(bob.get(f"{BASE}/notes", collective=handle)) == []


def test_named_collectives_are_listed_and_others_ignored(alice):
    asked = "garden, kitchen,treasury,board,nonsense"
    shown = titles(alice.get(f"{BASE}/notes", collective=asked, limit=200))

    assert {"The garden opens at eight", "Knife care"} <= set(shown)
    assert not {"Treasury basics", "Board minutes"} & set(shown)
    assert titles(alice.get(f"{BASE}/notes", collective="treasury")) == []


def test_scope_is_ignored_below_a_collective(alice):
    assert titles(alice.get(NOTES, scope="all")) == titles(alice.get(NOTES))


# --- Pages ----------------------------------------------------------------------------------


def walk(program, first: str) -> list[list[str]]:
    pages, url = [], first
    while url:
        response = program.get(url)
        pages.append(titles(response))
        url = links(response).get("next", "").removeprefix("http://garden.localhost")
    return pages


@pytest.mark.parametrize("sort", ["created_at-desc", "updated_at-asc", "deadline-desc"])
def test_pages_make_up_the_list(alice, sort):
    whole = titles(alice.get(NOTES, sort_by=sort))
    pages = walk(alice, f"{NOTES}?limit=5&sort_by={sort}")

    assert [len(page) for page in pages] == [5, 5, len(whole) - 10]
    assert list(chain(*pages)) == whole


def test_page_has_fifty_notes_by_default(alice, world):
    with time_machine.travel(world.now, tick=False):
        for number in range(51):
            alice.post(NOTES, {"text": f"Note {number}"})

    pages = walk(alice, NOTES)

    assert len(pages[0]) == 50
    shown = list(chain(*pages))
    assert len(set(shown)) == len(shown)


def test_new_note_causes_no_gap_and_no_duplicate(alice):
    whole = titles(alice.get(NOTES))
    first = alice.get(NOTES, limit=5)
    alice.post(NOTES, {"text": "Meanwhile"})

    second = alice.get(links(first)["next"].removeprefix("http://garden.localhost"))

    assert titles(first) + titles(second) == whole[:10]


def test_links_are_absolute_and_repeat_every_parameter(alice):
    response = alice.get(NOTES, limit=2, created_by="bob", sort_by="updated_at-asc")

    found = links(response)
    assert found.pop("help") == "/llms.txt"
    assert set(found) == {"next", "first"}
    for url in found.values():
        assert url.startswith(f"http://garden.localhost{NOTES}?")
        assert {"limit=2", "created_by=bob", "sort_by=updated_at-asc"} <= set(
            url.partition("?")[2].split("&")
        )
    assert "cursor=" in found["next"]
    assert "cursor=" not in found["first"]


def test_total_is_counted_only_on_request(alice):
    assert "X-Total-Count" not in alice.get(NOTES, limit=2)

    counted = alice.get(NOTES, limit=2, count="true")
    assert int(counted["X-Total-Count"]) == len(alice.get(NOTES, limit=200).json())


def cursor_of(response) -> str:
    return str(re.findall(r"cursor=([^&>]+)", response["Link"])[0])


def test_cursor_is_bound_to_list_order_and_filters(alice):
    cursor = cursor_of(alice.get(NOTES, limit=2))

    assert alice.get(f"{NOTES}?limit=3&cursor={cursor}").status_code == 200
    for other in (
        f"{NOTES}?sort_by=created_at-asc&cursor={cursor}",
        f"{NOTES}?created_by=bob&cursor={cursor}",
        f"{BASE}/notes?cursor={cursor}",
        f"{BASE}/users?cursor={cursor}",
        f"{NOTES}?cursor={cursor[:-3]}",
        f"{NOTES}?cursor=nonsense",
    ):
        assert error_of(alice.get(other), 400).startswith("cursor ")


@pytest.mark.meets("age of a cursor")
def test_cursor_expires_after_a_week(rest, world):
    alice = rest("alice", days=90)
    cursor = cursor_of(alice.get(NOTES, limit=2))

    with time_machine.travel(world.now + timedelta(days=7)):
        assert alice.get(f"{NOTES}?cursor={cursor}").status_code == 200
    with time_machine.travel(world.now + timedelta(days=8)):
        assert error_of(alice.get(f"{NOTES}?cursor={cursor}"), 400).startswith("cursor ")


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=ten",
        "limit=99999999999999999999999",
        "count=perhaps",
        "sort_by=title-asc",
        "sort_by=created_at",
        "created_by=nobody",
        "subtype=poem",
        "status=achieved",
        "created_after=yesterday",
        "created_before=x",
        "updated_after=x",
        "updated_before=x",
        "deadline_after=x",
        "deadline_before=x",
        "commentable=Note",
        "commentable=Note:00000000",
        "commentable=Poem:1",
        "scope=some",
        "filters=mine,oops",
        "filters=new",
        "filters=created_at>yesterday",
        "filters=created_at>{x}",
        "cycle=foo",
        "cycle=This-Week",
        "cycle=99999-days-ago",
        "cycle=10000-years-ago",
    ],
)
def test_invalid_values_are_refused_by_name(alice, query):
    name = query.partition("=")[0]
    response = alice.get(f"{BASE}/notes?{query}")

    assert error_of(response, 400).startswith(f"{name} ")
    assert list(response.json()["fields"]) == [name]


@pytest.mark.parametrize("query", ["limit=", "sort_by=", "created_by=", "status="])
def test_blank_values_change_nothing(alice, query):
    assert titles(alice.get(f"{NOTES}?{query}")) == titles(alice.get(NOTES))
