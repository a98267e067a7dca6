"""The attention list of a person: unread notes, expiring tokens, agents without a token."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Exists, OuterRef, Q

from accounts.models import TenantUser
from accounts.queries import agents_of
from collectives.items.models import Item
from collectives.models import Collective
from harmonic.kernel.access import Access, AgentMode, CollectiveKind
from harmonic.kernel.registry import path_to
from tokens.models import ApiToken, token_path

# A note is unread only for so long after it was last changed.
UNREAD_FOR = timedelta(days=30)
UNREAD_COUNTED = 100
EXPIRING_WITHIN = timedelta(days=14)
# Tokens, and agents, that the home page lists.
LISTED = 10


@dataclass(frozen=True, slots=True)
class Unread:
    """A collective and the number of unread notes in it."""

    collective: Collective
    count: int


@dataclass(frozen=True, slots=True)
class ExpiringToken:
    """A token that expires soon, with the agent that owns it unless it is the person's own."""

    row: ApiToken
    agent_name: str

    @property
    def path(self) -> str:
        return token_path(self.row.owner, self.row.id)


@dataclass(frozen=True, slots=True)
class IdleAgent:
    """An external agent without an active token."""

    row: TenantUser

    @property
    def path(self) -> str:
        return path_to("agents.show", handle=self.row.handle)

    @property
    def new_token_path(self) -> str:
        return path_to("tokens.new", handle=self.row.handle)


@dataclass(frozen=True, slots=True)
class Attention:
    """The lists that the home page shows before the activity."""

    unread: Sequence[Unread] = ()
    has_more_unread: bool = False
    tokens: Sequence[ExpiringToken] = ()
    agents: Sequence[IdleAgent] = ()

    def __bool__(self) -> bool:
        return bool(self.unread or self.tokens or self.agents)


def attention(access: Access, collectives: Sequence[Collective]) -> Attention:
    """Return what needs the caller's attention.

    `collectives` are those whose unread notes count. A token that reads notes alone gets none
    of them, since the names of collectives need `read:all`. Only people manage tokens and agents.
    """
    found = unread_ids(access) if access.may_read("all") else []
    return Attention(
        unread=list(_by_collective(found[:UNREAD_COUNTED], collectives)),
        has_more_unread=len(found) > UNREAD_COUNTED,
        tokens=expiring_tokens(access) if _manages(access, "api_tokens") else [],
        agents=idle_agents(access) if _manages(access, "users") else [],
    )


def _manages(access: Access, resource: str) -> bool:
    return access.user.is_human and access.may_read(resource)


def unread_ids(access: Access) -> list[object]:
    """Return the collective of each unread note, for one note more than are counted.

    Notes in the main collective are left out: the home page lists them itself. The notes that
    the statement passes over are the caller's own and those that the caller confirmed, so its
    work is bounded by what the caller did.
    """
    notes = Item.objects.visible_to(access).standalone().unread_by(access.user.user_id)
    recent = notes.filter(
        updated_at__gte=access.now - UNREAD_FOR,
        collective__is_main=False,
        collective__kind=CollectiveKind.STANDARD,
    )
    ids = recent.order_by().values_list("collective", flat=True)
    return list(ids[: UNREAD_COUNTED + 1])


def _by_collective(ids: Sequence[object], collectives: Sequence[Collective]) -> Iterator[Unread]:
    counts = Counter(ids)
    for collective in collectives:
        if count := counts[collective.id]:
            yield Unread(collective, count)


def expiring_tokens(access: Access) -> list[ExpiringToken]:
    """Return the active tokens that expire soonest, of the caller and the caller's agents.

    A token that was rotated is left out, since its successor goes on working.
    """
    person = access.user
    active = ApiToken.objects.active(access.now).with_owner()
    rows = active.filter(
        Q(owner=person.person_id) | Q(owner__user__parent=person.user_id),
        expires_at__lte=access.now + EXPIRING_WITHIN,
        successor=None,
    ).order_by("expires_at", "id")
    return [
        ExpiringToken(row, row.owner.display_name if row.owner_id != person.person_id else "")
        for row in rows[:LISTED]
    ]


def idle_agents(access: Access) -> list[IdleAgent]:
    """Return the caller's agents that could act but have no active token."""
    active = ApiToken.objects.active(access.now).filter(owner=OuterRef("pk"))
    rows = agents_of(access.user.user_id).filter(
        ~Exists(active),
        user__agent__mode=AgentMode.EXTERNAL,
        user__suspended_at=None,
        archived_at=None,
    )
    return [IdleAgent(row) for row in rows[:LISTED]]
