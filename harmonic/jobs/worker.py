"""The worker: threads that run jobs, a heartbeat, and the takeover of interrupted jobs."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
import uuid
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any
from uuid import UUID

from django.db import Error, close_old_connections, connection

from harmonic.jobs import claims, regular, running
from harmonic.jobs.claims import Claim
from harmonic.jobs.heartbeat import Heartbeat
from harmonic.kernel.database import outages
from harmonic.kernel.operations import jobs
from harmonic.kernel.operations.jobs import LONG, SHORT

# Threads that only short jobs use.
RESERVED = 2
LEAST_CONCURRENCY, MAX_CONCURRENCY = RESERVED + 1, 64
# Seconds between two looks at the queue, and between two looks for lost workers and regular work.
POLLED_EVERY, SWEPT_EVERY = 0.5, 5.0
# Seconds that running jobs have to end when the worker is stopped.
GRACE = 10.0
_log = logging.getLogger(__name__)


class JobWorker:
    """A process that runs at most `concurrency` jobs at a time."""

    def __init__(self, concurrency: int) -> None:
        self.id = uuid.uuid4()
        self._free = {SHORT: RESERVED, LONG: concurrency - RESERVED}
        self._pools = {
            queue: ThreadPoolExecutor(size, f"job-{queue}") for queue, size in self._free.items()
        }
        self._running: dict[UUID, Claim] = {}
        self._futures: set[Future[None]] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._is_stopping = False
        self._swept_at = 0.0
        self._heartbeat = Heartbeat(self.id)

    def run(self) -> bool:
        """Run jobs until `stop`; return False if threads are left that do not end."""
        claims.register(self.id, socket.gethostname(), os.getpid())
        self._heartbeat.start()
        _log.info("The worker has started.", extra={"worker": str(self.id)})
        while not self._is_stopping:
            try:
                self._look()
            except Exception as error:
                _waits(error)
                connection.close()
                self._wake.wait(SWEPT_EVERY)
            self._wake.wait(POLLED_EVERY)
            self._wake.clear()
        return self._end()

    def stop(self) -> None:
        """Stop after the running jobs."""
        self._is_stopping = True
        self._wake.set()

    def stop_on_signals(self) -> None:
        """Stop on SIGINT, SIGTERM and SIGHUP; the second of them ends the process at once."""

        def handle(number: int, frame: Any) -> None:
            if self._is_stopping:
                os._exit(1)
            self.stop()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, handle)

    def _look(self) -> None:
        close_old_connections()
        if time.monotonic() >= self._swept_at + SWEPT_EVERY:
            self._swept_at = time.monotonic()
            self._sweep()
        for queue in self._free:
            while self._free[queue] > 0 and not self._is_stopping:
                claim = claims.claim_next(self.id, queue)
                if claim is None:
                    break
                self._submit(queue, claim)

    def _sweep(self) -> None:
        regular.enqueue_due()
        if not self._heartbeat.is_steady:
            return
        claims.give_up_lost_workers()
        with self._lock:
            own = list(self._running)
        for claim in claims.take_over(self.id, own):
            self._submit(SHORT, claim, is_interrupted=True)

    def _submit(self, queue: str, claim: Claim, *, is_interrupted: bool = False) -> None:
        with self._lock:
            self._running[claim.row.id] = claim
            self._free[queue] -= 1
        future = self._pools[queue].submit(self._work, queue, claim, is_interrupted)
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)

    def _work(self, queue: str, claim: Claim, is_interrupted: bool) -> None:
        close_old_connections()
        try:
            (running.interrupted if is_interrupted else running.run)(claim)
        except Exception:
            _log.exception("The end of a job was not recorded: %s", claim.row.id)
        finally:
            close_old_connections()
            with self._lock:
                del self._running[claim.row.id]
                self._free[queue] += 1
            self._wake.set()

    def _end(self) -> bool:
        """Wait for the running jobs, and hand back those that do not end."""
        jobs.stop()
        wait(list(self._futures), timeout=GRACE)
        with self._lock:
            left = list(self._running.values())
        for claim in left:
            running.interrupted(claim)
        self._heartbeat.stop()
        try:
            claims.leave(self.id)
        except Error as error:
            _waits(error)
        _log.info("The worker has stopped.", extra={"worker": str(self.id)})
        return not left


def _waits(error: Exception) -> None:
    """Log that the queue could not be read or written; the worker goes on."""
    if outages.is_outage(error):
        _log.warning("The worker waits, because the database is unavailable.")
    else:
        _log.error("The worker could not use the queue.", exc_info=error)
