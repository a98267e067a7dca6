"""Rules of reports: who can report an item, and how reports are stored."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from collectives.items.models import Item
from collectives.items.rules import may_read, noun
from collectives.reports.models import Report, Status
from harmonic.kernel.access import Access
from harmonic.kernel.refusals import Denied, NotPossible

OWN = "You cannot report your own content"


def may_report(access: Access, item: Item | None) -> Denied | None:
    """Allow everyone who can read an item except its author."""
    if denied := may_read(access, item):
        return denied
    if item is None or item.created_by_id != access.user.user_id:
        return None
    return Denied(OWN, "Only people other than the author can report it.")


def is_to_report(access: Access, item: Item | None) -> bool:
    """Return whether to offer reporting: each user can report an item once."""
    return item is None or not item.is_reported


def report(access: Access, item: Item, *, reason: str, description: str) -> Report:
    """Store a report of an item with a copy of its content.

    Raises:
        NotPossible: the caller has already reported the item.
    """
    row = Report(
        tenant_id=item.tenant_id,
        item_id=item.id,
        collective_id=item.collective_id,
        author_id=item.created_by_id,
        reporter_id=access.user.user_id,
        reason=reason,
        description=description,
        title=item.shown_title[: Item.TITLE_LENGTH],
        text=item.opening[: Report.COPIED],
        created_at=access.now,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise NotPossible(
            f"You have already reported this {noun(item)}.",
            hint="The admins can see your earlier report.",
        ) from None
    item.is_reported = True
    return row


def review(access: Access, row: Report, *, status: str, admin_notes: str) -> bool:
    """Set the result of a review, and return whether it changed."""
    if (row.status, row.admin_notes) == (status, admin_notes):
        return False
    row.status, row.admin_notes = Status(status), admin_notes
    row.reviewed_by_id, row.reviewed_at = access.user.user_id, access.now
    row.save(update_fields=["status", "admin_notes", "reviewed_by", "reviewed_at"])
    return True
