"""The security log: one JSON object a line, and never a secret in it."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from harmonic.kernel.access import Access

_log = logging.getLogger("harmonic.audit")
# A token that somebody put into a path or a header must not live on in a log.
_TOKEN = re.compile(r"hmn_[0-9A-Za-z]{6,}")
_SECRET_WORDS = ("password", "token_plaintext", "secret", "authorization", "otp", "cookie")


def record(event: str, access: Access | None = None, *, warn: bool = False, **data: Any) -> None:
    """Log a security event with who, where and its data; values that are None are left out."""
    fields: dict[str, Any] = {"event": event}
    if access is not None:
        fields["tenant_id"] = access.tenant.id
        fields["ip"] = access.remote_address or None
        fields["user_id"] = access.actor.user_id if access.actor else None
    fields.update(data)
    _log.log(logging.WARNING if warn else logging.INFO, event, extra={"audit": fields})


class JsonFormatter(logging.Formatter):
    """Formats every record as one JSON object, with known secrets taken out."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(
                timespec="milliseconds"
            ),
            "severity": record.levelname.lower(),
        }
        audit = getattr(record, "audit", None)
        line.update(audit or {"logger": record.name, "message": record.getMessage()})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        shown = {key: value for key, value in line.items() if value is not None}
        text = json.dumps(_without_secrets(shown), default=_plain, ensure_ascii=False)
        return _TOKEN.sub("hmn_[filtered]", text)


def _without_secrets(line: dict[str, Any]) -> dict[str, Any]:
    return {
        key: "[filtered]" if any(word in key.lower() for word in _SECRET_WORDS) else value
        for key, value in line.items()
    }


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    return str(value) if isinstance(value, UUID) else repr(value)
