"""The daily limit on the text that a person and their agents store."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F, QuerySet

from accounts.models import StoredBytes
from harmonic.kernel.access import Access
from harmonic.kernel.database.prepared import PreparedUpdate
from harmonic.kernel.operations.storage import StorageLimit

MEGABYTE = 1024 * 1024


def limit() -> int:
    """Return the number of bytes that a person may store in a day."""
    return settings.LIMIT_STORAGE * MEGABYTE


def count_stored(access: Access, size: int) -> None:
    """Add `size` bytes to the count of the actor's person for today (UTC).

    A single conditional update prevents parallel writes from exceeding the limit together.

    Raises:
        StorageLimit: the limit would be exceeded; nothing is added.
    """
    actor = access.user
    person, today = actor.parent_id or actor.user_id, access.now.date()
    if size <= limit():
        if _add(person, today, size):
            return
        _begin(person, today)
        if _add(person, today, size):
            return
    raise _too_much(access.now)


def _add(person: UUID, today: date, size: int) -> bool:
    return bool(_ADD.run(person=person, today=today, size=size, room=limit() - size))


def _with_room(*, person: UUID, today: date, room: int, **_: int) -> QuerySet[StoredBytes]:
    return StoredBytes.objects.filter(user=person, day=today, bytes__lte=room)


_ADD = PreparedUpdate(_with_room, lambda size, **_: {"bytes": F("bytes") + size})


def _begin(person: UUID, today: date) -> None:
    """Create the row of a person's day if it is missing, and delete those of earlier days."""
    StoredBytes.objects.bulk_create([StoredBytes(user_id=person, day=today)], ignore_conflicts=True)
    StoredBytes.objects.filter(user=person, day__lt=today).delete()


def _too_much(now: datetime) -> StorageLimit:
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)
    return StorageLimit(
        f"You and your agents can store {settings.LIMIT_STORAGE} MB a day. This would exceed the"
        " limit, so nothing was saved.",
        hint="The limit resets at midnight (UTC). Shorter texts may still fit today.",
        retry_after=int((midnight - now).total_seconds()) + 1,
    )
