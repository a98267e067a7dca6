"""The cycle to which `?cycle=` restricts the feed of a collective (content §21)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from collectives.cycles.presence import Presence
from collectives.cycles.windows import Cycle, Unit, cycle_named
from harmonic.kernel.access import Access
from harmonic.kernel.pages import Redirection
from harmonic.kernel.registry import path_to

HEARTBEAT_FIRST = "Send a heartbeat to see past cycles."
_UNITS = (Unit.DAY, Unit.WEEK, Unit.MONTH)


def asked_cycle(access: Access, presence: Presence) -> Cycle | None:
    """Return the current or past cycle that the query string names.

    Other names are ignored, as by public clients.
    """
    name = access.query.get("cycle", "")
    cycle = cycle_named(name, access.now, presence.cycle.zone) if name else None
    return cycle if cycle and cycle.unit in _UNITS and not cycle.is_future else None


def gate_of(access: Access, presence: Presence) -> Redirection | None:
    """Return the redirection from a past cycle to the page of the collective.

    It is only for callers who have not sent the heartbeat of this cycle.
    """
    cycle = asked_cycle(access, presence)
    if cycle is None or not cycle.is_past or not presence.is_awaited:
        return None
    return Redirection(access.required_place.path, HEARTBEAT_FIRST)


def shown_cycle(access: Access, presence: Presence, asked: Cycle | None) -> Mapping[str, Any]:
    """Return the context of the cycle whose items are shown, or else of the current one."""
    cycle, place = asked or presence.cycle, access.required_place.path
    is_current = (cycle.unit, cycle.distance) == (presence.cycle.unit, 0)
    return {
        "cycle": cycle,
        "is_narrowed_to_cycle": asked is not None,
        "is_other_cycle": not is_current,
        "cycle_path": path_to("cycles.show", place, cycle_name=cycle.name),
        "previous_href": cycle_href(access, cycle.previous),
        "next_href": cycle_href(access, cycle.next),
        "whole_path": place,
    }


def cycle_href(access: Access, name: str, **query: str) -> str:
    """Return the path of the feed of a cycle, or "" if there is no such cycle."""
    if not name:
        return ""
    return f"{access.required_place.path}?{urlencode({'cycle': name, **query})}"
