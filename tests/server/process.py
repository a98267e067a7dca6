"""The server in its own process, and raw connections to it."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

import pytest

from harmonic.demo import seed

ROOT = Path(__file__).resolve().parents[2]
HOST = "garden.localhost"
# The usual umask of a shell; the test process has the server's.
UMASK = 0o022


@dataclass
class Running:
    """A running server, with its port and folder."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]
    environment: dict[str, str]

    def manage(self, *words: str) -> str:
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, check=True
        )
        return done.stdout.decode().strip()

    def connect(self, data: bytes = b"", timeout: float = 30) -> socket.socket:
        """Return a new connection, after sending `data`."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        connection.sendall(data)
        return connection

    def ask(self, data: bytes, timeout: float = 30) -> tuple[int, dict[str, str], bytes]:
        """Return the status, headers and body of the response to `data`."""
        with self.connect(data, timeout) as connection:
            return answer_on(connection)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=30)

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


SERVER = (sys.executable, "-m", "gunicorn", "--config", "python:harmonic.server.config")


@contextmanager
def started(
    folder: Path, *, prepared: bool = False, command: Sequence[str] = SERVER, **settings: str
) -> Iterator[Running]:
    """Start the server, with its own port and files.

    A `prepared` server has the demo world and the static files. Its files are copied, unless
    `settings` place them or the database elsewhere.
    """
    own = {"HARMONIC_PORT": str(free_port()), "WEB_CONCURRENCY": "1", **settings}
    environment = {**environment_of(folder), **own}
    if prepared and settings.keys().isdisjoint({"HARMONIC_VAR", "DATABASE_URL"}):
        shutil.copytree(prepared_files(), folder, dirs_exist_ok=True)
    elif prepared:
        prepare(environment)
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=log, umask=UMASK
        )
    server = Running(int(environment["HARMONIC_PORT"]), folder, process, environment)
    try:
        _wait_for(server)
        yield server
    finally:
        server.stop()


def environment_of(folder: Path) -> dict[str, str]:
    """Return the environment of an installation with its files and database in `folder`."""
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    own = {"HARMONIC_ENV": "local", "HARMONIC_VAR": str(folder)}
    # No test waits for the public beacon.
    return {**inherited, **own, "HARMONIC_BEACON": "test"}


def prepare(environment: dict[str, str]) -> None:
    command = [sys.executable, "manage.py", "prepare"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, umask=UMASK)


@cache
def prepared_files() -> Path:
    """Return a folder prepared for a server, created once per process and not to be changed."""
    folder = Path(tempfile.mkdtemp(prefix="harmonic-prepared-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    prepare(environment_of(folder))
    return folder


def _wait_for(server: Running) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.process.poll() is None:
        with suppress(OSError):
            server.connect().close()
            return
        time.sleep(0.1)
    pytest.fail("The server did not start.")


def answer_on(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    response = HTTPResponse(connection)
    response.begin()
    return response.status, dict(response.getheaders()), response.read()


def signed_in(server: Running) -> OpenerDirector:
    """Return a browser signed in as Alice."""
    browser = build_opener(HTTPCookieProcessor())
    page = browser.open(request_of(server, "/login"), timeout=30).read()
    found = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found is not None
    form = {
        "email": "alice@example.com",
        "password": seed.PASSWORD,
        "csrfmiddlewaretoken": found[1].decode(),
    }
    browser.open(request_of(server, "/login", urlencode(form).encode()), timeout=30).close()
    return browser


def request_of(server: Running, path: str, data: bytes | None = None) -> Request:
    origin, host = f"http://127.0.0.1:{server.port}", f"{HOST}:{server.port}"
    return Request(f"{origin}{path}", data, {"Host": host, "Accept": "text/html"})
