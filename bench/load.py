"""Mixed reads and writes from many clients against the shipped server, and what survives.

    .venv/bin/python -m bench.load [SECONDS] [CLIENTS]          load, then count
    .venv/bin/python -m bench.load --kill ROUNDS                kill -9 under writes, ROUNDS times

Everything runs on loopback, in a temporary folder. Under load there must be no 5xx and no lost
write; after a kill every acknowledged write must be there, and none half.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException

HOST = "garden.localhost"
NOTES = "/collectives/kitchen/api/v1/notes"
PYTHON = sys.executable


@dataclass
class Tally:
    """What the clients saw."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    acknowledged: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Server:
    """The shipped server on a free port, with the demo world in a folder of its own."""

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
        self.process: subprocess.Popen[bytes] | None = None

    def manage(self, *words: str) -> str:
        command = [PYTHON, "manage.py", *words]
        done = subprocess.run(command, env=self.environment, capture_output=True, check=True)
        return done.stdout.decode().strip()

    def start(self) -> None:
        command = [PYTHON, "-m", "gunicorn", "--config", "python:harmonic.gunicorn"]
        self.process = subprocess.Popen(command, env=self.environment, start_new_session=True)
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


def request(port: int, method: str, path: str, token: str, body: str = "") -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
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
    """Return how many acknowledged writes cannot be read back whole."""
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

        in_parallel(clients, client)
        report(tally, seconds, missing(server, token, tally))


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
        print(f"{rounds} kills, {len(tally.acknowledged)} writes acknowledged, {lost} lost or half")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float, nargs="?", default=30)
    parser.add_argument("clients", type=int, nargs="?", default=50)
    parser.add_argument("--kill", type=int, default=0, metavar="ROUNDS")
    options = parser.parse_args()
    if options.kill:
        kill(options.kill)
    else:
        load(options.seconds, options.clients)


if __name__ == "__main__":
    main()
