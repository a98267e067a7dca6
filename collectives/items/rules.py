"""Policies and changes of items of any kind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from accounts.models import TenantUser
from collectives.items.models import COMMENT, Item, Pin
from collectives.items.queries import restorers_of
from collectives.models import Collective
from collectives.rules.policies import is_member
from harmonic.kernel.access import Access
from harmonic.kernel.operations import audit
from harmonic.kernel.refusals import Denied, Link, Refused

M = TypeVar("M", bound=Item)
# Over REST; on pages the refusal names the action.
EDITORS_ONLY = "Unauthorized"
# The number of characters of texts and titles that an event keeps.
TEXT_KEPT, TITLE_KEPT = 500, 200
# An agent that wrote an item cannot restore it, so it is not sent to itself.
WHO_RESTORES = "The person who wrote it or an admin of the collective can restore it for 30 days."


def noun(item: Item) -> str:
    """Return the noun for an item of this kind."""
    return item.kind.lower()


# --- Policies -------------------------------------------------------------------------------


def may_read(access: Access, item: Item | None) -> Denied | None:
    """Allow members if the item is not deleted."""
    if denied := is_member(access, item):
        return denied
    if item is None or not item.is_deleted:
        return None
    return Denied(f"This {noun(item)} has been deleted.", WHO_RESTORES, "not_found", status=404)


def may_edit(access: Access, item: Item | None) -> Denied | None:
    """Allow the author."""
    if denied := may_read(access, item):
        return denied
    if item is None or item.created_by_id == access.user.user_id:
        return None
    name = noun(item)
    return Denied(
        "",
        f"Only the {name}'s author can edit it. Others can comment on it.",
        links=(Link(f"The {name}", item.path_in(access.required_place.path)),),
        heading="",
        rest_reason=EDITORS_ONLY,
    )


def may_delete(access: Access, item: Item | None) -> Denied | None:
    """Allow the author and admins of the collective."""
    if denied := may_read(access, item):
        return denied
    if item is None or item.created_by_id == access.user.user_id or access.is_collective_admin:
        return None
    return Denied(
        "You are not authorized to delete this content",
        "The person who wrote it or an admin of the collective can delete it.",
    )


def may_restore(access: Access, item: Item | None) -> Denied | None:
    """Allow those who may delete an item, until it is deleted permanently."""
    if denied := is_member(access, item):
        return denied
    if item is None:
        return None
    is_own = item.created_by_id == access.user.user_id
    if not (is_own or access.is_collective_admin):
        return Denied("You are not authorized to restore this content", WHO_RESTORES)
    if is_past_restoring(access, item):
        name = noun(item)
        return Denied(
            f"This {name} was deleted more than 30 days ago.",
            f"A deleted {name} can be restored for 30 days.",
        )
    return None


def is_past_restoring(access: Access, item: Item) -> bool:
    """Return whether an item was deleted too long ago to be restored."""
    return item.hard_delete_after is not None and item.hard_delete_after < access.now


def restoring(access: Access, item: Item, where: str = "") -> str:
    """Return the sentence about who can restore a deleted item, until when, and `where`."""
    until = item.hard_delete_after
    if until is None or is_past_restoring(access, item):
        return f"This {noun(item)} was deleted more than 30 days ago and cannot be restored."
    names = [f"@{person.handle}" for person in restorers_of(item)]
    if not names:
        return "No member of this collective can restore it."
    *before, last = names
    who = f"{', '.join(before)} or {last}" if before else last
    return f"{who} can restore it until {until:%Y-%m-%d}{where}."


# --- Creation -------------------------------------------------------------------------------


def create(access: Access, model: type[M], *, parent: Item | None = None, **values: Any) -> M:
    """Create an item of a kind in the collective of the request, or a comment on `parent`."""
    item = model(
        tenant_id=access.tenant.id,
        collective_id=access.required_place.id,
        created_by_id=access.user.user_id,
        updated_by_id=access.user.user_id,
        created_at=access.now,
        updated_at=access.now,
        **{"deadline": access.now, **values},
    )
    if parent is not None:
        item.subtype = COMMENT
        item.parent, item.root_id = parent, parent.root_id or parent.id
    item.save()
    record_activity(item, access.now)
    # Annotations that a query of the item would set.
    item.confirmed_reads = 0
    item.parent_kind = parent.kind if parent else None
    return item


def record_activity(item: Item, at: datetime) -> None:
    """Record at the top of a comment's thread that the comment was added or changed."""
    if item.root_id is not None:
        Item.objects.filter(id=item.root_id).update(last_activity_at=at)


# --- Facts of events ------------------------------------------------------------------------


def created(item: Item) -> dict[str, Any]:
    """Return the facts of the event of a creation."""
    title = {"title": item.title[:TITLE_KEPT]} if item.title else {}
    return {"truncated_id": item.truncated_id, "text": item.opening[:TEXT_KEPT], **title}


def changed(item: Item, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of the event of a change: old and new values, with texts cut."""
    return {
        "changed": {name: [_cut(getattr(item, name)), _cut(new)] for name, new in changes.items()}
    }


def _cut(value: Any) -> Any:
    return value[:TEXT_KEPT] if isinstance(value, str) else value


# --- Deletion -------------------------------------------------------------------------------


def delete(access: Access, item: Item) -> None:
    """Mark an item as deleted and unpin it. Its comments stay."""
    item.deleted_at, item.deleted_by_id = access.now, access.user.user_id
    item.hard_delete_after = access.now + Item.KEPT_AFTER_DELETION
    item.save(update_fields=["deleted_at", "deleted_by", "hard_delete_after"])
    record_activity(item, access.now)
    Pin.objects.filter(item=item.id).delete()
    if item.created_by_id != access.user.user_id:
        facts: dict[str, Any] = {f"{noun(item)}_id": item.id}
        snapshot = f"{item.title}\n{item.opening}"[:2000]
        audit.record("content_deleted", access, warn=True, snapshot=snapshot, **facts)


def restore(item: Item, at: datetime) -> bool:
    """Restore an item and return whether it was deleted.

    It counts as activity: readers who know the list without the item must learn of it.
    """
    if not item.is_deleted:
        return False
    item.deleted_at = item.deleted_by_id = item.hard_delete_after = None
    item.last_activity_at = at
    item.save(update_fields=["deleted_at", "deleted_by", "hard_delete_after", "last_activity_at"])
    record_activity(item, at)
    return True


# --- Pins -----------------------------------------------------------------------------------


def pin_owner(access: Access) -> Any:
    """Return the owner of pins: the caller in the main collective, None in others."""
    return access.user.person_id if access.required_place.is_main else None


def is_pinned(access: Access, item: Item) -> bool:
    return Pin.objects.filter(
        collective=access.required_place.id, person=pin_owner(access), item=item.id
    ).exists()


def pin(access: Access, item: Item) -> bool:
    """Pin an item and return whether it was not pinned before. An existing pin keeps its time.

    Raises:
        Refused: the collective has the maximum number of pins.
    """
    lock_pins(access)
    if is_pinned(access, item):
        return False
    pins = Pin.objects.filter(collective=access.required_place.id, person=pin_owner(access))
    if pins.count() >= Pin.MAX_PER_PLACE:
        raise Refused(
            f"Maximum of {Pin.MAX_PER_PLACE} pins reached.", status=422, code="limit_reached"
        )
    Pin.objects.create(
        tenant_id=access.tenant.id,
        collective_id=access.required_place.id,
        person_id=pin_owner(access),
        item_id=item.id,
        pinned_at=access.now,
    )
    return True


def lock_pins(access: Access) -> None:
    """Serialize requests that pin, so that they cannot exceed the limit together."""
    if access.required_place.is_main:
        rows: Any = TenantUser.objects.filter(id=access.user.person_id)
    else:
        rows = Collective.objects.filter(id=access.required_place.id)
    rows.select_for_update(no_key=True).get()


def unpin(access: Access, item: Item) -> bool:
    """Unpin an item and return whether it was pinned."""
    pins = Pin.objects.filter(collective=access.required_place.id, person=pin_owner(access))
    count, _ = pins.filter(item=item.id).delete()
    return count > 0
