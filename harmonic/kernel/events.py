"""Domain events: what each write did, for all parts of the product that react to writes.

`perform` emits one event for each write that changed something, in the write's transaction.
Readers register when their application starts: the history of items, the security log.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from harmonic.kernel.access import Access

if TYPE_CHECKING:
    from harmonic.kernel.actions import Action, Outcome

# Subjects that belong to the tenant, not to the collective in which the request is made.
OF_TENANT = frozenset({"agent", "tenant", "token", "user"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What one write did: who did what, to which item, where, when, with which token.

    `subject` and `verb` are its type: `note` and `created`. `collective_id` is None outside
    collectives, `item_id` where the write is about no item, and `token_id` in a session.
    """

    id: UUID
    subject: str
    verb: str
    happened_at: datetime
    tenant_id: UUID
    collective_id: UUID | None
    item_id: UUID | None
    actor_id: UUID
    token_id: UUID | None
    facts: Mapping[str, Any]
    action: Action[Any]


# Reacts to an event inside the transaction of its write. It changes nothing but the database,
# since a dry run is rolled back. What it raises undoes the write.
Reader = Callable[[Event, Access], None]

_readers: list[Reader] = []


def add_reader(reader: Reader) -> None:
    """Call `reader` with every event from now on, after the readers that are registered."""
    if reader not in _readers:
        _readers.append(reader)


def emit(action: Action[Any], access: Access, outcome: Outcome) -> Event | None:
    """Hand the event of a write to all readers and return it; None if nothing was changed."""
    if action.is_read or outcome.facts is None:
        return None
    event = _event(action, access, outcome, outcome.facts)
    for reader in _readers:
        reader(event, access)
    return event


def _event(
    action: Action[Any], access: Access, outcome: Outcome, facts: Mapping[str, Any]
) -> Event:
    subject, _, verb = action.emits.partition(".")
    here = access.place.id if access.place and subject not in OF_TENANT else None
    return Event(
        id=uuid.uuid4(),
        subject=subject,
        verb=verb,
        happened_at=access.now,
        tenant_id=access.tenant.id,
        # A write can lead to another collective than that of its path.
        collective_id=facts.get("collective_id", here),
        item_id=outcome.item_id,
        actor_id=access.user.user_id,
        token_id=access.token.id if access.token else None,
        facts=facts,
        action=action,
    )
