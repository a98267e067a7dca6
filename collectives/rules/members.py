"""Rules of membership: adding members and ending memberships."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from accounts.models import TenantUser
from accounts.rules import person_reference
from collectives.models import Collective, CollectiveMember, Invite
from collectives.queries import agent_rows
from collectives.rules.invites import expire_unbacked_invites
from harmonic.kernel.access import Access
from harmonic.kernel.operations import audit
from harmonic.kernel.parameters.wording import enumerated
from harmonic.kernel.refusals import Forbidden

REMOVED = (
    "They, their agents and their tokens lose access immediately. Their notes and comments stay."
    " They can rejoin with an invitation made after the removal; links made before it no longer"
    " work for them."
)
AGENT_REMOVED = (
    "The agent and its tokens lose access immediately. Its notes and comments stay. The person who"
    " manages it can add it again."
)
NEW_ADMIN_FIRST = "First make another member an admin, on the members page."
# The reason that the security log keeps when an agent leaves with its parent.
WITH_PARENT = "parent_left"


def lock_members(collective_id: uuid.UUID) -> Collective:
    """Lock the membership of a collective until the transaction ends, and return its row.

    Joining, leaving, removing and changing roles take this lock, so that two admins cannot
    leave at once and no agent is added while its parent is being removed.
    """
    row: Collective = Collective.objects.select_for_update(no_key=True).get(id=collective_id)
    return row


def add_member(
    collective: Collective,
    person: TenantUser,
    *,
    now: datetime,
    is_admin: bool = False,
    is_representative: bool = False,
    invite: Invite | None = None,
) -> CollectiveMember:
    """Create a membership or restore an archived one, and add the given roles.

    `invite` is the invite that the person joined with.

    Raises:
        Forbidden: the person is an agent whose parent is not an active member.
    """
    _refuse_without_parent(collective, person)
    row, is_new = CollectiveMember.objects.get_or_create(
        tenant_id=collective.tenant_id,
        collective=collective,
        person=person,
        defaults={
            "is_admin": is_admin,
            "is_representative": is_representative,
            "invite": invite,
            "created_at": now,
        },
    )
    if is_new:
        return row
    row.archived_at = None
    row.is_admin = row.is_admin or is_admin
    row.is_representative = row.is_representative or is_representative
    row.invite = invite
    row.save(update_fields=["archived_at", "is_admin", "is_representative", "invite"])
    return row


def _refuse_without_parent(collective: Collective, person: TenantUser) -> None:
    if not person.user.is_agent or collective.is_main or collective.is_workspace:
        return
    parents = CollectiveMember.objects.active().filter(
        collective=collective, person__user=person.user.parent_id
    )
    if not parents.exists():
        raise Forbidden(
            "An agent can only be in a collective of the person who manages it.",
            hint="That person can join the collective first, then add the agent.",
        )


def end_membership(access: Access, row: CollectiveMember) -> list[TenantUser]:
    """End a membership and those of the person's agents there, and return these agents.

    The rows are archived and grant nothing. Each agent gets an entry in the security log, and
    invites expire whose creator may no longer invite. Call it while holding `lock_members`.

    Raises:
        Forbidden: the member is the last admin and other members would remain.
    """
    if row.is_admin and is_last_admin(row) and _others_remain(row):
        raise Forbidden("The last admin cannot leave while others remain.", hint=NEW_ADMIN_FIRST)
    return archive_membership(access, row)


def archive_membership(access: Access, row: CollectiveMember) -> list[TenantUser]:
    """End a membership as `end_membership` does, even that of the last admin."""
    agents = agent_rows(row.collective_id, row.person.user_id)
    for each in (row, *agents):
        each.archived_at = access.now
        each.is_admin = each.is_representative = False
        each.save(update_fields=["archived_at", "is_admin", "is_representative"])
    for each in agents:
        record_agent_left(access, each)
    expire_unbacked_invites(row.collective_id, access.now)
    return [each.person for each in agents]


def record_agent_left(access: Access, row: CollectiveMember) -> None:
    """Record in the security log that an agent left a collective with its parent."""
    audit.record(
        audit.USER_ACTION,
        access,
        about=person_reference(row.person),
        action="remove_ai_agent_from_collective",
        collective_id=row.collective_id,
        reason=WITH_PARENT,
    )


def is_last_admin(row: CollectiveMember) -> bool:
    """Return whether a member is the only admin who can act."""
    admins = CollectiveMember.objects.active_admins().filter(collective=row.collective_id)
    return list(admins.values_list("id", flat=True)[:2]) == [row.id]


def _others_remain(row: CollectiveMember) -> bool:
    """Return whether the collective has other members than this one and their agents."""
    others = CollectiveMember.objects.active().filter(collective=row.collective_id)
    others = others.exclude(id=row.id).exclude(person__user__parent=row.person.user_id)
    return bool(others.exists())


def left_without_admin(person: TenantUser) -> list[Collective]:
    """Return the collectives where a person is the last admin and others would remain."""
    rows = CollectiveMember.objects.active_admins().filter(person=person)
    rows = rows.select_related("collective", "person__user").order_by("collective__name", "id")
    return [row.collective for row in rows if is_last_admin(row) and _others_remain(row)]


def agents_left_note(agents: Sequence[TenantUser]) -> tuple[str, ...]:
    """Return the note that names the agents that left with their parent."""
    if not agents:
        return ()
    names = enumerated(agent.display_name for agent in agents)
    return (f"Agents that left at the same time: {names}.",)
