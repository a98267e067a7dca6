"""Queries of links: the backlinks of items, and the most linked items of a collective."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Q, QuerySet

from collectives.items import kinds
from collectives.items.models import Item, ItemQuerySet
from collectives.items.queries import INCLUDED, LIST_BYTES, by_ids
from collectives.links.models import Link
from collectives.links.texts import Address
from harmonic.kernel.access import Access
from harmonic.kernel.database.prepared import of_model
from harmonic.kernel.database.short_ids import ShortIdModel

# The number of backlinks on the page of an item; its page of backlinks lists all.
SHOWN = 20
# The number of most linked items on the backlinks page of a collective.
MOST_LINKED = 10
# The newest backlink first.
_NEWEST = ("-links__created_at", "-links__id")


# --- One item -------------------------------------------------------------------------------


def backlinks_of(access: Access, item: Item) -> QuerySet[Item]:
    """Return the items that link to an item and that the caller may read, newest link first.

    Items of kinds that a token cannot read at their own routes are left out.
    """
    return _backlinks(access.is_subject_to_api_switches, _readable(access), **_whose(access, item))


def newest_backlinks_of(access: Access, item: Item) -> Sequence[Item]:
    """Return the first `SHOWN` of `backlinks_of`, and one more to detect further ones."""
    return _NEWEST_BACKLINKS.rows(
        access.is_subject_to_api_switches, _readable(access), **_whose(access, item)
    )


def unreadable_kinds(access: Access) -> list[kinds.Kind]:
    """Return the kinds whose items a token cannot read at their own routes."""
    return [kind for kind in kinds.all_kinds() if not access.may_read(kind.plural)]


def _readable(access: Access) -> tuple[str, ...]:
    return tuple(kind.name for kind in kinds.all_kinds() if access.may_read(kind.plural))


def _whose(access: Access, item: Item) -> dict[str, UUID]:
    return {"target": item.id, "person": access.user.person_id}


def _backlinks(
    is_subject: bool, names: tuple[str, ...], *, target: UUID, person: UUID
) -> QuerySet[Item]:
    items: ItemQuerySet[Item] = Item.objects.visible(person, is_subject_to_api_switches=is_subject)
    found = items.filter(links__target=target, kind__in=names)
    return found.with_opening().order_by(*_NEWEST)


def _newest_backlinks(
    is_subject: bool, names: tuple[str, ...], *, target: UUID, person: UUID
) -> QuerySet[Item]:
    return _backlinks(is_subject, names, target=target, person=person)[: SHOWN + 1]


_NEWEST_BACKLINKS = of_model(Item, _newest_backlinks, ("cut_text",))


# --- Several items --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Linking:
    """The items that link to several targets, and the targets whose backlinks are incomplete."""

    sources: dict[UUID, list[UUID]]
    kinds: dict[UUID, str]
    incomplete: frozenset[UUID]


def backlinks_among(access: Access, item_ids: Collection[UUID]) -> Linking:
    """Return the backlinks of several items with one statement, newest link first.

    At most `INCLUDED` are returned, with at most `LIST_BYTES` of text in total.
    """
    items: ItemQuerySet[Item] = Item.objects.visible_to(access)
    rows = items.filter(links__target__in=item_ids).order_by(*_NEWEST)
    sized = rows.values_list("links__target", "id", "kind", kinds.size())[: INCLUDED + 1]
    return _fitting(list(sized), item_ids)


def _fitting(rows: Sequence[tuple[UUID, UUID, str, int]], item_ids: Collection[UUID]) -> Linking:
    sources: dict[UUID, list[UUID]] = {item_id: [] for item_id in item_ids}
    known: dict[UUID, str] = {}
    incomplete: set[UUID] = set(item_ids) if len(rows) > INCLUDED else set()
    total = 0
    for target, source, kind, size in rows[:INCLUDED]:
        total += 0 if source in known else size
        if total > LIST_BYTES and known:
            incomplete.add(target)
            continue
        known[source] = kind
        sources[target].append(source)
    return Linking(sources, known, frozenset(incomplete))


def linked_from(access: Access, sources: QuerySet[Any], limit: int) -> dict[UUID, str]:
    """Return the items that some items link to, with their kinds, latest link first.

    At most `limit` are returned, with at most `LIST_BYTES` of text in total; the first always fits.
    """
    items: ItemQuerySet[Item] = Item.objects.visible_to(access)
    found = items.filter(backlinks__source__in=sources.values("id"))
    latest = found.annotate(linked_at=Max("backlinks__created_at")).order_by("-linked_at", "-id")
    known: dict[UUID, str] = {}
    total = 0
    for item_id, kind, size in latest.values_list("id", "kind", kinds.size())[:limit]:
        total += size
        if total > LIST_BYTES and known:
            break
        known[item_id] = kind
    return known


def items_at(collective_id: UUID, addresses: Collection[Address]) -> dict[Address, Item]:
    """Return the items of a collective at some addresses, including deleted ones, without texts."""
    short = {address.item_id[: ShortIdModel.SHORT] for address in addresses}
    if not short:
        return {}
    items = Item.objects.filter(collective=collective_id, truncated_id__in=short)
    known: dict[Address, Item] = {}
    for item in items.only("kind", "truncated_id", "deleted_at"):
        for item_id in (item.truncated_id, str(item.id)):
            known[Address(item.kind, item_id)] = item
    return {address: known[address] for address in addresses if address in known}


# --- A collective ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Linked:
    """An item, the number of items that link to it, and the time of the latest link."""

    item: Item
    count: int
    latest: datetime


def most_linked(access: Access) -> list[Linked]:
    """Return the items of the collective with the most backlinks, ties by the latest link."""
    living = Q(source__deleted_at=None, target__deleted_at=None)
    links = Link.objects.filter(living, collective=access.required_place.id)
    counted = links.order_by().values("target").annotate(count=Count("id"), at=Max("created_at"))
    first = counted.order_by("-count", "-at", "target")[:MOST_LINKED]
    rows = list(first.values_list("target", "count", "at"))
    visible: ItemQuerySet[Item] = Item.objects.visible_to(access)
    found = visible.filter(**by_ids(row[0] for row in rows)).with_opening()
    known = {item.id: item for item in found} if rows else {}
    return [Linked(known[target], *rest) for target, *rest in rows if target in known]
