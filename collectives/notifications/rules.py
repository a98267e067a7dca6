"""Rules of notifications: recipients, storing, reading and dismissing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, Value
from django.db.models.functions import Coalesce

from accounts.models import User
from collectives.events import models as events
from collectives.items.models import Item
from collectives.models import CollectiveMember
from collectives.notifications.emails.sending import enqueue_emails
from collectives.notifications.mentions import ADMINS, EVERYONE, REPRESENTATIVES
from collectives.notifications.models import (
    Channel,
    Notification,
    NotificationType,
    Recipient,
    RecipientQuerySet,
    RecipientStatus,
)
from collectives.notifications.preferences.rules import wanted_by
from harmonic.kernel.access import Access, UserType
from harmonic.kernel.database.tenancy import parse_uuid
from harmonic.kernel.events import Event
from harmonic.kernel.operations.mail import is_mail_on
from harmonic.kernel.refusals import NotFound

NOT_FOUND = "Notification not found."


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The content of a notification before it is stored."""

    notification_type: NotificationType
    title: str
    path: str
    body: str = ""
    item: Item | None = None


# --- Recipients -----------------------------------------------------------------------------


def members_named(access: Access, names: Collection[str]) -> set[UUID]:
    """Return the members of the collective that folded names mention, except the caller.

    `admins` and `representatives` mention the members with that role, and `everyone` mentions all
    members if the caller is an admin.
    """
    if not names:
        return set()
    if EVERYONE in names and access.is_collective_admin:
        return _members(access, Q())
    wanted = Q(person__handle_key__in=names)
    if ADMINS in names:
        wanted |= Q(is_admin=True)
    if REPRESENTATIVES in names:
        wanted |= Q(is_representative=True)
    return _members(access, wanted)


def members_among(access: Access, user_ids: Collection[UUID]) -> set[UUID]:
    """Return the users who are members of the collective, except the caller."""
    return active_members(access.required_place.id, set(user_ids) - {access.user.user_id})


def active_members(collective_id: UUID, user_ids: Collection[UUID]) -> set[UUID]:
    """Return the users who are members of a collective and not suspended."""
    return _matching(collective_id, Q(person__user__in=user_ids)) if user_ids else set()


def _members(access: Access, wanted: Q) -> set[UUID]:
    return _matching(access.required_place.id, wanted) - {access.user.user_id}


def _matching(collective_id: UUID, wanted: Q) -> set[UUID]:
    members = CollectiveMember.objects.active().filter(
        wanted, collective=collective_id, person__user__suspended_at=None
    )
    return set(members.values_list("person__user", flat=True))


# --- Sending --------------------------------------------------------------------------------


def notify(event: Event | events.Event, notice: Notice, user_ids: Collection[UUID]) -> None:
    """Store a notification of an event for users who can read its subject."""
    row = Notification(
        tenant_id=event.tenant_id,
        notification_type=notice.notification_type,
        title=notice.title,
        body=cut(notice.body),
        path=notice.path,
        event_id=event.id,
        collective_id=event.collective_id,
        item=notice.item,
        created_at=event.happened_at,
    )
    deliver(row, user_ids)


def deliver(row: Notification, user_ids: Collection[UUID]) -> bool:
    """Store a notification for users, through the channels that each of them has enabled.

    A job sends the e-mails. If no channel is enabled, store nothing and return False.
    """
    if not user_ids:
        return False
    wanted = wanted_by(row.notification_type, user_ids)
    shown, mailed = wanted[Channel.IN_APP], _with_address(wanted[Channel.EMAIL])
    if not shown | mailed:
        return False
    row.save(force_insert=True)
    Recipient.objects.bulk_create(_recipient(row, user_id) for user_id in shown)
    if mailed:
        _mail(row, mailed, row.created_at)
    return True


def mail(row: Notification, user_ids: Collection[UUID], due_at: datetime) -> None:
    """Send a stored notification by e-mail to those of the users who have an address."""
    if mailed := _with_address(user_ids):
        _mail(row, mailed, due_at)


def _mail(row: Notification, user_ids: Collection[UUID], due_at: datetime) -> None:
    Recipient.objects.bulk_create(_pending(row, user_id, due_at) for user_id in user_ids)
    enqueue_emails(row)


def _with_address(user_ids: Collection[UUID]) -> frozenset[UUID]:
    """Return the users who can get e-mails from this server. Agents have no address."""
    if not user_ids or not is_mail_on():
        return frozenset()
    humans = User.objects.filter(id__in=user_ids, user_type=UserType.HUMAN)
    return frozenset(humans.values_list("id", flat=True))


def _recipient(row: Notification, user_id: UUID) -> Recipient:
    return Recipient(
        tenant_id=row.tenant_id,
        notification=row,
        user_id=user_id,
        channel=Channel.IN_APP,
        status=RecipientStatus.DELIVERED,
        due_at=row.created_at,
        delivered_at=row.created_at,
    )


def _pending(row: Notification, user_id: UUID, due_at: datetime) -> Recipient:
    return Recipient(
        tenant_id=row.tenant_id,
        notification=row,
        user_id=user_id,
        channel=Channel.EMAIL,
        status=RecipientStatus.PENDING,
        due_at=due_at,
    )


def cut(text: str) -> str:
    """Return the beginning of a text in one line, for the body of a notification."""
    line = " ".join(text.split())
    if len(line) <= Notification.BODY_LENGTH:
        return line
    return f"{line[: Notification.BODY_LENGTH - 3]}..."


# --- Reading and dismissing -----------------------------------------------------------------


def own_notification(access: Access, recipient_id: str) -> Recipient:
    """Return the caller's notification with this ID.

    Raises:
        NotFound: the caller has no notification with this ID.
    """
    parsed = parse_uuid(recipient_id)
    own = Recipient.objects.filter(user=access.user.user_id, channel=Channel.IN_APP)
    found = own.filter(id=parsed).first() if parsed else None
    if found is None:
        raise NotFound(NOT_FOUND, hint="/notifications lists your notifications with their IDs.")
    row: Recipient = found
    return row


def mark_read(rows: RecipientQuerySet, now: datetime) -> int:
    """Mark notifications as read and return how many were unread."""
    return rows.unread().update(read_at=now)


def dismiss(rows: RecipientQuerySet, now: datetime) -> int:
    """Dismiss notifications, mark them as read, and return their number."""
    return rows.filter(dismissed_at=None).update(
        read_at=Coalesce("read_at", Value(now)),
        dismissed_at=now,
        status=RecipientStatus.DISMISSED,
    )
