"""Notifications about API tokens: their recipients and their wording."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from accounts.models import TenantUser
from collectives.notifications.models import Notification, NotificationToken, NotificationType
from collectives.notifications.rules import cut, deliver
from harmonic.kernel.events import Event
from harmonic.kernel.rendering.text import first_line
from tokens.models import ApiToken, ApiTokenQuerySet

# The maximum length of a name in a title.
NAME_LENGTH = 80


def responsible_for(owner: TenantUser) -> UUID:
    """Return the user who manages the tokens of an account: itself, or the parent of an agent."""
    return owner.user.parent_id or owner.user_id


def active_person(tenant_id: UUID, user_id: UUID) -> TenantUser | None:
    """Return a person in the bound tenant, or None if they left or are suspended."""
    rows = TenantUser.objects.filter(
        tenant=tenant_id, user=user_id, archived_at=None, user__suspended_at=None
    )
    found: TenantUser | None = rows.first()
    return found


def tokens_with_owners() -> ApiTokenQuerySet:
    """Return the tokens of the bound tenant that people can manage."""
    rows: ApiTokenQuerySet = ApiToken.objects.external()
    return rows.select_related("owner__user")


def named(token: ApiToken) -> str:
    """Return a token as titles name it: `your API token “deploy script”`."""
    name = f" “{first_line(token.name, NAME_LENGTH)}”" if token.name else ""
    kind = "API token" if name else "unnamed API token"
    if token.owner.user.is_agent:
        return f"the {kind}{name} of {first_line(token.owner.display_name, NAME_LENGTH)}"
    return f"your {kind}{name}"


def day(moment: datetime) -> str:
    moment = moment.astimezone(UTC)
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"


def notify_of_tokens(
    user_id: UUID,
    tokens: Sequence[ApiToken],
    title: str,
    body: str,
    path: str,
    now: datetime,
    event: Event | None = None,
) -> None:
    """Store a notification about tokens for the person who manages them."""
    row = Notification(
        tenant_id=tokens[0].tenant_id,
        notification_type=NotificationType.SYSTEM,
        title=title[:1].upper() + title[1:],
        body=cut(body),
        path=path,
        event_id=event.id if event else None,
        created_at=now,
    )
    if deliver(row, {user_id}):
        NotificationToken.objects.bulk_create(
            NotificationToken(tenant_id=row.tenant_id, notification=row, token=token)
            for token in tokens
        )
