"""The presentation of a commitment on pages: its state, progress, times and wording."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

from collectives.commitments.models import Commitment, Status
from collectives.commitments.words import Words, words_of
from collectives.items.deadlines import is_manual
from collectives.queries import current_collective
from harmonic.kernel.access import Access

# The length of the progress bar in Markdown.
BAR = 50


class EventStatus(StrEnum):
    UPCOMING = "Upcoming"
    HAPPENING = "Happening now"
    PAST = "Past"


def event_status(commitment: Commitment, now: datetime) -> EventStatus | None:
    """Return the status of a calendar event, or None for other subtypes."""
    if commitment.starts_at is None or commitment.ends_at is None:
        return None
    if now < commitment.starts_at:
        return EventStatus.UPCOMING
    return EventStatus.HAPPENING if now < commitment.ends_at else EventStatus.PAST


def is_all_day(commitment: Commitment, zone: ZoneInfo) -> bool:
    """Return whether a calendar event lasts from midnight to midnight in a time zone."""
    moments = (commitment.starts_at, commitment.ends_at)
    return all(at and at.astimezone(zone).time() == time() for at in moments)


@dataclass(frozen=True)
class CommitmentView:
    """A commitment at the time of a request, for templates."""

    row: Commitment
    access: Access

    @cached_property
    def words(self) -> Words:
        return words_of(self.row)

    @property
    def is_closed(self) -> bool:
        return self.row.is_closed(self.access.now)

    @cached_property
    def status(self) -> Status:
        return self.row.status(self.access.now)

    @property
    def state(self) -> str:
        """The state as a sentence."""
        return self.status.sentence

    @property
    def counted(self) -> str:
        """The number of participants with their noun."""
        return self.words.counted(self.row.participant_count)

    @property
    def noun(self) -> str:
        """The noun for the critical mass, in the singular or plural."""
        return self.words.of(self.row.critical_mass)

    @property
    def noun_missing(self) -> str:
        return self.words.of(self.row.missing)

    @property
    def bar(self) -> str:
        """The progress as a bar of `#` and `_`."""
        filled = self.row.progress * BAR // 100
        return "#" * filled + "_" * (BAR - filled)

    @property
    def closes_by_hand(self) -> bool:
        """Return whether it has no deadline and its creator closes it."""
        return is_manual(self.row.deadline, self.access.now)

    @property
    def closes_when_full(self) -> bool:
        return self.row.limit is not None and not self.is_closed

    # --- Calendar events --------------------------------------------------------------------

    @property
    def event_status(self) -> EventStatus | None:
        return event_status(self.row, self.access.now)

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(current_collective(self.access).timezone)

    @property
    def days(self) -> str:
        """The days of an all-day event, or "" for an event with times."""
        starts_at, ends_at = self.row.starts_at, self.row.ends_at
        if starts_at is None or ends_at is None or not is_all_day(self.row, self.zone):
            return ""
        first = starts_at.astimezone(self.zone).date()
        last = ends_at.astimezone(self.zone).date() - timedelta(days=1)
        shown = f"{first.day} {first:%b %Y}"
        return shown if last == first else f"{shown} to {last.day} {last:%b %Y}"
