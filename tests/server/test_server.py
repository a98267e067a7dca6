"""The server's own responses: malformed requests, chunked bodies, responses to HEAD."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import takewhile

import pytest

from tests.server.process import Running, started

pytestmark = pytest.mark.one_database

Send = Callable[[bytes], "tuple[int, dict[str, str], bytes]"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Start the server with an empty database."""
    with started(tmp_path_factory.mktemp("var")) as server:
        yield server


@pytest.fixture
def port(server: Running) -> int:
    return server.port


@pytest.fixture
def send(port: int) -> Send:
    """Return a function that sends bytes and reads until the server closes the connection."""

    def sent(data: bytes) -> tuple[int, dict[str, str], bytes]:
        with closing(socket.create_connection(("127.0.0.1", port), timeout=30)) as connection:
            connection.sendall(data)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        status, *fields = head.decode().split("\r\n")
        return int(status.split()[1]), dict(field.split(": ", 1) for field in fields), body

    return sent


BAD = {
    "a long request line": (b"GET /%s HTTP/1.1\r\n" % (b"x" * 9000), 414, "maximum 8190 bytes"),
    "a long header": (b"GET / HTTP/1.1\r\nX: %s\r\n\r\n" % (b"x" * 9000), 431, "too large"),
    "many headers": (b"GET / HTTP/1.1\r\n%s\r\n" % (b"X: x\r\n" * 200), 431, "maximum 100"),
    "many long headers": (
        b"GET / HTTP/1.1\r\n%s\r\n" % (b"X: %s\r\n" % (b"x" * 2000) * 50),
        431,
        "too large",
    ),
    "no request line": (b"nonsense\r\n\r\n", 400, "malformed"),
    "a bad header": (b"GET / HTTP/1.1\r\nnonsense\r\n\r\n", 400, "malformed"),
    "two lengths": (
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        400,
        "malformed",
    ),
    "a foreign coding": (
        b"POST / HTTP/1.1\r\nTransfer-Encoding: x-nonsense\r\n\r\n",
        501,
        "transfer coding",
    ),
}


@pytest.mark.parametrize(("data", "status", "sentence"), BAD.values(), ids=BAD)
@pytest.mark.meets(
    "request line", "a header", "headers of a request", "request line and headers together"
)
def test_a_malformed_request_gets_an_error_object(
    send: Send, data: bytes, status: int, sentence: str
) -> None:
    answered, headers, body = send(data)

    assert (answered, headers["Content-Type"]) == (status, "application/json; charset=utf-8")
    error = json.loads(body)
    assert list(error) == ["error", "code", "status", "request_id"]
    assert sentence in error["error"]
    assert (error["status"], error["request_id"]) == (status, headers["X-Request-Id"])


def test_the_longest_allowed_request_line_is_accepted(send: Send) -> None:
    query = b"x" * 8100
    data = b"GET /healthcheck?%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % query

    assert send(data)[0] == 200


@pytest.mark.parametrize("path", ["/healthcheck", "/help.md"])
def test_a_response_to_head_has_no_body_and_logs_no_warning(
    server: Running, send: Send, path: str
) -> None:
    head = f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    status, headers, body = send(head.encode())

    assert (status, body) == (200, b"")
    assert headers["Content-Type"].startswith("text/")
    assert "no-body response" not in server.log


CHUNKED = b"POST /healthcheck HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"


def test_the_next_request_follows_a_chunked_one(send: Send) -> None:
    _, _, body = send(
        CHUNKED + b"\r\n4\r\ntext\r\n0\r\n\r\n" + CHUNKED + b"Connection: close\r\n\r\n0\r\n\r\n"
    )

    assert body.count(b"ok\n") == 2


def test_a_malformed_chunk_closes_the_connection(send: Send) -> None:
    _, _, body = send(CHUNKED + b"\r\nnonsense\r\n" + CHUNKED + b"\r\n0\r\n\r\n")

    assert body.count(b"ok\n") == 1


def test_a_body_beyond_the_limit_is_not_read_to_the_end(port: int) -> None:
    megabyte = b"100000\r\n%s\r\n" % (b"x" * 1024 * 1024)
    with closing(socket.create_connection(("127.0.0.1", port), timeout=30)) as connection:
        connection.sendall(CHUNKED + b"\r\n")
        taken = sum(1 for _ in takewhile(bool, (is_sent(connection, megabyte) for _ in range(99))))

    assert 16 <= taken < 99


def is_sent(connection: socket.socket, data: bytes) -> bool:
    try:
        connection.sendall(data)
    except OSError:
        return False
    return True
