"""Run the server and a worker together: `python -m harmonic.server.supervisor`, for `make run`.

A signal stops both. If the worker ends it is started again, after a pause that grows while it
keeps failing. If the server ends, everything ends. This process does not load the application.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from harmonic.kernel.operations.log_format import TEXT, default_format, text_of

ROOT = Path(__file__).resolve().parents[2]
SERVER = [sys.executable, "-m", "gunicorn", "--config", "python:harmonic.server.config"]
WORKER = [sys.executable, str(ROOT / "manage.py"), "work"]

# Seconds until a worker is started again after its first failure, and after many.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
# A worker that ran for this many seconds had started well.
STARTED_WELL = 60.0
# Seconds that both have to stop: the server's `graceful_timeout`, and some more.
STOPPED_WITHIN = 40.0
ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
# Linux: the signal that a process gets when its parent ends.
PR_SET_PDEATHSIG = 1


class Supervisor:
    """The parent of the server and the worker."""

    def __init__(self) -> None:
        self._signals: list[int] = []
        self._reading, self._writing = socket.socketpair()
        self._worker: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._restarted_at = 0.0
        self._pause = 0.0

    def run(self) -> int:
        """Run both until a signal or the end of the server; return the server's exit code."""
        self._listen()
        self._server = start(SERVER)
        while self._server.poll() is None and not self._signals:
            self._keep_worker()
            self._wait(1.0)
        return self._stop()

    def _listen(self) -> None:
        """Make each signal end the wait for events."""
        for end in (self._reading, self._writing):
            end.setblocking(False)
        signal.set_wakeup_fd(self._writing.fileno())
        for number in ENDING:
            signal.signal(number, self._note)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._signals.append(number)

    def _wait(self, seconds: float) -> None:
        if select.select([self._reading], [], [], seconds)[0]:
            self._reading.recv(4096)

    def _keep_worker(self) -> None:
        """Start the worker, or restart it after its pause."""
        now = time.monotonic()
        if self._worker is not None and self._worker.poll() is not None:
            if now - self._started_at >= STARTED_WELL:
                self._pause = 0.0
            self._pause = min(max(2 * self._pause, FIRST_PAUSE), LONGEST_PAUSE)
            self._restarted_at = now + self._pause
            warn(
                "The worker ended and is started again.",
                code=self._worker.returncode,
                seconds=self._pause,
            )
            self._worker = None
        if self._worker is None and now >= self._restarted_at:
            self._worker, self._started_at = start(WORKER), now

    def _stop(self) -> int:
        until = time.monotonic() + STOPPED_WITHIN
        processes = [each for each in (self._server, self._worker) if each is not None]
        pending = self._signals or [signal.SIGTERM]
        while any(each.poll() is None for each in processes) and time.monotonic() < until:
            while pending:
                number = pending.pop(0)
                send(self._server, signal.SIGTERM if number == signal.SIGHUP else number)
                send(self._worker, signal.SIGTERM)
            self._wait(1.0)
            pending = self._signals
        for each in processes:
            send(each, signal.SIGKILL)
        return self._server.wait()


def start(command: list[str]) -> subprocess.Popen[bytes]:
    """Start a process that gets only the signals of this one."""
    return subprocess.Popen(  # noqa: S603 the commands are constants
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        # Ctrl-C in a terminal reaches a whole process group. Each process gets it once, from here.
        process_group=0,
        preexec_fn=end_with_parent,
    )


def end_with_parent() -> None:
    """Have a new process end when this one is killed, where the system can do that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def send(process: subprocess.Popen[bytes] | None, number: int) -> None:
    if process is not None and process.poll() is None:
        process.send_signal(number)


def warn(event: str, **facts: float) -> None:
    """Write a line in the format of the application's log."""
    environment = os.environ.get("HARMONIC_ENV", "local")
    line = {
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "event": event,
        "severity": "warning",
        "environment": environment,
        **facts,
    }
    form = os.environ.get("HARMONIC_LOG_FORMAT", default_format(environment))
    text = text_of(line) if form == TEXT else json.dumps(line)
    os.write(2, f"{text}\n".encode())


if __name__ == "__main__":
    sys.exit(Supervisor().run())
