"""The daily job that erases the content of notes which can no longer be restored.

It can run twice or late: each note is locked, and erased in a transaction of its own.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from collectives.items.models import ItemQuerySet
from collectives.notes.models import Note
from collectives.notes.tombstones import erase
from harmonic.kernel.operations.jobs import Interrupted, Policy, do_regularly, is_stopping, job

EVERY = timedelta(days=1)
# The notes that are read at a time.
BATCH = 100


def register() -> None:
    """Register the regular work of notes."""
    do_regularly("erase deleted notes", EVERY, enqueue_erasures)


def enqueue_erasures() -> None:
    """Enqueue a job for each tenant with notes to erase, which its admins see."""
    tenants = _due(timezone.now()).order_by().values_list("tenant", flat=True).distinct()
    for tenant_id in tenants:
        erase_deleted_notes.enqueue(tenant_id=str(tenant_id))


def _due(now: datetime) -> ItemQuerySet[Note]:
    notes: ItemQuerySet[Note] = Note.unscoped.filter(
        hard_delete_after__lt=now, tombstoned_at=None, kind=Note.KIND
    )
    return notes


@job(
    Policy("Erase deleted notes", attempts=5, if_interrupted=Interrupted.RETRY),
    is_long=True,
)
def erase_deleted_notes(tenant_id: str) -> None:
    """Make tombstones of the notes of a tenant whose time to be restored has passed."""
    now = timezone.now()
    due = _due(now).filter(tenant=UUID(tenant_id)).order_by("hard_delete_after", "id")
    while batch := list(due.values_list("id", flat=True)[:BATCH]):
        for note_id in batch:
            if is_stopping():
                erase_deleted_notes.enqueue(tenant_id=tenant_id)
                return
            _erase(note_id, now)


@transaction.atomic
def _erase(note_id: UUID, now: datetime) -> None:
    rows = Note.objects.select_for_update(no_key=True).filter(tombstoned_at=None)
    note = rows.filter(id=note_id, hard_delete_after__lt=now).first()
    if note is not None:
        erase(note, now)
