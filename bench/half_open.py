"""Measure response times while one address holds hundreds of unfinished requests.

    .venv/bin/python -m bench.half_open [CONNECTIONS] [SECONDS]    response times during the attack
    .venv/bin/python -m bench.half_open --speed                    reads without an attack
    .venv/bin/python -m bench.half_open … --command "waitress-serve --listen 127.0.0.1:{port} …"

An attack opens the connections, each with half of a request (in its headers, in a body with a
length, in a body in chunks), and sends one more byte on each every second. Meanwhile /healthcheck,
a page of a signed-in browser and a note with a token are requested, each on a new connection.
`--command` starts another server instead, for comparison under the same load.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

from bench.load import NOTES, Server, request, signed_in, throughput

FORM = "Host: garden.localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
KINDS = {
    "headers": "GET /whoami HTTP/1.1\r\nHost: garden.localhost\r\nX-Slow: ",
    "length": f"POST /login HTTP/1.1\r\n{FORM}Content-Length: 100000\r\n\r\nemail=",
    "chunks": f"POST /login HTTP/1.1\r\n{FORM}Transfer-Encoding: chunked\r\n\r\nfffff\r\nemail=",
}
# Seconds; a request that takes longer counts as unanswered.
PATIENCE = 30.0
CLIENTS = (1, 8, 50)
ROUNDS = 3
ROUND_SECONDS = 4.0

Asks = Mapping[str, Callable[[], object]]


@dataclass
class Attack:
    """Unfinished requests of one kind, each growing by a byte a second."""

    port: int
    start: bytes
    open: list[socket.socket] = field(default_factory=list)
    refused: int = 0
    closed_after: list[float] = field(default_factory=list)

    def run(self, count: int, seconds: float) -> None:
        began = time.monotonic()
        for _ in range(count):
            self._connect()
        while time.monotonic() - began < seconds:
            time.sleep(1)
            self.open = [each for each in self.open if self._grows(each, began)]
        for connection in self.open:
            connection.close()

    def _connect(self) -> None:
        try:
            connection = socket.create_connection(("127.0.0.1", self.port), timeout=1)
            connection.sendall(self.start)
            connection.setblocking(False)
            self.open.append(connection)
        except OSError:
            self.refused += 1

    def _grows(self, connection: socket.socket, began: float) -> bool:
        """Send one more byte. Return False if the server has closed the connection."""
        try:
            with suppress(BlockingIOError):
                if not connection.recv(4096):
                    raise ConnectionResetError
            with suppress(BlockingIOError):
                connection.send(b"x")
        except OSError:
            connection.close()
            self.closed_after.append(time.monotonic() - began)
            return False
        return True

    def summary(self) -> str:
        parts = [f"{len(self.open)} still open"]
        if self.refused:
            parts.append(f"{self.refused} not accepted")
        if self.closed_after:
            first, last = min(self.closed_after), max(self.closed_after)
            parts.append(f"{len(self.closed_after)} closed after {first:.1f} to {last:.1f} s")
        return ", ".join(parts)


def timed(ask: Callable[[], object]) -> float:
    started = time.perf_counter()
    with suppress(OSError, HTTPException):
        ask()
        return time.perf_counter() - started
    return PATIENCE


def attacked(port: int, kind: str, count: int, seconds: float, asks: Asks) -> None:
    attack = Attack(port, KINDS[kind].encode())
    thread = threading.Thread(target=attack.run, args=(count, seconds))
    thread.start()
    times: dict[str, list[float]] = {name: [] for name in asks}
    while thread.is_alive():
        for name, ask in asks.items():
            times[name].append(timed(ask))
        time.sleep(0.1)
    thread.join()
    figures = ", ".join(
        f"{name} {statistics.median(each) * 1000:.0f} ms (slowest {max(each) * 1000:.0f})"
        for name, each in times.items()
    )
    print(f"{kind}: {figures}; {attack.summary()}", flush=True)


def speed(server: Server, path: str, token: str) -> None:
    """Print the reads per second and the CPU time of the server for each read."""
    assert server.process is not None
    for clients in CLIENTS:
        rates, costs = [], []
        for _ in range(ROUNDS):
            before = cpu_seconds(server.process.pid)
            rate = throughput(server.port, path, [token], ROUND_SECONDS, clients)
            costs.append((cpu_seconds(server.process.pid) - before) / (rate * ROUND_SECONDS))
            rates.append(rate)
        cost = statistics.median(costs) * 1000
        print(f"{clients} clients: {statistics.median(rates):.0f} a second, {cost:.2f} ms each")


def cpu_seconds(session: int) -> float:
    """Return the CPU time of all processes of a session (Linux)."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("connections", type=int, nargs="?", default=500)
    parser.add_argument("seconds", type=float, nargs="?", default=20)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--command", default="", help="another server; {port} is its port")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder)
        if options.command:
            server.command = shlex.split(options.command.format(port=server.port))
        server.manage("prepare")
        who = ("--tenant", "garden", "--user", "alice", "--name", "load", "--scope", "write")
        token = server.manage("create_token", *who)
        server.start()
        try:
            measure(server, token, options)
        finally:
            server.stop()


def measure(server: Server, token: str, options: argparse.Namespace) -> None:
    port = server.port
    made = json.loads(request(port, "POST", NOTES, token, '{"text": "Read me"}')[1])
    path = f"{NOTES}/{made['id']}"
    if options.speed:
        speed(server, path, token)
        return
    open_page = signed_in(server)
    asks: Asks = {
        "healthcheck": lambda: request(port, "GET", "/healthcheck", "", timeout=PATIENCE),
        "page": lambda: open_page(made["path"]),
        "note": lambda: request(port, "GET", path, token, timeout=PATIENCE),
    }
    for kind in KINDS:
        attacked(port, kind, options.connections, options.seconds, asks)


if __name__ == "__main__":
    main()
