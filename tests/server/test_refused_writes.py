"""Refused writes keep their connection open, or announce that it closes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server.process import Running, answer_on, started

pytestmark = pytest.mark.one_database

WRITE = (
    b"POST %s HTTP/1.1\r\nHost: garden.localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
)
READ = b"GET /healthcheck HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
JSON, TEXT = b"application/json", b"text/plain"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with started(tmp_path_factory.mktemp("var"), prepared=True) as running:
        yield running


@pytest.mark.parametrize("size", [64 * 1024, 64 * 1024 + 1, 2 * 1024 * 1024])
@pytest.mark.parametrize(
    ("path", "media_type", "status"),
    [
        (b"/nowhere", JSON, 404),
        (b"/api/v1/notes", JSON, 401),
        (b"/api/v1/notes", TEXT, 401),
        (b"/login", TEXT, 415),
    ],
)
def test_a_refused_write_keeps_its_connection_open(
    server: Running, path: bytes, media_type: bytes, status: int, size: int
) -> None:
    with server.connect(WRITE % (path, media_type, size) + b"x" * size) as connection:
        refused, headers, _ = answer_on(connection)
        connection.sendall(READ)
        following, _, body = answer_on(connection)

    assert (refused, headers["Connection"]) == (status, "keep-alive")
    assert (following, body) == (200, b"ok\n")


@pytest.mark.parametrize("path", [b"/nowhere", b"/api/v1/notes", b"/login"])
def test_an_unread_write_is_answered_with_connection_close(server: Running, path: bytes) -> None:
    size = 16 * 1024 * 1024 + 1
    with server.connect(WRITE % (path, JSON, size) + b"x" * 200_000) as connection:
        refused, headers, _ = answer_on(connection)
        rest = connection.recv(1)

    assert (refused, headers["Connection"]) == (413, "close")
    assert rest == b""
