"""Write the reference of actions, docs/actions.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from harmonic.site.action_reference import document


class Command(BaseCommand):
    help = "Write docs/actions.md. Its diff shows changed actions."

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.BASE_DIR) / "docs" / "actions.md"
        path.write_text(document())
        self.stdout.write(f"{path}\n")
