"""Notifications about decisions and commitments: votes, joins and results."""

from __future__ import annotations

from uuid import UUID

from collectives.commitments.models import CommitmentParticipant
from collectives.decisions.models import Participant
from collectives.events import models as events
from collectives.items.models import Item
from collectives.models import Collective
from collectives.notifications.models import Channel, NotificationType, Recipient
from collectives.notifications.rules import Notice, active_members, notify
from harmonic.kernel.access import Access
from harmonic.kernel.events import Event

VOTED, JOINED, CRITICAL_MASS = "vote.created", "commitment.joined", "commitment.critical_mass"
RESOLVED = "decision.deadline_reached"


def notify_of_participation(event: Event, access: Access) -> None:
    """Notify authors of votes and joins, and participants of a critical mass."""
    kind = f"{event.subject}.{event.verb}"
    if kind not in (VOTED, JOINED, CRITICAL_MASS) or event.item_id is None:
        return
    item = Item.objects.get(id=event.item_id)
    actor_id = access.user.user_id
    if kind == CRITICAL_MASS:
        title = "Critical mass reached on a commitment you joined"
        _notify(event, item, title, _joined(item) - {actor_id})
        return
    word = "voted on your decision" if kind == VOTED else "joined your commitment"
    title = f"{access.user.name} {word}"
    author = {item.created_by_id} - {actor_id}
    if author and not _is_unread(item, title):
        _notify(event, item, title, author)


def notify_of_result(event: events.Event, item: Item) -> None:
    """Notify the participants of a decision that was resolved."""
    if f"{event.subject}.{event.verb}" == RESOLVED:
        voters = Participant.objects.filter(decision=item.id).values_list("user", flat=True)
        _notify(event, item, "A decision you participated in was resolved", set(voters))


def _joined(item: Item) -> set[UUID]:
    rows = CommitmentParticipant.objects.filter(commitment=item.id, committed_at__isnull=False)
    return set(rows.values_list("user", flat=True))


def _is_unread(item: Item, title: str) -> bool:
    """Return whether the author already has this notification, unread."""
    return Recipient.objects.filter(
        user=item.created_by_id,
        notification__item=item.id,
        notification__title=title,
        channel=Channel.IN_APP,
        read_at=None,
    ).exists()


def _notify(event: Event | events.Event, item: Item, title: str, users: set[UUID]) -> None:
    place = Collective.objects.get(id=item.collective_id)
    notice = Notice(
        notification_type=NotificationType.PARTICIPATION,
        title=title,
        path=item.path_in(place.path),
        body=item.title,
        item=item,
    )
    notify(event, notice, active_members(item.collective_id, users))
