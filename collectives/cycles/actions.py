"""Actions that send a heartbeat."""

from __future__ import annotations

from dataclasses import replace

from collectives.cycles import rules
from collectives.cycles.presence import Presence
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Outcome, ResourceRef
from harmonic.kernel.capabilities import ALWAYS
from harmonic.kernel.http.moments import format_timestamp
from harmonic.kernel.refusals import Conflict, Proof
from harmonic.kernel.registry import path_to
from harmonic.kernel.scopes import Scope


def _send(access: Access, presence: Presence) -> Outcome:
    heartbeat = rules.send(access, presence)
    cycle = presence.cycle
    end = heartbeat.expires_at.astimezone(cycle.zone)
    return Outcome(
        f"Heartbeat sent. You are here for {cycle.display_name.lower()}"
        f" ({cycle.time_window}), until {end:%Y-%m-%d %H:%M} ({cycle.zone.key}).",
        access.required_place.path,
        ResourceRef(
            "Heartbeat", str(heartbeat.id), path_to("cycles.heartbeats", access.required_place.path)
        ),
        heartbeat,
        facts={"expires_at": heartbeat.expires_at},
    )


def _post(access: Access, presence: Presence) -> Outcome:
    """Send a heartbeat, and return the JSON response of `POST {collective}/heartbeats`."""
    try:
        outcome = _send(access, presence)
    except Conflict as conflict:
        conflict.message = "Heartbeat already exists"
        raise
    json = {
        "expires_at": format_timestamp(outcome.object.expires_at),
        "other_heartbeats": len(presence.others),
        "cycle_display_name": presence.cycle.display_name.lower(),
    }
    return replace(outcome, json=json)


def _is_awaited(access: Access, presence: Presence | None) -> bool:
    return presence is None or presence.is_awaited


send_heartbeat: Action[Presence] = Action(
    name="send_heartbeat",
    sentence="Tell other members that you are here this cycle. This opens the collective's page"
    " until the cycle ends.",
    label="Send heartbeat",
    scope=Scope("create:cycles"),
    grant=ALWAYS,
    proof=Proof.NONE,
    changes_access=False,
    emits="heartbeat.created",
    policy=rules.may_send,
    is_offered=_is_awaited,
    effect=_send,
)
# On the heartbeats page, under the name that public clients send.
create_heartbeat = replace(send_heartbeat, name="create_heartbeat", capability="send_heartbeat")
# Sent to the page itself, with the response that public clients expect.
post_heartbeat = replace(create_heartbeat, effect=_post)
