"""The access of a request: who makes it, where, and what they may do.

`Access` is decided once a request, by `harmonic.access.middleware`; nothing after it looks at
headers, cookies, hosts or flags again. `docs/architecture.md` has the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from harmonic.kernel.capabilities import ALL_CAPABILITIES, Capabilities
from harmonic.kernel.http.negotiation import Format
from harmonic.kernel.refusals import Denied, NotFound, SignInRequired
from harmonic.kernel.scopes import Scope, ScopeResource


class UserType(StrEnum):
    HUMAN = "human"
    AI_AGENT = "ai_agent"
    COLLECTIVE_IDENTITY = "collective_identity"
    IMPORTED_PLACEHOLDER = "imported_placeholder"


class AgentMode(StrEnum):
    EXTERNAL = "external"  # run by its parent, with a token
    INTERNAL = "internal"  # run by Harmonic


class CollectiveKind(StrEnum):
    STANDARD = "standard"
    WORKSPACE = "private_workspace"
    CHAT = "chat"


@dataclass(frozen=True, slots=True)
class TenantFacts:
    id: UUID
    subdomain: str
    name: str
    timezone: str
    is_api_enabled: bool
    # Counts the changes of who may do what in the tenant (`docs/architecture.md`, Deciding).
    access_version: int = 0

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever acts: a person or an AI agent, as a member of this tenant."""

    user_id: UUID
    person_id: UUID
    handle: str
    name: str
    user_type: UserType
    is_tenant_admin: bool = False
    parent_id: UUID | None = None
    # What restricts an agent; it means nothing for people.
    capabilities: Capabilities = ALL_CAPABILITIES

    @property
    def is_human(self) -> bool:
        return self.user_type == UserType.HUMAN

    @property
    def is_agent(self) -> bool:
        return self.user_type == UserType.AI_AGENT

    @property
    def path(self) -> str:
        return f"/u/{self.handle}"


@dataclass(frozen=True, slots=True)
class TokenFacts:
    id: UUID
    name: str | None
    scopes: tuple[str, ...]
    expires_at: datetime
    last_used_at: datetime | None
    is_internal: bool

    def covers(self, scope: Scope) -> bool:
        """Return whether the token has a scope, or that of its verb for every resource."""
        return scope.whole in self.scopes or scope in self.scopes

    def reads(self, resource: str) -> bool:
        """Return whether the token may read a resource; templates ask often."""
        return "read:all" in self.scopes or f"read:{resource}" in self.scopes


@dataclass(frozen=True, slots=True)
class Place:
    """The collective that a request is about."""

    id: UUID
    handle: str
    name: str
    kind: CollectiveKind
    is_main: bool
    is_api_enabled: bool
    is_archived: bool = False

    @property
    def path(self) -> str:
        """The prefix of the collective's pages; empty for the main collective."""
        return place_path(self.handle, self.kind, self.is_main)

    @property
    def is_workspace(self) -> bool:
        return self.kind == CollectiveKind.WORKSPACE

    @property
    def audience(self) -> str:
        """Who can see what is written here: `public`, `shared` or `private`."""
        if self.is_main:
            return "public"
        return "private" if self.is_workspace else "shared"


class ApiState(StrEnum):
    """Whether members' tokens work in a collective, and which switch is off if they do not."""

    ON = "on"
    OFF_HERE = "off"
    OFF_FOR_TENANT = "tenant_off"


class HasApiSwitch(Protocol):
    """A collective, as a row or as the place of a request, with its API switch."""

    @property
    def is_main(self) -> bool: ...

    @property
    def is_api_enabled(self) -> bool: ...


def is_api_open(place: HasApiSwitch) -> bool:
    """Return whether a collective admits tokens, as far as its own switch decides.

    The switch of the main collective always counts as on.
    """
    return place.is_main or place.is_api_enabled


def place_path(handle: str, kind: str, is_main: bool) -> str:
    if is_main:
        return ""
    word = "workspace" if kind == CollectiveKind.WORKSPACE else "collectives"
    return f"/{word}/{handle}"


@dataclass(frozen=True, slots=True)
class Membership:
    is_admin: bool
    is_representative: bool
    may_invite: bool

    @property
    def roles(self) -> list[str]:
        return roles_held(is_admin=self.is_admin, is_representative=self.is_representative)


def roles_held(*, is_admin: bool, is_representative: bool) -> list[str]:
    held = (("admin", is_admin), ("representative", is_representative))
    return [role for role, is_held in held if is_held]


class AccessDecider(Protocol):
    """Decides the access of a request once more (`docs/architecture.md`, Deciding)."""

    def again(self, *, exclusive: bool) -> Access:
        """Return the access as it is now, inside the transaction of a write.

        Until the transaction ends, nobody changes who may do what in the tenant; with
        `exclusive`, nobody else writes there at all.

        Raises:
            Refused: the refusal that a later request gets.
        """

    def within(self, place: str) -> Access:
        """Return the access of the same caller in the collective with this id or handle.

        Raises:
            Refused: the caller is no member, or the collective is closed to the request.
        """


@dataclass(frozen=True, slots=True)
class Access:
    """Everything decided about a request before its page, action or resource runs.

    `path` is canonical: no suffix, no query. `fresh` names the step-up scopes that the
    session verified lately. `place` is the collective of the path, or the main one;
    None where the path names an unknown collective.
    """

    now: datetime
    host: str
    path: str
    format: Format
    tenant: TenantFacts
    actor: Actor | None = None
    token: TokenFacts | None = None
    place: Place | None = None
    membership: Membership | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    has_suffix: bool = False
    session_end_reason: str = ""
    fresh: frozenset[str] = frozenset()
    remote_address: str = ""
    # None for code that acts without a request: commands, the demo world.
    decider: AccessDecider | None = field(default=None, compare=False, repr=False)
    # Inside the transaction of a write; rows that are read to be changed are locked there.
    is_writing: bool = False

    @property
    def user(self) -> Actor:
        """The actor, on routes that nobody reaches without being known."""
        if self.actor is None:
            raise SignInRequired
        return self.actor

    @property
    def here(self) -> Place:
        """The place, on routes that exist only inside a collective."""
        if self.place is None:
            raise NotFound
        return self.place

    @property
    def is_member(self) -> bool:
        return self.membership is not None

    @property
    def is_subject_to_api_switches(self) -> bool:
        """Whether the API switches of tenant and collective bind the caller."""
        return self.token is not None and not self.token.is_internal

    @property
    def api_state(self) -> ApiState:
        """Whether members' tokens work in the collective of the request."""
        if not self.tenant.is_api_enabled:
            return ApiState.OFF_FOR_TENANT
        return ApiState.ON if is_api_open(self.here) else ApiState.OFF_HERE

    def passes_api_switch(self, place: HasApiSwitch) -> bool:
        """Return whether the API switch of a collective admits the caller there."""
        return not self.is_subject_to_api_switches or is_api_open(place)

    @property
    def is_collective_admin(self) -> bool:
        return self.membership is not None and self.membership.is_admin

    def within(self, place: str) -> Access:
        """Return the access of the same caller in another collective of the tenant.

        Raises:
            Refused: as a request for a page of that collective.
        """
        assert self.decider is not None, "only requests reach other collectives"
        return self.decider.within(place)

    def may_read(self, resource: str) -> bool:
        """Return whether the caller may read `resource` at its own route.

        The one rule for what an answer includes besides its own subject. Sessions may read
        everything; a token needs `read:{resource}` or `read:all`. `resource` is `all` for what
        only `read:all` covers: collectives, their members, the security log.
        """
        return self.token is None or self.token.reads(resource)

    def is_fresh(self, scope: str) -> bool:
        """Answer whether `scope` needs no new proof; tokens are never asked for one."""
        return self.token is not None or scope in self.fresh


T = TypeVar("T")
# A policy asks about one target, or about "could there be one" when the target is None.
Policy = Callable[[Access, T | None], Denied | None]


class AccessLevel(StrEnum):
    """Whom a route lets in, as the access middleware enforces it."""

    PUBLIC = "public"  # anybody, whatever the switches: help, sign-in
    TENANT = "tenant"  # whoever belongs to the tenant
    COLLECTIVE = "collective"  # members of the collective in the path
    NON_MEMBERS = "threshold"  # non-members too: the join page


@dataclass(frozen=True, slots=True)
class Rule:
    """What a route declares about itself. A route without one fails the system checks.

    `resource` is what a token's scope must name to read here, None what `read:all` alone covers.
    `any_scope` admits every live token. A write needs the scope of its action.

    Raises:
        ValueError: no scope can name the resource.
    """

    access_level: AccessLevel
    resource: str | None = None
    any_scope: bool = False

    def __post_init__(self) -> None:
        ScopeResource(self.resource or ScopeResource.ALL)
