"""Rules of heartbeats: the policy and their creation."""

from __future__ import annotations

from collectives.cycles.models import Heartbeat
from collectives.cycles.presence import Presence, own_heartbeat
from collectives.models import CollectiveMember
from collectives.rules.policies import is_member
from harmonic.kernel.access import Access
from harmonic.kernel.refusals import Conflict, Denied

ALREADY_SENT = "Heartbeat already exists for this cycle."
NO_HEARTBEATS = Denied(
    "This collective has no heartbeats.",
    "The main collective and private workspaces have none.",
)


def may_send(access: Access, presence: Presence | None) -> Denied | None:
    """Allow members, except in the main collective and in private workspaces."""
    if denied := is_member(access, presence):
        return denied
    return None if presence is None or presence.is_kept else NO_HEARTBEATS


def send(access: Access, presence: Presence) -> Heartbeat:
    """Store the caller's heartbeat for the current cycle.

    Raises:
        Conflict: the caller already sent it.
    """
    _lock_own_membership(access)
    if own_heartbeat(access, presence.cycle):
        raise Conflict(ALREADY_SENT, hint="The next one is due in the next cycle.")
    return Heartbeat.objects.create(
        tenant_id=access.tenant.id,
        collective_id=access.required_place.id,
        user_id=access.user.user_id,
        created_at=access.now,
        cycle_started_at=presence.cycle.start,
        expires_at=presence.cycle.end,
    )


def _lock_own_membership(access: Access) -> None:
    """Serialize the heartbeats of one member."""
    rows = CollectiveMember.objects.filter(
        collective=access.required_place.id, person=access.user.person_id
    )
    rows.select_for_update(no_key=True).get()
