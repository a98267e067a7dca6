"""Cycles over REST: their fields, items, filters and order (rest §10)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from collectives.cycles import queries
from collectives.cycles.ordering import KEYS
from collectives.cycles.windows import Cycle, cycle_named
from collectives.items import kinds
from collectives.models import Collective
from collectives.notes.models import Note
from tests.cycles.conftest import Write

CYCLES = "/collectives/kitchen/api/v1/cycles"
ZONE = ZoneInfo("America/New_York")
YEARS = timedelta(days=36_500)


@pytest.fixture
def alice(api: Any, empty_kitchen: None) -> Any:
    Collective.unscoped.filter(handle="kitchen").update(timezone=ZONE.key)
    return api("alice")


def week(name: str = "this-week") -> Cycle:
    cycle = cycle_named(name, datetime.now(UTC), ZONE)
    assert cycle is not None
    return cycle


def shown(client: Any, name: str = "this-week", **query: str) -> Any:
    response = client.get(f"{CYCLES}/{name}", query)
    assert response.status_code == 200, response.text
    return response.json()


def titles(client: Any, name: str = "this-week", **query: str) -> list[str]:
    cycle = shown(client, name, **query)
    found = [note["title"] for note in cycle["notes"]]
    assert cycle["counts"]["notes"] == len(found)
    return found


# --- Shape ----------------------------------------------------------------------------------


def test_a_cycle_has_the_fields_of_the_contract(alice: Any) -> None:
    cycle = shown(alice)

    plurals = [kind.plural for kind in kinds.all_kinds()]
    facts = ["name", "display_name", "time_window", "unit", "start_date", "end_date", "counts"]
    assert list(cycle) == [*facts, *plurals, "backlinks"]
    assert list(cycle["counts"]) == plurals
    assert (cycle["name"], cycle["display_name"], cycle["unit"]) == (
        "this-week",
        "This Week",
        "week",
    )
    assert cycle["time_window"] == week().time_window


def test_times_have_the_offset_of_the_collectives_timezone(alice: Any) -> None:
    cycle = shown(alice)

    assert datetime.fromisoformat(cycle["start_date"]) == week().start
    assert cycle["start_date"].endswith(("T00:00:00.000-05:00", "T00:00:00.000-04:00"))
    assert cycle["end_date"] == shown(alice, "next-week")["start_date"]


def test_times_in_utc_end_with_z(alice: Any) -> None:
    Collective.unscoped.filter(handle="kitchen").update(timezone="UTC")

    assert shown(alice)["start_date"].endswith("T00:00:00.000Z")


def test_the_index_has_the_four_current_cycles(alice: Any, write: Write) -> None:
    write("Just now", week("today").start + timedelta(seconds=1))

    cycles = alice.get(CYCLES).json()

    assert [each["name"] for each in cycles] == ["today", "this-week", "this-month", "this-year"]
    assert all(each["counts"]["notes"] == 1 and "notes" not in each for each in cycles)


def test_the_index_includes_arrays_on_request(alice: Any, write: Write) -> None:
    note = write("Just now", week("today").start + timedelta(seconds=1))

    cycles = alice.get(f"{CYCLES}?include=notes,unknown").json()

    assert all([row["id"] for row in each["notes"]] == [str(note.id)] for each in cycles)


def test_included_items_have_no_included_data(alice: Any, write: Write) -> None:
    note = write("Just now", week("today").start + timedelta(seconds=1))

    plain = alice.get(f"/collectives/kitchen/api/v1/notes/{note.id}").json()

    assert shown(alice, include="comments,created_by")["notes"] == [plain]


@pytest.mark.parametrize("base", ["/api/v1", "/workspace/{workspace}/api/v1"])
def test_cycles_are_below_every_base(api: Any, world: Any, base: str) -> None:
    path = base.format(workspace=world.workspace("alice").handle)

    assert api("alice").get(f"{path}/cycles/today").json()["name"] == "today"


# --- Refusals -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["foo", "This-Week", "10001-days-ago", "9999-years-ago", "week"])
def test_an_unknown_cycle_is_not_found(alice: Any, name: str) -> None:
    response = alice.get(f"{CYCLES}/{name}")

    assert response.status_code == 404
    assert response.json()["error"] == "Cycle not found"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", [CYCLES, f"{CYCLES}/today", f"{CYCLES}/foo"])
def test_cycles_cannot_be_written(alice: Any, api: Any, method: str, path: str) -> None:
    response = getattr(alice, method)(path, {}, content_type="application/json")

    assert response.status_code == 404
    assert response.json()["error"] == "Not found"
    reader = getattr(api("alice", scope="read"), method)(path, {}, content_type="application/json")
    assert reader.status_code == 403


def test_an_agent_has_no_capability_to_write_cycles(api: Any) -> None:
    response = api("alice", agent="scout").post(CYCLES, {}, content_type="application/json")

    assert response.status_code == 403
    assert "Your capabilities do not include 'unmapped_write:" in response.json()["error"]


def test_an_outsider_cannot_read_cycles(api: Any) -> None:
    assert api("carol").get(f"{CYCLES}/today").status_code == 403


def test_an_unknown_parameter_of_a_cycle_is_refused(alice: Any) -> None:
    for path in (CYCLES, f"{CYCLES}/today"):
        response = alice.get(f"{path}?filter=mine")
        assert response.status_code == 400
        assert response.json()["code"] == "unknown_parameter"


# --- What belongs (content §10.3) -----------------------------------------------------------


def test_items_belong_to_the_cycles_that_they_span(alice: Any, write: Write) -> None:
    """Content §10.2: a note from the last minute of a week, and an item that is due later."""
    last_minute = week().start - timedelta(minutes=1)
    write("Sunday night", last_minute)
    write("Due on Thursday", last_minute, deadline=week().start + timedelta(days=3))

    assert set(titles(alice, "last-week")) == {"Sunday night", "Due on Thursday"}
    assert titles(alice, "this-week") == ["Due on Thursday"]
    assert titles(alice, "next-week") == []


def test_an_item_without_deadline_is_in_every_later_cycle(alice: Any, write: Write) -> None:
    made = week("3-weeks-ago").start
    write("For ever", made, deadline=made + YEARS)

    for name in ("3-weeks-ago", "last-week", "next-year", "100-weeks-from-now"):
        assert titles(alice, name) == ["For ever"]
    assert titles(alice, "4-weeks-ago") == []


def test_a_cycle_excludes_its_end_and_deadlines_at_its_start(alice: Any, write: Write) -> None:
    write("At the end", week().end, deadline=week().end + YEARS)
    write("Due at the start", week("last-week").start, deadline=week().start)
    write("First instant", week().start, deadline=week().end)

    assert titles(alice) == ["First instant"]


def test_comments_count_as_notes_and_deleted_items_do_not(alice: Any, write: Write) -> None:
    note = write("Commented", week("today").start + timedelta(seconds=1))
    path = f"/collectives/kitchen/api/v1/notes/{note.id}"
    alice.post(f"{path}/comments", {"text": "A comment"}, content_type="application/json")
    gone = write("Deleted", week("today").start + timedelta(seconds=1))
    Note.unscoped.filter(id=gone.id).update(deleted_at=datetime.now(UTC))

    assert set(titles(alice, "today")) == {"A comment", "Commented"}


def test_items_of_other_collectives_are_in_no_cycle(alice: Any, api: Any) -> None:
    alice.post("/api/v1/notes", {"text": "In the main one"}, content_type="application/json")

    assert titles(alice, "today") == []
    assert "In the main one" in str(alice.get("/api/v1/cycles/today").json())


# --- Filters (rest §10.2) -------------------------------------------------------------------

HOURS = timedelta(hours=1)


@pytest.fixture
def several(write: Write) -> None:
    """Write notes that differ in each filter, all in this week and the last."""
    before, now, end = week().start - HOURS, datetime.now(UTC), week().end
    write("old", before, by="alice", deadline=now + YEARS)
    write("soon", before, deadline=min(now + timedelta(seconds=30), end))
    write("updated", before, deadline=end + HOURS, updated_at=before + 2 * HOURS)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("", {"old", "soon", "updated"}),
        ("none", {"old", "soon", "updated"}),
        ("mine", {"old"}),
        ("not_mine", {"soon", "updated"}),
        ("new", set()),
        ("old", {"old", "soon", "updated"}),
        ("open", {"old", "soon", "updated"}),
        ("closed", set()),
        ("closing_soon", {"soon"}),
        ("deadline_within_cycle", {"soon"}),
        ("deadline_after_cycle", {"old", "updated"}),
        ("updated", {"updated"}),
        ("updated_within_cycle", {"updated"}),
        ("created_or_updated_within_cycle", {"updated"}),
        ("created_by:bob", {"soon", "updated"}),
        ("created_by:@Bob", {"soon", "updated"}),
        ("created_by:nobody", set()),
        ("created_at>2020-01-01", {"old", "soon", "updated"}),
        ("created_at<2020-01-01T10:30:00Z", set()),
        ("deadline>2100-01-01", {"old"}),
        ("mine,not_mine", set()),
        ("open, created_by:bob", {"soon", "updated"}),
        ("unknown,mine", {"old"}),
        ("created_at>yesterday,mine", {"old"}),
    ],
)
def test_filters_of_the_current_cycle(
    alice: Any, several: None, filters: str, found: set[str]
) -> None:
    assert set(titles(alice, filters=filters)) == found


@pytest.mark.parametrize(
    ("name", "impossible"),
    [
        ("last-week", ["closing_soon", "deadline_after_cycle"]),
        (
            "next-week",
            [
                *("new", "old", "open", "closed", "closing_soon", "updated_within_cycle"),
                "created_or_updated_within_cycle",
            ],
        ),
    ],
)
def test_filters_that_are_meaningless_in_a_cycle_are_ignored(
    alice: Any, several: None, name: str, impossible: list[str]
) -> None:
    whole = titles(alice, name)

    assert whole
    for word in impossible:
        assert titles(alice, name, filters=word) == whole, word


def test_filters_of_a_past_cycle(alice: Any, several: None) -> None:
    assert set(titles(alice, "last-week", filters="new")) == {"old", "soon", "updated"}
    assert titles(alice, "last-week", filters="closed") == []
    assert set(titles(alice, "last-week", filters="updated_within_cycle")) == {"updated"}


def test_a_list_with_a_cycle_supports_its_filters(alice: Any, several: None) -> None:
    notes = "/collectives/kitchen/api/v1/notes"
    query = {"cycle": "this-week", "filters": "closing_soon"}

    assert [note["title"] for note in alice.get(notes, query).json()] == ["soon"]
    assert alice.get(notes, {"filters": "closing_soon"}).status_code == 400


# --- Order ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sort_by", "order"),
    [
        ("", ["third", "Second", "first"]),
        ("created_at-asc", ["first", "Second", "third"]),
        ("title-asc", ["first", "Second", "third"]),
        ("title-desc", ["third", "Second", "first"]),
        ("deadline-asc", ["third", "Second", "first"]),
        ("updated_at-asc", ["first", "Second", "third"]),
        ("unknown-asc", ["first", "Second", "third"]),
        ("created_at-sideways", ["third", "Second", "first"]),
        ("voter_count-asc", ["first", "Second", "third"]),
        ("item_type-desc", ["third", "Second", "first"]),
    ],
)
def test_items_are_sorted(alice: Any, write: Write, sort_by: str, order: list[str]) -> None:
    for number, title in enumerate(("first", "Second", "third")):
        made = week().start + timedelta(seconds=number + 1)
        write(title, made, deadline=week().end + (3 - number) * HOURS)

    assert titles(alice, sort_by=sort_by) == order


def test_every_sort_key_and_direction_works(alice: Any, write: Write) -> None:
    write("Alone", week().start, deadline=week().end)

    for key in KEYS:
        for way in ("asc", "desc"):
            assert titles(alice, sort_by=f"{key}-{way}") == ["Alone"]


def test_notes_without_title_are_sorted_by_their_first_line(alice: Any, write: Write) -> None:
    for title in ("b", "a"):
        write(title, week().start, deadline=week().end)
    made = write("c", week().start, deadline=week().end)
    Note.unscoped.filter(id=made.id).update(title="", text="aa\nmore")

    assert titles(alice, sort_by="title-asc") == ["a", "aa", "b"]


# --- Bounds ---------------------------------------------------------------------------------


@pytest.mark.meets("items of each kind in a cycle")
@pytest.mark.parametrize("sort_by", ["created_at-desc", "deadline-asc"])
def test_a_truncated_array_continues_in_the_list(
    alice: Any, write: Write, monkeypatch: pytest.MonkeyPatch, sort_by: str
) -> None:
    for number in range(5):
        write(f"Note {number}", week().start + timedelta(seconds=number + 1))
    monkeypatch.setattr(queries, "LISTED", 2)

    cycle = shown(alice, sort_by=sort_by, filters="not_mine,unknown")

    following = alice.get(cycle["next"]["notes"])
    found = [note["title"] for note in [*cycle["notes"], *following.json()]]
    assert cycle["counts"]["notes"] == 5
    assert len(cycle["notes"]) == 2
    assert sorted(found) == [f"Note {number}" for number in range(5)]
    assert found == sorted(found, reverse=sort_by == "created_at-desc")


def test_a_truncated_array_in_another_order_continues_at_the_start_of_the_list(
    alice: Any, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        write(f"Note {number}", week().start + timedelta(seconds=number + 1))
    monkeypatch.setattr(queries, "LISTED", 2)

    cycle = shown(alice, sort_by="title-asc")

    assert [note["title"] for note in cycle["notes"]] == ["Note 0", "Note 1"]
    assert len(alice.get(cycle["next"]["notes"]).json()) == 3


def test_long_texts_truncate_an_array(alice: Any, write: Write) -> None:
    for number in range(3):
        note = write(f"Note {number}", week().start + timedelta(seconds=number + 1))
        Note.unscoped.filter(id=note.id).update(text="x" * 600_000)

    cycle = shown(alice)

    assert len(cycle["notes"]) == 1
    assert len(alice.get(cycle["next"]["notes"]).json()) == 1


@pytest.mark.parametrize(
    ("query", "most"), [("", 3), ("/this-year", 8), ("?include=notes,backlinks", 12)]
)
def test_the_queries_of_a_cycle_do_not_depend_on_the_number_of_items(
    alice: Any, write: Write, query: str, most: int
) -> None:
    write("First", week("today").start + timedelta(seconds=1))
    before = queries_of(alice, query)
    for number in range(10):
        write(f"More {number}", week("today").start + timedelta(seconds=1))

    assert queries_of(alice, query) == before <= most


def queries_of(client: Any, query: str) -> int:
    client.get(f"{CYCLES}{query}")
    with CaptureQueriesContext(connection) as captured:
        assert client.get(f"{CYCLES}{query}").status_code == 200
    return len(captured.captured_queries)
