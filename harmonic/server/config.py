"""The configuration of gunicorn. Threads run the application, which waits on the database.

Environment: HARMONIC_BIND, HARMONIC_PORT, WEB_CONCURRENCY (processes), HARMONIC_THREADS and
HARMONIC_CONNECTIONS (per process), HARMONIC_RELOAD=1 (restart when code or templates change),
HARMONIC_LOG_LEVEL, HARMONIC_LOG_FORMAT.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any

from harmonic.kernel.operations import log_format
from harmonic.kernel.operations.logs import formatter

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"

wsgi_app = "harmonic.wsgi:application"
bind = f"{os.environ.get('HARMONIC_BIND', '127.0.0.1')}:{os.environ.get('HARMONIC_PORT', '8000')}"

reload = os.environ.get("HARMONIC_RELOAD") == "1"
reload_extra_files = [str(path) for path in TEMPLATES.rglob("*.*")] if reload else []

worker_class = "harmonic.server.worker.ConnectionWorker"
workers = 1 if reload else int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("HARMONIC_THREADS", "8"))
worker_connections = int(os.environ.get("HARMONIC_CONNECTIONS", "1000"))
# The code is loaded once for all processes: a faster start, shared memory, and an error at start
# stops the server. Reloading requires each process to load it.
preload_app = not reload

timeout = 60
graceful_timeout = 30
keepalive = 5
# The maximum that gunicorn allows (docs/operations.md).
limit_request_line = 8190
limit_request_field_size = 8190
limit_request_fields = 100
# A heartbeat must not wait for a disk.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108

# The server is controlled by signals only, and keeps no socket in a home folder.
control_socket_disable = True

# The application logs its own requests.
accesslog = None
errorlog = "-"
loglevel = "info"
# The server's log lines and Python's warnings have the format of the application's.
logging.captureWarnings(True)
_environment = os.environ.get("HARMONIC_ENV", "local")
_format = os.environ.get("HARMONIC_LOG_FORMAT", log_format.default_format(_environment))
_level = os.environ.get("HARMONIC_LOG_LEVEL", log_format.default_level(_environment))
logconfig_dict = {
    "formatters": {"line": formatter(_environment, _format)},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"level": _level, "handlers": ["stderr"]},
    "loggers": {
        "gunicorn.error": {"level": _level, "handlers": ["stderr"], "propagate": False},
    },
}


def when_ready(server: Any) -> None:
    """Tell the person at the terminal that the server accepts requests."""
    if _format == log_format.TEXT:
        sys.stdout.write("\nReady. Ctrl-C stops it.\n")
        sys.stdout.flush()


def pre_fork(server: Any, worker: Any) -> None:
    """Close connections opened while the code was loaded; they must not be shared by processes."""
    if preload_app:
        from django.db import connections

        connections.close_all()


def post_worker_init(worker: Any) -> None:
    """Start the threads of the process."""
    from harmonic.server.threads import start_writing

    start_writing()
