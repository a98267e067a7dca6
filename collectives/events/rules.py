"""Storage of events."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from collectives.events.models import Event
from harmonic.kernel import events
from harmonic.kernel.access import Access
from harmonic.kernel.database.prepared import PreparedInsert
from harmonic.kernel.operations.redaction import as_json

if TYPE_CHECKING:
    from collectives.items.models import Item

_INSERT = PreparedInsert(Event)
# Reacts to an event that no request caused, inside its transaction.
OwnReader = Callable[[Event, "Item"], None]
_own_readers: list[OwnReader] = []


def add_own_reader(reader: OwnReader) -> None:
    """Register a reader of the events that no request caused."""
    if reader not in _own_readers:
        _own_readers.append(reader)


def store_event(event: events.Event, access: Access) -> None:
    """Store an event in one statement."""
    row = Event(
        id=event.id,
        tenant_id=event.tenant_id,
        subject=event.subject,
        verb=event.verb,
        happened_at=event.happened_at,
        collective_id=event.collective_id,
        item_id=event.item_id,
        actor_id=event.actor_id,
        token_id=event.token_id,
        metadata=_metadata(event.facts),
    )
    _INSERT.run(row)


def _metadata(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts that have no column as JSON values, with the id of the person concerned."""
    others = {name: as_json(facts[name]) for name in facts.keys() - {"about", "collective_id"}}
    about = facts.get("about")
    return {**others, "user_id": str(about.user_id)} if about else others


def keep_own(subject: str, verb: str, item: Item, *, actor_id: UUID, happened_at: datetime) -> None:
    """Store an event that no request caused, such as a deadline that passed."""
    row = Event(
        id=uuid.uuid4(),
        tenant_id=item.tenant_id,
        subject=subject,
        verb=verb,
        happened_at=happened_at,
        collective_id=item.collective_id,
        item_id=item.id,
        actor_id=actor_id,
        metadata={"truncated_id": item.truncated_id},
    )
    _INSERT.run(row)
    for reader in _own_readers:
        reader(row, item)
