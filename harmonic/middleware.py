"""The middleware, in the order of `settings.MIDDLEWARE`.

`AccessMiddleware` is the only place that decides who asks, where, and whether the request
may go on. `docs/architecture.md` shows one request on its way through.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.middleware.csrf import CsrfViewMiddleware
from django.utils import timezone

from harmonic import lookup, sessions
from harmonic.kernel import audit
from harmonic.kernel.access import (
    Access,
    CollectiveKind,
    Door,
    Forbidden,
    Link,
    NotFound,
    Refused,
    Rule,
    SignInRequired,
    TenantFacts,
    Unreadable,
)
from harmonic.kernel.logs import request_began
from harmonic.kernel.negotiation import API_VERSION, Format, choose, is_api_path, split_suffix
from harmonic.kernel.params import too_large
from harmonic.kernel.tenancy import bind_tenant
from harmonic.kernel.text import is_acceptable
from harmonic.limiting import client_address, counted, tell
from harmonic.refusals import render_refusal
from tokens import secret, usage

GetResponse = Callable[[HttpRequest], HttpResponse]

# Words below /collectives and /workspace that are pages, not handles.
NOT_HANDLES = frozenset({"new", "available", "actions"})
VERBS = {
    "GET": "read",
    "HEAD": "read",
    "OPTIONS": "read",
    "POST": "create",
    "PUT": "update",
    "PATCH": "update",
    "DELETE": "delete",
}
NO_TENANT = TenantFacts(lookup.NOBODY, "", "Harmonic", "UTC", False)


class RequestIdMiddleware:
    """Gives every request an id, or keeps the sender's, and says it in the answer."""

    ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,128}")

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        sent = request.headers.get("X-Request-Id", "")
        is_fine = self.ACCEPTED.fullmatch(sent) and not sent.startswith(secret.PREFIX)
        request.request_id = sent if is_fine else str(uuid.uuid4())  # type: ignore[attr-defined]  # ours
        request_began(request.request_id)  # type: ignore[attr-defined]  # set above
        response = self.get_response(request)
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]  # set above
        return response


class HealthcheckMiddleware:
    """Answers `/healthcheck` on any host, before anything asks for the host."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/healthcheck":
            return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")
        return self.get_response(request)


def has_credentials(request: HttpRequest) -> bool:
    """Answer whether an Authorization header is there; then the session plays no role."""
    return bool(request.headers.get("Authorization", "").strip())


class HostSessionMiddleware(SessionMiddleware):
    """Sessions, which a request with an Authorization header neither reads nor writes."""

    def process_request(self, request: HttpRequest) -> None:
        if has_credentials(request):
            request.session = SessionStore()
            return
        super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if has_credentials(request):
            return response
        return super().process_response(request, response)


class CsrfMiddleware(CsrfViewMiddleware):
    """Asks for the CSRF token where it protects something.

    That is a request which rides on a signed-in session, or a route that is open to nobody
    signed in. Everything else is for the access middleware to refuse.
    """

    def process_request(self, request: HttpRequest) -> None:
        # The name that public clients send.
        if "HTTP_X_CSRF_TOKEN" in request.META:
            request.META.setdefault("HTTP_X_CSRFTOKEN", request.META["HTTP_X_CSRF_TOKEN"])
        super().process_request(request)

    def process_view(
        self,
        request: HttpRequest,
        callback: Callable[..., Any],
        callback_args: tuple[Any, ...],
        callback_kwargs: dict[str, Any],
    ) -> HttpResponseForbidden | None:
        if has_credentials(request) or not self._protects(request, callback):
            return None
        return super().process_view(request, callback, callback_args, callback_kwargs)

    def _protects(self, request: HttpRequest, callback: object) -> bool:
        access: Access | None = getattr(request, "access", None)
        if access is None or access.actor is not None:
            return not is_api_path(request.path)
        rule = rule_of(callback)
        return rule is not None and rule.door == Door.PUBLIC


def rule_of(view: object) -> Rule | None:
    """Return the rule that a route's view, or its class, declares."""
    for holder in (view, getattr(view, "cls", None), getattr(view, "view_class", None)):
        rule = getattr(holder, "rule", None)
        if isinstance(rule, Rule):
            return rule
    return None


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
        if subdomain is None:
            request.urlconf = settings.FRONT_DOOR_URLCONF
            return
        if not is_acceptable(request.path_info):
            raise NotFound
        if not all(is_acceptable(f"{key}{value}") for key, value in request.GET.items()):
            raise Unreadable("The query holds characters that cannot be read.")
        try:
            request.access = self._decided(request, subdomain)  # type: ignore[attr-defined]  # ours
        finally:
            # Refused credentials count too, or nobody could be stopped from guessing.
            request.counts = counted(request, request.access)  # type: ignore[attr-defined]  # ours

    def _canonical(self, request: HttpRequest) -> Format | None:
        """Bring the path into its one form, and return the format its suffix asks for."""
        path = re.sub(r"/{2,}", "/", request.path_info)
        path = _with_action_of_query(request, path)
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
            raise invalid_token() if _is_bearer(request) else another_scheme()
        access = _with_tenant(blank, _open_tenant(found))
        request.access = access  # type: ignore[attr-defined]  # ours; a refusal below needs it
        request.known_token = found.token  # type: ignore[attr-defined]  # ours
        if not _is_bearer(request):
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
        if isinstance(error, SuspiciousOperation):
            return render_refusal(request, Refused("Bad request", status=400, code="invalid"))
        return None


def check(
    request: HttpRequest, access: Access, rule: Rule, view: object, kwargs: dict[str, Any]
) -> None:
    """Pass if the route's rule lets the caller in; the first failing check answers."""
    if rule.door == Door.PUBLIC or (is_api_path(access.path) and request.method == "OPTIONS"):
        return
    _check_signed_in(access)
    _check_tenant_flag(access)
    _check_place(access, rule)
    _check_collective_flag(access)
    if request.is_format_refused:  # type: ignore[attr-defined]  # set by _nobody
        raise Forbidden("API only supports JSON or Markdown formats", code="format_refused")
    _check_scope(request, access, rule, view, kwargs)
    if any(name.startswith("HTTP_X_REPRESENT") for name in request.META):
        raise Forbidden("Invalid representation session ID", code="representation_invalid")
    _check_open(request, access)
    request.is_let_in = True  # type: ignore[attr-defined]  # ours


def _check_signed_in(access: Access) -> None:
    if access.actor is not None:
        return
    if access.is_session_ended == "no_membership":
        raise Forbidden(
            "You do not belong to this tenant.",
            hint="Ask one of its members for an invitation, or sign out.",
            links=[Link("Sign out", "/logout")],
        )
    raise SignInRequired


def _is_bound_by_flags(access: Access) -> bool:
    return access.token is not None and not access.token.is_internal


def _check_tenant_flag(access: Access) -> None:
    if _is_bound_by_flags(access) and not access.tenant.is_api_enabled:
        raise Forbidden(
            "API not enabled for this tenant",
            code="api_disabled_tenant",
            hint="A tenant admin can turn it on at /tenant-admin/settings.",
        )


def _check_place(access: Access, rule: Rule) -> None:
    place = access.place
    if place is None:
        raise NotFound
    if access.is_member or (rule.door == Door.TENANT and place.is_main):
        return
    if place.kind != CollectiveKind.STANDARD:
        raise NotFound
    if rule.door != Door.THRESHOLD:
        raise not_a_member(access)


AGENTS_DO_NOT_JOIN = (
    "Agents do not join collectives. The person who manages the agent can add it"
    " on the collective's members page, if they may invite there."
)


def not_a_member(access: Access) -> Refused:
    join = f"{access.here.path}/join"
    is_agent = access.actor is not None and access.actor.is_agent
    return Forbidden(
        "You are not a member of this collective",
        code="not_a_member",
        hint=AGENTS_DO_NOT_JOIN if is_agent else f"Join it with an invitation at {join}.",
        links=[Link("Join", join)],
        location=join,
    )


def _check_collective_flag(access: Access) -> None:
    place = access.here
    if _is_bound_by_flags(access) and not (place.is_main or place.is_api_enabled):
        raise Forbidden(
            "API not enabled for this collective",
            code="api_disabled_collective",
            hint=f"An admin of the collective can turn it on at {place.path}/settings.",
        )


def _check_open(request: HttpRequest, access: Access) -> None:
    """Pass unless the collective is archived: then only its settings are left."""
    place = access.here
    if not place.is_archived or access.path.split("/")[3:4] == ["settings"]:
        return
    settings_path = "" if place.is_workspace else f"{place.path}/settings"
    is_read = request.method in {"GET", "HEAD"}
    raise Forbidden(
        "This collective is deactivated.",
        code="collective_archived",
        hint=f"Its settings are at {settings_path}." if settings_path else "",
        links=[Link("Settings", settings_path)] if settings_path else [],
        location=settings_path if is_read else "",
    )


def _check_scope(
    request: HttpRequest, access: Access, rule: Rule, view: object, kwargs: dict[str, Any]
) -> None:
    token = access.token
    if token is None or rule.any_scope:
        return
    verb = VERBS.get(request.method or "", "create")
    page = getattr(view, "page", None)
    action = page.action(kwargs["action_name"]) if page and "action_name" in kwargs else None
    if action is not None and request.method == "POST":
        if action.token_allows(access):
            return
        needed = action.scope
    elif token.grants(verb, rule.resource) or (verb == "create" and _also(rule, token)):
        return
    else:
        needed = f"{verb}:{rule.resource or 'all'}"
    raise Forbidden(
        "You do not have permission to perform that action",
        code="insufficient_scope",
        hint=f"The token lacks the scope {needed}. Make another token with the scopes you need.",
        headers={
            "WWW-Authenticate": (
                f'Bearer realm="Harmonic", error="insufficient_scope", scope="{needed}"'
            )
        },
    )


def _also(rule: Rule, token: Any) -> bool:
    return any(token.grants("create", resource) for resource in rule.also_create)


# --- The parts of a request -----------------------------------------------------------------


def subdomain_of(request: HttpRequest) -> str | None:
    """Return the tenant's subdomain, or None at the front door.

    Raises:
        DisallowedHost: a host that is not ours.
    """
    host = request.get_host().lower()
    name = host if host.endswith("]") else host.rsplit(":", 1)[0]
    name = name.rstrip(".")
    if name.endswith(f".{settings.HOST}"):
        return name.removesuffix(f".{settings.HOST}")
    return None


def handle_in(path: str) -> str:
    """Return the handle of the collective that a path names, lower-cased; else ""."""
    parts = path.split("/")
    if len(parts) < 3 or parts[1] not in {"collectives", "workspace"}:
        return ""
    is_index = parts[2] == "actions"
    is_page = parts[2] in NOT_HANDLES and parts[3:4] in ([], ["actions"])
    return "" if is_index or is_page else parts[2].lower()


def _with_action_of_query(request: HttpRequest, path: str) -> str:
    """Return the path with an action that an older client put behind the query string."""
    query = request.META.get("QUERY_STRING", "")
    is_json = request.content_type == "application/json"
    match = re.search(r"/actions/([a-z_]+)$", query)
    if match is None or request.method != "POST" or not is_json or not has_credentials(request):
        return path
    request.META["QUERY_STRING"] = query[: match.start()]
    return f"{path.rstrip('/')}/actions/{match.group(1)}"


def bearer(request: HttpRequest) -> str:
    """Return the second word of the Authorization header, or "" if there are not two."""
    words = request.headers.get("Authorization", "").split()
    return words[1] if len(words) == 2 else ""


def _is_bearer(request: HttpRequest) -> bool:
    return request.headers["Authorization"].split()[0].lower() == "bearer"


HOW_TO_ENTER = "Make a token at /u/{handle}/settings/tokens."


def another_scheme() -> SignInRequired:
    """Return the refusal of credentials that are no Bearer token: they prove nothing wrong."""
    return SignInRequired(hint=HOW_TO_ENTER)


def invalid_token(message: str = "Unauthorized", code: str = "unauthorized") -> SignInRequired:
    """Return the one refusal for tokens that are unknown, deleted or somebody else's."""
    description = "The token expired" if code == "token_expired" else "The token is not valid"
    return SignInRequired(
        message,
        code=code,
        hint=HOW_TO_ENTER,
        headers={
            "WWW-Authenticate": (
                f'Bearer realm="Harmonic", error="invalid_token", error_description="{description}"'
            )
        },
    )


def _open_tenant(found: lookup.Found | None) -> TenantFacts:
    """Return the tenant of a host, if there is one and it is open."""
    if found is None or found.is_tenant_archived:
        raise NotFound
    if found.is_tenant_suspended:
        raise Forbidden("Tenant suspended", code="tenant_suspended")
    return found.tenant


def _with_tenant(access: Access, tenant: TenantFacts) -> Access:
    return replace(access, tenant=tenant, host=f"{tenant.subdomain}.{settings.HOST}")
