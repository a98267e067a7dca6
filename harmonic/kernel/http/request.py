"""The request class with the attributes that Harmonic's middleware sets."""

from __future__ import annotations

from typing import Any, TypeGuard
from uuid import UUID

from django.http import HttpRequest

from harmonic.kernel.access import Access, TokenFacts
from harmonic.kernel.operations.limits import Count
from harmonic.kernel.refusals import Refused


class AccessRequest(HttpRequest):
    """A request after the middleware. Comments name the middleware that sets an attribute.

    It is a type only: Django creates the requests, from its own classes.
    """

    # RequestIdMiddleware, HostMiddleware
    request_id: str
    is_host_ours: bool
    # BodyMiddleware: the refusal of a body that cannot be read, which is raised after the lookup.
    refused_body: Refused | None
    # AccessMiddleware: the token that came with the request, whether it works or not, the person
    # whose session ended with it, and the rate limits that it counted against.
    access: Access
    known_token: TokenFacts | None
    ended_user_id: UUID | None
    counts: tuple[Count, ...]
    is_format_refused: bool
    is_allowed: bool
    # render_refusal: the last refusal.
    refused: Refused | None
    # AgentLogMiddleware: when the request began, and the entry of an agent's log that its
    # transaction has inserted.
    began: float
    log_entry: Any
    # Tools of the MCP endpoint: a request that a tool sends to a page, and the lookup of the call.
    is_tool_call: bool
    earlier_lookup: Any
    # Tools of the MCP endpoint: who will see the write, as the caller claims; "" without a claim.
    claimed_audience: str | None
    # Requests to the MCP endpoint, and those of its tools: the name that the client gives itself.
    client_name: str
    # Actions of pages: what a successful one made or changed.
    resource: object
    # OutageMiddleware: the error of a database that was unavailable.
    outage: Exception | None


def has_access(request: HttpRequest) -> TypeGuard[AccessRequest]:
    """Return whether the access of a request is decided."""
    return hasattr(request, "access")
