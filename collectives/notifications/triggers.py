"""Notifications caused by writes to items: mentions and replies.

Users are notified of a mention once: an edit notifies only users who were not mentioned before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from collectives.decisions.models import Option
from collectives.items.kinds import kind_named
from collectives.items.models import Item
from collectives.notifications.mentions import names_in
from collectives.notifications.models import Mention, NotificationType
from collectives.notifications.rules import Notice, members_among, members_named, notify
from harmonic.kernel.access import Access
from harmonic.kernel.events import Event


def notify_of(event: Event, access: Access) -> None:
    """Notify the users that a new or changed item mentions, and the author it replies to."""
    item = event.object
    if f"{event.subject}.{event.verb}" == "option.created":
        added = Option.objects.filter(id__in=event.facts["option_ids"])
        _notify_of_options(event, access, added, known=set())
        return
    if not isinstance(item, Item) or event.item_id != item.id or access.place is None:
        return
    if event.verb == "created":
        mentioned = _store_mentions(access, item, known=frozenset())
        _notify_of_creation(event, access, item, mentioned)
        if item.KIND == "Decision":
            options = Option.objects.filter(decision=item.id)
            _notify_of_options(event, access, options, known=mentioned)
    elif event.verb == "updated" and _is_text_changed(event.facts, item):
        known = frozenset(Mention.objects.filter(item=item.id).values_list("user", flat=True))
        mentioned = _store_mentions(access, item, known=known)
        if not item.is_comment:
            _notify_of_mentions(event, access, item, mentioned - known)


def _is_text_changed(facts: Mapping[str, Any], item: Item) -> bool:
    return not facts.get("changed", {}).keys().isdisjoint(kind_named(item.kind).mentioning)


def _store_mentions(access: Access, item: Item, *, known: frozenset[UUID]) -> set[UUID]:
    """Replace an item's mentions with those in its current text, and return them."""
    texts = (getattr(item, column) for column in kind_named(item.kind).mentioning)
    mentioned = members_named(access, names_in(*texts))
    if gone := known - mentioned:
        Mention.objects.filter(item=item.id, user__in=gone).delete()
    rows = [
        Mention(tenant_id=item.tenant_id, item_id=item.id, user_id=user_id)
        for user_id in mentioned - known
    ]
    if rows:
        Mention.objects.bulk_create(rows)
    return mentioned


def _notify_of_creation(event: Event, access: Access, item: Item, mentioned: set[UUID]) -> None:
    author = _answered_author(access, item)
    _notify_of_mentions(event, access, item, mentioned - author)
    if not author:
        return
    assert item.parent is not None  # because it has an author
    noun = _noun(item.parent)
    if author <= mentioned:
        title = f"{access.user.name} mentioned you in their reply to your {noun}"
        _notify(event, access, item, NotificationType.MENTION, title, author)
    else:
        title = f"{access.user.name} replied to your {noun}"
        _notify(event, access, item, NotificationType.COMMENT, title, author)


def _answered_author(access: Access, item: Item) -> set[UUID]:
    """Return the author that a comment replies to, if it is another member of the collective."""
    return members_among(access, [item.parent.created_by_id]) if item.parent else set()


def _notify_of_mentions(event: Event, access: Access, item: Item, users: set[UUID]) -> None:
    where = "" if item.KIND == "Note" else f" in a {_noun(item)}"
    title = f"{access.user.name} mentioned you{where}"
    _notify(event, access, item, NotificationType.MENTION, title, users)


def _notify(
    event: Event,
    access: Access,
    item: Item,
    notification_type: NotificationType,
    title: str,
    users: set[UUID],
) -> None:
    path = item.path_in(access.required_place.path)
    body = item.opening if item.is_comment or item.KIND == "Note" else item.title
    notice = Notice(
        notification_type=notification_type, title=title, path=path, body=body, item=item
    )
    notify(event, notice, users)


def _notify_of_options(
    event: Event, access: Access, options: QuerySet[Option], *, known: set[UUID]
) -> None:
    """Notify the users that new options of a decision mention, once each."""
    for option in options.order_by("created_at", "id"):
        named = names_in(option.title, option.description)
        if users := members_named(access, named) - known:
            _notify_of_option(event, access, option, users)
            known = known | users


def _notify_of_option(event: Event, access: Access, option: Option, users: set[UUID]) -> None:
    decision = Item.objects.get(id=option.decision_id)
    notice = Notice(
        notification_type=NotificationType.MENTION,
        title=f"{access.user.name} mentioned you in a decision option",
        path=decision.path_in(access.required_place.path),
        body=option.title,
        item=decision,
    )
    notify(event, notice, users)


def _noun(item: Item) -> str:
    return "comment" if item.is_comment else item.kind.lower()
