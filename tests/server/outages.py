"""A client that measures the server's responses, and a proxy in front of PostgreSQL."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.server.process import HOST, Running

NOTES = "/collectives/kitchen/api/v1/notes"
JSON, HTML, MARKDOWN = "application/json", "text/html", "text/markdown"

TOKEN = """
from harmonic.management.commands.create_token import issue_token
who = {"tenant": "garden", "user": "alice", "agent": None}
print(issue_token(who, {"name": "outages", "read_write": "write"}))
"""


@dataclass
class Seen:
    """A response, and the seconds it took."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Caller:
    """A program with Alice's token, or an anonymous one."""

    def __init__(self, server: Running, token: str = "") -> None:
        self.server = server
        self.token = token

    def get(self, path: str, accept: str = JSON) -> Seen:
        return self.ask("GET", path, accept=accept)

    def post(self, path: str, key: str = "", accept: str = JSON, **values: Any) -> Seen:
        return self.ask("POST", path, json.dumps(values).encode(), key=key, accept=accept)

    def ask(
        self, method: str, path: str, body: bytes = b"", *, key: str = "", accept: str = JSON
    ) -> Seen:
        fields = {
            "Host": f"{HOST}:{self.server.port}",
            "Connection": "close",
            "Accept": accept,
            "Content-Type": JSON,
            "Content-Length": str(len(body)),
            "Authorization": f"Bearer {self.token}" if self.token else "",
            "Idempotency-Key": key,
        }
        lines = [f"{name}: {value}" for name, value in fields.items() if value]
        head = "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""])
        began = time.monotonic()
        status, headers, answer = self.server.ask(head.encode() + body)
        return Seen(status, headers, answer, time.monotonic() - began)

    def texts(self) -> list[str]:
        """Return the texts of all notes of the collective."""
        found, path = [], f"{NOTES}?limit=100"
        while path:
            answer = self.get(path)
            assert answer.status == 200, answer.text
            found += [note["text"] for note in answer.json]
            path = next_page(answer.headers.get("Link", ""))
        return found


def next_page(link: str) -> str:
    """Return the path and query of the next page in a `Link` header, or ""."""
    for part in link.split(","):
        if 'rel="next"' in part:
            url = part.partition("<")[2].partition(">")[0]
            return "/" + url.split("/", 3)[3]
    return ""


def caller_of(server: Running) -> Caller:
    return Caller(server, server.manage("shell", "-v", "0", "-c", TOKEN))


def mark() -> str:
    """Return a unique text."""
    return f"note {uuid.uuid4().hex}"


class Proxy:
    """Proxy between a server and PostgreSQL that drops connections at a COMMIT.

    `loses` is `before` to lose a COMMIT on its way to the database, `after` to lose the answer to
    it, `behind` to lose the statement that follows, and empty to pass everything on. `skips` is
    how many COMMITs pass before.
    """

    def __init__(self, upstream: Path, home: Path) -> None:
        self.loses = ""
        self.skips = 0
        self._upstream = upstream
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(home / upstream.name))
        self._listener.listen()
        self.url = f"postgres://postgres@{quote(str(home), safe='')}/postgres"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                database = socket.socket(socket.AF_UNIX)
                database.connect(str(self._upstream))
                threading.Thread(target=self._relay, args=(client, database), daemon=True).start()

    def _relay(self, client: socket.socket, database: socket.socket) -> None:
        other = {client: database, database: client}
        with suppress(OSError), client, database:
            while True:
                for sender in select.select([client, database], [], [])[0]:
                    data = sender.recv(65536)
                    if not data or (sender is client and self._is_lost(data, database)):
                        return
                    other[sender].sendall(data)

    def _is_lost(self, data: bytes, database: socket.socket) -> bool:
        """Return whether to drop the connection now, after the database commits if required."""
        is_commit = b"COMMIT" in data
        if not self.loses or is_commit == (self.loses == "next"):
            return False
        if is_commit and self.skips:
            self.skips -= 1
            return False
        if self.loses == "behind":
            self.loses = "next"
            return False
        if self.loses == "after":
            database.sendall(data)
            database.recv(65536)
        self.loses = ""
        return True


@contextmanager
def proxy(database: Path, home: Path) -> Iterator[Proxy]:
    made = Proxy(database / ".s.PGSQL.5432", home)
    try:
        yield made
    finally:
        made.close()
