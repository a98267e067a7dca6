"""The only place that decides who asks, where, and whether the request may go on.

`docs/architecture.md` shows one request on its way through.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.utils import timezone

from harmonic import lookup, sessions
from harmonic.addresses import handle_in, subdomain_of, with_action_of_query
from harmonic.checks import (
    check_collective_flag,
    check_open,
    check_place,
    check_scope,
    check_signed_in,
    check_tenant_flag,
    rule_of,
)
from harmonic.credentials import another_scheme, bearer, has_credentials, invalid_token, is_bearer
from harmonic.kernel import audit
from harmonic.kernel.access import (
    LIFT_SUSPENSION,
    Access,
    Door,
    Forbidden,
    NotFound,
    Refused,
    Rule,
    TenantFacts,
    Unreadable,
)
from harmonic.kernel.negotiation import API_VERSION, Format, choose, is_api_path, split_suffix
from harmonic.kernel.params import broken_off, too_large
from harmonic.kernel.tenancy import bind_tenant
from harmonic.kernel.text import is_acceptable
from harmonic.limiting import client_address, counted, refuse_exceeded, tell
from harmonic.refusals import render_refusal
from tokens import secret, usage

GetResponse = Callable[[HttpRequest], HttpResponse]

NO_TENANT = TenantFacts(lookup.NOBODY, "", "Harmonic", "UTC", False)


class AccessMiddleware:
    """Decides `request.access`, and refuses what the rule of a route does not let in."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.counts = ()  # type: ignore[attr-defined]  # ours
        # The token that the request came with, if there is one, whether it works or not.
        request.known_token = None  # type: ignore[attr-defined]  # ours
        try:
            self._enter(request)
        except Refused as refused:
            response = render_refusal(request, refused)
        else:
            response = self.get_response(request)
        finally:
            bind_tenant(None)
        usage.note(request, request.known_token, getattr(request, "refused", None))  # type: ignore[attr-defined]  # set above
        if is_api_path(request.path):
            response["API-Version"] = API_VERSION
            tell(response, request.counts)  # type: ignore[attr-defined]  # set above
        return response

    # --- Who, and where ---------------------------------------------------------------------

    def _enter(self, request: HttpRequest) -> None:
        suffix = self._canonical(request)
        subdomain = subdomain_of(request)
        request.access = self._nobody(request, suffix)  # type: ignore[attr-defined]  # ours
        try:
            self._find(request, subdomain)
        finally:
            # Refused credentials count too, or nobody could be stopped from guessing.
            access: Access = request.access  # type: ignore[attr-defined]  # ours
            request.counts = counted(request, access)  # type: ignore[attr-defined]  # ours
            refuse_exceeded(access, request.counts)  # type: ignore[attr-defined]  # set above

    def _find(self, request: HttpRequest, subdomain: str | None) -> None:
        if not request.is_host_ours:  # type: ignore[attr-defined]  # set on arrival
            raise NotFound
        if subdomain is None:
            request.urlconf = settings.FRONT_DOOR_URLCONF
            return
        if not is_acceptable(request.path_info):
            raise NotFound
        if not all(is_acceptable(f"{key}{value}") for key, value in request.GET.items()):
            raise Unreadable("The query holds characters that cannot be read.")
        request.access = self._decided(request, subdomain)  # type: ignore[attr-defined]  # ours

    def _canonical(self, request: HttpRequest) -> Format | None:
        """Bring the path into its one form, and return the format its suffix asks for."""
        path = re.sub(r"/{2,}", "/", request.path_info)
        path = with_action_of_query(request, path)
        path, suffix = split_suffix(path)
        if len(path) > 1:
            path = path.rstrip("/") or "/"
        request.path_info = request.path = path
        return suffix

    def _nobody(self, request: HttpRequest, suffix: Format | None) -> Access:
        path = request.path_info
        is_api = is_api_path(path)
        wanted = choose(
            accept=request.headers.get("Accept"),
            content_type=request.content_type,
            suffix=suffix,
            has_token=has_credentials(request),
            is_api=is_api,
        )
        request.is_format_refused = wanted is None  # type: ignore[attr-defined]  # ours
        return Access(
            now=timezone.now(),
            host=settings.HOST,
            path=path,
            format=wanted or Format.MARKDOWN,
            tenant=NO_TENANT,
            query=request.GET.dict(),
            has_suffix=suffix is not None,
            remote_address=client_address(request),
        )

    def _decided(self, request: HttpRequest, subdomain: str) -> Access:
        handle = handle_in(request.path_info)
        blank = cast(Access, request.access)  # type: ignore[attr-defined]  # set by _enter
        if has_credentials(request):
            return self._by_token(request, blank, subdomain, handle)
        if is_api_path(blank.path):
            return self._by_nothing(blank, subdomain, handle)
        return self._by_session(request, blank, subdomain, handle)

    def _by_nothing(self, blank: Access, subdomain: str, handle: str) -> Access:
        """Decide for nobody: the API takes tokens only, never a browser's session."""
        found = lookup.find_by_session(subdomain, None, handle)
        access = _with_tenant(blank, _open_tenant(found))
        return replace(access, place=found.place if found else None)

    def _by_token(self, request: HttpRequest, blank: Access, subdomain: str, handle: str) -> Access:
        plaintext = bearer(request)
        is_well_formed = secret.is_well_formed(plaintext)
        digest = secret.digest(plaintext)
        found = lookup.find_by_token(subdomain, digest, handle) if is_well_formed else None
        if found is None:
            known = lookup.find_by_session(subdomain, None, "")
            request.access = _with_tenant(blank, _open_tenant(known))  # type: ignore[attr-defined]  # ours
            raise invalid_token() if is_bearer(request) else another_scheme()
        access = _with_tenant(blank, _open_tenant(found))
        request.access = access  # type: ignore[attr-defined]  # ours; a refusal below needs it
        request.known_token = found.token  # type: ignore[attr-defined]  # ours
        if not is_bearer(request):
            raise another_scheme()
        if found.actor is None or found.is_user_suspended:
            raise invalid_token()
        assert found.token is not None  # the query of a token always returns one
        if found.token.expires_at <= access.now:
            raise invalid_token("Token expired", code="token_expired")
        return replace(
            access,
            actor=found.actor,
            token=found.token,
            place=found.place,
            membership=found.membership,
        )

    def _by_session(
        self, request: HttpRequest, blank: Access, subdomain: str, handle: str
    ) -> Access:
        session = request.session
        found = lookup.find_by_session(subdomain, sessions.user_id(session), handle)
        access = _with_tenant(blank, _open_tenant(found))
        assert found is not None  # else _open_tenant refused
        access = replace(access, place=found.place)
        if not sessions.belongs_to(session, access.tenant.id):
            return access
        ended = sessions.ended(
            session,
            is_suspended=found.is_user_suspended,
            revoked_at=found.sessions_revoked_at,
            now=access.now,
        )
        if ended:
            audit.record("logout", access, reason=ended, user_id=sessions.user_id(session))
            session.flush()
            return replace(access, is_session_ended=ended)
        if found.actor is None or not found.actor.is_human:
            return replace(access, is_session_ended="no_membership")
        sessions.note_seen(session, access.now)
        return replace(
            access,
            actor=found.actor,
            membership=found.membership,
            fresh=sessions.fresh_scopes(session, access.now),
        )

    # --- Whether ----------------------------------------------------------------------------

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponse | None:
        access = cast(Access, request.access)  # type: ignore[attr-defined]  # set by __call__
        kwargs.pop("collective", None)
        rule = rule_of(view)
        if rule is None:
            raise ImproperlyConfigured(f"{request.path} has no rule of access.")
        if access.tenant is not NO_TENANT:
            bind_tenant(access.tenant.id)
        try:
            check(request, access, rule, view, kwargs)
        except Refused as refused:
            return render_refusal(request, refused)
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Turn refusals raised by pages, actions and forms into answers."""
        if isinstance(error, Refused):
            return render_refusal(request, error)
        if type(error).__name__ == "RequestDataTooBig":
            return render_refusal(request, too_large())
        if isinstance(error, UnreadablePostError):
            return render_refusal(request, broken_off())
        if isinstance(error, SuspiciousOperation):
            return render_refusal(request, Refused("Bad request", status=400, code="invalid"))
        return None


def check(
    request: HttpRequest, access: Access, rule: Rule, view: object, kwargs: dict[str, Any]
) -> None:
    """Pass if the route's rule lets the caller in; the first failing check answers."""
    if rule.door == Door.PUBLIC or (is_api_path(access.path) and request.method == "OPTIONS"):
        return
    check_signed_in(access)
    check_tenant_flag(access)
    check_place(access, rule)
    check_collective_flag(access)
    if request.is_format_refused:  # type: ignore[attr-defined]  # set by _nobody
        raise Forbidden(
            "API only supports JSON or Markdown formats",
            code="format_refused",
            hint="Ask with `Accept: text/markdown`, or with .md behind the address.",
        )
    check_scope(request, access, rule, view, kwargs)
    if any(name.startswith("HTTP_X_REPRESENT") for name in request.META):
        raise Forbidden(
            "Invalid representation session ID",
            code="representation_invalid",
            hint="Nobody represents anybody here: leave out the headers X-Represent….",
        )
    check_open(request, access)
    request.is_let_in = True  # type: ignore[attr-defined]  # ours


def _open_tenant(found: lookup.Found | None) -> TenantFacts:
    """Return the tenant of a host, if there is one and it is open."""
    if found is None or found.is_tenant_archived:
        raise NotFound
    if found.is_tenant_suspended:
        raise Forbidden(
            "Tenant suspended",
            code="tenant_suspended",
            hint=LIFT_SUSPENSION,
        )
    return found.tenant


def _with_tenant(access: Access, tenant: TenantFacts) -> Access:
    return replace(access, tenant=tenant, host=f"{tenant.subdomain}.{settings.HOST}")
