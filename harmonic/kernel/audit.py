"""The security log: who did what, where; `harmonic.kernel.logs` writes it down."""

from __future__ import annotations

import logging
from typing import Any

from harmonic.kernel.access import Access

_log = logging.getLogger("harmonic.audit")


def record(event: str, access: Access | None = None, *, warn: bool = False, **data: Any) -> None:
    """Log a security event with who, where and its data; what is None is left out."""
    fields: dict[str, Any] = {}
    if access is not None:
        fields["tenant_id"] = access.tenant.id
        fields["ip"] = access.remote_address or None
        fields["user_id"] = access.actor.user_id if access.actor else None
    fields.update(data)
    _log.log(logging.WARNING if warn else logging.INFO, event, extra={"audit": fields})
