"""Requests as bytes on the wire: gunicorn reads them, and our application answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from gunicorn.config import Config  # type: ignore[import-untyped]  # has no types
from gunicorn.http import get_parser, wsgi  # type: ignore[import-untyped]  # has no types

from harmonic.wsgi import application


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def start(self, status: str, headers: list[tuple[str, str]], *_: object) -> Any:
        self.status, self.headers = int(status.split()[0]), dict(headers)

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


def answered(pieces: Iterable[bytes]) -> Answer:
    """Return the answer to a request that arrives in pieces."""
    config, client = Config(), ("127.0.0.1", 40000)
    request = next(get_parser(config, pieces, client))
    _, environ = wsgi.create(request, None, client, ("127.0.0.1", 8000), config)
    answer = Answer()
    with connection_of_the_test():
        response = application(environ, answer.start)
        answer.body = b"".join(response)
        response.close()
    return answer


@contextmanager
def connection_of_the_test() -> Iterator[None]:
    """Keep the connection open that holds the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


def head(method: str, path: str, token: str = "", **headers: str) -> bytes:
    """Return the head of a request whose body comes in chunks."""
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
