"""Calendar files of commitments (RFC 5545)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from icalendar import Calendar, Event

from collectives.commitments.models import Commitment
from collectives.commitments.queries import live_commitment_at
from collectives.commitments.showing import is_all_day
from collectives.queries import current_collective
from harmonic.kernel.access import Access
from harmonic.kernel.refusals import NotFound
from harmonic.kernel.rendering.documents import keep_private

CONTENT_TYPE = "text/calendar; charset=utf-8"
PRODUCT = "-//Harmonic//Harmonic//EN"
# Calendars show short descriptions, so longer texts are cut.
DESCRIPTION_SHOWN = 2000


def calendar_response(access: Access, commitment_id: str) -> HttpResponse:
    """Return the response with the calendar file of an event.

    Raises:
        NotFound: the commitment does not exist, or is not a calendar event.
    """
    commitment = live_commitment_at(access, commitment_id)
    if not commitment.is_event:
        raise NotFound(hint="Only calendar events have a calendar file.")
    zone = ZoneInfo(current_collective(access).timezone)
    url = f"{access.origin}{commitment.path_in(access.required_place.path)}"
    response = HttpResponse(
        calendar_of(commitment, zone, url, access.host), content_type=CONTENT_TYPE
    )
    name = f"{commitment.truncated_id}.ics"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    keep_private(response)
    return response


def calendar_of(commitment: Commitment, zone: ZoneInfo, url: str, host: str) -> bytes:
    """Return the calendar file of an event. All-day events have dates in `zone`."""
    assert commitment.starts_at is not None  # an event has both times, by its rules
    assert commitment.ends_at is not None
    event = Event()
    event.add("uid", f"{commitment.id}@{host.partition(':')[0]}")
    event.add("dtstamp", _seconds(commitment.updated_at))
    event.add("created", _seconds(commitment.created_at))
    event.add("last-modified", _seconds(commitment.updated_at))
    is_dated = is_all_day(commitment, zone)
    event.add("dtstart", _shown(commitment.starts_at, zone, is_dated=is_dated))
    event.add("dtend", _shown(commitment.ends_at, zone, is_dated=is_dated))
    event.add("summary", commitment.title)
    event.add("url", url)
    if commitment.location:
        event.add("location", commitment.location)
    if commitment.description:
        event.add("description", commitment.description[:DESCRIPTION_SHOWN])
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add_component(event)
    body: bytes = calendar.to_ical()
    return body


def _seconds(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def _shown(moment: datetime, zone: ZoneInfo, *, is_dated: bool) -> datetime | date:
    return moment.astimezone(zone).date() if is_dated else _seconds(moment)
