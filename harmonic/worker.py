"""gunicorn's threaded worker, whose own refusals programs can read too."""

from __future__ import annotations

import json
import socket
import uuid
from http import HTTPStatus
from typing import Any

from gunicorn import util  # type: ignore[import-untyped]  # has no types
from gunicorn.http import errors  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from harmonic.kernel.logs import without_tokens

# The fault of the application, though gunicorn counts them among a client's.
_OURS = (errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)
_STATUSES: dict[type[Exception], tuple[int, str]] = {
    errors.LimitRequestLine: (414, "The request line is too long (maximum {line} bytes)."),
    errors.LimitRequestHeaders: (
        431,
        "The headers are too large (maximum {fields} headers of {field} bytes).",
    ),
    errors.ExpectationFailed: (417, "This expectation cannot be met."),
    errors.UnsupportedTransferCoding: (501, "This transfer coding is not supported."),
    errors.ParseException: (400, "The request is malformed."),
    Exception: (500, "Something went wrong on our side."),
}


class Worker(ThreadWorker):  # type: ignore[misc]  # has no types
    """Answers what never became a request with the error object of the API (`docs/api.md`).

    In which format it would be read nobody knows: the headers were not read.
    """

    def handle_error(
        self, req: object, client: socket.socket, addr: tuple[Any, ...] | None, exc: Exception
    ) -> None:
        status, sentence = answer_of(exc)
        if status == 500:
            self.log.exception("A request was answered by nobody.")
        else:
            told = without_tokens(str(exc))
            self.log.warning("Invalid request from %s: %s", (addr or ("",))[0], told)
        message = sentence.format(
            line=self.cfg.limit_request_line,
            fields=self.cfg.limit_request_fields,
            field=self.cfg.limit_request_field_size,
        )
        try:
            util.write_nonblock(client, written(status, message))
        except OSError:
            self.log.debug("Nobody waited for the answer to a bad request.")


def answer_of(error: Exception) -> tuple[int, str]:
    """Return the status and the sentence that answer what went wrong."""
    if isinstance(error, _OURS):
        return _STATUSES[Exception]
    return next(answer for kind, answer in _STATUSES.items() if isinstance(error, kind))


def written(status: int, message: str) -> bytes:
    """Return an answer as it goes over the wire; the connection ends behind it."""
    request_id = str(uuid.uuid4())
    code = "internal" if status == 500 else "invalid"
    body = {"error": message, "code": code, "status": status, "request_id": request_id}
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
