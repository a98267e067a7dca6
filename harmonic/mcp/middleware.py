"""Middleware for `POST /mcp`, the transport of the Model Context Protocol.

It stands before the middleware that reads bodies, since the requests that tools make to pages
pass through everything behind it. `docs/mcp.md` has the order of the checks.
"""

from __future__ import annotations

import json
import logging
import time
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone

from harmonic.access import rate_limits
from harmonic.access.credentials import ASK_YOUR_HUMAN
from harmonic.access.deciding import RequestAccessDecider
from harmonic.access.hosts import handle_in_path, subdomain_of
from harmonic.kernel.access import Access, TenantFacts
from harmonic.kernel.database import outages
from harmonic.kernel.database.tenancy import NO_ID
from harmonic.kernel.http.client_address import client_address, is_exempt
from harmonic.kernel.http.negotiation import Format
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.operations import audit
from harmonic.kernel.operations.limits import Limit, count
from harmonic.kernel.refusals import AUTHENTICATE, NotFound, Refused, SignInRequired
from harmonic.kernel.rendering.documents import origin_of
from harmonic.mcp import protocol, tools
from harmonic.mcp.dispatch import Caller, GetResponse, Pages
from harmonic.mcp.methods import result_of
from harmonic.mcp.protocol import INTERNAL_ERROR, INVALID_REQUEST, ProtocolError
from tokens import usage

PATH = "/mcp"
MAX_BODY = 262_144
# Calls of one token: in a second, in a minute.
BURST, SUSTAINED = 10, 60
# Calls in a minute of all agents of a person, with the person's own.
PRINCIPAL = 600
_TENANT = TenantFacts(NO_ID, "", "Harmonic", "UTC", False)
_log = logging.getLogger(__name__)


class McpMiddleware:
    """Serve the MCP endpoint; pass all other requests on."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: AccessRequest) -> HttpResponse:
        if request.path_info != PATH:
            return self.get_response(request)
        if request.method != "POST":
            return HttpResponse(status=405, headers={"Allow": "POST"})
        try:
            return self._answered(request)
        except ProtocolError as error:
            return _json(error.body(), error.status, error.headers)
        except Exception as error:
            if outages.is_outage(error):
                return _unavailable()
            _log.exception("The MCP endpoint failed.")
            return _json(ProtocolError(INTERNAL_ERROR, "Internal error").body(), 500)

    def _answered(self, request: AccessRequest) -> HttpResponse:
        subdomain = subdomain_of(request) if request.is_host_ours else None
        if subdomain is None:
            return HttpResponse(status=404)
        check_origin(request)
        check_accept(request)
        protocol.check_version_header(request)
        sent = _sent(request)
        access = _authenticated(request, subdomain, handle_in_path(tools.path_in(sent)))
        if access is None:
            return HttpResponse(status=404)
        check_limits(access)
        if isinstance(sent, ProtocolError):
            raise sent
        if protocol.is_notification(sent):
            return HttpResponse(status=202)
        request.client_name = protocol.client_of(sent)
        message = protocol.message_of(request, sent)
        pages = Pages(self.get_response, request)
        try:
            result = result_of(message, Caller(access, pages, request.request_id))
        finally:
            if not pages.were_requested:
                usage.record_request(request, request.known_token, None)
        return _json({"jsonrpc": "2.0", "id": message.id, "result": result})


# --- The transport's checks -----------------------------------------------------------------


def check_origin(request: AccessRequest) -> None:
    """Refuse a request sent by a browser from another site."""
    origin = request.headers.get("Origin")
    if origin is not None and origin.lower() not in {
        f"{scheme}://{request.get_host().lower()}" for scheme in ("http", "https")
    }:
        raise ProtocolError(INVALID_REQUEST, "Invalid Origin", 403)


def check_accept(request: AccessRequest) -> None:
    accept = request.headers.get("Accept")
    if accept is not None and not any(kind in accept for kind in ("application/json", "*/*")):
        message = "Not acceptable: responses are application/json."
        raise ProtocolError(INVALID_REQUEST, message, 406)


def _authenticated(request: AccessRequest, subdomain: str, place: str) -> Access | None:
    """Return the access of a token; None if the host has no tenant.

    `place` is the collective that a tool is about to request, whose page uses the same lookup.

    Raises:
        ProtocolError: the token is missing or not valid, or the tenant is suspended.
    """
    blank = Access(
        now=timezone.now(),
        host=settings.HOST,
        path=PATH,
        format=Format.JSON,
        tenant=_TENANT,
        remote_address=client_address(request),
    )
    request.access, request.known_token, request.is_allowed = blank, None, True
    # A paused agent may call tools: their requests to pages are refused with the reason.
    decider = RequestAccessDecider(request, blank, subdomain, place, admits_paused=True)
    try:
        with outages.waiting():
            access = decider.decide()
    except NotFound:
        return None
    except Refused as refused:
        if refused.status == 401:
            raise _unauthorized(request, refused) from refused
        data = _data(refused)
        raise ProtocolError(
            INVALID_REQUEST, refused.message, refused.status, data=data
        ) from refused
    if access.actor is None:
        raise _unauthorized(request, SignInRequired(hint=f"{AUTHENTICATE}. {ASK_YOUR_HUMAN}"))
    request.access, request.earlier_lookup = access, decider.lookup
    return access


def _unauthorized(request: AccessRequest, refused: Refused) -> ProtocolError:
    metadata = f"{origin_of(request)}/.well-known/oauth-protected-resource"
    challenge = f'Bearer realm="Harmonic", resource_metadata="{metadata}"'
    return ProtocolError(
        INVALID_REQUEST,
        "Unauthorized",
        401,
        headers={"WWW-Authenticate": challenge},
        data=_data(refused),
    )


def _data(refused: Refused) -> dict[str, Any]:
    """Return what a client can do about a refusal, as pages and the REST API say it."""
    return {"code": refused.code, "hint": refused.hint}


def check_limits(access: Access) -> None:
    """Count the request, and pass unless a limit of the endpoint is exceeded.

    Raises:
        ProtocolError: 429.
    """
    assert access.actor is not None
    assert access.token is not None
    token = str(access.token.id)
    human = str(access.actor.parent_id or access.actor.user_id)
    limits = (
        Limit("burst", "token", f"mcp/burst:{token}", BURST, seconds=1),
        Limit("sustained", "token", f"mcp/sustained:{token}", SUSTAINED),
        Limit("principal", "human", f"mcp/principal:{human}", PRINCIPAL, 1),
        Limit("tenant", "tenant", f"mcp/tenant:{access.tenant.id}", settings.LIMIT_TENANT, 2),
    )
    counts = count(rate_limits.store(), dict.fromkeys(limits, 1), time.time())
    exceeded = next((each for each in counts if each.is_exceeded), None)
    if exceeded is None or is_exempt(access.remote_address):
        return
    name, after = exceeded.limit.name, exceeded.limit.seconds
    audit.record("rate_limited", access, warn=True, limit=f"mcp/{name}", owner=exceeded.limit.owner)
    raise ProtocolError(
        INVALID_REQUEST,
        f"Rate limit exceeded (mcp/{name}). Retry after {after}s.",
        429,
        headers={"Retry-After": str(after)},
    )


def _sent(request: AccessRequest) -> dict[str, Any] | ProtocolError:
    """Return the message in the body, or its error, which follows those of the token."""
    try:
        return protocol.parse(_body(request))
    except ProtocolError as error:
        return error


def _body(request: AccessRequest) -> bytes:
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    if length > MAX_BODY:
        raise ProtocolError(INVALID_REQUEST, f"The body exceeds {MAX_BODY} bytes.", 413)
    return request.body


# --- Responses ------------------------------------------------------------------------------

_encode = json.JSONEncoder(ensure_ascii=False).encode


def _json(
    body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
) -> HttpResponse:
    text = _encode(body)
    # A message can repeat half of a surrogate pair, which UTF-8 does not have.
    sent = text.encode(errors="replace")
    response = HttpResponse(sent, content_type="application/json", status=status, headers=headers)
    response["Cache-Control"] = "no-store"
    return response


def _unavailable() -> HttpResponse:
    error = ProtocolError(
        INTERNAL_ERROR, "The database is unavailable. Try again in a few seconds."
    )
    return _json(error.body(), 503, {"Retry-After": "2"})
