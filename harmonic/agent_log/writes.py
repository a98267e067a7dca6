"""Recording of what agents do over Markdown and REST: actions and writes.

A write that changes something is recorded in its own transaction, by a reader of its event: no
committed write is missing. Everything else is recorded after the response: refusals, dry runs,
repetitions, and writes that changed nothing. Tool calls record themselves (`harmonic.mcp.calls`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from django.db import Error
from django.http import HttpResponse

from harmonic.access.checks import action_of
from harmonic.access.deciding import RequestAccessDecider
from harmonic.agent_log import entries, storing
from harmonic.agent_log.models import Entry, EntryStatus, Surface
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, ResourceRef
from harmonic.kernel.events import Event
from harmonic.kernel.http.methods import READS, REPLAYED
from harmonic.kernel.http.negotiation import is_api_path
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.parameters.decoding import read_params
from harmonic.kernel.refusals import Refused

TOO_MANY_REQUESTS = 429
_log = logging.getLogger(__name__)


class AgentLogMiddleware:
    """Middleware that records the actions and writes of agents. Runs around the access check."""

    def __init__(self, get_response: Callable[[AccessRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: AccessRequest) -> HttpResponse:
        request.began = time.perf_counter()
        request.log_entry = None
        response = self.get_response(request)
        access: Access | None = getattr(request, "access", None)
        if access is not None and _is_recorded(request, access):
            record_response(request, access, response)
        return response


def _is_recorded(request: AccessRequest, access: Access) -> bool:
    """Return whether a request is a write of an agent that is not part of a tool call."""
    actor = access.actor
    if actor is None or not actor.is_agent or request.method in READS | {"OPTIONS"}:
        return False
    return not getattr(request, "is_tool_call", False)


# --- In the transaction of the write --------------------------------------------------------


def record_event(event: Event, access: Access) -> None:
    """Record the write of an agent in its transaction."""
    if not access.user.is_agent or not isinstance(access.decider, RequestAccessDecider):
        return
    request = access.decider.request
    if not _is_recorded(request, access):
        return
    entry = _new_entry(request, access)
    entry.status = EntryStatus.OK
    entry.touched = _touched(event.resource)
    storing.insert(entry)
    request.log_entry = entry


def _touched(resource: ResourceRef | None) -> dict[str, str] | None:
    if resource is None:
        return None
    return {"type": resource.type, "id": resource.id, "path": resource.path}


# --- After the response ---------------------------------------------------------------------


def record_response(request: AccessRequest, access: Access, response: HttpResponse) -> None:
    """Record an agent's write, unless its transaction has recorded it.

    Requests over a rate limit are not recorded, so that they cost no write to the database.
    """
    is_refused = response.status_code >= 400
    entry = request.log_entry
    is_committed = entry is not None and not is_refused and not entries.is_dry_run(entry)
    if is_committed or response.status_code == TOO_MANY_REQUESTS:
        return
    store = storing.insert if entry is None else storing.insert_or_replace
    entry = entry or _new_entry(request, access)
    if is_refused:
        entry.status, entry.touched = EntryStatus.TOOL_ERROR, None
        refused: Refused | None = getattr(request, "refused", None)
        code, message = (refused.code, refused.message) if refused else ("internal", "")
        entries.describe_error(entry, code, message)
    else:
        entry.status = EntryStatus.OK
        entry.code = entries.outcome(entry, is_replayed=REPLAYED in response.headers)
    entry.http_status = response.status_code
    _store(store, entry, _action(request, access))


def _store(store: Callable[[Entry], None], entry: Entry, action: Action[Any] | None) -> None:
    if action is not None and action.is_read:
        storing.wait(entry)
        return
    try:
        store(entry)
    except Error:
        _log.warning("An entry of the log of agents waits, because it was not written.")
        storing.wait(entry)


# --- The entry of a request -----------------------------------------------------------------


def _new_entry(request: AccessRequest, access: Access) -> Entry:
    is_rest = is_api_path(access.path)
    return entries.new_entry(
        access,
        Surface.REST if is_rest else Surface.MARKDOWN,
        request.request_id,
        arguments={**_asked_for(request, access), "params": entries.keys(_names(request))},
        duration_ms=round((time.perf_counter() - request.began) * 1000),
    )


def _asked_for(request: AccessRequest, access: Access) -> dict[str, str]:
    """Return the page and the action of a request; its method where the path names no action."""
    path = entries.text(access.path, Entry.JSON_LENGTH)
    page, below, name = path.rpartition("/actions/")
    if below and not is_api_path(path):
        return {"path": page or "/", "action": name}
    action = _action(request, access)
    named = {"action": action.name} if action else {}
    return {"method": request.method or "", "path": path, **named}


def _action(request: AccessRequest, access: Access) -> Action[Any] | None:
    """Return the action of the route; None if the request was refused before it had one."""
    decider = access.decider
    route = decider.route if isinstance(decider, RequestAccessDecider) else None
    return action_of(request.method or "", route.view, route.kwargs) if route else None


def _names(request: AccessRequest) -> list[str]:
    """Return the names of the parameters that were sent; none of a body that cannot be read."""
    try:
        return list(read_params(request).values)
    except Refused:
        return []
