"""The reach of a token: where it works now, with which access, and who can remove an obstacle.

The token's page, its Markdown and the API show the same reach. It includes only collectives of
the token's owner. `harmonic.access.middleware` decides requests by the same switches; tests
check that both agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from accounts.models import TenantUser
from accounts.queries import Person, people, tenant_admin_ids
from collectives.models import Collective, CollectiveMember
from collectives.queries import inviting_collectives
from harmonic.kernel.access import Access, CollectiveKind, is_api_open
from harmonic.kernel.parameters.wording import humanize
from harmonic.kernel.registry import actions, grantable, granted_actions, path_to
from harmonic.kernel.scopes import Scope, is_scope
from tokens.connect.harnesses import McpServer, Tab, tabs
from tokens.connect.status import ConnectionStatus, status_of
from tokens.models import ApiToken, list_path, token_path
from tokens.queries import access_in_words

NAMED_ADMINS = 5
# Up to this many capabilities are named; of more, only the number is shown.
NAMED_CAPABILITIES = 5


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A reason why a token does not work in a place, or has less access there.

    `who` are the people who can remove it, `cure` says how, and `path` is the page.
    """

    code: str
    sentence: str
    # A phrase that can follow "can".
    cure: str = ""
    who: tuple[Person, ...] = ()
    path: str = ""

    @property
    def cure_in_words(self) -> str:
        """The cure as a sentence, or "" if there is none."""
        if not self.cure:
            return ""
        names = " or ".join(each.name for each in self.who)
        cure = f"{names} can {self.cure}" if names else f"{self.cure[:1].upper()}{self.cure[1:]}"
        return f"{cure}."


@dataclass(frozen=True, slots=True)
class PlaceReach:
    """A collective of the token's owner, with the obstacles of the token there.

    `path` is "" if the viewer cannot open the collective. `held` are the scopes that apply here
    when there are no obstacles; `limit` restricts what an agent can write.
    """

    id: UUID
    handle: str
    name: str
    kind: str
    path: str
    api_path: str
    held: tuple[str, ...]
    limit: Obstacle | None
    everywhere: tuple[Obstacle, ...]
    here: tuple[Obstacle, ...]

    @property
    def obstacles(self) -> tuple[Obstacle, ...]:
        return (*self.everywhere, *self.here)

    @property
    def is_open(self) -> bool:
        return not self.obstacles

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that apply here now; none if there is an obstacle."""
        return self.held if self.is_open else ()

    @property
    def access(self) -> str:
        """The access that the token has here, or would have without the obstacles, in words."""
        return access_in_words(self.held)


@dataclass(frozen=True, slots=True)
class Reach:
    """The obstacles of a token everywhere, and the places of its owner."""

    everywhere: tuple[Obstacle, ...]
    places: tuple[PlaceReach, ...]


def reach_of(access: Access, token: ApiToken) -> Reach:
    """Return the reach of a token of this tenant at `access.now`, in at most five queries."""
    everywhere = tuple(_everywhere(access, token))
    places = _collectives_of(token.owner)
    admins = _admins_of(each for each in places if _is_closed(each))
    parent = _parent_of(token.owner)
    return Reach(
        everywhere,
        tuple(
            _place(
                access,
                token,
                each,
                everywhere=everywhere,
                here=tuple(_here(each, admins.get(each.id, ()))),
                limit=_limit(token, each, parent),
            )
            for each in places
        ),
    )


# --- Obstacles everywhere -------------------------------------------------------------------


def _everywhere(access: Access, token: ApiToken) -> Iterator[Obstacle]:
    owner = token.owner
    human = owner.user.parent_id or owner.user_id
    if not token.is_active(access.now):
        yield Obstacle(
            "token_expired",
            "The token has expired.",
            "create a new one",
            tuple(people([human]).values()),
            f"{list_path(owner)}/new",
        )
    if owner.user.suspended_at or owner.archived_at:
        yield _inactive(owner, human)
    elif owner.user.is_agent and owner.user.agent.paused_at:
        yield _paused(owner, human)
    if not access.tenant.is_api_enabled:
        yield tenant_switch(access)
    if not _inside(token.scopes):
        yield Obstacle(
            "insufficient_scope",
            "Its scopes cover nothing in a collective.",
            "create a token with the required scopes",
            tuple(people([human]).values()),
            f"{list_path(owner)}/new",
        )


def tenant_switch(access: Access) -> Obstacle:
    """Return the obstacle of all tokens in a tenant whose API is disabled."""
    return Obstacle(
        "api_disabled_tenant",
        f"The API is disabled for {access.tenant.name}.",
        "enable it in the tenant's settings",
        _named(tenant_admin_ids(NAMED_ADMINS)),
        "/tenant-admin/settings",
    )


def _inactive(owner: TenantUser, human: UUID) -> Obstacle:
    if owner.user.suspended_at:
        return Obstacle("owner_suspended", f"{owner.display_name} is suspended.")
    return Obstacle(
        "owner_inactive",
        f"{owner.display_name} is inactive.",
        "reactivate the agent in its settings" if owner.user.is_agent else "",
        _named([human]) if owner.user.is_agent else (),
        path_to("agents.settings", handle=owner.handle) if owner.user.is_agent else "",
    )


def _paused(agent: TenantUser, human: UUID) -> Obstacle:
    return Obstacle(
        "agent_paused",
        f"{agent.display_name} is paused.",
        "resume the agent",
        _named([human]),
        path_to("agents.show", handle=agent.handle),
    )


def _inside(scopes: Iterable[str]) -> tuple[str, ...]:
    known = (Scope(scope) for scope in scopes if is_scope(scope))
    return tuple(scope for scope in known if not scope.resource.is_of_tenant)


# --- One place ------------------------------------------------------------------------------


def _collectives_of(owner: TenantUser) -> list[Collective]:
    """Return the owner's collectives: the main one, then by name, the workspace last."""
    if owner.archived_at:
        return []
    rows = Collective.objects.of(owner.id).exclude(kind=CollectiveKind.CHAT)
    return sorted(
        rows, key=lambda each: (not each.is_main, each.is_workspace, each.name.lower(), each.handle)
    )


def _is_closed(collective: Collective) -> bool:
    return not is_api_open(collective) or collective.archived_at is not None


def _place(
    access: Access,
    token: ApiToken,
    collective: Collective,
    *,
    everywhere: tuple[Obstacle, ...],
    here: tuple[Obstacle, ...],
    limit: Obstacle | None,
) -> PlaceReach:
    is_own = token.owner.user_id == access.user.user_id
    return PlaceReach(
        id=collective.id,
        handle=collective.handle,
        name=f"{access.tenant.name} (main)" if collective.is_main else collective.name,
        kind=collective.kind,
        path=(collective.path or "/") if is_own or not collective.is_workspace else "",
        api_path=f"{collective.path}/api/v1",
        held=_reading(token) if limit and limit.code in READ_ONLY_LIMITS else _inside(token.scopes),
        limit=limit,
        everywhere=everywhere,
        here=here,
    )


def _here(collective: Collective, admins: tuple[Person, ...]) -> Iterator[Obstacle]:
    settings = "" if collective.is_workspace else path_to("collectives.settings", collective.path)
    if not is_api_open(collective):
        yield Obstacle(
            "api_disabled_collective",
            "The API is disabled in this collective.",
            "enable it in the collective's settings" if settings else "",
            admins if settings else (),
            settings,
        )
    if collective.archived_at is not None:
        yield Obstacle("collective_archived", "This collective is deactivated.", path=settings)


# --- Limits of an agent ---------------------------------------------------------------------

READ_ONLY_LIMITS = frozenset({"no_capabilities", "no_public_writes"})


def _limit(token: ApiToken, collective: Collective, parent: tuple[Person, ...]) -> Obstacle | None:
    """Return what restricts an agent to fewer writes than the scopes of its token allow."""
    owner = token.owner
    if not owner.user.is_agent or _inside(token.scopes) == _reading(token):
        return None
    capabilities = owner.user.agent.capabilities
    settings = path_to("agents.settings", handle=owner.handle)
    if collective.is_main and not capabilities.may_write_publicly:
        sentence = "Posts in the main collective are not allowed for this agent."
        cure = "allow them in the agent's settings"
        return Obstacle("no_public_writes", sentence, cure, parent, settings)
    writing = _writing(granted_actions(capabilities))
    code = "some_capabilities" if writing else "no_capabilities"
    return Obstacle(
        code, _limit_in_words(writing), "change them in the agent's settings", parent, settings
    )


def _reading(token: ApiToken) -> tuple[str, ...]:
    return tuple(scope for scope in _inside(token.scopes) if scope.startswith("read:"))


def _writing(names: Iterable[str]) -> list[str]:
    return [name for name in names if not actions()[name].is_read]


def _limit_in_words(writing: list[str]) -> str:
    if not writing:
        return "The agent's capabilities allow no writes."
    if len(writing) > NAMED_CAPABILITIES:
        every = len(_writing(grantable()))
        return f"Limited by the agent's capabilities ({len(writing)} of {every} actions)."
    named = ", ".join(humanize(name).lower() for name in writing)
    return f"Limited by the agent's capabilities: {named}."


# --- A new token ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewTokenFacts:
    """Facts and warnings that are shown with the plaintext of a new token."""

    token: ApiToken
    path: str
    access: str
    everywhere: tuple[Obstacle, ...]
    agent_obstacles: tuple[Obstacle, ...]
    # The configuration of clients, with the plaintext.
    tabs: tuple[Tab, ...]
    status: ConnectionStatus


def about_new(access: Access, token: ApiToken, plaintext: str) -> NewTokenFacts:
    owner = token.owner
    return NewTokenFacts(
        token,
        token_path(owner, token.id),
        access_in_words(token.scopes),
        tuple(_everywhere(access, token)),
        agent_obstacles(owner),
        tabs(McpServer(access.origin, owner.handle, plaintext)),
        status_of(token, owner.handle),
    )


# --- Agents without a collective ------------------------------------------------------------


def agent_obstacles(owner: TenantUser) -> tuple[Obstacle, ...]:
    """Return why an agent's token works in no collective besides the main one; () if it does."""
    if not owner.user.is_agent:
        return ()
    inside = [
        each
        for each in _collectives_of(owner)
        if not (each.is_main or each.is_workspace or each.archived_at)
    ]
    if any(is_api_open(each) for each in inside):
        return ()
    if not inside:
        return (_alone(owner),)
    admins = _admins_of(inside)
    return tuple(
        Obstacle(
            "api_disabled_collective",
            f"The API is disabled in {each.name}.",
            "enable it in the collective's settings",
            admins.get(each.id, ()),
            path_to("collectives.settings", each.path),
        )
        for each in inside
    )


def _alone(owner: TenantUser) -> Obstacle:
    sentence, parent = "It is a member of no other collective.", _parent_of(owner)
    if _parent_may_invite(owner):
        cure, path = (
            "add it to one in the agent's settings",
            path_to("agents.settings", handle=owner.handle),
        )
    else:
        cure, path = "create a collective and add the agent", path_to("collectives.new")
    return Obstacle("no_collective", sentence, cure, parent, path)


def _parent_may_invite(agent: TenantUser) -> bool:
    """Return whether the parent may add the agent to one of their collectives."""
    parent = TenantUser.objects.filter(user=agent.user.parent_id).first()
    return parent is not None and bool(inviting_collectives(parent.id))


# --- People who can help --------------------------------------------------------------------


def _parent_of(agent: TenantUser) -> tuple[Person, ...]:
    return tuple(people([agent.user.parent_id]).values())


def _named(user_ids: Iterable[UUID]) -> tuple[Person, ...]:
    ids = list(user_ids)
    known = people(ids)
    return tuple(known[user_id] for user_id in ids)


def _admins_of(collectives: Iterable[Collective]) -> dict[UUID, tuple[Person, ...]]:
    """Return the longest-serving admins of several collectives, by the collective's id."""
    ids = [each.id for each in collectives]
    if not ids:
        return {}
    rows = CollectiveMember.objects.active_admins().filter(collective__in=ids)
    pairs = list(rows.order_by("created_at", "id").values_list("collective_id", "person__user_id"))
    known = people(user_id for _, user_id in pairs)
    found: dict[UUID, tuple[Person, ...]] = {}
    for collective_id, user_id in pairs:
        named = found.get(collective_id, ())
        found[collective_id] = (*named, known[user_id])[:NAMED_ADMINS]
    return found
