"""Helpers to create, deliver and read reminders."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import time_machine
from django.utils import timezone

from accounts.models import TenantUser
from collectives.events.models import Event
from collectives.notes.models import Note
from collectives.notifications.models import Recipient
from collectives.reminders import due
from tests.fixtures.rows import KITCHEN
from tests.fixtures.surfaces import MARKDOWN, Caller
from tests.tables.rows import api, note_at, rest

__all__ = ["api", "note_at", "rest"]


def remind(by: str = "bob", where: str = KITCHEN, **params: Any) -> str:
    """Create a reminder note and return the path of its page."""
    sent = {"text": "Water the beans.", "scheduled_for": "1h", **params}
    Caller(MARKDOWN, by).act("create_reminder_note", where, **sent).assert_done()
    newest: Note = Note.unscoped.filter(subtype="reminder").latest("created_at")
    return f"{where}/n/{newest.truncated_id}"


def deliver_after(**distance: float) -> datetime:
    """Run the regular work at some time from now, and return that time."""
    moment = timezone.now() + timedelta(**distance)
    with time_machine.travel(moment, tick=False):
        due.deliver_due()
    return moment


def recipients(path: str) -> dict[str, Recipient]:
    """Return the recipients of a reminder by handle."""
    rows = Recipient.unscoped.filter(notification__reminder__note=note_at(path))
    handles = TenantUser.unscoped.filter(user__in=rows.values("user"), tenant=note_at(path).tenant)
    by_user = dict(handles.values_list("user", "handle"))
    return {by_user[row.user_id]: row for row in rows}


def status_of(path: str) -> str:
    """Return the state that the Markdown page of a reminder shows."""
    page = Caller(MARKDOWN, "bob").get(path).text
    return page.partition("| reminder_status | ")[2].partition(" |")[0]


def fired(path: str) -> list[datetime]:
    """Return the times of the history entries about the delivery of a reminder."""
    rows = Event.unscoped.filter(item=note_at(path), verb="reminder")
    return [row.happened_at for row in rows]


def inbox(who: str, **distance: float) -> str:
    """Return the notifications that a person sees at some time from now."""
    with time_machine.travel(timezone.now() + timedelta(**distance), tick=False):
        return Caller(MARKDOWN, who).get("/notifications").text
