"""The security log: who did what, where, as lines of the log and for whoever keeps them.

`harmonic.kernel.operations.logs` writes the lines. An application that keeps events registers a
sink when it starts; the kernel knows none of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone
from structlog.contextvars import get_contextvars

from harmonic.kernel.access import Access
from harmonic.kernel.database.outages import is_outage

_log = logging.getLogger("harmonic.audit")
WHO_AND_WHERE = frozenset({"tenant_id", "user_id", "ip"})
# What an action leaves: on the shared, or on somebody else; and on what is one's own.
ADMIN_ACTION = "admin_action"
USER_ACTION = "user_action"
# Of these a change says that it happened, never what was written.
UNQUOTED = frozenset({"description", "identity_prompt"})


@dataclass(frozen=True, slots=True)
class Someone:
    """Somebody in an event, by the names they had in the tenant at the time."""

    user_id: UUID
    handle: str
    name: str


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Something that happened; `data` is what its recorder added, without what is None.

    `people` are those in it whose names the recorder knew.
    """

    name: str
    at: datetime
    is_warning: bool
    tenant_id: UUID | None
    user_id: UUID | None
    ip: str
    request_id: str
    data: Mapping[str, Any]
    people: tuple[Someone, ...] = ()


Sink = Callable[[AuditEvent], None]

_sinks: list[Sink] = []
_is_suspended: ContextVar[bool] = ContextVar("audit_suspended", default=False)


@contextmanager
def without_recording() -> Iterator[None]:
    """Record nothing of what is done in this block: it will not have happened."""
    token = _is_suspended.set(True)
    try:
        yield
    finally:
        _is_suspended.reset(token)


def add_sink(sink: Sink) -> None:
    """Hand every event to `sink` from now on; what it raises is logged and stops nobody."""
    if sink not in _sinks:
        _sinks.append(sink)


def record(
    event: str,
    access: Access | None = None,
    *,
    warn: bool = False,
    about: Someone | None = None,
    **data: Any,
) -> None:
    """Log a security event with who, with what, where, and its data; what is None is left out.

    `about` is whose account it concerns, where that is somebody else's than the actor's.
    """
    if _is_suspended.get():
        return
    actor = access.actor if access else None
    fields: dict[str, Any] = {
        # The front door has no tenant of its own.
        "tenant_id": access.tenant.id if access and access.tenant.subdomain else None,
        "ip": access.remote_address or None if access else None,
        "user_id": actor.user_id if actor else None,
        "person_id": about.user_id if about else None,
        **_credential(access),
        **data,
    }
    known = {key: value for key, value in fields.items() if value is not None}
    _log.log(logging.WARNING if warn else logging.INFO, event, extra={"audit": known})
    doer = Someone(actor.user_id, actor.handle, actor.name) if actor else None
    _hand_on(
        AuditEvent(
            name=event,
            at=access.now if access else timezone.now(),
            is_warning=warn,
            tenant_id=known.get("tenant_id"),
            user_id=known.get("user_id"),
            ip=known.get("ip", ""),
            request_id=str(get_contextvars().get("request_id", "")),
            data={key: value for key, value in known.items() if key not in WHO_AND_WHERE},
            people=tuple(each for each in (doer, about) if each),
        )
    )


def _credential(access: Access | None) -> Mapping[str, Any]:
    """Return what the actor acted with: a token, a session, or the server's own command line."""
    if access is None or access.actor is None:
        return {}
    if access.token is not None:
        return {"with": "token", "by_token_id": access.token.id, "by_token": access.token.name}
    return {"with": "session" if access.remote_address else "command"}


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return what differs, by name, as old and new value; for long texts without them."""
    return {
        name: [] if name in UNQUOTED else [before.get(name), value]
        for name, value in after.items()
        if value != before.get(name)
    }


def _hand_on(event: AuditEvent) -> None:
    for sink in _sinks:
        try:
            sink(event)
        except Exception as error:  # whatever was asked for goes on
            if connection.in_atomic_block and is_outage(error):
                # The transaction around it is lost as well, and must not end as if it were not.
                raise
            _log.exception("audit_sink_failed")
