"""Lists of notes: what is in them, in which order, and how they are paged."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import chain
from urllib.parse import unquote

import pytest
import time_machine

from tests.rest.conftest import BASE, KITCHEN, error_of
from tests.rest.test_notes import KEYS

NOTES = f"{KITCHEN}/notes"


def titles(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [note["title"] for note in response.json()]


def links(response) -> dict[str, str]:
    return {rel: url for url, rel in re.findall(r'<([^>]+)>; rel="(\w+)"', response["Link"])}


# --- What is in them ------------------------------------------------------------------------


def test_a_list_is_a_bare_array_of_plain_notes_newest_first(alice):
    notes = alice.get(NOTES).json()

    assert all(list(note) == KEYS for note in notes)
    assert {note["subtype"] for note in notes} == {"text"}
    created = [note["created_at"] for note in notes]
    assert created == sorted(created, reverse=True)
    assert notes[0]["title"] == "Tea is out"


def test_a_list_holds_the_notes_of_its_collective_alone(alice):
    assert titles(alice.get(f"{BASE}/notes")) == ["The garden opens at eight"]
    assert "Treasury basics" not in titles(alice.get(NOTES))


def test_deleted_notes_are_not_listed(bob, note_id):
    bob.delete(f"{NOTES}/{note_id('Knife care')}")

    assert "Knife care" not in titles(bob.get(NOTES))


@pytest.mark.parametrize("query", ["", "?include=history_events,comments,created_by"])
def test_a_list_costs_the_same_however_long(
    alice, query, django_assert_max_num_queries, django_assert_num_queries
):
    alice.get(NOTES)
    with django_assert_max_num_queries(5) as few:
        alice.get(f"{NOTES}{query}", limit=2)
    with django_assert_num_queries(len(few)):
        assert len(alice.get(f"{NOTES}{query}", limit=200).json()) > 2


@pytest.mark.parametrize("word", ["bob", "@bob", "BOB", "{id}"])
def test_by_author(alice, world, word):
    asked = word.format(id=world.user("bob").id)
    notes = alice.get(NOTES, created_by=asked).json()

    assert {note["created_by_id"] for note in notes} == {str(world.user("bob").id)}


def test_by_oneself(scout, world):
    notes = scout.get(NOTES, created_by="me").json()

    assert {note["created_by_id"] for note in notes} == {str(world.user("scout").id)}


def test_by_subtype(alice):
    comments = alice.get(NOTES, subtype="comment").json()

    assert {note["subtype"] for note in comments} == {"comment"}
    both = alice.get(NOTES, subtype="post, comment").json()
    assert {note["subtype"] for note in both} == {"text", "comment"}
    assert alice.get(NOTES, subtype="table").json() == []


def test_by_parent(alice, note_id):
    welcome = note_id("Welcome to the kitchen")
    notes = alice.get(NOTES, commentable=f"Note:{welcome[:8]}").json()

    assert len(notes) == 2
    assert {note["commentable_id"] for note in notes} == {welcome}


def test_bounds_in_time_leave_out_the_moment_itself(alice, world):
    moment = world.note("Knife care").created_at
    after = titles(alice.get(NOTES, created_after=moment.isoformat()))
    before = titles(alice.get(NOTES, created_before=moment.isoformat()))

    assert "Knife care" not in after + before
    assert "Compost" in after
    assert "Rota" in before
    assert "Rota" not in after


def test_bounds_of_updates(alice, world):
    edited = world.note("Oven on the left is slow")
    moment = edited.created_at + timedelta(hours=1)

    assert edited.title in titles(alice.get(NOTES, updated_after=moment.isoformat()))
    assert edited.title not in titles(alice.get(NOTES, updated_before=moment.isoformat()))


def test_by_status(alice, note_id):
    alice.put(f"{NOTES}/{note_id('Welcome to the kitchen')}", {"deadline": "2099-01-01"})

    assert titles(alice.get(NOTES, status="open")) == ["Welcome to the kitchen"]
    assert "Welcome to the kitchen" not in titles(alice.get(NOTES, status="closed"))


@pytest.mark.parametrize("moment", ["created_at", "updated_at", "deadline"])
def test_sorting(alice, moment):
    for direction, is_reversed in (("asc", False), ("desc", True)):
        notes = alice.get(NOTES, sort_by=f"{moment}-{direction}").json()
        values = [note[moment] for note in notes]
        assert values == sorted(values, reverse=is_reversed)


def test_the_moment_that_the_wire_shows_is_excluded(alice):
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
def test_by_words(alice, q, found):
    alice.post(NOTES, {"title": "Übergröße und Übergrösse", "text": "quince"})

    assert set(titles(alice.get(NOTES, q=q))) == found


def test_by_filters(alice, bob, world):
    made = bob.post(NOTES, {"text": "Of Bob"}).json()
    bob.put(f"{NOTES}/{made['id']}", {"deadline": "2099-01-01"})
    everything = titles(alice.get(NOTES))
    mine = titles(alice.get(NOTES, filters="mine"))
    edited = "Oven on the left is slow"
    moment = alice.get(NOTES, q="knife").json()[0]["created_at"]

    assert sorted(mine + titles(alice.get(NOTES, filters="not_mine"))) == sorted(everything)
    assert titles(alice.get(NOTES, filters="none")) == everything
    assert titles(alice.get(NOTES, filters="open, not_mine")) == ["Of Bob"]
    assert "Of Bob" not in titles(alice.get(NOTES, filters="closed"))
    assert titles(alice.get(NOTES, filters="updated")) == ["Of Bob", edited]
    assert titles(alice.get(NOTES, filters="created_by:bob")) == titles(
        alice.get(NOTES, created_by="bob")
    )
    assert titles(alice.get(NOTES, filters="created_by:nobody")) == []
    assert titles(alice.get(NOTES, filters=f"created_at:{moment}")) == ["Knife care"]
    later = titles(alice.get(NOTES, filters=f"created_at>{moment}"))
    earlier = titles(alice.get(NOTES, filters=f"created_at<{moment}"))
    assert sorted([*later, *earlier, "Knife care"]) == sorted(everything)


def test_by_cycle(alice, world):
    made = alice.post(NOTES, {"text": "Today's"}).json()
    alice.put(f"{NOTES}/{made['id']}", {"deadline": "2099-01-01"})
    today = titles(alice.get(NOTES, cycle="today"))

    assert "Today's" in today
    assert "Today's" in titles(alice.get(NOTES, cycle="2-weeks-from-now"))
    assert titles(alice.get(NOTES, cycle="yesterday", q="Today's")) == []
    assert titles(alice.get(NOTES, cycle="0-days-ago")) == today


def test_what_narrows_a_list_combines_and_pages(alice):
    for number in range(5):
        alice.post(NOTES, {"text": f"Batch {number}"})
    asked = {"q": "batch", "filters": "mine", "cycle": "today", "limit": 2, "count": "true"}
    first = alice.get(NOTES, **asked)
    second = alice.get(NOTES, cursor=unquote(cursor_of(first)), **asked)

    assert titles(first) + titles(second) == ["Batch 4", "Batch 3", "Batch 2", "Batch 1"]
    assert first["X-Total-Count"] == "5"


# --- Several collectives --------------------------------------------------------------------


def test_all_collectives_are_those_one_is_in_whose_api_is_on(alice, carol, world):
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


def test_ones_own_workspace_is_among_them(alice, bob, world):
    handle = world.workspace("alice").handle
    alice.post(f"/workspace/{handle}/api/v1/notes", {"title": "Mine alone", "text": "x"})

    assert titles(alice.get(f"{BASE}/notes", scope="all"))[0] == "Mine alone"
    assert titles(alice.get(f"{BASE}/notes", collective=handle)) == ["Mine alone"]
    assert titles(bob.get(f"{BASE}/notes", collective=handle)) == []


def test_named_collectives_and_silence_about_the_others(alice):
    asked = "garden, kitchen,treasury,board,nonsense"
    shown = titles(alice.get(f"{BASE}/notes", collective=asked, limit=200))

    assert {"The garden opens at eight", "Knife care"} <= set(shown)
    assert not {"Treasury basics", "Board minutes"} & set(shown)
    assert titles(alice.get(f"{BASE}/notes", collective="treasury")) == []


def test_a_collectives_own_base_stays_with_it(alice):
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
def test_pages_together_are_the_list(alice, sort):
    whole = titles(alice.get(NOTES, sort_by=sort))
    pages = walk(alice, f"{NOTES}?limit=5&sort_by={sort}")

    assert [len(page) for page in pages] == [5, 5, len(whole) - 10]
    assert list(chain(*pages)) == whole


def test_fifty_are_a_page(alice, world):
    with time_machine.travel(world.now, tick=False):
        for number in range(51):
            alice.post(NOTES, {"text": f"Note {number}"})

    pages = walk(alice, NOTES)

    assert len(pages[0]) == 50
    shown = list(chain(*pages))
    assert len(set(shown)) == len(shown)


def test_a_note_written_meanwhile_makes_no_gap_and_no_double(alice):
    whole = titles(alice.get(NOTES))
    first = alice.get(NOTES, limit=5)
    alice.post(NOTES, {"text": "Meanwhile"})

    second = alice.get(links(first)["next"].removeprefix("http://garden.localhost"))

    assert titles(first) + titles(second) == whole[:10]


def test_links_are_absolute_and_repeat_every_parameter(alice):
    response = alice.get(NOTES, limit=2, created_by="bob", sort_by="updated_at-asc")

    found = links(response)
    assert set(found) == {"next", "first"}
    for url in found.values():
        assert url.startswith(f"http://garden.localhost{NOTES}?")
        assert {"limit=2", "created_by=bob", "sort_by=updated_at-asc"} <= set(
            url.partition("?")[2].split("&")
        )
    assert "cursor=" in found["next"]
    assert "cursor=" not in found["first"]


def test_the_whole_is_counted_on_request_only(alice):
    assert "X-Total-Count" not in alice.get(NOTES, limit=2)

    counted = alice.get(NOTES, limit=2, count="true")
    assert int(counted["X-Total-Count"]) == len(alice.get(NOTES, limit=200).json())


def cursor_of(response) -> str:
    return str(re.findall(r"cursor=([^&>]+)", response["Link"])[0])


def test_a_cursor_belongs_to_its_list_sort_and_filters(alice):
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
def test_a_cursor_is_good_for_a_week(rest, world):
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
def test_a_bad_value_is_refused_by_name(alice, query):
    name = query.partition("=")[0]
    response = alice.get(f"{BASE}/notes?{query}")

    assert error_of(response, 400).startswith(f"{name} ")
    assert list(response.json()["fields"]) == [name]


@pytest.mark.parametrize("query", ["limit=", "sort_by=", "created_by=", "status="])
def test_blank_values_change_nothing(alice, query):
    assert titles(alice.get(f"{NOTES}?{query}")) == titles(alice.get(NOTES))
