"""Where a token gets in right now, what it may do there, and who could change a no.

One answer for the token's page, its Markdown and the API. It names no collective that the
token's owner does not belong to. `harmonic.access.middleware` decides each request by the same
switches; the tests hold the two together.
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
from harmonic.kernel.registry import actions, grantable, held_by, path_to
from harmonic.kernel.scopes import READ_ONLY, READ_WRITE, Scope, is_scope
from tokens.models import ApiToken, list_path, token_path

NAMED_ADMINS = 5
# So many capabilities are named; of more it is said how many.
NAMED_CAPABILITIES = 5


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a token does not get in, or may do less there: the reason, its cure, and who can
    bring that about."""

    code: str
    sentence: str
    # What they can do, as it follows "can".
    cure: str = ""
    who: tuple[Person, ...] = ()
    path: str = ""

    @property
    def cure_in_words(self) -> str:
        """The cure as a sentence, or "" where there is none."""
        if not self.cure:
            return ""
        names = " or ".join(each.name for each in self.who)
        cure = f"{names} can {self.cure}" if names else f"{self.cure[:1].upper()}{self.cure[1:]}"
        return f"{cure}."


@dataclass(frozen=True, slots=True)
class PlaceReach:
    """A collective of the token's owner, and whether the token gets in.

    `path` is empty where the reader of the answer cannot go. `held` are the scopes that count
    here once nothing keeps the token out, `limit` what narrows an agent's writing.
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
        """The scopes that count here now; none where the token does not get in."""
        return self.held if self.is_open else ()

    @property
    def may(self) -> str:
        """What the token may do here, or could if it got in, in words."""
        return may_in_words(self.held)


@dataclass(frozen=True, slots=True)
class Reach:
    """What keeps a token out everywhere, and each place with all that keeps it out there."""

    everywhere: tuple[Obstacle, ...]
    places: tuple[PlaceReach, ...]


def may_in_words(scopes: Iterable[str]) -> str:
    """Return scopes in the words of the pages: `read`, `read + write`, or one by one."""
    held = set(scopes)
    if held >= set(READ_WRITE):
        return "read + write"
    return (
        "read"
        if held == set(READ_ONLY)
        else ", ".join(sorted(each.removesuffix(":all") for each in held))
    )


def reach_of(access: Access, token: ApiToken) -> Reach:
    """Return the reach of a token of this tenant at `access.now`; five queries at most."""
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


# --- What keeps a token out everywhere ------------------------------------------------------


def _everywhere(access: Access, token: ApiToken) -> Iterator[Obstacle]:
    owner = token.owner
    human = owner.user.parent_id or owner.user_id
    if not token.is_active(access.now):
        yield Obstacle(
            "token_expired",
            "The token has ended.",
            "make a new one",
            tuple(people([human]).values()),
            f"{list_path(owner)}/new",
        )
    if owner.user.suspended_at or owner.archived_at:
        yield _inactive(owner, human)
    if not access.tenant.is_api_enabled:
        yield tenant_switch(access)
    if not _inside(token.scopes):
        yield Obstacle(
            "insufficient_scope",
            "Its scopes name nothing that lies in a collective.",
            "make a token with the scopes that are needed",
            tuple(people([human]).values()),
            f"{list_path(owner)}/new",
        )


def tenant_switch(access: Access) -> Obstacle:
    """Return what a tenant whose API is off means to its tokens."""
    return Obstacle(
        "api_disabled_tenant",
        f"The API is off for {access.tenant.name}.",
        "turn it on in the tenant's settings",
        _named(tenant_admin_ids(NAMED_ADMINS)),
        "/tenant-admin/settings",
    )


def _inactive(owner: TenantUser, human: UUID) -> Obstacle:
    if owner.user.suspended_at:
        return Obstacle("owner_suspended", f"{owner.display_name} is suspended.")
    return Obstacle(
        "owner_inactive",
        f"{owner.display_name} is inactive.",
        "bring the agent back, in its settings" if owner.user.is_agent else "",
        _named([human]) if owner.user.is_agent else (),
        path_to("agents.settings", handle=owner.handle) if owner.user.is_agent else "",
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
        held=_reading(token) if limit and limit.code in WRITES_NOTHING else _inside(token.scopes),
        limit=limit,
        everywhere=everywhere,
        here=here,
    )


def _here(collective: Collective, admins: tuple[Person, ...]) -> Iterator[Obstacle]:
    settings = "" if collective.is_workspace else path_to("collectives.settings", collective.path)
    if not is_api_open(collective):
        yield Obstacle(
            "api_disabled_collective",
            "API is off in this collective.",
            "turn it on in its settings" if settings else "",
            admins if settings else (),
            settings,
        )
    if collective.archived_at is not None:
        yield Obstacle("collective_archived", "This collective is deactivated.", path=settings)


# --- What an agent may do there -------------------------------------------------------------

WRITES_NOTHING = frozenset({"no_capabilities", "no_public_writes"})


def _limit(token: ApiToken, collective: Collective, parent: tuple[Person, ...]) -> Obstacle | None:
    """Return what keeps an agent from what its token's scopes would let it write."""
    owner = token.owner
    if not owner.user.is_agent or _inside(token.scopes) == _reading(token):
        return None
    capabilities = owner.user.agent.capabilities
    settings = path_to("agents.settings", handle=owner.handle)
    if collective.is_main and not capabilities.may_write_publicly:
        sentence = "It may write nothing where the whole tenant reads."
        cure = "allow that in its settings"
        return Obstacle("no_public_writes", sentence, cure, parent, settings)
    writing = _writing(held_by(capabilities))
    code = "some_capabilities" if writing else "no_capabilities"
    return Obstacle(code, _held(writing), "change them in its settings", parent, settings)


def _reading(token: ApiToken) -> tuple[str, ...]:
    return tuple(scope for scope in _inside(token.scopes) if scope.startswith("read:"))


def _writing(names: Iterable[str]) -> list[str]:
    return [name for name in names if not actions()[name].is_read]


def _held(writing: list[str]) -> str:
    if not writing:
        return "Its capabilities let it write nothing."
    if len(writing) > NAMED_CAPABILITIES:
        every = len(_writing(grantable()))
        return f"Limited by the agent's capabilities ({len(writing)} of {every} actions)."
    named = ", ".join(humanize(name).lower() for name in writing)
    return f"Limited by the agent's capabilities: {named}."


# --- A token just made ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewTokenFacts:
    """What the answer that makes a token tells of it, and warns of."""

    token: ApiToken
    path: str
    may: str
    everywhere: tuple[Obstacle, ...]
    shut_out: tuple[Obstacle, ...]


def about_new(access: Access, token: ApiToken) -> NewTokenFacts:
    return NewTokenFacts(
        token,
        token_path(token.owner, token.id),
        may_in_words(token.scopes),
        tuple(_everywhere(access, token)),
        shut_out(token.owner),
    )


# --- An agent that gets in nowhere ----------------------------------------------------------


def shut_out(owner: TenantUser) -> tuple[Obstacle, ...]:
    """Return why an agent's token would get in nowhere but in the main collective; nothing
    where it does."""
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
            f"API is off in {each.name}.",
            "turn it on in its settings",
            admins.get(each.id, ()),
            path_to("collectives.settings", each.path),
        )
        for each in inside
    )


def _alone(owner: TenantUser) -> Obstacle:
    sentence, parent = "It is a member of none.", _parent_of(owner)
    if _parent_may_invite(owner):
        cure, path = (
            "add it to one in its settings",
            path_to("agents.settings", handle=owner.handle),
        )
    else:
        cure, path = "create a collective and add it there", path_to("collectives.new")
    return Obstacle("no_collective", sentence, cure, parent, path)


def _parent_may_invite(agent: TenantUser) -> bool:
    """Return whether the parent may add the agent to one of their collectives."""
    parent = TenantUser.objects.filter(user=agent.user.parent_id).first()
    return parent is not None and bool(inviting_collectives(parent.id))


# --- Who can help ---------------------------------------------------------------------------


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
    rows = CollectiveMember.objects.acting_admins().filter(collective__in=ids)
    pairs = list(rows.order_by("created_at", "id").values_list("collective_id", "person__user_id"))
    known = people(user_id for _, user_id in pairs)
    found: dict[UUID, tuple[Person, ...]] = {}
    for collective_id, user_id in pairs:
        named = found.get(collective_id, ())
        found[collective_id] = (*named, known[user_id])[:NAMED_ADMINS]
    return found
