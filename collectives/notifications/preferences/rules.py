"""The channels through which users get the notifications of each type."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from accounts.models import TenantUser
from collectives.notifications.models import Channel, NotificationType, Preference
from harmonic.kernel.access import Access
from harmonic.kernel.refusals import Denied, Link

# Whether each channel is enabled by default.
DEFAULTS: Mapping[NotificationType, Mapping[Channel, bool]] = {
    NotificationType.MENTION: {Channel.IN_APP: True, Channel.EMAIL: True},
    NotificationType.COMMENT: {Channel.IN_APP: True, Channel.EMAIL: False},
    NotificationType.PARTICIPATION: {Channel.IN_APP: True, Channel.EMAIL: False},
    NotificationType.REMINDER: {Channel.IN_APP: True, Channel.EMAIL: False},
    NotificationType.SYSTEM: {Channel.IN_APP: True, Channel.EMAIL: True},
}
Choices = dict[str, dict[str, bool]]


def may_choose(access: Access, person: TenantUser | None) -> Denied | None:
    """Allow everyone to change their own preferences."""
    if person is None or person.user_id == access.user.user_id:
        return None
    return Denied(
        "These notification settings belong to another account.",
        "Only that account can read and change them.",
        links=(Link("Your notification settings", "/settings/notifications"),),
    )


def wanted_by(
    notification_type: str, user_ids: Collection[UUID]
) -> Mapping[Channel, frozenset[UUID]]:
    """Return the users who get a type of notification, by channel."""
    rows = Preference.objects.filter(user__in=user_ids, notification_type=notification_type)
    chosen = {
        (channel, user_id): is_on
        for channel, user_id, is_on in rows.values_list("channel", "user", "is_on")
    }
    return {
        channel: frozenset(each for each in user_ids if chosen.get((channel, each), default))
        for channel, default in DEFAULTS[NotificationType(notification_type)].items()
    }


def choices_of(user_id: UUID) -> Choices:
    """Return all preferences of a user, as `{type: {channel: is_on}}`."""
    found = {
        str(kind): {str(each): on for each, on in row.items()} for kind, row in DEFAULTS.items()
    }
    for row in Preference.objects.filter(user=user_id):
        found[row.notification_type][row.channel] = row.is_on
    return found


def choose(user_id: UUID, tenant_id: UUID, chosen: Choices) -> Choices:
    """Store a user's preferences, and return those that changed."""
    known = choices_of(user_id)
    changed = {
        kind: {channel: on for channel, on in row.items() if known[kind][channel] != on}
        for kind, row in chosen.items()
    }
    rows = [
        Preference(
            tenant_id=tenant_id, user_id=user_id, notification_type=kind, channel=channel, is_on=on
        )
        for kind, row in changed.items()
        for channel, on in row.items()
    ]
    Preference.objects.bulk_create(
        rows,
        update_conflicts=True,
        update_fields=["is_on"],
        unique_fields=["tenant", "user", "notification_type", "channel"],
    )
    return {kind: row for kind, row in changed.items() if row}
