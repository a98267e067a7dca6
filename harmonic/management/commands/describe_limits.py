"""Write the reference of limits, docs/limits.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.urls import get_resolver

from harmonic.site.bounds.document import document


class Command(BaseCommand):
    help = "Write docs/limits.md. Its diff shows changed limits."

    def handle(self, *args: Any, **options: Any) -> None:
        # Mounting the pages registers their actions.
        _ = get_resolver().url_patterns
        path = Path(settings.BASE_DIR) / "docs" / "limits.md"
        path.write_text(document())
        self.stdout.write(f"{path}\n")
