"""HTTP connections of the server's event loop: receive a whole request, then send the response.

A thread runs the application once the whole request has arrived, and the event loop sends the
response. A slow client occupies a connection, never a thread. gunicorn parses and formats.
"""

from __future__ import annotations

import asyncio
from enum import Enum
from http import HTTPStatus
from typing import Any, Protocol, cast

from django.conf import settings
from gunicorn.asgi.parser import ParseError  # type: ignore[import-untyped]  # has no types
from gunicorn.http import errors, wsgi  # type: ignore[import-untyped]
from gunicorn.http.message import Request  # type: ignore[import-untyped]
from gunicorn.http.unreader import IterUnreader  # type: ignore[import-untyped]

from harmonic.kernel.operations.redaction import without_tokens
from harmonic.server.errors import (
    MAX_HEAD_BYTES,
    OVERLOADED,
    TOO_SLOW,
    error_response,
    status_and_message,
)
from harmonic.server.request_body import Body, IncompleteBody, length_of

# A closing connection discards what its client still sends, for this many seconds and bytes, so
# that the client reads the response before the connection ends.
CLOSE_TIMEOUT = 2.0
MAX_DISCARDED_BYTES = 256 * 1024
# Seconds before a 429 is sent, so that clients that ignore `Retry-After` do not keep the threads
# busy with refusals. The event loop waits without a thread.
REFUSAL_PAUSE = 0.25

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class ConnectionServer(Protocol):
    """The interface of the process that serves a connection."""

    cfg: Any
    log: Any
    wsgi: Any
    loop: asyncio.AbstractEventLoop
    is_stopping: bool

    def connection_opened(self, connection: Connection) -> None: ...
    def connection_closed(self, connection: Connection) -> None: ...
    def connection_waits(self, connection: Connection) -> None: ...
    def run_request(self, connection: Connection) -> None: ...
    def count_held_bytes(self, size: int) -> None: ...


class Phase(Enum):
    """The phase of a connection, with what it waits for."""

    IDLE = "the next request"
    HEAD = "the rest of a request line and headers"
    BODY = "the rest of a body"
    RUNNING = "the application"
    SENDING = "the client to read the response"
    CLOSING = "the client to close"


_RECEIVING = frozenset({Phase.IDLE, Phase.HEAD, Phase.BODY})


class Connection(asyncio.Protocol):
    """One client connection. All methods but `respond` run in the event loop."""

    transport: asyncio.Transport

    def __init__(self, server: ConnectionServer) -> None:
        self.server = server
        self.phase = Phase.HEAD
        self.address = ""
        self._received = bytearray()
        self._searched = 0
        self._request: Any = None
        self._requests = 0
        self._body: Body | None = None
        self._body_began = 0.0
        self._is_last = False
        self._is_half_closed = False
        self._discarded = 0
        self._held = 0
        self._timer: asyncio.TimerHandle | None = None

    # --- Called by asyncio ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        # asyncio calls `resume_writing` once a response is sent completely.
        self.transport.set_write_buffer_limits(high=0)
        self._peer = transport.get_extra_info("peername") or ("", 0)
        self.address = str(self._peer[0])
        self.server.connection_opened(self)
        self._wait(Phase.HEAD, settings.HEADERS_TIMEOUT)

    def data_received(self, data: bytes) -> None:
        if self.phase is Phase.CLOSING:
            self._discard(len(data))
            return
        self._received += data
        if self.phase not in _RECEIVING and len(self._received) > MAX_HEAD_BYTES:
            # Pipelined requests wait for the response to this one.
            self.transport.pause_reading()
        self._advance()

    def eof_received(self) -> bool:
        """Keep the connection open for the response to an incomplete body."""
        self._is_half_closed = True
        if self.phase is Phase.BODY:
            self._run(None)
        return self.phase in {Phase.RUNNING, Phase.SENDING}

    def resume_writing(self) -> None:
        if self.phase is Phase.SENDING:
            self._sent()

    def connection_lost(self, error: Exception | None) -> None:
        self._cancel_timer()
        self._release()
        self.server.connection_closed(self)

    # --- Receiving ------------------------------------------------------------------------------

    def _advance(self) -> None:
        if self.phase is Phase.IDLE and self._received:
            self._wait(Phase.HEAD, settings.HEADERS_TIMEOUT)
        if self.phase is Phase.HEAD:
            self._receive_head()
        if self.phase is Phase.BODY:
            self._receive_body()

    def _receive_head(self) -> None:
        try:
            head = self._take_head()
            if head is None:
                return
            self._requests += 1
            request = Request(self.server.cfg, IterUnreader([head]), self._peer, self._requests)
            self._begin_body(request, head)
        except (errors.ParseException, errors.NoMoreData, ParseError) as error:
            self._refuse_bad(error)

    def _take_head(self) -> bytes | None:
        """Return the complete request line and headers, or None while they are incomplete.

        Raises:
            ParseException: the request line or the headers are too long.
        """
        received, cfg = self._received, self.server.cfg
        while received.startswith(b"\r\n"):
            del received[:2]
        if received.find(b"\r\n", 0, cfg.limit_request_line + 2) < 0:
            if len(received) > cfg.limit_request_line:
                raise errors.LimitRequestLine(len(received), cfg.limit_request_line)
            return None
        end = received.find(b"\r\n\r\n", max(0, self._searched - 3))
        self._searched = len(received)
        if (end if end >= 0 else len(received)) > MAX_HEAD_BYTES:
            raise errors.LimitRequestHeaders("limit of all headers")
        if end < 0:
            return None
        head = bytes(received[: end + 4])
        del received[: end + 4]
        self._searched = 0
        return head

    def _begin_body(self, request: Any, head: bytes) -> None:
        self._request = request
        length = length_of(request)
        expects, request._expected_100_continue = request._expected_100_continue, False
        self._body = Body(head, length)
        if length is not None and length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            # The application refuses the body by its Content-Length; nothing is read.
            self._run(None)
            return
        if expects and not self._received:
            self.transport.write(CONTINUE)
        self._body_began = self.server.loop.time()
        self._wait(Phase.BODY, settings.BODY_TIMEOUT)

    def _receive_body(self) -> None:
        assert self._body is not None  # set with the phase
        body, before = self._body, self._body.size
        try:
            body.take(self._received)
        except ParseError:
            self._run(None)
            return
        self._hold(body.size - before)
        if self.transport.is_closing():  # evicted
            return
        if body.is_complete:
            self._run(body)
        elif body.size > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            self._run(None)

    def _run(self, body: Body | None) -> None:
        """Hand the request to a thread; None stands for an unreadable body."""
        self._is_last = body is None or self._is_half_closed
        self._cancel_timer()
        self.phase = Phase.RUNNING
        self.server.run_request(self)

    # --- Responding -----------------------------------------------------------------------------

    def respond(self) -> None:
        """Run the application, in a thread, and have the event loop send its response."""
        assert self._body is not None  # set before the request was handed over
        answer = ResponseBuffer()
        try:
            with self._body:
                closes = self._call(answer, self._body)
        except Exception as error:
            status, sentence = status_and_message(error, self.server.cfg)
            if status == 500:
                self.server.log.exception("A request failed outside the application.")
            answer.data, closes = bytearray(error_response(status, sentence)), True
        send = self._send_later if answer.status == HTTPStatus.TOO_MANY_REQUESTS else self._send
        self.server.loop.call_soon_threadsafe(send, bytes(answer.data), closes)

    def _call(self, answer: ResponseBuffer, body: Body) -> bool:
        """Call the application; return whether the connection closes after the response."""
        cfg, local = self.server.cfg, self.transport.get_extra_info("sockname")
        response, environ = wsgi.create(self._request, answer, self._peer, local, cfg)
        environ["wsgi.multithread"] = True
        environ["wsgi.input"] = body.file if body.is_complete else IncompleteBody()
        if environ.pop("HTTP_TRANSFER_ENCODING", None) is not None:
            # The application reads CONTENT_LENGTH bytes; an incomplete body needs a length too.
            environ["CONTENT_LENGTH"] = str(body.size or int(not body.is_complete))
        if self._is_last or self.server.is_stopping:
            response.force_close()
        pieces = self.server.wsgi(environ, response.start_response)
        try:
            # Django renders a body for HEAD too and leaves it to the server to omit it.
            if self._request.method != "HEAD":
                for piece in pieces:
                    response.write(piece)
            response.close()
            answer.status = response.status_code
        finally:
            if hasattr(pieces, "close"):
                pieces.close()
        return bool(response.should_close())

    def _send_later(self, data: bytes, closes: bool) -> None:
        self._timer = self.server.loop.call_later(REFUSAL_PAUSE, self._send, data, closes)

    def _send(self, data: bytes, closes: bool) -> None:
        self._release()
        if self.transport.is_closing():
            return
        self._is_last = closes
        self.phase = Phase.SENDING
        self.transport.write(data)
        if left := self.transport.get_write_buffer_size():
            self._hold(left)
            self._wait(Phase.SENDING, seconds_allowed(len(data)))
        else:
            self._sent()

    def _sent(self) -> None:
        self._release()
        if self._is_last or self._is_half_closed or self.server.is_stopping:
            self._finish()
            return
        self._wait(Phase.IDLE, self.server.cfg.keepalive)
        self.transport.resume_reading()
        self._advance()

    def _finish(self) -> None:
        """Close the connection once the client has read the response."""
        if self._is_half_closed:
            self.transport.close()
            return
        self._received.clear()
        self._wait(Phase.CLOSING, CLOSE_TIMEOUT)
        self.transport.write_eof()
        self.transport.resume_reading()

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > MAX_DISCARDED_BYTES:
            self.transport.abort()

    # --- Refusing and closing -------------------------------------------------------------------

    def stop(self) -> None:
        """Close a connection without a pending request; others close after their response."""
        if self.phase is Phase.IDLE:
            # The next request may be in transit.
            self._wait(Phase.IDLE, min(CLOSE_TIMEOUT, self.server.cfg.keepalive))
        elif self.phase is Phase.HEAD and not self._received:
            self.transport.close()

    def evict(self) -> None:
        """Close immediately, with an error response if a request has begun."""
        if self.phase is Phase.BODY or (self.phase is Phase.HEAD and self._received):
            self.transport.write(error_response(*OVERLOADED))
        self.transport.abort()

    @property
    def held(self) -> int:
        """The bytes of this connection held in memory or on disk."""
        return self._held

    def _refuse_bad(self, error: Exception) -> None:
        message = without_tokens(str(error))
        self.server.log.warning("Invalid request from %s: %s", self.address, message)
        self._send(error_response(*status_and_message(error, self.server.cfg)), closes=True)

    # --- Time and space -------------------------------------------------------------------------

    def _wait(self, phase: Phase, seconds: float) -> None:
        self._cancel_timer()
        self.phase = phase
        self._timer = self.server.loop.call_later(seconds, self._time_out)
        self.server.connection_waits(self)

    def _time_out(self) -> None:
        if self.phase is Phase.BODY and self._body is not None:
            left = self._body_began + seconds_allowed(self._body.size) - self.server.loop.time()
            if left > 0:
                self._timer = self.server.loop.call_later(left, self._time_out)
                return
        if self.phase is Phase.BODY or (self.phase is Phase.HEAD and self._received):
            self.server.log.info("A request from %s timed out.", self.address)
            self._send(error_response(*TOO_SLOW), closes=True)
        else:
            self.transport.abort()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _hold(self, size: int) -> None:
        self._held += size
        self.server.count_held_bytes(size)

    def _release(self) -> None:
        """Release the memory and the file of the body and the response."""
        self._hold(-self._held)
        if self._body is not None and self.phase is not Phase.RUNNING:
            self._body.close()
            self._body = None


class ResponseBuffer:
    """A stand-in for gunicorn's socket that collects a response for the event loop to send."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.status: int | None = None

    def sendall(self, data: bytes) -> None:
        self.data += data

    send = sendall


def seconds_allowed(size: int) -> float:
    """Return the seconds allowed to transfer `size` bytes of a body or a response."""
    return float(settings.BODY_TIMEOUT + size / settings.BODY_BYTES_PER_SECOND)
