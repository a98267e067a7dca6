"""Where a token gets in right now, what it may do there, and who could change a no.

One answer for the token's page, its Markdown and the API. It names no collective that the
token's owner does not belong to. `harmonic.middleware` decides each request by the same
switches; the tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from accounts.models import TenantUser
from accounts.queries import Person, people
from collectives.models import Collective, CollectiveMember
from collectives.queries import tenant_admin_ids
from harmonic.kernel.access import Access, CollectiveKind
from tokens.models import ApiToken
from tokens.rules import READ_ONLY, READ_WRITE

# Resources that lie in no collective.
OF_THE_TENANT = frozenset({"users", "api_tokens"})
NAMED_ADMINS = 5


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a token does not get in: the reason, its cure, and who can bring that about."""

    code: str
    sentence: str
    cure: str
    who: tuple[Person, ...] = ()
    path: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A collective of the token's owner, and whether the token gets in.

    `path` is empty where the reader of the answer cannot go.
    """

    id: UUID
    handle: str
    name: str
    kind: str
    path: str
    api_path: str
    # The scopes that count here; none where the token does not get in.
    scopes: tuple[str, ...]
    obstacles: tuple[Obstacle, ...]
    note: str = ""

    @property
    def is_open(self) -> bool:
        return not self.obstacles

    @property
    def may(self) -> str:
        """What the token may do here, in words."""
        return may_in_words(self.scopes)


@dataclass(frozen=True, slots=True)
class Reach:
    """What keeps a token out everywhere, and each place with all that keeps it out there."""

    everywhere: tuple[Obstacle, ...]
    places: tuple[Place, ...]


def may_in_words(scopes: Iterable[str]) -> str:
    """Return scopes in the words of the pages: `read`, `read + write`, or as they are."""
    held = set(scopes)
    if held >= set(READ_WRITE):
        return "read + write"
    return "read" if held == set(READ_ONLY) else ", ".join(sorted(held))


def reach_of(access: Access, token: ApiToken) -> Reach:
    """Return the reach of a token of this tenant at `access.now`; four queries at most."""
    owner = token.owner
    everywhere = tuple(_everywhere(access, token))
    places = _collectives_of(owner)
    admins = _admins_of(each for each in places if _is_closed(each))
    return Reach(
        everywhere,
        tuple(_place(access, token, each, everywhere, admins.get(each.id, ())) for each in places),
    )


# --- What keeps a token out everywhere ------------------------------------------------------


def _everywhere(access: Access, token: ApiToken) -> Iterator[Obstacle]:
    owner = token.owner
    human = owner.user.parent_id or owner.user_id
    if not token.is_active(access.now):
        yield Obstacle(
            "token_expired",
            "The token has ended.",
            "make a new one.",
            tuple(people([human]).values()),
            f"/u/{owner.handle}/settings/tokens/new",
        )
    if owner.user.suspended_at or owner.archived_at:
        yield _inactive(owner, human)
    if not access.tenant.is_api_enabled:
        yield Obstacle(
            "api_disabled_tenant",
            f"The API is off for {access.tenant.name}.",
            "turn it on in the tenant's settings.",
            _named(tenant_admin_ids(NAMED_ADMINS)),
            "/tenant-admin/settings",
        )
    if not _inside(token.scopes):
        yield Obstacle(
            "insufficient_scope",
            "Its scopes name nothing that lies in a collective.",
            "make a token with the scopes that are needed.",
            tuple(people([human]).values()),
            f"/u/{owner.handle}/settings/tokens/new",
        )


def _inactive(owner: TenantUser, human: UUID) -> Obstacle:
    if owner.user.suspended_at:
        return Obstacle("owner_suspended", f"{owner.display_name} is suspended.", "")
    return Obstacle(
        "owner_inactive",
        f"{owner.display_name} is inactive.",
        "bring the agent back, in its settings." if owner.user.is_agent else "",
        _named([human]) if owner.user.is_agent else (),
        f"/ai-agents/{owner.handle}/settings" if owner.user.is_agent else "",
    )


def _inside(scopes: Iterable[str]) -> tuple[str, ...]:
    return tuple(scope for scope in scopes if scope.partition(":")[2] not in OF_THE_TENANT)


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
    is_on = collective.is_main or collective.is_api_enabled
    return not is_on or collective.archived_at is not None


def _place(
    access: Access,
    token: ApiToken,
    collective: Collective,
    everywhere: tuple[Obstacle, ...],
    admins: tuple[Person, ...],
) -> Place:
    owner = token.owner
    obstacles = (*everywhere, *_here(collective, admins))
    scopes, note = _scopes_here(token, collective)
    is_seen = not collective.is_workspace or owner.user_id == access.user.user_id
    return Place(
        id=collective.id,
        handle=collective.handle,
        name=f"{access.tenant.name} (main)" if collective.is_main else collective.name,
        kind=collective.kind,
        path=(collective.path or "/") if is_seen else "",
        api_path=f"{collective.path}/api/v1",
        scopes=() if obstacles else scopes,
        obstacles=obstacles,
        note="" if obstacles else note,
    )


def _here(collective: Collective, admins: tuple[Person, ...]) -> Iterator[Obstacle]:
    settings = "" if collective.is_workspace else f"{collective.path}/settings"
    if not (collective.is_main or collective.is_api_enabled):
        yield Obstacle(
            "api_disabled_collective",
            "API is off in this collective.",
            "turn it on in its settings." if settings else "",
            admins if settings else (),
            settings,
        )
    if collective.archived_at is not None:
        yield Obstacle(
            "collective_archived",
            "This collective is deactivated.",
            "",
            path=settings,
        )


def _scopes_here(token: ApiToken, collective: Collective) -> tuple[tuple[str, ...], str]:
    """Return the scopes that count in a collective, and what else limits the token there."""
    scopes = _inside(token.scopes)
    user = token.owner.user
    reading = tuple(scope for scope in scopes if scope.startswith("read:"))
    if not user.is_agent or scopes == reading:
        return scopes, ""
    if collective.is_main and user.agent_configuration.get("allow_public_writes") is False:
        return reading, "Its parent lets it write nothing where the whole tenant reads."
    return scopes, "Of writing, what its capabilities hold."


# --- Who can help ---------------------------------------------------------------------------


def _named(user_ids: Iterable[UUID]) -> tuple[Person, ...]:
    ids = list(user_ids)
    known = people(ids)
    return tuple(known[user_id] for user_id in ids)


def _admins_of(collectives: Iterable[Collective]) -> dict[UUID, tuple[Person, ...]]:
    """Return the longest-serving admins of several collectives, by the collective's id."""
    ids = [each.id for each in collectives]
    if not ids:
        return {}
    rows = CollectiveMember.objects.active().filter(collective__in=ids, is_admin=True)
    pairs = list(rows.order_by("created_at", "id").values_list("collective_id", "person__user_id"))
    known = people(user_id for _, user_id in pairs)
    found: dict[UUID, tuple[Person, ...]] = {}
    for collective_id, user_id in pairs:
        named = found.get(collective_id, ())
        found[collective_id] = (*named, known[user_id])[:NAMED_ADMINS]
    return found
