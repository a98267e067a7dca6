"""Signed links that unsubscribe a user from e-mails of one type, without a session."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.core import signing
from django.urls import reverse

from collectives.notifications.models import NotificationType, Recipient

_SALT = "notifications.unsubscribe"


@dataclass(frozen=True, slots=True)
class Subscription:
    """The e-mails of one type that a user gets from one tenant."""

    tenant_id: UUID
    user_id: UUID
    notification_type: NotificationType


def unsubscribe_path(recipient: Recipient) -> str:
    """Return the path of the link in an e-mail."""
    kind = NotificationType(recipient.notification.notification_type)
    signed = sign(Subscription(recipient.tenant_id, recipient.user_id, kind))
    return reverse("notifications.unsubscribe", kwargs={"signed": signed})


def sign(subscription: Subscription) -> str:
    """Return the signed text for the path of a link."""
    values = [subscription.tenant_id.hex, subscription.user_id.hex, subscription.notification_type]
    return signing.dumps(values, salt=_SALT)


def subscription_of(signed: str) -> Subscription | None:
    """Return the subscription of a signed link, or None if its signature is invalid.

    Links do not expire, so those in old e-mails work too.
    """
    try:
        tenant_id, user_id, kind = signing.loads(signed, salt=_SALT)
        found = Subscription(UUID(tenant_id), UUID(user_id), NotificationType(kind))
    except (signing.BadSignature, ValueError, TypeError, AttributeError):
        return None
    return found
