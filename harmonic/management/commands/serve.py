"""Serve requests, without running background jobs."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand

from harmonic.server.supervisor import SERVER


class Command(BaseCommand):
    help = "Serve requests until a signal ends it. `manage.py work` runs the background jobs."
    # The server loads the application itself.
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        os.execv(sys.executable, SERVER)  # noqa: S606 the command is a constant
