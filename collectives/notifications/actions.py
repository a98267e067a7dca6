"""Actions on the notifications of a user: mark as read, and dismiss."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from collectives.models import Collective
from collectives.notifications import rules
from collectives.notifications.models import Recipient, RecipientQuerySet
from collectives.notifications.queries import REMINDERS
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Effect, Outcome
from harmonic.kernel.capabilities import ALWAYS
from harmonic.kernel.database.tenancy import parse_uuid
from harmonic.kernel.parameters.fields import Line, Params
from harmonic.kernel.refusals import Denied, NotFound, Proof
from harmonic.kernel.registry import path_to
from harmonic.kernel.scopes import Scope

PATH = "notifications.list"


class NotificationParams(Params):
    id = Line(help_text="The ID of the notification.", max_length=36, example=str(UUID(int=1)))


class CollectiveParams(Params):
    collective_id = Line(
        help_text=f"The ID of a collective, or `{REMINDERS}` for notifications without one.",
        max_length=36,
        example=REMINDERS,
    )


def anyone(access: Access, target: object) -> Denied | None:
    """Allow everyone: the effects only change the caller's own notifications."""
    return None


def _done(message: str, is_changed: bool, **json: Any) -> Outcome:
    return Outcome(
        message,
        path_to(PATH),
        facts={} if is_changed else None,
        json={"success": True, **json},
    )


def _inbox(access: Access) -> RecipientQuerySet:
    found: RecipientQuerySet = Recipient.objects.inbox_of(access)
    return found


def _of_collective(access: Access, collective_id: str) -> tuple[str, RecipientQuerySet]:
    """Return the name of a collective and the caller's notifications from it.

    Raises:
        NotFound: the caller is not a member of a collective with this ID.
    """
    if collective_id == REMINDERS:
        return "Other", _inbox(access).filter(notification__collective=None)
    parsed = parse_uuid(collective_id)
    readable = Collective.objects.readable_by(access)
    found = readable.filter(id=parsed).first() if parsed else None
    if found is None:
        raise NotFound("Collective not found.", hint="/notifications lists the IDs.")
    return found.name, _inbox(access).filter(notification__collective=found.id)


def _action(name: str, sentence: str, label: str, effect: Effect[Any], **more: Any) -> Action[Any]:
    return Action(
        name=name,
        sentence=sentence,
        label=label,
        scope=Scope("update:all"),
        grant=ALWAYS,
        proof=Proof.NONE,
        changes_access=False,
        emits="notification.changed",
        policy=anyone,
        effect=effect,
        audience="private",
        **more,
    )


# --- Dismissing -----------------------------------------------------------------------------


def _dismiss(access: Access, target: object, *, id: str) -> Outcome:
    row = rules.own_notification(access, id)
    count = rules.dismiss(Recipient.objects.filter(id=row.id), access.now)
    return _done("Notification dismissed.", count > 0, id=str(row.id), action="dismiss")


def _dismiss_all(access: Access, target: object) -> Outcome:
    count = rules.dismiss(_inbox(access), access.now)
    return _done("All notifications dismissed.", count > 0, action="dismiss_all")


def _dismiss_for_collective(access: Access, target: object, *, collective_id: str) -> Outcome:
    name, rows = _of_collective(access, collective_id)
    count = rules.dismiss(rows, access.now)
    return _done(
        f"{count} notifications dismissed for {name}.",
        count > 0,
        action="dismiss_for_collective",
        collective_id=collective_id,
        count=count,
    )


dismiss = _action(
    "dismiss",
    "Dismiss one of your notifications, so that it is no longer listed.",
    "Dismiss",
    _dismiss,
    params=NotificationParams,
)
dismiss_all = _action(
    "dismiss_all",
    "Dismiss all your notifications, so that they are no longer listed.",
    "Dismiss all",
    _dismiss_all,
)
dismiss_for_collective = _action(
    "dismiss_for_collective",
    "Dismiss your notifications from one collective.",
    "Dismiss all from this collective",
    _dismiss_for_collective,
    params=CollectiveParams,
)


# --- Marking as read ------------------------------------------------------------------------


def _mark_read(access: Access, target: object, *, id: str) -> Outcome:
    row = rules.own_notification(access, id)
    count = rules.mark_read(Recipient.objects.filter(id=row.id), access.now)
    return _done("Notification marked as read.", count > 0, id=str(row.id), action="mark_read")


def _mark_all_read(access: Access, target: object) -> Outcome:
    count = rules.mark_read(_inbox(access), access.now)
    return _done("All notifications marked as read.", count > 0, action="mark_all_read")


def _mark_read_for_collective(access: Access, target: object, *, collective_id: str) -> Outcome:
    name, rows = _of_collective(access, collective_id)
    count = rules.mark_read(rows, access.now)
    return _done(
        f"{count} notifications marked as read for {name}.",
        count > 0,
        action="mark_read_for_collective",
        collective_id=collective_id,
        count=count,
    )


mark_read = _action(
    "mark_read",
    "Mark one of your notifications as read.",
    "Mark as read",
    _mark_read,
    params=NotificationParams,
)
mark_all_read = _action(
    "mark_all_read", "Mark all your notifications as read.", "Mark all as read", _mark_all_read
)
mark_read_for_collective = _action(
    "mark_read_for_collective",
    "Mark your notifications from one collective as read.",
    "Mark all from this collective as read",
    _mark_read_for_collective,
    params=CollectiveParams,
)
ACTIONS = (
    dismiss,
    dismiss_all,
    dismiss_for_collective,
    mark_read,
    mark_all_read,
    mark_read_for_collective,
)
