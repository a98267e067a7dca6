"""The heartbeat of a worker, in a thread of its own."""

from __future__ import annotations

import logging
import os
import threading
import time
from uuid import UUID

from django.db import Error, connection

from harmonic.jobs import claims
from harmonic.jobs.models import Worker

# Seconds of regular heartbeats before a worker judges others: after an outage of the database or
# a pause of the machine, they need time for their own.
STEADY_AFTER = 10.0
_log = logging.getLogger(__name__)


class Heartbeat:
    """Thread that renews the heartbeat of a worker, and ends the process if it was given up."""

    def __init__(self, worker_id: UUID) -> None:
        self._worker_id = worker_id
        self._every = Worker.BEATS_EVERY.total_seconds()
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._steady_since = self._last = time.monotonic()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_stopped.set()
        self._thread.join(self._every)

    @property
    def is_steady(self) -> bool:
        """Return whether the heartbeats have been regular for a while."""
        now = time.monotonic()
        return now - self._last < 2 * self._every and now - self._steady_since >= STEADY_AFTER

    def _run(self) -> None:
        while not self._is_stopped.wait(self._every):
            try:
                self._beat()
            except Error as error:
                _log.warning("The heartbeat failed: %s", type(error).__name__)
                connection.close()
        connection.close()

    def _beat(self) -> None:
        if not claims.renew_heartbeat(self._worker_id):
            _log.error("This worker was given up, because its heartbeats came too late.")
            # Other workers have its jobs, which must not go on here.
            os._exit(1)
        now = time.monotonic()
        if now - self._last > 2 * self._every:
            self._steady_since = now
        self._last = now
