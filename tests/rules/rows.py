"""Rows that a rule starts from, and rows that it is judged by."""

from __future__ import annotations

import secrets
import uuid
from datetime import timedelta
from typing import Any

from django.db.models import Model
from django.utils import timezone

from collectives.items.models import HistoryEvent
from collectives.models import Collective, CollectiveMember, Invite
from collectives.notes.models import Note
from collectives.rules.members import add_member
from harmonic.kernel.database.tenancy import tenant_bound
from tests.fixtures.world import World

KITCHEN, TREASURY, BOARD = "/collectives/kitchen", "/collectives/treasury", "/collectives/board"
UNKNOWN_ID = "7f000000-0000-4000-8000-000000000000"


def change(row: Model, **values: Any) -> None:
    """Store values in a row, bypassing the rules."""
    manager = getattr(type(row), "unscoped", type(row)._default_manager)
    manager.filter(pk=row.pk).update(**values)


# --- Members --------------------------------------------------------------------------------


def member(world: World, handle: str, collective: str = "kitchen") -> CollectiveMember:
    """Return the membership row, ended or not."""
    return CollectiveMember.unscoped.get(
        collective=world.collective(collective), person__handle=handle
    )


def is_member(world: World, handle: str, collective: str = "kitchen") -> bool:
    return CollectiveMember.unscoped.filter(
        collective=world.collective(collective), person__handle=handle, archived_at=None
    ).exists()


def roles(world: World, handle: str, collective: str = "kitchen") -> list[str]:
    """Return the roles of an active member."""
    assert is_member(world, handle, collective)
    return member(world, handle, collective).roles


def make_member(world: World, handle: str, collective: str = "kitchen", **roles: bool) -> None:
    """Make a person an active member with these roles, such as `is_admin=True`."""
    place = world.collective(collective)
    person = world.person(handle, place.tenant.subdomain)
    with tenant_bound(place.tenant_id):
        add_member(place, person, now=timezone.now())
    CollectiveMember.unscoped.filter(collective=place, person=person).update(**roles)


def end_membership(world: World, handle: str, collective: str = "kitchen") -> None:
    change(member(world, handle, collective), archived_at=timezone.now())


# --- Invites --------------------------------------------------------------------------------


def make_invite(
    world: World,
    collective: str = "kitchen",
    *,
    by: str = "alice",
    only_for: str | None = None,
    days: float = 7,
) -> str:
    """Return the code of an invite that ends after some days."""
    place = world.collective(collective)
    now = timezone.now()
    with tenant_bound(place.tenant_id):
        invite = Invite.objects.create(
            tenant=place.tenant,
            collective=place,
            code=secrets.token_hex(16),
            created_by=world.user(by),
            invited_user=world.user(only_for) if only_for else None,
            expires_at=now + timedelta(days=days),
            created_at=now,
        )
    return str(invite.code)


# --- Notes ----------------------------------------------------------------------------------


def note_path(note: Note) -> str:
    row = Note.unscoped.select_related("collective").get(pk=note.pk)
    return row.path_in(row.collective.path)


def by_short_id(path: str) -> Note:
    """Return the note that a page's path ends with."""
    row: Note = Note.unscoped.get(truncated_id=path.rstrip("/").rpartition("/")[2])
    return row


def confirmations(note: Note) -> int:
    return HistoryEvent.unscoped.filter(item=note, event_type="read_confirmation").count()


def events(note: Note, kind: str) -> int:
    return HistoryEvent.unscoped.filter(item=note, event_type=kind).count()


def collective_row(handle: str) -> Collective:
    row: Collective = Collective.unscoped.get(handle=handle)
    return row


def write_notes(world: World, place: Collective, count: int) -> list[Note]:
    """Insert notes by alice."""
    now, alice = timezone.now(), world.user("alice")
    ids = [uuid.uuid4() for _ in range(count)]
    rows = (
        Note(
            id=note_id,
            truncated_id=str(note_id)[: Note.SHORT],
            tenant_id=place.tenant_id,
            collective=place,
            text="One of many",
            deadline=now,
            created_by=alice,
            updated_by=alice,
            created_at=now,
            updated_at=now,
        )
        for note_id in ids
    )
    made: list[Note] = Note.unscoped.bulk_create(rows)
    return made
