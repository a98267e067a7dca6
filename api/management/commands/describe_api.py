"""Write the API's description to where it is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from api.openapi.document import document_bytes


class Command(BaseCommand):
    help = "Write docs/openapi.json. A changed contract shows in its diff."

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.BASE_DIR) / "docs" / "openapi.json"
        path.write_bytes(document_bytes())
        self.stdout.write(f"{path}\n")
