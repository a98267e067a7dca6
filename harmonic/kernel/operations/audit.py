"""The security log: events with actor, credential and address.

`harmonic.kernel.operations.logs` writes them to the log. An application that stores them registers
a sink when it starts.
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
# The events of actions: on shared things or other people, and on one's own.
ADMIN_ACTION = "admin_action"
USER_ACTION = "user_action"
# Fields whose values are not recorded, only that they changed.
UNQUOTED = frozenset({"description", "identity_prompt"})


@dataclass(frozen=True, slots=True)
class PersonReference:
    """A person or agent in an event, with handle and name at that time."""

    user_id: UUID
    handle: str
    name: str


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """A security event; `data` has the values that are not None.

    `people` are the persons in it whose names are known when it is recorded.
    """

    name: str
    at: datetime
    is_warning: bool
    tenant_id: UUID | None
    user_id: UUID | None
    ip: str
    request_id: str
    data: Mapping[str, Any]
    people: tuple[PersonReference, ...] = ()


Sink = Callable[[AuditEvent], None]

_sinks: list[Sink] = []
_is_suspended: ContextVar[bool] = ContextVar("audit_suspended", default=False)


@contextmanager
def without_recording() -> Iterator[None]:
    """Record no events in this block, whose changes will be rolled back."""
    token = _is_suspended.set(True)
    try:
        yield
    finally:
        _is_suspended.reset(token)


def add_sink(sink: Sink) -> None:
    """Register a sink for all events. Its exceptions are logged, and the request goes on."""
    if sink not in _sinks:
        _sinks.append(sink)


def record(
    event: str,
    access: Access | None = None,
    *,
    warn: bool = False,
    about: PersonReference | None = None,
    **data: Any,
) -> None:
    """Record a security event with actor, credential, address and data; None is left out.

    `about` is the person whose account it concerns, if that is not the actor.
    """
    if _is_suspended.get():
        return
    actor = access.actor if access else None
    fields: dict[str, Any] = {
        # The base domain has no tenant.
        "tenant_id": access.tenant.id if access and access.tenant.subdomain else None,
        "ip": access.remote_address or None if access else None,
        "user_id": actor.user_id if actor else None,
        "person_id": about.user_id if about else None,
        **_credential(access),
        **data,
    }
    known = {key: value for key, value in fields.items() if value is not None}
    _log.log(logging.WARNING if warn else logging.INFO, event, extra={"audit": known})
    doer = PersonReference(actor.user_id, actor.handle, actor.name) if actor else None
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
    """Return the credential of the actor: a token, a session or the command line."""
    if access is None or access.actor is None:
        return {}
    if access.token is not None:
        return {"with": "token", "by_token_id": access.token.id, "by_token": access.token.name}
    return {"with": "session" if access.remote_address else "command"}


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the changed fields with old and new value; unquoted fields without values."""
    return {
        name: [] if name in UNQUOTED else [before.get(name), value]
        for name, value in after.items()
        if value != before.get(name)
    }


def _hand_on(event: AuditEvent) -> None:
    for sink in _sinks:
        try:
            sink(event)
        except Exception as error:  # a sink must not stop the request
            if connection.in_atomic_block and is_outage(error):
                # The surrounding transaction is lost too, and must not look as if it succeeded.
                raise
            _log.exception("audit_sink_failed")
