"""Run background jobs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from harmonic.jobs.worker import RESERVED, Worker

# Jobs at a time: eight long ones, and the threads reserved for short ones.
CONCURRENCY = 8 + RESERVED


class Command(BaseCommand):
    help = "Run background jobs until a signal ends it. Several workers can run at a time."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--concurrency",
            type=int,
            default=CONCURRENCY,
            help=f"jobs at a time, {RESERVED} of them reserved for short ones (%(default)s)",
        )

    def handle(self, *args: Any, concurrency: int, **options: Any) -> None:
        worker = Worker(concurrency)
        worker.stop_on_signals()
        worker.run()
