"""Run background jobs."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from gunicorn.reloader import reloader_engines  # type: ignore[import-untyped]  # has no types

from harmonic.jobs.worker import LEAST_CONCURRENCY, MAX_CONCURRENCY, RESERVED, JobWorker
from harmonic.server.config import reload_extra_files
from harmonic.server.threads import start_writing


class Command(BaseCommand):
    help = "Run background jobs until a signal ends it. Several workers can run at a time."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--concurrency",
            type=int,
            default=os.environ.get("HARMONIC_JOBS", "10"),
            help=f"jobs at a time, {RESERVED} of them reserved for short ones (%(default)s)",
        )

    def handle(self, *args: Any, concurrency: int, **options: Any) -> None:
        if not LEAST_CONCURRENCY <= concurrency <= MAX_CONCURRENCY:
            raise CommandError(
                f"The concurrency is {LEAST_CONCURRENCY} to {MAX_CONCURRENCY}, not {concurrency}."
            )
        worker = JobWorker(concurrency)
        worker.stop_on_signals()
        start_writing()
        changed = _stop_on_changes(worker) if os.environ.get("HARMONIC_RELOAD") == "1" else []
        has_ended = worker.run()
        if changed:
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 its own command
        if not has_ended:
            # The threads of its jobs do not end by themselves.
            os._exit(0)


def _stop_on_changes(worker: JobWorker) -> list[str]:
    """Stop the worker when code or a template changes; return the list of those that did."""
    changed: list[str] = []

    def stop(name: str) -> None:
        changed.append(name)
        worker.stop()

    # Runs read pages in this process.
    reloader_engines["auto"](extra_files=reload_extra_files, callback=stop).start()
    return changed
