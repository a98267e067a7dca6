"""Backlinks in the API: `include=backlinks`, and the items that a cycle links to."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from collectives.items.models import Item
from collectives.links import queries
from collectives.links.models import Link
from harmonic.kernel.database.tenancy import tenant_bound
from tests.fixtures.rows import BOARD, KITCHEN, write_notes
from tests.fixtures.surfaces import REST, Caller

pytestmark = pytest.mark.django_db
ALL = ("Note", "Decision", "Commitment")
PLURALS = {"Note": "notes", "Decision": "decisions", "Commitment": "commitments"}


def to(item: Any) -> str:
    return f"[there]({item['path']})"


def link_all(world: Any, target_id: str, count: int) -> None:
    """Link notes to an item without a write for each."""
    place = world.collective("kitchen")
    rows = write_notes(world, place, count)
    with tenant_bound(place.tenant_id):
        Link.objects.bulk_create(
            Link(
                tenant_id=place.tenant_id,
                collective_id=place.id,
                source_id=row.id,
                target_id=target_id,
                created_at=timezone.now(),
            )
            for row in rows
        )


# --- include --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ALL)
def test_backlinks_are_plain_objects_with_their_kind(write, kind: str):
    target = write(kind=kind)
    sources = [write(to(target), kind=each) for each in ALL]
    alice = Caller(REST, "alice")

    base = f"{KITCHEN}/api/v1/{PLURALS[kind]}"
    one = alice.get(f"{base}/{target['id']}?include=backlinks").json["backlinks"]
    listed = alice.get(f"{base}?include=backlinks").json

    plain = [
        {
            "item_type": each,
            **alice.get(f"{KITCHEN}/api/v1/{PLURALS[each]}/{source['id']}").json,
        }
        for each, source in zip(reversed(ALL), reversed(sources), strict=True)
    ]
    assert one == plain
    assert next(row for row in listed if row["id"] == target["id"])["backlinks"] == plain
    assert "backlinks" not in alice.get(f"{base}/{target['id']}").json


@pytest.mark.parametrize("kind", ALL)
def test_writes_include_backlinks_too(write, kind: str):
    target = write(kind=kind)
    source = write(to(target))
    path = f"{KITCHEN}/api/v1/{PLURALS[kind]}/{target['id']}?include=backlinks"
    name = {"Note": "text", "Decision": "description", "Commitment": "description"}[kind]

    changed = Caller(REST, "bob")._send("PATCH", path, {name: "Changed"}).assert_done().json

    assert [each["id"] for each in changed["backlinks"]] == [source["id"]]


def test_lists_across_collectives_include_the_backlinks_of_each(write):
    here, there = write(), write(who="carol", at=BOARD)
    write(to(here))
    source = write(to(there), who="carol", at=BOARD)

    found = Caller(REST, "carol").get("/api/v1/notes?scope=all&include=backlinks&limit=200").json

    rows = {row["id"]: row for row in found}
    (backlink,) = rows[there["id"]]["backlinks"]
    assert (backlink["id"], backlink["path"]) == (source["id"], source["path"])
    assert here["id"] not in rows


def test_a_list_takes_as_many_queries_for_many_backlinks_as_for_few(
    write, world, django_assert_max_num_queries
):
    target = write()
    for kind in ALL:
        write(to(target), kind=kind)
    alice = Caller(REST, "alice")
    path = f"{KITCHEN}/api/v1/notes?include=backlinks&limit=200"
    alice.get(path)

    with django_assert_max_num_queries(12):
        alice.get(path)
    others = [write() for _ in range(5)]
    for other in others:
        link_all(world, other["id"], 5)
    with django_assert_max_num_queries(12):
        alice.get(path)


def test_truncated_backlinks_are_reported_as_incomplete(write, world, monkeypatch):
    target = write()
    link_all(world, target["id"], 5)
    monkeypatch.setattr(queries, "INCLUDED", 3)

    for path in (f"/{target['id']}", ""):
        found = Caller(REST, "alice").get(f"{KITCHEN}/api/v1/notes{path}?include=backlinks").json
        note = found if path else next(row for row in found if row["id"] == target["id"])
        assert (len(note["backlinks"]), note["incomplete"]) == (3, ["backlinks"])


@pytest.mark.parametrize("kind", ["Decision", "Commitment"])
def test_backlinks_are_truncated_by_the_size_of_their_texts(write, monkeypatch, kind: str):
    target = write(kind=kind)
    for _ in range(3):
        write("x" * 400 + to(target))
    monkeypatch.setattr(queries, "LIST_BYTES", 1000)

    path = f"{KITCHEN}/api/v1/{PLURALS[kind]}/{target['id']}?include=backlinks"
    found = Caller(REST, "alice").get(path).json

    assert (len(found["backlinks"]), found["incomplete"]) == (2, ["backlinks"])


# --- Cycles ---------------------------------------------------------------------------------


@pytest.mark.rule("links.cycles")
def test_a_cycle_includes_the_items_that_its_items_link_to(write, world):
    Link.unscoped.all().delete()
    old = world.note("Knife care")
    path = f"{KITCHEN}/n/{old.truncated_id}"
    for kind in ("Note", "Decision"):
        write(f"[there]({path})", kind=kind)
    alice = Caller(REST, "alice")

    (linked,) = alice.get(f"{KITCHEN}/api/v1/cycles/today").json["backlinks"]
    by_kind = alice.get(f"{KITCHEN}/api/v1/cycles?include=backlinks").json
    before = alice.get(f"{KITCHEN}/api/v1/cycles/5-years-ago").json["backlinks"]

    assert (linked["item_type"], linked["id"]) == ("Note", str(old.id))
    assert [[each["id"] for each in row["backlinks"]] for row in by_kind] == [[str(old.id)]] * 4
    assert before == []


@pytest.mark.rule("links.cycles")
@pytest.mark.parametrize("key", ["link_count", "backlink_count"])
def test_items_of_a_cycle_are_sorted_by_their_links(write, key: str):
    target = write()
    source = write(to(target))
    path = f"{KITCHEN}/api/v1/cycles/today?sort_by={key}-desc"

    first = Caller(REST, "alice").get(path).json["notes"][0]

    assert first["id"] == (target if key == "backlink_count" else source)["id"]


def test_counts_leave_out_deleted_items(write, world):
    target, other = write(), write()
    write(to(target))
    gone = [write(to(other)) for _ in range(2)]
    for each in gone:
        Caller(REST, "bob").act("delete_note", each["path"]).assert_done()

    path = f"{KITCHEN}/api/v1/cycles/today?sort_by=backlink_count-desc"
    first = Caller(REST, "alice").get(path).json["notes"][0]

    assert first["id"] == target["id"]
    assert Item.unscoped.filter(id=other["id"]).exists()
