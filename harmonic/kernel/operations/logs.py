"""Logs: one JSON object per line, or text at a terminal, with the request ID, without secrets."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import structlog
from structlog.contextvars import get_contextvars
from structlog.typing import EventDict, Processor, WrappedLogger

from harmonic.kernel.operations.log_format import TEXT, text_of
from harmonic.kernel.operations.redaction import FILTERED, without_tokens

_SECRET_WORDS = ("password", "plaintext", "secret", "authorization", "otp", "cookie")


def bind_request_id(request_id: str) -> None:
    """Add the request ID to every later log line of this request."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)


def log_fields(**facts: str) -> AbstractContextManager[None]:
    """Add fields to the log lines of a block."""
    return structlog.contextvars.bound_contextvars(**facts)


def add_log_fields(**facts: str) -> None:
    """Add fields to every later log line of this request."""
    structlog.contextvars.bind_contextvars(**facts)


def formatter(environment: str, form: str) -> dict[str, Any]:
    """Return the formatter for Django's LOGGING: each record of any logger as one line.

    `form` is that of `log_format`: JSON, or text for a terminal.
    """
    as_json = structlog.processors.JSONRenderer(default=str, ensure_ascii=False)
    return {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": [
            structlog.stdlib.ExtraAdder(["audit"]),
            structlog.stdlib.add_log_level,
            structlog.processors.format_exc_info,
        ],
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _line_for(environment),
            _as_text if form == TEXT else as_json,
            _without_tokens,
        ],
    }


def _line_for(environment: str) -> Processor:
    def line(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        data: Mapping[str, Any] = event.pop("audit", None) or {}
        known = {
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "event": event.pop("event", ""),
            "severity": event.pop("level", method),
            "environment": environment,
        }
        return _shown({**known, **get_contextvars(), **data, **event})

    return line


def _shown(line: MutableMapping[str, Any]) -> dict[str, Any]:
    return {
        key: FILTERED if any(word in key.lower() for word in _SECRET_WORDS) else value
        for key, value in line.items()
        if value is not None
    }


def _as_text(logger: WrappedLogger, method: str, line: EventDict) -> str:
    return text_of(line)


def _without_tokens(logger: WrappedLogger, method: str, line: Any) -> str:
    return without_tokens(str(line))
