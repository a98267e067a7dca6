"""Presence in the current cycle of a collective: the heartbeats of its members."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import (
    Case,
    Exists,
    FilteredRelation,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)

from collectives.cycles.models import Heartbeat
from collectives.cycles.windows import Cycle, Unit, current_cycle, current_cycle_of
from collectives.models import Collective, CollectiveMember
from harmonic.kernel.access import Access
from harmonic.kernel.database.prepared import Prepared

# The number of other members' heartbeats that a page or a response includes.
SHOWN = 100
_COLUMNS = tuple(field.attname for field in Collective._meta.concrete_fields)
_OF_HEARTBEAT = ("id", "user_id", "created_at", "expires_at")


class Presence:
    """The collective of a request in its current cycle, with its members' heartbeats.

    One statement reads both when they are first used.
    """

    def __init__(self, access: Access) -> None:
        self._access = access

    @cached_property
    def _rows(self) -> list[tuple[Any, ...]]:
        access = self._access
        return list(
            _PRESENT.rows(id=access.required_place.id, now=access.now, me=access.user.user_id)
        )

    @cached_property
    def collective(self) -> Collective:
        return Collective(**dict(zip(_COLUMNS, self._rows[0], strict=False)))

    @cached_property
    def cycle(self) -> Cycle:
        return tempo_cycle(self.collective, self._access)

    @cached_property
    def heartbeats(self) -> list[Heartbeat]:
        """The heartbeats of the cycle: the caller's first, then others from newest to oldest."""
        of_members = (row[len(_COLUMNS) : -1] for row in self._rows if row[-1])
        found = [Heartbeat(**dict(zip(_OF_HEARTBEAT, row, strict=True))) for row in of_members]
        return [each for each in found if each.created_at > self.cycle.start]

    @property
    def own(self) -> Heartbeat | None:
        """The caller's heartbeat."""
        mine = self._access.user.user_id
        return next((each for each in self.heartbeats if each.user_id == mine), None)

    @property
    def others(self) -> list[Heartbeat]:
        """The newest heartbeats of other members, at most `SHOWN`."""
        mine = self._access.user.user_id
        return [each for each in self.heartbeats if each.user_id != mine][:SHOWN]

    @property
    def has_more(self) -> bool:
        return len(self.heartbeats) > len(self.others) + bool(self.own)

    @property
    def is_kept(self) -> bool:
        """Return whether the collective has heartbeats, unlike the main one and workspaces."""
        return has_heartbeats(self._access.required_place)

    @property
    def is_awaited(self) -> bool:
        """Return whether the caller has not sent a heartbeat this cycle."""
        return self.is_kept and self.own is None


class _HasKind(Protocol):
    """A collective, as a row or as the place of a request."""

    @property
    def is_main(self) -> bool: ...

    @property
    def is_workspace(self) -> bool: ...


def has_heartbeats(place: _HasKind) -> bool:
    return not (place.is_main or place.is_workspace)


def presence_here(access: Access) -> Presence:
    """Return the presence in the collective of the request."""
    return Presence(access)


def tempo_cycle(collective: Collective, access: Access) -> Cycle:
    """Return the current cycle of a collective's tempo. Workspaces are weekly (content §10.2)."""
    zone = ZoneInfo(collective.timezone)
    if collective.is_workspace:
        return current_cycle(Unit.WEEK, access.now, zone)
    return current_cycle_of(collective.tempo, access.now, zone)


def _present(*, id: UUID, now: datetime, me: UUID) -> QuerySet[Any, tuple[Any, ...]]:
    """Return a collective with each unexpired heartbeat, and whether its sender is a member.

    The caller's heartbeats come first, then others from newest to oldest.
    """
    rows = Collective.objects.filter(id=id).annotate(
        present=FilteredRelation("heartbeats", condition=Q(heartbeats__expires_at__gt=now))
    )
    members = CollectiveMember.objects.active().filter(
        collective=OuterRef("pk"), person__user=OuterRef("present__user")
    )
    is_other = Case(
        When(present__user=me, then=Value(0)), default=Value(1), output_field=IntegerField()
    )
    ordered = rows.order_by(is_other, "-present__created_at", "-present__id")
    columns = (f"present__{name}" for name in _OF_HEARTBEAT)
    return ordered.values_list(*_COLUMNS, *columns, Exists(members))[: SHOWN + 2]


_PRESENT: Prepared[tuple[Any, ...]] = Prepared(_present, tuple)


def own_heartbeat(access: Access, cycle: Cycle) -> Heartbeat | None:
    """Return the caller's heartbeat in the collective of the request."""
    rows = Heartbeat.objects.filter(
        collective=access.required_place.id,
        user=access.user.user_id,
        expires_at__gt=access.now,
        created_at__gt=cycle.start,
    )
    return rows.first()


def awaited_among(access: Access, places: Iterable[Collective]) -> set[UUID]:
    """Return the IDs of collectives where the caller has not sent a heartbeat this cycle."""
    kept = {place.id: place for place in places if has_heartbeats(place)}
    if not kept:
        return set()
    rows = Heartbeat.objects.filter(
        collective__in=kept, user=access.user.user_id, expires_at__gt=access.now
    )
    sent = {
        place_id
        for place_id, created_at in rows.values_list("collective", "created_at")
        if created_at > tempo_cycle(kept[place_id], access).start
    }
    return kept.keys() - sent
