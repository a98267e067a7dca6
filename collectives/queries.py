"""Reading collectives and memberships."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet

from accounts.models import TenantUser
from accounts.queries import Person, people, with_user
from collectives.models import Collective, CollectiveMember, Invite
from harmonic.kernel.access import Access, NotFound, UserType
from harmonic.kernel.prepared import Parameter, of_model
from harmonic.kernel.tenancy import parse_uuid

MEMBERS_SHOWN = 100


def own_collectives(person_id: UUID) -> list[Collective]:
    """Return the standard collectives of a person, by name; the main one left out."""
    return list(_OWN.rows(person=person_id))


def _own(*, person: UUID) -> QuerySet[Collective]:
    mine: QuerySet[Collective] = Collective.objects.standard().of(person)
    return mine.filter(is_main=False, archived_at=None).order_by("name", "id")


_OWN = of_model(Collective, _own)


def reachable(access: Access) -> QuerySet[Collective]:
    """Return the collectives whose content a token of the caller reaches, of whatever kind."""
    mine = Collective.objects.of(access.user.person_id).filter(archived_at=None)
    return mine.filter(Q(is_main=True) | Q(is_api_enabled=True))


def inviting_collectives(person_id: UUID) -> list[Collective]:
    """Return those of one's own collectives that one may bring others into, by name."""
    mine = Collective.objects.standard().filter(is_main=False, archived_at=None)
    rows = mine.filter(
        Q(members__is_admin=True) | Q(all_members_can_invite=True) | Q(invite_only=False),
        members__person=person_id,
        members__archived_at=None,
    )
    return list(rows.order_by("name", "id"))


def other_identities(person_id: UUID) -> QuerySet[Any, Any]:
    """Return the identities of the collectives that a person is no member of, as a subquery."""
    mine = Collective.objects.of(person_id).values("id")
    found: QuerySet[Any, Any] = Collective.objects.exclude(id__in=mine).exclude(identity=None)
    return found.values("identity")


def is_known(access: Access, person: TenantUser) -> bool:
    """Return whether the caller may learn that somebody exists.

    The identity of a collective has its name, which only its members read.
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


def here(access: Access) -> Collective:
    """Return the row of the collective that the request is about."""
    found = _HERE.first(id=access.here.id)
    assert found is not None  # the request is about it
    return found


def _here(**wanted: Parameter) -> QuerySet[Collective]:
    return Collective.objects.filter(**wanted)


_HERE = of_model(Collective, _here)


def collective_named(word: str, access: Access) -> Collective | None:
    """Return a collective by id or handle, if the caller belongs to it."""
    parsed = parse_uuid(word)
    wanted = {"id": parsed} if parsed else {"handle": word.lower()}
    mine = Collective.objects.of(access.user.person_id)
    found: Collective | None = mine.filter(**wanted).first()
    return found


@dataclass(frozen=True, slots=True)
class Member:
    """A member as lists show them."""

    row: CollectiveMember
    person: Person

    @property
    def roles(self) -> list[str]:
        return self.row.roles


def members(collective_id: UUID, limit: int = MEMBERS_SHOWN) -> list[Member]:
    """Return the newest active members."""
    rows = list(_MEMBERS.rows(limit, collective=collective_id))
    known = people(row.user_id for row in rows)
    return [Member(row, known[row.user_id]) for row in rows]


def _members(limit: int, **wanted: Parameter) -> QuerySet[CollectiveMember]:
    active: QuerySet[CollectiveMember] = CollectiveMember.objects.active().filter(**wanted)
    named = active.annotate(user_id=F("person__user_id"))  # type: ignore[no-redef]  # declared there
    return named.order_by("-created_at", "-id")[:limit]


_MEMBERS = of_model(CollectiveMember, _members, ("user_id",))


def member_count(collective_id: UUID) -> int:
    active = CollectiveMember.objects.active()
    return int(active.filter(collective=collective_id).count())


def admins(collective_id: UUID, limit: int = 5) -> list[Person]:
    """Return who can change a collective's settings: the longest-serving admins."""
    rows = CollectiveMember.objects.active().filter(collective=collective_id, is_admin=True)
    ids = list(rows.order_by("created_at", "id").values_list("person__user_id", flat=True)[:limit])
    known = people(ids)
    return [known[user_id] for user_id in ids]


def membership_of(collective_id: UUID, person: TenantUser) -> CollectiveMember | None:
    """Return a membership, archived or not."""
    return CollectiveMember.objects.filter(collective=collective_id, person=person).first()


def shareable_invite(collective_id: UUID, now: datetime) -> Invite | None:
    """Return the shareable invite that lives longest."""
    return (
        Invite.objects.filter(collective=collective_id, invited_user=None, expires_at__gt=now)
        .order_by("-expires_at", "-id")
        .first()
    )


def usable_invite(access: Access, code: str) -> Invite | None:
    """Return the invite with this code, or the caller's personal one without a code."""
    invites = Invite.objects.filter(collective=access.here.id, expires_at__gt=access.now)
    if code:
        found = invites.filter(code=code.strip().lower()).first()
        if found:
            return found if found.is_open_to(access.user.user_id, access.now) else None
    return invites.filter(invited_user=access.user.user_id).order_by("-expires_at").first()


def addable_agents(access: Access) -> list[TenantUser]:
    """Return the caller's agents that are not members here."""
    inside = CollectiveMember.objects.active().filter(collective=access.here.id)
    agents = with_user().filter(user__parent=access.user.user_id, archived_at=None)
    return list(agents.exclude(id__in=inside.values("person")).order_by("display_name", "id"))


def agents_here(access: Access) -> list[Member]:
    """Return the agents that are members of this collective."""
    return [member for member in members(access.here.id) if member.person.is_agent]


def collectives_of(people_: Iterable[TenantUser]) -> dict[UUID, list[Collective]]:
    """Return the standard collectives of several people, by tenant user id."""
    rows = (
        CollectiveMember.objects.active()
        .filter(person__in=list(people_), collective__kind="standard", collective__is_main=False)
        .select_related("collective")
        .order_by("collective__name")
    )
    found: dict[UUID, list[Collective]] = {}
    for row in rows:
        found.setdefault(row.person_id, []).append(row.collective)
    return found


def collective_at(access: Access, word: str) -> Collective:
    """Return one of the caller's own collectives.

    Raises:
        NotFound: there is none with this id or handle that the caller belongs to.
    """
    collective = collective_named(word, access)
    if collective is None:
        raise NotFound("Collective not found")
    return collective


def tenant_admins(limit: int = 5) -> list[Person]:
    """Return the longest-serving tenant admins."""
    ids = tenant_admin_ids(limit)
    known = people(ids)
    return [known[user_id] for user_id in ids]


def tenant_admin_ids(limit: int = 5) -> list[UUID]:
    """Return the user ids of the longest-serving tenant admins."""
    admins_ = TenantUser.objects.filter(is_admin=True, archived_at=None)
    return list(admins_.order_by("created_at", "id").values_list("user_id", flat=True)[:limit])
