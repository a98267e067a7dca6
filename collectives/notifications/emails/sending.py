"""The jobs that send the e-mails of notifications.

Each e-mail is sent once. If the connection or the worker ends before the mail server confirms it,
it is sent a second time with the same `Message-ID`, but never a third time.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import TenantUser
from collectives.notifications.emails.content import mail_of
from collectives.notifications.models import (
    Channel,
    Notification,
    NotificationType,
    Recipient,
    RecipientQuerySet,
    RecipientStatus,
)
from collectives.notifications.preferences.rules import wanted_by
from harmonic.kernel.access import UserType
from harmonic.kernel.operations import mail
from harmonic.kernel.operations.jobs import Interrupted, Policy, job

ATTEMPTS = 10


def enqueue_emails(row: Notification) -> None:
    """Enqueue the e-mails of a notification, in the transaction of the caller."""
    queue_emails.enqueue(tenant_id=str(row.tenant_id), notification_id=str(row.id))


@job(Policy("E-mails of a notification", attempts=ATTEMPTS, if_interrupted=Interrupted.RETRY))
@transaction.atomic
def queue_emails(tenant_id: str, notification_id: str) -> None:
    """Enqueue a job for each recipient, so that each has its own attempts."""
    rows = _pending().filter(notification=UUID(notification_id))
    for recipient_id in rows.values_list("id", flat=True):
        send_email.enqueue(tenant_id=tenant_id, recipient_id=str(recipient_id))


def _pending() -> RecipientQuerySet:
    rows: RecipientQuerySet = Recipient.objects.filter(
        channel=Channel.EMAIL, status=RecipientStatus.PENDING
    )
    return rows


def give_up(tenant_id: str, recipient_id: str) -> None:
    """Record that an e-mail cannot be sent."""
    _pending().filter(id=recipient_id).update(status=RecipientStatus.FAILED)


@job(
    Policy(
        "E-mail of a notification",
        attempts=ATTEMPTS,
        backoff=timedelta(minutes=1),
        if_interrupted=Interrupted.RETRY,
        when_failed=give_up,
        shown=("recipient_id",),
    )
)
def send_email(tenant_id: str, recipient_id: str) -> None:
    """Send the e-mail of one recipient, unless it was sent or the recipient can no longer get it.

    Raises:
        JobFailed: it was not sent, or it is unknown whether it was sent; the job runs again.
    """
    recipient = _pending().select_related("notification", "user", "tenant").filter(id=recipient_id)
    found = recipient.first()
    if found is None:
        return
    person = _reader_of(found)
    if person is None:
        _pending().filter(id=found.id).update(
            status=RecipientStatus.DISMISSED, dismissed_at=timezone.now()
        )
    elif found.doubts >= Recipient.MAX_DOUBTS:
        give_up(tenant_id, recipient_id)
    elif _has_enough(found):
        _end(found.id, RecipientStatus.RATE_LIMITED)
    else:
        _send(found, mail_of(found, person, timezone.now()))


def _reader_of(recipient: Recipient) -> TenantUser | None:
    """Return the person who gets an e-mail, or None if they can no longer get it.

    They may have left or disabled these e-mails, or the item may be deleted.
    """
    person = TenantUser.objects.filter(
        user=recipient.user_id,
        archived_at=None,
        user__user_type=UserType.HUMAN,
        user__suspended_at=None,
        tenant__suspended_at=None,
        tenant__archived_at=None,
    ).first()
    kind = recipient.notification.notification_type
    if person is None or not wanted_by(kind, [recipient.user_id])[Channel.EMAIL]:
        return None
    shown = Recipient.objects.filter(id=recipient.id).shown_to(
        person.id, is_subject_to_api_switches=False
    )
    return person if shown.exists() else None


def _has_enough(recipient: Recipient) -> bool:
    """Return whether a person has reached the hourly limit. E-mails about tokens are exempt."""
    if recipient.notification.notification_type == NotificationType.SYSTEM:
        return False
    sent = Recipient.objects.filter(
        user=recipient.user_id,
        channel=Channel.EMAIL,
        delivered_at__gt=timezone.now() - timedelta(hours=1),
    )
    return bool(sent.count() >= Recipient.MAX_EMAILS_PER_HOUR)


def _send(recipient: Recipient, written: mail.Mail) -> None:
    """Send an e-mail, unless another worker has just started to send it.

    The attempt is counted as one of unknown outcome beforehand, in case the process ends.
    """
    unchanged = _pending().filter(id=recipient.id, doubts=recipient.doubts)
    if not unchanged.update(doubts=F("doubts") + 1):
        return
    try:
        mail.send(written)
    except mail.NotSent:
        _pending().filter(id=recipient.id).update(doubts=recipient.doubts)
        raise
    except mail.Rejected:
        _end(recipient.id, RecipientStatus.FAILED)
        return
    _end(recipient.id, RecipientStatus.DELIVERED)


def _end(recipient_id: UUID, status: RecipientStatus) -> None:
    sent_at = timezone.now() if status is RecipientStatus.DELIVERED else None
    _pending().filter(id=recipient_id).update(status=status, delivered_at=sent_at)
