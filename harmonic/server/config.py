"""gunicorn's settings: threads run the application, because its code waits on a database.

Environment: HARMONIC_BIND, HARMONIC_PORT, WEB_CONCURRENCY (processes), HARMONIC_THREADS and
HARMONIC_CONNECTIONS (in each), HARMONIC_RELOAD=1 (restart when code or a template changes).
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from harmonic.kernel.operations.logs import formatter

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"

wsgi_app = "harmonic.wsgi:application"
bind = f"{os.environ.get('HARMONIC_BIND', '127.0.0.1')}:{os.environ.get('HARMONIC_PORT', '8000')}"

reload = os.environ.get("HARMONIC_RELOAD") == "1"
reload_extra_files = [str(path) for path in TEMPLATES.rglob("*.*")] if reload else []

worker_class = "harmonic.server.worker.Worker"
workers = 1 if reload else int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("HARMONIC_THREADS", "8"))
worker_connections = int(os.environ.get("HARMONIC_CONNECTIONS", "1000"))
# One load of the code for all processes: a quicker start, shared memory, and a fault at start
# ends the server. Reloading needs each process to load for itself.
preload_app = not reload

timeout = 60
graceful_timeout = 30
keepalive = 5
# The most that gunicorn allows; docs/operations.md names them.
limit_request_line = 8190
limit_request_field_size = 8190
limit_request_fields = 100
# The heartbeat file must not wait for a disk.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108

# No second way to steer the server, and nothing kept in anybody's home folder.
control_socket_disable = True

# The application logs its own requests.
accesslog = None
errorlog = "-"
loglevel = "info"
# The lines of the server have the format of the application's; so have Python's warnings.
logging.captureWarnings(True)
logconfig_dict = {
    "formatters": {"json": formatter(os.environ.get("HARMONIC_ENV", "local"))},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"level": "INFO", "handlers": ["stderr"]},
    "loggers": {
        "gunicorn.error": {"level": "INFO", "handlers": ["stderr"], "propagate": False},
    },
}


def pre_fork(server: Any, worker: Any) -> None:
    """Close what the loading of the code may have opened: no connection outlives a fork."""
    if preload_app:
        from django.db import connections

        connections.close_all()


def post_worker_init(worker: Any) -> None:
    """Write every minute what the process still knows of the use of tokens."""
    from harmonic.mcp.calls import flush_regularly
    from tokens.usage import settle_every_minute

    settle_every_minute()
    flush_regularly()
