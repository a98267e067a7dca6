"""The security log: who did what, where, as lines of the log and for whoever keeps them.

`harmonic.kernel.logs` writes the lines. An application that keeps events registers a sink
when it starts; the kernel knows none of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from structlog.contextvars import get_contextvars

from harmonic.kernel.access import Access

_log = logging.getLogger("harmonic.audit")
WHO_AND_WHERE = frozenset({"tenant_id", "user_id", "ip"})


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; `data` is what its recorder added, without what is None."""

    name: str
    at: datetime
    is_warning: bool
    tenant_id: UUID | None
    user_id: UUID | None
    ip: str
    request_id: str
    data: Mapping[str, Any]


Sink = Callable[[Event], None]

_sinks: list[Sink] = []


def add_sink(sink: Sink) -> None:
    """Hand every event to `sink` from now on; what it raises is logged and stops nobody."""
    if sink not in _sinks:
        _sinks.append(sink)


def record(event: str, access: Access | None = None, *, warn: bool = False, **data: Any) -> None:
    """Log a security event with who, where and its data; what is None is left out."""
    actor = access.actor if access else None
    fields: dict[str, Any] = {
        # The front door has no tenant of its own.
        "tenant_id": access.tenant.id if access and access.tenant.subdomain else None,
        "ip": access.remote_address or None if access else None,
        "user_id": actor.user_id if actor else None,
        **data,
    }
    known = {key: value for key, value in fields.items() if value is not None}
    _log.log(logging.WARNING if warn else logging.INFO, event, extra={"audit": known})
    _hand_on(
        Event(
            name=event,
            at=access.now if access else timezone.now(),
            is_warning=warn,
            tenant_id=known.get("tenant_id"),
            user_id=known.get("user_id"),
            ip=known.get("ip", ""),
            request_id=str(get_contextvars().get("request_id", "")),
            data={key: value for key, value in known.items() if key not in WHO_AND_WHERE},
        )
    )


def _hand_on(event: Event) -> None:
    for sink in _sinks:
        try:
            sink(event)
        except Exception:  # whatever was asked for goes on
            _log.exception("audit_sink_failed")
