"""The e-mail of a notification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import Tenant, TenantUser
from collectives.notifications.emails.links import unsubscribe_path
from collectives.notifications.models import NotificationToken, NotificationType, Recipient
from harmonic.kernel.access import Access, Actor, TenantFacts, UserType
from harmonic.kernel.http.negotiation import Format
from harmonic.kernel.operations.mail import Mail
from harmonic.kernel.operations.origins import tenant_url
from harmonic.kernel.registry import path_to
from harmonic.kernel.rendering.documents import Document
from harmonic.kernel.rendering.mails import text_and_html
from tokens.models import token_path

# The number of tokens that an e-mail lists. The others are counted.
LISTED_TOKENS = 50
# The topic of each type of notification, as in "e-mails about mentions of you".
TOPICS: Mapping[str, str] = {
    NotificationType.MENTION: "mentions of you",
    NotificationType.COMMENT: "replies to you",
    NotificationType.PARTICIPATION: "decisions and commitments that you take part in",
    NotificationType.REMINDER: "reminders",
    NotificationType.SYSTEM: "your API tokens",
}


@dataclass(frozen=True, slots=True)
class ListedToken:
    """A token in the list of an e-mail."""

    name: str
    owner: str
    expires_at: datetime
    url: str


def mail_of(recipient: Recipient, person: TenantUser, now: datetime) -> Mail:
    """Return the e-mail of a notification to a person."""
    note, tenant = recipient.notification, recipient.tenant
    origin = tenant_url(tenant.subdomain)
    unsubscribe_url = origin + unsubscribe_path(recipient)
    context = {
        "note": note,
        "tenant_name": tenant.name,
        "url": origin + note.path,
        "topic": TOPICS[note.notification_type],
        "unsubscribe_url": unsubscribe_url,
        "preferences_url": origin + path_to("notifications.preferences", handle=person.handle),
        **_tokens(recipient, origin),
    }
    document = Document(title=note.title, template="mail/notification.html", context=context)
    text, html = text_and_html(_reader(tenant, person, now), document)
    return Mail(
        to=recipient.user.email,
        subject=note.title,
        text=text,
        html=html,
        key=str(recipient.id),
        unsubscribe_url=unsubscribe_url,
    )


def _tokens(recipient: Recipient, origin: str) -> Mapping[str, Any]:
    rows = NotificationToken.objects.filter(notification=recipient.notification_id)
    if recipient.notification.notification_type != NotificationType.SYSTEM:
        return {}
    found = rows.select_related("token__owner").order_by("token__expires_at", "token__id")
    listed = [row.token for row in found[:LISTED_TOKENS]]
    return {
        "tokens": [
            ListedToken(
                name=token.name or "Unnamed",
                owner=token.owner.display_name,
                expires_at=token.expires_at,
                url=origin + token_path(token.owner, token.id),
            )
            for token in listed
        ],
        "more_tokens": max(rows.count() - LISTED_TOKENS, 0),
    }


def _reader(tenant: Tenant, person: TenantUser, now: datetime) -> Access:
    """Return the access with which a person's e-mail is rendered."""
    origin = tenant_url(tenant.subdomain)
    return Access(
        now=now,
        host=origin.partition("://")[2],
        path="/",
        format=Format.MARKDOWN,
        tenant=TenantFacts(
            tenant.id, tenant.subdomain, tenant.name, tenant.timezone, tenant.is_api_enabled
        ),
        actor=Actor(person.user_id, person.id, person.handle, person.display_name, UserType.HUMAN),
        origin=origin,
    )
