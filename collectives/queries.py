"""Queries of collectives, memberships and invites."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet

from accounts.models import TenantUser
from accounts.queries import Person, people, with_user
from accounts.security import Reading
from collectives.models import Collective, CollectiveMember, CollectiveQuerySet, Invite
from harmonic.kernel.access import Access, UserType
from harmonic.kernel.database.prepared import QueryValue, of_model

# The number of collectives or agents that a page about something else lists.
LISTED = 200


def own_collectives(person_id: UUID) -> list[Collective]:
    """Return the first standard collectives of a person by name, without the main one."""
    return list(_OWN.rows(person=person_id))


def _own(*, person: UUID) -> QuerySet[Collective]:
    return own_rows(person)[:LISTED]


def own_rows(person_id: UUID) -> CollectiveQuerySet:
    """Return all standard collectives of a person by name, without the main one."""
    mine: CollectiveQuerySet = Collective.objects.standard().of(person_id)
    return mine.filter(is_main=False, archived_at=None).order_by("name", "id")


_OWN = of_model(Collective, _own)


def common_collectives(person_id: UUID, other_id: UUID) -> list[Collective]:
    """Return the first standard collectives that two people share, by name."""
    return list(own_rows(person_id).of(other_id)[:LISTED])


def inviting_collectives(person_id: UUID) -> list[Collective]:
    """Return the collectives that a person may invite others to, by name."""
    rows = CollectiveMember.objects.inviting().filter(
        person=person_id, collective__archived_at=None
    )
    rows = rows.select_related("collective").order_by("collective__name", "collective_id")
    return [row.collective for row in rows[:LISTED]]


def other_identities(person_id: UUID) -> QuerySet[Any, Any]:
    """Return a subquery of the identities of collectives that a person does not belong to."""
    mine = Collective.objects.of(person_id).values("id")
    found: QuerySet[Any, Any] = Collective.objects.exclude(id__in=mine).exclude(identity=None)
    return found.values("identity")


def is_known(access: Access, person: TenantUser) -> bool:
    """Return whether the caller may see that a person exists.

    The identity of a collective has its name, which only its members may see.
    """
    if person.user.user_type != UserType.COLLECTIVE_IDENTITY:
        return True
    return not other_identities(access.user.person_id).filter(identity=person.id).exists()


def own_workspace(person_id: UUID) -> Collective | None:
    mine = Collective.objects.of(person_id)
    workspace: Collective | None = mine.filter(kind="private_workspace").first()
    return workspace


def main_collective() -> Collective:
    return Collective.objects.get(is_main=True)


def current_collective(access: Access) -> Collective:
    """Return the collective of the request."""
    found = _CURRENT.first(id=access.required_place.id)
    assert found is not None  # the request was routed to it
    return found


def _matching(**wanted: QueryValue) -> QuerySet[Collective]:
    return Collective.objects.filter(**wanted)


_CURRENT = of_model(Collective, _matching)


@dataclass(frozen=True, slots=True)
class Member:
    """A membership with the person's name, for lists."""

    row: CollectiveMember
    person: Person

    @property
    def roles(self) -> list[str]:
        return self.row.roles


def members(collective_id: UUID, limit: int) -> list[Member]:
    """Return the newest active members, with their names."""
    return with_names(newest_members(collective_id, limit))


def newest_members(collective_id: UUID, limit: int) -> list[CollectiveMember]:
    """Return the rows of the newest active members."""
    return list(_MEMBERS.rows(limit, collective=collective_id))


def with_names(rows: Sequence[CollectiveMember]) -> list[Member]:
    """Add names to rows of `member_rows`."""
    known = people(row.user_id for row in rows)
    return [Member(row, known[row.user_id]) for row in rows]


def member_rows(**wanted: Any) -> QuerySet[CollectiveMember]:
    """Return active members, newest first."""
    active: QuerySet[CollectiveMember] = CollectiveMember.objects.active().filter(**wanted)
    named = active.annotate(user_id=F("person__user_id"))  # type: ignore[no-redef]  # declared there
    return named.order_by("-created_at", "-id")


def _members(limit: int, **wanted: QueryValue) -> QuerySet[CollectiveMember]:
    return member_rows(**wanted)[:limit]


_MEMBERS = of_model(CollectiveMember, _members, ("user_id",))


def member_count(collective_id: UUID) -> int:
    active = CollectiveMember.objects.active()
    return int(active.filter(collective=collective_id).count())


def admins(collective_id: UUID, limit: int = 5) -> list[Person]:
    """Return the admins who can act in a collective, longest-serving first."""
    rows = CollectiveMember.objects.active_admins().filter(collective=collective_id)
    ids = list(rows.order_by("created_at", "id").values_list("person__user_id", flat=True)[:limit])
    known = people(ids)
    return [known[user_id] for user_id in ids]


def membership_of(collective_id: UUID, person: TenantUser) -> CollectiveMember | None:
    """Return a membership, even if it is archived."""
    rows = CollectiveMember.objects.filter(collective=collective_id, person=person)
    found: CollectiveMember | None = rows.select_related("person__user").first()
    return found


def agent_rows(collective_id: UUID, user_id: UUID) -> list[CollectiveMember]:
    """Return the memberships of a person's agents in a collective, inactive agents included."""
    rows = CollectiveMember.objects.filter(
        collective=collective_id, archived_at=None, person__user__parent=user_id
    )
    return list(rows.select_related("person__user").order_by("person__display_name", "id"))


# --- Invites --------------------------------------------------------------------------------


def shareable_invite(collective_id: UUID, now: datetime) -> Invite | None:
    """Return the usable shareable invite with the latest expiry."""
    found: Invite | None = (
        Invite.objects.usable(now)
        .filter(collective=collective_id, invited_user=None)
        .order_by("-expires_at", "-id")
        .first()
    )
    return found


def is_closed_to_former_members(invite: Invite) -> bool:
    """Return whether a membership ended after a shareable invite was created.

    Such former members need a newer invite (`usable_invite`).
    """
    ended: bool = CollectiveMember.objects.filter(
        collective=invite.collective_id,
        person__user__user_type=UserType.HUMAN,
        archived_at__gte=invite.created_at,
    ).exists()
    return ended


def usable_invite(access: Access, code: str) -> Invite | None:
    """Return the invite that the caller can join with: the one with this code, or a personal one.

    A shareable invite that was created before the caller's last membership ended is not usable, so
    that a removed member cannot rejoin with an old link.
    """
    invites = Invite.objects.usable(access.now).filter(collective=access.required_place.id)
    found: Invite | None = invites.filter(code=code.strip().lower()).first() if code else None
    if found is None:
        return _personal_invite(invites, access)
    if found.is_shareable:
        return None if _predates_the_end(access, found) else found
    return found if found.invited_user_id == access.user.user_id else None


def _personal_invite(invites: QuerySet[Invite], access: Access) -> Invite | None:
    return invites.filter(invited_user=access.user.user_id).order_by("-expires_at", "-id").first()


def _predates_the_end(access: Access, invite: Invite) -> bool:
    """Return whether the caller's membership ended after an invite was created."""
    ended: bool = CollectiveMember.objects.filter(
        collective=invite.collective_id,
        person=access.user.person_id,
        archived_at__gte=invite.created_at,
    ).exists()
    return ended


def invite_of(code: str) -> Invite | None:
    """Return the invite with a code to any collective of the tenant, even if it has ended."""
    found: Invite | None = Invite.objects.filter(code=code.strip().lower()).first()
    return found


def collective_invited_to(handle: str, code: str, now: datetime) -> Collective | None:
    """Return the collective with a handle if `code` is that of a usable invite to it."""
    if not (code.isascii() and code.isalnum()):
        return None
    usable = Invite.objects.usable(now).select_related("collective")
    invite: Invite | None = usable.filter(code=code.lower()).first()
    is_there = invite is not None and invite.collective.handle.lower() == handle.lower()
    return invite.collective if invite is not None and is_there else None


def is_used(invite: Invite) -> bool:
    """Return whether a member joined with an invite."""
    used: bool = CollectiveMember.objects.filter(invite=invite).exists()
    return used


def is_backed(invite: Invite) -> bool:
    """Return whether the creator of an invite may still invite."""
    backed: bool = Invite.objects.filter(id=invite.id).backed().exists()
    return backed


def joined_by_link(collective_id: UUID) -> QuerySet[CollectiveMember]:
    """Return the members who joined with an invitation link, newest first."""
    return member_rows(collective=collective_id, invite__invited_user=None).exclude(invite=None)


# --- Agents ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Addable:
    """The first agents that the caller can add here, and the number of further ones."""

    agents: Sequence[TenantUser] = ()
    more: int = 0


def addable_agents(access: Access) -> Addable:
    """Return the caller's active agents that are not members here, by name."""
    inside = CollectiveMember.objects.active().filter(collective=access.required_place.id)
    mine = with_user().filter(user__parent=access.user.user_id, archived_at=None)
    outside = mine.exclude(id__in=inside.values("person"))
    agents = list(outside.order_by("display_name", "id")[:LISTED])
    more = outside.count() - LISTED if len(agents) == LISTED else 0
    return Addable(agents, more)


def agent_memberships(access: Access) -> QuerySet[CollectiveMember]:
    """Return the memberships of agents in this collective, newest first."""
    return member_rows(
        collective=access.required_place.id, person__user__user_type=UserType.AI_AGENT
    )


def collectives_of(people_: Iterable[TenantUser]) -> dict[UUID, list[Collective]]:
    """Return the first standard collectives of several people, by tenant user id."""
    rows = (
        CollectiveMember.objects.active()
        .filter(person__in=list(people_), collective__kind="standard", collective__is_main=False)
        .select_related("collective")
        .order_by("collective__name")
    )
    found: dict[UUID, list[Collective]] = {}
    for row in rows[:LISTED]:
        found.setdefault(row.person_id, []).append(row.collective)
    return found


# --- The security log -----------------------------------------------------------------------


def names_in_log(reading: Reading, ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the names of collectives that a reader of the security log may see.

    A person's own log names all collectives, because the person belonged to them. The tenant's log
    names only collectives that its reader belongs to.
    """
    rows = Collective.objects.filter(id__in=list(ids))
    if not reading.is_own:
        rows = rows.of(reading.access.user.person_id)
    return dict(rows.values_list("id", "name"))
