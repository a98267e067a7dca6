"""Slow clients have a deadline and occupy no thread."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from statistics import median
from urllib.request import OpenerDirector

import pytest

from tests.server.process import HOST, Running, answer_on, request_of, signed_in, started

pytestmark = pytest.mark.one_database

# Seconds; the server's defaults are longer.
HEADERS_TIMEOUT, BODY_TIMEOUT = 2.0, 3.0
FORM = "application/x-www-form-urlencoded"
ERROR_KEYS = ["error", "code", "status", "request_id"]


def head(method: str, path: str, **headers: str) -> bytes:
    fields = {"Host": HOST, **{name.replace("_", "-"): text for name, text in headers.items()}}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {text}" for name, text in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


UNFINISHED = {
    "headers": head("GET", "/whoami")[:-2] + b"X-Slow: x",
    "length": head("POST", "/login", Content_Type=FORM, Content_Length="100000") + b"email=x",
    "chunks": head("POST", "/login", Content_Type=FORM, Transfer_Encoding="chunked")
    + b"fffff\r\nx",
}
EVERY_KIND = pytest.mark.parametrize("start", UNFINISHED.values(), ids=UNFINISHED)
HEALTHCHECK = head("GET", "/healthcheck", Connection="close")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    settings = {
        "HARMONIC_HEADERS_TIMEOUT": str(HEADERS_TIMEOUT),
        "HARMONIC_BODY_TIMEOUT": str(BODY_TIMEOUT),
        "HARMONIC_THREADS": "2",
    }
    with started(tmp_path_factory.mktemp("var"), prepared=True, **settings) as running:
        yield running


@pytest.fixture(scope="module")
def browser(server: Running) -> OpenerDirector:
    return signed_in(server)


@pytest.fixture(scope="module")
def token(server: Running) -> str:
    who = ("--tenant", "garden", "--user", "alice", "--name", "slow", "--scope", "write")
    return server.manage("create_token", *who)


def seconds_of_others(server: Running, browser: OpenerDirector) -> float:
    """Return the median time of a health check or a signed-in page, whichever is slower.

    Use the median, because the test machine has other work too.
    """
    return median(_seconds_once(server, browser) for _ in range(5))


def _seconds_once(server: Running, browser: OpenerDirector) -> float:
    started_at = time.monotonic()
    assert server.ask(HEALTHCHECK)[0] == 200
    checked_at = time.monotonic()
    with browser.open(request_of(server, "/settings"), timeout=30) as page:
        assert page.status == 200
        assert "/settings" in page.url
    return max(checked_at - started_at, time.monotonic() - checked_at)


@EVERY_KIND
def test_500_half_open_connections_leave_others_fast(
    server: Running, browser: OpenerDirector, start: bytes
) -> None:
    with ExitStack() as stack:
        opened = [stack.enter_context(server.connect(start)) for _ in range(500)]
        assert seconds_of_others(server, browser) < 1
        ended = [answer_on(each)[0] for each in opened]

    assert set(ended) == {408}


@pytest.mark.meets(
    "time for a request line and headers", "time for a body, or for reading a response"
)
@EVERY_KIND
def test_a_trickled_request_is_closed_at_its_deadline(server: Running, start: bytes) -> None:
    deadline = HEADERS_TIMEOUT if start.startswith(b"GET") else BODY_TIMEOUT
    with server.connect(start) as connection:
        began = time.monotonic()
        trickled(connection, until=began + 3 * deadline)
        status, headers, body = answer_on(connection)

    assert deadline * 0.9 < time.monotonic() - began < deadline + 2
    assert (status, headers["Content-Type"]) == (408, "application/json; charset=utf-8")
    assert list(json.loads(body)) == ERROR_KEYS
    assert json.loads(body)["code"] == "request_timeout"


def trickled(connection: socket.socket, until: float) -> None:
    """Send a byte every tenth of a second until a response arrives."""
    connection.settimeout(0.1)
    while time.monotonic() < until:
        with suppress(TimeoutError):
            connection.recv(1, socket.MSG_PEEK)
            break
        connection.sendall(b"x")
    connection.settimeout(30)


def test_a_second_request_has_a_deadline_too(server: Running) -> None:
    with server.connect(head("GET", "/healthcheck")) as connection:
        assert answer_on(connection)[0] == 200
        connection.sendall(UNFINISHED["headers"])

        assert answer_on(connection)[0] == 408


def test_a_body_at_the_required_rate_is_read_to_the_end(server: Running, token: str) -> None:
    body = json.dumps({"text": "Kept pace " * 50_000}).encode()
    path = "/collectives/kitchen/api/v1/notes"
    start = head(
        "POST",
        path,
        Authorization=f"Bearer {token}",
        Content_Type="application/json",
        Content_Length=str(len(body)),
    )
    pause = (BODY_TIMEOUT + 1) / 10
    with server.connect(start) as connection:
        for begin in range(0, len(body), len(body) // 9):
            connection.sendall(body[begin : begin + len(body) // 9])
            time.sleep(pause)
        status, _, answer = answer_on(connection)

    assert (status, json.loads(answer)["text"][:9]) == (200, "Kept pace")


FORMATS = {
    "text/html": "text/html; charset=utf-8",
    "text/markdown": "text/markdown; charset=utf-8",
    "application/json": "application/json; charset=utf-8",
}


@pytest.mark.parametrize("accept", FORMATS)
@pytest.mark.parametrize("path", ["/login", "/logout", "/whoami", "/api/v1/notes", "/nowhere"])
def test_a_file_of_300_mb_is_refused_before_it_is_read(
    server: Running, path: str, accept: str
) -> None:
    start = head(
        "POST",
        path,
        Accept=accept,
        Content_Type="multipart/form-data; boundary=x",
        Content_Length="300000000",
    )
    part = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'

    status, headers, body = server.ask(start + part)

    wanted = "application/json" if path.startswith("/api") else accept
    assert (status, headers["Content-Type"]) == (413, FORMATS[wanted])
    assert "The body is too large (maximum 16 MB)." in body.decode()
    assert headers["Connection"] == "close"


def test_a_client_that_expects_100_continue_gets_it_once(server: Running, token: str) -> None:
    start = head(
        "POST",
        "/collectives/kitchen/api/v1/notes",
        Authorization=f"Bearer {token}",
        Content_Type=FORM,
        Content_Length="7",
        Expect="100-continue",
        Connection="close",
    )
    with server.connect(start) as connection:
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"text=ok")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1") == 1


def test_a_large_body_is_refused_without_100_continue(server: Running) -> None:
    start = head("POST", "/login", Content_Length="300000000", Expect="100-continue")

    with server.connect(start) as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.meets("bodies and unread responses of a process")
def test_unread_responses_leave_others_fast(
    server: Running, browser: OpenerDirector, token: str
) -> None:
    note = json.dumps({"text": "[" * 1_000_000}).encode()
    path, credentials = "/collectives/kitchen/api/v1/notes", f"Bearer {token}"
    start = head(
        "POST",
        path,
        Authorization=credentials,
        Content_Type="application/json",
        Content_Length=str(len(note)),
    )
    made = json.loads(server.ask(start + note)[2])
    ask = head("GET", f"{path}/{made['id']}", Authorization=credentials)
    with ExitStack() as stack:
        for _ in range(6):
            unread = stack.enter_context(socket.socket())
            unread.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            unread.connect(("127.0.0.1", server.port))
            # More responses than the system buffers for a client.
            unread.sendall(ask * 8)
        time.sleep(2)

        assert seconds_of_others(server, browser) < 1


def test_idle_connections_leave_others_fast(server: Running, browser: OpenerDirector) -> None:
    with ExitStack() as stack:
        kept = [stack.enter_context(server.connect(HEALTHCHECK)) for _ in range(20)]
        assert {answer_on(each)[0] for each in kept} == {200}

        assert seconds_of_others(server, browser) < 1


@pytest.mark.meets("connections of a process")
def test_more_connections_than_allowed_leave_others_fast(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("var")
    with started(folder, HARMONIC_CONNECTIONS="20") as small, ExitStack() as stack:
        opened = [stack.enter_context(small.connect(UNFINISHED["length"])) for _ in range(60)]
        started_at = time.monotonic()
        assert small.ask(HEALTHCHECK)[0] == 200

        assert time.monotonic() - started_at < 1
        # The oldest connections were closed, each with a response.
        status, _, body = answer_on(opened[0])
        assert (status, json.loads(body)["code"]) == (503, "overloaded")


def test_a_graceful_stop_completes_pending_requests(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    start = head("POST", "/healthcheck", Content_Type=FORM, Content_Length="7")
    with started(tmp_path_factory.mktemp("var")) as server:
        with server.connect(start) as connection, server.connect() as idle:
            time.sleep(0.2)
            stopping = threading.Thread(target=server.stop)
            stopping.start()
            assert idle.recv(1) == b""
            connection.sendall(b"text=ok")
            status, headers, _ = answer_on(connection)
        stopping.join()

    assert (status, headers["Connection"]) == (200, "close")
    assert server.process.returncode == 0


def test_every_log_line_is_json_without_tokens(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    secret = "hmn_" + "x" * 42
    var = tmp_path_factory.mktemp("var")
    with started(var, HARMONIC_LOG_FORMAT="json", HARMONIC_LOG_LEVEL="INFO") as server:
        server.ask(b"GET /%s nonsense\r\n\r\n" % secret.encode())

    lines = [json.loads(line) for line in server.log.splitlines()]
    assert {"timestamp", "event", "severity", "environment"} <= set(lines[0])
    assert any("Listening at" in line["event"] for line in lines)
    assert any("Invalid request" in line["event"] for line in lines)
    assert secret not in server.log


def test_a_token_deleted_while_the_body_arrives_writes_nothing(server: Running, token: str) -> None:
    credentials = {"Authorization": f"Bearer {token}", "Content_Type": FORM}
    tokens, notes = "/api/v1/users/me/tokens", "/collectives/kitchen/api/v1/notes"
    scopes = b"name=late&scopes[]=create:notes"
    made = json.loads(
        server.ask(head("POST", tokens, **credentials, Content_Length=str(len(scopes))) + scopes)[2]
    )
    late = {"Authorization": f"Bearer {made['token']}", "Content_Type": FORM}
    with server.connect(head("POST", notes, **late, Content_Length="9") + b"text=") as connection:
        time.sleep(0.2)
        assert server.ask(head("DELETE", f"{tokens}/{made['id']}", **credentials))[0] == 200
        connection.sendall(b"late")
        status, _, _ = answer_on(connection)

    assert status == 401
