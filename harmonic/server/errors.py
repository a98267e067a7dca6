"""Responses of the server to requests that never reach the application."""

from __future__ import annotations

import json
import uuid
from http import HTTPStatus
from typing import Any

from gunicorn.asgi.parser import ParseError  # type: ignore[import-untyped]  # has no types
from gunicorn.http import errors  # type: ignore[import-untyped]

# Bytes of a request line and its headers together.
MAX_HEAD_BYTES = 64 * 1024

TOO_SLOW = (408, "The request took too long to arrive. Send it again over a faster connection.")
OVERLOADED = (503, "The server holds too many unfinished requests. Try again later.")
# Errors of the application, which gunicorn counts as errors of the client.
_OURS = (errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)
_STATUSES: dict[type[Exception], tuple[int, str]] = {
    errors.LimitRequestLine: (414, "The request line is too long (maximum {line} bytes)."),
    errors.LimitRequestHeaders: (
        431,
        "The headers are too large (maximum {fields} headers of {field} bytes, {head} in all).",
    ),
    errors.ExpectationFailed: (417, "This expectation cannot be met."),
    errors.UnsupportedTransferCoding: (501, "This transfer coding is not supported."),
    errors.ParseException: (400, "The request is malformed."),
    errors.NoMoreData: (400, "The request is malformed."),
    ParseError: (400, "The request is malformed."),
    Exception: (500, "Something went wrong on our side."),
}


def status_and_message(error: Exception, cfg: Any) -> tuple[int, str]:
    """Return the status and message for an error; `cfg` is the configuration of gunicorn."""
    kind = Exception if isinstance(error, _OURS) else type(error)
    status, sentence = next(
        answer for parent, answer in _STATUSES.items() if issubclass(kind, parent)
    )
    return status, sentence.format(
        line=cfg.limit_request_line,
        fields=cfg.limit_request_fields,
        field=cfg.limit_request_field_size,
        head=MAX_HEAD_BYTES,
    )


def error_response(status: int, message: str) -> bytes:
    """Return a complete response with an error object of the API (`docs/api.md`).

    It is always JSON, because the headers may not have been read.
    """
    request_id = str(uuid.uuid4())
    codes = {408: "request_timeout", 500: "internal", 503: "overloaded"}
    body = {
        "error": message,
        "code": codes.get(status, "invalid"),
        "status": status,
        "request_id": request_id,
    }
    data = json.dumps(body).encode()
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "Connection: close",
        "Content-Type: application/json; charset=utf-8",
        f"Content-Length: {len(data)}",
        "Cache-Control: no-store",
        f"X-Request-Id: {request_id}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + data
