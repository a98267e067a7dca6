"""The query condition of a search: which items match."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, partial, reduce
from operator import or_
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual

from accounts.models import TenantUser
from collectives.cycles.queries import belonging_to
from collectives.cycles.windows import cycle_named
from collectives.events.models import CONFIRMED, Event
from collectives.items import kinds
from collectives.items.models import readers
from collectives.models import Collective
from collectives.notifications.models import Mention
from collectives.search.index import entries
from collectives.search.index.grams import by_author, in_place, of_kind
from collectives.search.language.grammar import Given, Query, Remark
from collectives.search.language.operators import ALL, NUMBERS
from collectives.search.numbers import number
from harmonic.kernel.access import Access, CollectiveKind
from harmonic.kernel.rendering.text import folded

NOTHING = Q(pk__in=())
MAIN = "main"
NO_SUCH_DAY = Remark("", "has no effect, because the date does not exist.")
# The conditions of collectives.
_VISIBILITY = {
    "public": Q(is_main=True),
    "shared": Q(is_main=False, kind=CollectiveKind.STANDARD),
    "private": Q(kind=CollectiveKind.WORKSPACE),
}
_RELATIVE = re.compile(r"([+-])([0-9]+)([dwmy])")
_PEOPLE = ("creator", "read-by", "voter", "participant", "mentions", "replying-to")


@dataclass(frozen=True)
class Conditions:
    """The condition of one caller's search, and remarks on the parts that have no effect.

    It is limited to the newest `LOOKED_AT` texts that the index returns, of one collective or of
    all that the caller may read. Combine it with `Item.objects.visible_to` all the same.
    """

    access: Access
    query: Query
    place_id: UUID | None = None
    is_oldest_first: bool = False

    @cached_property
    def whole(self) -> Q:
        parts = (
            self._text(),
            self._kinds(),
            self._status(),
            self._people(),
            self._numbers(),
            self._times(),
        )
        found = Q()
        for part in parts:
            found &= part
        return found

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """Return the remarks that the results show."""
        given = [self.query.last("after"), self.query.last("before")]
        days = [
            Remark(each.token, NO_SUCH_DAY.sentence)
            for each in given
            if each and self._day(each) is None
        ]
        cycle = self.query.last("cycle")
        if cycle and any(given):
            sentence = "has no effect in combination with after or before."
            days.append(Remark(cycle.token, sentence))
        return (*self.query.remarks, *days, *self._bound())

    def _bound(self) -> list[Remark]:
        """Return a remark if the index may have more texts than the search looked at."""
        if len(self._keys) < entries.LOOKED_AT:
            return []
        way = "oldest" if self.is_oldest_first else "newest"
        looked = f"The search looked at the {way} {entries.LOOKED_AT:,} texts only."
        return [Remark("", f"{looked} Narrow it with words, collective:, creator: or type:.")]

    # --- Text -------------------------------------------------------------------------------

    @property
    def _held(self) -> tuple[str, ...]:
        return (*self.query.words, *self.query.phrases)

    def _text(self) -> Q:
        if not self._keys:
            return NOTHING
        return entries.containing(self._keys, self._held, self.query.excluded)

    @cached_property
    def _keys(self) -> list[int]:
        """The keys of the texts that the search looks at."""
        places = list(map(in_place, self._place_ids))
        if not places:
            return []
        types = list(map(of_kind, self.query.values("type")))
        authors = list(map(by_author, self._ids_of(self.query.values("creator"))))
        facets = filter(None, (places, types, authors))
        return entries.candidates(
            facets, self._held, is_oldest_first=self.is_oldest_first, limit=entries.LOOKED_AT
        )

    # --- Place and type ---------------------------------------------------------------------

    @cached_property
    def _place_ids(self) -> list[UUID]:
        wanted = self._place()
        if self.place_id is None:
            rows = Collective.objects.readable_by(self.access).filter(wanted)
        elif wanted:
            rows = Collective.objects.filter(wanted, pk=self.place_id)
        else:
            return [self.place_id]
        return list(rows.values_list("pk", flat=True))

    def _place(self) -> Q:
        """Return the condition of the collectives that the search names."""
        handle = self.query.value("collective")
        found = Q()
        if handle:
            found &= Q(is_main=True) if handle == MAIN else Q(handle=handle)
        return found & self._visibility()

    def _visibility(self) -> Q:
        wanted = {*self.query.values("visibility"), *self.query.values("scope")}
        barred = {
            *self.query.values("visibility", is_negated=True),
            *self.query.values("scope", is_negated=True),
        }
        if len(wanted) > 1:
            barred = set()
        found = _any(_VISIBILITY[word] for word in sorted(wanted)) if wanted else Q()
        for word in sorted(barred):
            found &= ~_VISIBILITY[word]
        return found

    def _kinds(self) -> Q:
        types = {kind.name.lower(): Q(kind=kind.name) for kind in kinds.all_kinds()}
        found = self._each("type", lambda values: _any(types[value] for value in values))
        return found & self._each("subtype", lambda values: Q(subtype__in=values))

    def _status(self) -> Q:
        is_open = Q(deadline__gt=self.access.now)
        if barred := self.query.last("status", is_negated=True):
            return ~is_open if barred.values == ("open",) else is_open
        wanted = self.query.value("status")
        return {"open": is_open, "closed": ~is_open}.get(wanted, Q())

    def _each(self, key: str, condition: Callable[[tuple[str, ...]], Q]) -> Q:
        """Return the condition of an operator with several values, of which one must match."""
        wanted = self.query.values(key)
        barred = self.query.values(key, is_negated=True)
        found = condition(wanted) if wanted else Q()
        return found & ~condition(barred) if barred else found

    # --- People -----------------------------------------------------------------------------

    def _people(self) -> Q:
        involving: dict[str, Callable[[Sequence[UUID]], Q]] = {
            "creator": lambda ids: Q(created_by__in=ids),
            "read-by": _read_by,
            "voter": lambda ids: kinds.involving("voter", ids),
            "participant": lambda ids: kinds.involving("participant", ids),
            "mentions": _mentioning,
            "replying-to": lambda ids: Q(parent__created_by__in=ids),
        }
        found = Q()
        for key, condition in involving.items():
            found &= self._each(key, partial(self._named, condition))
        return found

    def _named(self, condition: Callable[[Sequence[UUID]], Q], handles: Sequence[str]) -> Q:
        ids = self._ids_of(handles)
        return condition(ids) if ids else NOTHING

    def _ids_of(self, handles: Sequence[str]) -> list[UUID]:
        if not handles:
            return []
        return [self._user_ids[key] for key in map(folded, handles) if key in self._user_ids]

    @cached_property
    def _user_ids(self) -> dict[str, UUID]:
        """The IDs of all users named in the search, by handle key."""
        keys = {folded(value) for each in self._naming for value in each.values}
        rows = TenantUser.objects.filter(handle_key__in=sorted(keys))
        return dict(rows.values_list("handle_key", "user_id"))

    @property
    def _naming(self) -> list[Given]:
        return [each for each in self.query.given if each.key in _PEOPLE]

    # --- Numbers ----------------------------------------------------------------------------

    def _numbers(self) -> Q:
        found = Q()
        for name in NUMBERS:
            if least := self.query.value(f"min-{name}"):
                found &= Q(GreaterThanOrEqual(number(name), Value(int(least))))
            if most := self.query.value(f"max-{name}"):
                found &= Q(LessThanOrEqual(number(name), Value(int(most))))
        if wanted := self.query.value("critical-mass-achieved"):
            reaching = [kind.name for kind in kinds.all_kinds() if kind.out_of]
            is_achieved = Q(GreaterThanOrEqual(kinds.count(readers), kinds.out_of()))
            found &= Q(kind__in=reaching)
            found &= is_achieved if wanted == "true" else ~is_achieved
        return found

    # --- Times ------------------------------------------------------------------------------

    def _times(self) -> Q:
        after, before = self.query.last("after"), self.query.last("before")
        if not (after or before):
            return self._cycle()
        found = Q()
        if after and (day := self._day(after)):
            found &= Q(created_at__gte=datetime.combine(day, time.min, UTC))
        if before and (day := self._day(before)):
            found &= Q(deadline__lte=datetime.combine(day, time.max, UTC))
        return found

    def _day(self, given: Given) -> date | None:
        """Return the date that a value refers to, or None if it does not exist."""
        value, today = given.values[0], self.access.now.astimezone(UTC).date()
        try:
            match = _RELATIVE.fullmatch(value)
            return _moved(today, match) if match else date.fromisoformat(value)
        except (ValueError, OverflowError):
            return None

    def _cycle(self) -> Q:
        name = self.query.value("cycle")
        if not name or name == ALL:
            return Q()
        cycle = cycle_named(name, self.access.now, self._zone())
        return belonging_to(cycle) if cycle else NOTHING

    def _zone(self) -> ZoneInfo:
        """Return the timezone of the collective named in the search, or else of the tenant."""
        handle = self.query.value("collective")
        named = Q(is_main=True) if handle == MAIN else Q(handle=handle)
        readable = Collective.objects.readable_by(self.access).filter(named) if handle else None
        found = readable.values_list("timezone", flat=True).first() if readable else None
        return ZoneInfo(found) if found else self.access.tenant.zone


def _any(parts: Iterable[Q]) -> Q:
    return reduce(or_, parts)


def _read_by(user_ids: Sequence[UUID]) -> Q:
    rows = Event.unscoped.filter(tenant=OuterRef("tenant"), item=OuterRef("pk"), verb=CONFIRMED)
    return Q(Exists(rows.filter(actor__in=user_ids)))


def _mentioning(user_ids: Sequence[UUID]) -> Q:
    rows = Mention.unscoped.filter(tenant=OuterRef("tenant"), item=OuterRef("pk"))
    return Q(Exists(rows.filter(user__in=user_ids)))


def _moved(today: date, match: re.Match[str]) -> date:
    """Return the date some days, weeks, calendar months or years before or after today."""
    distance = int(f"{match[1]}{match[2]}")
    if match[3] in "dw":
        return today + timedelta(days=distance * (7 if match[3] == "w" else 1))
    months = today.year * 12 + today.month - 1 + distance * (12 if match[3] == "y" else 1)
    year, month = months // 12, months % 12 + 1
    last = calendar.monthrange(year, month)[1]
    return date(year, month, min(today.day, last))
