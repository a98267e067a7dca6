"""Write the API's description to the file that is served."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from api.openapi.document import FILE


class Command(BaseCommand):
    help = "Write docs/openapi.json, where every change of the contract shows in the diff."

    def handle(self, *args: Any, **options: Any) -> None:
        # pydantic, which builds it, is a package of development.
        from api.openapi.build import built

        FILE.write_bytes(built())
        self.stdout.write(f"{FILE}\n")
