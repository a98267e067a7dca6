"""Raw requests, sent to the server's `Connection` without a socket."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPResponse
from io import BytesIO
from typing import Any

from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.utils.module_loading import import_string
from gunicorn.config import Config  # type: ignore[import-untyped]  # has no types

from harmonic.server.connections import Connection


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


class RecordingTransport(asyncio.Transport):
    """A transport that records what is sent."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 40000), "sockname": ("127.0.0.1", 8000)})
        self.sent = bytearray()
        self.is_read = True
        self.is_closed = False

    def write(self, data: Any) -> None:
        self.sent += data

    def write_eof(self) -> None:
        pass

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    abort = close


class SynchronousServer:
    """A server process without threads, which runs the application in the event loop."""

    is_stopping = False
    log = logging.getLogger("gunicorn.error")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.cfg = Config()
        # Imported late, because it reads the static files that the test run collects.
        self.wsgi = import_string("harmonic.wsgi.application")
        self.loop = loop
        self.held = 0

    def connection_opened(self, connection: Connection) -> None: ...
    def connection_closed(self, connection: Connection) -> None: ...
    def connection_waits(self, connection: Connection) -> None: ...

    def run_request(self, connection: Connection) -> None:
        with connection_of_the_test():
            connection.respond()

    def count_held_bytes(self, size: int) -> None:
        self.held += size


def answered(pieces: Iterable[bytes]) -> Answer:
    """Return the response to a request sent in pieces, after which the client stops sending."""
    loop = asyncio.new_event_loop()
    server, wire = SynchronousServer(loop), RecordingTransport()
    connection = Connection(server)
    connection.connection_made(wire)
    for piece in pieces:
        connection.data_received(piece)
        if wire.sent or not wire.is_read:
            break
    else:
        connection.eof_received()
    # The loop sends the response; Django code must not run in it.
    loop.run_until_complete(asyncio.sleep(0))
    connection.connection_lost(None)
    loop.close()
    assert server.held == 0
    return _parsed(bytes(wire.sent))


def _parsed(data: bytes) -> Answer:
    response = HTTPResponse(_Socket(data))  # type: ignore[arg-type]  # as far as it is used
    response.begin()
    return Answer(response.status, dict(response.getheaders()), response.read())


class _Socket:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def makefile(self, mode: str) -> BytesIO:
        return BytesIO(self.data)


@contextmanager
def connection_of_the_test() -> Iterator[None]:
    """Keep the database connection of the test's transaction open."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


def head(method: str, path: str, token: str = "", **headers: str) -> bytes:
    """Return the head of a request with a chunked body."""
    fields = {
        "Host": "garden.localhost",
        "Transfer-Encoding": "chunked",
        **({"Authorization": f"Bearer {token}"} if token else {}),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


END = b"0\r\n\r\n"
