"""The access of a request: the caller, the collective and the permissions.

`harmonic.access.middleware` decides `Access` once per request. Later code reads no headers,
cookies, hosts or switches (`docs/architecture.md`).
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


class TokenType(StrEnum):
    REST = "rest"  # works on every surface
    MCP = "mcp"  # works over MCP only


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
    # Incremented by each change of permissions in the tenant (`docs/architecture.md`, Deciding).
    access_version: int = 0

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


@dataclass(frozen=True, slots=True)
class Actor:
    """The person or AI agent that makes the request, as a member of the tenant."""

    user_id: UUID
    person_id: UUID
    handle: str
    name: str
    user_type: UserType
    is_tenant_admin: bool = False
    parent_id: UUID | None = None
    # Restrict an agent; people are not restricted.
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
    # What an internal token was created for; empty for other tokens.
    context: str = ""
    token_type: str = TokenType.REST

    def covers(self, scope: Scope) -> bool:
        """Return whether the token has a scope, or the scope of its verb for all resources."""
        return scope.whole in self.scopes or scope in self.scopes

    def reads(self, resource: str) -> bool:
        """Return whether the token may read a resource, without a `Scope`, which is slower."""
        return "read:all" in self.scopes or f"read:{resource}" in self.scopes


@dataclass(frozen=True, slots=True)
class Place:
    """The collective of a request."""

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
        """The audience of what is written here: `public`, `shared` or `private`."""
        if self.is_main:
            return "public"
        return "private" if self.is_workspace else "shared"


class ApiState(StrEnum):
    """The state of the API in a collective: on, or which switch turns it off."""

    ON = "on"
    OFF_HERE = "off"
    OFF_FOR_TENANT = "tenant_off"


class HasApiSwitch(Protocol):
    """A collective with its API switch: a row, or the place of a request."""

    @property
    def is_main(self) -> bool: ...

    @property
    def is_api_enabled(self) -> bool: ...


def is_api_open(place: HasApiSwitch) -> bool:
    """Return whether the API switch of a collective is on.

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
    """Decides the access of a request again (`docs/architecture.md`, Deciding)."""

    def again(self, *, exclusive: bool) -> Access:
        """Return the access as it is now, inside the transaction of a write.

        Until the transaction ends, no permission changes in the tenant. With `exclusive`, no
        other write runs there at all.

        Raises:
            Refused: a new request would be refused too, for the same reason.
        """

    def within(self, place: str) -> Access:
        """Return the access of the same caller in the collective with this id or handle.

        Raises:
            Refused: the caller is not a member, or the collective is closed to the request.
        """


@dataclass(frozen=True, slots=True)
class Access:
    """Everything decided about a request before its page, action or resource runs.

    `path` is canonical: no suffix, no query. `fresh` holds the step-up scopes that the session
    verified within the hour. `place` is the collective of the path, or the main collective; None
    if the path names an unknown collective.
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
    # The origin of the site, as in `http://garden.localhost:8000`; "" without a request.
    origin: str = ""
    # None without a request: commands, the demo world.
    decider: AccessDecider | None = field(default=None, compare=False, repr=False)
    # True inside the transaction of a write, where rows that will change are locked.
    is_writing: bool = False

    @property
    def user(self) -> Actor:
        """The actor of a request that requires one.

        Raises:
            SignInRequired: the request has no actor.
        """
        if self.actor is None:
            raise SignInRequired
        return self.actor

    @property
    def required_place(self) -> Place:
        """The place of a request that requires one.

        Raises:
            NotFound: the path names an unknown collective.
        """
        if self.place is None:
            raise NotFound
        return self.place

    @property
    def is_member(self) -> bool:
        return self.membership is not None

    @property
    def is_subject_to_api_switches(self) -> bool:
        """True if the API switches of tenant and collective apply to the caller."""
        return self.token is not None and not self.token.is_internal

    @property
    def api_state(self) -> ApiState:
        """The state of the API in the collective of the request."""
        if not self.tenant.is_api_enabled:
            return ApiState.OFF_FOR_TENANT
        return ApiState.ON if is_api_open(self.required_place) else ApiState.OFF_HERE

    def passes_api_switch(self, place: HasApiSwitch) -> bool:
        """Return whether the API switch of a collective admits the caller; sessions always pass."""
        return not self.is_subject_to_api_switches or is_api_open(place)

    @property
    def is_collective_admin(self) -> bool:
        return self.membership is not None and self.membership.is_admin

    def within(self, place: str) -> Access:
        """Return the access of the same caller in another collective of the tenant.

        Raises:
            Refused: a request for a page of that collective would be refused too.
        """
        assert self.decider is not None, "another collective needs a request"
        return self.decider.within(place)

    def may_read(self, resource: str) -> bool:
        """Return whether the caller may read `resource` at its own route.

        Every response checks this before it includes another resource. Sessions may read
        everything; a token needs `read:{resource}` or `read:all`. `resource` is `all` for what
        only `read:all` covers: collectives, their members, the security log.
        """
        return self.token is None or self.token.reads(resource)

    def is_fresh(self, scope: str) -> bool:
        """Return whether `scope` needs no new proof; tokens never need one."""
        return self.token is not None or scope in self.fresh


T = TypeVar("T")
# Returns why the caller may not act on a target. With None: on any target at all.
Policy = Callable[[Access, T | None], Denied | None]


class AccessLevel(StrEnum):
    """The callers that a route admits; the access middleware enforces it."""

    PUBLIC = "public"  # everyone, whatever the switches: help, sign-in
    TENANT = "tenant"  # members of the tenant
    COLLECTIVE = "collective"  # members of the collective in the path
    NON_MEMBERS = "threshold"  # non-members too: the join page


@dataclass(frozen=True, slots=True)
class Rule:
    """The access rule of a route. A route without a rule fails the system checks.

    A token needs a `read` scope for `resource`, or `read:all` if that is None. `any_scope` admits
    every active token. A write needs the scope of its action.

    Raises:
        ValueError: the resource does not exist.
    """

    access_level: AccessLevel
    resource: str | None = None
    any_scope: bool = False

    def __post_init__(self) -> None:
        ScopeResource(self.resource or ScopeResource.ALL)
