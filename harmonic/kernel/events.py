"""Domain events: one for each write that changed something.

`perform` emits them inside the transaction of the write. Readers register when their application
starts: the history of items, the security log.
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
    from harmonic.kernel.actions import Action, Outcome, ResourceRef

# Subjects that belong to the tenant, not to the collective in which the request is made.
OF_TENANT = frozenset({"agent", "run", "tenant", "token", "user"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The event of a write: type, actor, item, collective, time, token.

    `subject` and `verb` are its type: `note` and `created`. `collective_id` is None outside
    collectives, `item_id` if the write is not about an item, `token_id` in a session.
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
    # What the response names as changed.
    resource: ResourceRef | None = None
    # The object of the outcome, for readers that need more of it than the facts.
    object: Any = None


# Reacts to an event inside the transaction of the write. It may change only the database, since a
# dry run is rolled back. An exception undoes the write.
Reader = Callable[[Event, Access], None]

_readers: list[Reader] = []


def add_reader(reader: Reader) -> None:
    """Register a reader of all events, after those registered before."""
    if reader not in _readers:
        _readers.append(reader)


def emit(action: Action[Any], access: Access, outcome: Outcome) -> Event | None:
    """Pass the events of a write to all readers and return its own; None if nothing changed."""
    if action.is_read or outcome.facts is None:
        return None
    types = (outcome.emits or action.emits, *outcome.also_emits)
    first, *others = (_event(kind, action, access, outcome, outcome.facts) for kind in types)
    for event in (first, *others):
        for reader in _readers:
            reader(event, access)
    return first


def _event(
    kind: str, action: Action[Any], access: Access, outcome: Outcome, facts: Mapping[str, Any]
) -> Event:
    subject, _, verb = kind.partition(".")
    here = access.place.id if access.place and subject not in OF_TENANT else None
    return Event(
        id=uuid.uuid4(),
        subject=subject,
        verb=verb,
        happened_at=access.now,
        tenant_id=access.tenant.id,
        # A write can concern another collective than that of its path.
        collective_id=facts.get("collective_id", here),
        item_id=outcome.item_id,
        actor_id=access.user.user_id,
        token_id=access.token.id if access.token else None,
        facts=facts,
        action=action,
        resource=outcome.resource,
        object=outcome.object,
    )
