"""Storage of events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collectives.events.models import Event
from harmonic.kernel import events
from harmonic.kernel.access import Access
from harmonic.kernel.database.prepared import PreparedInsert
from harmonic.kernel.operations.redaction import as_json

_INSERT = PreparedInsert(Event)


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
