"""Reads of the log of agents: its entries by filter, and their counts by day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDate

from harmonic.agent_log.models import REFUSED, Entry
from tokens.models import ApiToken
from tokens.usage import SHOWN_DAYS, Day, day_of

_IS_REFUSED = Q(status__in=REFUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """The filters of a log; those that are empty select everything."""

    status: str = ""
    surface: str = ""
    tool: str = ""
    token: UUID | None = None
    run: UUID | None = None
    day: date | None = None

    def of(self, agent_id: UUID) -> QuerySet[Entry]:
        """Return the entries of an agent that match, newest first."""
        named = {
            "status": self.status,
            "surface": self.surface,
            "tool_name": self.tool,
            "token_id": self.token,
            "run_id": self.run,
        }
        rows = Entry.objects.filter(user_id=agent_id).select_related("token")
        rows = rows.filter(**{name: value for name, value in named.items() if value})
        if self.day:
            begin = datetime.combine(self.day, time(), UTC)
            rows = rows.filter(called_at__gte=begin, called_at__lt=begin + timedelta(days=1))
        return rows.order_by("-called_at", "-id")


def tokens_in(agent_id: UUID) -> QuerySet[ApiToken]:
    """Return the tokens of an agent that its log names, deleted ones included, without runs'."""
    used = Entry.objects.filter(user_id=agent_id).exclude(token=None).values("token_id")
    return ApiToken.objects.filter(id__in=used, is_internal=False).order_by("-created_at", "-id")


# --- Counts ---------------------------------------------------------------------------------


def days_of(agent_id: UUID, now: datetime) -> list[Day]:
    """Return the counts of an agent's last 30 days, oldest first, days without entries included."""
    first = _first_day(now)
    rows = (
        _since(first)
        .filter(user_id=agent_id)
        .annotate(day=TruncDate("called_at", tzinfo=UTC))
        .values_list("day")
        .annotate(every=Count("id"), refused=Count("id", filter=_IS_REFUSED))
    )
    counts = {day: (every, refused) for day, every, refused in rows}
    days = [first + timedelta(days=number) for number in range(SHOWN_DAYS)]
    return [Day(day, *counts.get(day, (0, 0))) for day in days]


def counts_of(agent_ids: Iterable[UUID], now: datetime) -> Mapping[UUID, tuple[int, int]]:
    """Return the numbers of entries and of refused ones in 30 days, by agent."""
    rows: Iterable[tuple[Any, int, int]] = (
        _since(_first_day(now))
        .filter(user_id__in=list(agent_ids))
        .values_list("user_id")
        .annotate(every=Count("id"), refused=Count("id", filter=_IS_REFUSED))
    )
    return {agent_id: (every, refused) for agent_id, every, refused in rows}


def _first_day(now: datetime) -> date:
    return day_of(now) - timedelta(days=SHOWN_DAYS - 1)


def _since(first: date) -> QuerySet[Entry]:
    return Entry.objects.filter(called_at__gte=datetime.combine(first, time(), UTC)).order_by()
