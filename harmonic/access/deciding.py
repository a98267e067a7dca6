"""The access of one request: at its start, inside a write, and in other collectives.

`docs/architecture.md`, Deciding, explains why a write decides again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.models import Tenant
from harmonic.access import kept_forms, lookup, sessions
from harmonic.access.checks import check
from harmonic.access.credentials import (
    agent_paused,
    bearer_token,
    expired_token,
    has_credentials,
    invalid_token,
    unsupported_scheme,
    uses_bearer_scheme,
)
from harmonic.kernel.access import Access, CollectiveKind, Rule, TenantFacts
from harmonic.kernel.http.negotiation import is_api_path
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.operations import audit
from harmonic.kernel.refusals import LIFT_SUSPENSION, Forbidden, NotFound, Refused
from tokens import secret

COLLECTIVE_NOT_FOUND = "Collective not found"


@dataclass(frozen=True, slots=True)
class Route:
    """The view, its rule and its URL parameters that a request was routed to."""

    rule: Rule
    view: Callable[..., Any]
    kwargs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TokenLookup:
    """The result of a lookup by token, and what was looked up: subdomain, plaintext and place."""

    asked: tuple[str, str, str] = field(repr=False)
    found: lookup.LookupResult | None


class RequestAccessDecider:
    """The decider of one request: its caller, collective and permission.

    `blank` is the access of an anonymous request. `place` is the handle or ID of a collective,
    or "" for the main collective. `route` is set once the request is routed. `admits_paused` allows
    requests of paused agents to the MCP endpoint itself, whose tools send requests that are decided
    separately. `earlier` is the lookup of the call whose tool sent the request: it is used at the
    start of the request, but never for a write.
    """

    def __init__(
        self,
        request: AccessRequest,
        blank: Access,
        subdomain: str,
        place: str,
        route: Route | None = None,
        *,
        is_place_id: bool = False,
        admits_paused: bool = False,
        earlier: TokenLookup | None = None,
    ) -> None:
        self.request = request
        self.blank = blank
        self.subdomain = subdomain
        self.place = place
        self.route = route
        self._is_place_id = is_place_id
        self._admits_paused = admits_paused
        self.lookup = earlier
        self._is_writing = False
        self._version = 0

    def decide(self) -> Access:
        """Return the access at the start of the request.

        Raises:
            Refused: the tenant is unknown or closed, or the credentials are invalid.
        """
        access = self._decided()
        self._version = access.tenant.access_version
        return access

    def again(self, *, exclusive: bool) -> Access:
        """Return the current access; see `harmonic.kernel.access.AccessDecider`."""
        self._is_writing = True
        self.blank = replace(self.blank, now=timezone.now())
        if exclusive:
            Tenant.objects.filter(subdomain=self.subdomain).change_access()
        access = self._decided()
        if not exclusive and access.tenant.access_version != self._version:
            # A change was committed while this statement waited for the lock on the tenant's
            # row. Only that row is current, so all rows are read again, now under the lock.
            access = self._decided()
        self._check(access)
        return access

    def within(self, place: str) -> Access:
        """Return the access in another collective; see `harmonic.kernel.access.AccessDecider`."""
        other = RequestAccessDecider(
            self.request, self.blank, self.subdomain, place, self.route, is_place_id=True
        )
        access = other.decide()
        other._check(access)
        return access

    def _check(self, access: Access) -> None:
        if self._is_place_id:
            check_named_collective(access)
        if self.route is not None:
            check(self.request, access, self.route.rule, self.route.view, self.route.kwargs)

    # --- Caller -----------------------------------------------------------------------------

    def _decided(self) -> Access:
        if has_credentials(self.request):
            return self._by_token()
        if is_api_path(self.blank.path):
            # The API ignores sessions.
            return self._access_of(self._tenant_alone())
        return self._by_session()

    def _tenant_alone(self) -> lookup.LookupResult | None:
        """Return the lookup without a caller, which is refused before its collective matters."""
        return lookup.find_by_session(self.subdomain, None, "")

    def _access_of(self, found: lookup.LookupResult | None, **caller: Any) -> Access:
        """Return the access at the place of a lookup, anonymous without the values of a caller.

        Raises:
            Refused: the tenant is closed (`require_open_tenant`).
        """
        tenant = require_open_tenant(found)
        assert found is not None  # require_open_tenant refuses None
        return replace(
            self.blank,
            tenant=tenant,
            host=host_of(tenant),
            place=found.place,
            decider=self,
            is_writing=self._is_writing,
            **caller,
        )

    def _by_token(self) -> Access:
        request = self.request
        found = self._found_by_token(bearer_token(request))
        if found is None:
            access = with_tenant(self.blank, require_open_tenant(self._tenant_alone()))
            raise self._anonymous(
                access, invalid_token() if uses_bearer_scheme(request) else unsupported_scheme()
            )
        tenant = require_open_tenant(found)
        request.known_token = found.token
        if refused := self._refusal_of(found):
            raise self._anonymous(with_tenant(self.blank, tenant), refused)
        access = self._access_of(
            found, actor=found.actor, token=found.token, membership=found.membership
        )
        if found.is_agent_paused and not self._admits_paused:
            request.access = access
            raise agent_paused(access)
        return access

    def _refusal_of(self, found: lookup.LookupResult) -> Refused | None:
        """Return why the token of a lookup does not work, or None."""
        if not uses_bearer_scheme(self.request):
            return unsupported_scheme()
        if found.actor is None or found.is_user_suspended:
            return invalid_token()
        assert found.token is not None  # a lookup by token always returns the token
        return expired_token() if found.token.expires_at <= self.blank.now else None

    def _anonymous(self, access: Access, refused: Refused) -> Refused:
        """Make the request anonymous, so that the refusal is rendered for it."""
        self.request.access = access
        return refused

    def _found_by_token(self, plaintext: str) -> lookup.LookupResult | None:
        asked = self.subdomain, plaintext, self.place
        if not self._is_writing and self.lookup is not None and self.lookup.asked == asked:
            return self.lookup.found
        if not secret.is_well_formed(plaintext):
            return None
        found = lookup.find_by_token(
            self.subdomain, secret.digest(plaintext), self.place, is_locking=self._is_writing
        )
        self.lookup = TokenLookup(asked, found)
        return found

    def _by_session(self) -> Access:
        session = self.request.session
        key = session.session_key or "" if self._is_writing else ""
        found = lookup.find_by_session(
            self.subdomain, sessions.user_id(session), self.place, session_key=key
        )
        access = self._access_of(found)
        assert found is not None  # its tenant is open
        if not sessions.is_signed_in_at(session, access.tenant.id) or not found.is_session_alive:
            return access
        ended = sessions.end_reason(
            session,
            is_suspended=found.is_user_suspended,
            revoked_at=found.sessions_revoked_at,
            now=access.now,
        )
        if ended:
            audit.record("logout", access, reason=ended, user_id=sessions.user_id(session))
            self.request.ended_user_id = sessions.user_id(session)
            session.flush()
            return replace(access, session_end_reason=ended)
        if found.actor is None or not found.actor.is_human:
            return replace(access, session_end_reason="no_membership")
        sessions.record_last_request(session, access.now)
        kept_forms.discard_stale(session, access.now)
        return replace(
            access,
            actor=found.actor,
            membership=found.membership,
            fresh=sessions.verified_scopes(session, access.now),
        )


def check_named_collective(access: Access) -> None:
    """Pass if the caller is a member of a collective that was addressed by its ID.

    Raises:
        NotFound: the caller is not a member, or the collective is a chat, which has no page.
    """
    place = access.place
    if place is None or not access.is_member or place.kind == CollectiveKind.CHAT:
        raise NotFound(COLLECTIVE_NOT_FOUND)


def require_open_tenant(found: lookup.LookupResult | None) -> TenantFacts:
    """Return the tenant of a lookup.

    Raises:
        NotFound: the tenant does not exist or is archived.
        Forbidden: the tenant is suspended.
    """
    if found is None or found.is_tenant_archived:
        raise NotFound
    if found.is_tenant_suspended:
        raise Forbidden("Tenant suspended", code="tenant_suspended", hint=LIFT_SUSPENSION)
    return found.tenant


def with_tenant(access: Access, tenant: TenantFacts) -> Access:
    return replace(access, tenant=tenant, host=host_of(tenant))


def host_of(tenant: TenantFacts) -> str:
    return f"{tenant.subdomain}.{settings.HOST}"
