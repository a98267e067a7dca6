"""Items across collectives: exactly those that the caller can read in each collective."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from collectives.items.models import Item
from collectives.models import Collective
from harmonic.access.access_as import access_as
from harmonic.kernel.database.tenancy import tenant_bound
from tests.access.stage import Stage
from tests.fixtures.rows import write_notes
from tests.fixtures.world import World, make_token, token_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def everywhere(world: World) -> list[Collective]:
    """A note in each collective of the tenant: open, closed, archived, private."""
    places = list(Collective.unscoped.filter(tenant=world.tenant()).select_related("tenant"))
    for place in places:
        write_notes(world, place, 1)
    Collective.unscoped.filter(handle="board").update(archived_at=timezone.now())
    return places


def ids_of(items: Any) -> set[Any]:
    return set(items.values_list("collective_id", flat=True))


@pytest.mark.parametrize("who", ["alice", "bob", "carol"])
def test_a_token_reads_across_collectives_what_it_reads_in_each(
    api: Any, everywhere: list[Collective], who: str
) -> None:
    reader = api(who)
    readable = {
        str(place.id)
        for place in everywhere
        if reader.get(f"{place.path}/api/v1/notes").status_code == 200
    }

    across = reader.get("/api/v1/notes?scope=all&limit=200").json()

    assert {note["collective_id"] for note in across} == readable
    assert 0 < len(readable) < len(everywhere)


def test_an_agent_reads_across_collectives_what_it_reads_in_each(
    api: Any, everywhere: list[Collective]
) -> None:
    scout = api("alice", agent="scout")
    readable = {
        str(place.id)
        for place in everywhere
        if scout.get(f"{place.path}/api/v1/notes").status_code == 200
    }

    across = scout.get("/api/v1/notes?scope=all&limit=200").json()

    assert {note["collective_id"] for note in across} == readable


def test_an_internal_agent_reads_across_collectives_whose_api_is_disabled(
    world: World, everywhere: list[Collective]
) -> None:
    kitchen = str(world.collective("kitchen").id)
    Collective.unscoped.filter(handle="kitchen").update(is_api_enabled=False)
    steward, scout = (
        token_client(token)
        for token in (Stage(world).internal_token(), make_token("alice", agent="scout"))
    )
    path = "/api/v1/notes?scope=all&limit=200"

    assert kitchen in {note["collective_id"] for note in steward.get(path).json()}
    assert kitchen not in {note["collective_id"] for note in scout.get(path).json()}


@pytest.mark.parametrize("who", ["alice", "carol"])
def test_a_person_sees_items_of_closed_collectives_but_not_of_archived_or_foreign_ones(
    world: World, page: Any, everywhere: list[Collective], who: str
) -> None:
    browser = page(who)
    readable = {
        place.id
        for place in everywhere
        if browser.get(f"{place.path}/n/{Item.unscoped.filter(collective=place)[0].id}").status_code
        == 200
    }
    access = access_as("garden", who, "garden", now=timezone.now())

    with tenant_bound(access.tenant.id):
        assert ids_of(Item.objects.visible_to(access)) == readable


def test_deleted_items_are_not_visible(world: World, everywhere: list[Collective]) -> None:
    Item.unscoped.update(deleted_at=timezone.now())
    access = access_as("garden", "alice", "garden", now=timezone.now())

    with tenant_bound(access.tenant.id):
        assert not Item.objects.visible_to(access).exists()


def test_the_collective_filter_returns_only_readable_items(
    api: Any, everywhere: list[Collective]
) -> None:
    shown = api("bob").get("/api/v1/notes?collective=kitchen,treasury,board").json()

    kitchen = next(place for place in everywhere if place.handle == "kitchen")
    assert {note["collective_id"] for note in shown} == {str(kitchen.id)}
