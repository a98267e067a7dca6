"""Run mixed reads and writes of many clients against the production server.

    .venv/bin/python -m bench.load [SECONDS] [CLIENTS]          load, then count
    .venv/bin/python -m bench.load --kill ROUNDS                kill -9 under writes, ROUNDS times
    .venv/bin/python -m bench.load [SECONDS] --shared PAIRS     one shared token, or one each

Everything runs on loopback, in a temporary folder. Under load there must be no 5xx and no lost
write, while a browser repeatedly reads a note of a million brackets. After a kill, every
acknowledged write must be complete.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

HOST = "garden.localhost"
NOTES = "/collectives/kitchen/api/v1/notes"
PYTHON = sys.executable
# An owner can have at most 50 active tokens, so many clients need both of these.
OWNERS = ("me", "scout")


@dataclass
class Tally:
    """Results of the clients."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    acknowledged: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Server:
    """The production server on a free port, with the demo world in a temporary folder."""

    def __init__(self, folder: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.environment = {
            **os.environ,
            "HARMONIC_VAR": folder,
            "HARMONIC_PORT": str(self.port),
            "HARMONIC_LOG_LEVEL": "ERROR",
        }
        self.command = [PYTHON, "-m", "gunicorn", "--config", "python:harmonic.server.config"]
        self.process: subprocess.Popen[bytes] | None = None

    def manage(self, *words: str) -> str:
        command = [PYTHON, "manage.py", *words]
        done = subprocess.run(command, env=self.environment, capture_output=True, check=True)
        return done.stdout.decode().strip()

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, env=self.environment, start_new_session=True)
        while not self._is_ready():
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        with suppress(OSError, HTTPException):
            return request(self.port, "GET", "/healthcheck", "")[0] == 200
        return False

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, how)
        self.process.wait()


def request(
    port: int, method: str, path: str, token: str, body: str = "", timeout: float = 60
) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=timeout)
    headers = {"Host": f"{HOST}:{port}"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if body:
        headers["Content-Type"] = "application/json"
    try:
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def write(port: int, token: str, tally: Tally) -> None:
    mark = uuid.uuid4().hex
    text = f"{mark} " + "word " * 50
    started = time.perf_counter()
    status, body = request(port, "POST", NOTES, token, json.dumps({"text": text}))
    with tally.lock:
        tally.statuses[status] += 1
        tally.seconds.append(time.perf_counter() - started)
        if status == 200:
            tally.acknowledged[json.loads(body)["id"]] = text


def read(port: int, token: str, path: str, tally: Tally) -> None:
    started = time.perf_counter()
    status, _ = request(port, "GET", path, token)
    with tally.lock:
        tally.statuses[status] += 1
        tally.seconds.append(time.perf_counter() - started)


@contextmanager
def served() -> Iterator[tuple[Server, str]]:
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder)
        server.manage("prepare")
        who = ("--tenant", "garden", "--user", "alice", "--name", "load", "--scope", "write")
        token = server.manage("create_token", *who)
        server.start()
        try:
            yield server, token
        finally:
            server.stop()


def missing(server: Server, token: str, tally: Tally) -> int:
    """Return the number of acknowledged writes that are missing or incomplete."""
    lost = 0
    for note_id, text in tally.acknowledged.items():
        status, body = request(server.port, "GET", f"{NOTES}/{note_id}", token)
        if status != 200 or json.loads(body)["text"] != text:
            lost += 1
    return lost


def load(seconds: float, clients: int) -> None:
    with served() as (server, token):
        tally, until = Tally(), time.monotonic() + seconds
        long_text = json.dumps({"title": "Long", "text": "[" * 1_000_000})
        made = json.loads(request(server.port, "POST", NOTES, token, long_text)[1])
        paths = [f"{NOTES}?limit=20", "/collectives/kitchen.md", f"{made['path']}.md", "/whoami.md"]

        def client(number: int) -> None:
            dice = random.Random(number)
            while time.monotonic() < until:
                if dice.random() < 0.3:
                    write(server.port, token, tally)
                else:
                    read(server.port, token, dice.choice(paths), tally)

        def browse() -> None:
            open_page = signed_in(server)
            while time.monotonic() < until:
                started = time.perf_counter()
                status, body = open_page(made["path"])
                assert b"[" * 1_000_000 in body
                seen.statuses[status] += 1
                seen.seconds.append(time.perf_counter() - started)

        seen = Tally()
        browser = threading.Thread(target=browse)
        browser.start()
        in_parallel(clients, client)
        browser.join()
        report(tally, seconds, missing(server, token, tally))
        print(f"beside them, the page of a million brackets: {dict(seen.statuses)}")


def signed_in(server: Server) -> Callable[[str], tuple[int, bytes]]:
    """Return a function that opens a page in Bob's browser."""
    opener = build_opener(HTTPCookieProcessor())
    program = "from harmonic.demo import seed; print(seed.PASSWORD)"
    password = server.manage("shell", "-v", "0", "-c", program)
    origin, host = f"http://127.0.0.1:{server.port}", {"Host": f"{HOST}:{server.port}"}

    def open_page(path: str, form: dict[str, str] | None = None) -> tuple[int, bytes]:
        data = urlencode(form).encode() if form else None
        with opener.open(Request(f"{origin}{path}", data, host), timeout=30) as answer:
            return answer.status, answer.read()

    found = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', open_page("/login")[1])
    assert found is not None
    known = {"email": "bob@example.com", "password": password}
    open_page("/login", {**known, "csrfmiddlewaretoken": found[1].decode()})
    return open_page


def shared(pairs: int, seconds: float, clients: int) -> None:
    """Compare the reads of many clients with one shared token and with one token each."""
    with served() as (server, token):
        one = request(server.port, "POST", NOTES, token, json.dumps({"text": "Read me"}))[1]
        path = f"{NOTES}/{json.loads(one)['id']}"
        own = [new_token(server, token, OWNERS[number % 2]) for number in range(clients)]
        ratios = []
        for _ in range(pairs):
            together = throughput(server.port, path, [token], seconds, clients)
            apart = throughput(server.port, path, own, seconds, clients)
            print(f"{together:.0f} reads/s with one token, {apart:.0f} with {len(set(own))}")
            ratios.append(together / apart)
        print(f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def new_token(server: Server, by: str, owner: str) -> str:
    body = json.dumps({"scopes": ["read:all"]})
    answer = request(server.port, "POST", f"/api/v1/users/{owner}/tokens", by, body)[1]
    return str(json.loads(answer)["token"])


def throughput(port: int, path: str, tokens: list[str], seconds: float, clients: int) -> float:
    tally, until = Tally(), time.monotonic() + seconds

    def client(number: int) -> None:
        while time.monotonic() < until:
            read(port, tokens[number % len(tokens)], path, tally)

    in_parallel(clients, client)
    assert set(tally.statuses) == {200}, tally.statuses
    return sum(tally.statuses.values()) / seconds


def in_parallel(clients: int, client: object) -> None:
    threads = [
        threading.Thread(target=client, args=(number,))  # type: ignore[arg-type]  # a function
        for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def report(tally: Tally, seconds: float, lost: int) -> None:
    times = sorted(tally.seconds)
    print(f"{sum(tally.statuses.values())} requests in {seconds:.0f} s: {dict(tally.statuses)}")
    median, slow = times[len(times) // 2] * 1000, times[-len(times) // 100] * 1000
    print(f"median {median:.0f} ms, 99 % {slow:.0f} ms")
    print(f"{len(tally.acknowledged)} writes acknowledged, {lost} lost")


def kill(rounds: int) -> None:
    with served() as (server, token):
        tally = Tally()
        for _ in range(rounds):
            stopping = threading.Event()

            def client(number: int, stopping: threading.Event = stopping) -> None:
                while not stopping.is_set():
                    with suppress(OSError, HTTPException, ValueError):
                        write(server.port, token, tally)

            threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
            for thread in threads:
                thread.start()
            time.sleep(0.5 + random.random())
            server.stop(signal.SIGKILL)
            stopping.set()
            for thread in threads:
                thread.join()
            server.start()
        lost = missing(server, token, tally)
        print(
            f"{rounds} kills, {len(tally.acknowledged)} writes acknowledged, {lost} lost or partial"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float, nargs="?", default=30)
    parser.add_argument("clients", type=int, nargs="?", default=50)
    parser.add_argument("--kill", type=int, default=0, metavar="ROUNDS")
    parser.add_argument("--shared", type=int, default=0, metavar="PAIRS")
    options = parser.parse_args()
    if options.kill:
        kill(options.kill)
    elif options.shared:
        shared(options.shared, options.seconds, options.clients)
    else:
        load(options.seconds, options.clients)


if __name__ == "__main__":
    main()
