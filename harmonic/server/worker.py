"""The gunicorn worker: an event loop for connections, threads for the application."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from gunicorn.workers.base import Worker as BaseWorker  # type: ignore[import-untyped]  # no types

from harmonic.kernel.http.client_address import rate_limit_address
from harmonic.server.connections import Connection

# Bytes of bodies and responses that a process holds for its clients.
MAX_HELD_BYTES = 256 * 1024 * 1024
# File descriptors besides connections and their bodies: the database, logs, templates.
OTHER_FILES = 100
# Seconds between heartbeats to gunicorn's main process.
HEARTBEAT = 1.0


class ConnectionWorker(BaseWorker):  # type: ignore[misc]  # has no types
    """Worker that receives requests and sends responses for any number of slow clients.

    It keeps at most `worker_connections` connections. When another client connects, or the bodies
    and responses exceed `MAX_HELD_BYTES`, a connection that waits for its client is closed.
    """

    loop: asyncio.AbstractEventLoop

    def run(self) -> None:
        self.is_stopping = False
        self.most = min(self.cfg.worker_connections, files_allowed(self.cfg.worker_connections))
        self._connections: set[Connection] = set()
        # Ordered by when they began to wait.
        self._waiting: dict[Connection, None] = {}
        self._held = 0
        self._accepting: set[asyncio.Task[Any]] = set()
        self._pool = ThreadPoolExecutor(self.cfg.threads, "request")
        try:
            asyncio.run(self._serve())
        finally:
            self._pool.shutdown(wait=False)

    async def _serve(self) -> None:
        self.loop, self._woken = asyncio.get_running_loop(), asyncio.Event()
        # Python writes a byte into this pipe for each signal; gunicorn sets `alive`.
        self.loop.add_reader(self.PIPE[0], self._wake)
        for listener in self.sockets:
            listener.setblocking(False)
            self.loop.add_reader(listener.fileno(), self._accept, listener)
        while self.alive and self.ppid == os.getppid():
            await self._beat()
        self.is_stopping = True
        for listener in self.sockets:
            self.loop.remove_reader(listener.fileno())
        await self._finish()

    async def _beat(self) -> None:
        """Send a heartbeat to the main process, then wait for a second or a signal."""
        self.notify()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), HEARTBEAT)
        self._woken.clear()

    def _wake(self) -> None:
        os.read(self.PIPE[0], 4096)
        self._woken.set()

    async def _finish(self) -> None:
        """Finish the requests that have begun, within `graceful_timeout` seconds."""
        until = self.loop.time() + self.cfg.graceful_timeout
        for connection in list(self._connections):
            connection.stop()
        while self._connections and self.loop.time() < until:
            await self._beat()

    def _accept(self, listener: Any) -> None:
        try:
            client, _ = listener.accept()
        except BlockingIOError:  # another process accepted it
            return
        except OSError as error:  # such as too many open files
            self.log.warning("A connection could not be accepted: %s", error)
            self._make_room()
            return
        if len(self._connections) >= self.most:
            self._make_room()
        task = self.loop.create_task(self._connect(client))
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)

    async def _connect(self, client: socket.socket) -> None:
        client.setblocking(False)
        await self.loop.connect_accepted_socket(lambda: Connection(self), client)

    def _make_room(self) -> None:
        """Close the oldest waiting connection of the client that has the most."""
        senders = Counter(rate_limit_address(connection.address) for connection in self._waiting)
        if not senders:
            return
        [(sender, _)] = senders.most_common(1)
        oldest = next(each for each in self._waiting if rate_limit_address(each.address) == sender)
        oldest.evict()

    # --- Called by connections ------------------------------------------------------------------

    def connection_opened(self, connection: Connection) -> None:
        self._connections.add(connection)

    def connection_closed(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._waiting.pop(connection, None)
        if self.is_stopping and not self._connections:
            self._woken.set()

    def connection_waits(self, connection: Connection) -> None:
        self._waiting.pop(connection, None)
        self._waiting[connection] = None

    def run_request(self, connection: Connection) -> None:
        self._waiting.pop(connection, None)
        self._pool.submit(connection.respond)

    def count_held_bytes(self, size: int) -> None:
        """Count bytes held for a client; above the maximum, close the connection with the most."""
        self._held += size
        if size > 0 and self._held > MAX_HELD_BYTES and self._waiting:
            max(self._waiting, key=lambda each: each.held).evict()


def files_allowed(wanted: int) -> int:
    """Raise the limit of open files as far as needed; return the connections it allows.

    A connection can need two files: its socket, and a body stored on disk.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * wanted + OTHER_FILES
    if soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(1, (soft - OTHER_FILES) // 2)
